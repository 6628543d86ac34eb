"""What a compliance run notifies: the worst of equal results, and not each of hundreds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tandem.compliance.rule import Finding, Result, Rule, RuleSeverity
from tandem.compliance.rules.catalogue import RULES
from tandem.compliance.telling import MOST_EACH, finding_events
from tandem.compliance.tracking import FindingChange, track
from tandem.reasons.compliance import CheckCode, RuleId
from tandem.state.episodes import Change
from tests.contracts import assert_meets_schema

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
RULE = next(rule for rule in RULES if rule.id is RuleId.STANDBY_ADVERTISES)


def lacks(resource: str) -> Finding:
    facts = {"appliance": "fw2", "prefix": "0.0.0.0/0"}
    return Finding(RULE, Result.failed(resource, CheckCode.STANDBY_LACKS_PREFIX, **facts), None)


@pytest.mark.parametrize("is_first", [True, False])
def test_the_worst_of_two_results_for_one_resource_counts(is_first: bool) -> None:
    both = [lacks("edge"), Finding(RULE, Result.passed("edge"), None)]
    found = both if is_first else both[::-1]
    episodes, _ = track({}, [RULE], found, NOW)
    _, changes = track(episodes, [RULE], found, NOW + timedelta(minutes=5))
    assert [change.change for change in changes] == [Change.OPENED]


def test_one_cause_sends_a_few_events_and_the_last_has_the_number_of_the_others() -> None:
    changes = [
        FindingChange(RULE, f"fw{n} 0.0.0.0/0", Change.OPENED, NOW, lacks(f"fw{n} 0.0.0.0/0"))
        for n in range(205)
    ]
    over = FindingChange(RULE, "fw900 0.0.0.0/0", Change.RESOLVED, NOW, None)
    events = list(finding_events("edge", [*changes, over], NOW))
    for event in events:
        assert_meets_schema(event)
    assert [event.detail["unlisted"] for event in events] == [*[0] * (MOST_EACH - 1), 205 - MOST_EACH, 0]
    assert RULE.severity is RuleSeverity.CRITICAL
    assert isinstance(RULE, Rule)
