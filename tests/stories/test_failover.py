"""The main job as stories: the real failover function over emulated AWS, judged by what EC2 shows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lab.ec2.timings import Behaviour, PersistedMeans
from tandem.errors import TandemError, TemporaryError
from tests.crashing import meanwhile
from tests.stack import MOVING, Stack, edge_document, stack


@pytest.fixture
def edge():
    with stack() as s:
        yield s


def reasons(s: Stack) -> list[str]:
    """The reason of each hold that was recorded, oldest first."""
    holds = [r.body for r in s.audit() if r.body["kind"] == "hold"]
    return [group["reason"] for body in holds for group in body["groups"].values()]


def test_a_converged_topology_is_never_touched(edge: Stack) -> None:
    for _ in range(3):
        edge.sweep()
    assert edge.calls(*MOVING) == []
    assert edge.audit() == []
    assert edge.events() == []


def test_appliance_dies(edge: Stack) -> None:
    edge.levers.kill(name="fw1")
    edge.run(5)
    assert edge.are_all_with("fw2")
    assert len(edge.calls(*MOVING)) == 4
    assert edge.kinds() == ["intent", "outcome"]
    intent, outcome = (r.body for r in edge.audit())
    assert "fw1 has no session with BGP up" in intent["groups"]["internet-edge"]["reason"]
    assert intent["evidence"]["fib"][0]["next_hop"] == "10.0.2.10"
    assert outcome["decision_id"] == intent["decision_id"]
    assert [a["outcome"] for a in outcome["addresses"]] == ["verified"] * 4
    assert [e["detail-type"] for e in edge.events()] == ["Failover Decision", "Failover Completed"]


def test_appliance_comes_back_and_the_addresses_go_back_with_the_route(edge: Stack) -> None:
    edge.levers.kill(name="fw1")
    edge.run(5)
    edge.clock.sleep(30)
    edge.levers.restore(name="fw1")
    edge.run(10)
    assert edge.are_all_with("fw1")
    assert len(edge.calls(*MOVING)) == 8


def test_graceful_withdraw_with_all_sessions_up(edge: Stack) -> None:
    edge.levers.withdraw(name="fw1", prefix="0.0.0.0/0")
    edge.clock.sleep(5)
    assert edge.deliver() == 0
    edge.sweep()
    assert edge.are_all_with("fw2")


def test_every_event_lost(edge: Stack) -> None:
    edge.levers.kill(name="fw1")
    edge.clock.sleep(60)
    edge.sweep()
    assert edge.are_all_with("fw2")


def test_one_session_of_a_live_appliance_goes_down(edge: Stack) -> None:
    edge.levers.session(name="fw1", endpoint="az1-a", state="down")
    edge.run(5)
    assert edge.are_all_with("fw1")
    assert edge.calls(*MOVING) == []
    assert edge.audit() == []


def test_only_the_first_of_two_sessions_is_down_yet(edge: Stack) -> None:
    edge.levers.session(name="fw1", endpoint="az1-a", state="down")
    edge.clock.sleep(0.4)
    edge.levers.session(name="fw1", endpoint="az1-b", state="down")
    assert edge.deliver(most=1) == 1
    assert edge.are_all_with("fw2")


def test_all_sessions_of_both_appliances_down(edge: Stack) -> None:
    edge.levers.kill(name="fw1")
    edge.levers.kill(name="fw2")
    edge.run(40)
    assert edge.are_all_with("fw1")
    assert edge.calls(*MOVING) == []
    assert "0.0.0.0/0 is not in the FIB" in reasons(edge)[-1]


@pytest.mark.parametrize("meaning", PersistedMeans)
def test_persisted_routes_show_the_past(meaning: PersistedMeans) -> None:
    with stack(behaviour=Behaviour(persisted_means=meaning), persist_minutes=1) as s:
        s.levers.kill(name="fw2")
        s.run(5)
        s.levers.kill(name="fw1")
        s.run(45)
        assert s.calls(*MOVING) == []
        assert "fw1, which has no session with BGP up: it shows the past" in reasons(s)[-1]


def test_both_restart_and_come_back_in_the_other_order(edge: Stack) -> None:
    for name in ("fw1", "fw2"):
        edge.levers.kill(name=name)
    edge.run(40)
    edge.levers.restore(name="fw2")
    edge.run(5)
    assert edge.are_all_with("fw2")
    edge.run(30)
    edge.levers.restore(name="fw1")
    edge.run(10)
    assert edge.are_all_with("fw1")
    assert edge.kinds()[-1] == "outcome"


def test_describes_that_lag_behind_the_signal(edge: Stack) -> None:
    for action in ("DescribeRouteServerPeers", "GetRouteServerRoutingDatabase"):
        edge.levers.fault(action=action, lag_s=4)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(1.5)
    assert edge.deliver(most=1) == 1
    assert edge.are_all_with("fw2")


def test_endpoint_maintenance_moves_nothing(edge: Stack) -> None:
    edge.levers.maintenance(endpoint="az1-a", seconds=20)
    edge.run(40)
    assert edge.calls(*MOVING) == []
    assert edge.audit() == []


def test_target_without_its_private_ip_holds_and_moves_once_it_is_there(edge: Stack) -> None:
    ec2, interface = edge.lab.client(), edge.ids["interfaces"]["fw2"]
    ec2.unassign_private_ip_addresses(NetworkInterfaceId=interface, PrivateIpAddresses=["10.0.2.20"])
    edge.levers.kill(name="fw1")
    edge.run(5)
    assert edge.holders() == {"eip1": "fw1", "eip2": "fw2", "eip3": "fw2", "eip4": "fw2"}
    assert "does not have the private IP 10.0.2.20" in reasons(edge)[-1]
    ec2.assign_private_ip_addresses(NetworkInterfaceId=interface, PrivateIpAddresses=["10.0.2.20"])
    edge.sweep()
    assert edge.are_all_with("fw2")
    assert edge.kinds()[-1] == "hold-ended"


def test_strangers_address_on_the_target_is_not_thrown_off(edge: Stack) -> None:
    ec2 = edge.lab.client()
    strange = ec2.allocate_address(Domain="vpc")["AllocationId"]
    edge.levers.associate_as_stranger(
        allocation_id=strange, network_interface_id=edge.ids["interfaces"]["fw2"], private_ip="10.0.2.21"
    )
    edge.levers.kill(name="fw1")
    edge.run(5)
    assert edge.holders()["eip2"] == "fw1"
    found = ec2.describe_addresses(AllocationIds=[strange])["Addresses"][0]
    assert found["PrivateIpAddress"] == "10.0.2.21"
    assert f"another Elastic IP, {strange}" in reasons(edge)[-1]


def test_target_interface_on_a_stopped_instance(edge: Stack) -> None:
    edge.override(action="pinned", appliance="fw2", until="2026-01-02T00:00:00+00:00", forced=True)
    edge.levers.instance(name="fw2", state="stopped")
    edge.clock.sleep(5)
    edge.sweep()
    assert edge.are_all_with("fw1")
    assert "stopped" in reasons(edge)[-1]


def test_undeclared_next_hop(edge: Stack) -> None:
    edge.levers.advertise(name="fw1", prefix="0.0.0.0/0", as_path=[65001], next_hop="10.0.12.99")
    edge.clock.sleep(5)
    edge.sweep()
    assert edge.calls(*MOVING) == []
    assert "10.0.12.99, which no declared appliance has" in reasons(edge)[-1]


def test_a_stranger_moves_an_address_to_an_undeclared_interface(edge: Stack) -> None:
    ec2 = edge.lab.client()
    strange = ec2.create_network_interface(SubnetId=edge.ids["subnets"]["az1"], PrivateIpAddress="10.0.1.99")
    interface = strange["NetworkInterface"]["NetworkInterfaceId"]
    address = edge.ids["elastic_ips"]["eip1"]["allocation_id"]
    edge.levers.associate_as_stranger(
        allocation_id=address, network_interface_id=interface, private_ip="10.0.1.99"
    )
    edge.forget_calls()
    edge.sweep()
    assert edge.calls(*MOVING) == []
    assert "which no appliance declares" in reasons(edge)[-1]


def test_a_stranger_releases_an_address(edge: Stack) -> None:
    ec2, lost = edge.lab.client(), edge.ids["elastic_ips"]["eip1"]["allocation_id"]
    found = ec2.describe_addresses(AllocationIds=[lost])["Addresses"][0]
    ec2.disassociate_address(AssociationId=found["AssociationId"])
    ec2.release_address(AllocationId=lost)
    edge.levers.kill(name="fw1")
    edge.run(5)
    assert edge.are_all_with("fw2")
    assert "was it released?" in reasons(edge)[-1]


def test_address_that_nobody_has_is_put_in_place(edge: Stack) -> None:
    ec2, loose = edge.lab.client(), edge.ids["elastic_ips"]["eip1"]["allocation_id"]
    found = ec2.describe_addresses(AllocationIds=[loose])["Addresses"][0]
    ec2.disassociate_address(AssociationId=found["AssociationId"])
    edge.forget_calls()
    edge.sweep()
    assert edge.are_all_with("fw1")
    (call,) = edge.calls("AssociateAddress")
    assert call["params"]["AllowReassociation"] in (False, "false")


def test_flapping_is_damped(edge: Stack) -> None:
    for name, turn in (("fw1", "withdraw"), ("fw1", "advertise")) * 3:
        if turn == "withdraw":
            edge.levers.withdraw(name=name, prefix="0.0.0.0/0")
        else:
            edge.levers.advertise(name=name, prefix="0.0.0.0/0", as_path=[65001])
        edge.clock.sleep(1)
        edge.sweep()
    moves = [c["start"] for c in edge.calls("AssociateAddress")]
    gaps = [round(b - a) for a, b in zip(moves[::4], moves[4::4], strict=False)]
    assert gaps == sorted(gaps)
    assert gaps[0] >= 5
    assert gaps[1] >= 10
    assert edge.are_all_with("fw1")


def test_paused_then_resumed(edge: Stack) -> None:
    edge.override(action="paused", until="2026-01-02T00:00:00+00:00")
    edge.levers.kill(name="fw1")
    edge.run(5)
    assert edge.calls(*MOVING) == []
    assert reasons(edge)[-1].startswith("paused by kim")
    edge.override()
    edge.sweep()
    assert edge.are_all_with("fw2")


def test_dry_run_decides_and_tells_and_moves_nothing(edge: Stack) -> None:
    edge.store(mode="dry-run")
    edge.levers.kill(name="fw1")
    edge.run(5)
    edge.sweep()
    edge.sweep()
    assert edge.are_all_with("fw1")
    assert {c["outcome"] for c in edge.calls("AssociateAddress")} == {"DryRunOperation"}
    assert len(edge.calls("AssociateAddress")) == 4
    (decision,) = edge.events()
    assert (decision["detail"]["action"], decision["detail"]["mode"]) == ("move", "dry-run")


def test_ec2_refuses_every_move_for_a_while(edge: Stack) -> None:
    edge.levers.fault(action="AssociateAddress", error="InternalError")
    edge.levers.kill(name="fw1")
    edge.run(5)
    for _ in range(3):
        edge.clock.sleep(60)
        edge.sweep()
    assert edge.are_all_with("fw1")
    assert [e["detail-type"] for e in edge.events()].count("Failover Failed") == 1
    edge.levers.faults_clear()
    edge.sweep()
    assert edge.are_all_with("fw2")
    assert "hold-ended" in edge.kinds()


def test_a_transient_refusal_is_tried_again_within_the_invocation(edge: Stack) -> None:
    edge.levers.fault(action="AssociateAddress", error="IncorrectInstanceState", count=2)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()
    assert edge.are_all_with("fw2")


def test_reads_that_fail_are_tried_again_within_the_invocation(edge: Stack) -> None:
    edge.levers.fault(action="DescribeAddresses", error="RequestLimitExceeded", count=4)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()
    assert edge.are_all_with("fw2")


def test_a_readiness_read_that_fails_once_is_no_hold(edge: Stack) -> None:
    edge.levers.withdraw(name="fw1", prefix="0.0.0.0/0")
    edge.clock.sleep(3)
    edge.levers.fault(action="DescribeInstances", error="InternalError", count=3)
    edge.sweep()
    assert edge.are_all_with("fw2")
    assert "hold" not in edge.kinds()


def test_a_readiness_read_that_keeps_failing_costs_a_converged_look_nothing(edge: Stack) -> None:
    edge.levers.fault(action="DescribeInstances", error="UnauthorizedOperation")
    began = edge.clock.now()
    edge.sweep()
    assert edge.clock.now() - began < timedelta(seconds=1)
    assert edge.audit() == []


def test_reads_that_keep_failing_raise_and_leave_no_lease(edge: Stack) -> None:
    edge.levers.fault(action="GetRouteServerRoutingDatabase", error="InternalError")
    with pytest.raises(TemporaryError, match="GetRouteServerRoutingDatabase"):
        edge.sweep()
    edge.levers.faults_clear()
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()
    assert edge.are_all_with("fw2")


def test_a_message_from_another_topic_is_refused(edge: Stack) -> None:
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.invoke(
        {"Records": [{"Sns": {"TopicArn": "arn:aws:sns:us-east-1:123456789012:other", "Message": "x"}}]}
    )
    assert edge.calls() == []
    assert edge.are_all_with("fw1")


def test_a_message_of_unknown_shape_still_causes_a_look(edge: Stack) -> None:
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.invoke({"Records": [{"Sns": {"TopicArn": edge.ids["sns_topic_arn"], "Message": "who knows"}}]})
    assert edge.are_all_with("fw2")


def test_an_unknown_bus_event_is_ignored(edge: Stack) -> None:
    edge.invoke({"source": "tandem", "detail-type": "Something New", "detail": {"topology": "edge"}})
    assert edge.calls() == []


def stranger_moves(s: Stack, name: str, to: str) -> None:
    address = s.ids["elastic_ips"][name]
    s.levers.associate_as_stranger(
        allocation_id=address["allocation_id"],
        network_interface_id=s.ids["interfaces"][to],
        private_ip=address["targets"][to],
    )


def test_an_address_that_a_person_moved_is_put_right(edge: Stack) -> None:
    stranger_moves(edge, "eip1", "fw2")
    edge.sweep()
    assert edge.are_all_with("fw1")
    assert len(edge.calls("AssociateAddress")) == 1


def test_a_second_mover_is_told_not_fought(edge: Stack) -> None:
    """The appliance's own script moves the address as well, again and again."""
    for _ in range(6):
        stranger_moves(edge, "eip1", "fw2")
        edge.clock.sleep(20)
        edge.sweep()
    assert len(edge.calls("AssociateAddress")) == 3
    assert edge.holders() == {"eip1": "fw2", "eip2": "fw1", "eip3": "fw1", "eip4": "fw1"}
    assert "find the second mover" in reasons(edge)[-1]
    edge.clock.sleep(600)
    edge.sweep()
    assert edge.are_all_with("fw1")


def test_a_second_mover_keeps_nobody_on_a_dead_appliance(edge: Stack) -> None:
    for _ in range(5):
        stranger_moves(edge, "eip1", "fw2")
        edge.clock.sleep(20)
        edge.sweep()
    edge.levers.kill(name="fw2")
    edge.run(5)
    assert edge.are_all_with("fw1")


def test_preemption_with_all_sessions_up(edge: Stack) -> None:
    edge.levers.advertise(name="fw2", prefix="0.0.0.0/0", as_path=[65002])
    edge.levers.advertise(name="fw1", prefix="0.0.0.0/0", as_path=[65001, 65001])
    edge.clock.sleep(3)
    assert edge.deliver() == 0
    edge.sweep()
    assert edge.are_all_with("fw2")


def test_two_halves_instead_of_the_tracked_default(edge: Stack) -> None:
    for half in ("0.0.0.0/1", "128.0.0.0/1"):
        edge.levers.advertise(name="fw2", prefix=half)
    edge.levers.withdraw(name="fw1", prefix="0.0.0.0/0")
    edge.levers.withdraw(name="fw2", prefix="0.0.0.0/0")
    edge.clock.sleep(3)
    edge.sweep()
    assert edge.calls(*MOVING) == []
    assert "more specific ones are: 0.0.0.0/1, 128.0.0.0/1" in reasons(edge)[-1]


def test_bfd_flaps_while_bgp_stays_up(edge: Stack) -> None:
    for state in ("down", "up") * 3:
        edge.levers.session(name="fw1", endpoint="az1-a", state=state, protocol="bfd")
        edge.run(3)
    assert edge.are_all_with("fw1")
    assert edge.calls(*MOVING) == []


def test_bfd_never_comes_up_while_bgp_does(edge: Stack) -> None:
    for endpoint in ("az2-a", "az2-b"):
        edge.levers.session(name="fw2", endpoint=endpoint, state="down", protocol="bfd")
    edge.run(3)
    edge.levers.kill(name="fw1")
    edge.run(5)
    held_by_route = edge.holders()
    edge.levers.session(name="fw2", endpoint="az2-a", state="up", protocol="bfd")
    edge.run(5)
    assert set(held_by_route.values()) in ({"fw1"}, {"fw2"})
    assert edge.are_all_with("fw2")


def test_row_rejected_by_a_static_route(edge: Stack) -> None:
    """With the holder alive it holds with AWS's reason; with the holder dead it moves and reports."""
    edge.lab.client().create_route(
        RouteTableId=edge.ids["route_tables"]["protected"],
        DestinationCidrBlock="0.0.0.0/0",
        GatewayId=edge.ids["internet_gateway_id"],
    )
    edge.levers.withdraw(name="fw1", prefix="0.0.0.0/0")
    edge.clock.sleep(3)
    edge.sweep()
    assert edge.calls(*MOVING) == []
    assert "is rejected by every route table" in reasons(edge)[-1]
    edge.levers.kill(name="fw1")
    edge.run(5)
    assert edge.are_all_with("fw2")


def test_target_interface_is_detached(edge: Stack) -> None:
    """The interface that the addresses should go to is not on the instance any more."""
    client, interface = edge.lab.client(), edge.ids["interfaces"]["fw2"]
    edge.levers.instance(name="fw2", state="terminated")
    edge.clock.sleep(3)
    edge.levers.kill(name="fw1")
    edge.run(40)
    assert edge.calls(*MOVING) == []
    assert edge.kinds()[-1] == "hold"
    assert interface not in {
        i["NetworkInterfaceId"] for i in client.describe_network_interfaces()["NetworkInterfaces"]
    }


def test_pinned_to_the_standby_and_released(edge: Stack) -> None:
    edge.override(action="pinned", appliance="fw2", until="2026-01-02T00:00:00+00:00")
    edge.sweep()
    assert edge.are_all_with("fw2")
    edge.override()
    edge.clock.sleep(10)
    edge.sweep()
    assert edge.are_all_with("fw1")


def test_pinned_to_a_dead_appliance_holds_and_forced_moves(edge: Stack) -> None:
    edge.levers.kill(name="fw2")
    edge.run(5)
    edge.override(action="pinned", appliance="fw2", until="2026-01-02T00:00:00+00:00")
    edge.sweep()
    assert edge.are_all_with("fw1")
    assert "but fw2 has no session with BGP up" in reasons(edge)[-1]
    edge.override(action="pinned", appliance="fw2", until="2026-01-02T00:00:00+00:00", forced=True)
    edge.sweep()
    assert edge.are_all_with("fw2")
    intent = next(r.body for r in reversed(edge.audit()) if r.body["kind"] == "intent")
    assert "forced" in intent["groups"]["internet-edge"]["reports"][0]


def test_the_topology_changes_in_mid_failover(edge: Stack) -> None:
    """A document stored while a look runs counts from the next look on; the addresses stay with the route."""
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    with meanwhile(4, lambda: edge.store(mode="dry-run")):
        edge.sweep()
    assert edge.are_all_with("fw2")
    edge.levers.restore(name="fw1")
    edge.run(10)
    assert edge.are_all_with("fw2")


def test_active_active_with_two_groups(edge: Stack) -> None:
    """Each appliance owns a prefix and the addresses that follow it."""
    addresses = edge_document(edge.ids)["groups"][0]["elastic_ips"]
    edge.levers.advertise(name="fw2", prefix="10.20.0.0/16")
    edge.clock.sleep(3)
    edge.store(
        groups=[
            {"name": "north", "prefixes": ["0.0.0.0/0"], "elastic_ips": addresses[:2]},
            {"name": "south", "prefixes": ["10.20.0.0/16"], "elastic_ips": addresses[2:]},
        ]
    )
    edge.sweep()
    assert edge.holders() == {"eip1": "fw1", "eip2": "fw1", "eip3": "fw2", "eip4": "fw2"}
    edge.levers.advertise(name="fw1", prefix="10.20.0.0/16", as_path=[65001, 65001])
    edge.levers.kill(name="fw2")
    edge.run(10)
    assert edge.are_all_with("fw1")


def test_one_sick_topology_delays_no_other(edge: Stack) -> None:
    route_server = {"id": "rs-0gone", "vpc_id": edge.ids["vpc_id"]}
    edge.store(name="sick", route_server=route_server)
    edge.store()
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    with pytest.raises(TandemError, match="rs-0gone"):
        edge.deliver()
    edge.run(5)
    assert edge.are_all_with("fw2")


def test_a_late_message_from_before_the_failure_says_nothing_any_more(edge: Stack) -> None:
    """SNS delivers an "up" after the "down" that followed it."""
    edge.levers.session(name="fw1", endpoint="az1-a", state="down")
    edge.clock.sleep(2)
    edge.levers.session(name="fw1", endpoint="az1-a", state="up")
    edge.clock.sleep(3)
    came_up = [n for n, m in enumerate(edge.published) if "now UP" in m.message][-2:]
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.delivered = came_up[-1] + 1
    edge.deliver()
    assert edge.are_all_with("fw2")
    began = edge.clock.now()
    for number in came_up:
        edge.deliver_one(number)
    assert edge.clock.now() - began < timedelta(seconds=5)
    assert "hold" not in edge.kinds()
