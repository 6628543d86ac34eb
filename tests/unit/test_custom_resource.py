"""CloudFormation's requests, read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem.errors import ConfigurationError
from tandem.requests.customresource import (
    NAME,
    OnDelete,
    Request,
    RequestType,
    parse_request,
    property_problems,
    topology_of,
)
from tandem.topology.shape import topology_schema

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/network/1c2b3a40"


def request(kind: RequestType = RequestType.UPDATE, **members: Any) -> Request:
    return Request(kind, "request-1", STACK, "Edge", "https://example.com/?secret", **members)


def named(name: object) -> dict[str, Any]:
    return {"Topology": {"name": name}}


def test_the_name_is_the_schemas() -> None:
    assert f"^{NAME.pattern}$" == topology_schema()["properties"]["name"]["pattern"]


def test_a_physical_id_leads_back_to_its_topology() -> None:
    assert topology_of(request(properties=named("edge")).new_physical_id) == "edge"


@pytest.mark.parametrize("name", [None, 7, "", "Edge", "a b", "-", "x" * 41, "edge\n"])
def test_what_is_no_name_has_an_id_that_is_no_topologys(name: object) -> None:
    made = request(RequestType.CREATE, properties=named(name)).new_physical_id
    assert made == "tandem:network:-"
    assert topology_of(made) is None


@given(st.text())
def test_a_physical_id_of_anybody_names_a_topology_or_none(physical_id: str) -> None:
    found = topology_of(physical_id)
    assert found is None or (NAME.fullmatch(found) and physical_id.startswith("tandem:"))


@pytest.mark.parametrize(
    ("physical_id", "is_unknown", "is_generated"),
    [
        ("tandem:network:edge", False, False),
        ("tandem:network:-", False, False),
        ("network-Edge-1V5BBXN2GLJ0E", True, True),
        ("network-Edge2-1V5BBXN2GLJ0E", True, False),
        ("tandem-Edge-1V5BBXN2GLJ0E", True, False),
        (None, True, False),
    ],
)
def test_whose_the_physical_id_of_a_delete_is(
    physical_id: str | None, is_unknown: bool, is_generated: bool
) -> None:
    gone = request(RequestType.DELETE, physical_id=physical_id)
    assert (gone.is_of_unknown_id, gone.is_of_generated_id) == (is_unknown, is_generated)
    assert not request(RequestType.UPDATE, physical_id=physical_id).is_of_unknown_id


def test_a_delete_is_about_its_physical_id_whatever_its_properties_say() -> None:
    gone = request(RequestType.DELETE, properties=named("new"), physical_id="tandem:network:old")
    assert gone.topology == "old"
    assert gone.new_physical_id == "tandem:network:old"


@pytest.mark.parametrize(
    ("said", "minutes"),
    [
        (None, 50),
        ("3600", 50),
        ("0", 50),
        ("7200", 50),
        ("soon", 50),
        ("720", 10),
        ("600", 8),
        (600, 8),
        ("240", 2),
        ("120", 1),
        ("60", 0.5),
    ],
)
def test_the_budget_ends_before_cloudformations_patience(said: object, minutes: float) -> None:
    made = request(properties={} if said is None else {"ServiceTimeout": said})
    assert made.budget == timedelta(minutes=minutes)


@given(st.integers(1, 3600))
def test_the_schedule_that_answers_comes_in_time(seconds: int) -> None:
    """Every minute, within the minute; only a patience of less than four leaves it no time for that."""
    made = request(properties={"ServiceTimeout": str(seconds)})
    left = made.patience - made.budget
    assert left >= (timedelta(minutes=2) if seconds >= 240 else made.patience / 2)
    assert made.budget >= timedelta(minutes=2) or seconds < 240


def test_no_text_of_a_request_shows_its_url_or_its_id() -> None:
    made = request(properties=named("edge"))
    for text in (str(made), repr(made), f"{made}"):
        assert "secret" not in text
        assert "request-1" not in text


@pytest.mark.parametrize("name", ["RequestType", "RequestId", "StackId", "LogicalResourceId"])
@pytest.mark.parametrize("value", [None, "", 7, {}])
def test_what_cloudformation_never_sends_is_an_error_without_the_url(name: str, value: object) -> None:
    event = {
        "RequestType": "Create",
        "RequestId": "1",
        "StackId": STACK,
        "LogicalResourceId": "Edge",
        "ResponseURL": "https://example.com/?secret",
    }
    assert parse_request(event).type is RequestType.CREATE
    with pytest.raises(ConfigurationError, match=name) as raised:
        parse_request(event | {name: value})
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("properties", "paths"),
    [
        (named("edge"), []),
        (named("edge") | {"OnDelete": "delete", "TakeOver": "false", "AllowInterruption": "False"}, []),
        (named("edge") | {"OnDelete": "retain", "TakeOver": "true"}, []),
        (named("edge") | {"OnDelete": "delete", "TakeOver": "true"}, ["OnDelete"]),
        (named("edge") | {"ServiceToken": "arn", "ServiceTimeout": "60"}, []),
        ({}, ["Topology"]),
        ({"Topology": "name: edge"}, ["Topology"]),
        (named("edge") | {"OnDelete": "keep", "TakeOver": "yes"}, ["OnDelete", "TakeOver"]),
        (named("edge") | {"Ondelete": "retain"}, ["Ondelete"]),
        (named("edge") | {"OnDelete": ["retain"]}, ["OnDelete"]),
    ],
)
def test_every_problem_of_the_properties_is_named(properties: dict[str, Any], paths: list[str]) -> None:
    assert [problem.path for problem in property_problems(properties)] == paths


def test_only_a_plain_delete_deletes() -> None:
    for value in ("retain", "Delete", "", None, ["delete"]):
        assert request(properties={"OnDelete": value}).on_delete is OnDelete.RETAIN
    assert request(properties={"OnDelete": "delete"}).on_delete is OnDelete.DELETE
