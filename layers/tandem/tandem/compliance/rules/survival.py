"""Whether every single failure has a survivor, by the real decision (`tandem.compliance.whatif`)."""

from __future__ import annotations

from collections.abc import Iterator

from tandem.compliance.rule import Result, Rule, RuleSeverity, RuleVerdict
from tandem.compliance.snapshot import Snapshot
from tandem.compliance.whatif.endings import Ending, GroupEnd
from tandem.compliance.whatif.nminusone import failure_table_of
from tandem.reasons.compliance import CheckCode, RuleId
from tandem.reasons.reason import reason


def survives(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each thing that can fail by itself, by the group that ends worst."""
    for row in failure_table_of(snapshot):
        [failure] = row.failures
        resource = f"{failure.kind} {failure.name}"
        ends = [end for end in row.groups if end.ending is row.ending]
        if row.ending in (Ending.IN_PLACE, Ending.MOVED) or not ends:
            yield Result.passed(resource)
        else:
            yield _judged(resource, ends[0])


def _judged(resource: str, end: GroupEnd) -> Result:
    worst = (one for address in end.addresses if address.ending is end.ending for one in address.reasons)
    why = next(worst, None) or next(iter(end.reasons), None)
    match end.ending:
        case Ending.ASSUMED:
            return Result.not_applicable(
                resource, CheckCode.SURVIVAL_ASSUMED, group=end.group, appliance=end.appliance
            )
        case Ending.UNDETERMINED:
            unknown = reason(CheckCode.SURVIVAL_UNKNOWN, resource, group=end.group, why=why)
            return Result(resource, RuleVerdict.UNKNOWN, unknown)
    is_lost = end.ending is Ending.LOST
    return Result.failed(resource, CheckCode.FAILURE_NOT_SURVIVED, group=end.group, is_lost=is_lost, why=why)


RULES = (Rule(RuleId.SINGLE_FAILURE, RuleSeverity.CRITICAL, survives),)
