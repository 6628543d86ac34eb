"""Every request of CloudFormation is answered once, in time, and nobody else sees where."""

from __future__ import annotations

import io
import json
import logging

import boto3
import pytest

from tandem.errors import TemporaryError
from tests.cloudformation import DOOR, SECRET, STACK, Story, custom_resource
from tests.crashing import table_away
from tests.provisioning import provisioner
from tests.shared_worlds import begins_in


@pytest.fixture
@begins_in(provisioner)
def story():
    with custom_resource() as story:
        yield story


@pytest.fixture
def made(story: Story):
    story.succeed(story.create())
    return story


def test_the_answer_has_no_content_type_as_its_url_is_signed(story: Story) -> None:
    story.succeed(story.create())
    (headers,) = story.stacks.headers
    assert headers.get("Content-Type", "") == ""


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
    story.tandem.settle(480)
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


def test_an_event_that_cloudformation_never_sends_is_an_error(story: Story) -> None:
    with pytest.raises(Exception, match="not a request of CloudFormation: StackId") as raised:
        story.invoke(story.create() | {"StackId": ""})
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("url", ["http://198.51.100.7/x", "https://example.com/x", "http://[", "nothing"])
def test_a_request_whose_url_is_not_cloudformations_does_nothing_and_people_are_told(
    story: Story, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    story.tandem.app.logger.setLevel("ERROR")
    story.invoke(story.create() | {"ResponseURL": f"{url}?{SECRET}"})
    (told,) = story.tandem.events()
    assert (told["detail-type"], told["detail"]["rule"]) == ("Compliance Finding", "answer-url")
    assert told["detail"]["resource_id"] == STACK
    assert SECRET not in json.dumps(told) + story.table()
    assert story.stored is None
    assert '"AnswerRefused":[1.0]' in capsys.readouterr().out.replace(" ", "")
    story.schedule()
    assert story.stacks.answers == {}


def test_a_request_that_was_stored_before_is_judged_when_it_is_answered(story: Story) -> None:
    event = story.create()
    with table_away("UpdateItem"):
        story.invoke(event)
    key = {"kind": {"S": "request"}, "id": {"S": f"{DOOR}#{event['RequestId']}"}}
    boto3.client("dynamodb").update_item(
        TableName="tandem-state",
        Key=key,
        UpdateExpression="SET #url = :url",
        ExpressionAttributeNames={"#url": "url"},
        ExpressionAttributeValues={":url": {"S": f"https://example.com/{SECRET}"}},
    )
    story.tandem.settle(360)
    story.tandem.refresh()
    (stored,) = (e for e in story.tandem.events() if e["detail-type"] == "Topology Change")
    story.invoke(stored)
    told = [e["detail-type"] for e in story.tandem.events()]
    assert "Compliance Finding" in told
    assert story.stacks.answers == {}
    assert SECRET not in story.table()


def test_a_redirect_is_not_followed(story: Story) -> None:
    elsewhere = "/elsewhere"
    story.stacks.statuses, story.stacks.location = [307] * 3, elsewhere
    event = story.create()
    story.invoke(event)
    with pytest.raises(TemporaryError, match="HTTP 307"):
        story.tandem.deliver()
    assert story.stacks.answers == {}
    story.schedule()
    assert story.stacks.answer(event) is not None


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
