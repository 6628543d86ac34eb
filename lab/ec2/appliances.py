"""Reads what an appliance is told to advertise."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lab.ec2.best_path import canonical
from lab.ec2.entities import Appliance, Route
from lab.ec2.errors import LeverError

if TYPE_CHECKING:
    from lab.ec2.region import Region

MAX_ASN = 4294967295  # four octets (RFC 6793)
ROUTES = 100  # per peer, and per route server's FIB (docs/aws-facts.md#quotas)


def checked_routes(
    region: Region, name: str, asn: int, wanted: Sequence[Mapping[str, Any]]
) -> dict[str, Route]:
    routes = [_route(f"register {name}", asn, item) for item in wanted]
    by_prefix = {route.prefix: route for route in routes}
    others = [other for other in region.appliances.values() if other.name != name]
    _check_quota(f"register {name}", by_prefix, others)
    return by_prefix


def checked_route(region: Region, appliance: Appliance, wanted: Mapping[str, Any]) -> Route:
    """One more route for a registered appliance."""
    where = f"advertise {appliance.name}"
    route = _route(where, appliance.asn, wanted)
    others = [other for other in region.appliances.values() if other is not appliance]
    _check_quota(where, {**appliance.routes, route.prefix: route}, others)
    return route


def checked_prefix(where: str, prefix: str) -> str:
    try:
        return canonical(prefix)
    except ValueError as error:
        raise LeverError(f"{where}: {prefix!r} is no prefix ({error}); give e.g. 10.20.0.0/16") from error


def _check_quota(where: str, routes: Mapping[str, Route], others: Sequence[Appliance]) -> None:
    """What AWS does past its quotas is not documented (docs/aws-facts.md#quotas): the lab refuses to go
    there."""
    prefixes = set(routes).union(*(other.routes for other in others))
    if max(len(routes), len(prefixes)) > ROUTES:
        raise LeverError(
            f"{where}: more than {ROUTES} routes per peer or route server; what AWS does is not "
            "documented, so the lab does not play it"
        )


def _route(where: str, asn: int, wanted: Mapping[str, Any]) -> Route:
    unknown = set(wanted) - {"prefix", "as_path", "med", "next_hop", "toward"}
    if unknown or "prefix" not in wanted:
        raise LeverError(
            f"{where}: a route is {{prefix, as_path?, med?, next_hop?, toward?}}, "
            f"not {sorted(map(str, wanted))}"
        )
    hops = _hops(where, asn, wanted.get("as_path"))
    toward = wanted.get("toward") or {}
    if not isinstance(toward, Mapping):
        raise LeverError(f"{where}: toward is {{route server ID: AS path}}, not {toward!r}")
    paths = tuple((str(server), _hops(where, asn, path)) for server, path in toward.items())
    med = wanted.get("med") or 0
    if not isinstance(med, int) or not 0 <= med <= 4294967295:
        raise LeverError(f"{where}: MED {med!r} is out of range; give 0 to 4294967295")
    prefix, next_hop = checked_prefix(where, str(wanted["prefix"])), _next_hop(where, wanted.get("next_hop"))
    if ":" in prefix and ":" not in (next_hop or ""):
        raise LeverError(
            f"{where}: {prefix} needs an IPv6 next_hop: a session runs over IPv4, and what AWS takes for the "
            "next hop otherwise is not documented"
        )
    return Route(prefix, hops, med, next_hop, paths)


def _hops(where: str, asn: int, as_path: Sequence[str | int] | None) -> tuple[str, ...]:
    hops = tuple(str(hop) for hop in (as_path or [asn]))
    if not all(hop.isdigit() and int(hop) <= MAX_ASN for hop in hops):
        raise LeverError(
            f"{where}: the AS path {list(hops)} is no list of AS numbers; give e.g. [{asn}, {asn}]"
        )
    return hops


def _next_hop(where: str, next_hop: object) -> str | None:
    if next_hop is None:
        return None
    try:
        return str(ipaddress.ip_address(str(next_hop)))
    except ValueError as error:
        raise LeverError(f"{where}: next hop {next_hop!r} is no IP address") from error
