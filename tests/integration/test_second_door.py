"""The custom resource as stories: CloudFormation's requests to the real function, judged by what the stack is
told and what is stored then."""

from __future__ import annotations

import io
import json
import logging
from contextlib import suppress
from typing import Any

import boto3
import pytest

from tandem.errors import TemporaryError
from tests.cloudformation import SECRET, STACK, CloudFormation, cloudformation
from tests.crashing import Killed, fuse, table_away
from tests.managing import REALISTIC, managed
from tests.provisioning import Provisioner, provisioner

PHYSICAL = "tandem:network:edge"
DOOR = f"{STACK}#Edge"


class Story:
    """One stack with one resource, beside the deployed function."""

    def __init__(self, tandem: Provisioner, stacks: CloudFormation) -> None:
        self.tandem = tandem
        self.stacks = stacks
        self.invoke = tandem.invoke

    def properties(self, _more: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        return {"Topology": self.tandem.document(**{"mode": "enforce"} | changes), **(_more or {})}

    def create(self, properties: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
        return self.stacks.request("Create", properties or self.properties(), **members)

    def update(self, properties: dict[str, Any], old: dict[str, Any], **members: Any) -> dict[str, Any]:
        members = {"PhysicalResourceId": PHYSICAL} | members
        return self.stacks.request("Update", properties, old=old, **members)

    def delete(self, properties: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
        members = {"PhysicalResourceId": PHYSICAL} | members
        return self.stacks.request("Delete", properties or self.properties(), **members)

    def ask(self, event: dict[str, Any]) -> dict[str, Any]:
        """The request and what it sets off; the answer, of which nothing is left then."""
        self.tandem.settle(1)
        self.invoke(event)
        self.tandem.deliver()
        answer = self.stacks.answer(event)
        assert answer is not None
        assert len(self.stacks.answers[event["RequestId"]]) == 1
        assert SECRET not in self.table()
        return answer

    def succeed(self, event: dict[str, Any]) -> dict[str, Any]:
        answer = self.ask(event)
        assert answer["Status"] == "SUCCESS", answer
        return answer

    def fail(self, event: dict[str, Any]) -> str:
        answer = self.ask(event)
        assert answer["Status"] == "FAILED"
        return str(answer["Reason"])

    def schedule(self, minutes: float = 5) -> None:
        self.tandem.settle(minutes * 60)
        self.tandem.refresh()
        self.tandem.deliver()

    def table(self) -> str:
        return json.dumps(boto3.client("dynamodb").scan(TableName="tandem-state")["Items"])

    @property
    def stored(self):
        return self.tandem.record()


@pytest.fixture
def story():
    with provisioner() as tandem, cloudformation() as stacks:
        yield Story(tandem, stacks)


@pytest.fixture
def made(story: Story):
    story.succeed(story.create())
    return story


# ---- create


def test_a_create_is_stored_watched_and_then_answered(story: Story) -> None:
    event = story.create()
    story.invoke(event)
    assert story.stored.door == DOOR
    assert story.stacks.answer(event) is None
    story.tandem.deliver()
    answer = story.stacks.answer(event)
    assert answer is not None
    assert answer["PhysicalResourceId"] == PHYSICAL
    assert answer["Data"] == {"RouteServerId": story.tandem.ids["route_server_id"], "Version": "1"}
    assert story.tandem.delivered() == story.tandem.peer_ids()


def test_the_answer_has_no_content_type_as_its_url_is_signed(story: Story) -> None:
    story.succeed(story.create())
    (headers,) = story.stacks.headers
    assert headers.get("Content-Type", "") == ""


def test_every_problem_is_the_reason_and_nothing_is_stored(story: Story) -> None:
    reason = story.fail(
        story.create(story.properties({"OnDelete": "keep", "Moed": "x"}, mode="on", groups=[]))
    )
    for words in ("4 problems", "OnDelete", "Moed", 'mode: is "on"', "groups"):
        assert words in reason
    assert story.stored is None


def test_a_create_without_a_topology_says_so(story: Story) -> None:
    assert "Topology: is missing" in story.fail(story.create({"OnDelete": "retain"}))


def test_the_delete_that_follows_a_failed_create_succeeds(story: Story) -> None:
    cases: list[dict[str, Any]] = [{"mode": "on"}, {"name": "Not A Name"}, {"groups": []}]
    for broken in cases:
        event = story.create(story.properties(**broken))
        physical_id = story.ask(event)["PhysicalResourceId"]
        story.succeed(story.delete(PhysicalResourceId=physical_id))


def test_a_topology_of_the_command_line_is_refused_and_survives_the_rollback(story: Story) -> None:
    story.tandem.apply()
    story.tandem.deliver()
    assert "belongs to the command line" in story.fail(story.create())
    story.succeed(story.delete())
    assert story.stored.door == "cli"
    story.succeed(story.create(story.properties({"TakeOver": True})))
    assert (story.stored.door, story.stored.version) == (DOOR, 2)


def test_a_second_resource_of_the_stack_is_another_door(made: Story) -> None:
    reason = made.fail(made.create(logical_id="Copy"))
    assert f"belongs to Edge of the CloudFormation stack {STACK}" in reason
    made.succeed(made.delete(logical_id="Copy"))
    assert made.stored.door == DOOR


def test_what_the_provisioner_may_not_do_fails_the_create(story: Story) -> None:
    event = story.create()
    story.invoke(event)
    story.tandem.lab.levers.fault("DescribeRouteServers", error="UnauthorizedOperation")
    story.tandem.deliver()
    answer = story.stacks.answer(event)
    assert answer is not None
    assert answer["Status"] == "FAILED"
    assert answer["Reason"] == story.stored.provisioned.failure


# ---- update and rollback


def test_an_update_is_a_new_version_of_the_same_resource(made: Story) -> None:
    answer = made.succeed(made.update(made.properties(mode="dry-run"), made.properties()))
    assert (answer["PhysicalResourceId"], answer["Data"]["Version"]) == (PHYSICAL, "2")
    assert made.stored.topology.mode == "dry-run"


def test_an_update_of_nothing_but_the_wrapping_stores_no_version(made: Story) -> None:
    made.succeed(made.update(made.properties({"OnDelete": "delete"}), made.properties()))
    assert made.stored.version == 1


def test_a_refused_update_leaves_what_is_stored_and_its_rollback_succeeds(made: Story) -> None:
    good, bad = made.properties(), made.properties(groups=[])
    event = made.update(bad, good)
    assert made.ask(event)["PhysicalResourceId"] == PHYSICAL
    assert made.stored.version == 1
    made.succeed(made.update(good, bad))
    assert made.stored.version == 1


def test_a_rollback_to_what_is_stored_succeeds_though_aws_has_changed(made: Story) -> None:
    good, bad = made.properties(), made.properties(groups=[])
    made.fail(made.update(bad, good))
    interface = made.tandem.ids["interfaces"]["fw2"]
    boto3.client("ec2").delete_tags(Resources=[interface], Tags=[{"Key": "tandem:stack"}])
    assert "tag" in made.tandem.apply(take_over=True)["problems"][0]["what"]
    made.succeed(made.update(good, bad))


def test_the_rollback_of_an_update_that_was_refused_succeeds_where_somebody_took_over(made: Story) -> None:
    made.tandem.apply(made.tandem.document(mode="dry-run"), take_over=True)
    made.tandem.deliver()
    good, other = made.properties(), made.properties(mode="dry-run")
    assert "belongs to the command line" in made.fail(made.update(other, good))
    made.succeed(made.update(good, other))
    assert (made.stored.door, made.stored.version) == ("cli", 2)


def test_an_update_that_was_rolled_back_later_is_stored_as_it_was(made: Story) -> None:
    good, other = made.properties(), made.properties(mode="dry-run")
    made.succeed(made.update(other, good))
    made.succeed(made.update(good, other))
    assert (made.stored.version, made.stored.topology.mode) == (3, "enforce")


def renamed(story: Story, name: str) -> dict[str, Any]:
    """The topology under another name, without the addresses, which the old one still claims."""
    group = {"name": "transit", "prefixes": ["10.20.0.0/16"]}
    return story.properties(name=name, groups=[group])


def test_another_name_is_a_replacement_and_the_old_one_goes_in_the_cleanup(made: Story) -> None:
    old, new = made.properties(), renamed(made, "transit")
    answer = made.succeed(made.update(new, old))
    assert answer["PhysicalResourceId"] == "tandem:network:transit"
    assert made.stored is not None
    made.succeed(made.delete(old))
    assert made.stored is None
    assert made.tandem.record("transit").door == DOOR


def test_a_replacement_is_rolled_back_by_an_update_and_a_cleanup(made: Story) -> None:
    old, new = made.properties(), renamed(made, "transit")
    made.succeed(made.update(new, old))
    answer = made.succeed(made.update(old, new, PhysicalResourceId="tandem:network:transit"))
    assert answer["PhysicalResourceId"] == PHYSICAL
    made.succeed(made.delete(new, PhysicalResourceId="tandem:network:transit"))
    assert made.tandem.record("transit") is None
    assert (made.stored.door, made.stored.version) == (DOOR, 1)


def test_a_replacement_that_fails_in_the_end_leaves_only_the_old_one(made: Story) -> None:
    event = made.update(renamed(made, "transit"), made.properties())
    made.invoke(event)
    assert made.tandem.record("transit") is not None
    made.tandem.lab.levers.fault("DescribeRouteServers", error="UnauthorizedOperation")
    made.tandem.deliver()
    answer = made.stacks.answer(event)
    assert answer is not None
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", PHYSICAL)
    assert made.tandem.record("transit") is None
    assert made.stored is not None


# ---- delete


@pytest.mark.parametrize("on_delete", ["retain", "delete"])
def test_a_delete_takes_back_what_watched_it_and_nothing_else(made: Story, on_delete: str) -> None:
    made.succeed(made.delete(made.properties({"OnDelete": on_delete})))
    assert made.stored is None
    assert made.tandem.subscribed() == {}
    assert made.tandem.delivered() == set()
    servers = boto3.client("ec2").describe_route_servers()["RouteServers"]
    assert [server["State"] for server in servers] == ["available"]


def test_a_delete_of_what_somebody_took_over_leaves_it(made: Story) -> None:
    made.tandem.apply(take_over=True)
    made.succeed(made.delete())
    assert made.stored.door == "cli"


@pytest.mark.parametrize("physical_id", ["tandem:network:-", "2026/11/21/[$LATEST]0a1b", "tandem:x:gone"])
def test_a_delete_of_what_never_was_succeeds(made: Story, physical_id: str) -> None:
    answer = made.succeed(made.delete(PhysicalResourceId=physical_id))
    assert answer["PhysicalResourceId"] == physical_id
    assert made.stored is not None


# ---- managed


def test_a_managed_topology_is_answered_by_the_schedule_once_it_is_there() -> None:
    with managed(timings=REALISTIC) as tandem, cloudformation() as stacks:
        story = Story(tandem, stacks)
        wanted = {"Topology": tandem.wanted(), "AllowInterruption": True}
        event = story.create(wanted)
        story.invoke(event)
        tandem.deliver()
        assert stacks.answer(event) is None
        assert tandem.record().allow_interruption
        assert tandem.record().provisioned.pending
        tandem.converge()
        answer = stacks.answer(event)
        assert answer is not None
        assert answer["Status"] == "SUCCESS"
        assert answer["Data"]["RouteServerId"] == tandem.servers()[0]["RouteServerId"]
        story.succeed(story.delete(wanted))
        assert len(tandem.peers()) == 4


# ---- once, whatever happens


def test_a_request_delivered_again_is_neither_stored_nor_answered_again(made: Story) -> None:
    first, second = made.properties(mode="dry-run"), made.properties()
    event = made.update(first, second)
    made.succeed(event)
    made.succeed(made.update(second, first))
    made.invoke(event)
    made.schedule()
    assert len(made.stacks.answers[event["RequestId"]]) == 1
    assert (made.stored.version, made.stored.topology.mode) == (3, "enforce")


def test_a_create_delivered_again_after_the_delete_stores_nothing(story: Story) -> None:
    event = story.create()
    story.succeed(event)
    story.succeed(story.delete())
    story.invoke(event)
    story.schedule()
    assert story.stored is None


def test_what_was_answered_is_forgotten_after_a_day(made: Story) -> None:
    made.schedule(60 * 25)
    assert "request-0" not in made.table()


def test_an_expired_url_ends_it(story: Story) -> None:
    story.stacks.statuses = [403]
    event = story.create()
    story.invoke(event)
    story.tandem.deliver()
    story.schedule()
    assert story.stacks.answer(event) is None
    assert story.stacks.statuses == []
    assert SECRET not in story.table()
    assert story.stored is not None


def test_an_answer_that_nobody_takes_now_is_sent_by_the_schedule(story: Story) -> None:
    story.stacks.statuses = [503] * 3
    event = story.create()
    story.invoke(event)
    with pytest.raises(TemporaryError) as raised:
        story.tandem.deliver()
    assert SECRET not in str(raised.value)
    story.schedule()
    answer = story.stacks.answer(event)
    assert answer is not None
    assert answer["Status"] == "SUCCESS"


@pytest.mark.parametrize(
    "url", ["http://198.51.100.7/x", "file:///etc/passwd", "ftp://127.0.0.1/x", "", "http://["]
)
def test_an_answer_goes_to_no_url_that_cloudformation_would_not_give(story: Story, url: str) -> None:
    event = story.create() | {"ResponseURL": url or "nothing"}
    story.invoke(event)
    story.tandem.deliver()
    assert story.stored is not None
    assert "nothing" not in story.table()


def test_what_is_not_at_its_end_in_time_fails_before_cloudformation_gives_up(story: Story) -> None:
    event = story.create()
    story.invoke(event)
    story.tandem.events()  # the event of the stored topology is lost, and so is the schedule
    story.tandem.settle(49 * 60)
    assert story.stacks.answer(event) is None
    story.tandem.lab.levers.fault("DescribeRouteServers", error="RequestLimitExceeded")
    story.tandem.settle(60)
    with pytest.raises(TemporaryError):
        story.tandem.refresh()
    answer = story.stacks.answer(event)
    assert answer is not None
    assert "not ready after 50 minutes" in answer["Reason"]


def test_a_service_timeout_of_the_template_shortens_the_budget(story: Story) -> None:
    event = story.create(story.properties({"ServiceTimeout": 600}))
    story.invoke(event)
    story.tandem.events()
    story.tandem.lab.levers.fault("DescribeRouteServers", error="RequestLimitExceeded")
    story.tandem.settle(500)
    with pytest.raises(TemporaryError):
        story.tandem.refresh()
    answer = story.stacks.answer(event)
    assert answer is not None
    assert answer["Status"] == "FAILED"


def test_while_the_table_is_away_the_stack_is_told_at_once(story: Story) -> None:
    event = story.create()
    with table_away():
        story.invoke(event)
    answer = story.stacks.answer(event)
    assert answer is not None
    assert answer["Status"] == "FAILED"
    assert "nothing was stored" in answer["Reason"]


def test_what_cannot_be_stored_now_is_taken_up_by_the_schedule(story: Story) -> None:
    event = story.create()
    with table_away("UpdateItem"):
        story.invoke(event)
    assert story.stored is None
    assert story.stacks.answer(event) is None
    story.schedule()
    answer = story.stacks.answer(event)
    assert answer is not None
    assert answer["Status"] == "SUCCESS"


def test_a_later_request_ends_an_earlier_one(story: Story) -> None:
    event = story.create()
    story.invoke(event)
    story.tandem.events()
    story.tandem.settle(1)
    story.succeed(story.delete())
    answer = story.stacks.answer(event)
    assert answer is not None
    assert "a later request" in answer["Reason"]
    assert story.stored is None


def test_an_event_that_cloudformation_never_sends_is_an_error(story: Story) -> None:
    with pytest.raises(Exception, match="no request of CloudFormation: StackId") as raised:
        story.invoke(story.create() | {"StackId": ""})
    assert SECRET not in str(raised.value)


def test_no_log_line_and_no_event_shows_the_url(story: Story) -> None:
    written, logger = io.StringIO(), story.tandem.app.logger
    handler = logging.StreamHandler(written)
    handler.setFormatter(logger.registered_formatter)
    logger.addHandler(handler)
    logger.setLevel("DEBUG")
    story.invoke(story.create())
    story.stacks.statuses = [500, 500, 500, 403]
    events = story.tandem.events()
    with pytest.raises(TemporaryError):
        story.invoke(events[0])
    story.schedule()
    assert "cloudformation refused the answer" in written.getvalue()
    assert SECRET not in written.getvalue() + json.dumps([*events, *story.tandem.events()])


# ---- killed


WRITES = ("PutItem", "UpdateItem", "DeleteItem", "PutEvents")


def asked(story: Story, kind: str) -> dict[str, Any]:
    """A request of that kind; each but the first has its topology stored already."""
    first, second = story.properties(), story.properties(mode="dry-run")
    if kind == "Create":
        return story.create(first)
    story.succeed(story.create(first))
    match kind:
        case "Update":
            return story.update(second, first)
        case "Nothing new":
            return story.update(story.properties({"OnDelete": "delete"}), first)
        case "Refused":
            return story.update(story.properties(groups=[]), first)
    return story.delete(first)


def assert_ended(story: Story, kind: str, event: dict[str, Any]) -> None:
    """One answer, and what is stored agrees with it."""
    answer = story.stacks.answer(event)
    assert answer is not None
    assert answer["Status"] == ("FAILED" if kind == "Refused" else "SUCCESS"), answer
    assert SECRET not in story.table()
    if kind == "Delete":
        assert story.stored is None
        assert story.tandem.subscribed() == {}
        return
    expected = (2, "dry-run") if kind == "Update" else (1, "enforce")
    assert (story.stored.version, story.stored.topology.mode) == expected
    assert answer.get("Data", {}).get("Version", str(expected[0])) == str(expected[0])
    assert story.tandem.delivered() == story.tandem.peer_ids()
    story.succeed(story.delete())


@pytest.mark.parametrize("kind", ["Create", "Update", "Nothing new", "Refused", "Delete"])
def test_killed_after_any_write_there_is_one_answer_that_agrees_with_what_is_stored(
    story: Story, kind: str
) -> None:
    event = asked(story, kind)
    with fuse() as burning:
        story.invoke(event)
        story.tandem.deliver()
    assert_ended(story, kind, event)
    points = [number for number, call in enumerate(burning.calls, start=1) if call in WRITES]
    assert len(points) >= 3
    for point in points:
        event = asked(story, kind)
        with fuse(point, after=True), suppress(Killed):
            story.invoke(event)
            story.tandem.deliver()
            pytest.fail("it was not killed")
        story.invoke(event)  # Lambda tries again
        story.tandem.deliver()
        story.schedule(6)
        assert_ended(story, kind, event)


def test_killed_while_it_takes_back_what_watched_it_a_delete_ends_all_the_same(story: Story) -> None:
    for point in range(2, 100):  # the first one writes the request down
        event = asked(story, "Delete")
        try:
            story.invoke(event, kill_at=point)
        except Killed:
            story.schedule(6)  # Lambda's own retry is lost too
            assert_ended(story, "Delete", event)
            continue
        break
    assert point > 5
