"""Routes beside those of the route server that take the traffic of a tracked prefix, or a part of it.

The longest prefix wins first, whatever its origin. Of the same prefix a static route wins, then a route to a
prefix list, then a propagated one (docs/aws-facts.md#static-routes).
"""

from __future__ import annotations

from collections.abc import Iterator

from tandem.compliance.rule import Result
from tandem.compliance.rules.tables import readable, tracked_prefixes
from tandem.compliance.snapshot import NotRead, Snapshot, known
from tandem.reasons.compliance import CheckCode
from tandem.topology.inventory import (
    ADVERTISED,
    LOCAL,
    MADE,
    PREFIX_LIST,
    Inventory,
    RouteTable,
    TableRoute,
)
from tandem.topology.problems import Problem
from tandem.topology.propagation import DEFAULT_ROUTES, is_within, static_route_warnings

PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
"""Private networks (RFC 1918, RFC 4193): a default route to the Internet is not for them."""

ENDPOINT = "vpce-"


def not_shadowed(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each declared table and tracked prefix: no other route has the same destination."""
    topology, inventory = snapshot.topology, known(snapshot.inventory)
    problems = {reason.subject: Problem("", reason) for reason in static_route_warnings(topology, inventory)}
    for table, place, doubt in readable(snapshot):
        for prefix in tracked_prefixes(topology):
            shadow = problems.get(f"{prefix} in {table.route_table_id}")
            resource = f"{table.route_table_id} {prefix}"
            if doubt is not None:
                yield Result.unknown(resource, doubt, place)
            elif shadow is not None:
                yield Result.failed_for(resource, shadow.reason, place)
            else:
                yield _beside(snapshot, table, prefix, place)


def _beside(snapshot: Snapshot, table: RouteTable, prefix: str, place: str) -> Result:
    """Judges the routes to prefix lists, and those that something else propagates."""
    resource, why = f"{table.route_table_id} {prefix}", None
    for route in table.routes:
        blocks = _blocks(snapshot, route)
        if isinstance(blocks, str):
            why = why or blocks
        elif prefix not in blocks:
            continue
        elif route.destination != prefix:
            return Result.failed(
                resource,
                CheckCode.LIST_SHADOWS_ROUTE,
                place,
                table=table.route_table_id,
                prefix=prefix,
                prefix_list=route.destination,
                target=route.target,
            )
        elif route.origin not in (ADVERTISED, MADE, LOCAL):
            why = (
                f"{route.target or route.origin} propagates {prefix} to {table.route_table_id} too, and AWS"
                " does not say which route has priority"
            )
    return Result.passed(resource, place) if why is None else Result.unknown(resource, why, place)


def not_bypassed(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each other route of the declared tables: it takes no part of a tracked prefix elsewhere.

    A table in which no route does so passes as a whole.
    """
    for table, place, doubt in readable(snapshot):
        if doubt is not None:
            yield Result.unknown(table.route_table_id, doubt, place)
            continue
        found = [one for route in table.routes if (one := _bypass(snapshot, table, route, place))]
        yield from found or (Result.passed(table.route_table_id, place),)


def _bypass(snapshot: Snapshot, table: RouteTable, route: TableRoute, place: str) -> Result | None:
    """Returns what is wrong with a route, if it is for a part of a tracked prefix."""
    topology, inventory = snapshot.topology, known(snapshot.inventory)
    resource, blocks = f"{table.route_table_id} {route.destination}", _blocks(snapshot, route)
    if route.origin == LOCAL:
        return None
    if isinstance(blocks, str):
        return Result.unknown(resource, blocks, place)
    for block in blocks:
        around = (p for p in tracked_prefixes(topology) if p != block and is_within(block, p))
        prefix = max(around, key=_length, default=None)
        if (
            prefix is None
            or block in tracked_prefixes(topology)
            or (prefix in DEFAULT_ROUTES and _is_on_purpose(route, block, inventory))
            or (route.origin == ADVERTISED and _follows(route, prefix, table, inventory))
        ):
            continue
        return Result.failed(
            resource,
            CheckCode.ROUTE_BYPASSED,
            place,
            table=table.route_table_id,
            propagated=route.origin != MADE,
            destination=block,
            prefix_list=route.destination if route.destination != block else None,
            target=route.target,
            prefix=prefix,
        )
    return None


def _is_on_purpose(route: TableRoute, block: str, inventory: Inventory) -> bool:
    """Returns True for what usually stands beside a default route: private networks, and the prefix list of a
    gateway endpoint, as of Amazon S3.
    """
    if any(is_within(block, private) for private in (*PRIVATE, *inventory.vpc_prefixes)):
        return True
    return route.destination.startswith(PREFIX_LIST) and route.target.startswith(ENDPOINT)


def _follows(route: TableRoute, prefix: str, table: RouteTable, inventory: Inventory) -> bool:
    """Returns True if the route leads where the route of the tracked prefix leads, or there is none."""
    to = (r for r in table.routes if r.destination == prefix and r.origin == ADVERTISED)
    whole = next(to, None)
    return whole is None or _instance(whole.target, inventory) == _instance(route.target, inventory)


def _instance(target: str, inventory: Inventory) -> str:
    interface = inventory.interfaces.get(target)
    return interface.instance_id or target if interface else target


def _blocks(snapshot: Snapshot, route: TableRoute) -> tuple[str, ...] | str:
    """Returns the prefixes that a route is for, or why nobody can read its prefix list."""
    id_ = route.destination
    if not id_.startswith(PREFIX_LIST):
        return (id_,)
    filters = snapshot.filters
    if isinstance(filters, NotRead):
        return f"the entries of {id_}, to which a route leads, are not read: {filters.why}"
    found = filters.prefix_lists.get(id_)
    return found if found is not None else f"the entries of {id_} are not read: {filters.why(id_)}"


def _length(prefix: str) -> int:
    return int(prefix.rpartition("/")[2])
