"""Any member of any answer of EC2 is missing, or not as documented: no rule raises or passes by that."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tandem.adapters import cloudtrail, snapshots
from tandem.compliance.engine import judge_snapshot
from tandem.compliance.rule import Finding, RuleVerdict
from tandem.compliance.rules.catalogue import RULES
from tandem.compliance.snapshot import NotRead, Snapshot
from tandem.reasons.compliance import CheckCode
from tests.breakages import associated_again
from tests.complying import checked, failing, healthy, taken
from tests.odd_answers import DROPPED, ODD, Answers, Path, members, recording, replaying
from tests.shared_worlds import begins_in
from tests.stack import Stack, stack
from tests.tiers import prove


@pytest.fixture
@begins_in(stack)
def edge() -> Iterator[Stack]:
    with healthy() as s:
        yield s


def passing(found: tuple[Finding, ...]) -> set[tuple[str, str]]:
    return {f.identity for f in found if f.result.verdict is RuleVerdict.PASS}


def unread(snapshot: Snapshot) -> set[str]:
    """Returns the ID of every row that the snapshot names as not read, or not read as a whole."""
    parts = (snapshot.observation, snapshot.inventory)
    if any(isinstance(part, NotRead) for part in parts):
        return set()
    observation, inventory = snapshot.observation, snapshot.inventory
    assert not isinstance(observation, NotRead)
    assert not isinstance(inventory, NotRead)
    unknown = observation.unknown
    return {*inventory.unknown, *inventory.incomplete, *unknown.elastic_ips, *unknown.interfaces}


CHANGES = 80
OF_DOCUMENTS = {"one-topology-only", "waiver-current"}
"""Rules that read no answer of EC2."""


@pytest.mark.parametrize("of", ["a few", pytest.param("what is missing", marks=prove)])
def test_no_rule_raises_and_none_passes_for_a_row_that_is_not_read(
    edge: Stack, record_property: Callable[[str, object], None], of: str
) -> None:
    with recording() as answers:
        whole = passing(judge_snapshot(RULES, taken(edge)))
    every = [
        (key, path, odd) for key, answer in sorted(answers.items()) for path in members(answer) for odd in ODD
    ]
    if of != "a few":
        every = [change for change in every if change[2] is DROPPED]
    many = CHANGES if of == "a few" else 4 * CHANGES
    chosen = random.Random(16).sample(every, min(many, len(every)))  # noqa: S311 - no secret
    named = 0
    wrong: list[object] = []
    with replaying(answers) as replay:
        for replay.odd in chosen:
            snapshot = taken(edge)
            found = judge_snapshot(RULES, snapshot)
            broken = [f for f in found if f.result.reason.code == CheckCode.RULE_FAILED]
            assert broken == [], replay.odd
            assert passing(found) <= whole, replay.odd
            lost = unread(snapshot)
            named += bool(lost)
            wrong += [
                (replay.odd, rule, resource)
                for rule, resource in passing(found)
                if rule not in OF_DOCUMENTS and lost & set(resource.split())
            ]
    assert wrong == []
    record_property("met", f"{of}: {len(chosen)} changes, {named} of them in rows that are then unread")
    assert len(chosen) >= CHANGES
    assert named >= len(chosen) / 20


MISSING = {
    # the member of an answer: the rule that no longer passes for everything
    ("DescribeNetworkInterfaces", "Attachment"): "target-attached",
    ("DescribeNetworkInterfaces", "OwnerId"): "target-attached",
    ("DescribeNetworkInterfaces", "SubnetId"): "target-attached",
    ("DescribeNetworkInterfaces", "PrivateIpAddresses"): "target-has-private-ip",
    ("DescribeNetworkInterfaces", "TagSet"): "owner-tag",
    ("DescribeNetworkInterfaces", "SourceDestCheck"): "source-dest-check-off",
    ("DescribeAddresses", "Tags"): "owner-tag",
    ("DescribeAddresses", "NetworkBorderGroup"): "target-in-border-group",
    ("DescribeAddresses", "AllocationId"): "elastic-ip-exists",
    ("DescribeInstances", "Instances.State"): "standby-alive",
    ("DescribeRouteServerPeers", "BgpStatus"): "sessions-up",
    ("DescribeRouteServerPeers", "BfdStatus"): "sessions-up",
    ("GetRouteServerRoutingDatabase", "Prefix"): "standby-advertises",
    ("GetRouteServerRoutingDatabase", "NextHopIp"): "standby-advertises",
    ("GetRouteServerRoutingDatabase", "AsPaths"): "standby-advertises",
    ("GetRouteServerRoutingDatabase", "RouteServerPeerId"): "allowed-prefixes-only",
    ("GetRouteServerRoutingDatabase", "RouteInstallationDetails"): "route-installed",
    ("DescribeRouteTables", "Routes"): "route-not-shadowed",
    ("DescribeRouteTables", "Routes.DestinationCidrBlock"): "route-not-bypassed",
    ("DescribeRouteTables", "Routes.Origin"): "route-not-shadowed",
    ("DescribeRouteTables", "Routes.State"): "no-blackhole-route",
    ("DescribeRouteTables", "Associations"): "route-table-has-subnet",
    ("DescribeAvailabilityZones", "NetworkBorderGroup"): "target-in-border-group",
}


def test_a_member_that_decides_and_is_missing_is_no_pass(edge: Stack) -> None:
    with recording() as answers:
        found = judge_snapshot(RULES, taken(edge))
    whole = passing(found)
    assert set(MISSING.values()) <= {rule for rule, _ in whole}
    with replaying(answers) as replay:
        for (operation, member), rule in MISSING.items():
            assert any(
                rule in {name for name, _ in whole - passing(judge_snapshot(RULES, taken(edge)))}
                for replay.odd in of(answers, operation, member)
            ), (operation, member)


def of(answers: Answers, operation: str, member: str) -> Iterator[tuple[tuple[str, str], Path, object]]:
    """Yields every place of a member in the rows of an operation's answers, without it."""
    for key, answer in answers.items():
        for path in members(answer) if key[0] == operation else ():
            names = [step for step in path[1:] if isinstance(step, str)]
            if ".".join(names) == member:
                yield key, path, DROPPED


REFUSED = {
    "DescribeRouteTables": "route-not-shadowed",
    "DescribeNetworkInterfaces": "target-attached",
    "DescribeRouteServerPeers": "sessions-up",
    "GetRouteServerRoutingDatabase": "standby-advertises",
    "DescribeAddresses": "elastic-ip-exists",
}


@pytest.mark.parametrize("error", ["UnauthorizedOperation", "RequestLimitExceeded"])
def test_a_read_that_is_refused_is_unknown_and_names_the_permission(edge: Stack, error: str) -> None:
    whole = passing(judge_snapshot(RULES, taken(edge)))
    for action, rule in REFUSED.items():
        edge.levers.fault(action=action, error=error)
        found = judge_snapshot(RULES, taken(edge))
        edge.levers.faults_clear()
        unknown = [f for f in found if f.result.verdict is RuleVerdict.UNKNOWN]
        assert rule in {f.rule.id for f in unknown}, action
        assert rule not in {name for name, _ in passing(found)}, action
        assert passing(found) <= whole
        assert not [f for f in found if f.result.verdict is RuleVerdict.FAIL], action
        named = {dict(f.result.reason.facts).get("permission") for f in unknown}
        assert (f"ec2:{action}" in named) is (error == "UnauthorizedOperation"), action


def test_a_history_that_is_denied_is_unknown_and_names_the_permission(edge: Stack) -> None:
    edge.levers.fault(action="LookupEvents", error="AccessDeniedException")
    found = [f for f in checked(edge) if f.rule.id in ("one-mover", "no-pipeline", "no-foreign-change")]
    assert {f.result.verdict for f in found} == {RuleVerdict.UNKNOWN}
    assert {dict(f.result.reason.facts)["permission"] for f in found} == {"cloudtrail:LookupEvents"}


ODD_EVENTS: dict[str, dict[str, Any]] = {
    "no events": {},
    "events that are none": {"Events": None},
    "an event that is none": {"Events": [None]},
    "an event without a record": {"Events": [{}]},
    "a record that is no text": {"Events": [{"CloudTrailEvent": 5}]},
    "a record that is no JSON": {"Events": [{"CloudTrailEvent": "{"}]},
    "a record without a caller": {
        "Events": [{"CloudTrailEvent": '{"eventName": "CreateRoute", "eventTime": "2026-11-21T03:00:00Z"}'}]
    },
}


@pytest.mark.parametrize("odd", ODD_EVENTS.values(), ids=ODD_EVENTS)
def test_a_history_that_cannot_be_read_is_unknown(edge: Stack, odd: dict[str, Any]) -> None:
    def show(parsed: dict[str, Any], **_: Any) -> None:
        parsed.clear()
        parsed.update(odd)

    cloudtrail.client().meta.events.register("after-call.cloudtrail.LookupEvents", show)
    found = [f for f in checked(edge) if f.rule.id in ("one-mover", "no-pipeline", "no-foreign-change")]
    assert {f.result.verdict for f in found} == {RuleVerdict.UNKNOWN}
    assert CheckCode.RULE_FAILED not in {f.result.reason.code for f in found}


def test_a_history_that_is_longer_than_what_is_read_passes_nothing(edge: Stack) -> None:
    """The call that is among those that were read is a finding all the same."""
    allocation_id = associated_again(edge, "alice")

    def show(parsed: dict[str, Any], **_: Any) -> None:
        parsed["NextToken"] = "0"

    cloudtrail.client().meta.events.register("after-call.cloudtrail.LookupEvents", show)
    found = [f for f in checked(edge) if f.rule.id in ("one-mover", "no-pipeline", "no-foreign-change")]
    assert [f.identity for f in found if f.result.verdict is RuleVerdict.FAIL] == [
        ("one-mover", allocation_id)
    ]
    assert {f.result.verdict for f in found} == {RuleVerdict.FAIL, RuleVerdict.UNKNOWN}
    asked = [call for call in edge.calls() if call["action"] == "LookupEvents"]
    assert len(asked) == cloudtrail.MOST_PAGES * len(snapshots.CHANGES)
    assert {call["outcome"] for call in asked} == {"OK"}


def test_a_call_behind_fifty_newer_ones_is_found(edge: Stack) -> None:
    allocation_id = associated_again(edge, "alice")
    for _ in range(50):
        associated_again(edge, "failover")
    assert failing(edge) == {("one-mover", allocation_id)}
