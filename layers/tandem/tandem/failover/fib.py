"""Finds out which appliance owns a tracked prefix: the one whose address is the next hop in the FIB."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from tandem.failover.sessions import addresses_of
from tandem.model import InstallationStatus, Observation, Route, RouteStatus, RoutingDatabase
from tandem.reasons.failover import HoldCode, PartCode
from tandem.reasons.reason import Reason, reason
from tandem.topology.document import Topology


@dataclass(frozen=True, slots=True)
class PrefixOwner:
    """Says who owns one tracked prefix, as far as that is clear.

    `doubt` says what is not as it should be; `veto` that it is reason enough not to leave a live holder.
    """

    prefix: str
    appliance: str | None
    doubt: Reason | None = None
    veto: bool = False


def owner_of(
    prefix: str, topology: Topology, observation: Observation, database: RoutingDatabase
) -> PrefixOwner:
    """Returns the appliance whose address is the in-FIB next hop of exactly this prefix.

    One winner per prefix (docs/aws-facts.md#one-winner). A row counts when it is installed in at least one
    route table; one that is installed nowhere still names an owner, but with a doubt. Where a row that cannot
    be read may be in the FIB, nobody owns the prefix.
    """
    rows = database.in_fib({prefix})
    unread = database.doubts.get(prefix) or (None if rows else database.doubts.get(""))
    if unread is not None:  # it may be the row in the FIB, so nobody can be said to own the prefix
        return PrefixOwner(prefix, None, reason(HoldCode.ROUTE_UNREADABLE, prefix, error=unread), veto=True)
    if not rows:  # no veto: the group's other prefixes may still have an owner
        return PrefixOwner(prefix, None, _no_row(prefix, database.routes))
    row = next((r for r in rows if _installed(r)), rows[0])
    named = [n for n, a in topology.appliances.items() if row.next_hop in addresses_of(a, observation)]
    if not named:  # somebody whom the topology does not know carries the traffic
        return PrefixOwner(prefix, None, _strange(row, observation), veto=True)
    if _installed(row):
        return PrefixOwner(prefix, named[0])
    # AWS chose this route and no table has it: moving there leaves a live holder for a way that is not there
    return PrefixOwner(prefix, named[0], _not_installed(row), veto=True)


def _strange(row: Route, observation: Observation) -> Reason:
    """Returns that a next hop is nobody's, or that nobody can tell whose it is."""
    unread = tuple(dict.fromkeys(observation.unknown.interfaces.values()))
    if observation.interfaces is not None and not unread:
        return reason(HoldCode.UNDECLARED_NEXT_HOP, row.prefix, next_hop=row.next_hop)
    none_read = observation.interfaces is None
    errors = observation.failed if none_read else unread
    return reason(
        HoldCode.NEXT_HOP_UNREADABLE, row.prefix, next_hop=row.next_hop, none_read=none_read, errors=errors
    )


def _installed(route: Route) -> bool:
    return any(i.status is InstallationStatus.INSTALLED for i in route.installations)


def _not_installed(route: Route) -> Reason:
    if not route.installations:
        return reason(HoldCode.NOT_PROPAGATED, route.prefix)
    tables = tuple(
        reason(PartCode.TABLE_REJECTS, i.route_table_id, cause=i.reason or None) for i in route.installations
    )
    return reason(HoldCode.NOT_INSTALLED, route.prefix, tables=tables)


def _no_row(prefix: str, routes: Iterable[Route]) -> Reason:
    wanted = ip_network(prefix)
    inside = {r.prefix for r in routes if r.status is RouteStatus.IN_FIB and _within(r.prefix, wanted)}
    return reason(HoldCode.NO_ROUTE, prefix, inside=tuple(sorted(inside)))


def _within(prefix: str, wanted: IPv4Network | IPv6Network) -> bool:
    network = ip_network(prefix)
    if isinstance(network, IPv4Network) and isinstance(wanted, IPv4Network):
        return network != wanted and network.subnet_of(wanted)
    if isinstance(network, IPv6Network) and isinstance(wanted, IPv6Network):
        return network != wanted and network.subnet_of(wanted)
    return False
