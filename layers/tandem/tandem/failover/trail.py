"""What a look leaves behind: its audit records, written ahead, and the events that tell of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tandem.audit import Head, Record, RecordKind, open_intent
from tandem.errors import StateUnavailableError
from tandem.events import DetailType, event
from tandem.failover import telling
from tandem.failover.decision import Action, GroupDecision
from tandem.failover.moves import Moved, Outcome
from tandem.failover.ports import Audit
from tandem.failover.tableless import LastKnown
from tandem.failover.telling import Stages
from tandem.model import Observation
from tandem.ports import Bus, Clock
from tandem.signals import Signal
from tandem.topology import Topology


class Trail:
    """The audit sequence of one topology, from the head that this look found."""

    def __init__(
        self, topology: Topology, audit: Audit, bus: Bus, clock: Clock, last_known: LastKnown
    ) -> None:
        self._topology = topology
        self._audit = audit
        self._bus = bus
        self._clock = clock
        self._last_known = last_known
        self._sequence = f"failover#{topology.name}"
        self._head: Head | None = None

    def recent(self) -> tuple[Record, ...]:
        return self._audit.recent(self._sequence)

    def open(self, records: Sequence[Record], observation: Observation) -> None:
        """Continues the sequence: what could not be written before, and the end of what a dead look began."""
        self._head = records[0].head if records else None
        late, written = self._last_known.late.get(self._topology.name, []), set[object]()
        while late:
            self._append(late[0])
            written.add(late.pop(0)["decision_id"])
        intent = open_intent(records)
        if intent is not None and intent.body.get("decision_id") not in written:
            self._append(telling.closing(intent, observation.elastic_ips, self._topology, self._clock.now()))

    def intent(
        self,
        kind: RecordKind,
        decision_id: str,
        decisions: Iterable[GroupDecision],
        observation: Observation,
        signals: Sequence[Signal],
        at: datetime,
    ) -> Head:
        """Records what is about to be done, or held, and on what evidence."""
        body = telling.body(
            kind,
            at,
            decision_id,
            self._topology,
            signal=telling.signal_detail(signals),
            groups={
                d.group: telling.decision_detail(d) for d in decisions if d.action is not Action.NO_CHANGE
            },
            evidence=telling.evidence(self._topology, observation),
        )
        return self._append(body)

    def outcome(self, decision_id: str, stages: Stages, done: tuple[Moved, ...]) -> Head:
        """Records what became of an intent. Where the table is away, this process writes it late."""
        whole = all(m.outcome is Outcome.VERIFIED for m in done)
        body = telling.body(
            RecordKind.OUTCOME,
            self._clock.now(),
            decision_id,
            self._topology,
            outcome="verified" if whole else "incomplete",
            addresses=[telling.moved_detail(m, stages.received_at) for m in done],
            stages=telling.stages_detail(stages, done),
        )
        try:
            return self._append(body)
        except StateUnavailableError:
            self._last_known.later(self._topology.name, body)
            raise

    def holds_ended(self, decision_id: str, groups: Sequence[str]) -> None:
        now = self._clock.now()
        self._append(
            telling.body(RecordKind.HOLD_ENDED, now, decision_id, self._topology, groups=list(groups))
        )

    def tell_decisions(
        self,
        decisions: Iterable[GroupDecision],
        decision_id: str,
        signals: Sequence[Signal],
        head: Head,
        at: datetime,
    ) -> None:
        """`Failover Decision`, one per group."""
        signal = telling.signal_detail(signals)
        self._bus.put(*(telling.decided(d, self._topology, decision_id, at, signal, head) for d in decisions))

    def tell_outcome(self, decision_id: str, stages: Stages, done: Sequence[Moved], head: Head) -> None:
        """`Failover Completed` or `Failover Failed`, one per group."""
        now = self._clock.now()
        by_group = {m.move.group: tuple(n for n in done if n.move.group == m.move.group) for m in done}
        self._bus.put(
            *(
                telling.completed(group, moved, self._topology, decision_id, now, stages, head)
                for group, moved in by_group.items()
            )
        )

    def ask(self, cause: str) -> None:
        """`Look`: asks for another look at the topology."""
        name, now = self._topology.name, self._clock.now()
        self._bus.put(
            event(DetailType.LOOK, topology=name, occurred_at=now, cause=cause, requested_by="failover")
        )

    def _append(self, body: Mapping[str, Any]) -> Head:
        self._head = self._audit.append(self._head, self._sequence, body)
        return self._head
