"""How soon a failure of a session is noticed, how often there is one, and what outlives it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from tandem.compliance.rule import Result, Rule, RuleSeverity
from tandem.compliance.rules.peers import peers_of, unread_peer_of
from tandem.compliance.snapshot import SessionChange, Snapshot, known
from tandem.model import Liveness, Route, Status
from tandem.reasons.compliance import CheckCode, RuleId
from tandem.topology.problems import path_of

KEEPALIVE_SECONDS = (33, 90)
"""Keepalive notices a dead appliance after so long (docs/aws-facts.md#detection-times)."""

MOST_CHANGES_AN_HOUR = 4
"""Changes of one session: two losses, each with its return."""

FLAP_WINDOW = timedelta(hours=1)


def soon_enough(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each group that declares an `rto`, and each appliance, by how its sessions notice a failure."""
    observation = known(snapshot.observation)
    least, most = KEEPALIVE_SECONDS
    for index, group in enumerate(snapshot.topology.groups):
        if group.rto_seconds is None:
            yield Result.not_applicable(group.name, CheckCode.RTO_NOT_DECLARED)
            continue
        for name, appliance in snapshot.topology.appliances.items():
            resource, place = f"{group.name} {name}", path_of(["groups", index, "rto"])
            doubt = unread_peer_of(observation, appliance)
            peers = peers_of(observation, appliance)
            slow = tuple(p.peer_id for p in peers if p.liveness is Liveness.BGP_KEEPALIVE)
            if slow and group.rto_seconds < most:
                yield Result.failed(
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
                yield Result.unknown(resource, doubt, place)
            elif not peers:
                yield Result.unknown(resource, f"AWS shows no peer of {name}", place)
            else:
                yield Result.passed(resource, place)


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
                yield Result.failed(
                    peer.peer_id,
                    CheckCode.SESSION_FLAPS,
                    protocol=protocol.upper(),
                    appliance=name,
                    times=len(most),
                    last=_last(most),
                )
            elif logged.unread:
                yield Result.unknown(peer.peer_id, logged.unread[0])
            else:
                yield Result.passed(peer.peer_id)


def _last(changes: set[SessionChange]) -> datetime:
    return max(change.at for change in changes)


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
                yield Result.unknown(prefix, doubt or f"AWS does not show the peer that advertised {prefix}")
            else:
                yield Result.passed(prefix)


def _stale(prefix: str, route: Route) -> Result:
    return Result.failed(
        prefix,
        CheckCode.ROUTE_IS_PERSISTED,
        prefix=prefix,
        next_hop=route.next_hop,
        peer=route.peer_id,
    )


RULES = (
    Rule(RuleId.NO_PERSISTED_ROUTE, RuleSeverity.CRITICAL, persisted),
    Rule(RuleId.LIVENESS_WITHIN_RTO, RuleSeverity.HIGH, soon_enough),
    Rule(RuleId.SESSIONS_STEADY, RuleSeverity.MEDIUM, steady),
)
