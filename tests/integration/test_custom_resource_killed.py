"""The function killed while it serves CloudFormation: one answer, and what is stored agrees with it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from tests.cloudformation import GENERATED, SECRET, Story, custom_resource
from tests.crashing import Killed, fuse
from tests.provisioning import provisioner
from tests.shared_worlds import begins_in
from tests.tiers import prove


@pytest.fixture
@begins_in(provisioner)
def story():
    with custom_resource() as story:
        yield story


WRITES = ("PutItem", "UpdateItem", "DeleteItem", "PutEvents")


def asked(story: Story, kind: str) -> dict[str, Any]:
    """A request of that kind; each but the first has its topology stored already."""
    first, second = story.properties(), story.properties(mode="dry-run")
    if kind == "Create":
        return story.create(first)
    if kind in ("Cancelled", "Given back"):
        if kind == "Given back":
            story.tandem.apply(first["Topology"])
            second["TakeOver"] = True
        story.tandem.settle(1)
        story.invoke(story.create(second))
        story.tandem.events()
        story.tandem.settle(1)
        return story.delete(second, PhysicalResourceId=GENERATED)
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
    if kind == "Given back":
        assert (story.stored.door, story.stored.topology.mode) == ("cli", "enforce")
        return
    if kind in ("Delete", "Cancelled"):
        assert story.stored is None
        assert story.tandem.subscribed() == {}
        return
    expected = (2, "dry-run") if kind == "Update" else (1, "enforce")
    assert (story.stored.version, story.stored.topology.mode) == expected
    assert answer.get("Data", {}).get("Version", str(expected[0])) == str(expected[0])
    assert story.tandem.delivered() == story.tandem.peer_ids()
    story.succeed(story.delete())


@pytest.mark.parametrize(
    "kind", ["Create", "Update", "Nothing new", "Refused", "Delete", "Cancelled", "Given back"]
)
@prove
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


@prove
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


@prove
def test_killed_after_any_write_a_replacement_that_fails_in_the_end_leaves_nothing(story: Story) -> None:
    old, new = story.properties(), story.renamed({"ServiceTimeout": 60})
    story.succeed(story.create(old))
    with fuse() as burning:
        story.succeed(story.update(new, old))
    story.tandem.delete("transit", take_over=True)
    points = [number for number, call in enumerate(burning.calls, start=1) if call in WRITES]
    ends = set()
    for point in points:
        event = story.update(new, old)
        with fuse(point, after=True), suppress(Killed):
            story.tandem.settle(1)
            story.invoke(event)
        story.tandem.events()
        story.tandem.settle(60)
        story.invoke(event)  # Lambda tries again, too late for what was not begun
        story.schedule(6)
        answer = story.stacks.answer(event)
        assert answer is not None
        is_there = story.tandem.record("transit") is not None
        assert (point, answer["Status"]) == (point, "SUCCESS" if is_there else "FAILED")
        ends.add(is_there)
        story.tandem.delete("transit", take_over=True)
    assert ends == {False, True}
    assert story.stored.version == 1
