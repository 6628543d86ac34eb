"""Whether the routes of the tracked prefixes are in the route tables that need them, and decide there."""

from __future__ import annotations

from collections.abc import Iterator

from tandem.compliance.checks import as_watched, unread_part_of
from tandem.compliance.rule import Result, Rule, RuleSeverity, RuleVerdict
from tandem.compliance.rules.otherroutes import not_bypassed, not_shadowed
from tandem.compliance.rules.tables import declared, readable, tracked_prefixes
from tandem.compliance.snapshot import Snapshot, known
from tandem.model import InstallationStatus, Route, RoutingDatabase
from tandem.reasons.compliance import CheckCode, RuleId
from tandem.reasons.documents import ProblemCode as Code
from tandem.topology.document import Topology
from tandem.topology.inventory import ADVERTISED, MADE, Inventory, RouteTable, TableRoute
from tandem.topology.propagation import propagates_as_declared, propagation_warnings

BLACKHOLE = "blackhole"
INTERNET_GATEWAY = "igw-"


def installed(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each declared route table and tracked prefix by the chosen path's installations."""
    database, inventory = snapshot.database, known(snapshot.inventory)
    problems = tuple(propagates_as_declared(as_watched(snapshot.topology), inventory))
    gateways = {why.subject: why for why in propagation_warnings(snapshot.topology, inventory)}
    rejected = {prefix for why in gateways.values() for prefix in dict(why.facts)["prefixes"]}
    # a gateway table need not have what another table is for
    is_elsewhere = any(table not in gateways for table, _ in declared(snapshot.topology))
    for table, place in declared(snapshot.topology):
        problem = next((p for p in problems if p.path == place and p.code in TABLE_GONE), None)
        doubt = unread_part_of((table,), inventory)
        for prefix in tracked_prefixes(snapshot.topology):
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
                result = _installation(database, table, prefix, place)
                is_there = result.verdict is RuleVerdict.PASS
                yield _as_shown(inventory.route_tables.get(table), result, prefix) if is_there else result


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


def _as_shown(table: RouteTable | None, passed: Result, prefix: str) -> Result:
    """Compares what the routing database calls installed with the table itself."""
    if table is None:
        return passed
    origins = {route.origin for route in table.routes if route.destination == prefix}
    if ADVERTISED in origins or MADE in origins:  # another rule is about a static route
        return passed
    resource, place, table_id = passed.resource, passed.place, table.route_table_id
    if origins or not table.routes:
        return Result.unknown(resource, f"{table_id} shows no route that the route server wrote", place)
    return Result.failed(resource, CheckCode.ROUTE_NOT_SHOWN, place, table=table_id, prefix=prefix)


def no_blackhole(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each declared table: every route leads to what is there (docs/aws-facts.md#route-states)."""
    for table, place, doubt in readable(snapshot):
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
        elif strange := next((r for r in table.routes if r.state != "active"), None):
            yield Result.unknown(
                resource, f"the route to {strange.destination} has the state {strange.state!r}", place
            )
        else:
            yield Result.passed(resource, place)


def leads_to_appliance(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each propagated route of a tracked prefix by the interface that it leads to."""
    topology, inventory = snapshot.topology, known(snapshot.inventory)
    database = snapshot.database
    for table, place, doubt in readable(snapshot):
        for route in table.routes:
            if route.origin != ADVERTISED or route.destination not in tracked_prefixes(topology):
                continue
            resource = f"{table.route_table_id} {route.destination}"
            if doubt is not None or not route.target:
                yield Result.unknown(resource, doubt or "AWS shows no target of the route", place)
            elif _is_appliances(route, topology, inventory):
                yield _as_chosen(table.route_table_id, route, snapshot, place)
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


def _as_chosen(table_id: str, route: TableRoute, snapshot: Snapshot, place: str) -> Result:
    """Compares the interface that the table shows with the next hop that the routing database shows as
    installed there. The two may differ for seconds, while a change of routes is on its way.
    """
    inventory, resource = known(snapshot.inventory), f"{table_id} {route.destination}"
    hops = sorted(
        row.next_hop
        for row in snapshot.database.in_fib((route.destination,))
        for one in row.installations
        if one.route_table_id == table_id and one.status is InstallationStatus.INSTALLED
    )
    with_hop = [interface for hop in hops if (interface := inventory.interface_with(hop))]
    ids = {of for i in with_hop for of in (i.network_interface_id, i.instance_id)}
    if not hops or route.target in ids:
        return Result.passed(resource, place)
    doubt = unread_part_of((route.target, *inventory.interfaces), inventory)
    if doubt is not None or not with_hop:
        why = f"no interface that AWS shows has the next hop {hops[0]}"
        return Result.unknown(resource, doubt or why, place)
    return Result.failed(
        resource,
        CheckCode.ROUTE_LEADS_ELSEWHERE,
        place,
        table=table_id,
        prefix=route.destination,
        target=route.target,
        next_hop=hops[0],
        interface=with_hop[0].network_interface_id,
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
    places = dict(declared(topology))
    for table_id in inventory.propagated_to if places or topology.manage else ():
        doubt = unread_part_of((table_id,), inventory)
        if doubt is not None:
            yield Result.unknown(table_id, doubt, places.get(table_id))
        elif table_id in places:
            yield Result.passed(table_id, places[table_id])
        else:
            yield Result.failed(table_id, CheckCode.TABLE_UNDECLARED, "route_server.propagate_to")


def supported(snapshot: Snapshot) -> Iterator[Result]:
    """Judges what each declared table is associated with (docs/aws-facts.md#route-tables)."""
    for table, place, doubt in readable(snapshot):
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
    for table, place, doubt in readable(snapshot):
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
    for table, place, doubt in readable(snapshot):
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
