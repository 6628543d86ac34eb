"""Tests which call CloudTrail's records show to have caused a difference."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem.errors import TemporaryError
from tandem.model import Liveness, Peer, RouteServer, Status
from tandem.provisioning.actors import MOST_QUESTIONS, Frugal, Suspicion, actor
from tandem.provisioning.managesteps import (
    CreateEndpoint,
    CreatePeer,
    CreateRouteServer,
    DeletePeer,
    EnablePropagation,
    Keep,
    Step,
)
from tandem.provisioning.suspicions import suspicion_of_problem, suspicion_of_step
from tandem.reasons.documents import ProblemCode
from tandem.reasons.provisioning import ProvisioningCode
from tandem.reasons.reason import reason
from tandem.signals.calls import Call, calls_of
from tandem.state.record import Provisioned, TopologyRecord
from tandem.topology.document import parse_topology
from tandem.topology.inventory import RouteServerReading
from tandem.topology.problems import problem_at
from tests.topologies import document

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
SINCE = NOW - timedelta(hours=1)
PEER = "rsp-0a000000000000001"
ALICE = "arn:aws:sts::123456789012:assumed-role/NetworkAdmin/alice"
OURS = "arn:aws-us-gov:sts::123456789012:assumed-role/tandem-ProvisionerRole-1A2B/tandem-provisioner"
ROLE = "tandem-ProvisionerRole-1A2B"
DELETED = Suspicion(("DeleteRouteServerPeer",), (frozenset({PEER}),))


def record(arn: str | None = ALICE, request: object = None, minutes: float = 10, **more: Any) -> str:
    return json.dumps(
        {
            "userIdentity": {"type": "AssumedRole", "arn": arn},
            "eventTime": (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventName": "DeleteRouteServerPeer",
            "requestParameters": {"routeServerPeerId": PEER} if request is None else request,
            **more,
        }
    )


class Shown:
    """A history of records, the newest first; what was asked is kept."""

    def __init__(self, *records: str) -> None:
        self.records = records
        self.asked: list[str] = []

    def calls(self, name: str, since: datetime) -> tuple[Call, ...]:
        self.asked.append(name)
        return tuple(c for c in calls_of(self.records) if c.name == name and c.at >= since)


class Time:
    slept = 0.0

    def now(self) -> datetime:
        return NOW

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


def who(*records: str, suspicion: Suspicion = DELETED, since: datetime | None = SINCE) -> str | None:
    return actor(suspicion, since, ROLE, Shown(*records), NOW)


@pytest.mark.parametrize(
    "request_",
    [
        {"routeServerPeerId": PEER},
        {"DeleteRouteServerPeerRequest": {"RouteServerPeerId": PEER}},
        {"DeleteRouteServerPeerRequest": {"RouteServerPeerId": {"tag": 1, "content": PEER}}},
    ],
)
def test_the_request_is_read_in_whatever_shape_it_is_recorded(request_: dict[str, Any]) -> None:
    assert who(record(request=request_)) == ALICE


@pytest.mark.parametrize(
    "nobody",
    [
        record(errorCode="Client.UnauthorizedOperation"),
        record(errorCode="Client.DryRunOperation"),
        record(request={"routeServerPeerId": "rsp-0a000000000000002"}),
        record(request={"routeServerPeerId": PEER[:-1]}),
        record(minutes=61),
        record(eventName="CreateRouteServerPeer"),
        record(OURS),
        record(None),
        record(userIdentity=None),
        record(eventTime="yesterday"),
        record(request=[]),
        "",
        "[]",
        "{",
        '"text"',
    ],
)
def test_what_cannot_have_done_it_names_nobody_and_hides_nobody(nobody: str) -> None:
    assert who(nobody) is None
    if OURS not in nobody:
        assert who(nobody, record()) == ALICE


def test_what_came_before_a_call_of_our_own_was_put_right_by_it() -> None:
    assert who(record(OURS, minutes=5), record(ALICE, minutes=10)) is None
    assert who(record(ALICE, minutes=5), record(OURS, minutes=10)) == ALICE


def test_our_own_role_is_known_without_an_arn_too() -> None:
    issuer = {"sessionIssuer": {"type": "Role", "userName": ROLE}}
    ours = {"invokedBy": "lambda.amazonaws.com", "sessionContext": issuer}
    assert who(record(userIdentity=ours)) is None
    service = {"type": "AWSService", "invokedBy": "cloudformation.amazonaws.com"}
    assert who(record(userIdentity=service)) == "cloudformation.amazonaws.com"
    root = "arn:aws-cn:iam::123456789012:root"
    assert who(record(root)) == root


def test_the_newest_wins_for_one_resource_and_two_people_for_two_are_nobody() -> None:
    bob, other = "arn:aws:iam::123456789012:user/bob", "rsp-0a000000000000002"
    assert who(record(bob, minutes=1), record(minutes=2)) == bob
    two = Suspicion(DELETED.names, (*DELETED.resources, frozenset({other})))
    theirs = record(bob, {"routeServerPeerId": other}, minutes=1)
    assert who(theirs, record(), suspicion=two) is None
    assert who(record(request={"routeServerPeerId": other}), record(), suspicion=two) == ALICE


def test_a_call_in_the_second_in_which_all_was_well_still_counts() -> None:
    """CloudTrail tells whole seconds."""
    assert who(record(minutes=0), since=NOW.replace(microsecond=900_000)) == ALICE
    assert who(record(minutes=0), since=None) is None


def test_all_ids_of_a_set_have_to_be_named() -> None:
    both = Suspicion(
        ("DisableRouteServerPropagation",), (frozenset({"rs-0a000000000000001", "rtb-0a000000000000001"}),)
    )
    name = "DisableRouteServerPropagation"
    one = {"routeServerId": "rs-0a000000000000001", "routeTableId": "rtb-0a000000000000002"}
    assert who(record(request=one, eventName=name), suspicion=both) is None
    whole = one | {"routeTableId": "rtb-0a000000000000001"}
    assert who(record(request=whole, eventName=name), suspicion=both) == ALICE


def test_of_tags_only_tandems_count() -> None:
    tagged = Suspicion(("DeleteTags",), DELETED.resources)

    def deleted(key: str) -> str:
        items = {"items": [{"resourceId": PEER}]}
        return record(
            request={"resourcesSet": items, "tagSet": {"items": [{"key": key}]}}, eventName="DeleteTags"
        )

    assert who(deleted("Name"), suspicion=tagged) is None
    assert who(deleted("tandem:managed-by"), suspicion=tagged) == ALICE


names = st.lists(st.sampled_from([f"Delete{n}" for n in range(9)]), max_size=30)


@given(names)
def test_a_run_asks_for_each_name_once_and_for_few_in_all(asked: list[str]) -> None:
    history, time = Shown(), Time()
    frugal = Frugal(history, time)
    for name in asked:
        frugal.calls(name, NOW)
        frugal.calls(name, NOW + timedelta(minutes=1))
    assert len(history.asked) == len(set(history.asked)) <= MOST_QUESTIONS
    assert time.slept >= 0.5 * (len(history.asked) - 1)


def test_an_earlier_time_is_asked_for_anew_and_a_later_one_is_cut_from_the_answer() -> None:
    history = Shown(record(minutes=10), record(minutes=50))
    frugal = Frugal(history, Time())
    name, ago = "DeleteRouteServerPeer", lambda minutes: NOW - timedelta(minutes=minutes)
    assert [len(frugal.calls(name, ago(m))) for m in (20, 60, 20, 5)] == [1, 2, 1, 0]
    assert history.asked == [name, name]


def test_after_a_failure_nothing_more_is_asked() -> None:
    class Away:
        asked = 0

        def calls(self, name: str, since: datetime) -> tuple[Call, ...]:
            del name, since
            self.asked += 1
            raise TemporaryError("no answer")

    history = Away()
    frugal = Frugal(history, Time())
    assert [frugal.calls(name, NOW) for name in ("DeleteTags", "CreateTags")] == [(), ()]
    assert (history.asked, frugal.trouble) == (1, "no answer")


BECAUSE = reason(ProvisioningCode.BEING_DELETED, "it")
FOUND = Provisioned(
    "rs-0a000000000000001",
    endpoints={"az1-a": "rse-0a000000000000001"},
    peers={PEER: "fw1", "rsp-0a000000000000002": "fw2"},
)
RECORD = TopologyRecord(parse_topology(document()), 1, "cli", FOUND)
STEPS = {
    CreateRouteServer(65000, None, True, "token", ()): {"rs-0a000000000000001"},
    CreateEndpoint("rs-0a000000000000001", "az1-a", "subnet-0a01", "token", ()): {"rse-0a000000000000001"},
    CreateEndpoint("rs-0a000000000000001", "new", "subnet-0a01", "token", ()): set(),
    CreatePeer("rse-1", "az1-a", "fw1", "10.0.1.10", 65001, Liveness.BFD, ()): {PEER},
    EnablePropagation("?", "rtb-0a000000000000001"): {"rs-0a000000000000001", "rtb-0a000000000000001"},
    DeletePeer(PEER, "fw1"): set(),
    Keep("fw1"): set(),
}


@pytest.mark.parametrize(("do", "ids"), STEPS.items())
def test_what_is_gone_is_known_from_the_record(do: Any, ids: set[str]) -> None:
    suspicion = suspicion_of_step(Step(do, BECAUSE), RECORD)
    assert set().union(*suspicion.resources) == ids
    assert bool(suspicion.names) >= bool(ids)
    bare = TopologyRecord(RECORD.topology, 1, "cli")
    unknown = suspicion_of_step(Step(do, BECAUSE), bare)
    assert actor(unknown, SINCE, ROLE, Shown(record(eventName="DisableRouteServerPropagation")), NOW) is None


def test_a_refusal_for_want_of_a_tag_asks_who_took_it_off() -> None:
    problem = problem_at("route_server.id", ProvisioningCode.ADOPTION_WITHOUT_TAG, "rs-0a000000000000001")
    suspicion = suspicion_of_step(Step(Keep("rs-0a000000000000001"), BECAUSE, refused=problem), RECORD)
    assert suspicion == Suspicion(("DeleteTags", "CreateTags"), (frozenset({"rs-0a000000000000001"}),))


def test_a_peer_that_is_there_was_deleted_by_nobody() -> None:
    """A problem with an appliance's address follows from the end of its peer, too."""
    problem = problem_at("appliances.fw1.peers.az1-a", ProblemCode.PEER_ADDRESS_ELSEWHERE, appliance="fw1")
    peer = Peer(PEER, "rse-1", "rs-1", "10.0.1.10", "available", 65001, Liveness.BFD, Status.UP)
    reading = RouteServerReading(RouteServer("rs-0a000000000000001", "available", 65000, None))
    assert suspicion_of_problem(problem, RECORD, reading).resources == (frozenset({PEER}),)
    reading = RouteServerReading(reading.server, peers=(peer,))
    assert suspicion_of_problem(problem, RECORD, reading).resources == ()


@pytest.mark.parametrize(
    ("more", "tool"),
    [
        ({"userIdentity": {"arn": ALICE, "invokedBy": "cloudformation.amazonaws.com"}}, "CloudFormation"),
        ({"userAgent": "cloudformation.amazonaws.com"}, "CloudFormation"),
        ({"userAgent": "APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io)"}, "Terraform"),
        ({"userAgent": "aws-cli/2.31.0 md/awscrt#0.27.6"}, None),
        ({"userAgent": 5}, None),
        ({}, None),
    ],
)
def test_a_tool_that_applies_a_template_is_known_by_the_record(
    more: dict[str, Any], tool: str | None
) -> None:
    [call] = calls_of([record(**more)])
    assert call.tool == tool
