"""The main job as stories: the route moves or goes away, and the Elastic IPs follow it."""

from __future__ import annotations

from typing import Any

import pytest

from tandem.adapters import clients
from tandem.errors import TandemError
from tests.crashing import Killed, meanwhile
from tests.judging import moved, reasons, told
from tests.stack import MOVING, Stack, edge_document, load_failover

EVERY = ["eip1", "eip2", "eip3", "eip4"]
FOLLOWED = ["moving 4 Elastic IPs to fw2", "moved 4 Elastic IPs to fw2"]
WENT_BACK = ["moving 4 Elastic IPs to fw1", "moved 4 Elastic IPs to fw1"]
ONCE = ["intent", "outcome"]


def test_a_converged_topology_is_never_touched(edge: Stack) -> None:
    edge.live(180)
    assert edge.calls(*MOVING) == []
    assert edge.audit() == []
    assert told(edge) == []


def test_appliance_dies(edge: Stack) -> None:
    edge.levers.kill(name="fw1")
    edge.live(180)
    assert edge.are_all_with("fw2")
    assert sorted(moved(edge)) == EVERY
    assert edge.kinds() == ONCE
    intent, outcome = (r.body for r in edge.audit())
    assert "fw1 has no session with BGP up" in intent["groups"]["internet-edge"]["reason"]
    assert intent["evidence"]["fib"][0]["next_hop"] == "10.0.2.10"
    assert outcome["decision_id"] == intent["decision_id"]
    assert [a["outcome"] for a in outcome["addresses"]] == ["verified"] * 4
    assert told(edge) == FOLLOWED


def test_appliance_comes_back_and_the_addresses_go_back_with_the_route(edge: Stack) -> None:
    edge.levers.kill(name="fw1")
    edge.live(30)
    edge.levers.restore(name="fw1")
    edge.live(60)
    assert edge.are_all_with("fw1")
    assert sorted(moved(edge)[4:]) == EVERY
    assert edge.kinds() == ONCE * 2
    assert told(edge) == FOLLOWED + WENT_BACK


def test_graceful_withdraw(edge: Stack) -> None:
    """All sessions stay up, no signal comes: the watch sees it."""
    edge.levers.withdraw(name="fw1", prefix="0.0.0.0/0")
    edge.live(10)
    assert len(edge.published) == edge.delivered
    assert edge.are_all_with("fw2")
    assert sorted(moved(edge)) == EVERY
    assert edge.kinds() == ONCE
    assert told(edge) == FOLLOWED


def test_preemption_with_all_sessions_up(edge: Stack) -> None:
    edge.levers.advertise(name="fw1", prefix="0.0.0.0/0", as_path=[65001, 65001])
    edge.levers.advertise(name="fw2", prefix="0.0.0.0/0", as_path=[65002])
    edge.live(10)
    assert edge.are_all_with("fw2")
    assert sorted(moved(edge)) == EVERY
    assert "fw1 is alive" in edge.audit()[0].body["groups"]["internet-edge"]["reason"]
    assert told(edge) == FOLLOWED


def test_both_appliances_reboot_together_and_come_back_in_the_other_order(edge: Stack) -> None:
    for name in ("fw1", "fw2"):
        edge.levers.kill(name=name, stop_instance=True)
    edge.live(60)
    assert edge.are_all_with("fw1")
    assert edge.calls(*MOVING) == []
    edge.levers.restore(name="fw2")
    edge.live(30)
    assert edge.are_all_with("fw2")
    edge.levers.restore(name="fw1")
    edge.live(60)
    assert edge.are_all_with("fw1")
    assert len(moved(edge)) == 8
    assert edge.kinds() == ["hold", *ONCE, "hold-ended", *ONCE]
    held, *followed = told(edge)
    assert held.startswith("OUTAGE: fw1 is dead with 4 Elastic IPs: ")
    assert followed == [*FOLLOWED, "hold ended", *WENT_BACK]


def test_every_event_lost(edge: Stack) -> None:
    """No signal and no watch: the sweep alone."""
    edge.levers.kill(name="fw1")
    edge.clock.sleep(60)
    edge.sweep()
    assert edge.are_all_with("fw2")
    assert sorted(moved(edge)) == EVERY
    assert edge.kinds() == ONCE
    assert told(edge) == FOLLOWED


def test_describes_that_lag_behind_the_signal(edge: Stack) -> None:
    for action in ("DescribeRouteServerPeers", "GetRouteServerRoutingDatabase"):
        edge.levers.fault(action=action, lag_s=4)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(1.5)
    assert edge.deliver(most=1) == 1
    assert edge.are_all_with("fw2")
    edge.live(60)
    assert sorted(moved(edge)) == EVERY
    assert edge.kinds() == ONCE
    assert told(edge) == FOLLOWED


def test_half_moved_then_crashed(edge: Stack) -> None:
    """The function dies when EC2 has taken two of four; the next look finishes, and moves nothing twice."""
    late = {edge.ids["elastic_ips"][name]["allocation_id"] for name in ("eip3", "eip4")}

    def dies(params: dict[str, Any], **_: object) -> None:
        if params["body"]["AllocationId"] in late:
            raise Killed

    events = clients.ec2_moves().meta.events
    events.register("before-call.ec2.AssociateAddress", dies)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    with pytest.raises(Killed):
        edge.sweep()
    events.unregister("before-call.ec2.AssociateAddress", dies)
    edge.app = load_failover(edge.lab)
    edge.delivered = len(edge.published)
    assert edge.holders() == {"eip1": "fw2", "eip2": "fw2", "eip3": "fw1", "eip4": "fw1"}
    edge.live(90)
    assert edge.are_all_with("fw2")
    assert sorted(moved(edge)) == EVERY
    assert edge.kinds() == ["intent", "outcome", "intent", "outcome"]
    assert edge.audit()[1].body["outcome"] == "unknown"
    assert told(edge)[-2:] == ["moving 2 Elastic IPs to fw2", "moved 2 Elastic IPs to fw2"]


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


def test_an_address_that_nobody_has_takes_none_with_it_out_of_the_damping(edge: Stack) -> None:
    """The route goes back to fw1 at once, and fw2 lives: what nobody has goes with it, the others wait."""
    edge.levers.withdraw(name="fw1", prefix="0.0.0.0/0")
    edge.clock.sleep(1)
    edge.sweep()
    assert edge.are_all_with("fw2")
    edge.levers.advertise(name="fw1", prefix="0.0.0.0/0", as_path=[65001])
    edge.clock.sleep(1)
    lost = edge.ids["elastic_ips"]["eip1"]["allocation_id"]
    found = edge.lab.client().describe_addresses(AllocationIds=[lost])["Addresses"][0]
    edge.lab.client().disassociate_address(AssociationId=found["AssociationId"])
    edge.sweep()
    assert edge.are_all_with("fw1")
    first, *others = moved(edge)[4:]
    assert (first, sorted(others)) == ("eip1", ["eip2", "eip3", "eip4"])
    begun = [call["start"] for call in edge.calls("AssociateAddress")]
    assert begun[4] - begun[3] < 5
    assert all(later - begun[3] >= 5 for later in begun[5:])


def test_the_topology_changes_in_mid_failover(edge: Stack) -> None:
    """A document that is stored while a look's calls are on the wire counts from the next turn on."""
    document = edge_document(edge.ids)
    group = {**document["groups"][0], "elastic_ips": document["groups"][0]["elastic_ips"][1:]}
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    with meanwhile(4, lambda: edge.store(groups=[group])):
        edge.sweep()
    assert edge.are_all_with("fw2")
    edge.deliver()
    edge.levers.restore(name="fw1")
    edge.live(30)
    assert edge.holders() == dict.fromkeys(EVERY, "fw1") | {"eip1": "fw2"}
    assert sorted(moved(edge)) == sorted([*EVERY, "eip2", "eip3", "eip4"])
    assert edge.kinds() == ONCE * 2
    assert told(edge) == [*FOLLOWED, "moving 3 Elastic IPs to fw1", "moved 3 Elastic IPs to fw1"]


def test_the_mode_changes_in_mid_failover(edge: Stack) -> None:
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    with meanwhile(4, lambda: edge.store(mode="dry-run")):
        edge.sweep()
    assert edge.are_all_with("fw2")
    edge.levers.restore(name="fw1")
    edge.live(30)
    assert edge.are_all_with("fw2")
    assert len(moved(edge)) == 4
    assert told(edge) == [*FOLLOWED, "would move 4 Elastic IPs to fw1 (dry-run)"]


def test_active_active_with_two_groups(edge: Stack) -> None:
    """Each appliance owns a prefix and the addresses that follow it."""
    addresses = edge_document(edge.ids)["groups"][0]["elastic_ips"]
    edge.levers.advertise(name="fw2", prefix="10.20.0.0/16")
    edge.levers.advertise(name="fw1", prefix="10.20.0.0/16", as_path=[65001, 65001])
    edge.clock.sleep(3)
    edge.store(
        groups=[
            {"name": "north", "prefixes": ["0.0.0.0/0"], "elastic_ips": addresses[:2]},
            {"name": "south", "prefixes": ["10.20.0.0/16"], "elastic_ips": addresses[2:]},
        ]
    )
    edge.sweep()
    both = {"eip1": "fw1", "eip2": "fw1", "eip3": "fw2", "eip4": "fw2"}
    assert edge.holders() == both
    assert sorted(moved(edge)) == ["eip3", "eip4"]
    edge.live(20)
    edge.levers.kill(name="fw2")
    edge.live(30)
    assert edge.are_all_with("fw1")
    edge.levers.restore(name="fw2")
    edge.live(60)
    assert edge.holders() == both
    assert sorted(moved(edge)) == ["eip3", "eip3", "eip3", "eip4", "eip4", "eip4"]
    assert edge.kinds() == ONCE * 3
    assert {e["detail"]["group"] for e in edge.events() if "group" in e["detail"]} == {"south"}


def test_one_sick_topology_among_many(edge: Stack) -> None:
    edge.store(name="away", route_server={"id": "rs-0gone", "vpc_id": edge.ids["vpc_id"]})
    edge.store(name="quiet", groups=[{"name": "watched", "prefixes": ["0.0.0.0/0"], "elastic_ips": []}])
    edge.store()
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    while edge.delivered < len(edge.published):
        with pytest.raises(TandemError, match="rs-0gone"):
            edge.deliver(most=1)
    assert edge.are_all_with("fw2")
    assert sorted(moved(edge)) == EVERY
    assert edge.kinds() == ONCE
    assert reasons(edge) == []
    assert told(edge) == FOLLOWED
