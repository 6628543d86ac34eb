"""One invocation's run of looks at one topology: it keeps the lease, and passes on what the looks know."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from tandem.errors import LeaseLostError, OutOfTimeError, StateUnavailableError
from tandem.failover import telling
from tandem.failover.decision import GroupDecision
from tandem.failover.lastknown import LastKnown
from tandem.failover.moves import Moved, Outcome
from tandem.failover.ports import Audit, Cloud, Looks, Overrides
from tandem.failover.tableless import NoTable
from tandem.failover.telling import Stages
from tandem.failover.trail import Trail
from tandem.model import Observation, RoutingDatabase
from tandem.ports import Bus, Clock, Note
from tandem.reasons.reason import Identities
from tandem.signals.signal import Signal
from tandem.state.lease import Lease
from tandem.state.memory import Memory
from tandem.state.override import Override
from tandem.state.record import TopologyRecord
from tandem.topology.document import Target, Topology

_RENEW_BELOW = timedelta(seconds=20)
_READ_ANEW = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class World:
    """A look works with this part of the outside world."""

    cloud: Cloud
    looks: Looks
    overrides: Overrides
    audit: Audit
    bus: Bus
    clock: Clock
    note: Note
    last_known: LastKnown
    stored: Callable[[str], TopologyRecord | None]
    """One topology as it is stored now. Raises StateUnavailableError, and ConfigurationError if damaged."""
    side: ThreadPoolExecutor
    """For what must not wait for EC2, nor EC2 for it."""


@dataclass(frozen=True, slots=True)
class Owed:
    """An intent whose outcome is not recorded yet, and what became of its moves so far."""

    decision_id: str
    stages: Stages
    decisions: tuple[GroupDecision, ...]
    done: tuple[Moved, ...]

    @property
    def is_shown(self) -> bool:
        """True if EC2 shows every move that it took, or may have taken."""
        return all(m.outcome is not Outcome.UNVERIFIED for m in self.done)


_NOTHING_READ = Observation(RoutingDatabase(), (), {}, None, None)
"""Stands in for what AWS shows until it has been read."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run of looks knows by now. Each step of a look takes one and returns the next."""

    memory: Memory
    observed_at: datetime
    observation: Observation = _NOTHING_READ
    """What AWS showed last."""
    turns: int = 0
    decision_id: str = ""
    """Names what this turn decides."""
    decisions: tuple[GroupDecision, ...] = ()
    tried: tuple[Moved, ...] = ()
    """How the moves of this turn stand."""
    owed: Owed | None = None
    moved: tuple[Moved, ...] = ()
    """How the moves ended whose outcome is recorded."""
    stages: Stages | None = None
    announced: Mapping[str, Target] = field(default_factory=dict)
    """Elastic IP to where this run has notified last that it moves."""
    refused: Mapping[str, Identities] = field(default_factory=dict)
    """Group to the failure that was notified of it, so that it is notified once."""
    threads: Mapping[str, str] = field(default_factory=dict)
    """Group to the decision with which began what its messages are about now."""

    def thread(self, group: str) -> str:
        """Returns the decision with which began what the group's messages are about: this one if none."""
        standing = self.memory.standing.get(group)
        known = standing.thread if standing is not None else ""
        return known or self.threads.get(group) or self.decision_id

    def with_threads(self, groups: Iterable[str]) -> Progress:
        """Begins a thread with this decision for each group that has none."""
        return replace(self, threads={**self.threads, **{group: self.thread(group) for group in groups}})


@dataclass(frozen=True, slots=True)
class Report:
    """What one invocation did for one topology: log line and metrics are made from it."""

    topology: str
    contended: bool = False
    """Another invocation looks at it, and was told to look again."""
    lost: bool = False
    taken_over: bool = False
    repaired: str | None = None
    turns: int = 0
    moved: tuple[Moved, ...] = ()
    decisions: tuple[GroupDecision, ...] = ()
    stages: Stages | None = None


class Run:
    """Keeps the lease of one topology, and its memory with it, while looks follow each other."""

    def __init__(
        self,
        topology: Topology,
        world: World,
        owner: str,
        received_at: datetime,
        ends_at: datetime,
        tableless: NoTable | None = None,
    ) -> None:
        self.topology = topology
        self.world = world
        self.tableless = tableless
        """Takes the state table's place while that is away; else None."""
        self.trail = Trail(topology, world.audit, world.bus, world.clock, world.last_known, world.note)
        self.ends_at = ends_at
        """No look, turn or move begins later."""
        self.received_at = received_at
        self.leased_at: datetime | None = None
        """None while the state table is away."""
        self._owner = owner
        self._lease: Lease | None = None
        self._memory = Memory()
        self._read_at = datetime.min.replace(tzinfo=UTC) if tableless else received_at
        """When the topology was read at the latest."""
        self._outdated = False

    @property
    def lease(self) -> Lease:
        if self._lease is None:
            raise LeaseLostError(f"{self.topology.name}: there is no lease yet")
        return self._lease

    @property
    def taken_over(self) -> bool:
        """True if the holder before never let go: a call of its may still come."""
        return self._lease is not None and self._lease.taken_over

    def decision_id(self, turn: int, at: datetime) -> str:
        """Returns the name of what a turn decides; no epoch tells apart those without the state table."""
        if self.tableless is None:
            return f"{self.topology.name}-{self.lease.epoch}-{turn}"
        return f"{self.topology.name}-tableless-{at:%Y%m%dT%H%M%S.%fZ}-{self._owner}"

    def is_late(self) -> bool:
        """Returns True if the invocation has too little time left to begin anything more."""
        return self.world.clock.now() >= self.ends_at

    def take(self, signals: Sequence[Signal]) -> Memory | None:
        """Takes the lease, with the memory. None if another has it, which then looks again for these."""
        marks = [telling.mark(signal) for signal in signals]
        now = self.world.clock.now()
        got = self.world.looks.acquire(self.topology.name, self._owner, now, marks)
        if got is None:
            return None
        self._lease, self._memory = got
        if self.tableless is None:
            self.leased_at = self.world.clock.now()
        return self._memory

    def remember(self, memory: Memory) -> None:
        """Keeps the memory for the next write of the lease, whichever that is."""
        self._memory = memory

    def renew(self) -> None:
        """Renews a lease that runs low. Raises LeaseLostError."""
        if self.lease.until - self.world.clock.now() < _RENEW_BELOW:
            self.fence(self._memory)

    def fence(self, memory: Memory) -> None:
        """Proves the epoch, renews the lease and writes the memory. Raises LeaseLostError."""
        self.remember(memory)
        self._lease = self.world.looks.fence(self.lease, self._kept(), self.world.clock.now())

    def may_move(self) -> bool:
        """Returns True if a call that is begun now ends under the lease and within the invocation."""
        return self.lease.is_enough(self.world.clock.now()) and not self.is_late()

    def is_outdated(self) -> bool:
        """Returns True if the topology is not the stored one any more. It is read again after 2 s."""
        now = self.world.clock.now()
        if not self._outdated and now - self._read_at >= _READ_ANEW:
            record = self.world.stored(self.topology.name)
            self._read_at = now
            self._outdated = record is None or record.is_leaving or record.version != self.topology.version
        return self._outdated

    def overrides(self) -> tuple[Override, ...]:
        """Reads what an operator laid over the topology."""
        overrides = self.world.overrides.of(self.topology.name)
        self.world.last_known.remember(self.topology.name, overrides, self.world.clock.now())
        return overrides

    def allowed(self, decisions: tuple[GroupDecision, ...]) -> tuple[GroupDecision, ...]:
        """Returns the decisions with those of their moves that may be made: all of them, under a lease."""
        return self.tableless.allowed(decisions) if self.tableless else decisions

    def release(self) -> bool:
        """Ends the lease. False where signals came meanwhile: then it is kept."""
        return self.world.looks.release(self.lease, self._kept())

    def again(self) -> tuple[Signal, ...]:
        """Returns the signals that came meanwhile, for one more look under the same lease."""
        now = self.world.clock.now()
        self._lease, marks = self.world.looks.again(self.lease, self._kept(), now)
        self.received_at = self.leased_at = now
        return tuple(telling.unmark(mark) for mark in marks)

    def let_go(self) -> None:
        """Ends the lease whatever came, where there is one and the table answers; else it ends by itself."""
        if self._lease is not None:
            with suppress(LeaseLostError, OutOfTimeError, StateUnavailableError):
                self.world.looks.let_go(self._lease, self._kept())

    def report(self, progress: Progress, *, lost: bool) -> Report:
        """Returns what the run did, as far as it came."""
        damage = self._lease.damage if self._lease else ()
        return Report(
            self.topology.name,
            contended=self._lease is None,
            lost=lost,
            taken_over=self.taken_over,
            repaired=f"the look record was damaged: {'; '.join(damage)}" if damage else None,
            turns=progress.turns,
            moved=progress.moved,
            decisions=progress.decisions,
            stages=progress.stages,
        )

    def _kept(self) -> Memory:
        """Returns the memory for the next look, with the last record that was notified by now."""
        told = self.trail.told
        return self._memory if told is None else replace(self._memory, told=told)
