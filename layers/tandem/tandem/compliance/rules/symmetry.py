"""Whether both directions of the traffic pass the same appliance, by gateway and subnet route tables."""

from __future__ import annotations

from collections.abc import Iterator

from tandem.compliance.checks import Part, checked, otherwise, unread_part_of
from tandem.compliance.rule import Result, Rule, RuleSeverity
from tandem.compliance.snapshot import Snapshot, known
from tandem.reasons.compliance import CheckCode, RuleId
from tandem.reasons.documents import ProblemCode as Code
from tandem.topology.document import Topology
from tandem.topology.elasticips import targets
from tandem.topology.inventory import ADVERTISED, Inventory, RouteTable
from tandem.topology.problems import path_of
from tandem.topology.propagation import (
    appliances_have_a_way_out,
    gateway_tables_can_have_the_routes,
    propagation_warnings,
    without_public_ip,
)


def same_both_ways(snapshot: Snapshot) -> Iterator[Result]:
    """Judges the topology where it has gateway tables: what comes in and the answers pass one appliance."""
    topology, inventory = snapshot.topology, known(snapshot.inventory)
    tables = [part.resource for part in _tables(topology, inventory)]
    shown = [inventory.route_tables[table] for table in tables if table in inventory.route_tables]
    inward = _appliances([table for table in shown if table.gateway_ids], topology, inventory)
    outward = _appliances([table for table in shown if not table.gateway_ids], topology, inventory)
    doubt = unread_part_of((*tables, *inventory.unknown), inventory)
    if not any(table.gateway_ids for table in shown) or not outward:
        return
    if doubt is not None:
        yield Result.unknown(topology.name, doubt)
    elif len({*inward, *outward}) > 1:
        yield Result.failed(
            topology.name, CheckCode.DIRECTIONS_DIFFER, "route_server.propagate_to", to=inward, back=outward
        )
    else:
        yield Result.passed(topology.name, "route_server.propagate_to")


def _appliances(tables: list[RouteTable], topology: Topology, inventory: Inventory) -> tuple[str, ...]:
    """Returns the appliances to which the propagated routes of tracked prefixes lead in these tables."""
    tracked = {prefix for group in topology.groups for prefix in group.prefixes}
    routes = (r for t in tables for r in t.routes if r.origin == ADVERTISED and r.destination in tracked)
    return tuple(sorted({_behind(route.target, topology, inventory) for route in routes}))


def _behind(interface_id: str, topology: Topology, inventory: Inventory) -> str:
    interface = inventory.interfaces.get(interface_id)
    for name, appliance in topology.appliances.items():
        if interface is not None and appliance.instance_id == interface.instance_id is not None:
            return name
    return interface_id


def _tables(topology: Topology, inventory: Inventory) -> Iterator[Part]:
    for index, table_id in enumerate(topology.route_server.propagate_to):
        yield Part(table_id, (path_of(["route_server", "propagate_to", index]),), (table_id,))


def _gateway_tables(topology: Topology, inventory: Inventory) -> Iterator[Part]:
    """Yields each table of an internet gateway; what it takes depends on the VPC's blocks too."""
    for part in _tables(topology, inventory):
        table = inventory.route_tables.get(part.resource)
        if table is not None and any(g.startswith("igw-") for g in table.gateway_ids):
            yield Part(part.resource, part.paths, (*part.ids, *inventory.vpc_ids))


def _public_ips_by_move(snapshot: Snapshot) -> dict[str, Result]:
    """A standby that has its public IP by the move has none yet when the route comes to it."""
    return {
        needed.table.route_table_id: Result.unknown(
            needed.table.route_table_id,
            f"{needed.interface_id} of {needed.appliance} has a public IP only after a move, and AWS does not"
            " document what becomes of a route that comes before it",
        )
        for needed in without_public_ip(snapshot.topology, known(snapshot.inventory))
        if needed.by_move
    }


def _interfaces(topology: Topology, inventory: Inventory) -> Iterator[Part]:
    ids = dict.fromkeys(placed.target.network_interface_id for placed in targets(topology, None))
    for interface_id in ids:
        interface = inventory.interfaces.get(interface_id)
        table = inventory.route_table_of(interface.subnet_id) if interface else None
        yield Part(interface_id, (), (interface_id, table.route_table_id if table else ""))


RULES = (
    Rule(RuleId.SAME_APPLIANCE_BOTH_WAYS, RuleSeverity.CRITICAL, same_both_ways),
    otherwise(
        checked(
            RuleId.GATEWAY_TARGET_HAS_PUBLIC_IP,
            RuleSeverity.CRITICAL,
            (gateway_tables_can_have_the_routes,),
            (Code.NO_PUBLIC_IP_FOR_GATEWAY_TABLE,),
            _gateway_tables,
        ),
        _public_ips_by_move,
    ),
    checked(
        RuleId.GATEWAY_TABLE_TAKES_PREFIXES,
        RuleSeverity.LOW,
        (propagation_warnings,),
        (Code.GATEWAY_TABLE_REJECTS,),
        _gateway_tables,
    ),
    checked(
        RuleId.APPLIANCE_HAS_WAY_OUT,
        RuleSeverity.CRITICAL,
        (appliances_have_a_way_out,),
        (Code.WAY_OUT_AT_ITSELF,),
        _interfaces,
    ),
)
