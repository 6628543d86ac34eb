"""`tandem compliance`: the rules of compliance with the caller's own credentials, with or without a stack."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from importlib import metadata

from botocore.exceptions import BotoCoreError, NoCredentialsError

from cli import stack
from cli.discovery import command as discovery
from cli.document import Document
from cli.exports import junit, ocsf, sarif
from cli.stack import StackError, explained
from tandem.adapters import clients, snapshots
from tandem.compliance.engine import judge_snapshot
from tandem.compliance.report import ComplianceReport, Versions, predicted, report
from tandem.compliance.rule import Finding, RuleSeverity, RuleVerdict
from tandem.compliance.rules.catalogue import RULES
from tandem.compliance.snapshot import Need, Snapshot
from tandem.errors import TandemError
from tandem.place import Place
from tandem.topology.document import Topology, parse_topology
from tandem.topology.shape import normalise
from tandem.words.catalogue import ENTRIES
from tandem.words.parts import sentence
from tandem.words.render import render
from tandem.words.report import finding_sentence, remedy

BAD = (RuleVerdict.FAIL, RuleVerdict.UNKNOWN, RuleVerdict.WAIVED)


class Format(StrEnum):
    """How the result is printed."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"
    JUNIT = "junit"
    SARIF = "sarif"
    OCSF = "ocsf"


@dataclass(frozen=True, slots=True)
class Judged:
    """One run."""

    snapshot: Snapshot
    findings: tuple[Finding, ...]

    def is_bad(self, least: RuleSeverity) -> bool:
        """Returns True if a rule of this severity or a graver one fails or cannot be judged."""
        order = list(RuleSeverity)
        grave = (f for f in self.findings if order.index(f.rule.severity) <= order.index(least))
        # what nobody can judge counts too: silence must not pass for health
        return any(f.result.verdict in (RuleVerdict.FAIL, RuleVerdict.UNKNOWN) for f in grave)


def of_vpc(vpc_id: str, route_server_id: str | None) -> Judged:
    """Judges what `tandem discover` finds in a VPC. Raises UndiscoverableError, StackError."""
    found = discovery.find(vpc_id, route_server_id)
    return _judged(parse_topology(normalise(found.document)), frozenset())


def of_document(document: Document) -> Judged:
    """Judges a topology document. Raises StackError."""
    return _judged(parse_topology(normalise(document.value)), frozenset({Need.DECLARATION}))


def _judged(topology: Topology, has: frozenset[Need]) -> Judged:
    if "AWS_REGION" in os.environ:  # the SDK alone reads AWS_DEFAULT_REGION only
        os.environ.setdefault("AWS_DEFAULT_REGION", os.environ["AWS_REGION"])
    if clients.session().get_credentials() is None:
        raise explained(NoCredentialsError())
    try:
        snapshot = snapshots.take(topology, "", _place(), datetime.now(UTC), has=has)
    except (TandemError, BotoCoreError, ValueError) as error:
        cause = error.__cause__ if isinstance(error, TandemError) else error
        if isinstance(cause, BotoCoreError | ValueError):
            raise explained(cause) from error
        raise StackError(str(error)) from error
    return Judged(snapshot, judge_snapshot(RULES, snapshot))


def _place() -> Place:
    """Where the caller's credentials lead; without STS's answer the account is unknown."""
    caller = stack.caller() or ""
    parts = caller.split(":")
    account = parts[4] if len(parts) > 4 else ""
    partition = parts[1] if len(parts) > 1 else "aws"
    return Place(partition, clients.ec2().meta.region_name, account)


def text(judged: Judged, document: Document | None = None) -> Iterator[tuple[str, str]]:
    """Yields the lines for a person, each with its style: what fails first, the gravest on top."""
    counts = Counter(f.result.verdict for f in judged.findings)
    asked = sum(counts[v] for v in RuleVerdict if v is not RuleVerdict.NOT_APPLICABLE)
    fail, unknown = counts[RuleVerdict.FAIL], counts[RuleVerdict.UNKNOWN]
    said = [
        f"{fail} of {asked} checks {'fails' if fail == 1 else 'fail'}"
        if fail
        else f"no check of {asked} fails"
    ]
    said += [f"{unknown} cannot be judged"] if unknown else []
    said += [f"{counts[RuleVerdict.WAIVED]} waived"] if counts[RuleVerdict.WAIVED] else []
    yield (
        f"{judged.snapshot.topology.name}: {', '.join(said)}",
        "bold red" if judged.is_bad(RuleSeverity.MEDIUM) else "bold green",
    )
    for finding in _worst_first(judged.findings):
        yield "", ""
        yield from _finding(finding, document)
    apart = [f for f in judged.findings if f.result.verdict is RuleVerdict.NOT_APPLICABLE]
    if apart:
        yield "", ""
        yield "Not applicable:", ""
        yield from ((f"  {f.rule.id}: {render(f.result.reason, ENTRIES)}", "") for f in apart)


def _finding(finding: Finding, document: Document | None) -> Iterator[tuple[str, str]]:
    rule, result = finding.rule, finding.result
    head = str(rule.severity) if result.verdict is RuleVerdict.FAIL else str(result.verdict)
    yield f"{head.upper()}  {rule.id}: {ENTRIES[rule.id].text}", "bold"
    yield f"  {result.resource}: {finding_sentence(result.reason)}", ""
    if document is not None and result.place is not None:
        yield f"  {document.where(result.place)}", ""
    if finding.waiver is not None:
        yield f"  waived until {finding.waiver.until}: {sentence(finding.waiver.why)}", ""
        return
    first, *rest = remedy(rule.id, result.reason)
    yield f"  What to do: {first}", "green"
    yield from ((f"    {line}", "green") for line in rest)


def _worst_first(findings: Iterable[Finding]) -> Sequence[Finding]:
    verdicts, severities = list(BAD), list(RuleSeverity)
    bad = [f for f in findings if f.result.verdict in BAD]
    return sorted(bad, key=lambda f: (verdicts.index(f.result.verdict), severities.index(f.rule.severity)))


def printed(judged: Judged, form: Format, document: Document | None) -> str:
    """Returns the result in a format for machines, or as a page."""
    made = _report(judged)
    match form:
        case Format.HTML:
            return made.html()
        case Format.JUNIT:
            return junit.junit(made.as_dict())
        case Format.SARIF:
            return json.dumps(sarif.sarif(made.as_dict(), document), ensure_ascii=False, indent=1)
        case Format.OCSF:
            return json.dumps(ocsf.ocsf(made.as_dict()), ensure_ascii=False, indent=1)
    return json.dumps(made.as_dict(), ensure_ascii=False, indent=1)


def _report(judged: Judged) -> ComplianceReport:
    versions = Versions(cli=metadata.version("tandem"))
    return report(judged.snapshot, judged.findings, failures=predicted(judged.snapshot), versions=versions)
