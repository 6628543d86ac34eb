"""One invocation's run of looks at one topology: its lease, what it knows, what it reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, ParamSpec, TypeVar

from tandem.errors import LeaseLostError, OutOfTimeError, StateUnavailableError
from tandem.failover import telling
from tandem.failover.decision import GroupDecision
from tandem.failover.lastknown import LastKnown
from tandem.failover.moves import Moved
from tandem.failover.ports import Audit, Cloud, Looks, Overrides
from tandem.failover.telling import Stages
from tandem.failover.trail import Trail
from tandem.model import Observation
from tandem.ports import Bus, Clock, Note
from tandem.reasons.reason import Identities
from tandem.signals.signal import Signal
from tandem.state.lease import Lease
from tandem.state.memory import Memory
from tandem.state.override import Override
from tandem.state.record import TopologyRecord
from tandem.topology.document import Target, Topology

P = ParamSpec("P")
T = TypeVar("T")

RENEW_BELOW = timedelta(seconds=20)
RETRY_SECONDS = 1.0
READ_ANEW = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class World:
    """Everything outside that a look works with."""

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
    """For `Run.beside`."""


@dataclass(slots=True)
class Report:
    """What one invocation did for one topology: log line and metrics are made from it."""

    topology: str
    contended: bool = False
    """Another invocation looks at it, and was told to look again."""
    lost: bool = False
    taken_over: bool = False
    repaired: str | None = None
    turns: int = 0
    moved: list[Moved] = field(default_factory=list)
    decisions: tuple[GroupDecision, ...] = ()
    stages: Stages | None = None


@dataclass(frozen=True, slots=True)
class Owed:
    """An intent whose outcome is not recorded yet, and what became of its moves so far."""

    decision_id: str
    stages: Stages
    decisions: tuple[GroupDecision, ...]
    done: tuple[Moved, ...]


class Run:
    """What the looks of one invocation at one topology share."""

    def __init__(
        self, topology: Topology, world: World, owner: str, received_at: datetime, ends_at: datetime
    ) -> None:
        self.topology = topology
        self.world = world
        self.owner = owner
        self.received_at = received_at
        self.ends_at = ends_at
        """No look, turn or move begins later."""
        self.read_at = received_at
        """When the topology was read at the latest."""
        self._outdated = False
        self.report = Report(topology.name)
        self.trail = Trail(topology, world.audit, world.bus, world.clock, world.last_known, world.note)
        self.memory = Memory()
        self._lease: Lease | None = None
        self.leased_at = self.observed_at = received_at
        self.last_read: Observation | None = None
        self.pause = RETRY_SECONDS
        self._beside: list[Future[Any]] = []
        self.refused: dict[str, Identities] = {}
        """Group to the failure that was notified of it, so that it is notified once."""
        self.owed: Owed | None = None
        self.announced: dict[str, Target] = {}
        """Elastic IP to where this run has notified last that it moves."""
        self._threads: dict[str, str] = {}
        """Group to the decision with which began what its messages are about now."""

    @property
    def lease(self) -> Lease:
        if self._lease is None:
            raise LeaseLostError(f"{self.topology.name}: there is no lease yet")
        return self._lease

    @property
    def decision_id(self) -> str:
        return f"{self.topology.name}-{self.lease.epoch}-{self.report.turns}"

    def thread(self, group: str, decision_id: str | None = None) -> str:
        """Returns the decision with which began what the group's messages are about now: this one if none."""
        standing = self.memory.standing.get(group)
        known = standing.thread if standing is not None else ""
        return known or self._threads.get(group) or decision_id or self.decision_id

    def begin_threads(self, groups: Iterable[str], decision_id: str | None = None) -> dict[str, str]:
        """Begins a thread with this decision for each group that has none; returns the groups' threads."""
        threads = {group: self.thread(group, decision_id) for group in groups}
        self._threads |= threads
        return threads

    def end_threads(self, groups: Iterable[str]) -> None:
        """What happens to these groups from now on is another incident."""
        for group in groups:
            self._threads.pop(group, None)

    def is_late(self) -> bool:
        """Whether the invocation has too little time left to begin anything more."""
        return self.world.clock.now() >= self.ends_at

    def beside(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Begins what must not wait for EC2, nor EC2 for it."""
        begun = self.world.side.submit(call, *args, **kwargs)
        self._beside.append(begun)
        return begun

    def finish(self) -> None:
        """Waits for all that goes on beside: Lambda freezes what outlives the handler."""
        for begun in self._beside:
            begun.exception()

    def take(self, signals: Sequence[Signal]) -> bool:
        """Takes the lease and the memory. False where another has it, which then looks again for these."""
        marks = [telling.mark(signal) for signal in signals]
        now = self.world.clock.now()
        got = self.world.looks.acquire(self.topology.name, self.owner, now, marks)
        if got is None:
            self.report.contended = True
            return False
        self._lease, self.memory = got
        self.leased_at = self.world.clock.now()
        self.report.taken_over, self.report.repaired = self.lease.taken_over, _repaired(self.lease)
        return True

    def renew(self) -> None:
        """Renews a lease that runs low. Raises LeaseLostError."""
        if self.lease.until - self.world.clock.now() < RENEW_BELOW:
            self.fence()

    def fence(self) -> None:
        """Proves the epoch, and renews the lease. Raises LeaseLostError."""
        self._lease = self.world.looks.fence(self.lease, self._kept(), self.world.clock.now())

    def may_move(self) -> bool:
        """Whether a call that is begun now ends under the lease and within the invocation."""
        return self.lease.is_enough(self.world.clock.now()) and not self.is_late()

    def is_outdated(self) -> bool:
        """Whether the topology is not the stored one any more; read again where some seconds have passed."""
        now = self.world.clock.now()
        if not self._outdated and now - self.read_at >= READ_ANEW:
            record = self.world.stored(self.topology.name)
            self.read_at = now
            self._outdated = record is None or record.is_leaving or record.version != self.topology.version
        return self._outdated

    def overrides(self) -> tuple[Override, ...]:
        """What an operator laid over the topology, read now."""
        overrides = self.world.overrides.of(self.topology.name)
        self.world.last_known.remember(self.topology.name, overrides, self.world.clock.now())
        return overrides

    def release(self) -> bool:
        """Ends the lease. False where signals came meanwhile: then it is kept."""
        return self.world.looks.release(self.lease, self._kept())

    def again(self) -> tuple[Signal, ...]:
        """The signals that came meanwhile, for one more look under the same lease."""
        now = self.world.clock.now()
        self._lease, marks = self.world.looks.again(self.lease, self._kept(), now)
        self.received_at = self.leased_at = now
        return tuple(telling.unmark(mark) for mark in marks)

    def let_go(self) -> None:
        """Ends the lease whatever came, where there is one and the table answers; else it ends by itself."""
        if self._lease is not None:
            with suppress(LeaseLostError, OutOfTimeError, StateUnavailableError):
                self.world.looks.let_go(self._lease, self._kept())

    def _kept(self) -> Memory:
        """The memory for the next look, with what people have been told by now."""
        told = self.trail.told
        return self.memory if told is None else replace(self.memory, told=told)


def _repaired(lease: Lease) -> str | None:
    return f"the look record was damaged: {'; '.join(lease.damage)}" if lease.damage else None
