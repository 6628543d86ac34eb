"""Failover while the state table is away: the table makes failover orderly, not possible (design §5)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tandem.audit import RecordKind
from tandem.failover import telling
from tandem.failover.acting import carry_out
from tandem.failover.decision import GroupDecision, decide
from tandem.failover.moves import Move, Moved, moves
from tandem.failover.ports import Cloud
from tandem.memory import Memory
from tandem.override import Override
from tandem.ports import Clock, Note
from tandem.record import TopologyRecord
from tandem.topology import Mode, Topology

FRESH = timedelta(minutes=5)
KEPT = 100


@dataclass(slots=True)
class LastKnown:
    """What this process last read from the table, and what it could not write to it."""

    records: dict[str, tuple[TopologyRecord, datetime]] = field(default_factory=dict)
    """By name, those that were asked for, each with when."""
    overrides: dict[str, tuple[tuple[Override, ...], datetime]] = field(default_factory=dict)
    late: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)

    def read(self, names: Collection[str] | None, records: Iterable[TopologyRecord], at: datetime) -> None:
        """What the table showed of these names, or of all; what it does not show any more is forgotten."""
        for name in tuple(self.records) if names is None else names:
            self.records.pop(name, None)
        self.records |= {record.topology.name: (record, at) for record in records}

    def fresh(self, names: Collection[str] | None, now: datetime) -> tuple[TopologyRecord, ...]:
        """Those of these names, or of all, that were read less than five minutes ago."""
        known = self.records.items()
        return tuple(r for name, (r, at) in known if now - at < FRESH and (names is None or name in names))

    def remember(self, topology: str, overrides: tuple[Override, ...], at: datetime) -> None:
        self.overrides[topology] = (overrides, at)

    def is_free(self, topology: str, now: datetime) -> bool:
        """Whether no override was in the way less than five minutes ago."""
        known = self.overrides.get(topology)
        return known is not None and not known[0] and now - known[1] < FRESH

    def later(self, topology: str, body: Mapping[str, Any]) -> None:
        """Keeps an audit record for when the table is back, marked late."""
        self.late.setdefault(topology, []).append({**body, "late": True})
        del self.late[topology][:-KEPT]


def move_without_table(
    topology: Topology,
    cloud: Cloud,
    clock: Clock,
    last_known: LastKnown,
    note: Note,
    why: str,
    is_late: Callable[[], bool],
) -> tuple[Moved, ...]:
    """Moves without a lease what may be moved so: every writer derives the same moves from the same FIB.

    Only away from a dead holder, by a clear FIB, and with no override known to be in the way; everything else
    waits for the table. The intent is a log line, and joins the audit sequence when the table is back.
    """
    if topology.mode is Mode.DRY_RUN or not last_known.is_free(topology.name, clock.now()):
        note("table away, nothing moved", topology=topology.name, why=why)
        return ()
    observation = cloud.observe(topology, tuple)
    now = clock.now()
    decisions = decide(topology, observation, Memory(), now)
    planned = _urgent(decisions)
    if not planned:
        return ()
    decision_id = f"{topology.name}-tableless-{now:%Y%m%dT%H%M%S.%fZ}"
    intent = telling.body(
        RecordKind.INTENT,
        now,
        decision_id,
        topology,
        epoch=None,
        why=why,
        groups={d.group: telling.decision_detail(d) for d in decisions if d.clear and d.moves},
        evidence=telling.evidence(topology, observation),
    )
    note("moving without the table", topology=topology.name, intent=intent)
    last_known.later(topology.name, intent)
    done = carry_out(planned, cloud, clock, lambda _batch: None, lambda: not is_late())
    outcome = telling.body(
        RecordKind.OUTCOME,
        clock.now(),
        decision_id,
        topology,
        outcome="without the table",
        addresses=[telling.moved_detail(m, now) for m in done],
    )
    note("moved without the table", topology=topology.name, outcome=outcome)
    last_known.later(topology.name, outcome)
    return done


def _urgent(decisions: tuple[GroupDecision, ...]) -> tuple[Move, ...]:
    """The moves that cannot wait: a clear FIB, and nobody alive has the address."""
    dead = {a.allocation_id for d in decisions if d.clear for a in d.moves if a.dead}
    return tuple(move for move in moves(decisions) if move.allocation_id in dead)
