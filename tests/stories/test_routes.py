"""Tests what the FIB shows, and to whom it leads: persisted, split, narrower, rejected, strange and
IPv6 routes.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from lab.ec2.scenario_routing import tags_on
from lab.ec2.timings import Behaviour, PersistedMeans
from tests.judging import moved, reasons, told, whole
from tests.stack import MOVING, Stack, edge_document, stack

FOLLOWED = ["moving 4 Elastic IPs to fw2", "moved 4 Elastic IPs to fw2"]
WENT_BACK = ["moving 4 Elastic IPs to fw1", "moved 4 Elastic IPs to fw1"]
ONCE = ["intent", "outcome"]


def track(s: Stack, *prefixes: str) -> None:
    """The document's one group tracks these prefixes from now on."""
    group: dict[str, Any] = edge_document(s.ids)["groups"][0]
    s.store(groups=[{**group, "prefixes": list(prefixes)}])


@pytest.mark.parametrize("meaning", PersistedMeans)
def test_persisted_routes_show_the_past(meaning: PersistedMeans) -> None:
    """Whatever `AreRoutesPersisted` means: nobody moves to an appliance without a session."""
    with stack(behaviour=Behaviour(persisted_means=meaning), persist_minutes=1) as s:
        s.levers.kill(name="fw2")
        s.live(5)
        s.levers.kill(name="fw1")
        s.live(90)
        assert s.are_all_with("fw1")
        assert s.calls(*MOVING) == []
        assert "fw1, which has no session with BGP up: the route is out of date" in reasons(s)[-1]
        s.levers.restore(name="fw2")
        s.live(120)
        assert s.are_all_with("fw2")
        assert len(moved(s)) == 4
        assert s.kinds() == ["hold", *ONCE, "hold-ended"]
        whole(s)
        held, *followed = told(s)
        assert held.startswith("OUTAGE: fw1 is dead with 4 Elastic IPs: the FIB names fw1, which has")
        assert followed == [*FOLLOWED, "hold ended"]


def test_split_prefixes(edge: Stack) -> None:
    """It is told; an address stays while its holder owns one of them, else it goes to who owns the rest."""
    track(edge, "0.0.0.0/0", "10.20.0.0/16")
    edge.levers.advertise(name="fw2", prefix="10.20.0.0/16")
    edge.live(60)
    assert edge.are_all_with("fw1")
    assert edge.calls(*MOVING) == []
    words = "the tracked prefixes are split: fw1 owns 0.0.0.0/0, fw2 owns 10.20.0.0/16"
    assert reasons(edge) == [words]
    (held,) = told(edge)
    assert held.startswith("HOLD, the tracked prefixes are split: ")
    edge.levers.withdraw(name="fw1", prefix="0.0.0.0/0")
    edge.live(60)
    assert edge.are_all_with("fw2")
    assert len(moved(edge)) == 4
    assert edge.kinds() == ["hold", *ONCE, "hold-ended"]
    assert told(edge) == [*FOLLOWED, "hold ended"]


def test_two_halves_instead_of_the_tracked_default(edge: Stack) -> None:
    for half in ("0.0.0.0/1", "128.0.0.0/1"):
        edge.levers.advertise(name="fw2", prefix=half)
    for name in ("fw1", "fw2"):
        edge.levers.withdraw(name=name, prefix="0.0.0.0/0")
    edge.live(90)
    assert edge.are_all_with("fw1")
    assert edge.calls(*MOVING) == []
    words = "0.0.0.0/0 is not in the FIB; it has only 0.0.0.0/1, 128.0.0.0/1"
    assert reasons(edge) == [words]
    (held,) = told(edge)
    assert held.startswith("HOLD, 0.0.0.0/0 is not in the FIB; it has only ")


def inside_interfaces(edge: Stack) -> None:
    """Each appliance peers from one interface and forwards on another."""
    client = edge.lab.client()
    for number, name in enumerate(("fw1", "fw2"), start=1):
        made = client.create_network_interface(
            SubnetId=edge.ids["subnets"][f"protected{number}"],
            PrivateIpAddress=f"10.0.1{number}.10",
            TagSpecifications=tags_on("network-interface", f"{name}-inside"),
        )["NetworkInterface"]["NetworkInterfaceId"]
        client.attach_network_interface(
            NetworkInterfaceId=made, InstanceId=edge.ids["instances"][name], DeviceIndex=1
        )
        path = [65000 + number] * (2 * number - 1)
        edge.levers.advertise(name=name, prefix="0.0.0.0/0", as_path=path, next_hop=f"10.0.1{number}.10")
    edge.live(20)


def test_next_hop_that_is_not_the_peers_address(edge: Stack) -> None:
    """The interface decides."""
    inside_interfaces(edge)
    assert edge.are_all_with("fw1")
    assert edge.calls(*MOVING) == []
    edge.levers.kill(name="fw1")
    edge.live(60)
    assert edge.are_all_with("fw2")
    assert len(moved(edge)) == 4
    assert edge.kinds() == ONCE
    assert edge.audit()[0].body["evidence"]["fib"][0]["next_hop"] == "10.0.12.10"
    assert told(edge) == FOLLOWED


def test_next_hop_of_an_interface_that_cannot_be_read(edge: Stack) -> None:
    """The instances show their interfaces as well, so a dead holder is left all the same."""
    inside_interfaces(edge)
    edge.levers.fault(action="DescribeNetworkInterfaces", error="InternalError")
    edge.levers.kill(name="fw1")
    edge.live(10)
    assert edge.are_all_with("fw2")
    assert edge.kinds() == ONCE
    assert told(edge) == FOLLOWED


def test_next_hop_that_nothing_can_be_asked_about_is_said_to_be_just_that(edge: Stack) -> None:
    inside_interfaces(edge)
    for action in ("DescribeNetworkInterfaces", "DescribeInstances"):
        edge.levers.fault(action=action, error="UnauthorizedOperation")
    edge.levers.kill(name="fw1")
    edge.live(60)
    assert edge.calls(*MOVING) == []
    words = "0.0.0.0/0 goes to 10.0.12.10, and the interfaces could not be read: DescribeNetworkInterfaces"
    assert reasons(edge)[-1].startswith(words)
    edge.levers.faults_clear()
    edge.live(60)
    assert edge.are_all_with("fw2")


def ipv6(s: Stack) -> dict[str, str]:
    """Gives the VPC and both appliances IPv6 as one does on AWS; the appliances' addresses."""
    client, found = s.lab.client(), {}
    associated = client.associate_vpc_cidr_block(VpcId=s.ids["vpc_id"], AmazonProvidedIpv6CidrBlock=True)
    block = associated["Ipv6CidrBlockAssociation"]["Ipv6CidrBlock"].removesuffix("00::/56")
    for number, name in enumerate(("fw1", "fw2"), start=1):
        client.associate_subnet_cidr_block(
            SubnetId=s.ids["subnets"][f"az{number}"], Ipv6CidrBlock=f"{block}{number:02x}::/64"
        )
        found[name] = str(ip_address(f"{block}{number:02x}::10"))
        client.assign_ipv6_addresses(
            NetworkInterfaceId=s.ids["interfaces"][name], Ipv6Addresses=[found[name]]
        )
    return found


def test_ipv6_prefix_and_next_hop(edge: Stack) -> None:
    """The addresses follow an IPv6 route: a withdrawal, a death, and back; in whatever spelling."""
    hops = ipv6(edge)
    for number, name in enumerate(("fw1", "fw2"), start=1):
        path = [65000 + number] * (2 * number - 1)
        edge.levers.advertise(name=name, prefix="::/0", as_path=path, next_hop=hops[name].upper())
    edge.clock.sleep(3)
    track(edge, "0::/0")
    edge.live(20)
    assert edge.are_all_with("fw1")
    assert edge.calls(*MOVING) == []
    edge.levers.withdraw(name="fw1", prefix="::/0")
    edge.live(30)
    assert edge.are_all_with("fw2")
    assert edge.audit()[0].body["evidence"]["fib"][0]["next_hop"] == hops["fw2"]
    edge.levers.advertise(name="fw1", prefix="::/0", next_hop=hops["fw1"])
    edge.live(30)
    assert edge.are_all_with("fw1")
    edge.levers.kill(name="fw1")
    edge.live(60)
    assert edge.are_all_with("fw2")
    assert len(moved(edge)) == 12
    assert edge.kinds() == ONCE * 3
    assert told(edge) == FOLLOWED + WENT_BACK + FOLLOWED


def test_ipv6_next_hop_that_leaves_its_interface(edge: Stack) -> None:
    """The FIB still names an address that no interface has: nobody is the owner, and AWS says rejected."""
    hops = ipv6(edge)
    edge.levers.advertise(name="fw1", prefix="::/0", next_hop=hops["fw1"])
    edge.clock.sleep(3)
    track(edge, "::/0")
    edge.lab.client().unassign_ipv6_addresses(
        NetworkInterfaceId=edge.ids["interfaces"]["fw1"], Ipv6Addresses=[hops["fw1"]]
    )
    edge.live(20)
    assert edge.are_all_with("fw1")
    assert edge.calls(*MOVING) == []
    assert reasons(edge) == [f"::/0 goes to {hops['fw1']}, which no declared appliance has"]
    assert edge.kinds() == ["hold"]


def test_undeclared_next_hop(edge: Stack) -> None:
    edge.levers.advertise(name="fw1", prefix="0.0.0.0/0", as_path=[65001], next_hop="10.0.12.99")
    edge.live(60)
    assert edge.are_all_with("fw1")
    assert edge.calls(*MOVING) == []
    words = "0.0.0.0/0 goes to 10.0.12.99, which no declared appliance has"
    assert reasons(edge) == [words]
    assert told(edge) == [f"HOLD, {words}"]
    edge.levers.advertise(name="fw1", prefix="0.0.0.0/0", as_path=[65001])
    edge.live(60)
    assert edge.calls(*MOVING) == []
    assert edge.kinds() == ["hold", "hold-ended"]


def test_row_rejected_by_a_static_route(edge: Stack) -> None:
    """With the holder alive it holds with AWS's reason; with the holder dead it moves and reports."""
    edge.lab.client().create_route(
        RouteTableId=edge.ids["route_tables"]["protected"],
        DestinationCidrBlock="0.0.0.0/0",
        GatewayId=edge.ids["internet_gateway_id"],
    )
    edge.levers.withdraw(name="fw1", prefix="0.0.0.0/0")
    edge.live(20)
    assert edge.are_all_with("fw1")
    assert edge.calls(*MOVING) == []
    assert "is rejected by every route table" in reasons(edge)[-1]
    assert "A static route with the same destination exists" in reasons(edge)[-1]
    edge.levers.kill(name="fw1")
    edge.live(60)
    assert edge.are_all_with("fw2")
    assert len(moved(edge)) == 4
    intent = next(r.body for r in edge.audit() if r.body["kind"] == "intent")
    assert any("rejected" in words for words in intent["groups"]["internet-edge"]["reports"])
    assert [t for t in told(edge) if not t.startswith("HOLD")] == [*FOLLOWED, "hold ended"]
