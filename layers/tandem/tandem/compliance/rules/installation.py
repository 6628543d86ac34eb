"""Whether the routes of the tracked prefixes are in the route tables that need them, and decide there."""

from __future__ import annotations

from collections.abc import Iterator

from tandem.compliance.checks import as_watched, unread_part_of
from tandem.compliance.rule import Result, Rule, RuleSeverity, RuleVerdict
from tandem.compliance.snapshot import Snapshot, known
from tandem.model import InstallationStatus, Route, RoutingDatabase
from tandem.reasons.compliance import CheckCode, RuleId
from tandem.reasons.documents import ProblemCode as Code
from tandem.topology.document import Topology
from tandem.topology.inventory import ADVERTISED, MADE, Inventory, RouteTable, TableRoute
from tandem.topology.problems import Problem, path_of
from tandem.topology.propagation import (
    is_within,
    propagates_as_declared,
    propagation_warnings,
    static_route_warnings,
)

BLACKHOLE = "blackhole"
INTERNET_GATEWAY = "igw-"


def installed(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each declared route table and tracked prefix by the chosen path's installations."""
    database, inventory = snapshot.database, known(snapshot.inventory)
    problems = tuple(propagates_as_declared(as_watched(snapshot.topology), inventory))
    gateways = {why.subject: why for why in propagation_warnings(snapshot.topology, inventory)}
    rejected = {prefix for why in gateways.values() for prefix in dict(why.facts)["prefixes"]}
    # a gateway table need not have what another table is for
    is_elsewhere = any(table not in gateways for table, _ in _declared(snapshot.topology))
    for table, place in _declared(snapshot.topology):
        problem = next((p for p in problems if p.path == place and p.code in TABLE_GONE), None)
        doubt = unread_part_of((table,), inventory)
        for prefix in _tracked(snapshot.topology):
            resource = f"{table} {prefix}"
            unread = doubt or database.doubts.get(prefix) or database.doubts.get("")
            unread = unread or database.incomplete.get(prefix) or database.incomplete.get("")
            if unread is not None:
                yield Result.unknown(resource, unread, place)
            elif (
                is_elsewhere
                and table in gateways
                and prefix in rejected
                and not _is_installed(database, table, prefix)
            ):
                yield Result(resource, RuleVerdict.NOT_APPLICABLE, gateways[table], place)
            elif problem is not None:
                yield Result.failed_for(resource, problem.reason, place)
            else:
                yield _installation(database, table, prefix, place)


def _is_installed(database: RoutingDatabase, table: str, prefix: str) -> bool:
    """Returns True if a gateway table has a prefix outside the VPC, as one of the account's own pools."""
    found = (i for route in database.in_fib((prefix,)) for i in route.installations)
    return any(i.route_table_id == table and i.status is InstallationStatus.INSTALLED for i in found)


def _installation(database: RoutingDatabase, table: str, prefix: str, place: str) -> Result:
    resource, chosen = f"{table} {prefix}", database.in_fib((prefix,))
    found = [i for route in chosen for i in route.installations if i.route_table_id == table]
    rejected = [i for i in found if i.status is InstallationStatus.REJECTED]
    if rejected:
        why = rejected[0].reason
        return Result.failed(resource, CheckCode.ROUTE_REJECTED, place, table=table, prefix=prefix, why=why)
    if not found:
        nobody = not chosen
        return Result.failed(
            resource, CheckCode.ROUTE_NOT_INSTALLED, place, table=table, prefix=prefix, nobody=nobody
        )
    return Result.passed(resource, place)


def not_shadowed(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each declared table and tracked prefix: no static route has the same destination."""
    topology, inventory = snapshot.topology, known(snapshot.inventory)
    problems = {reason.subject: Problem("", reason) for reason in static_route_warnings(topology, inventory)}
    for table, place, doubt in _readable(snapshot):
        for prefix in _tracked(topology):
            shadow = problems.get(f"{prefix} in {table.route_table_id}")
            resource = f"{table.route_table_id} {prefix}"
            if doubt is not None:
                yield Result.unknown(resource, doubt, place)
            elif shadow is not None:
                yield Result.failed_for(resource, shadow.reason, place)
            else:
                yield Result.passed(resource, place)


def not_bypassed(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each declared table: no static route takes a part of a tracked prefix elsewhere.

    The longest prefix wins first (docs/aws-facts.md#static-routes). A prefix list's members are not read.
    """
    for table, place, doubt in _readable(snapshot):
        longer = [
            (route, prefix)
            for route in table.routes
            for prefix in _tracked(snapshot.topology)
            if route.origin == MADE and _is_inside(route.destination, prefix)
        ]
        resource = table.route_table_id
        if doubt is not None:
            yield Result.unknown(resource, doubt, place)
        elif longer:
            route, prefix = longer[0]
            yield Result.failed(
                resource,
                CheckCode.ROUTE_BYPASSED,
                place,
                destination=route.destination,
                target=route.target,
                prefix=prefix,
                more=len(longer) - 1,
            )
        else:
            yield Result.passed(resource, place)


def no_blackhole(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each declared table: every route leads to what is there (docs/aws-facts.md#route-states)."""
    for table, place, doubt in _readable(snapshot):
        resource, dead = table.route_table_id, [r for r in table.routes if r.state == BLACKHOLE]
        if doubt is not None:
            yield Result.unknown(resource, doubt, place)
        elif dead:
            to, target = dead[0].destination, dead[0].target
            yield Result.failed(
                resource,
                CheckCode.ROUTE_IS_BLACKHOLE,
                place,
                destination=to,
                target=target,
                more=len(dead) - 1,
            )
        elif strange := next((r for r in table.routes if r.state not in ("active", "filtered")), None):
            yield Result.unknown(
                resource, f"the route to {strange.destination} has the state {strange.state!r}", place
            )
        else:
            yield Result.passed(resource, place)


def leads_to_appliance(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each propagated route of a tracked prefix by the interface that it leads to."""
    topology, inventory = snapshot.topology, known(snapshot.inventory)
    database = snapshot.database
    for table, place, doubt in _readable(snapshot):
        for route in table.routes:
            if route.origin != ADVERTISED or route.destination not in _tracked(topology):
                continue
            resource = f"{table.route_table_id} {route.destination}"
            if doubt is not None or not route.target:
                yield Result.unknown(resource, doubt or "AWS shows no target of the route", place)
            elif _is_appliances(route, topology, inventory):
                yield Result.passed(resource, place)
            elif any(appliance.instance_id is None for appliance in topology.appliances.values()):
                yield Result.unknown(
                    resource, f"an appliance without instance_id may have {route.target}", place
                )
            else:
                chosen = database.in_fib((route.destination,))
                yield _to_a_stranger(resource, route, chosen, place)


def _is_appliances(route: TableRoute, topology: Topology, inventory: Inventory) -> bool:
    interface = inventory.interfaces.get(route.target)
    instance = interface.instance_id if interface else route.target
    return instance in topology.instance_ids or (
        interface is not None
        and any(
            address.private_ip in appliance.peer_addresses | set(appliance.next_hops)
            for appliance in topology.appliances.values()
            for address in interface.addresses
        )
    )


def _to_a_stranger(resource: str, route: TableRoute, chosen: tuple[Route, ...], place: str) -> Result:
    return Result.failed(
        resource,
        CheckCode.ROUTE_TO_STRANGER,
        place,
        prefix=route.destination,
        target=route.target,
        next_hop=next((row.next_hop for row in chosen), None),
    )


def only_declared(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each route table that the route server propagates to; only where the document declares any."""
    topology, inventory = snapshot.topology, known(snapshot.inventory)
    declared = dict(_declared(topology))
    for table_id in inventory.propagated_to if declared or topology.manage else ():
        doubt = unread_part_of((table_id,), inventory)
        if doubt is not None:
            yield Result.unknown(table_id, doubt, declared.get(table_id))
        elif table_id in declared:
            yield Result.passed(table_id, declared[table_id])
        else:
            yield Result.failed(table_id, CheckCode.TABLE_UNDECLARED, "route_server.propagate_to")


def supported(snapshot: Snapshot) -> Iterator[Result]:
    """Judges what each declared table is associated with (docs/aws-facts.md#route-tables)."""
    for table, place, doubt in _readable(snapshot):
        resource = table.route_table_id
        others = tuple(g for g in table.gateway_ids if not g.startswith(INTERNET_GATEWAY))
        if doubt is not None:
            yield Result.unknown(resource, doubt, place)
        elif others:
            yield Result.failed(resource, CheckCode.TABLE_OF_OTHER_GATEWAY, place, gateways=others)
        else:
            yield Result.passed(resource, place)


def has_subnet(snapshot: Snapshot) -> Iterator[Result]:
    """Judges whether each declared table is associated with a subnet, or with an internet gateway."""
    for table, place, doubt in _readable(snapshot):
        resource = table.route_table_id
        if doubt is not None:
            yield Result.unknown(resource, doubt, place)
        elif table.gateway_ids:
            yield Result.not_applicable(resource, CheckCode.TABLE_OF_GATEWAY, gateways=table.gateway_ids)
        elif not table.subnet_ids:
            yield Result.failed(resource, CheckCode.TABLE_WITHOUT_SUBNET, place, main=table.main)
        else:
            yield Result.passed(resource, place)


def no_firewall(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each declared table, where the SDK reads firewalls at all (docs/aws-facts.md#route-states)."""
    known(snapshot.firewalls)
    for table, place, doubt in _readable(snapshot):
        resource = table.route_table_id
        route = next((route for route in table.routes if route.firewall), None)
        if doubt is not None:
            yield Result.unknown(resource, doubt, place)
        elif route is not None:
            to, firewall = route.destination, route.firewall
            yield Result.failed(
                resource, CheckCode.ROUTE_HAS_FIREWALL, place, destination=to, firewall=firewall
            )
        else:
            yield Result.passed(resource, place)


def _readable(snapshot: Snapshot) -> Iterator[tuple[RouteTable, str, str | None]]:
    """Yields each declared table that AWS shows, its place, and why it is not read as a whole."""
    topology, inventory = snapshot.topology, known(snapshot.inventory)
    for table_id, place in _declared(topology):
        table = inventory.route_tables.get(table_id)
        doubt = unread_part_of((table_id,), inventory)
        unnamed = next((r for r in table.routes if not r.origin), None) if table else None
        if doubt is None and unnamed is not None:
            doubt = f"the route to {unnamed.destination} shows no origin"
        if doubt is None and table is not None and not table.routes:
            doubt = f"{table_id} shows no route, not even the local one"
        if table is not None:
            yield table, place, doubt
        elif doubt is not None:
            yield RouteTable(table_id, ""), place, doubt


def _declared(topology: Topology) -> Iterator[tuple[str, str]]:
    for index, table_id in enumerate(topology.route_server.propagate_to):
        yield table_id, path_of(["route_server", "propagate_to", index])


def _tracked(topology: Topology) -> tuple[str, ...]:
    return tuple(prefix for group in topology.groups for prefix in group.prefixes)


def _is_inside(destination: str, prefix: str) -> bool:
    return "/" in destination and destination != prefix and is_within(destination, prefix)


TABLE_GONE = frozenset({Code.TABLE_UNKNOWN, Code.TABLE_NOT_PROPAGATED})

RULES = (
    Rule(RuleId.ROUTE_INSTALLED, RuleSeverity.CRITICAL, installed, TABLE_GONE),
    Rule(
        RuleId.ROUTE_NOT_SHADOWED, RuleSeverity.CRITICAL, not_shadowed, frozenset({Code.STATIC_ROUTE_BESIDE})
    ),
    Rule(RuleId.ROUTE_NOT_BYPASSED, RuleSeverity.MEDIUM, not_bypassed),
    Rule(RuleId.NO_BLACKHOLE_ROUTE, RuleSeverity.HIGH, no_blackhole),
    Rule(RuleId.ROUTE_LEADS_TO_APPLIANCE, RuleSeverity.CRITICAL, leads_to_appliance),
    Rule(RuleId.PROPAGATION_DECLARED, RuleSeverity.MEDIUM, only_declared),
    Rule(RuleId.ROUTE_TABLE_SUPPORTED, RuleSeverity.CRITICAL, supported),
    Rule(RuleId.ROUTE_TABLE_HAS_SUBNET, RuleSeverity.LOW, has_subnet),
    Rule(RuleId.NO_GATEWAY_FIREWALL, RuleSeverity.LOW, no_firewall),
)
