"""Stories of topologies that go with their CloudFormation stack, or outlive it."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import boto3
import pytest

from tests.cloudformation import GENERATED, PHYSICAL, CloudFormation, cloudformation
from tests.crashing import Killed
from tests.managing import (
    SLOW,
    Managed,
    converged,
    delete_all,
    managed,
    nothing_is_left,
    pass_minutes,
    strangers_peer,
    tags,
)
from tests.shared_worlds import begins_in
from tests.tiers import prove


@pytest.fixture
@begins_in(converged)
def there():
    with converged() as tandem:
        tandem.settle(60)
        tandem.events()
        yield tandem


@pytest.fixture
def stacks():
    with cloudformation() as found:
        yield found


def properties(tandem: Managed, **changes: Any) -> dict[str, Any]:
    return {"Topology": tandem.wanted(**changes), "OnDelete": "delete"}


def create(tandem: Managed, stacks: CloudFormation) -> dict[str, Any]:
    """Creates the topology; what its stack was told."""
    event = stacks.request("Create", properties(tandem))
    tandem.invoke(event)
    tandem.deliver()
    answer = stacks.answer(event)
    assert answer is not None
    assert answer["Status"] == "SUCCESS", answer
    return answer


def deletion(tandem: Managed, stacks: CloudFormation) -> dict[str, Any]:
    return stacks.request("Delete", properties(tandem), PhysicalResourceId=PHYSICAL)


@pytest.mark.parametrize("timings", [None, SLOW], ids=["seconds", "minutes"])
def test_a_stack_that_goes_takes_what_it_made_along(timings: Any, stacks: CloudFormation) -> None:
    with managed(*[timings] if timings else []) as tandem:
        answer = create(tandem, stacks)
        addresses = {tags(e)["tandem:endpoint"]: e["EniAddress"] for e in tandem.endpoints()}
        given = {f"EndpointAddresses.{name}": address for name, address in addresses.items()}
        assert len(given) == 4
        assert given.items() <= answer["Data"].items()
        event = deletion(tandem, stacks)
        tandem.invoke(event)
        if timings:
            assert stacks.answer(event) is None
            assert tandem.record().is_leaving
        pass_minutes(tandem, 30 if timings else 0)
        answered = stacks.answer(event)
        assert answered is not None
        assert answered["Status"] == "SUCCESS"
        assert nothing_is_left(tandem)


@begins_in(managed, SLOW)
@prove
def test_what_a_cancelled_create_has_made_by_then_goes_with_its_stack(stacks: CloudFormation) -> None:
    with managed(SLOW) as tandem:
        tandem.invoke(stacks.request("Create", properties(tandem)))
        tandem.deliver()
        assert tandem.everything()
        tandem.settle(60)
        event = stacks.request("Delete", properties(tandem), PhysicalResourceId=GENERATED)
        tandem.invoke(event)
        assert stacks.answer(event) is None
        pass_minutes(tandem, 30)
        answer = stacks.answer(event)
        assert answer is not None
        assert answer["Status"] == "SUCCESS"
        assert nothing_is_left(tandem)


def test_a_deletion_that_cannot_end_says_why_and_can_be_asked_for_again(
    there: Managed, stacks: CloudFormation
) -> None:
    there.delete()
    there.events()
    create(there, stacks)
    stranger = strangers_peer(there)
    event = deletion(there, stacks)
    there.invoke(event)
    answer = stacks.answer(event)
    assert answer is not None
    assert answer["Status"] == "FAILED"
    assert stranger in answer["Reason"]
    boto3.client("ec2").delete_route_server_peer(RouteServerPeerId=stranger)
    there.settle(60)
    event = deletion(there, stacks)
    there.invoke(event)
    answer = stacks.answer(event)
    assert answer is not None
    assert answer["Status"] == "SUCCESS", answer
    assert nothing_is_left(there)


@prove
def test_a_deletion_that_takes_too_long_fails_with_what_it_waits_for(
    there: Managed, stacks: CloudFormation
) -> None:
    there.delete()
    there.events()
    create(there, stacks)
    there.lab.levers.fault("DeleteRouteServerEndpoint", error="IncorrectState")
    event = deletion(there, stacks)
    event["ResourceProperties"]["ServiceTimeout"] = "1200"
    began = there.app.clock.now()
    there.invoke(event)
    while stacks.answer(event) is None:
        pass_minutes(there, 1)
    assert timedelta(minutes=16) <= there.app.clock.now() - began <= timedelta(minutes=20)
    answer = stacks.answer(event)
    assert answer is not None
    assert answer["Status"] == "FAILED"
    assert "rse-" in answer["Reason"]


def test_forgotten_created_again_and_then_deleted_leaves_nothing(
    there: Managed, stacks: CloudFormation
) -> None:
    before = there.world()
    there.delete()
    there.events()
    create(there, stacks)
    assert there.world() == before
    event = deletion(there, stacks)
    there.invoke(event)
    answer = stacks.answer(event)
    assert answer is not None
    assert answer["Status"] == "SUCCESS", answer
    assert nothing_is_left(there)


@begins_in(managed, SLOW)
def test_a_stack_that_wants_it_again_ends_a_deletion(stacks: CloudFormation) -> None:
    with managed(SLOW) as tandem:
        create(tandem, stacks)
        tandem.invoke(deletion(tandem, stacks))
        assert tandem.record().is_leaving
        event = stacks.request(
            "Update", properties(tandem), old=properties(tandem), PhysicalResourceId=PHYSICAL
        )
        tandem.settle(1)
        tandem.invoke(event)
        assert tandem.record().is_leaving is False


def test_a_route_server_that_another_topology_needs_stays(there: Managed, stacks: CloudFormation) -> None:
    server = there.servers()[0]["RouteServerId"]
    groups = [{"name": "transit", "prefixes": ["10.20.0.0/16"]}]
    watcher = there.document(name="watcher", manage=False, groups=groups)
    watcher["route_server"]["id"] = server
    assert there.apply(watcher)["problems"] == []
    for order in ({"check": True}, {}):
        (problem,) = delete_all(there, **order)["problems"]
        assert problem["what"] == f"{server} serves watcher as well"
    assert there.delete()["deleted"] is True
    there.events()
    create(there, stacks)
    event = deletion(there, stacks)
    there.settle(1)
    there.invoke(event)
    answer = stacks.answer(event)
    assert answer is not None
    assert f"{server} serves watcher as well" in answer["Reason"]
    assert len(there.peers()) == 4


def test_taking_over_what_is_to_go_with_the_stack_is_refused(there: Managed, stacks: CloudFormation) -> None:
    event = stacks.request("Create", properties(there) | {"TakeOver": True})
    there.invoke(event)
    answer = stacks.answer(event)
    assert answer is not None
    assert "deleting the stack would delete what existed before it" in answer["Reason"]
    assert there.record().door == "cli"


@begins_in(managed)
def test_a_replacement_that_fails_leaves_nothing_that_costs_money(stacks: CloudFormation) -> None:
    with managed() as tandem:
        old = properties(tandem)
        create(tandem, stacks)
        before = {row["Tags"][0]["Value"]: None for row in tandem.servers()}
        group = {"name": "transit", "prefixes": ["10.20.0.0/16"]}
        new = properties(tandem, name="transit", groups=[group])
        tandem.lab.levers.fault("CreateRouteServerPeer", error="UnauthorizedOperation")
        event = stacks.request("Update", new, old=old, PhysicalResourceId=PHYSICAL)
        tandem.invoke(event)
        pass_minutes(tandem, 10)
        answer = stacks.answer(event)
        assert answer is not None
        assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", PHYSICAL)
        pass_minutes(tandem, 5)
        assert tandem.record("transit") is None
        assert {row["Tags"][0]["Value"]: None for row in tandem.servers()} == before
        assert {tags(e)["tandem:topology"] for e in tandem.endpoints()} == {"edge"}


@begins_in(managed)
def test_the_rollback_of_a_rename_never_takes_the_old_topology_away(stacks: CloudFormation) -> None:
    with managed() as tandem:
        old = properties(tandem)
        create(tandem, stacks)
        groups = [{"name": "transit", "prefixes": ["10.20.0.0/16"]}]
        new = properties(tandem, name="transit", groups=groups)
        tandem.settle(1)
        tandem.invoke(stacks.request("Update", new, old=old, PhysicalResourceId=PHYSICAL))
        tandem.deliver()
        assert tandem.record("transit").provisioned.failure is None
        before = {e["RouteServerEndpointId"] for e in tandem.endpoints()}
        tandem.lab.levers.fault("DescribeRouteServers", error="UnauthorizedOperation", count=2)
        event = stacks.request("Update", old, old=new, PhysicalResourceId="tandem:network:transit")
        tandem.settle(1)
        tandem.invoke(event)
        answer = stacks.answer(event)
        assert answer is not None
        assert answer["Status"] == "FAILED"
        tandem.lab.levers.faults_clear()
        pass_minutes(tandem, 5)
        assert tandem.record().is_leaving is False
        assert {e["RouteServerEndpointId"] for e in tandem.endpoints()} == before


@begins_in(managed)
def test_killed_after_any_changing_call_a_deletion_comes_to_its_end(stacks: CloudFormation) -> None:
    """Each invocation of the function dies one changing call later than the one before it."""
    with managed() as tandem:
        create(tandem, stacks)
        event = deletion(tandem, stacks)
        deaths = 0
        for kill_at in range(1, 60):
            vars(tandem.app)["OWNER"] = f"process-{kill_at}"
            with suppress(Killed):
                tandem.invoke(event, kill_at=kill_at)
                break
            deaths += 1
            tandem.settle(60)
        assert deaths > 10
        answer = stacks.answer(event)
        assert answer is not None
        assert answer["Status"] == "SUCCESS"
        assert nothing_is_left(tandem)


@pytest.mark.parametrize("kill_at", range(3, 8))
@begins_in(managed)
def test_deleted_while_aws_does_not_show_the_route_server_yet_nothing_is_left(
    stacks: CloudFormation, kill_at: int
) -> None:
    """The run that creates it dies; describes lag."""
    with managed() as tandem:
        tandem.lab.levers.fault("DescribeRouteServers", lag_s=8)
        tandem.invoke(stacks.request("Create", properties(tandem)))
        stored, _ = tandem.events()
        with suppress(Killed):
            tandem.invoke(stored, kill_at=kill_at)
        vars(tandem.app)["OWNER"] = "another"
        tandem.settle(1)
        event = deletion(tandem, stacks)
        tandem.invoke(event)
        pass_minutes(tandem, 5)
        tandem.settle(60)
        answer = stacks.answer(event)
        assert answer is not None
        assert answer["Status"] == "SUCCESS", answer
        assert nothing_is_left(tandem)
