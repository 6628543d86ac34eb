"""The report of one compliance run: what was found, what a failure would end in, and a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from tandem.compliance.picture import drawing
from tandem.compliance.picture.observing import picture_scene
from tandem.compliance.picture.scene import PictureScene
from tandem.compliance.rule import Finding, RuleSeverity, RuleVerdict, numbered_findings
from tandem.compliance.snapshot import NotRead, NotReadError, Snapshot, known
from tandem.compliance.whatif.endings import AddressEnd, Ending, FailureRow
from tandem.compliance.whatif.failures import Failure
from tandem.compliance.whatif.nminusone import failure_table_of
from tandem.events import iso
from tandem.model import Observation
from tandem.place import Place
from tandem.topology.document import Topology
from tandem.topology.inventory import Inventory
from tandem.words import page
from tandem.words import report as words
from tandem.words.parts import steps

SCHEMA_VERSION = 1
"""Of docs/compliance-report.schema.json."""

SETTLED = (RuleVerdict.WAIVED, RuleVerdict.PASS, RuleVerdict.NOT_APPLICABLE)
"""Nobody has to do anything; the report lists these last, without a number."""


@dataclass(frozen=True, slots=True)
class ReportEnd:
    """Where one Elastic IP ends after a failure."""

    allocation_id: str | None
    """None stands for the route of a group without Elastic IPs."""
    public_ip: str | None
    outcome: str
    """in-place, moved, assumed, undetermined, held or lost."""
    appliance: str | None
    code: str | None
    reason: str | None
    """A sentence."""


@dataclass(frozen=True, slots=True)
class ReportRow:
    """If this fails, each Elastic IP ends so."""

    failure: str
    """appliance, instance, session, endpoint or zone."""
    name: str
    addresses: tuple[ReportEnd, ...]
    alike: tuple[str, ...] = ()
    """Another name of it, and other things whose failure ends in the same way and that have no row."""
    assumptions: tuple[str, ...] = ()
    """Sentences: what the prediction rests on."""
    calls: int | None = None
    """How often AssociateAddress is called, at most; None if nobody counted."""
    batches: int | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> ReportRow:
        """Makes a row of its JSON."""
        ends = tuple(
            ReportEnd(**{f.name: one.get(f.name) for f in fields(ReportEnd)}) for one in row["addresses"]
        )
        return cls(
            row["failure"],
            row["name"],
            ends,
            tuple(row.get("alike", ())),
            tuple(row.get("assumptions", ())),
            row.get("calls"),
            row.get("batches"),
        )


def predicted(snapshot: Snapshot) -> tuple[ReportRow, ...] | None:
    """Returns the N-1 table for the report; None where too little was read."""
    try:
        rows, addresses = failure_table_of(snapshot), known(snapshot.observation).elastic_ips
    except NotReadError:
        return None
    public = {id_: address.public_ip for id_, address in addresses.items()}
    return tuple(_predicted(row, public) for row in rows)


def _predicted(row: FailureRow, public: Mapping[str, str]) -> ReportRow:
    ends: list[ReportEnd] = []
    for group in row.groups:
        route = () if group.addresses else (AddressEnd("", group.ending, group.appliance, group.reasons),)
        for end in (*group.addresses, *route):
            id_, is_fine = end.allocation_id or None, end.ending in (Ending.IN_PLACE, Ending.MOVED)
            why = None if is_fine or not end.reasons else words.reasons_text(end.reasons)
            address = id_, public.get(end.allocation_id)
            ends.append(ReportEnd(*address, str(end.ending), end.appliance, end.code, why))
    return ReportRow(
        str(row.failures[0].kind),
        row.failures[0].name,
        tuple(ends),
        (*_better_known(row.failures[0]), *(failure.name for failure in row.alike)),
        tuple(words.finding_sentence(one) for one in row.assumptions),
        row.calls,
        row.round_trips,
    )


def _better_known(failure: Failure) -> tuple[str, ...]:
    """Returns the shortest other name: nobody knows a session by its ID, but as `fw1@az1-a`."""
    return (min(failure.aliases, key=len),) if failure.aliases else ()


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of Tandem that took part; None where there is no such part."""

    stack: str | None = None
    cli: str | None = None


@dataclass(frozen=True, slots=True)
class UnreadPart:
    """Something that could not be read."""

    part: str
    why: str
    permission: str | None = None


@dataclass(frozen=True, slots=True)
class ComplianceReport:
    """What one run found for one topology."""

    topology: Topology
    taken_at: str
    place: Place | None
    versions: Versions
    findings: tuple[Finding, ...]
    failures: tuple[ReportRow, ...] | None
    """None where the table was not made."""
    unread: tuple[UnreadPart, ...]
    waivers_in_force: tuple[bool, ...]
    """One for each waiver of the topology."""
    scene: PictureScene

    def as_dict(self) -> dict[str, Any]:
        """Returns JSON (docs/compliance-report.schema.json)."""
        open_ = numbered_findings(self.findings)
        failed = Counter(str(f.rule.severity) for f in self.findings if f.result.verdict is RuleVerdict.FAIL)
        verdicts = Counter(f.result.verdict for f in self.findings)
        rest = [f for verdict in SETTLED for f in self.findings if f.result.verdict is verdict]
        rules = {f.rule.id: f for f in self.findings}
        return {
            "schema_version": SCHEMA_VERSION,
            "topology": {
                "name": self.topology.name,
                "version": self.topology.version,
                "mode": str(self.topology.mode),
            },
            "taken_at": self.taken_at,
            "place": _place(self.place),
            "tandem": {"stack": self.versions.stack, "cli": self.versions.cli},
            "verdict": {
                "result": str(_worst(verdicts)),
                "sentence": words.verdict(failed, verdicts[RuleVerdict.UNKNOWN]),
            },
            "summary": {
                "by_verdict": {str(verdict): verdicts[verdict] for verdict in RuleVerdict},
                "failed_by_severity": {str(severity): failed[severity] for severity in RuleSeverity},
            },
            "findings": [
                *(_finding(finding, number) for number, finding in open_),
                *(_finding(finding, None) for finding in rest),
            ],
            "failures": None if self.failures is None else [_row(row) for row in self.failures],
            "waivers": [
                {
                    "rule": waiver.rule,
                    "resource": waiver.resource,
                    "reason": waiver.why,
                    "until": waiver.until.isoformat(),
                    "is_in_force": in_force,
                }
                for waiver, in_force in zip(self.topology.waivers, self.waivers_in_force, strict=True)
            ],
            "unread": [
                {"part": one.part, "why": one.why, "permission": one.permission} for one in self.unread
            ],
            "rules": [_rule(finding) for finding in rules.values()],
            "picture": drawing.svg(self.scene),
        }

    def html(self) -> str:
        """Returns one page that needs no network and no script."""
        return page.report_page(self.as_dict(), drawing.draw(self.scene, is_linked=True))


def report(
    snapshot: Snapshot,
    findings: Sequence[Finding],
    *,
    failures: Iterable[ReportRow] | None = None,
    place: Place | None = None,
    versions: Versions | None = None,
) -> ComplianceReport:
    """Makes the report of what `judge_snapshot` found. Pure: same input, same output."""
    waivers = snapshot.topology.waivers
    known = None if isinstance(snapshot.inventory, NotRead) else snapshot.inventory.place
    return ComplianceReport(
        topology=snapshot.topology,
        taken_at=iso(snapshot.taken_at),
        place=place or known,
        versions=versions or Versions(),
        findings=tuple(findings),
        failures=None if failures is None else tuple(failures),
        unread=tuple(_unread(snapshot)),
        waivers_in_force=tuple(waiver.holds(snapshot.taken_at) for waiver in waivers),
        scene=picture_scene(snapshot, findings),
    )


def _unread(snapshot: Snapshot) -> Iterable[UnreadPart]:
    """Yields each part, and each row of a part, that could not be read; what there is none of is no gap."""
    for field in fields(snapshot):
        match getattr(snapshot, field.name):
            case NotRead(why, permission, is_absent):
                if not is_absent:
                    yield UnreadPart(field.name, why, permission)
            case Observation() as seen:
                rows = dict.fromkeys((*seen.failed, *seen.unread, *seen.unknown.words))
                yield from (UnreadPart(field.name, why) for why in rows)
            case Inventory() as around:
                yield from (UnreadPart(id_, why) for id_, why in around.unknown.items())


def _worst(verdicts: Mapping[RuleVerdict, int]) -> RuleVerdict:
    """Returns how the whole run ends; waived and not applicable is a pass."""
    return next((v for v in (RuleVerdict.FAIL, RuleVerdict.UNKNOWN) if verdicts.get(v)), RuleVerdict.PASS)


def _place(place: Place | None) -> dict[str, str] | None:
    if place is None:
        return None
    return {"partition": place.partition, "region": place.region, "account": place.account}


def _finding(finding: Finding, number: int | None) -> dict[str, Any]:
    rule, result, waiver = finding.rule, finding.result, finding.waiver
    return {
        "number": number,
        "rule": str(rule.id),
        "severity": str(rule.severity),
        "verdict": str(result.verdict),
        "resource": result.resource,
        "place": result.place,
        "sentence": words.finding_sentence(result.reason),
        "remediation": words.remedy(rule.id, result.reason),
        "aws_page": words.aws_page(rule.id, result.reason),
        "reason": result.reason.as_dict(),
        "waiver": {"reason": waiver.why, "until": waiver.until.isoformat()} if waiver else None,
    }


def _rule(finding: Finding) -> dict[str, Any]:
    rule, entry = finding.rule, words.rule(finding.rule.id)
    return {
        "id": str(rule.id),
        "severity": str(rule.severity),
        "title": entry.text,
        "protects": entry.meaning,
        "remediation": steps(entry.advice),
        "aws_page": entry.page,
        "page": f"docs/rules/{rule.id}.md",
    }


def _row(row: ReportRow) -> dict[str, Any]:
    ends = [{f.name: getattr(end, f.name) for f in fields(ReportEnd)} for end in row.addresses]
    return {
        "failure": row.failure,
        "name": row.name,
        "addresses": ends,
        "alike": list(row.alike),
        "assumptions": list(row.assumptions),
        "calls": row.calls,
        "batches": row.batches,
    }
