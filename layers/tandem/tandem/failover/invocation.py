"""One invocation of the failover function: its time, its topologies, a look at each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from tandem.errors import ConfigurationError, StateUnavailableError
from tandem.events import described
from tandem.failover.decision import Action
from tandem.failover.look import look
from tandem.failover.moves import Outcome
from tandem.failover.run import Report, World
from tandem.failover.telling import why
from tandem.ports import Journal
from tandem.signals.intake import concerns, forward, parse
from tandem.signals.signal import Origin, Signal
from tandem.state.record import TopologyRecord

_Concerned = tuple[TopologyRecord, list[Signal]]
"""A topology, and the signals that concern it."""


class StoredRecords(Protocol):
    """Topologies as they are stored, and what is wrong with damaged ones, by name."""

    @property
    def damaged(self) -> Mapping[str, str]: ...

    @property
    def looked_at(self) -> tuple[TopologyRecord, ...]: ...


class TopologyRecords(Protocol):
    """The topology records of the state table. Both raise StateUnavailableError."""

    def list(self) -> StoredRecords: ...

    def some(self, names: Iterable[str]) -> StoredRecords: ...


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What this invocation could not read of the state table and of EC2's answers."""

    records: dict[str, str] = field(default_factory=dict)
    """Overrides, look-again marks and audit records, each with why."""
    rows: dict[str, None] = field(default_factory=dict)

    def report(self, journal: Journal) -> None:
        """Logs each of them once, and forgets them."""
        for name, damage in self.records.items():
            journal.error("state record damaged", record=name, why=damage)
            journal.count("RepairedState")
        for row in self.rows:
            journal.error("row left out", row=row)
            journal.count("UnreadRows")
        self.records.clear()
        self.rows.clear()


def last_start(received_at: datetime, seconds_left: float, left_over: timedelta) -> datetime:
    """Returns until when a look, a turn or a move may begin, if `left_over` is kept for what follows it.

    Raises ConfigurationError for a function that has no time for a look.
    """
    ends_at = received_at + timedelta(seconds=seconds_left) - left_over
    if ends_at <= received_at:
        raise ConfigurationError(
            f"the function has {seconds_left:g} s, and a look may need more than "
            f"{left_over.total_seconds():g} s: raise its time-out to what the template says"
        )
    return ends_at


@dataclass(frozen=True, slots=True)
class Invocation:
    """What one invocation works with."""

    world: World
    topologies: TopologyRecords
    journal: Journal
    owner: Callable[[], str]
    """Names a look as no other is named."""
    received_at: datetime
    ends_at: datetime

    def look_at_all(self, event: object) -> None:
        """Looks at every topology that the event concerns.

        Raises the first topology's failure after all have been looked at, so that Lambda tries again: a bug
        in one look keeps no other topology waiting.
        """
        signals = parse(event)
        records, away = self._records(signals)
        found = ((record, [s for s in signals if concerns(s, record)]) for record in records)
        concerned = [(record, own) for record, own in found if own]
        if not concerned:
            if away is not None:
                raise away
            self.journal.warning("nothing to look at", causes=[s.cause for s in signals], **described(event))
            self.journal.count("RefusedMessage", sum(s.origin is Origin.SNS for s in signals))
        self.journal.count("UnknownSignal", sum(not s.known for s in signals))
        failures: list[Exception] = []
        for number, one in enumerate(concerned):
            try:
                if number and self.world.clock.now() >= self.ends_at:
                    self._leave(concerned[number:])
                    break
                self._look_at(one, away)
            except Exception as error:  # noqa: BLE001 - raised below, once the others had their look
                self.journal.exception("look failed", topology=one[0].topology.name)
                self.journal.count("LooksFailed")
                failures.append(error)
        if failures:
            raise failures[0]

    def _look_at(self, concerned: _Concerned, away: StateUnavailableError | None) -> None:
        record, signals = concerned
        report = look(
            record.topology,
            signals,
            self.world,
            owner=self.owner(),
            received_at=self.received_at,
            ends_at=self.ends_at,
            away=away,
        )
        _log(report, self.journal)
        _measure(report, self.received_at, self.journal)

    def _leave(self, rest: Sequence[_Concerned]) -> None:
        """Puts the signals on the bus for the topologies that this invocation has no time for."""
        self.journal.warning(
            "no time left, asking the bus", topologies=[record.topology.name for record, _ in rest]
        )
        now = self.world.clock.now()
        self.world.bus.put(*(e for record, signals in rest for e in forward(signals, [record], now).events))

    def _records(
        self, signals: Sequence[Signal]
    ) -> tuple[tuple[TopologyRecord, ...], StateUnavailableError | None]:
        """Returns the topologies that the signals may concern. Where the table does not answer, as it showed
        them less than five minutes ago, with the failure.

        A signal from the bus names its topology; an SNS message names a topic, and a sweep may name nothing.
        """
        is_named = all(s.origin is Origin.BUS for s in signals)
        names = {s.topology for s in signals if s.topology} if is_named else None
        known, clock = self.world.last_known, self.world.clock
        read_at = clock.now()
        try:
            stored = self.topologies.list() if names is None else self.topologies.some(names)
        except StateUnavailableError as error:
            self.journal.count("StateTableAway")
            self.journal.exception("state table away, going by the topologies that it showed last")
            return known.fresh(names, clock.now()), error
        for name, damage in stored.damaged.items():
            self.journal.error("stored topology damaged", topology=name, why=damage)
            self.journal.count("RepairedState")
        known.read(names, stored.looked_at, read_at)
        return stored.looked_at, None


def _log(report: Report, journal: Journal) -> None:
    """Logs what a look found and did."""
    journal.info(
        "looked",
        topology=report.topology,
        turns=report.turns,
        contended=report.contended,
        lost=report.lost,
        taken_over=report.taken_over,
        repaired=report.repaired,
        moved={m.move.subject: m.outcome for m in report.moved},
        decisions={d.group: {"action": d.action, "code": d.code, "reason": why(d)} for d in report.decisions},
    )


def _measure(report: Report, received_at: datetime, journal: Journal) -> None:
    """Counts what a look did, and how long its moves took from the signal that first asked."""
    verified = [m for m in report.moved if m.outcome is Outcome.VERIFIED]
    held = [d for d in report.decisions if d.action is Action.HOLD]
    if held:
        journal.beside_metrics(f"hold_codes_{report.topology}", sorted({str(d.code) for d in held}))
    journal.count("LooksStarted")
    journal.count("LeaseContended", int(report.contended))
    journal.count("RepairedState", int(report.repaired is not None))
    journal.count("Moves", len(verified))
    journal.count("MovesFailed", len(report.moved) - len(verified))
    journal.count("Holds", len(held))
    since = (report.stages.signal_at if report.stages else None) or received_at
    for metric, moments in (
        ("SignalToAssociated", [m.associated_at for m in report.moved if m.associated_at]),
        ("SignalToVerified", [m.verified_at for m in verified if m.verified_at]),
    ):
        if moments:
            journal.milliseconds(metric, max(0.0, (max(moments) - since).total_seconds()) * 1000)
