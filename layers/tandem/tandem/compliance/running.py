"""One compliance run of one topology: take a snapshot, judge it, notify what changed, write the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tandem.compliance.engine import judge_snapshot
from tandem.compliance.rule import Finding, Rule, RuleVerdict
from tandem.compliance.snapshot import Snapshot
from tandem.compliance.telling import digest_event, finding_event
from tandem.compliance.tracking import FindingChange, Kept, Tracked, track
from tandem.events import DetailType, Event
from tandem.ports import Bus, Clock
from tandem.state.record import TopologyRecord


class Findings(Protocol):
    """The finding records of the state table."""

    def get(self, topology: str, now: datetime) -> Kept: ...

    def put(self, topology: str, kept: Kept, tracked: Tracked) -> Kept | None: ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything outside that a run works with."""

    take: Callable[[TopologyRecord], Snapshot]
    findings: Findings
    bus: Bus
    report: Callable[[Snapshot, Sequence[Finding]], None]
    """Writes the report, dated and as the latest."""
    clock: Clock


@dataclass(frozen=True, slots=True)
class ComplianceRun:
    """What a run found, for its log line and metrics."""

    findings: tuple[Finding, ...]
    changes: tuple[FindingChange, ...]
    lost: bool = False
    """Another run wrote meanwhile, and notifies instead of this one."""

    @property
    def counts(self) -> dict[str, int]:
        """Returns the number of results of each verdict."""
        found = Counter(f.result.verdict for f in self.findings)
        return {str(verdict): found[verdict] for verdict in RuleVerdict}


def run(record: TopologyRecord, rules: Sequence[Rule], every: Sequence[Rule], ports: Ports) -> ComplianceRun:
    """Runs these rules for one topology. Where all rules run, or something changed, a report is written.

    What changed is stored before it is sent and forgotten afterwards: a run that dies in between leaves it
    for the next one. Raises TemporaryError, ConfigurationError.
    """
    name, now = record.topology.name, ports.clock.now()
    is_whole = set(rules) == set(every)
    kept = ports.findings.get(name, now)
    snapshot = ports.take(record)
    found = judge_snapshot(rules, snapshot)
    episodes, changes = track(kept.tracked.episodes, rules, found, now)
    events = [finding_event(name, change, now) for change in changes]
    events += [digest_event(name, found, now)] if is_whole else []
    unsent = (*kept.tracked.unsent, *(_entry(event) for event in events))
    written = ports.findings.put(name, kept, Tracked(episodes, unsent))
    if written is None:
        return ComplianceRun(found, (), lost=True)
    if unsent:
        ports.bus.put(*filter(None, map(_event, unsent)))
        ports.findings.put(name, written, Tracked(episodes))
    if is_whole or changes:
        ports.report(snapshot, found if is_whole else judge_snapshot(every, snapshot))
    return ComplianceRun(found, changes)


def _entry(event: Event) -> dict[str, object]:
    return {"detail_type": str(event.detail_type), "detail": event.detail}


def _event(entry: dict[str, object]) -> Event | None:
    """Returns an event that was stored; None for one that only another version knows."""
    known = next((kind for kind in DetailType if kind == entry.get("detail_type")), None)
    detail = entry.get("detail")
    return Event(known, detail) if known is not None and isinstance(detail, dict) else None
