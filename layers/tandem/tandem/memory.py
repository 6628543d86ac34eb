"""What one look remembers for the next: recent moves, what was last decided, what the FIB showed.

Nothing here is needed to know where an Elastic IP is; a damaged memory is replaced by an empty one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta

from tandem.lease import CLOCK_MARGIN

FLAP_WINDOW = timedelta(seconds=120)
"""Moves closer together than this count as one flapping run."""

DAMPING_FIRST_SECONDS = 5
DAMPING_MOST_SECONDS = 60

KEPT_MOVES = 6
"""Of each group: five moves double the damping to its most, three of one address are a contest."""

KEPT_IN_ALL = 1200
"""Of all groups, those that moved last: some 130 kB of the 400 that a record may have."""

CONTEST_WINDOW = timedelta(minutes=10)
CONTESTED_AFTER = 3
"""Moves of one address to the same owner within the window: the first, and two that put it right again."""


@dataclass(frozen=True, slots=True)
class PastMove:
    """A group's addresses were sent to `owner`, away from a live or a dead holder."""

    group: str
    owner: str
    at: datetime
    pending: tuple[str, ...] = ()
    """The addresses sent and not shown there yet: only to move these again is to finish this move."""
    verified: tuple[str, ...] = ()
    """The addresses that EC2 showed there: to move one of them to the same owner again is a new move."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A group's decision that has been recorded and told, so that it is told once."""

    action: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Memory:
    """All that a topology's looks remember."""

    moves: tuple[PastMove, ...] = ()
    standing: dict[str, Standing] = field(default_factory=dict)
    next_hops: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Tracked prefix to the in-FIB next hops that the last look saw; `watch` compares with it."""
    heard: dict[str, datetime] = field(default_factory=dict)
    """Peer and protocol to when its newest session signal says that it happened; only recent ones."""
    told: int | None = None
    """The audit record up to which people were told; None where nobody knows."""

    def with_move(self, group: str, owner: str, at: datetime, addresses: Iterable[str]) -> Memory:
        """Adds a move of these addresses, unless it finishes the last one of the group: that keeps its time.

        Addresses that follow the others to the same owner later are part of the same move, at a new time.
        """
        sent = set(addresses)
        past = tuple(move for move in self.moves if move.group == group)
        if not past or past[-1].owner != owner:
            past = tuple(replace(move, pending=(), verified=()) for move in past)
            past = (*past, PastMove(group, owner, at, tuple(sorted(sent))))
        elif sent <= set(past[-1].pending):
            return self
        else:
            last, pending = past[-1], tuple(sorted(sent | set(past[-1].pending)))
            if sent & set(last.verified):
                past = (*past[:-1], replace(last, pending=()), PastMove(group, owner, at, pending))
            else:
                past = (*past[:-1], replace(last, at=at, pending=pending))
        others = (move for move in self.moves if move.group != group)
        return replace(self, moves=(*others, *past[-KEPT_MOVES:])[-KEPT_IN_ALL:])

    def with_verified(self, group: str, addresses: Iterable[str]) -> Memory:
        """EC2 showed these addresses of the group's last move at their new place."""
        last = self.last_move(group)
        if last is None:
            return self
        shown = set(addresses)
        known = replace(
            last,
            pending=tuple(sorted(set(last.pending) - shown)),
            verified=tuple(sorted(shown | set(last.verified))),
        )
        return replace(self, moves=tuple(known if move is last else move for move in self.moves))

    def last_move(self, group: str) -> PastMove | None:
        return next((move for move in reversed(self.moves) if move.group == group), None)


def damped_until(
    memory: Memory, group: str, owner: str, allocation_id: str, now: datetime
) -> datetime | None:
    """When a move away from a live holder may happen at the soonest; None means now.

    5 s after the last move, doubling to 60 s with each move of a run whose gaps are under two minutes.
    Finishing a begun move (same owner, sent and not shown yet) waits for nothing. A last move from the future
    (a clock was wrong) never makes anybody wait longer than the damping itself.
    """
    past = [move for move in memory.moves if move.group == group]
    if not past or (past[-1].owner == owner and allocation_id in past[-1].pending):
        return None
    run = 1
    while run < len(past) and past[-run].at - past[-run - 1].at < FLAP_WINDOW:
        run += 1
    wait = timedelta(seconds=min(DAMPING_MOST_SECONDS, DAMPING_FIRST_SECONDS * 2 ** (run - 1)))
    until = min(past[-1].at, now) + wait
    return until if until > now else None


def contested(memory: Memory, group: str, owner: str, allocation_id: str, now: datetime) -> int | None:
    """How often an address came to the owner and was moved away again, of late; None where that is no fight.

    It may be the appliance's own script, or another tool. It is told, not fought: one of the two has to go.
    """
    moves = (m for m in memory.moves if m.group == group and m.owner == owner)
    times = sum(allocation_id in m.verified and now - m.at < CONTEST_WINDOW for m in moves)
    return times if times >= CONTESTED_AFTER else None


def dump(memory: Memory) -> str:
    """JSON for the state table."""
    return json.dumps(asdict(memory), default=lambda value: value.isoformat(), sort_keys=True)


def load(text: object) -> tuple[Memory, str | None]:
    """The memory in `text`. Where it was damaged an empty one, and what was wrong with it."""
    if text is None:
        return Memory(), None
    try:
        raw = json.loads(str(text))
        return Memory(
            moves=tuple(
                PastMove(
                    str(m["group"]),
                    str(m["owner"]),
                    _time(m["at"]),
                    pending=tuple(str(allocation_id) for allocation_id in m.get("pending", ())),
                    verified=tuple(str(allocation_id) for allocation_id in m.get("verified", ())),
                )
                for m in raw["moves"]
            ),
            standing={
                str(group): Standing(str(s["action"]), str(s["reason"]), _time(s["since"]))
                for group, s in raw["standing"].items()
            },
            next_hops={str(p): tuple(str(h) for h in hops) for p, hops in raw["next_hops"].items()},
            heard={str(session): _time(at) for session, at in raw.get("heard", {}).items()},
            told=None if raw.get("told") is None else int(raw["told"]),
        ), None
    except (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
        return Memory(), f"its memory was damaged ({type(error).__name__}: {error}); it starts empty"


def not_after(memory: Memory, now: datetime) -> tuple[Memory, str | None]:
    """The memory without times from the future, and which of them no clock explains (design §5).

    A move counts as made now: a writer whose clock is ahead damps as long as any other, and nobody for ever.
    A signal within the margin is kept, since it is AWS that says when it happened.
    """
    limit = now + CLOCK_MARGIN
    heard = {session: at for session, at in memory.heard.items() if at <= limit}
    ahead = sorted({m.group for m in memory.moves if m.at > limit} | (memory.heard.keys() - heard))
    moves = tuple(replace(move, at=min(move.at, now)) for move in memory.moves)
    damage = f"its memory was damaged (times in the future: {', '.join(ahead)}); they count as now"
    return replace(memory, moves=moves, heard=heard), damage if ahead else None


def _time(text: str) -> datetime:
    """A time without a zone is UTC."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
