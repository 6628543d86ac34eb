"""Applies every rule to one snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tandem.compliance.rule import Finding, Result, Rule, RuleVerdict
from tandem.compliance.snapshot import NotReadError, Snapshot
from tandem.reasons.compliance import CheckCode
from tandem.reasons.reason import reason


def judge_snapshot(rules: Iterable[Rule], snapshot: Snapshot) -> tuple[Finding, ...]:
    """Returns what every rule found. A rule that cannot be judged is UNKNOWN and keeps no other waiting.

    Pure: same input, same output. Raises nothing.
    """
    return tuple(
        _unless_waived(rule, result, snapshot) for rule in rules for result in _results(rule, snapshot)
    )


def _results(rule: Rule, snapshot: Snapshot) -> tuple[Result, ...]:
    name = snapshot.topology.name
    for need in rule.needs - snapshot.has:
        return (Result.not_applicable(name, CheckCode.WITHOUT_NEED, need=str(need)),)
    found: list[Result] = []
    try:
        for result in rule.judge(snapshot):  # what a rule found before it met what is unread stands
            found.append(result)  # noqa: PERF402
    except NotReadError as error:
        found.append(Result.not_read(name, error.missing))
    except Exception as error:  # noqa: BLE001 - a bug in one rule is that rule's failure
        broken = reason(CheckCode.RULE_FAILED, name, error=f"{type(error).__name__}: {error}")
        found.append(Result(name, RuleVerdict.UNKNOWN, broken))
    return tuple(found) or (Result.not_applicable(name, CheckCode.NOTHING_TO_JUDGE),)


def _unless_waived(rule: Rule, result: Result, snapshot: Snapshot) -> Finding:
    waivers = (w for w in snapshot.topology.waivers if (w.rule, w.resource) == (rule.id, result.resource))
    waiver = next((w for w in waivers if w.holds(snapshot.taken_at)), None)
    if waiver is None or result.verdict is not RuleVerdict.FAIL:
        return Finding(rule, result)
    return Finding(rule, replace(result, verdict=RuleVerdict.WAIVED), waiver)
