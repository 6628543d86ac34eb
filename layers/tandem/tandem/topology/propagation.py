"""The third pass, route tables' side: whether what the route server propagates can work there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from tandem.reasons.documents import ProblemCode
from tandem.reasons.reason import Reason, reason
from tandem.topology.crosschecks import MOST_ROUTES
from tandem.topology.document import Topology
from tandem.topology.elasticips import targets
from tandem.topology.inventory import Inventory, RouteTable
from tandem.topology.problems import Problem, path_of, problem_at

Check = Callable[[Topology, Inventory], Iterator[Problem]]

DEFAULT_ROUTES = ("0.0.0.0/0", "::/0")


def propagates_as_declared(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    if inventory.reading is None and not topology.manage:
        return
    for index, table_id in enumerate(topology.route_server.propagate_to):
        where = path_of(["route_server", "propagate_to", index])
        if table_id in inventory.unknown:
            yield inventory.unreadable(where, table_id)
        elif table_id not in inventory.route_tables:
            facts = {"vpc_ids": inventory.vpc_ids, "place": str(inventory.place)}
            yield problem_at(where, ProblemCode.TABLE_UNKNOWN, table_id, **facts)
        elif table_id not in inventory.propagated_to and not topology.manage:
            code = ProblemCode.TABLE_NOT_PROPAGATED
            yield problem_at(where, code, table_id, actual=inventory.propagated_to)


def appliances_have_a_way_out(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    """Refuses a default route that is propagated into the target's own subnet points the appliance's way out
    at itself.
    """
    defaults = {i: [p for p in g.prefixes if p in DEFAULT_ROUTES] for i, g in enumerate(topology.groups)}
    propagated = topology.route_server.propagate_to if topology.manage else inventory.propagated_to
    told: set[str] = set()
    for placed in targets(topology, inventory):
        table = inventory.route_table_of(placed.interface.subnet_id) if placed.interface else None
        if table is None or table.route_table_id not in propagated or not defaults[placed.group]:
            continue
        interface_id = placed.target.network_interface_id
        if interface_id not in told:
            told.add(interface_id)
            yield problem_at(
                placed.path("network_interface"),
                ProblemCode.WAY_OUT_AT_ITSELF,
                interface_id,
                table_id=table.route_table_id,
                prefix=defaults[placed.group][0],
            )


def gateway_tables_can_have_the_routes(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    """Checks that a gateway table's route needs a target interface with a public IP of its own
    (docs/aws-facts.md#gateway-route-tables). What has its public IP only by a move is not refused.
    """
    for needed in without_public_ip(topology, inventory):
        if not needed.by_move:
            yield problem_at(
                _propagation_path(topology, needed.table),
                ProblemCode.NO_PUBLIC_IP_FOR_GATEWAY_TABLE,
                needed.interface_id,
                table_id=needed.table.route_table_id,
                prefix=needed.prefix,
                appliance=needed.appliance,
            )


@dataclass(frozen=True, slots=True)
class Needed:
    """An interface without a public IP to which a route of a gateway table may lead."""

    table: RouteTable
    prefix: str
    appliance: str
    interface_id: str
    by_move: bool
    """True for a target of the Elastic IPs that follow the prefix: it has one of them once it is active."""


def without_public_ip(topology: Topology, inventory: Inventory) -> Iterator[Needed]:
    """Yields each interface at a peer address or a next hop, once for each group that tracks a prefix inside
    the VPC.
    """
    for table in _gateway_tables(topology, inventory):
        for group in topology.groups:
            inside = [p for p in group.prefixes if any(is_within(p, vpc) for vpc in inventory.vpc_prefixes)]
            moving = {t.network_interface_id for e in group.elastic_ips for t in e.targets.values()}
            for name, appliance in topology.appliances.items() if inside else ():
                addresses = sorted(appliance.peer_addresses | set(appliance.next_hops))
                found = filter(None, (inventory.interface_with(address) for address in addresses))
                bare = {i.network_interface_id for i in found if not any(a.public_ip for a in i.addresses)}
                for interface_id in sorted(bare):
                    yield Needed(table, inside[0], name, interface_id, interface_id in moving)


PROPAGATION_CHECKS: tuple[Check, ...] = (
    propagates_as_declared,
    appliances_have_a_way_out,
    gateway_tables_can_have_the_routes,
)


def tables_with_room(topology: Topology, stored: Iterable[Topology]) -> Iterator[Problem]:
    """Checks the quota: a route table takes so many propagated routes, of all route servers together, and
    nobody can raise that (docs/aws-facts.md#quotas). Counted are the tracked prefixes of each stored topology
    that declares the table.
    """
    others = [other for other in stored if other.name != topology.name]
    for index, table_id in enumerate(topology.route_server.propagate_to):
        sharing = [other for other in others if table_id in other.route_server.propagate_to]
        routes = {prefix for each in (topology, *sharing) for prefix in _tracked(each)}
        if sharing and len(routes) > MOST_ROUTES:
            yield problem_at(
                path_of(["route_server", "propagate_to", index]),
                ProblemCode.TABLE_FULL,
                table_id,
                count=len(routes),
                others=tuple(other.name for other in sharing),
                most=MOST_ROUTES,
            )


def propagation_warnings(topology: Topology, inventory: Inventory) -> Iterator[Reason]:
    """Yields what AWS always rejects, said once a table; nothing while the VPC's address blocks are
    unknown.
    """
    if not inventory.unknown.keys().isdisjoint(inventory.vpc_ids):
        return
    outside = tuple(
        p for p in _tracked(topology) if not any(is_within(p, vpc) for vpc in inventory.vpc_prefixes)
    )
    for table in _gateway_tables(topology, inventory) if outside else ():
        yield reason(ProblemCode.GATEWAY_TABLE_REJECTS, table.route_table_id, prefixes=outside)


def static_route_warnings(topology: Topology, inventory: Inventory) -> Iterator[Reason]:
    """Yields a static route for a tracked prefix: AWS prefers it to a propagated one with the same
    destination.

    https://docs.aws.amazon.com/vpc/latest/userguide/route-tables-priority.html does not say whether that is
    so for a route server's routes too, and it refuses nothing.
    """
    tables = _propagated_tables(topology, inventory)
    for prefix in dict.fromkeys(_tracked(topology)):
        static = {table.route_table_id: dict(table.static_routes).get(prefix) for table in tables}
        is_alone = None not in static.values()
        for table_id, target in static.items():
            if target is not None:
                facts = {"table_id": table_id, "prefix": prefix, "target": target, "is_alone": is_alone}
                yield reason(ProblemCode.STATIC_ROUTE_BESIDE, f"{prefix} in {table_id}", **facts)


def is_within(prefix: str, other: str) -> bool:
    """Returns True if `prefix` is `other` or a part of it."""
    inner, outer = ip_network(prefix), ip_network(other)
    if isinstance(inner, IPv4Network) and isinstance(outer, IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(inner, IPv6Network) and isinstance(outer, IPv6Network):
        return inner.subnet_of(outer)
    return False


def _tracked(topology: Topology) -> list[str]:
    return [prefix for group in topology.groups for prefix in group.prefixes]


def _gateway_tables(topology: Topology, inventory: Inventory) -> list[RouteTable]:
    """Returns those of internet gateways; AWS does not support others (docs/aws-facts.md#route-tables)."""
    tables = _propagated_tables(topology, inventory)
    return [table for table in tables if any(g.startswith("igw-") for g in table.gateway_ids)]


def _propagated_tables(topology: Topology, inventory: Inventory) -> list[RouteTable]:
    """Returns the route tables that get the route server's routes, or are going to."""
    wanted = topology.route_server.propagate_to if topology.manage else ()
    propagated = dict.fromkeys((*inventory.propagated_to, *wanted))
    tables = (inventory.route_tables.get(table_id) for table_id in propagated)
    return [table for table in tables if table is not None]


def _propagation_path(topology: Topology, table: RouteTable) -> str:
    declared = topology.route_server.propagate_to
    if table.route_table_id in declared:
        return path_of(["route_server", "propagate_to", declared.index(table.route_table_id)])
    return "route_server.propagate_to"
