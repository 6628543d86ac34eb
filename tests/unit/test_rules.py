"""Every rule has its words and its page, and the engine never says PASS of what could not be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

from tandem.compliance.engine import judge_snapshot
from tandem.compliance.rule import Result, Rule, RuleSeverity, RuleVerdict
from tandem.compliance.rules.catalogue import FAST, RULES
from tandem.compliance.snapshot import NotRead, Snapshot, known
from tandem.reasons.compliance import CheckCode, RuleId
from tandem.topology.document import Waiver, parse_topology
from tandem.words.compliance import RULE_ENTRIES as WORDS
from tests.rules_pages import FOLDER, pages
from tests.topologies import document

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
THROTTLED = NotRead("EC2 throttles", None)


def snapshot(**changes: object) -> Snapshot:
    topology = parse_topology(document())
    whole = Snapshot(topology, NOW, observation=THROTTLED, inventory=THROTTLED)
    return replace(whole, **changes)  # type: ignore[arg-type]


def rule(judged: object) -> Rule:
    return Rule(RuleId.ROUTE_INSTALLED, RuleSeverity.HIGH, judged)  # type: ignore[arg-type]


def one_fails(_: Snapshot) -> Iterator[Result]:
    yield Result.passed("rtb-1")
    yield Result.failed(
        "rtb-2", CheckCode.ROUTE_NOT_INSTALLED, table="rtb-2", prefix="0.0.0.0/0", nobody=False
    )


def test_every_rule_has_words_and_is_judged_once() -> None:
    assert {r.id for r in RULES} == set(RuleId) == set(WORDS)
    assert len({r.id for r in RULES}) == len(RULES)


def test_every_page_is_as_the_rule_says() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert written == pages(), "python -m tests.rules_pages writes them"


def test_what_is_not_read_is_unknown_for_every_rule_that_needs_it() -> None:
    verdicts = {f.result.verdict for f in judge_snapshot(RULES, snapshot())}
    assert verdicts <= {RuleVerdict.UNKNOWN, RuleVerdict.NOT_APPLICABLE}
    assert RuleVerdict.UNKNOWN in verdicts


def test_what_there_is_none_of_is_not_applicable_and_keeps_the_permission_apart() -> None:
    absent = NotRead("there is no stack", is_absent=True)
    denied = NotRead("no", "ec2:DescribeRouteTables")
    ask = rule(lambda s: [Result.passed(str(known(s.observation)))])
    [gone] = judge_snapshot([ask], snapshot(observation=absent))
    [refused] = judge_snapshot([ask], snapshot(observation=denied))
    assert gone.result.verdict is RuleVerdict.NOT_APPLICABLE
    assert dict(refused.result.reason.facts)["permission"] == "ec2:DescribeRouteTables"


def test_a_rule_that_breaks_is_unknown_and_what_it_found_before_stands() -> None:
    def breaks(_: Snapshot) -> Iterator[Result]:
        yield Result.passed("rtb-1")
        raise KeyError("rtb-2")

    found = judge_snapshot([rule(breaks), rule(one_fails)], snapshot())
    verdicts = [f.result.verdict for f in found]
    assert verdicts == [RuleVerdict.PASS, RuleVerdict.UNKNOWN, RuleVerdict.PASS, RuleVerdict.FAIL]
    assert found[1].result.reason.code == CheckCode.RULE_FAILED


def test_a_waived_finding_shows_as_waived_until_its_last_day() -> None:
    waived = Waiver("route-installed", "rtb-2", "by design", NOW.date())
    topology = replace(parse_topology(document()), waivers=(waived,))
    over = replace(topology, waivers=(replace(waived, until=date(2026, 11, 20)),))
    found = judge_snapshot([rule(one_fails)], snapshot(topology=topology))
    assert [f.result.verdict for f in found] == [RuleVerdict.PASS, RuleVerdict.WAIVED]
    assert found[1].waiver == waived
    assert [f.result.verdict for f in judge_snapshot([rule(one_fails)], snapshot(topology=over))][
        1
    ] is RuleVerdict.FAIL


def test_whatever_is_critical_is_judged_every_five_minutes() -> None:
    critical = {rule.id for rule in RULES if rule.severity is RuleSeverity.CRITICAL}
    assert critical <= {rule.id for rule in FAST}
    assert {RuleId.WATCHED_RECENTLY, RuleId.NO_DEAD_LETTERS} <= {rule.id for rule in FAST}
