"""The custom resource as stories: what CloudFormation asks of the real function, and what is stored then."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from tests.cloudformation import DOOR, PHYSICAL, STACK, Story, cloudformation, custom_resource
from tests.managing import REALISTIC, managed
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


@begins_in(managed, timings=REALISTIC)
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


def test_an_update_is_a_new_version_of_the_same_resource(made: Story) -> None:
    answer = made.succeed(made.update(made.properties(mode="dry-run"), made.properties()))
    assert (answer["PhysicalResourceId"], answer["Data"]["Version"]) == (PHYSICAL, "2")
    assert made.stored.topology.mode == "dry-run"


def test_an_update_of_nothing_but_the_wrapping_stores_no_version(made: Story) -> None:
    made.succeed(made.update(made.properties({"OnDelete": "delete"}), made.properties()))
    assert made.stored.version == 1


def test_the_brake_works_in_a_broken_world_and_is_done_once_it_is_stored(made: Story) -> None:
    """What the document says is gone, EC2 does not answer, and no run of the provisioner would succeed."""
    enforce, brake = made.properties(), made.properties(mode="dry-run")
    made.tandem.lab.levers.instance(name="fw1", state="terminated")
    made.tandem.settle()
    group = {"name": "transit", "prefixes": ["10.20.0.0/16"]}
    assert "is terminated" in made.fail(made.update(made.properties(groups=[group]), enforce))
    made.tandem.lab.levers.fault("DescribeRouteServers", error="UnauthorizedOperation")
    answer = made.succeed(made.update(brake, enforce))
    assert (answer["PhysicalResourceId"], answer["Data"]["Version"]) == (PHYSICAL, "2")
    assert (made.stored.topology.mode, made.stored.door) == ("dry-run", DOOR)
    assert made.stored.provisioned.failure is not None
    made.succeed(made.update(enforce, brake))
    assert made.stored.topology.mode == "enforce"


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


def test_another_name_is_a_replacement_and_the_old_one_goes_in_the_cleanup(made: Story) -> None:
    old, new = made.properties(), made.renamed()
    answer = made.succeed(made.update(new, old))
    assert answer["PhysicalResourceId"] == "tandem:network:transit"
    assert made.stored is not None
    made.succeed(made.delete(old))
    assert made.stored is None
    assert made.tandem.record("transit").door == DOOR


def test_a_replacement_is_rolled_back_by_an_update_and_a_cleanup(made: Story) -> None:
    old, new = made.properties(), made.renamed()
    made.succeed(made.update(new, old))
    answer = made.succeed(made.update(old, new, PhysicalResourceId="tandem:network:transit"))
    assert answer["PhysicalResourceId"] == PHYSICAL
    made.succeed(made.delete(new, PhysicalResourceId="tandem:network:transit"))
    assert made.tandem.record("transit") is None
    assert (made.stored.door, made.stored.version) == (DOOR, 1)


def test_a_replacement_that_fails_in_the_end_leaves_only_the_old_one(made: Story) -> None:
    event = made.update(made.renamed(), made.properties())
    made.invoke(event)
    assert made.tandem.record("transit") is not None
    made.tandem.lab.levers.fault("DescribeRouteServers", error="UnauthorizedOperation")
    made.tandem.deliver()
    answer = made.stacks.answer(event)
    assert answer is not None
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", PHYSICAL)
    assert made.tandem.record("transit") is None
    assert made.stored is not None


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
