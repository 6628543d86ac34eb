"""Tests what CloudFormation is told: always something it can take, and a success only of what is
stored.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem.reasons.documents import ProblemCode
from tandem.requests.answers import (
    MOST_BYTES,
    Answer,
    AnswerStatus,
    Noted,
    answer_due,
    refused,
    response_body,
    superseded_answer,
)
from tandem.requests.customresource import Request, RequestType
from tandem.state.record import Provisioned, TopologyRecord
from tandem.topology.document import parse_topology
from tandem.topology.problems import Problem, problem_at
from tests.topologies import document

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/network/1c2b3a40"
REQUEST = Request(
    RequestType.UPDATE,
    "request-1",
    STACK,
    "Edge",
    "https://example.com/?signature",
    properties={"Topology": {"name": "edge"}},
    physical_id="tandem:network:edge",
)
NOTED = Noted(REQUEST, NOW, version=3)
FOUND = Provisioned("rs-0a1b2c3d4e5f60001", version=3)
RECORD = TopologyRecord(parse_topology(document(), version=3), 3, REQUEST.door, FOUND)
LATE = NOW + timedelta(minutes=50)


def wrong(path: str, value: str, wanted: str) -> Problem:
    return problem_at(path, ProblemCode.WRONG_VALUE, value=value, strange=None, meant=None, wanted=wanted)


def words(record: TopologyRecord | None, now: datetime = NOW) -> str:
    answer = answer_due(NOTED, record, now)
    return "" if answer is None else answer.reason or answer.status


@pytest.mark.parametrize(
    ("record", "now", "expected"),
    [
        (RECORD, NOW, "SUCCESS"),
        (RECORD, LATE, "SUCCESS"),
        (replace(RECORD, provisioned=None), NOW, ""),
        (replace(RECORD, provisioned=replace(FOUND, version=2)), NOW, ""),
        (replace(RECORD, provisioned=replace(FOUND, pending=("endpoint az1-a is pending",))), NOW, ""),
        (replace(RECORD, provisioned=replace(FOUND, failure="AccessDenied")), NOW, "AccessDenied"),
        (replace(RECORD, provisioned=replace(FOUND, failure="busy", pending=("peers",))), NOW, ""),
        (
            replace(RECORD, provisioned=replace(FOUND, failure="busy", pending=("az1-a", "az1-b"))),
            LATE,
            "not ready after 50 minutes; it waits for: az1-a; az1-b; the last run failed: busy",
        ),
        (replace(RECORD, provisioned=None), LATE, "it waits for: a run of the provisioner"),
        (None, NOW, "was deleted meanwhile"),
        (replace(RECORD, door="cli"), NOW, "was taken over by the command line meanwhile"),
        (replace(RECORD, version=4), NOW, "version 4 is stored now, not version 3"),
    ],
)
def test_an_answer_is_due_at_the_end_and_at_the_end_of_the_budget(
    record: TopologyRecord | None, now: datetime, expected: str
) -> None:
    found = words(record, now)
    assert expected in found if expected else found == ""


records = st.builds(
    replace,
    st.just(RECORD),
    version=st.integers(2, 4),
    door=st.sampled_from(["cli", REQUEST.door, f"{STACK}#Other"]),
    provisioned=st.none()
    | st.builds(
        Provisioned,
        st.just("rs-0a1b2c3d4e5f60001"),
        version=st.integers(1, 4),
        failure=st.none() | st.text(min_size=1),
        pending=st.lists(st.text()).map(tuple),
    ),
)


@given(st.none() | records, st.integers(0, 120))
def test_a_success_never_contradicts_what_is_stored_and_the_budget_always_ends(
    record: TopologyRecord | None, minutes: int
) -> None:
    answer = answer_due(NOTED, record, NOW + timedelta(minutes=minutes))
    if minutes >= 50:
        assert answer is not None
    if answer is not None and answer.status is AnswerStatus.SUCCESS:
        assert record is not None
        assert record.provisioned is not None
        assert (record.door, record.version, record.provisioned.version) == (REQUEST.door, 3, 3)
        assert (record.provisioned.failure, record.provisioned.pending) == (None, ())
    if answer is not None and answer.status is AnswerStatus.FAILED:
        assert answer.reason
        assert answer.physical_id == REQUEST.physical_id


@given(st.text(max_size=6000), st.dictionaries(st.text(max_size=40), st.text(max_size=200), max_size=60))
def test_a_response_always_fits_and_says_whose_it_is(reason: str, data: dict[str, str]) -> None:
    answer = Answer(AnswerStatus.FAILED, "tandem:network:edge", reason, data)
    sent = response_body(REQUEST, answer)
    assert len(sent) <= MOST_BYTES
    said = json.loads(sent)
    assert said["RequestId"] == "request-1"
    assert said["LogicalResourceId"] == "Edge"
    kept = said.get("Reason", "")
    assert kept == reason or (kept.endswith("…") and reason.startswith(kept[:-1]))
    assert said.get("Data", {}).items() <= data.items()


@pytest.mark.parametrize("count", [1, 2, 30, 500])
def test_as_many_problems_as_fit_and_how_many_there_are_more(count: int) -> None:
    problems = [wrong(f"groups[{n}].prefixes[0]", '"10.0.0.1/8"', "10.0.0.0/8") for n in range(count)]
    answer = refused(REQUEST, problems)
    sent = response_body(REQUEST, answer)
    assert len(sent) <= MOST_BYTES
    assert json.loads(sent)["Reason"] == answer.reason
    shown = answer.reason.count("right would be")
    assert shown == count or f"and {count - shown} more" in answer.reason
    assert shown == count or len(sent) > MOST_BYTES - 200


def test_one_problem_that_does_not_fit_is_cut() -> None:
    reason = json.loads(response_body(REQUEST, refused(REQUEST, [wrong("name", "x" * 9000, "y")])))["Reason"]
    assert reason.startswith("the topology has 1 problem: name: is xxx")
    assert reason.endswith("…")


def test_a_superseded_request_is_known_by_its_code_and_by_the_words_of_the_first_release() -> None:
    words = "a later request took its place"
    other = Answer(AnswerStatus.FAILED, "tandem:network:edge", words, code="")
    first = Answer(AnswerStatus.FAILED, "tandem:network:edge", words)
    for answer, expected in ((superseded_answer(REQUEST), True), (first, True), (other, False)):
        assert replace(NOTED, answer=answer).is_superseded is expected
    assert superseded_answer(REQUEST).reason == words, "the release before goes by the words"
