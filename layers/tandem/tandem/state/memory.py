"""Keeps what one look remembers for the next: recent moves, what was last decided, what the FIB showed.

Nothing here is needed to know where an Elastic IP is; a damaged memory is replaced by an empty one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from tandem.state import episodes
from tandem.state.decoding import Damaged, cut, fitted, parsed, partly, read, written
from tandem.state.episodes import Episode
from tandem.state.lease import CLOCK_MARGIN

FLAP_WINDOW = timedelta(seconds=120)
"""Moves closer together than this count as one flapping run."""

DAMPING_FIRST_SECONDS = 5
DAMPING_MOST_SECONDS = 60

KEPT_MOVES = 6
"""Of each address: five double the damping to its most, three to the same owner are a contest."""

KEPT_IN_ALL = 1200
"""The newest: with 1,000 addresses some 300 kB of the 400 that a record may have."""

_NEEDED = ("moves", "standing", "next_hops")
"""Members that every version has written."""

_UNKNOWN = {"owner": "unknown", "at": datetime.max.replace(tzinfo=UTC)}
"""What stands for what cannot be read of a move: `not_after` lets it count as made now."""

_CONTEST_WINDOW = timedelta(minutes=10)
_CONTESTED_AFTER = 3
"""Moves of one address to the same owner within the window: the first, and two that put it right again."""


@dataclass(frozen=True, slots=True)
class PastMove:
    """Addresses were sent to `owner` together, away from a live or a dead holder, or from nobody."""

    owner: str
    at: datetime
    pending: tuple[str, ...] = ()
    """Those that EC2 has not shown there yet: to send one of them there again is to finish this move."""
    verified: tuple[str, ...] = ()
    """Those that EC2 showed there: to send one of them there again is a new move."""

    @property
    def addresses(self) -> tuple[str, ...]:
        return self.pending + self.verified


@dataclass(frozen=True, slots=True)
class Standing:
    """Holds a group's decision that has been recorded and notified, so that it is notified once."""

    action: str
    reason: str
    """In words, for the message of its end. Nothing depends on it."""
    since: datetime
    """When the group's hold began, whatever its reason was then."""
    severity: str = ""
    """The gravest that was notified: the end has the same, so that it reaches the same people."""
    notified_at: datetime | None = None
    thread: str = ""
    """The decision with which it began."""
    codes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Codes of its reasons, each with its subjects: the same ones are the same decision. Version 0.1.0 kept
    none."""
    changes: int = 0
    """How often its reason has changed since it began."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A pin of which people were notified."""

    appliance: str
    forced: bool
    who: str
    why: str
    until: datetime


@dataclass(frozen=True, slots=True)
class SessionSeen:
    """A peer's session as looks have shown it since."""

    bgp: str
    bfd: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class Memory:
    """Holds all that a topology's looks remember."""

    moves: tuple[PastMove, ...] = ()
    standing: dict[str, Standing] = field(default_factory=dict)
    next_hops: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Tracked prefix to the in-FIB next hops that the last look saw; `watch` compares with it."""
    heard: dict[str, datetime] = field(default_factory=dict)
    """Peer and protocol to when its newest session signal says that it happened; only recent ones."""
    told: int | None = None
    """The audit record up to which people were told; None where nobody knows."""
    episodes: dict[str, Episode] = field(default_factory=dict)
    """Rule and appliance to what has not been as it should be; no decision depends on it."""
    pins: dict[str, Pin] = field(default_factory=dict)
    """Group to its pin; that of the whole topology has no name. No decision depends on it."""
    sessions: dict[str, SessionSeen] = field(default_factory=dict)
    """Peer to what it shows and since when; no decision depends on it."""
    seen_up: dict[str, str] = field(default_factory=dict)
    """The appliances that were seen alive, each with how it was declared then; no decision depends on it."""
    in_place_at: datetime | None = None
    """When a look last found every address in place; no decision depends on it."""
    looked_at: datetime | None = None
    """When a look last read AWS; no decision depends on it. Release 0.1.0 kept none."""

    def with_move(self, owner: str, at: datetime, addresses: Iterable[str]) -> Memory:
        """Adds a move. What finishes an address's last one takes its place."""
        sent, newest = set(addresses), self._newest()
        moves = [
            replace(m, pending=tuple(a for a in m.pending if a not in sent or newest[a] is not m))
            if m.owner == owner
            else m
            for m in self.moves
        ]
        return replace(self, moves=_kept([*moves, PastMove(owner, at, tuple(sorted(sent)))]))

    def with_verified(self, places: Mapping[str, str]) -> Memory:
        """EC2 showed each of these addresses with its owner: a last move that went there has ended."""
        newest = self._newest()
        ended = {a for a, owner in places.items() if a in newest and newest[a].owner == owner}
        if not any(a in newest[a].pending for a in ended):
            return self
        moves = []
        for m in self.moves:
            shown = {a for a in m.pending if a in ended and newest[a] is m}
            pending = tuple(a for a in m.pending if a not in shown)
            moves.append(replace(m, pending=pending, verified=tuple(sorted(shown | set(m.verified)))))
        return replace(self, moves=tuple(moves))

    def moves_of(self, subject: str) -> tuple[PastMove, ...]:
        """Returns the moves of one address, the newest last."""
        return tuple(m for m in self.moves if subject in m.addresses)

    def _newest(self) -> dict[str, PastMove]:
        return {a: m for m in self.moves for a in m.addresses}


def _kept(moves: Sequence[PastMove]) -> tuple[PastMove, ...]:
    """Drops a move once each of its addresses has moved often enough since."""
    since: Counter[str] = Counter()
    kept = []
    for move in reversed(moves):
        since.update(move.addresses)
        if any(since[a] <= KEPT_MOVES for a in move.addresses):
            kept.append(move)
    return tuple(reversed(kept))[-KEPT_IN_ALL:]


def damped_until(memory: Memory, owner: str, subject: str, now: datetime) -> datetime | None:
    """When an address may leave a live holder for this owner at the soonest; None means now.

    5 s after its last move, doubling to 60 s with each one of a run whose gaps are under two minutes. To
    finish a begun move (same owner, not shown there yet) waits for nothing. A last move from the future (a
    clock was wrong) never makes anybody wait longer than the damping itself.
    """
    past = memory.moves_of(subject)
    if not past or (past[-1].owner == owner and subject in past[-1].pending):
        return None
    run = 1
    while run < len(past) and past[-run].at - past[-run - 1].at < FLAP_WINDOW:
        run += 1
    wait = timedelta(seconds=min(DAMPING_MOST_SECONDS, DAMPING_FIRST_SECONDS * 2 ** (run - 1)))
    until = min(past[-1].at, now) + wait
    return until if until > now else None


def was_put_there(memory: Memory, owner: str, subject: str) -> bool:
    """Returns True if the address's last move was to this owner, and EC2 showed it there."""
    past = memory.moves_of(subject)
    return bool(past) and past[-1].owner == owner and subject in past[-1].verified


def contested(memory: Memory, owner: str, subject: str, now: datetime) -> int | None:
    """Returns how often an address came to the owner and was moved away again, of late; None where that
    is no fight.

    It may be the appliance's own script, or another tool. Tandem notifies and does not fight: one of the two
    has to go.
    """
    came = takewhile(lambda m: m.owner == owner, reversed(memory.moves_of(subject)))
    times = sum(subject in m.verified and now - m.at < _CONTEST_WINDOW for m in came)
    return times if times >= _CONTESTED_AFTER else None


def dump(memory: Memory) -> str:
    """Writes JSON for the state table."""
    return written(asdict(memory))


def load(source: object) -> tuple[Memory, str | None]:
    """Returns the memory in a text, and what of it was damaged. Each member is read by itself: a damaged one
    starts empty, but for moves, which damp as if made now by whoever it was.
    """
    if source is None:
        return Memory(), None
    raw = read(lambda: dict(parsed(str(source))))
    if isinstance(raw, Damaged):
        return Memory(), f"its memory was damaged ({raw.why}); it starts empty"
    moves = raw.get("moves")
    known = [m for m in moves if isinstance(m, dict)] if isinstance(moves, list) else []
    values, wrong = partly(Memory, {**raw, "moves": [_UNKNOWN | partly(PastMove, m)[0] for m in known]})
    wrong |= {name: f"`{name}` is missing" for name in _NEEDED if name not in raw}
    unread = read(lambda: fitted(tuple[PastMove, ...], raw["moves"], "moves"))
    wrong |= {"moves": unread.why} if isinstance(unread, Damaged) else {}
    damage = f"its memory was damaged ({cut('; '.join(wrong.values()))}); the damaged parts start empty"
    return Memory(**values), damage if wrong else None


def not_after(memory: Memory, now: datetime) -> tuple[Memory, str | None]:
    """Returns the memory without times from the future, and which of them no clock explains
    (docs/security.md#damaged-records).

    A move counts as made now: a writer whose clock is ahead damps as long as any other, and nobody for ever.
    A signal within the margin is kept, since it is AWS that says when it happened.
    """
    limit = now + CLOCK_MARGIN
    heard = {session: at for session, at in memory.heard.items() if at <= limit}
    ahead = sorted({m.owner for m in memory.moves if m.at > limit} | (memory.heard.keys() - heard))
    moves = tuple(replace(move, at=min(move.at, now)) for move in memory.moves)
    damage = f"its memory was damaged (times in the future: {', '.join(ahead)}); they count as now"
    known = episodes.without_future(memory.episodes, now)
    seen = {peer: replace(s, since=min(s.since, now)) for peer, s in memory.sessions.items()}
    in_place_at = min(memory.in_place_at, now) if memory.in_place_at else None
    memory = replace(memory, moves=moves, heard=heard, episodes=known, sessions=seen, in_place_at=in_place_at)
    memory = replace(memory, looked_at=min(memory.looked_at, now) if memory.looked_at else None)
    return memory, damage if ahead else None
