"""Whether the waivers of a topology still say something."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from tandem.compliance.rule import Result, Rule, RuleSeverity
from tandem.compliance.snapshot import Need, Snapshot
from tandem.reasons.compliance import CheckCode, RuleId
from tandem.topology.problems import path_of


def current(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each waiver of the topology by its date and its rule's name."""
    names = [str(rule) for rule in RuleId]
    for index, waiver in enumerate(snapshot.topology.waivers):
        resource, place = f"{waiver.rule} {waiver.resource}", path_of(["waivers", index])
        if waiver.rule not in names:
            close = next(iter(get_close_matches(waiver.rule, names, n=1)), None)
            yield Result.failed(
                resource, CheckCode.WAIVER_OF_UNKNOWN_RULE, place, rule=waiver.rule, close=close
            )
        elif not waiver.holds(snapshot.taken_at):
            until = waiver.until.isoformat()
            yield Result.failed(
                resource,
                CheckCode.WAIVER_EXPIRED,
                place,
                rule=waiver.rule,
                about=waiver.resource,
                until=until,
            )
        else:
            yield Result.passed(resource, place)


RULES = (Rule(RuleId.WAIVER_CURRENT, RuleSeverity.MEDIUM, current, needs=frozenset({Need.DECLARATION})),)
