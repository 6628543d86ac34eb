"""Whether the sessions bear a failure: endpoints, peers, how a failure is noticed, and what persists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from tandem.compliance.rule import Result, Rule, Severity, failed, not_applicable, passed, unknown
from tandem.compliance.snapshot import NotRead, NotReadError, SessionChange, Snapshot, known
from tandem.model import Liveness, Observation, Peer, Route, Status
from tandem.reasons.compliance import CheckCode, RuleId
from tandem.topology.document import Appliance, Standby
from tandem.topology.inventory import Endpoint, RouteServerReading
from tandem.topology.problems import path_of

AVAILABLE = "available"

FAILING = frozenset({"pending", "failing", "failed", "delete-failed"})
"""States of an endpoint or a peer in which it cannot be used (docs/aws-facts.md#states)."""

KEEPALIVE_SECONDS = (33, 90)
"""Keepalive notices a dead appliance after so long (docs/aws-facts.md#detection-times)."""

MOST_CHANGES_AN_HOUR = 4
"""Changes of one session: two losses, each with its return."""

FLAP_WINDOW = timedelta(hours=1)


def reading_of(snapshot: Snapshot) -> RouteServerReading:
    """Returns the route server with its endpoints and peers. Raises NotReadError where AWS shows none."""
    reading = known(snapshot.inventory).reading
    if reading is None:
        raise NotReadError(NotRead(f"AWS shows no route server of {snapshot.topology.name}"))
    return reading


def peers_of(observation: Observation, appliance: Appliance) -> tuple[Peer, ...]:
    return tuple(p for p in observation.peers if p.peer_address in appliance.peer_addresses)


def doubt_about(observation: Observation, appliance: Appliance) -> str | None:
    """Returns why a peer of the appliance cannot be read; a row without an address may be anybody's."""
    unread = observation.unknown.peers
    return next((unread[a] for a in ("", *sorted(appliance.peer_addresses)) if a in unread), None)


def survives_endpoint_loss(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each appliance: sessions are up at two endpoints that are available."""
    observation, reading = known(snapshot.observation), reading_of(snapshot)
    there = {e.endpoint_id for e in reading.endpoints if e.state == AVAILABLE}
    for name, appliance in snapshot.topology.appliances.items():
        place = path_of(["appliances", name, "peers"])
        doubt = doubt_about(observation, appliance)
        if doubt is not None:
            yield unknown(name, doubt, place)
            continue
        peers = [p for p in peers_of(observation, appliance) if p.state == AVAILABLE]
        at = {p.endpoint_id for p in peers}
        up = {p.endpoint_id for p in peers if _is_up(p)} & there
        if len(at) < 2:
            yield failed(name, CheckCode.SESSIONS_WITH_ONE_ENDPOINT, place, appliance=name, endpoints=len(at))
        elif len(up) >= 2:
            yield passed(name, place)
        elif not up and appliance.standby is Standby.SILENT:
            yield not_applicable(name, CheckCode.STANDBY_IS_SILENT, appliance=name)
        else:
            half_open = (p.endpoint_id for p in peers if p.bgp is Status.UP and not _is_up(p))
            yield failed(
                name,
                CheckCode.SESSIONS_UP_AT_ONE_ENDPOINT,
                place,
                appliance=name,
                endpoints=len(at),
                up=", ".join(sorted(up)),
                down=tuple(sorted(at - up)),
                bfd=tuple(sorted(half_open)),
            )


def _is_up(peer: Peer) -> bool:
    """Where BFD is down, the endpoint has withdrawn the routes (docs/aws-facts.md#bfd-reports)."""
    return peer.bgp is Status.UP and peer.bfd is not Status.DOWN


def redundant(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each subnet with an endpoint, and the zones of all. Failed endpoints count: another rule judges
    their state.
    """
    inventory, reading = known(snapshot.inventory), reading_of(snapshot)
    by_subnet: dict[str, list[Endpoint]] = defaultdict(list)
    for endpoint in (*reading.endpoints, *reading.broken):
        by_subnet[endpoint.subnet_id].append(endpoint)
    server_id, place = reading.server.route_server_id, path_of(["route_server", "endpoints"])
    for subnet_id, endpoints in sorted(by_subnet.items()):
        if len(endpoints) >= 2:
            yield passed(subnet_id, place)
            continue
        only = endpoints[0].endpoint_id
        yield failed(
            subnet_id,
            CheckCode.ENDPOINT_ALONE_IN_SUBNET,
            place,
            subnet=subnet_id,
            endpoint=only,
            server=server_id,
        )
    if not by_subnet:
        return
    zones = {s: inventory.subnets[s].zone for s in by_subnet if s in inventory.subnets}
    unread = next((s for s in by_subnet if not zones.get(s)), None)
    if len(set(zones.values()) - {""}) >= 2:
        yield passed(server_id, place)
    elif unread is not None:
        why = inventory.unknown.get(unread, f"EC2 does not show the Availability Zone of {unread}")
        yield unknown(server_id, why, place)
    else:
        zone, count = next(iter(zones.values())), sum(map(len, by_subnet.values()))
        yield failed(server_id, CheckCode.ENDPOINTS_IN_ONE_ZONE, place, zone=zone, endpoints=count)


def available(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each endpoint, each peer of a declared appliance, and that no declared peer is missing."""
    observation, reading = known(snapshot.observation), reading_of(snapshot)
    for endpoint in (*reading.endpoints, *reading.broken):
        yield _in_state(endpoint.endpoint_id, endpoint.state, endpoint.failure_reason)
    for name, appliance in snapshot.topology.appliances.items():
        place = path_of(["appliances", name, "peers"])
        doubt = doubt_about(observation, appliance)
        if doubt is not None:
            yield unknown(name, doubt, place)
            continue
        peers = peers_of(observation, appliance)
        for peer in peers:
            yield _in_state(peer.peer_id, peer.state, peer.failure_reason, place)
        if len(peers) < len(appliance.peers):
            found, declared = len(peers), len(appliance.peers)
            yield failed(
                name, CheckCode.SESSIONS_MISSING, place, appliance=name, found=found, declared=declared
            )
        else:
            yield passed(name, place)


def _in_state(resource: str, state: str, why: str | None, place: str | None = None) -> Result:
    if state == AVAILABLE:
        return passed(resource, place)
    if state not in FAILING:
        return unknown(resource, f"AWS shows it as {state!r}, which is not documented", place)
    return failed(resource, CheckCode.NOT_AVAILABLE, place, state=state, why=why)


def soon_enough(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each group that declares an `rto`, and each appliance, by how its sessions notice a failure."""
    observation = known(snapshot.observation)
    least, most = KEEPALIVE_SECONDS
    for index, group in enumerate(snapshot.topology.groups):
        if group.rto_seconds is None:
            yield not_applicable(group.name, CheckCode.RTO_NOT_DECLARED)
            continue
        for name, appliance in snapshot.topology.appliances.items():
            resource, place = f"{group.name} {name}", path_of(["groups", index, "rto"])
            doubt = doubt_about(observation, appliance)
            peers = peers_of(observation, appliance)
            slow = tuple(p.peer_id for p in peers if p.liveness is Liveness.BGP_KEEPALIVE)
            if slow and group.rto_seconds < most:
                yield failed(
                    resource,
                    CheckCode.KEEPALIVE_TOO_SLOW,
                    place,
                    group=group.name,
                    appliance=name,
                    rto=group.rto_seconds,
                    least=least,
                    most=most,
                    peers=slow,
                )
            elif doubt is not None:
                yield unknown(resource, doubt, place)
            elif not peers:
                yield unknown(resource, f"AWS shows no peer of {name}", place)
            else:
                yield passed(resource, place)


def steady(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each declared appliance's peers by the changes in their logs of the last hour."""
    logged, observation = known(snapshot.session_changes), known(snapshot.observation)
    since = snapshot.taken_at - FLAP_WINDOW
    by_session: dict[tuple[str, str], set[SessionChange]] = defaultdict(set)  # a record may come twice
    for change in logged.changes:
        if change.at >= since:
            by_session[change.peer_id, change.protocol].add(change)
    for name, appliance in snapshot.topology.appliances.items():
        for peer in peers_of(observation, appliance):
            of_peer = {p: found for (id_, p), found in by_session.items() if id_ == peer.peer_id}
            protocol, most = max(of_peer.items(), key=lambda item: len(item[1]), default=("", set()))
            if len(most) > MOST_CHANGES_AN_HOUR:
                yield failed(
                    peer.peer_id,
                    CheckCode.SESSION_FLAPS,
                    protocol=protocol.upper(),
                    appliance=name,
                    times=len(most),
                    last=_last(most),
                )
            elif logged.unread:
                yield unknown(peer.peer_id, logged.unread[0])
            else:
                yield passed(peer.peer_id)


def _last(changes: set[SessionChange]) -> datetime:
    return max(change.at for change in changes)


def asn_of_its_own(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each peer of a declared appliance: its sessions are eBGP (docs/aws-facts.md#ebgp).

    Two appliances with one ASN are nothing wrong: no fact speaks against it.
    """
    observation, server = known(snapshot.observation), reading_of(snapshot).server
    for name, appliance in snapshot.topology.appliances.items():
        doubt = doubt_about(observation, appliance)
        if doubt is not None:
            yield unknown(name, doubt)
        for peer in peers_of(observation, appliance):
            if not peer.asn:
                yield unknown(peer.peer_id, "AWS shows no ASN of the peer")
            elif peer.asn == server.amazon_side_asn:
                yield failed(
                    peer.peer_id, CheckCode.PEER_HAS_ASN_OF_ROUTE_SERVER, appliance=name, asn=peer.asn
                )
            else:
                yield passed(peer.peer_id)


def persisted(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each tracked prefix: the session that advertised its route in the FIB is up.

    AWS's AreRoutesPersisted decides nothing, since nobody knows what it means
    (docs/aws-facts.md#are-routes-persisted).
    """
    database, peers = snapshot.database, {p.peer_id: p for p in known(snapshot.observation).peers}
    for group in snapshot.topology.groups:
        for prefix in group.prefixes:
            doubt = database.doubts.get(prefix) or database.doubts.get("")
            chosen = database.in_fib((prefix,))
            stale = [r for r in chosen if r.peer_id in peers and peers[r.peer_id].bgp is Status.DOWN]
            unseen = [r for r in chosen if r.peer_id not in peers]
            if stale:
                yield _stale(prefix, stale[0])
            elif doubt is not None or unseen:
                yield unknown(prefix, doubt or f"AWS does not show the peer that advertised {prefix}")
            else:
                yield passed(prefix)


def _stale(prefix: str, route: Route) -> Result:
    return failed(
        prefix,
        CheckCode.ROUTE_IS_PERSISTED,
        prefix=prefix,
        next_hop=route.next_hop,
        peer=route.peer_id,
    )


RULES = (
    Rule(RuleId.NO_PERSISTED_ROUTE, Severity.CRITICAL, persisted),
    Rule(RuleId.ENDPOINT_LOSS_SURVIVED, Severity.HIGH, survives_endpoint_loss),
    Rule(RuleId.ENDPOINTS_AND_PEERS_AVAILABLE, Severity.HIGH, available),
    Rule(RuleId.PEER_ASN_OF_ITS_OWN, Severity.HIGH, asn_of_its_own),
    Rule(RuleId.LIVENESS_WITHIN_RTO, Severity.HIGH, soon_enough),
    Rule(RuleId.SESSIONS_STEADY, Severity.MEDIUM, steady),
    Rule(RuleId.ENDPOINTS_REDUNDANT, Severity.MEDIUM, redundant),
)
