"""Stacks that roll back: what was there before is in force again, and nothing of theirs stays behind."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from unittest import mock

import pytest

from tests.cloudformation import DOOR, GENERATED, Story, custom_resource
from tests.crashing import Killed, meanwhile
from tests.provisioning import provisioner
from tests.shared_worlds import begins_in
from tests.tiers import prove


@pytest.fixture
@begins_in(provisioner)
def story():
    with custom_resource() as story:
        yield story


@pytest.fixture
def made(story: Story):
    story.succeed(story.create())
    return story


def is_gone(story: Story) -> bool:
    return story.stored is None and story.tandem.subscribed() == {} and story.tandem.delivered() == set()


def failed_create(story: Story, properties: dict[str, Any]) -> dict[str, Any]:
    """A Create that is stored, and whose run fails."""
    event = story.create(properties)
    story.tandem.settle(1)
    story.invoke(event)
    story.tandem.lab.levers.fault("DescribeRouteServers", error="UnauthorizedOperation")
    story.tandem.deliver()
    story.tandem.lab.levers.faults_clear()
    answer = story.stacks.answer(event)
    assert answer is not None
    assert answer["Status"] == "FAILED"
    return event


@pytest.mark.parametrize("physical_id", [GENERATED, "7b6a3a1c"])
def test_a_create_that_was_cancelled_before_its_answer_goes(story: Story, physical_id: str) -> None:
    event = story.create()
    story.invoke(event)
    story.tandem.events()
    assert story.succeed(story.delete(PhysicalResourceId=physical_id))["PhysicalResourceId"] == physical_id
    answer = story.stacks.answer(event)
    assert answer is not None
    assert answer["Status"] == "FAILED"
    assert is_gone(story)


def test_a_create_that_was_answered_after_it_was_cancelled_goes(made: Story) -> None:
    made.succeed(made.delete(PhysicalResourceId=GENERATED))
    assert is_gone(made)


def test_of_a_create_that_was_cancelled_what_another_has_taken_over_stays(story: Story) -> None:
    story.invoke(story.create())
    story.tandem.apply(take_over=True)
    story.tandem.deliver()
    story.succeed(story.delete(PhysicalResourceId=GENERATED))
    assert story.stored.door == "cli"


def test_a_generated_id_of_another_resource_takes_nothing_along(made: Story) -> None:
    made.succeed(made.delete(PhysicalResourceId="network-Edge2-1V5BBXN2GLJ0E"))
    made.succeed(made.delete(PhysicalResourceId=GENERATED, logical_id="Copy"))
    assert made.stored.door == DOOR


def test_the_rollback_of_a_refused_update_gives_what_getatt_gave(story: Story) -> None:
    before = story.succeed(story.create())["Data"]
    good, bad = story.properties(), story.properties(groups=[])
    story.fail(story.update(bad, good))
    assert story.succeed(story.update(good, bad))["Data"] == before


def test_the_rollback_of_an_update_that_was_stored_though_it_failed_is_stored(made: Story) -> None:
    good, other = made.properties(), made.properties({"ServiceTimeout": 60}, mode="dry-run")
    event = made.update(other, good)
    made.tandem.settle(1)
    with mock.patch.object(made.tandem.app.RequestStore, "accept", side_effect=Killed), suppress(Killed):
        made.invoke(event)
    made.tandem.settle(60)
    made.fail(event)
    assert made.stored.topology.mode == "dry-run"
    assert made.succeed(made.update(good, other))["Data"]["Version"] == "3"
    assert made.stored.topology.mode == "enforce"


def test_a_damaged_topology_is_not_said_to_be_deleted(made: Story) -> None:
    made.tandem.put_item(document={"S": "{"})
    assert "the stored topology edge is damaged" in made.fail(made.delete())
    assert made.tandem.delivered() == made.tandem.peer_ids()


def test_a_topology_that_is_damaged_on_the_way_fails_with_that_reason(story: Story) -> None:
    event = story.create()
    story.invoke(event)
    story.tandem.put_item(document={"S": "{"})
    story.schedule()
    answer = story.stacks.answer(event)
    assert answer is not None
    assert "the stored topology edge is damaged" in answer["Reason"]


def test_a_create_that_a_damaged_topology_refused_is_deleted_in_peace(story: Story) -> None:
    story.tandem.apply()
    story.tandem.put_item(document={"S": "{"})
    assert "is damaged" in story.fail(story.create())
    story.succeed(story.delete())


@pytest.mark.parametrize("days", [0, 3])
def test_what_a_failed_create_took_over_is_given_back_as_it_was(story: Story, days: int) -> None:
    story.tandem.apply(story.tandem.document(mode="enforce"))
    story.tandem.deliver()
    taken = story.properties({"TakeOver": True}, mode="dry-run")
    failed_create(story, taken)
    assert (story.stored.door, story.stored.topology.mode) == (DOOR, "dry-run")
    story.schedule(days * 24 * 60 + 5)
    story.succeed(story.delete(taken))
    assert (story.stored.door, story.stored.topology.mode) == ("cli", "enforce")
    assert story.stored.provisioned.version == story.stored.version
    assert story.tandem.delivered() == story.tandem.peer_ids()


def test_what_a_create_tried_twice_took_over_is_given_back(story: Story) -> None:
    story.tandem.apply(story.tandem.document(mode="enforce"))
    taken = story.properties({"TakeOver": True}, mode="dry-run")
    failed_create(story, taken)
    failed_create(story, taken | {"AllowInterruption": True})
    story.succeed(story.delete(taken))
    assert (story.stored.door, story.stored.topology.mode) == ("cli", "enforce")


def test_what_a_create_took_over_and_kept_goes_with_it(story: Story) -> None:
    story.tandem.apply()
    taken = story.properties({"TakeOver": True})
    story.succeed(story.create(taken))
    story.succeed(story.delete(taken))
    assert is_gone(story)


@pytest.mark.parametrize("days", [0, 3])
def test_what_is_taken_over_in_a_second_attempt_goes_with_it(story: Story, days: int) -> None:
    taken = story.properties({"TakeOver": True}, mode="dry-run")
    for attempt in (failed_create, lambda _, wanted: story.succeed(story.create(wanted))):
        story.tandem.apply(story.tandem.document(mode="enforce"))
        story.tandem.deliver()
        attempt(story, taken)
        if attempt is failed_create:
            story.succeed(story.delete(taken))
    for _ in range(days):
        story.schedule(24 * 60 + 5)
    story.succeed(story.delete(taken))
    assert is_gone(story)


def test_what_is_taken_over_again_in_vain_is_given_back(story: Story) -> None:
    taken = story.properties({"TakeOver": True}, mode="dry-run")
    story.succeed(story.create(taken))
    story.succeed(story.delete(taken))
    story.tandem.apply(story.tandem.document(mode="enforce"))
    failed_create(story, taken)
    story.succeed(story.delete(taken))
    assert (story.stored.door, story.stored.topology.mode) == ("cli", "enforce")


def test_a_failed_create_is_forgotten_once_nothing_of_it_is_left(story: Story) -> None:
    event = failed_create(story, story.properties())
    story.schedule(60 * 25)
    assert event["RequestId"] in story.table()
    story.succeed(story.delete())
    story.schedule(60 * 25)
    assert event["RequestId"] not in story.table()


def test_what_a_failed_replacement_took_over_is_given_back(made: Story) -> None:
    made.tandem.apply(made.tandem.other(mode="enforce"))
    event = made.update(made.renamed({"TakeOver": True}), made.properties())
    made.tandem.settle(1)
    made.invoke(event)
    assert made.tandem.record("transit").door == DOOR
    made.tandem.lab.levers.fault("DescribeRouteServers", error="UnauthorizedOperation")
    made.tandem.deliver()
    made.tandem.lab.levers.faults_clear()
    assert made.tandem.record("transit").door == "cli"


def two(story: Story, kind: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A request, and the one that takes its place."""
    good, other = story.properties(), story.properties(mode="dry-run")
    match kind:
        case "Create":
            return story.create(good), story.delete(good, PhysicalResourceId=GENERATED)
        case "TakeOver":
            taken = other | {"TakeOver": True}
            return story.create(taken), story.delete(taken, PhysicalResourceId=GENERATED)
        case "Update":
            return story.update(other, good), story.update(good, other)
    return story.update(story.renamed(), good), story.update(good, story.renamed())


@pytest.mark.parametrize("kind", ["Create", "TakeOver", "Update", "Replacement"])
@prove
def test_whenever_a_later_request_comes_it_has_the_last_word(story: Story, kind: str) -> None:
    """It comes before any AWS call of the earlier one, which goes on then."""
    if kind == "TakeOver":
        story.tandem.apply(story.tandem.document(mode="enforce"))
    if kind in ("Update", "Replacement"):
        story.succeed(story.create())
    for number in range(2, 100):  # the first one writes the request down
        story.tandem.deliver()
        earlier, later = two(story, kind)

        def comes(later: dict[str, Any] = later) -> None:
            story.tandem.settle(1)
            story.invoke(later)

        story.tandem.settle(1)
        with meanwhile(number, comes):
            story.invoke(earlier)
        is_over = later["RequestId"] not in story.table()
        story.tandem.deliver()
        story.schedule(6)
        if is_over:
            break
        answer = story.stacks.answer(later)
        assert answer is not None
        assert (number, answer["Status"]) == (number, "SUCCESS")
        assert story.stacks.answer(earlier) is not None
        found = None if story.stored is None else (story.stored.door, story.stored.topology.mode)
        expected = {"Create": None, "TakeOver": ("cli", "enforce")}
        assert (number, found) == (number, expected.get(kind, (DOOR, "enforce")))
        assert story.tandem.record("transit") is None
        assert (story.tandem.delivered() == set()) is (found is None)
    assert number > 8
