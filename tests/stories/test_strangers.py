"""Other hands on the same Elastic IPs: people, and the appliance's own HA script."""

from __future__ import annotations

from tandem.adapters.looks import LookStore
from tests.judging import moved, reasons, told
from tests.stack import MOVING, Stack

ONCE = ["intent", "outcome"]


def stranger_moves(s: Stack, name: str, to: str) -> None:
    address = s.ids["elastic_ips"][name]
    s.levers.associate_as_stranger(
        allocation_id=address["allocation_id"],
        network_interface_id=s.ids["interfaces"][to],
        private_ip=address["targets"][to],
    )


def stranger_disassociates(s: Stack, name: str) -> str:
    """The allocation that nobody has now."""
    client, allocation_id = s.lab.client(), s.ids["elastic_ips"][name]["allocation_id"]
    found = client.describe_addresses(AllocationIds=[allocation_id])["Addresses"][0]
    client.disassociate_address(AssociationId=found["AssociationId"])
    return str(allocation_id)


def test_a_stranger_moves_the_elastic_ip_by_hand(edge: Stack) -> None:
    """To the other appliance: it is put right, once, and told."""
    stranger_moves(edge, "eip1", "fw2")
    edge.live(120)
    assert edge.are_all_with("fw1")
    assert moved(edge) == ["eip1"]
    assert edge.kinds() == ONCE
    assert "somebody moved the address" in edge.audit()[0].body["groups"]["internet-edge"]["reason"]
    assert told(edge) == ["moving 1 Elastic IP to fw1", "moved 1 Elastic IP to fw1"]


def test_a_stranger_moves_the_elastic_ip_to_an_undeclared_interface(edge: Stack) -> None:
    """A person did that: it is told, and left alone for as long as it stays there, failover or not."""
    made = edge.lab.client().create_network_interface(
        SubnetId=edge.ids["subnets"]["az1"], PrivateIpAddress="10.0.1.99"
    )["NetworkInterface"]["NetworkInterfaceId"]
    edge.levers.associate_as_stranger(
        allocation_id=edge.ids["elastic_ips"]["eip1"]["allocation_id"],
        network_interface_id=made,
        private_ip="10.0.1.99",
    )
    edge.live(120)
    assert edge.calls(*MOVING) == []
    assert (
        f"{made}, which no appliance declares, has the Elastic IP: Tandem did not move it there"
        in reasons(edge)[-1]
    )
    assert edge.kinds() == ["hold"]
    assert [t.partition(",")[0] for t in told(edge)] == ["HOLD"]
    edge.levers.kill(name="fw1")
    edge.live(60)
    assert edge.holders() == {"eip1": None, "eip2": "fw2", "eip3": "fw2", "eip4": "fw2"}
    assert sorted(moved(edge)) == ["eip2", "eip3", "eip4"]


def test_a_stranger_releases_it(edge: Stack) -> None:
    lost = stranger_disassociates(edge, "eip1")
    edge.lab.client().release_address(AllocationId=lost)
    edge.live(60)
    assert f"{lost} is not in this account and Region any more: was it released?" in reasons(edge)[-1]
    edge.levers.kill(name="fw1")
    edge.live(60)
    assert edge.are_all_with("fw2")
    assert sorted(moved(edge)) == ["eip2", "eip3", "eip4"]
    held, *followed = told(edge)
    assert held.startswith(f"HOLD, {lost}")
    assert followed[0] == "moving 3 Elastic IPs to fw2"
    assert followed[1] == f"moved 3 of 4 Elastic IPs to fw2; {lost} is held..."


def test_address_that_nobody_has_is_put_in_place(edge: Stack) -> None:
    stranger_disassociates(edge, "eip1")
    edge.live(60)
    assert edge.are_all_with("fw1")
    assert moved(edge) == ["eip1"]
    (call,) = edge.calls("AssociateAddress")
    assert call["params"]["AllowReassociation"] in (False, "false")
    assert edge.kinds() == ONCE


def test_the_appliances_own_ha_script_moves_it_too(edge: Stack) -> None:
    """A second mover that never gives up: put right twice after the first move, then told, not fought."""
    for _ in range(6):
        stranger_moves(edge, "eip1", "fw2")
        edge.live(60)
    assert moved(edge) == ["eip1"] * 3
    assert edge.holders() == {"eip1": "fw2", "eip2": "fw1", "eip3": "fw1", "eip4": "fw1"}
    assert "find what else moves it" in reasons(edge)[-1]
    messages = told(edge)
    assert sum(t.startswith("HOLD") for t in messages) == 1
    assert messages.count("moved 1 Elastic IP to fw1") == 3
    edge.live(660)
    assert edge.are_all_with("fw1")
    assert edge.kinds() == [*ONCE * 3, "hold", *ONCE, "hold-ended"]


def test_what_a_look_moved_that_died_since_counts_as_moved(edge: Stack) -> None:
    """Its memory says that eip1 was sent to fw1, and nobody has seen it there but the next look."""
    looks, name = LookStore("tandem-state"), edge.ids["elastic_ips"]["eip1"]["allocation_id"]
    held = looks.acquire("edge", "died", edge.clock.now(), [])
    assert held is not None
    sent_at = edge.clock.now()
    looks.release(held[0], held[1].with_move("fw1", sent_at, [name]))
    edge.sweep()
    assert edge.calls(*MOVING) == []
    stranger_moves(edge, "eip1", "fw2")
    edge.sweep()
    assert edge.are_all_with("fw1")
    put_right = edge.clock.now()
    assert (put_right - sent_at).total_seconds() >= 5
    assert "after Tandem had moved it" in edge.audit()[-2].body["groups"]["internet-edge"]["reason"]


def test_a_second_mover_within_one_appliance(edge: Stack) -> None:
    """The HA script wants the address on another private IP of the same appliance: told, not fought."""
    client, fw1 = edge.lab.client(), edge.ids["interfaces"]["fw1"]
    client.assign_private_ip_addresses(NetworkInterfaceId=fw1, PrivateIpAddresses=["10.0.1.99"])
    for _ in range(6):
        edge.levers.associate_as_stranger(
            allocation_id=edge.ids["elastic_ips"]["eip1"]["allocation_id"],
            network_interface_id=fw1,
            private_ip="10.0.1.99",
        )
        edge.live(60)
    assert moved(edge) == ["eip1"] * 3
    why = [r.body["groups"]["internet-edge"]["reason"] for r in edge.audit() if r.body["kind"] == "intent"]
    assert why[0].startswith(f"fw1 owns the route; fw1 has it at 10.0.1.99 of {fw1}, not at 10.0.1.20 of")
    assert f"it is at 10.0.1.99 of {fw1} again after 3 moves" in reasons(edge)[-1]
    assert sum(t.startswith("HOLD") for t in told(edge)) == 1
    edge.levers.kill(name="fw1")
    edge.live(60)
    assert edge.are_all_with("fw2")


def test_an_ha_script_that_moves_with_the_route_is_no_fight(edge: Stack) -> None:
    """It moves the addresses to the survivor before Tandem looks: nothing is left to do."""
    edge.levers.kill(name="fw1")
    for name in edge.ids["elastic_ips"]:
        stranger_moves(edge, name, "fw2")
    edge.clock.sleep(3)
    edge.live(120)
    assert edge.are_all_with("fw2")
    assert edge.calls(*MOVING) == []
    assert edge.kinds() == []


def test_a_second_mover_keeps_nobody_on_a_dead_appliance(edge: Stack) -> None:
    for _ in range(5):
        stranger_moves(edge, "eip1", "fw2")
        edge.live(60)
    assert edge.holders()["eip1"] == "fw2"
    edge.levers.kill(name="fw2")
    edge.live(10)
    assert edge.are_all_with("fw1")
