"""Whatever a route server looks like: what is discovered validates, and claims nothing twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cli import document
from cli.discovery.command import text
from cli.discovery.document import Discovery, discover
from cli.discovery.snapshot import Snapshot, UndiscoverableError
from tandem.model import Liveness, RoutingDatabase
from tandem.topology.document import parse_topology
from tandem.topology.inventory import RouteServerReading
from tandem.topology.shape import normalise, validate
from tests.snapshots import INSTANCES, SERVER, edge, elastic_ip, endpoint, interface, peer, route

EDGE = edge()
NAMES = st.text(max_size=50) | st.sampled_from(
    ["fw1", "a b", "a-b", "on", "1:20", "010", "null", "é", "x\ny: z"]
)
HOSTS = st.integers(5, 40)
freely = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Up to three instances with some addresses, some of them public, and peers from anywhere."""
    endpoints = tuple(endpoint(f"e{n}", 1 + n % 3, Name=draw(NAMES)) for n in range(draw(st.integers(1, 6))))
    taken, interfaces, elastic_ips = 0, [], []
    for number in (1, 2, 3):
        addresses: dict[str, int | None] = {f"10.0.{number}.10": None}
        for host in draw(st.lists(HOSTS, max_size=6)):
            holds = draw(st.booleans()) and taken < 9
            taken += holds
            addresses[f"10.0.{number}.{host}"] = taken if holds else None
        interfaces.append(interface(number, addresses))
        elastic_ips += [elastic_ip(eip, number, ip) for ip, eip in addresses.items() if eip]
    addressed = [a.private_ip for i in interfaces for a in i.addresses]
    peers = tuple(
        peer(
            str(n),
            f"e{draw(st.integers(0, 6))}",
            draw(st.sampled_from([*addressed, "10.0.9.9"])),
            draw(st.sampled_from([65000, 65001, 65002])),
            draw(st.sampled_from(Liveness)),
        )
        for n in range(draw(st.integers(1, 8)))
    )
    prefixes = draw(st.lists(st.sampled_from(["0.0.0.0/0", "10.8.0.0/16", "2001:db8::/32"]), unique=True))
    routes = [route(prefix, draw(st.sampled_from(peers)), chosen=True) for prefix in prefixes]
    return replace(
        EDGE,
        reading=RouteServerReading(replace(SERVER, tags=(("Name", draw(NAMES)),)), endpoints, peers),
        database=RoutingDatabase(tuple(routes)),
        interfaces=tuple(replace(i, device_index=draw(st.none() | st.integers(0, 2))) for i in interfaces),
        instance_names={i: draw(NAMES) for i in INSTANCES.values()},
        elastic_ips=tuple(elastic_ips),
        public_subnets=draw(st.none() | st.frozensets(st.sampled_from(list(EDGE.subnets)))),
    )


def discovered(snapshot: Snapshot) -> Discovery:
    try:
        return discover(snapshot)
    except UndiscoverableError:
        assume(False)
        raise


def targets(found: Discovery) -> list[Any]:
    return [
        (target["network_interface"], target["private_ip"])
        for group in found.document["groups"]
        for e in group["elastic_ips"]
        for target in e["targets"].values()
    ]


@freely
@given(snapshots())
def test_what_is_discovered_validates(snapshot: Snapshot) -> None:
    found = discovered(snapshot)
    assert validate(found.document) == []
    assert parse_topology(normalise(found.document)).manage is False


@freely
@given(snapshots())
def test_its_text_is_read_back_as_the_same_document(snapshot: Snapshot) -> None:
    found = discovered(snapshot)
    read = document.parse(text(snapshot.vpc_id, found), "discovered")
    assert read.problems == ()
    assert read.value == found.document


@freely
@given(snapshots())
def test_every_elastic_ip_is_declared_or_said(snapshot: Snapshot) -> None:
    found = discovered(snapshot)
    declared = {e["allocation_id"] for g in found.document["groups"] for e in g["elastic_ips"]}
    with_devices = {
        name["instance_id"] for name in found.document["appliances"].values() if "instance_id" in name
    }
    of_devices = {i.network_interface_id for i in snapshot.interfaces if i.instance_id in with_devices}
    for address in snapshot.elastic_ips:
        assert address.holder is not None
        if address.holder.network_interface_id in of_devices:
            said = any(remark.startswith(address.allocation_id) for remark in found.remarks)
            assert said is not (address.allocation_id in declared)


@freely
@given(snapshots())
def test_nothing_is_a_target_twice_and_no_target_displaces_anybody(snapshot: Snapshot) -> None:
    found = discovered(snapshot)
    every = targets(found)
    assert len(every) == len(set(every))
    taken = {
        (i.network_interface_id, a.private_ip): a.allocation_id
        for i in snapshot.interfaces
        for a in i.addresses
        if a.allocation_id
    }
    for group in found.document["groups"]:
        for declared in group["elastic_ips"]:
            for target in declared["targets"].values():
                place = (target["network_interface"], target["private_ip"])
                assert taken.get(place) in (None, declared["allocation_id"])


@freely
@given(snapshots())
def test_no_address_beside_an_internet_gateway_has_a_target_away_from_one(snapshot: Snapshot) -> None:
    public = snapshot.public_subnets or frozenset()
    subnet = {i.network_interface_id: i.subnet_id for i in snapshot.interfaces}
    holders = {e.allocation_id: e.holder.network_interface_id for e in snapshot.elastic_ips if e.holder}
    for group in discovered(snapshot).document["groups"]:
        for declared in group["elastic_ips"]:
            if subnet[holders[declared["allocation_id"]]] in public:
                assert {subnet[t["network_interface"]] for t in declared["targets"].values()} <= public


@freely
@given(snapshots())
def test_every_peer_is_declared_or_said(snapshot: Snapshot) -> None:
    found = discovered(snapshot)
    declared = sum(len(appliance["peers"]) for appliance in found.document["appliances"].values())
    said = sum(remark.startswith("rsp-") for remark in found.remarks)
    assert declared + said == len(snapshot.reading.peers)
