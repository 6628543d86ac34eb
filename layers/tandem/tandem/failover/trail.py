"""What a look leaves behind: its audit records, written ahead, and the events that tell of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tandem.audit import Head, Record, RecordKind, open_intent, told_groups
from tandem.errors import StateUnavailableError, TemporaryError
from tandem.events import DetailType, event, iso
from tandem.failover import news, telling
from tandem.failover.decision import GroupDecision, Severity
from tandem.failover.lastknown import LastKnown
from tandem.failover.moves import Moved, Outcome
from tandem.failover.news import Untold
from tandem.failover.ports import Audit
from tandem.failover.standbys import StandbyFinding
from tandem.failover.telling import Basis, EndedBy, Stages
from tandem.model import Observation
from tandem.ports import Bus, Clock, Note
from tandem.state.memory import Memory, Standing
from tandem.topology.document import Topology


class Trail:
    """The audit sequence of one topology, from the head that this look found."""

    def __init__(
        self, topology: Topology, audit: Audit, bus: Bus, clock: Clock, last_known: LastKnown, note: Note
    ) -> None:
        self._topology = topology
        self._audit = audit
        self._bus = bus
        self._clock = clock
        self._last_known = last_known
        self._note = note
        self._sequence = f"failover#{topology.name}"
        self._head: Head | None = None
        self._is_open = False
        self._untold: list[Untold] = []
        self.retried: frozenset[str] = frozenset()
        """The groups whose moves the look tries again: their outcome is told once it no longer does."""
        self._trouble: TemporaryError | None = None
        self._lost: Exception | None = None

    def recent(self) -> tuple[Record, ...]:
        return self._audit.recent(self._sequence)

    def open(self, records: Sequence[Record], observation: Observation, memory: Memory) -> None:
        """Continues the sequence: what could not be written before, and the end of what a dead look began.

        What was recorded after `memory.told`, and still is so, people do not know yet.
        """
        self._head = records[0].head if records else None
        self._is_open = True
        self._untold = [(r.head, r.body) for r in reversed(records) if _is_news(r, memory)]
        late, written = self._last_known.late.get(self._topology.name, []), set[str]()
        while late:
            self._append(late[0])
            written.add(str(late.pop(0)["decision_id"]))
        intent = open_intent(records)
        if intent is not None and str(intent.body.get("decision_id")) not in written:
            self._append(telling.closing(intent, observation.elastic_ips, self._topology, self._clock.now()))
        self._untold = [entry for entry in self._untold if self._is_sound(*entry)]

    def _is_sound(self, head: Head, body: Mapping[str, Any]) -> bool:
        """Notes a record, or an end made from one, that cannot be notified: somebody damaged it, or a newer
        version wrote it.
        """
        damage = news.damage_of(body, head)
        if damage is not None:
            self._note(
                "a record cannot be notified", topology=self._topology.name, record=head.number, why=damage
            )
        return damage is None

    @property
    def untold(self) -> tuple[Head, ...]:
        """The records of which the bus has not taken all yet."""
        return tuple(head for head, _ in self._untold)

    @property
    def told(self) -> int | None:
        """The last record up to which people were told what they were to be told; None where nobody knows."""
        if self._untold:
            return self._untold[0][0].number - 1
        if self._head:
            return self._head.number
        return 0 if self._is_open else None  # 0: there is no record yet, so the first one will be news

    def intent(
        self,
        kind: RecordKind,
        decision_id: str,
        decisions: Iterable[GroupDecision],
        basis: Basis,
        at: datetime,
        tell: Collection[str],
        threads: Mapping[str, str],
        since: Mapping[str, datetime] | None = None,
    ) -> None:
        """Records what is about to be done, or held, on what evidence, and of which groups to tell people."""
        body = telling.decided_body(
            kind,
            at,
            decision_id,
            self._topology,
            decisions,
            basis,
            tell,
            threads,
            since={group: iso(at) for group, at in (since or {}).items()},
        )
        self._append(body)

    def outcome(
        self,
        decision_id: str,
        stages: Stages,
        decisions: Collection[GroupDecision],
        done: tuple[Moved, ...],
        tell: Collection[str],
        threads: Mapping[str, str],
        severities: Mapping[str, Severity],
    ) -> None:
        """Records what became of an intent. Where the table is away, this process writes it late."""
        whole = all(m.outcome is Outcome.VERIFIED for m in done)
        body = telling.outcome_body(
            self._clock.now(),
            decision_id,
            self._topology,
            "verified" if whole else "incomplete",
            stages,
            done,
            tell=list(tell),
            threads=dict(threads),
            held=telling.held_detail(decisions),
            severities=dict(severities),
        )
        try:
            self._append(body)
        except StateUnavailableError:
            self._last_known.later(self._topology.name, body)
            raise

    def holds_ended(self, decision_id: str, ended: Mapping[str, Standing], by: Mapping[str, EndedBy]) -> None:
        """Records the end of holds. Of one whose beginning the bus never took, people are told nothing."""
        now = self._clock.now()
        unsent = self._drop(ended)
        body = telling.body(
            RecordKind.HOLD_ENDED,
            now,
            decision_id,
            self._topology,
            groups=list(ended),
            ended={g: telling.ended_detail(s, now, by[g]) for g, s in ended.items()},
            threads={g: s.thread for g, s in ended.items() if s.thread},
            tell=[group for group in ended if group not in unsent],
        )
        self._append(body)

    def _drop(self, ended: Mapping[str, Standing]) -> set[str]:
        """Takes back what is untold of these holds; returns those of which even the beginning is."""
        begun: set[str] = set()
        left: list[Untold] = []
        for head, body in self._untold:
            over = {g for g in told_groups(body) if g in ended and body.get("kind") == RecordKind.HOLD}
            begun |= {g for g in over if body.get("decision_id") == ended[g].thread}
            tell = [group for group in told_groups(body) if group not in over]
            left += [(head, {**body, "tell": tell})] if tell else []
        self._untold = left
        return begun

    def findings(self, decision_id: str, found: Sequence[StandbyFinding], observation: Observation) -> None:
        """Records what a rule found, on what evidence, and that people are to be told."""
        body = telling.body(
            RecordKind.FINDING,
            self._clock.now(),
            decision_id,
            self._topology,
            findings={f.key: telling.finding_detail(f) for f in found},
            evidence=telling.evidence(self._topology, observation),
            tell=[f.key for f in found],
        )
        self._append(body)

    def overrides(self, decision_id: str, changes: Mapping[str, Mapping[str, Any]]) -> None:
        """Records what operators laid over the topology or lifted, by group."""
        now = self._clock.now()
        body = telling.body(
            RecordKind.OVERRIDE, now, decision_id, self._topology, overrides=dict(changes), tell=list(changes)
        )
        self._append(body)

    def notify(self, *, also_retried: bool = False) -> None:
        """Puts on the bus what people are to be told of the records, but of what is tried again.

        Raises nothing: what the bus does not take now keeps no move waiting (`check`).
        """
        retried = frozenset() if also_retried else self.retried
        while True:
            entry = next((e for e in self._untold if not _waits(e[1], retried)), None)
            if entry is None:
                return
            one = news.gathered(entry, self._untold)
            try:
                self._bus.put(*news.events_of(one.body, one.head))
            except TemporaryError as error:
                self._trouble = error
                return
            except Exception as error:  # noqa: BLE001 - too large, or a bug; `check` raises it
                self._lost = error
            self._untold = [e for e in self._untold if e[0] not in one.heads]

    def check(self) -> None:
        """Raises TemporaryError where something is still to be told: then the next look tells it.

        ConfigurationError for what no bus takes, and whatever a bug raised: that stands in the audit trail
        only.
        """
        if self._untold and self._trouble:
            raise self._trouble
        if self._lost:
            raise self._lost

    def ask(self, cause: str) -> None:
        """`Look`: asks for another look at the topology."""
        name, now = self._topology.name, self._clock.now()
        self._bus.put(
            event(DetailType.LOOK, topology=name, occurred_at=now, cause=cause, requested_by="failover")
        )

    def _append(self, body: Mapping[str, Any]) -> None:
        self._head = self._audit.append(self._head, self._sequence, body)
        if body.get("tell"):
            self._untold.append((self._head, body))


def _waits(body: Mapping[str, Any], retried: frozenset[str]) -> bool:
    return body.get("kind") == RecordKind.OUTCOME and bool(retried.intersection(told_groups(body)))


def _is_news(record: Record, memory: Memory) -> bool:
    """True if the bus did not take it at the time and it still counts; a hold does while it stands."""
    if memory.told is None or record.number <= memory.told:
        return False
    if record.body.get("kind") == RecordKind.HOLD:
        return any(group in memory.standing for group in record.tell)
    return bool(record.tell) and news.lasts(record.body)
