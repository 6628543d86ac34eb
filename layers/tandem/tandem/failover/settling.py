"""Says when "no change" may be believed after a signal: describes lag behind it
(docs/aws-facts.md#eventual-consistency)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from tandem.failover.decision import GroupDecision
from tandem.failover.routeserver import route_server_source
from tandem.model import Observation, Peer
from tandem.reasons.failover import AwaitedCode
from tandem.reasons.reason import Reason, reason
from tandem.signals.signal import Protocol, Signal, SignalKind
from tandem.state.lease import CLOCK_MARGIN
from tandem.state.memory import SessionSeen
from tandem.topology.document import Topology

SETTLE_SECONDS = 30
READ_AGAIN_SECONDS = 1.0


def heard(known: Mapping[str, datetime], signals: Iterable[Signal], now: datetime) -> dict[str, datetime]:
    """Returns when each session's newest signal happened, of those known and these; old ones are dropped.

    SNS is unordered (docs/aws-facts.md#sns-delivery): a signal that is older than another one of its session
    says nothing any more, also where the newer one woke another look. A time that is ahead of every clock is
    no time: it makes no other signal old.
    """
    times = dict(known)
    for signal in signals:
        at = signal.occurred_at
        if signal.kind is SignalKind.SESSION and at is not None and at <= now + CLOCK_MARGIN:
            session = _session(signal)
            times[session] = max(times.get(session, at), at)
    return {session: at for session, at in times.items() if at >= _oldest(now)}


def awaited(
    signals: Iterable[Signal],
    newest: Mapping[str, datetime],
    topology: Topology,
    decisions: Iterable[GroupDecision],
    previous: Observation | None,
    current: Observation,
    began: datetime,
) -> Reason | None:
    """Returns what a look has still to wait for before it believes that nothing moves; None when settled.

    Only session signals make a look settle, and none that was older than the time there is to settle when the
    look `began`, or than the `newest` one of its session; nor one of a peer whose endpoint's maintenance was
    announced beside it (docs/adr/0003-what-settles-a-look.md). Of a session's signals of one second, either
    may be the last.
    """
    signals = tuple(signals)
    announced = _announced(signals, current.peers)
    sessions = [
        s
        for s in signals
        if s.kind is SignalKind.SESSION and _counts(s, newest, began) and s.peer_id not in announced
    ]
    if not sessions:
        return None
    shown = {(_session(s), s.occurred_at) for s in sessions if not _disagrees(s, current.peers)}
    disagreeing = [s for s in sessions if (_session(s), s.occurred_at) not in shown]
    if disagreeing:
        first = disagreeing[0]
        return reason(AwaitedCode.SIGNAL_NOT_SHOWN, first.peer_id or "", cause=first.cause)
    past = next((d.awaiting for d in decisions if d.awaiting), None)
    if past:
        return past
    if previous is None or _view(previous, topology) != _view(current, topology):
        return reason(AwaitedCode.SECOND_READ, topology.name)
    return None


def unanswered(signals: Iterable[Signal], came: Iterable[Signal]) -> tuple[Signal, ...]:
    """Returns the signals of whose session nothing newer `came` meanwhile: the next look settles those.

    SNS tells whole seconds (docs/aws-facts.md#sns-messages): one of the same second may be the later one,
    unless it says the same.
    """
    came = tuple(came)
    return tuple(s for s in signals if not any(_is_newer(other, s) for other in came))


def without_copies(came: Iterable[Signal], signals: Iterable[Signal]) -> tuple[Signal, ...]:
    """Returns what `came` meanwhile, without copies of `signals`: SNS delivers at least once, and each
    message also comes over the bus.
    """
    known = {(_session(s), s.occurred_at, s.status) for s in signals if s.occurred_at is not None}
    return tuple(
        s
        for s in came
        if s.kind is not SignalKind.SESSION or (_session(s), s.occurred_at, s.status) not in known
    )


def _is_newer(came: Signal, waited: Signal) -> bool:
    """True if it happened later in the same session, or in the same second and says something else."""
    at, before = came.occurred_at, waited.occurred_at
    if came.kind is not SignalKind.SESSION or _session(came) != _session(waited) or not (at and before):
        return False
    return at > before or (at == before and came.status is not waited.status)


def _announced(signals: Iterable[Signal], peers: Iterable[Peer]) -> set[str]:
    """Returns the peers of endpoints with announced maintenance: as AWS lists them, and as describes do."""
    announced = [s for s in signals if s.kind is SignalKind.MAINTENANCE]
    endpoints = {s.endpoint_id for s in announced}
    listed = {peer for s in announced for peer in s.peer_ids}
    return listed | {peer.peer_id for peer in peers if peer.endpoint_id in endpoints}


def _counts(signal: Signal, newest: Mapping[str, datetime], began: datetime) -> bool:
    at = signal.occurred_at
    return at is None or (at >= _oldest(began) and at >= newest.get(_session(signal), at))


def _oldest(now: datetime) -> datetime:
    return now - timedelta(seconds=SETTLE_SECONDS)


def _session(signal: Signal) -> str:
    return f"{signal.peer_id} {signal.protocol}"


def _disagrees(signal: Signal, peers: tuple[Peer, ...]) -> bool:
    """A peer that is not listed any more, or shows no such status, contradicts nothing."""
    peer = next((p for p in peers if p.peer_id == signal.peer_id), None)
    shown = None if peer is None else (peer.bgp if signal.protocol is Protocol.BGP else peer.bfd)
    return None not in (shown, signal.status) and shown is not signal.status


def _view(observation: Observation, topology: Topology) -> object:
    """Returns the part of an observation that has to stand still."""
    return seen_next_hops(observation, topology), sorted(
        (p.peer_id, p.bgp, p.bfd or "") for p in observation.peers
    )


def seen_sessions(
    known: Mapping[str, SessionSeen], observation: Observation, now: datetime
) -> dict[str, SessionSeen]:
    """Returns since when each peer shows its status. What cannot be read for once begins no new time."""
    seen = dict(known) if observation.unknown.peers else {}
    for peer in observation.peers:
        before, bfd = known.get(peer.peer_id), None if peer.bfd is None else str(peer.bfd)
        is_same = before is not None and (before.bgp, before.bfd) == (str(peer.bgp), bfd)
        seen[peer.peer_id] = before if before and is_same else SessionSeen(str(peer.bgp), bfd, now)
    return seen


def seen_next_hops(observation: Observation, topology: Topology) -> dict[str, tuple[str, ...]]:
    """Returns each tracked prefix's in-FIB next hops, sorted: `watch` compares its own reads with them."""
    route_server = route_server_source(topology, observation)
    return route_server.next_hops() if route_server else {}
