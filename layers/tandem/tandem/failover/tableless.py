"""Takes the place of the state table and of the audit table while the state table is away: the
table makes failover orderly, not possible (docs/how-it-works.md#what-it-does-when-something-happens)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from tandem.audit import Head, Record, RecordKind, following
from tandem.failover import news
from tandem.failover.decision import GroupDecision
from tandem.failover.lastknown import LastKnown
from tandem.failover.trail import Trail
from tandem.ports import Clock, Note
from tandem.signals.signal import Signal, SignalKind
from tandem.state.lease import Lease
from tandem.state.memory import Memory
from tandem.state.override import Override
from tandem.state.record import TopologyRecord
from tandem.topology.document import Mode, Topology

_NO_END = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class NoTable:
    """Takes the state table's place: grants every lease, and answers with what this process read last.

    Every writer derives the same moves from the same FIB, so none needs a lease for those that it allows:
    only away from a dead holder, by a clear FIB, and with no override known to be in the way.
    """

    topology: Topology
    memory: Memory
    last_known: LastKnown
    clock: Clock
    why: str
    """How the table failed."""

    @property
    def cause(self) -> Signal:
        """Stands in the records in the place of the signals that woke the look."""
        return Signal(SignalKind.LOOK, f"the state table does not answer: {self.why}")

    def allowed(self, decisions: tuple[GroupDecision, ...]) -> tuple[GroupDecision, ...]:
        """Returns the decisions that cannot wait for the table, with those of their moves that cannot."""
        if not self._is_free():  # a reading may have lasted long
            return ()
        clear = (d for d in decisions if d.clear)
        urgent = (replace(d, addresses=d.held + tuple(a for a in d.moves if a.dead)) for d in clear)
        return tuple(d for d in urgent if d.moves)

    def stored(self, name: str) -> TopologyRecord | None:
        """Returns the topology as it was read last; None where nothing may move without the table."""
        known = self.last_known.records.get(name)
        if known is None or self.topology.mode is Mode.DRY_RUN or not self._is_free():
            return None
        return known[0]

    def of(self, topology: str) -> tuple[Override, ...]:
        """Returns no override: where one is known, `stored` lets nothing begin."""
        return ()

    def acquire(
        self, topology: str, owner: str, now: datetime, signals: Sequence[Mapping[str, Any]]
    ) -> tuple[Lease, Memory]:
        return Lease(topology, owner, 0, _NO_END), self.memory

    def fence(self, lease: Lease, memory: Memory, now: datetime) -> Lease:
        return lease

    def release(self, lease: Lease, memory: Memory) -> bool:
        return True

    def again(
        self, lease: Lease, memory: Memory, now: datetime
    ) -> tuple[Lease, tuple[Mapping[str, Any], ...]]:
        return lease, ()

    def let_go(self, lease: Lease, memory: Memory) -> None:
        pass

    def _is_free(self) -> bool:
        return self.last_known.is_free(self.topology.name, self.clock.now())


@dataclass(frozen=True, slots=True)
class LateRecords:
    """Takes the audit table's place: keeps the records of one look, which join the sequence when the table is
    back. Each is a log line meanwhile.
    """

    topology: Topology
    why: str
    note: Note
    _kept: list[tuple[Head, Mapping[str, Any]]] = field(default_factory=list)

    def recent(self, sequence: str) -> tuple[Record, ...]:
        return ()

    def append(self, head: Head | None, sequence: str, body: Mapping[str, Any]) -> Head:
        """Returns a head that has no number: the record has no place in the sequence yet."""
        if body["kind"] == RecordKind.INTENT:
            kept = {**body, "epoch": None, "why": self.why}
            self.note("moving without the table", topology=self.topology.name, intent=kept)
        else:
            kept = {**body, "outcome": "without the table"}
            self.note("moved without the table", topology=self.topology.name, outcome=kept)
        place = Head(sequence, 0, following(head, sequence, body).hash)
        self._kept.append((place, kept))
        return place

    def hand_over(self, last_known: LastKnown, trail: Trail) -> None:
        """Leaves the records to the next look that has the table; it tells what people were not told."""
        for head, body in self._kept:
            is_due = head in trail.untold and news.lasts(body)
            last_known.later(self.topology.name, body if is_due else {**body, "tell": []})
        try:
            trail.check()
        except Exception as error:  # noqa: BLE001 - also a bug keeps no move waiting
            self.note("people are not told", topology=self.topology.name, why=str(error))
