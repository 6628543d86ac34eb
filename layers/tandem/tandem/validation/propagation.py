"""The third pass, route tables' side: whether what the route server propagates can work there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network

from tandem.inventory import Inventory, RouteTable
from tandem.problems import Problem, path_of
from tandem.topology import Topology
from tandem.validation.crosschecks import MOST_ROUTES
from tandem.validation.elasticips import targets

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
            vpcs = ", ".join(inventory.vpc_ids)
            yield Problem(
                where, f"{table_id} is not known in {vpcs}, {inventory.place}", "a route table of that VPC"
            )
        elif table_id not in inventory.propagated_to and not topology.manage:
            actual = ", ".join(inventory.propagated_to) or "no table at all"
            yield Problem(
                where, f"the route server does not propagate to {table_id}", f"what AWS shows: {actual}"
            )


def appliances_have_a_way_out(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    """A default route propagated into the target's own subnet points the appliance's way out at itself."""
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
            yield Problem(
                placed.path("network_interface"),
                f"{interface_id} is in a subnet whose route table, {table.route_table_id}, gets "
                f"{defaults[placed.group][0]} from the route server: its way out would point at itself",
                "a table of its own for that subnet, without propagation and with a static default route",
            )


def gateway_tables_can_have_the_routes(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    """A gateway table's route needs a target interface with a public IP of its own (facts §3.6)."""
    inside = [p for p in _tracked(topology) if any(_within(p, vpc) for vpc in inventory.vpc_prefixes)]
    for table in _gateway_tables(topology, inventory):
        for name, appliance in topology.appliances.items() if inside else ():
            for address in sorted(appliance.peer_addresses):
                interface = inventory.interface_with(address)
                if interface is not None and not any(own.public_ip for own in interface.addresses):
                    yield Problem(
                        _propagation_path(topology, table),
                        f"{table.route_table_id} is a gateway route table: a route for {inside[0]} cannot "
                        f"go to {name}'s {interface.network_interface_id}, which has no public IP of its own",
                        "a public IP that stays on that interface, or no propagation to the gateway table",
                    )


PROPAGATION_CHECKS: tuple[Check, ...] = (
    propagates_as_declared,
    appliances_have_a_way_out,
    gateway_tables_can_have_the_routes,
)


def tables_with_room(topology: Topology, stored: Iterable[Topology]) -> Iterator[Problem]:
    """A route table takes so many propagated routes, of all route servers together, and nobody can raise that
    (facts §3.1). Counted are the tracked prefixes of each stored topology that declares the table."""
    others = [other for other in stored if other.name != topology.name]
    for index, table_id in enumerate(topology.route_server.propagate_to):
        sharing = [other for other in others if table_id in other.route_server.propagate_to]
        routes = {prefix for each in (topology, *sharing) for prefix in _tracked(each)}
        if sharing and len(routes) > MOST_ROUTES:
            names = ", ".join(other.name for other in sharing)
            yield Problem(
                path_of(["route_server", "propagate_to", index]),
                f"{table_id} would get {len(routes)} routes, with those of {names}",
                f"at most {MOST_ROUTES}: a quota of Amazon VPC Route Server",
            )


def propagation_warnings(topology: Topology, inventory: Inventory) -> Iterator[str]:
    """What AWS always rejects, said once a table; nothing while the VPC's address blocks are unknown."""
    if not inventory.unknown.keys().isdisjoint(inventory.vpc_ids):
        return
    outside = ", ".join(
        p for p in _tracked(topology) if not any(_within(p, vpc) for vpc in inventory.vpc_prefixes)
    )
    for table in _gateway_tables(topology, inventory) if outside else ():
        yield (
            f"{table.route_table_id} is a gateway route table: AWS rejects {outside} in it, being outside "
            "the VPC, unless it is of a BYOIP pool of that table; other route tables are not affected"
        )


def static_route_warnings(topology: Topology, inventory: Inventory) -> Iterator[str]:
    """A static route for a tracked prefix: AWS prefers it to a propagated one with the same destination.

    https://docs.aws.amazon.com/vpc/latest/userguide/route-tables-priority.html does not say whether that is
    so for a route server's routes too, and it refuses nothing.
    """
    tables = _propagated_tables(topology, inventory)
    for prefix in dict.fromkeys(_tracked(topology)):
        static = {table.route_table_id: dict(table.static_routes).get(prefix) for table in tables}
        alone = "" if None in static.values() else (
            f". No other route table gets {prefix} from the route server: while the appliance that has an "
            "address is alive, Tandem does not move it"
        )  # fmt: skip
        for table_id, target in static.items():
            if target is not None:
                yield (
                    f"{table_id} has a static route for {prefix} to {target}: AWS prefers a static route to "
                    "a propagated one with the same destination, so that table does not follow the route "
                    f"server; remove the static route, or do not propagate to that table{alone}"
                )


def _within(prefix: str, other: str) -> bool:
    """Whether `prefix` is `other` or a part of it."""
    inner, outer = ip_network(prefix), ip_network(other)
    if isinstance(inner, IPv4Network) and isinstance(outer, IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(inner, IPv6Network) and isinstance(outer, IPv6Network):
        return inner.subnet_of(outer)
    return False


def _tracked(topology: Topology) -> list[str]:
    return [prefix for group in topology.groups for prefix in group.prefixes]


def _gateway_tables(topology: Topology, inventory: Inventory) -> list[RouteTable]:
    return [table for table in _propagated_tables(topology, inventory) if table.gateway_ids]


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
