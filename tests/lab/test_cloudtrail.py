"""CloudTrail's event history in the lab: what LookupEvents finds, in pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest

from lab.ec2 import Timings, UnknownAwsBehaviour, lab_ec2
from tests.lab.support import refused

MADE = 53


class History:
    """Tagged 53 times, a second apart, and then a VPC."""

    def __init__(self, lab: Any) -> None:
        self.clock = lab.clock
        ec2 = lab.client()
        server = ec2.create_route_server(AmazonSideAsn=65000)["RouteServer"]["RouteServerId"]
        self.times = []
        for number in range(MADE):
            self.clock.sleep(1)
            self.times.append(self.clock.now().replace(microsecond=0))
            ec2.create_tags(Resources=[server], Tags=[{"Key": "n", "Value": str(number)}])
        ec2.create_vpc(CidrBlock="10.0.0.0/16")
        self.clock.sleep(60)
        self.client: Any = boto3.client("cloudtrail", region_name="us-east-1")

    def page(self, **asked: Any) -> dict[str, Any]:
        self.clock.sleep(1)
        found: dict[str, Any] = self.client.lookup_events(**asked)
        return found

    def tags(self, **asked: Any) -> list[int]:
        """The values that the events of all pages have set, in their order."""
        asked.setdefault("LookupAttributes", [by("EventName", "CreateTags")])
        found: list[int] = []
        token: dict[str, str] = {}
        for _ in range(MADE):
            page = self.page(**asked, **token)
            found += [tag(event) for event in page["Events"]]
            if "NextToken" not in page:
                return found
            token = {"NextToken": page["NextToken"]}
        raise AssertionError("the pages never end")


def by(key: str, value: str) -> dict[str, str]:
    return {"AttributeKey": key, "AttributeValue": value}


def tag(event: dict[str, Any]) -> int:
    parameters = json.loads(event["CloudTrailEvent"])["requestParameters"]
    return int(parameters["tagSet"]["items"][0]["value"])


@pytest.fixture
def history() -> Iterator[History]:
    with lab_ec2(timings=replace(Timings.lab(), cloudtrail_s=30)) as lab:
        yield History(lab)


@pytest.mark.parametrize("most", [1, 7, 50])
def test_pages_hold_every_event_once_the_newest_first(history: History, most: int) -> None:
    assert history.tags(MaxResults=most) == list(reversed(range(MADE)))


def test_both_ends_of_the_time_count(history: History) -> None:
    assert history.tags(StartTime=history.times[10], EndTime=history.times[12]) == [12, 11, 10]


def test_one_attribute_finds_its_events(history: History) -> None:
    (made,) = history.page(LookupAttributes=[by("EventName", "CreateVpc")])["Events"]
    assert history.page(LookupAttributes=[by("EventId", made["EventId"])])["Events"] == [made]
    assert len(history.page(LookupAttributes=[by("EventSource", "ec2.amazonaws.com")])["Events"]) == 50
    assert history.page(LookupAttributes=[by("EventSource", "sns.amazonaws.com")])["Events"] == []
    assert history.page(EventCategory="insight")["Events"] == []


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (
            {"LookupAttributes": [by("EventName", "a"), by("EventName", "b")]},
            "InvalidLookupAttributesException",
        ),
        ({"NextToken": "of somebody else"}, "InvalidNextTokenException"),
        ({"StartTime": 2, "EndTime": 1}, "InvalidTimeRangeException"),
    ],
)
def test_what_aws_refuses(history: History, asked: dict[str, Any], code: str) -> None:
    with refused(code):
        history.page(**asked)


def test_the_third_question_of_a_second_is_refused(history: History) -> None:
    history.page()
    history.client.lookup_events()
    with refused("ThrottlingException"):
        history.client.lookup_events()


def test_nobody_can_ask_by_what_nobody_knows(history: History) -> None:
    with pytest.raises(UnknownAwsBehaviour, match="ResourceName"):
        history.page(LookupAttributes=[by("ResourceName", "rs-1")])
