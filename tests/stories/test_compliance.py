"""What breaks the next failover is found before it, each thing by its own rule and by no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from tandem.compliance.engine import judge
from tandem.compliance.rule import Verdict
from tandem.compliance.rules.catalogue import RULES
from tandem.reasons.compliance import RuleId
from tests.breakages import BREAKAGES, Breakage
from tests.complying import checked, facts, failing, healthy, healthy_document, taken
from tests.shared_worlds import begins_in
from tests.stack import Stack, stack

NOT_IN_THIS_WORLD = {RuleId.WAIVER_CURRENT}
"""Rules about what the healthy document does not have."""


@pytest.fixture
@begins_in(stack)
def edge() -> Iterator[Stack]:
    with healthy() as s:
        yield s


def test_in_a_healthy_world_every_rule_passes(edge: Stack) -> None:
    assert failing(edge) == set()
    passed = {f.rule.id for f in checked(edge) if f.result.verdict is Verdict.PASS}
    assert passed == set(RuleId) - NOT_IN_THIS_WORLD


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda breakage: breakage.name)
def test_a_breakage_opens_its_findings_and_no_other(edge: Stack, breakage: Breakage) -> None:
    expected = breakage.expected(edge)
    edge.clock.sleep(30)
    assert failing(edge) == expected


def test_every_rule_has_a_breakage() -> None:
    broken = {rule for breakage in BREAKAGES for rule in breakage.rules}
    assert broken == set(RuleId) - NOT_IN_THIS_WORLD - {RuleId.RELEASES_MATCH}


def test_a_stack_of_another_release_is_a_finding(edge: Stack) -> None:
    snapshot = replace(taken(edge), stack=facts(edge, version="0.0.9"))
    found = [f.identity for f in judge(RULES, snapshot) if f.result.verdict is Verdict.FAIL]
    assert found == [("releases-match", "edge")]


def test_a_waiver_that_expired_or_names_no_rule_is_a_finding(edge: Stack) -> None:
    today = edge.clock.now().date()
    waivers = [
        {"rule": rule, "resource": "fw1 0.0.0.0/0", "reason": "by design", "until": until.isoformat()}
        for rule, until in (
            ("standby-advertises", today),
            ("route-installed", today - timedelta(days=1)),
            ("standby-advertise", today),
        )
    ]
    edge.store(**healthy_document(edge.ids, waivers=waivers))
    found = {f.result.resource.split()[0]: f.result for f in checked(edge) if f.rule.id == "waiver-current"}
    assert {name: (result.verdict, result.reason.code) for name, result in found.items()} == {
        "standby-advertises": (Verdict.PASS, "as-it-should-be"),
        "route-installed": (Verdict.FAIL, "waiver-expired"),
        "standby-advertise": (Verdict.FAIL, "waiver-of-unknown-rule"),
    }
