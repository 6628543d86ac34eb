"""Tells which findings opened and which ended since the run before, and keeps what must still be notified.

A finding is an episode (`tandem.state.episodes`): it is notified when it lasts, so that a failover, during
which much is not as it should be, opens nothing. What happened once does not last: it is notified at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tandem.compliance.rule import Finding, Rule, RuleVerdict
from tandem.state import episodes
from tandem.state.decoding import Damaged, parsed, partly, read, written
from tandem.state.episodes import GRACE, Change, Episode, Sight, forget, step


@dataclass(frozen=True, slots=True)
class Tracked:
    """What one topology's compliance runs remember from one to the next."""

    episodes: dict[str, Episode] = field(default_factory=dict)
    """Rule and resource to what has not been as it should be."""
    unsent: tuple[dict[str, Any], ...] = ()
    """Events that the bus may not have taken yet, each as detail-type and detail: the next run sends them."""
    report_due: bool = False
    """True until the report of what changed is written."""

    def not_after(self, now: datetime) -> Tracked:
        """Returns the same without times from the future: a clock that was wrong delays no notification."""
        return replace(self, episodes=episodes.without_future(self.episodes, now))


@dataclass(frozen=True, slots=True)
class Kept:
    """The record of a topology as it was read; `revision` guards the write that follows."""

    tracked: Tracked
    revision: int = 0
    damage: str | None = None
    replaces: str | None = None
    """The revision as it is stored, where it is a number that no run writes."""


@dataclass(frozen=True, slots=True)
class FindingChange:
    """A finding opened or ended."""

    rule: Rule
    resource: str
    change: Change
    since: datetime
    finding: Finding | None
    """What the rule says now; None where it does not judge the resource any more."""


def track(
    before: Mapping[str, Episode], rules: Iterable[Rule], findings: Iterable[Finding], now: datetime
) -> tuple[dict[str, Episode], tuple[FindingChange, ...]]:
    """Returns the episodes after a run of these rules, and what is to be notified. Pure.

    What is UNKNOWN changes nothing. A rule that did not run, or could not judge the topology as a whole,
    keeps its episodes.
    """
    by_id = {str(rule.id): rule for rule in rules}
    # the worst stays, if a rule has two results for one resource
    found = {_key(f): f for f in sorted(findings, key=lambda f: _is_bad(f.result.verdict) is True)}
    blind = {str(f.rule.id) for f in found.values() if f.result.verdict is RuleVerdict.UNKNOWN}
    after: dict[str, Episode] = {}
    changes: list[FindingChange] = []
    for key in (*found, *(k for k in before if k not in found)):
        rule_id, _, resource = key.partition(" ")
        episode, rule, finding = before.get(key), by_id.get(rule_id), found.get(key)
        if finding is not None:
            grace = timedelta() if finding.rule.at_once else GRACE
            sight = Sight(_is_bad(finding.result.verdict), grace, "")
            left, change = step(episode, sight, now, may_tell=True)
        elif rule is None or rule_id in blind:  # nobody looked, so nothing has changed
            left, change = episode, None
        else:
            left, change = forget(episode, may_tell=True)
        if left is not None:
            after[key] = left
        whole = left or episode
        if change is not None and rule is not None and whole is not None:
            changes.append(FindingChange(rule, resource, change, whole.since, finding))
    return after, tuple(changes)


def _key(finding: Finding) -> str:
    return " ".join(finding.identity)


def _is_bad(verdict: RuleVerdict) -> bool | None:
    return None if verdict is RuleVerdict.UNKNOWN else verdict is RuleVerdict.FAIL


def dump_tracked(tracked: Tracked) -> str:
    """Returns JSON for the state table."""
    return written(asdict(tracked))


def load_tracked(source: str) -> tuple[Tracked, str | None]:
    """Returns what a record remembers, and why a part of it cannot be read: that part starts empty."""
    raw = read(lambda: dict(parsed(source)))
    if isinstance(raw, Damaged):
        return Tracked(), raw.why
    values, wrong = partly(Tracked, raw)
    return Tracked(**values), "; ".join(wrong.values()) or None
