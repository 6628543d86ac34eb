"""Every rule for the route tables refuses what cannot work there, with path and words, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tandem.model import NetworkInterface, PrivateAddress
from tandem.topology.inventory import Inventory, RouteTable
from tandem.topology.worldchecks import worldcheck
from tests.topologies import (
    EIP,
    ENI,
    PROTECTED,
    PUBLIC,
    SUBNET,
    VPC,
    Edit,
    Expected,
    World,
    assert_refused,
    declared,
    in_words,
    inventory,
    of_interface,
    same,
    topology,
    warning_words,
)

FIRST = "groups[0].elastic_ips[0]"


def gateway(world: Inventory) -> Inventory:
    """The protected table is the Internet gateway's, which has routes for the VPC's own subnets."""
    table = RouteTable(PROTECTED, VPC, gateway_ids=("igw-0a1b2c3d4e5f60001",))
    return replace(world, route_tables={**world.route_tables, PROTECTED: table})


NOTHING: tuple[Edit, ...] = ()
BROKEN: dict[str, tuple[World, tuple[Edit, ...], list[Expected]]] = {
    # name: (what AWS shows, what is declared, [(path, what is wrong, what would be right)])
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
        (("groups.0.prefixes", ["10.0.11.0/24"]), ("groups.0.elastic_ips", ...)),
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
        (
            ("groups.0.prefixes", ["10.0.11.0/24"]),
            ("groups.0.elastic_ips", ...),
            ("route_server.propagate_to", ...),
        ),
        [("route_server.propagate_to", f"cannot go to fw2's {ENI}2", "a public IP that stays")],
    ),
}


@pytest.mark.parametrize(("world", "edits", "expected"), BROKEN.values(), ids=BROKEN)
def test_what_does_not_fit_aws_is_named_and_nothing_else(
    world: World, edits: tuple[Edit, ...], expected: list[Expected]
) -> None:
    assert_refused(worldcheck(declared(*edits), world(inventory()), []), expected)


def test_a_target_of_an_elastic_ip_that_moves_has_its_public_ip_from_the_move() -> None:
    wanted = declared(("groups.0.prefixes", ["10.0.11.0/24"]))
    assert in_words(worldcheck(wanted, gateway(inventory()), [])) == []


def test_the_interface_behind_a_next_hop_needs_a_public_ip_too() -> None:
    floating = PrivateAddress("10.0.2.99")
    other = replace(inventory().interfaces[f"{ENI}2"], network_interface_id=f"{ENI}9", addresses=(floating,))
    world = gateway(inventory())
    world = replace(world, interfaces={**world.interfaces, f"{ENI}9": other})
    wanted = declared(
        ("groups.0.prefixes", ["10.0.11.0/24"]), ("appliances.fw2.next_hops", [floating.private_ip])
    )
    [found] = in_words(worldcheck(wanted, world, []))
    assert f"cannot go to fw2's {ENI}9" in str(found)


def test_a_tracked_default_route_alone_does_not_ask_for_public_ips_in_a_gateway_table() -> None:
    assert in_words(worldcheck(topology(), gateway(inventory()), [])) == []


def test_what_a_gateway_table_always_rejects_is_said_once() -> None:
    assert [w for w in warning_words(topology(), gateway(inventory())) if "0.0.0.0/0" in w] == warning_words(
        topology(), gateway(inventory())
    )
    assert len(warning_words(topology(), gateway(inventory()))) == 1


def test_a_static_route_for_a_tracked_prefix_is_named_with_its_table() -> None:
    def routed(table: str, *routes: tuple[str, str]) -> Inventory:
        there = replace(inventory().route_tables[table], static_routes=routes)
        return replace(inventory(), route_tables={**inventory().route_tables, table: there})

    beside = ("10.9.0.0/16", "pcx-0a1b2c3d4e5f60001")
    (warning,) = warning_words(topology(), routed(PROTECTED, beside, ("0.0.0.0/0", "igw-0a1b2c3d4e5f60001")))
    assert warning == (
        f"{PROTECTED} has a static route for 0.0.0.0/0 to igw-0a1b2c3d4e5f60001: AWS prefers a static route "
        "to a propagated one with the same destination, so that table does not follow the route server; "
        "remove the static route, or do not propagate to that table. No other route table gets 0.0.0.0/0 "
        "from the route server: while the appliance that has an address is alive, Tandem does not move it"
    )
    assert warning_words(topology(), routed(PROTECTED, beside)) == []
    assert warning_words(topology(), routed(PUBLIC, ("0.0.0.0/0", "igw-0a1b2c3d4e5f60001"))) == []
    wanted = declared(("manage", True), ("route_server.propagate_to", [PROTECTED, PUBLIC]))
    (one,) = warning_words(wanted, routed(PUBLIC, ("0.0.0.0/0", "igw-0a1b2c3d4e5f60001")))
    assert one.startswith(f"{PUBLIC} has a static route for 0.0.0.0/0")
    assert one.endswith("or do not propagate to that table")


def test_ipv6_prefixes_are_compared_with_ipv6_only() -> None:
    wanted = declared(("groups.0.prefixes", ["2001:db8::/64"]), ("groups.0.elastic_ips", ...))
    six = replace(gateway(inventory()), vpc_prefixes=("10.0.0.0/16", "2001:db8::/56"))
    assert [p.path for p in worldcheck(wanted, six, [])] == ["route_server.propagate_to[0]"]
    assert isinstance(next(iter(six.interfaces.values())), NetworkInterface)
