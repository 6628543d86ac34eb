"""Works out what AWS would show after a failure: every FIB that is possible by what is documented."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod

from tandem.compliance.whatif.bestpath import Contest, Winners, is_usable, winners
from tandem.compliance.whatif.failures import Failure, Places
from tandem.failover.sessions import sessions_of
from tandem.model import (
    InstallationStatus,
    Liveness,
    Observation,
    Peer,
    Route,
    RouteInstallation,
    RouteStatus,
    RoutingDatabase,
    Status,
    Unknown,
)
from tandem.reasons.nminusone import AssumptionCode, UndeterminedCode
from tandem.reasons.reason import Reason, reason
from tandem.topology.document import Appliance, Standby, Topology

MOST_ENDS = 64
"""More combinations of routes are not gone through: nobody could read the answer."""

PERSISTS, PERSISTS_NOT = "enabled", "disabled"


@dataclass(frozen=True, slots=True)
class End:
    """One observation that is possible after a failure."""

    observation: Observation
    standbys: frozenset[str] = frozenset()
    """The silent appliances that became active in it, as the document says of them."""


@dataclass(frozen=True, slots=True)
class Aftermath:
    """All ends that are possible, and why there are several."""

    ends: tuple[End, ...]
    doubts: Mapping[str, tuple[Reason, ...]]
    """Prefix to why nobody knows its route; prefixes whose route is known are not in it."""
    incomplete: frozenset[str]
    """The prefixes that may have a route which none of the ends has."""
    assumptions: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class _Option:
    """One route that a prefix may have in the FIB, or None, and the standby that brings it."""

    route: Route | None
    standby: str | None = None


@dataclass(frozen=True, slots=True)
class _Scene:
    topology: Topology
    before: Observation
    after: Observation
    places: Places
    dead: frozenset[str]
    lost: frozenset[str]
    """The peers whose sessions the failure takes."""
    standbys: Mapping[str, Peer]
    """The silent appliances that may become active, each with a session that it has left."""

    @property
    def database(self) -> RoutingDatabase:
        """Returns what the route server shows before the failure; nothing if there is none."""
        return self.before.database or RoutingDatabase()


def aftermath(
    failures: Collection[Failure], topology: Topology, before: Observation, places: Places
) -> Aftermath:
    """Returns what AWS may show when these failures are over and Route Server has converged."""
    lost = frozenset(peer for failure in failures for peer in failure.peers)
    dead = frozenset(name for failure in failures for name in failure.appliances)
    stopped = frozenset(id_ for failure in failures for id_ in failure.instances)
    after = _without(before, topology, lost, dead, stopped)
    standbys = dict(_standbys(topology, after, lost=lost, dead=dead))
    scene = _Scene(topology, before, after, places, dead, lost, standbys)
    options: dict[str, tuple[_Option, ...]] = {}
    doubts: dict[str, tuple[Reason, ...]] = {}
    incomplete: set[str] = set()
    for prefix in dict.fromkeys(p for group in topology.groups for p in group.prefixes):
        options[prefix], why, is_whole = _options(prefix, scene)
        if why:
            doubts[prefix] = why
        if not is_whole:
            incomplete.add(prefix)
    apart = _apart(topology, before)
    for prefixes in apart:
        if prod(len(options[p]) for p in prefixes) > MOST_ENDS:
            for prefix in [p for p in prefixes if len(options[p]) > 1]:
                doubts[prefix] = (reason(UndeterminedCode.TOO_MANY_POSSIBILITIES, prefix),)
                options[prefix] = options[prefix][:1]
                incomplete.add(prefix)
    ends = tuple(_end(chosen, scene) for chosen in _chosen(apart, options))
    return Aftermath(ends, doubts, frozenset(incomplete), tuple(_assumptions(ends, options, scene)))


def _apart(topology: Topology, before: Observation) -> tuple[tuple[str, ...], ...]:
    """Returns the tracked prefixes, those of each group by themselves: no group's end depends on another's.

    All together where groups share a prefix, or an address of one may be in the way of another's.
    """
    together = (tuple(dict.fromkeys(p for group in topology.groups for p in group.prefixes)),)
    if sum(len(set(group.prefixes)) for group in topology.groups) > len(together[0]):
        return together
    taken: set[tuple[str, str]] = set()
    for group in topology.groups:
        holders = (
            a and a.holder for a in (before.elastic_ips.get(e.allocation_id) for e in group.elastic_ips)
        )
        targets = (t for e in group.elastic_ips for t in e.targets.values())
        own = {(place.network_interface_id, place.private_ip) for place in (*targets, *holders) if place}
        if own & taken:
            return together
        taken |= own
    return tuple(tuple(dict.fromkeys(group.prefixes)) for group in topology.groups)


def _chosen(
    apart: Iterable[Sequence[str]], options: Mapping[str, Sequence[_Option]]
) -> Iterator[Mapping[str, _Option]]:
    """Yields routes for all prefixes, until each part has had every combination of its own."""
    parts = [
        [dict(zip(prefixes, each, strict=True)) for each in product(*(options[p] for p in prefixes))]
        for prefixes in apart
    ]
    for number in range(max((len(part) for part in parts), default=1)):
        yield {p: option for part in parts for p, option in part[number % len(part)].items()}


def _without(
    before: Observation,
    topology: Topology,
    lost: Collection[str],
    dead: Collection[str],
    stopped: Collection[str],
) -> Observation:
    """Returns the observation with these sessions down and these instances stopped; routes come later.

    AWS shows a stopped instance with its interfaces and their Elastic IPs as before.
    """
    states = before.instance_states
    silenced = {a for name in dead for a in topology.appliances[name].peer_addresses}
    return replace(
        before,
        peers=tuple(_down(peer) if peer.peer_id in lost else peer for peer in before.peers),
        instance_states=None if states is None else {**states, **dict.fromkeys(stopped, "stopped")},
        unknown=Unknown(
            elastic_ips=before.unknown.elastic_ips,
            interfaces=before.unknown.interfaces,
            instances={id_: why for id_, why in before.unknown.instances.items() if id_ not in stopped},
            peers={a: why for a, why in before.unknown.peers.items() if a not in silenced},
        ),
    )


def _down(peer: Peer) -> Peer:
    return replace(peer, bgp=Status.DOWN, bfd=None if peer.bfd is None else Status.DOWN)


def _up(peer: Peer) -> Peer:
    return replace(peer, bgp=Status.UP, bfd=Status.UP if peer.liveness is Liveness.BFD else peer.bfd)


def _standbys(
    topology: Topology, after: Observation, *, lost: Collection[str], dead: Collection[str]
) -> Iterator[tuple[str, Peer]]:
    for name, appliance in topology.appliances.items():
        if appliance.standby is Standby.SILENT and name not in dead:
            left = (p for p in sessions_of(appliance, after) if p.peer_id not in lost)
            peer = next((p for p in left if p.state == "available"), None)
            if peer is not None:
                yield name, peer


def _options(prefix: str, scene: _Scene) -> tuple[tuple[_Option, ...], tuple[Reason, ...], bool]:
    """Returns the routes that the prefix may have, why there are several, and False if there may be more."""
    rows = [r for r in scene.database.routes if r.prefix == prefix]
    fib = _in_fib(rows)
    found = winners(_contest(rows, fib, scene))
    routes, why = found.routes, list(_why_several(prefix, found))
    if _may_persist(scene) and not scene.standbys and rows:
        every = {row.next_hop: row for row in reversed(rows)}
        routes = (*reversed(every.values()), None)
        why = [reason(UndeterminedCode.PERSISTED_FIB_UNDOCUMENTED, prefix)]
    options: list[_Option] = []
    for route in routes:
        if route is None:
            brought = [
                _Option(_route(prefix, peer, scene.topology.appliances[name]), name)
                for name, peer in scene.standbys.items()
            ]
            why += [reason(UndeterminedCode.SEVERAL_STANDBYS, prefix)] if len(brought) > 1 else []
            options += brought or [_Option(None)]
        else:
            options.append(_Option(route))
    installed = [
        replace(option, route=route) for option in options for route in _installed(option.route, fib, scene)
    ]
    if len(installed) > len(options):
        why.append(reason(UndeterminedCode.INSTALLATION_UNKNOWN, prefix))
    unread = scene.database.unread
    is_whole = not unread or (found.is_firm and prefix not in scene.database.doubts)
    if not is_whole:
        why.append(reason(UndeterminedCode.ROUTES_INCOMPLETE, prefix, errors=unread))
    return tuple(installed), tuple(why), is_whole


def _in_fib(rows: Sequence[Route]) -> Route | None:
    """Returns the row in the FIB as failover reads it: one that is installed before one that is not."""
    chosen = [row for row in rows if row.status is RouteStatus.IN_FIB]
    return next((row for row in chosen if _is_installed(row)), next(iter(chosen), None))


def _is_installed(route: Route) -> bool:
    return any(i.status is InstallationStatus.INSTALLED for i in route.installations)


def _contest(rows: Iterable[Route], fib: Route | None, scene: _Scene) -> Contest:
    known = {peer.peer_id for peer in scene.after.peers}
    up_before = {peer.peer_id for peer in scene.before.peers if peer.bgp is Status.UP}
    up_after = {peer.peer_id for peer in scene.after.peers if peer.bgp is Status.UP}
    asn, endpoints = _own(scene)
    today: list[Route] = []
    sure: list[Route] = []
    unsure: list[Route] = []
    for row in rows:
        # AWS has chosen the row in the FIB, so it can use that one
        if row != fib and not is_usable(row, asn, endpoints):
            continue
        if row.peer_id not in known or (row != fib and asn is None and _may_loop(row, scene)):
            if row.peer_id not in known - up_after:
                unsure.append(row)
            continue
        if row.peer_id in up_before:
            today.append(row)
        if row.peer_id in up_after:
            sure.append(row)
    winner = fib if fib in today else None
    return Contest(
        today=tuple(today),
        winner=winner,
        is_settled=fib is None or winner is not None,
        sure=tuple(sure),
        unsure=tuple(unsure),
        is_ranked=not scene.database.odd,
    )


def _own(scene: _Scene) -> tuple[int | None, tuple[str, ...]]:
    """Returns the route server's ASN, where it is known, and its endpoints' addresses."""
    server = scene.places.server
    asn = server.amazon_side_asn if server else scene.topology.route_server.amazon_side_asn
    return asn, tuple(e.address for e in scene.places.endpoints.values() if e.address)


def _may_loop(route: Route, scene: _Scene) -> bool:
    """Returns True if the path has another ASN than its peer's: it may be that of the route server."""
    own = next((str(p.asn) for p in scene.before.peers if p.peer_id == route.peer_id), "")
    return bool(set(route.as_path) - {own})


def _why_several(prefix: str, found: Winners) -> Iterator[Reason]:
    if len(found.routes) < 2:
        return
    next_hops = tuple(sorted(route.next_hop for route in found.routes if route is not None))
    if found.is_compared:
        yield reason(UndeterminedCode.BEST_PATH_UNDOCUMENTED, prefix, next_hops=next_hops)
    else:
        yield reason(UndeterminedCode.ROUTE_UNRANKED, prefix, next_hops=next_hops)


def _may_persist(scene: _Scene) -> bool:
    """Returns True if the failure ends the last session and the routes may outlive it.

    Which of them are in the FIB then is not documented where the sessions end one after another
    (docs/aws-facts.md#persistence).
    """
    if any(peer.bgp is Status.UP for peer in scene.after.peers):
        return False
    server = scene.places.server
    return server is None or server.persist_state != PERSISTS_NOT


def _route(prefix: str, peer: Peer, appliance: Appliance) -> Route:
    """Returns the route that a standby advertises when it becomes active."""
    return Route(prefix, peer.peer_address, RouteStatus.IN_RIB, peer.peer_id, (str(appliance.asn),))


def _installed(route: Route | None, fib: Route | None, scene: _Scene) -> tuple[Route | None, ...]:
    """Returns the route in the FIB, with each outcome that its installation may have.

    A new winner goes where today's is installed. Where today's was rejected by every table AWS's reason
    may be about the table or about the next hop (docs/aws-facts.md#rejected-routes).
    """
    if route is None or route == fib:
        return (route,)
    chosen = replace(route, status=RouteStatus.IN_FIB)
    tables = fib.installations if fib is not None else _tables(scene)
    if not tables and fib is not None:
        return (replace(chosen, installations=()),)
    there = tuple(RouteInstallation(t.route_table_id, InstallationStatus.INSTALLED) for t in tables)
    refused = tuple(RouteInstallation(t.route_table_id, InstallationStatus.REJECTED) for t in tables)
    if fib is not None and _is_installed(fib) and _is_address(route.next_hop, scene):
        return (replace(chosen, installations=fib.installations),)
    return (replace(chosen, installations=there), replace(chosen, installations=refused))


def _tables(scene: _Scene) -> tuple[RouteInstallation, ...]:
    """Returns the tables of the other prefixes: nobody can say what they do with this one."""
    found = (i for route in scene.database.routes for i in route.installations)
    by_table = {i.route_table_id: i for i in found}
    return tuple(by_table.values()) or (RouteInstallation("", InstallationStatus.INSTALLED),)


def _is_address(next_hop: str, scene: _Scene) -> bool:
    """Returns True if some interface has the next hop: one that was read, or that a session comes from."""
    interfaces = (scene.before.interfaces or {}).values()
    shown = {a.private_ip for i in interfaces for a in i.addresses} | {a for i in interfaces for a in i.ipv6}
    speaking = {p.peer_address for p in scene.after.peers if p.bgp is Status.UP}
    return next_hop in shown | speaking


def _end(chosen: Mapping[str, _Option], scene: _Scene) -> End:
    standbys = frozenset(option.standby for option in chosen.values() if option.standby is not None)
    waking = {scene.standbys[name].peer_id for name in standbys}
    peers = tuple(_up(peer) if peer.peer_id in waking else peer for peer in scene.after.peers)
    others = tuple(_others(chosen, {peer.peer_id for peer in peers if peer.bgp is Status.UP}, scene))
    routes = (*others, *(option.route for option in chosen.values() if option.route is not None))
    database = replace(scene.after.database or RoutingDatabase(), routes=routes)
    return End(replace(scene.after, database=database, peers=peers), standbys)


def _others(chosen: Mapping[str, _Option], up: Collection[str], scene: _Scene) -> Iterator[Route]:
    """Yields what is left beside the chosen routes: none of it is in the FIB of a tracked prefix."""
    winning = {(o.route.prefix, o.route.peer_id) for o in chosen.values() if o.route is not None}
    for row in scene.database.routes:
        if row.peer_id in up and (row.prefix, row.peer_id) not in winning:
            is_tracked = row.prefix in chosen
            yield replace(row, status=RouteStatus.IN_RIB, installations=()) if is_tracked else row


def _assumptions(
    ends: Iterable[End], options: Mapping[str, Iterable[_Option]], scene: _Scene
) -> Iterator[Reason]:
    for name in sorted({name for end in ends for name in end.standbys}):
        yield reason(AssumptionCode.STANDBY_BECOMES_ACTIVE, name)
    outlives = any(o.route is not None and o.standby is None for some in options.values() for o in some)
    if _may_persist(scene) and outlives:
        server = scene.topology.route_server.route_server_id or ""
        yield reason(AssumptionCode.ROUTES_OUTLIVE_SESSIONS, server)
