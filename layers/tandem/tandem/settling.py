"""When "no change" may be believed after a session signal: describes can lag behind it (facts §2.2, §8.3)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from tandem.decision import GroupDecision
from tandem.model import Observation, Peer, RouteStatus
from tandem.signals import Protocol, Signal, SignalKind
from tandem.topology import Topology

SETTLE_SECONDS = 30
READ_AGAIN_SECONDS = 1.0


def newest(signals: Iterable[Signal]) -> tuple[Signal, ...]:
    """The session signals that still say something: the latest one of each peer and protocol.

    SNS is unordered (facts §5), so the time that AWS gives decides; without one, the later arrival does.
    """
    latest: dict[tuple[str, Protocol], Signal] = {}
    for signal in signals:
        if signal.kind is not SignalKind.SESSION or signal.peer_id is None or signal.protocol is None:
            continue
        known = latest.get((signal.peer_id, signal.protocol))
        if known is None or not (
            known.occurred_at and signal.occurred_at and signal.occurred_at < known.occurred_at
        ):
            latest[(signal.peer_id, signal.protocol)] = signal
    return tuple(latest.values())


def awaited(
    signals: Iterable[Signal],
    topology: Topology,
    decisions: Iterable[GroupDecision],
    previous: Observation | None,
    current: Observation,
    now: datetime,
) -> str | None:
    """What a look has still to wait for before it believes that nothing has to move; None when settled.

    Only session signals make a look settle, and none that is older than the time there is to settle; an
    announced endpoint maintenance ends it at once (design §5).
    """
    signals = tuple(signals)
    if any(s.kind is SignalKind.MAINTENANCE for s in signals):
        return None
    oldest = now - timedelta(seconds=SETTLE_SECONDS)
    recent = [s for s in signals if s.occurred_at is None or s.occurred_at >= oldest]
    sessions = [s for s in recent if s.kind is SignalKind.SESSION]
    if not sessions:
        return None
    disagreeing = [s for s in newest(sessions) if _disagrees(s, current.peers)]
    if disagreeing:
        return f"AWS does not show yet that {disagreeing[0].cause}"
    past = next((d.awaiting for d in decisions if d.awaiting), None)
    if past:
        return past
    if previous is None or _view(previous, topology) != _view(current, topology):
        return "a second read, equal to the first"
    return None


def _disagrees(signal: Signal, peers: tuple[Peer, ...]) -> bool:
    """A peer that is not listed any more, or shows no such status, contradicts nothing."""
    peer = next((p for p in peers if p.peer_id == signal.peer_id), None)
    shown = None if peer is None else (peer.bgp if signal.protocol is Protocol.BGP else peer.bfd)
    return None not in (shown, signal.status) and shown is not signal.status


def _view(observation: Observation, topology: Topology) -> object:
    """The part of an observation that has to stand still."""
    return seen_next_hops(observation, topology), sorted(
        (p.peer_id, p.bgp, p.bfd or "") for p in observation.peers
    )


def seen_next_hops(observation: Observation, topology: Topology) -> dict[str, tuple[str, ...]]:
    """The in-FIB next hops of every tracked prefix, sorted; what `watch` compares its own reads with."""
    tracked = {prefix for group in topology.groups for prefix in group.prefixes}
    return {
        prefix: tuple(
            sorted(
                {
                    r.next_hop
                    for r in observation.database.routes
                    if (r.prefix, r.status) == (prefix, RouteStatus.IN_FIB)
                }
            )
        )
        for prefix in sorted(tracked)
    }
