"""What the bus gets of compliance: an event for each finding that opened or ended, and one digest a day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from tandem.compliance.rule import Finding, RuleSeverity, RuleVerdict, numbered_findings
from tandem.compliance.tracking import FindingChange
from tandem.events import DetailType, Event, event, iso
from tandem.state.episodes import Change
from tandem.words import report
from tandem.words.catalogue import ENTRIES
from tandem.words.parts import steps
from tandem.words.render import render

MOST_EACH = 10
"""Resources of one rule that get an event each in one run; the last one has the number of the others."""

MOST_LISTED = 50
"""Findings that a digest lists; the report has all of them."""

GRADES = {
    RuleSeverity.CRITICAL: "warning",
    RuleSeverity.HIGH: "warning",
    RuleSeverity.MEDIUM: "info",
    RuleSeverity.LOW: "info",
}
"""Severity of a rule to that of its notification. Nothing is down because of a finding, so none is critical
there: it must not wake the people who wait for outages."""


def finding_events(topology: str, changes: Iterable[FindingChange], now: datetime) -> Iterator[Event]:
    """Yields the events of the findings that opened or ended; one cause must not send hundreds of them."""
    alike: dict[tuple[str, Change], list[FindingChange]] = {}
    for change in changes:
        alike.setdefault((change.rule.id, change.change), []).append(change)
    for same in alike.values():
        for number, change in enumerate(same[:MOST_EACH], start=1):
            others = len(same) - number if number == MOST_EACH else 0
            yield _finding_event(topology, change, now, unlisted=others)


def _finding_event(topology: str, change: FindingChange, now: datetime, *, unlisted: int) -> Event:
    why = change.finding.result.reason if change.finding else None
    is_open = change.change is Change.OPENED
    rule_id = change.rule.id
    advice = report.remedy(rule_id, why) if why and is_open else steps(report.rule(rule_id).advice)
    return event(
        DetailType.COMPLIANCE_FINDING,
        topology=topology,
        occurred_at=now,
        rule=str(change.rule.id),
        rule_severity=str(change.rule.severity),
        status=str(change.change),
        severity=GRADES[change.rule.severity] if is_open else "info",
        resource_id=change.resource,
        summary=render(why, ENTRIES) if why else f"{change.resource} is not judged any more",
        remediation="\n".join(advice),
        reasons=[why.as_dict()] if why else [],
        since=iso(change.since),
        unlisted=unlisted,
    )


def digest_event(topology: str, findings: Iterable[Finding], now: datetime) -> Event:
    """Returns the digest of a day: how many results of each verdict, and what fails, the gravest first."""
    found = tuple(findings)
    failing = [finding for _, finding in numbered_findings(found)]
    counts = Counter(str(f.result.verdict) for f in found)
    return event(
        DetailType.COMPLIANCE_DIGEST,
        topology=topology,
        occurred_at=now,
        counts={str(verdict): counts[str(verdict)] for verdict in RuleVerdict},
        findings=[
            {
                "rule": str(f.rule.id),
                "rule_severity": str(f.rule.severity),
                "verdict": str(f.result.verdict),
                "resource_id": f.result.resource,
                "summary": render(f.result.reason, ENTRIES),
            }
            for f in failing[:MOST_LISTED]
        ],
        unlisted=max(0, len(failing) - MOST_LISTED),
    )
