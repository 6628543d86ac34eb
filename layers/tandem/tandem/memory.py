"""What one look remembers for the next: recent moves, what was last decided, what the FIB showed.

Nothing here is needed to know where an Elastic IP is; a damaged memory is replaced by an empty one.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta

FLAP_WINDOW = timedelta(seconds=120)
"""Moves closer together than this count as one flapping run."""

DAMPING_FIRST_SECONDS = 5
DAMPING_MOST_SECONDS = 60
KEPT_MOVES = 20


@dataclass(frozen=True, slots=True)
class PastMove:
    """A group's addresses were sent to `owner`, away from a live or a dead holder."""

    group: str
    owner: str
    at: datetime


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

    def with_move(self, group: str, owner: str, at: datetime) -> Memory:
        """Adds a move, unless it finishes the last one of the group: that keeps its first time."""
        last = self.last_move(group)
        if last is not None and last.owner == owner:
            return self
        return replace(self, moves=(*self.moves, PastMove(group, owner, at))[-KEPT_MOVES:])

    def last_move(self, group: str) -> PastMove | None:
        return next((move for move in reversed(self.moves) if move.group == group), None)


def damped_until(memory: Memory, group: str, owner: str, now: datetime) -> datetime | None:
    """When a move away from a live holder may happen at the soonest; None means now.

    5 s after the last move, doubling to 60 s with each move of a run whose gaps are under two minutes.
    Finishing a begun move (same owner) waits for nothing. A last move from the future (a clock was wrong)
    never makes anybody wait longer than the damping itself.
    """
    past = [move for move in memory.moves if move.group == group]
    if not past or past[-1].owner == owner:
        return None
    run = 1
    while run < len(past) and past[-run].at - past[-run - 1].at < FLAP_WINDOW:
        run += 1
    wait = timedelta(seconds=min(DAMPING_MOST_SECONDS, DAMPING_FIRST_SECONDS * 2 ** (run - 1)))
    until = min(past[-1].at, now) + wait
    return until if until > now else None


def dump(memory: Memory) -> str:
    """JSON for the state table."""
    return json.dumps(asdict(memory), default=lambda value: value.isoformat(), sort_keys=True)


def load(text: object) -> tuple[Memory, str | None]:
    """The memory in `text` and, where it was damaged, what was wrong with it: what can be read is kept."""
    if text is None:
        return Memory(), None
    try:
        raw = json.loads(str(text))
        return Memory(
            moves=tuple(PastMove(str(m["group"]), str(m["owner"]), _time(m["at"])) for m in raw["moves"]),
            standing={
                str(group): Standing(str(s["action"]), str(s["reason"]), _time(s["since"]))
                for group, s in raw["standing"].items()
            },
            next_hops={str(p): tuple(str(h) for h in hops) for p, hops in raw["next_hops"].items()},
        ), None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return Memory(), f"the look's memory was damaged ({type(error).__name__}: {error}); it starts empty"


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
