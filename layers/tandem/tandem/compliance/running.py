"""One compliance run of one topology: take a snapshot, judge it, notify what changed, write the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeGuard

from tandem.compliance.engine import judge_snapshot
from tandem.compliance.rule import Finding, Rule, RuleVerdict
from tandem.compliance.snapshot import Snapshot
from tandem.compliance.telling import digest_event, finding_events
from tandem.compliance.tracking import FindingChange, Kept, Tracked, track
from tandem.errors import ConfigurationError
from tandem.events import DetailType, Event
from tandem.ports import Bus, Clock
from tandem.state.episodes import Episode
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

    What changed is stored before it is sent and forgotten afterwards, and so is that a report is due: a run
    that dies in between leaves both for the next one. Raises TemporaryError, ConfigurationError.
    """
    name, now = record.topology.name, ports.clock.now()
    is_whole = set(rules) == set(every)
    kept = ports.findings.get(name, now)
    snapshot = ports.take(record)
    found = judge_snapshot(rules, snapshot)
    episodes, changes = track(_of(every, kept.tracked.episodes), rules, found, now)
    events = [*finding_events(name, changes, now), *([digest_event(name, found, now)] if is_whole else [])]
    unsent = (*kept.tracked.unsent, *(_entry(event) for event in events))
    is_due = is_whole or bool(changes) or kept.tracked.report_due
    written = ports.findings.put(name, kept, Tracked(episodes, unsent, is_due))
    if written is None:
        return ComplianceRun(found, (), lost=True)
    if unsent:
        sent = Tracked(episodes, (), is_due)
        try:
            ports.bus.put(*(event for event in map(_event, unsent) if _is_about(event, name)))
        except ConfigurationError:  # one that no bus ever takes, after all the others: it comes once
            ports.findings.put(name, written, sent)
            raise
        written = ports.findings.put(name, written, sent)
    if is_due and written is not None:
        ports.report(snapshot, found if is_whole else judge_snapshot(every, snapshot))
        ports.findings.put(name, written, Tracked(episodes))
    return ComplianceRun(found, changes)


def _of(rules: Sequence[Rule], episodes: Mapping[str, Episode]) -> dict[str, Episode]:
    """Returns the episodes without those of rules that are gone: no run would ever end them."""
    ids = {str(rule.id) for rule in rules}
    return {key: episode for key, episode in episodes.items() if key.partition(" ")[0] in ids}


def _is_about(event: Event | None, topology: str) -> TypeGuard[Event]:
    return event is not None and event.detail.get("topology") == topology


def _entry(event: Event) -> dict[str, object]:
    return {"detail_type": str(event.detail_type), "detail": event.detail}


def _event(entry: dict[str, object]) -> Event | None:
    """Returns an event that was stored; None for one that only another version knows."""
    known = next((kind for kind in DetailType if kind == entry.get("detail_type")), None)
    detail = entry.get("detail")
    return Event(known, detail) if known is not None and isinstance(detail, dict) else None
