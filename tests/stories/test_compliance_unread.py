"""What cannot be read is unknown, with the reason and the missing permission: no rule passes or crashes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tandem.adapters import clients, snapshots, stackfacts
from tandem.adapters.topologies import TopologyStore
from tandem.compliance.engine import judge_snapshot
from tandem.compliance.rule import Finding, RuleVerdict
from tandem.compliance.rules.catalogue import RULES
from tandem.reasons.compliance import CheckCode, RuleId
from tests.complying import PEER_LOGS, PLACE, checked, deliver_peer_logs, healthy, taken
from tests.odd_answers import recording, replaying
from tests.shared_worlds import begins_in
from tests.stack import Stack, stack
from tests.stories.test_odd_answers import changes
from tests.tiers import prove

FILTERS = frozenset({RuleId.SECURITY_GROUPS_PASS, RuleId.NETWORK_ACLS_PASS})

NEEDED: dict[str, frozenset[RuleId]] = {
    "GetRouteServerRoutingDatabase": frozenset({RuleId.NO_PERSISTED_ROUTE, RuleId.ROUTES_WITHIN_LIMITS}),
    "DescribeRouteServerPeers": frozenset({RuleId.ENDPOINT_LOSS_SURVIVED, RuleId.LIVENESS_WITHIN_RTO}),
    "DescribeRouteServerEndpoints": frozenset({RuleId.ENDPOINTS_REDUNDANT, RuleId.ENDPOINT_IN_USE}),
    "DescribeRouteServers": frozenset({RuleId.PERSISTENCE_AS_DECLARED, RuleId.PEER_ASN_OF_ITS_OWN}),
    "GetRouteServerPropagations": frozenset({RuleId.PEERS_OF_PREFIX_WITHIN_LIMIT}),
    "DescribeSecurityGroups": FILTERS,
    "DescribeNetworkAcls": FILTERS,
}
"""What a read is needed for, at least."""

ODD_ANSWERS = 150


@pytest.fixture
@begins_in(stack)
def edge() -> Iterator[Stack]:
    with healthy() as s:
        yield s


def unknown(found: tuple[Finding, ...]) -> dict[RuleId, set[str | None]]:
    """Returns the rules that nobody could judge, each with the permissions that it lacks."""
    lacking: dict[RuleId, set[str | None]] = {}
    for f in found:
        if f.result.verdict is RuleVerdict.UNKNOWN:
            lacking.setdefault(f.rule.id, set()).add(dict(f.result.reason.facts).get("permission"))
    return lacking


@pytest.mark.parametrize("action", NEEDED)
def test_a_read_that_is_denied_leaves_its_rules_unknown_and_names_the_permission(
    edge: Stack, action: str
) -> None:
    edge.levers.fault(action=action, error="UnauthorizedOperation")
    found = checked(edge)
    lacking = unknown(found)
    assert lacking.keys() >= NEEDED[action]
    assert all(lacking[rule] == {f"ec2:{action}"} for rule in NEEDED[action])
    assert {f.rule.id for f in found if f.result.verdict is RuleVerdict.FAIL} == set()
    assert not NEEDED[action] & {f.rule.id for f in found if f.result.verdict is RuleVerdict.PASS}


@pytest.mark.parametrize("action", ["DescribeRouteServerPeers", "DescribeNetworkAcls"])
def test_a_read_that_is_throttled_leaves_its_rules_unknown(edge: Stack, action: str) -> None:
    edge.levers.fault(action=action, error="RequestLimitExceeded")
    found = checked(edge)
    assert unknown(found).keys() >= NEEDED[action]
    assert all(f.result.verdict is not RuleVerdict.FAIL for f in found)


def test_a_log_group_that_is_not_there_is_unknown_and_no_logs_are_not_applicable(edge: Stack) -> None:
    clients.logs().delete_log_group(logGroupName=PEER_LOGS)
    topology, now = edge.record.topology, edge.clock.now()
    asked = snapshots.take(topology, "tandem", PLACE, now, beside=snapshots.Beside(PEER_LOGS))
    unasked = snapshots.take(topology, "tandem", PLACE, now)
    verdicts = [
        {f.result.verdict for f in judge_snapshot(RULES, snapshot) if f.rule.id == RuleId.SESSIONS_STEADY}
        for snapshot in (asked, unasked)
    ]
    assert verdicts == [{RuleVerdict.UNKNOWN}, {RuleVerdict.NOT_APPLICABLE}]


def test_without_a_stack_its_rules_are_not_applicable(edge: Stack) -> None:
    found = judge_snapshot(RULES, snapshots.take(edge.record.topology, "tandem", PLACE, edge.clock.now()))
    rules = [
        RuleId.LOOKED_AT_RECENTLY,
        RuleId.WATCHED_RECENTLY,
        RuleId.NO_DEAD_LETTERS,
        RuleId.RELEASES_MATCH,
    ]
    assert {f.rule.id: f.result.verdict for f in found if f.rule.id in rules} == dict.fromkeys(
        rules, RuleVerdict.NOT_APPLICABLE
    )
    assert unknown(found) == {}


def test_each_record_of_the_stack_is_read_by_itself(edge: Stack) -> None:
    record = TopologyStore(clients.dynamodb(), "tandem-state").get("edge")
    assert record is not None
    gone = {"tandem-failover-dead-letters": "https://sqs.us-east-1.amazonaws.com/123456789012/gone"}
    damaged = stackfacts.read(record, "tandem-state", gone)
    tableless = stackfacts.read(record, "another-table", {})
    for stack_facts, rules in (
        (damaged, {RuleId.NO_DEAD_LETTERS}),
        (tableless, {RuleId.LOOKED_AT_RECENTLY, RuleId.WATCHED_RECENTLY, RuleId.NOT_PAUSED_FOR_LONG}),
    ):
        found = judge_snapshot(RULES, replace(taken(edge), stack=stack_facts))
        assert unknown(found).keys() == rules
        assert all(f.result.verdict is not RuleVerdict.FAIL for f in found)


@prove
def test_no_odd_member_of_an_answer_breaks_a_rule(edge: Stack) -> None:
    deliver_peer_logs(edge)
    with recording() as answers:
        taken(edge)
    odd = random.Random(7).sample(sorted(changes(answers), key=str), ODD_ANSWERS)  # noqa: S311 - any will do
    with replaying(answers) as replay:
        for replay.odd in odd:
            found = judge_snapshot(RULES, taken(edge))
            broken = [f for f in found if f.result.reason.code == CheckCode.RULE_FAILED]
            assert broken == [], replay.odd
    assert {f.rule.id for f in found} == set(RuleId)
