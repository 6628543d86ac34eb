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

BFD_SECONDS, KEEPALIVE_SECONDS = (5, 9), (33, 90)
"""A dead appliance was noticed after so long, at the least and at the most: observed, AWS gives no figure
(docs/aws-facts.md#detection-times)."""

MOVE_SECONDS = 7
"""EC2's answer to a move is waited for so long at the most."""

MOST_CHANGES_AN_HOUR = 4
"""Changes of one session: two losses, each with its return."""

FLAP_WINDOW = timedelta(hours=1)


def soon_enough(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each group that declares an `rto`, and each appliance, by how its sessions notice a failure.

    Nobody can say where the `rto` lies within what was observed, with a move after it.
    """
    observation = known(snapshot.observation)
    for index, group in enumerate(snapshot.topology.groups):
        if group.rto_seconds is None:
            yield Result.not_applicable(group.name, CheckCode.RTO_NOT_DECLARED)
            continue
        for name, appliance in snapshot.topology.appliances.items():
            resource, place = f"{group.name} {name}", path_of(["groups", index, "rto"])
            doubt = unread_peer_of(observation, appliance)
            peers = peers_of(observation, appliance)
            slow = tuple(p.peer_id for p in peers if p.liveness is Liveness.BGP_KEEPALIVE)
            least, most = KEEPALIVE_SECONDS if slow else BFD_SECONDS
            is_too_slow = bool(peers) and group.rto_seconds < least
            if is_too_slow and slow:
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
            elif is_too_slow:
                yield Result.failed(
                    resource,
                    CheckCode.BFD_TOO_SLOW,
                    place,
                    group=group.name,
                    appliance=name,
                    rto=group.rto_seconds,
                    least=least,
                    most=most,
                )
            elif doubt is not None:
                yield Result.unknown(resource, doubt, place)
            elif not peers:
                yield Result.unknown(resource, f"AWS shows no peer of {name}", place)
            elif group.rto_seconds <= most + MOVE_SECONDS:
                yield Result.unknown(
                    resource,
                    f"a failure was seen to be noticed after {least} to {most} s, and a move may take"
                    f" {MOVE_SECONDS} s more: the rto of {group.rto_seconds} s may be kept or not",
                    place,
                )
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
