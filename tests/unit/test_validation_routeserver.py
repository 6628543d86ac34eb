"""Every rule for the route server refuses what AWS does not have, with path and words, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tandem.model import Liveness, Peer
from tandem.topology.worldchecks import worldcheck
from tests.topologies import (
    INSTANCE,
    SUBNET,
    VPC,
    Edit,
    Expected,
    World,
    assert_refused,
    declared,
    inventory,
    of_server,
    same,
    shown,
    without,
)

HERE = "account 123456789012, Region us-east-1"


def peers(change: Callable[[Peer], Peer | None]) -> World:
    return lambda world: replace(
        world,
        reading=replace(
            shown(world), peers=tuple(p for p in map(change, shown(world).peers) if p is not None)
        ),
    )


NOTHING: tuple[Edit, ...] = ()
BROKEN: dict[str, tuple[World, tuple[Edit, ...], list[Expected]]] = {
    # name: (what AWS shows, what is declared, [(path, what is wrong, what would be right)])
    "the route server is of another account": (
        lambda world: replace(world, reading=None, vpc_ids=(), propagated_to=(), route_server_ids=("rs-0b",)),
        (("route_server.propagate_to", []),),
        [("route_server.id", f"rs-0a1b2c3d4e5f60001 is not known in {HERE}", "there is: rs-0b")],
    ),
    "the VPC of a route server that is to be made is not there": (
        lambda world: replace(
            world, reading=None, vpc_ids=(), vpc_prefixes=(), propagated_to=(), route_server_ids=()
        ),
        (("manage", True), ("route_server.id", None), ("route_server.propagate_to", [])),
        [("route_server.vpc_id", f"{VPC} is not known in {HERE}", "a VPC of that account and Region")],
    ),
    "the route server is associated with nothing": (
        lambda world: replace(world, vpc_ids=()),
        NOTHING,
        [("route_server.id", "associated with no VPC", "associated with a VPC")],
    ),
    "another VPC": (
        same,
        (("route_server.vpc_id", "vpc-0a1b2c3d4e5f60002"),),
        [("route_server.vpc_id", f"but the route server is in {VPC}", VPC)],
    ),
    "another ASN": (
        of_server(amazon_side_asn=64999),
        NOTHING,
        [("route_server.amazon_side_asn", "is 65000, but AWS shows 64999", "64999")],
    ),
    "the route server's ASN, undeclared": (
        of_server(amazon_side_asn=65002),
        (("route_server.amazon_side_asn", ...),),
        [("appliances.fw2.asn", "which is the route server's too", "different")],
    ),
    "an unknown subnet": (
        without("subnets", f"{SUBNET}2"),
        NOTHING,
        [
            ("route_server.endpoints.az2-a", f"{SUBNET}2 is not known in {HERE}", "a subnet of"),
            ("route_server.endpoints.az2-b", f"{SUBNET}2 is not known in {HERE}", "a subnet of"),
        ],
    ),
    "a subnet of another VPC": (
        same,
        (("route_server.endpoints.az1-a", f"{SUBNET}9"), ("route_server.endpoints.az1-b", f"{SUBNET}1")),
        [
            ("route_server.endpoints.az1-a", f"{SUBNET}9 is not known", "a subnet of"),
            (
                "appliances.fw1.peers.az1-a",
                f"more than the 0 peers that AWS shows for 10.0.1.10 at an endpoint in {SUBNET}9",
                "rsp-az1-a",
            ),
        ],
    ),
    "one endpoint less than declared": (
        lambda world: replace(world, reading=replace(shown(world), endpoints=shown(world).endpoints[1:])),
        NOTHING,
        [
            (
                "route_server.endpoints.az1-b",
                f"more than the 1 endpoint that AWS shows in {SUBNET}1",
                f"1 in {SUBNET}1, 2 in {SUBNET}2",
            ),
            ("appliances.fw1.peers.az1-b", "more than the 1 peer that AWS shows for 10.0.1.10", "rsp-az1-b"),
        ],
    ),
    "a session that the route server does not have": (
        peers(lambda p: None if p.peer_id == "rsp-az2-b" else p),
        NOTHING,
        [
            (
                "appliances.fw2.peers.az2-b",
                f"more than the 1 peer that AWS shows for 10.0.2.10 at an endpoint in {SUBNET}2",
                "rsp-az2-a",
            )
        ],
    ),
    "no session at all": (
        peers(lambda _: None),
        (("appliances.fw2", ...), *((f"groups.0.elastic_ips.{n}.targets.fw2", ...) for n in range(4))),
        [
            ("appliances.fw1.peers.az1-a", "more than the 0 peers", "it has: none"),
            ("appliances.fw1.peers.az1-b", "more than the 0 peers", "it has: none"),
        ],
    ),
    "a session without declared endpoints": (
        peers(lambda p: None if p.peer_id.startswith("rsp-az2") else p),
        (("route_server.endpoints", ...),),
        [
            (
                "appliances.fw2.peers.az2-a",
                "more than the 0 peers that AWS shows for 10.0.2.10,"[:-1],
                "none",
            ),
            ("appliances.fw2.peers.az2-b", "more than the 0 peers", "none"),
        ],
    ),
    "another peer ASN": (
        peers(lambda p: replace(p, asn=64512) if p.peer_id == "rsp-az1-a" else p),
        NOTHING,
        [("appliances.fw1.asn", "is 65001, but rsp-az1-a has 64512", "64512")],
    ),
    "another liveness": (
        peers(lambda p: replace(p, liveness=Liveness.BGP_KEEPALIVE) if p.peer_id == "rsp-az2-a" else p),
        NOTHING,
        [("appliances.fw2.liveness", "is bfd, but rsp-az2-a has bgp-keepalive", "bgp-keepalive")],
    ),
    "an unknown instance": (
        without("instance_states", f"{INSTANCE}2"),
        NOTHING,
        [("appliances.fw2.instance_id", f"{INSTANCE}2 is not known in {HERE}", "the appliance's instance")],
    ),
    "a terminated instance": (
        lambda world: replace(world, instance_states={**world.instance_states, f"{INSTANCE}1": "terminated"}),
        NOTHING,
        [("appliances.fw1.instance_id", "is terminated", "took its place")],
    ),
    "an address that the instance does not have": (
        peers(lambda p: replace(p, peer_address="10.0.2.99") if p.peer_id == "rsp-az2-a" else p),
        (("appliances.fw2.peers.az2-a", "10.0.2.99"), ("appliances.fw2.next_hops", ["10.0.2.98"])),
        [
            (
                "appliances.fw2.peers.az2-a",
                f"10.0.2.99 is on no interface of {INSTANCE}2",
                "10.0.2.10, 10.0.2.20",
            ),
            (
                "appliances.fw2.next_hops[0]",
                f"10.0.2.98 is on no interface of {INSTANCE}2",
                "10.0.2.10, 10.0.2.20",
            ),
        ],
    ),
    "the VPC to manage one in is of another Region": (
        lambda world: replace(world, reading=None, route_server_ids=(), propagated_to=(), vpc_prefixes=()),
        (("manage", True), ("route_server.id", ...)),
        [("route_server.vpc_id", "is not known in account", "a VPC of that account and Region")],
    ),
}


@pytest.mark.parametrize(("world", "edits", "expected"), BROKEN.values(), ids=BROKEN)
def test_what_does_not_fit_aws_is_named_and_nothing_else(
    world: World, edits: tuple[Edit, ...], expected: list[Expected]
) -> None:
    assert_refused(worldcheck(declared(*edits), world(inventory()), []), expected)
