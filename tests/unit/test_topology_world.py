"""Pass three: every rule over a snapshot of AWS refuses what breaks it, with path and words, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tandem.inventory import Inventory, RouteServerReading, RouteTable
from tandem.model import Liveness, NetworkInterface, PrivateAddress
from tandem.topology import Topology, parse
from tandem.validation.document import normalise
from tandem.validation.elasticips import ELASTIC_IP_CHECKS
from tandem.validation.propagation import PROPAGATION_CHECKS
from tandem.validation.routeserver import ROUTE_SERVER_CHECKS
from tandem.validation.worldchecks import warnings, worldcheck
from tests.topologies import PROTECTED, PUBLIC, VPC, document, inventory, set_at, topology

ENI = "eni-0a1b2c3d4e5f6000"
EIP = "eipalloc-0a1b2c3d4e5f6000"
INSTANCE = "i-0a1b2c3d4e5f6000"
SUBNET = "subnet-0a1b2c3d4e5f6000"
HERE = "account 123456789012, Region us-east-1"
FIRST = "groups[0].elastic_ips[0]"

World = Callable[[Inventory], Inventory]


def of_interface(number: int, **changes: Any) -> World:
    def bend(world: Inventory) -> Inventory:
        bent = replace(world.interfaces[f"{ENI}{number}"], **changes)
        return replace(world, interfaces={**world.interfaces, bent.network_interface_id: bent})

    return bend


def address(number: int, private_ip: str, **changes: Any) -> World:
    def bend(world: Inventory) -> Inventory:
        interface = world.interfaces[f"{ENI}{number}"]
        addresses = tuple(
            replace(own, **changes) if own.private_ip == private_ip else own for own in interface.addresses
        )
        return of_interface(number, addresses=addresses)(world)

    return bend


def shown(world: Inventory) -> RouteServerReading:
    assert world.reading is not None
    return world.reading


def without(mapping: str, key: str) -> World:
    def bend(world: Inventory) -> Inventory:
        left: Any = {k: v for k, v in getattr(world, mapping).items() if k != key}
        return replace(world, **{mapping: left})

    return bend


def reading(**changes: Any) -> World:
    return lambda world: replace(world, reading=replace(shown(world), **changes))


def server(**changes: Any) -> World:
    return lambda world: replace(
        world, reading=replace(shown(world), server=replace(shown(world).server, **changes))
    )


def peers(change: Callable[[Any], Any]) -> World:
    return lambda world: replace(
        world,
        reading=replace(
            shown(world), peers=tuple(p for p in map(change, shown(world).peers) if p is not None)
        ),
    )


def same(world: Inventory) -> Inventory:
    return world


def declared(*changes: tuple[str, object]) -> Topology:
    root = document()
    for path, value in changes:
        root = set_at(root, path, value)
    return parse(normalise(root))


def gateway(world: Inventory) -> Inventory:
    """The protected table is the Internet gateway's, which has routes for the VPC's own subnets."""
    table = RouteTable(PROTECTED, VPC, gateway_ids=("igw-0a1b2c3d4e5f60001",))
    return replace(world, route_tables={**world.route_tables, PROTECTED: table})


def moved_elsewhere(world: Inventory) -> Inventory:
    subnet = replace(world.subnets[f"{SUBNET}1"], vpc_id="vpc-0a1b2c3d4e5f60009")
    return replace(world, subnets={**world.subnets, f"{SUBNET}1": subnet})


NOTHING: tuple[tuple[str, object], ...] = ()
BROKEN: dict[str, tuple[World, tuple[tuple[str, object], ...], list[tuple[str, str, str]]]] = {
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
        server(amazon_side_asn=64999),
        NOTHING,
        [("route_server.amazon_side_asn", "is 65000, but AWS shows 64999", "64999")],
    ),
    "the route server's ASN, undeclared": (
        server(amazon_side_asn=65002),
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
    "interfaces and endpoints in another VPC": (
        moved_elsewhere,
        NOTHING,
        [
            ("route_server.endpoints.az1-a", f"{SUBNET}1 is in vpc-0a1b2c3d4e5f60009", VPC),
            ("route_server.endpoints.az1-b", f"{SUBNET}1 is in vpc-0a1b2c3d4e5f60009", VPC),
            *(
                (
                    f"groups[0].elastic_ips[{n}].targets.fw1.network_interface",
                    "is in vpc-0a1b2c3d4e5f60009",
                    VPC,
                )
                for n in range(4)
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
        reading(peers=()),
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
    "an unknown route table": (
        same,
        (("route_server.propagate_to", ["rtb-0a1b2c3d4e5f60003"]),),
        [
            (
                "route_server.propagate_to[0]",
                f"rtb-0a1b2c3d4e5f60003 is not known in {VPC}",
                "a route table of that VPC",
            )
        ],
    ),
    "a table that it does not propagate to": (
        same,
        (("route_server.propagate_to", [PROTECTED, PUBLIC]),),
        [("route_server.propagate_to[1]", f"does not propagate to {PUBLIC}", f"what AWS shows: {PROTECTED}")],
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
    "an unknown Elastic IP": (
        without("elastic_ips", f"{EIP}3"),
        NOTHING,
        [
            (
                "groups[0].elastic_ips[2].allocation_id",
                f"{EIP}3 is not known in {HERE}",
                "an Elastic IP of that account",
            )
        ],
    ),
    "an Elastic IP of AWS's own": (
        lambda world: replace(world, service_managed={f"{EIP}1": "nlb"}),
        NOTHING,
        [(f"{FIRST}.allocation_id", f"{EIP}1 is managed by nlb", "no AWS service manages")],
    ),
    "an Elastic IP without its owner's consent": (
        lambda world: replace(
            world,
            elastic_ips={**world.elastic_ips, f"{EIP}1": replace(world.elastic_ips[f"{EIP}1"], tags=())},
        ),
        NOTHING,
        [(f"{FIRST}.allocation_id", f"{EIP}1 lacks its owner's tag", "tandem:stack=tandem")],
    ),
    "an interface without its owner's consent, once": (
        of_interface(2, tags=(("Name", "fw2"),)),
        NOTHING,
        [(f"{FIRST}.targets.fw2.network_interface", f"{ENI}2 lacks its owner's tag", "tandem:stack=tandem")],
    ),
    "consent to another stack": (
        of_interface(1, tags=(("tandem:stack", "staging"),)),
        NOTHING,
        [(f"{FIRST}.targets.fw1.network_interface", "consents to another stack", "if its owner agrees")],
    ),
    "an unknown interface": (
        same,
        (("groups.0.elastic_ips.0.targets.fw1.network_interface", f"{ENI}7"),),
        [
            (
                f"{FIRST}.targets.fw1.network_interface",
                f"{ENI}7 is not known in {HERE}",
                "a network interface of fw1",
            )
        ],
    ),
    "a detached interface": (
        of_interface(2, instance_id=None, attachment=None),
        (("appliances.fw2.instance_id", ...),),
        [
            (f"groups[0].elastic_ips[{n}].targets.fw2.network_interface", "attached to no instance", "fw2")
            for n in range(4)
        ],
    ),
    "an interface of another instance": (
        of_interface(2, instance_id=f"{INSTANCE}9"),
        (("appliances.fw2.peers", {"az2-a": "10.0.2.10"}),),
        [
            ("appliances.fw2.peers.az2-a", f"on no interface of {INSTANCE}2", "it has none"),
            *(
                (
                    f"groups[0].elastic_ips[{n}].targets.fw2.network_interface",
                    f"attached to {INSTANCE}9, not to fw2's {INSTANCE}2",
                    "it has none",
                )
                for n in range(4)
            ),
        ],
    ),
    "an address outside the subnet": (
        same,
        (("groups.0.elastic_ips.0.targets.fw1.private_ip", "10.0.2.99"),),
        [
            (
                f"{FIRST}.targets.fw1.private_ip",
                f"10.0.2.99 is outside {SUBNET}1 (10.0.1.0/24)",
                "10.0.1.10, 10.0.1.20",
            )
        ],
    ),
    "an address that the interface does not have": (
        same,
        (("groups.0.elastic_ips.0.targets.fw1.private_ip", "10.0.1.99"),),
        [(f"{FIRST}.targets.fw1.private_ip", f"{ENI}1 does not have 10.0.1.99", "assign it there first")],
    ),
    "a stranger's Elastic IP on the target": (
        address(2, "10.0.2.20", public_ip="198.51.100.7", allocation_id="eipalloc-0fffffffffffffff1"),
        NOTHING,
        [
            (
                f"{FIRST}.targets.fw2.private_ip",
                "another Elastic IP, eipalloc-0fffffffffffffff1 (198.51.100.7)",
                "without a public one",
            )
        ],
    ),
    "an auto-assigned public IP on the target": (
        address(2, "10.0.2.20", public_ip="198.51.100.7"),
        NOTHING,
        [
            (
                f"{FIRST}.targets.fw2.private_ip",
                "the auto-assigned public IP 198.51.100.7, which a move would release",
                "without a public one",
            )
        ],
    ),
    "a default route that points the appliances at themselves": (
        lambda world: replace(world, propagated_to=(PROTECTED, PUBLIC)),
        NOTHING,
        [
            (
                f"{FIRST}.targets.fw1.network_interface",
                f"{PUBLIC}, gets 0.0.0.0/0 from the route server",
                "a table of its own",
            ),
            (
                f"{FIRST}.targets.fw2.network_interface",
                f"{PUBLIC}, gets 0.0.0.0/0 from the route server",
                "a table of its own",
            ),
        ],
    ),
    "the same, by an association of the subnet's own": (
        lambda world: replace(
            world,
            route_tables={
                **world.route_tables,
                PROTECTED: RouteTable(PROTECTED, VPC, subnet_ids=(f"{SUBNET}2",)),
            },
        ),
        NOTHING,
        [(f"{FIRST}.targets.fw2.network_interface", f"{PROTECTED}, gets 0.0.0.0/0", "a table of its own")],
    ),
    "a gateway table's route to an interface without a public IP": (
        lambda world: gateway(
            of_interface(
                1,
                addresses=(
                    PrivateAddress("10.0.1.10", "192.0.2.9", f"{EIP}1"),
                    *world.interfaces[f"{ENI}1"].addresses[1:],
                ),
            )(world)
        ),
        (("groups.0.prefixes", ["10.0.11.0/24"]),),
        [
            (
                "route_server.propagate_to[0]",
                f"a route for 10.0.11.0/24 cannot go to fw2's {ENI}2",
                "a public IP that stays",
            )
        ],
    ),
    "the same table, undeclared": (
        gateway,
        (("groups.0.prefixes", ["10.0.11.0/24"]), ("route_server.propagate_to", ...)),
        [("route_server.propagate_to", f"cannot go to fw2's {ENI}2", "a public IP that stays")],
    ),
    "the VPC to manage one in is of another Region": (
        lambda world: replace(world, reading=None, route_server_ids=(), propagated_to=(), vpc_prefixes=()),
        (("manage", True), ("route_server.id", ...)),
        [("route_server.vpc_id", "is not known in account", "a VPC of that account and Region")],
    ),
}


def told(problems: list[Any]) -> list[str]:
    return [str(problem) for problem in problems]


def test_nothing_is_wrong_with_the_example_where_aws_fits() -> None:
    assert told(worldcheck(topology(), inventory(), [topology()])) == []
    assert warnings(topology(), inventory()) == []


@pytest.mark.parametrize(("world", "changes", "expected"), BROKEN.values(), ids=BROKEN)
def test_what_does_not_fit_aws_is_named_and_nothing_else(world, changes, expected) -> None:
    problems = worldcheck(declared(*changes), world(inventory()), [])
    assert sorted(p.path for p in problems) == sorted(path for path, _, _ in expected), told(problems)
    for path, what, right in expected:
        problem = next(p for p in problems if p.path == path)
        assert what in problem.what
        assert right in problem.right


def test_every_rule_is_shown_failing() -> None:
    rules = (*ROUTE_SERVER_CHECKS, *PROPAGATION_CHECKS, *ELASTIC_IP_CHECKS)
    silent = {rule.__name__ for rule in rules}
    for world, changes, _ in BROKEN.values():
        wanted, bent = declared(*changes), world(inventory())
        silent -= {rule.__name__ for rule in rules if list(rule(wanted, bent))}
    assert silent == set()


def test_only_what_lacks_the_tag_alone_is_offered_for_tagging() -> None:
    bare = of_interface(2, tags=())(inventory())
    foreign = of_interface(2, tags=(("tandem:stack", "staging"),))(inventory())
    assert [p.untagged for p in worldcheck(topology(), bare, [])] == [f"{ENI}2"]
    assert [p.untagged for p in worldcheck(topology(), foreign, [])] == [None]


def test_declared_elastic_ips_displace_nobody_while_they_are_on_each_others_targets() -> None:
    swapped = address(2, "10.0.2.20", public_ip="192.0.2.24", allocation_id=f"{EIP}4")(inventory())
    assert told(worldcheck(topology(), swapped, [])) == []


def test_what_another_stored_topology_claims_is_refused_once_each() -> None:
    other = declared(("name", "other"), ("groups.0.elastic_ips", document()["groups"][0]["elastic_ips"][:1]))
    problems = worldcheck(topology(), inventory(), [other])
    assert [p.path for p in problems] == [
        f"{FIRST}.allocation_id",
        f"{FIRST}.targets.fw1",
        f"{FIRST}.targets.fw2",
    ]
    assert all("claimed by the stored topology other" in p.what for p in problems)


def test_its_own_older_version_claims_nothing() -> None:
    assert told(worldcheck(topology(), inventory(), [topology(mode="dry-run")])) == []


def test_a_tracked_default_route_alone_does_not_ask_for_public_ips_in_a_gateway_table() -> None:
    assert told(worldcheck(topology(), gateway(inventory()), [])) == []


def test_what_a_gateway_table_always_rejects_is_said_once() -> None:
    assert [w for w in warnings(topology(), gateway(inventory())) if "0.0.0.0/0" in w] == warnings(
        topology(), gateway(inventory())
    )
    assert len(warnings(topology(), gateway(inventory()))) == 1


def test_notifications_that_are_off_are_a_warning() -> None:
    quiet = server(sns_topic_arn=None)(inventory())
    assert told(worldcheck(topology(), quiet, [])) == []
    assert "SNS notifications off" in warnings(topology(), quiet)[0]
    assert warnings(declared(("route_server.sns_notifications", False)), quiet) == []


def test_a_peer_of_nobody_is_a_warning() -> None:
    stray = lambda world: replace(  # noqa: E731
        world,
        reading=replace(
            shown(world),
            peers=(
                *shown(world).peers,
                replace(shown(world).peers[0], peer_id="rsp-x", peer_address="10.0.1.77"),
            ),
        ),
    )
    assert told(worldcheck(topology(), stray(inventory()), [])) == []
    assert (
        "rsp-x (10.0.1.77) is a peer of no declared appliance" in warnings(topology(), stray(inventory()))[0]
    )


def test_an_unknown_route_server_hides_no_other_problem() -> None:
    blind = replace(without("elastic_ips", f"{EIP}1")(inventory()), reading=None)
    assert {"route_server.id", f"{FIRST}.allocation_id"} <= {
        p.path for p in worldcheck(topology(), blind, [])
    }


def test_a_group_without_elastic_ips_is_fine() -> None:
    watched = declared(("groups.0.elastic_ips", []))
    assert told(worldcheck(watched, inventory(), [])) == []


def test_ipv6_prefixes_are_compared_with_ipv6_only() -> None:
    wanted = declared(("groups.0.prefixes", ["2001:db8::/64"]))
    six = replace(gateway(inventory()), vpc_prefixes=("10.0.0.0/16", "2001:db8::/56"))
    assert [p.path for p in worldcheck(wanted, six, [])] == ["route_server.propagate_to[0]"]
    assert isinstance(next(iter(six.interfaces.values())), NetworkInterface)
