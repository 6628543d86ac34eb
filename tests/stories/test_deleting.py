"""Stories of topologies that go: forgotten, or with everything that Tandem created for them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from unittest import mock

import boto3
import pytest

from tests.cloudformation import CloudFormation, cloudformation
from tests.crashing import Killed
from tests.functions import Context
from tests.managing import QUICK, Managed, managed, tags

PHYSICAL = "tandem:network:edge"
SLOW = replace(QUICK, delete_s=200.0)
"""Children first, and each generation of them takes nearly as long as an invocation has."""


@pytest.fixture
def there():
    with managed() as tandem:
        tandem.run()
        tandem.settle(60)
        tandem.events()
        yield tandem


@pytest.fixture
def slow():
    """The same where AWS takes its minutes."""
    with managed(SLOW) as tandem:
        tandem.run()
        tandem.settle(60)
        tandem.events()
        yield tandem


def everything(tandem: Managed) -> list[dict[str, Any]]:
    return [*tandem.servers(), *tandem.endpoints(), *tandem.peers()]


def nothing_is_left(tandem: Managed) -> bool:
    watched = boto3.client("sns").list_subscriptions()["Subscriptions"] or tandem.delivered()
    return tandem.record() is None and not everything(tandem) and not watched


def delete_all(tandem: Managed, **order: Any) -> dict[str, Any]:
    return tandem.delete(resources=True, **order)


def changes(tandem: Managed) -> list[str]:
    return [e["detail"]["change"] for e in tandem.events() if e["detail-type"] == "Topology Change"]


def pass_minutes(tandem: Managed, minutes: int) -> None:
    """As the schedule does, for so long at most; each event finds its way to the function."""
    for _ in range(minutes):
        if tandem.record() is None:
            return
        tandem.settle(60)
        tandem.invoke({"action": "refresh", "due_only": True})
        tandem.deliver()


def strangers_peer(tandem: Managed) -> str:
    """Somebody else's session at an endpoint that Tandem made."""
    endpoint = tandem.endpoints()[0]["RouteServerEndpointId"]
    made = boto3.client("ec2").create_route_server_peer(
        RouteServerEndpointId=endpoint, PeerAddress="10.0.1.99", BgpOptions={"PeerAsn": 65099}
    )
    tandem.settle(60)
    return str(made["RouteServerPeer"]["RouteServerPeerId"])


# ---- from the command line


def test_without_its_resources_a_topology_is_only_forgotten(there: Managed) -> None:
    before = everything(there)
    assert there.delete()["deleted"] is True
    assert there.record() is None
    assert everything(there) == before


def test_what_would_be_deleted_is_said_first_and_nothing_is_done(there: Managed) -> None:
    answer = delete_all(there, check=True)
    assert len(answer["steps"]) == 4 + 4 + 1 + 1 + 1
    assert answer["steps"][0].startswith("delete peer rsp-")
    assert answer["deleted"] is False
    assert there.changes == []
    assert there.record().is_leaving is False


def test_a_topology_goes_with_everything_that_was_created_for_it(there: Managed) -> None:
    answer = delete_all(there)
    assert (answer["deleted"], answer["problems"], answer["pending"]) == (True, [], [])
    assert nothing_is_left(there)
    assert changes(there) == ["deleted"]


def test_what_aws_takes_long_to_delete_the_schedule_brings_to_its_end(slow: Managed) -> None:
    answer = delete_all(slow)
    assert answer["deleted"] is False
    assert answer["pending"]
    assert slow.record().is_leaving
    pass_minutes(slow, 30)
    assert nothing_is_left(slow)


def test_asked_a_second_time_while_it_goes_on_it_says_what_it_waits_for(slow: Managed) -> None:
    delete_all(slow)
    assert delete_all(slow)["problems"] == []
    pass_minutes(slow, 30)
    assert nothing_is_left(slow)
    assert "no topology edge is stored" in delete_all(slow)["problems"][0]["what"]


def test_what_was_adopted_stays(there: Managed) -> None:
    server = there.servers()[0]["RouteServerId"]
    boto3.client("ec2").create_tags(Resources=[server], Tags=[{"Key": "tandem:adopted", "Value": "true"}])
    assert delete_all(there)["deleted"] is True
    assert [s["RouteServerId"] for s in there.servers()] == [server]
    assert there.endpoints() == there.peers() == []


def test_a_strangers_peer_keeps_the_endpoint_and_the_reason_is_told(there: Managed) -> None:
    stranger = strangers_peer(there)
    (problem,) = delete_all(there)["problems"]
    assert stranger in problem["what"]
    assert [p["RouteServerPeerId"] for p in there.peers()] == [stranger]
    failed = [e["detail"] for e in there.events() if e["detail-type"] == "Provisioning Failed"]
    assert stranger in failed[0]["reason"]
    there.refresh()
    assert [e["detail-type"] for e in there.events()] == []
    boto3.client("ec2").delete_route_server_peer(RouteServerPeerId=stranger)
    there.settle(60)
    assert delete_all(there)["deleted"] is True
    assert nothing_is_left(there)


def test_a_newer_version_ends_the_deletion_and_makes_anew_what_is_gone(slow: Managed) -> None:
    before = slow.world()
    delete_all(slow)
    pass_minutes(slow, 1)
    slow.run(slow.wanted() | {"mode": "dry-run"})
    assert slow.record().is_leaving is False
    assert slow.world() == before


# ---- from CloudFormation


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


# ---- what must not go, and what must not stay


def test_storing_the_same_document_again_ends_a_deletion(slow: Managed) -> None:
    before = slow.world()
    delete_all(slow)
    answer = slow.check(slow.wanted())
    assert "it is being deleted" in answer["changes"][0]
    assert not [step for step in answer["plan"] if step.startswith(("delete", "disassociate"))]
    slow.run(slow.wanted())
    assert slow.record().is_leaving is False
    slow.settle(60)
    slow.refresh()
    assert slow.world() == before


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


def test_a_deletion_that_failed_says_that_nothing_is_moved_and_the_brake_still_works(there: Managed) -> None:
    strangers_peer(there)
    (problem,) = delete_all(there)["problems"]
    assert "nobody moves its addresses" in problem["what"]
    assert there.apply(there.wanted() | {"mode": "dry-run"})["problems"] == []
    assert there.record().is_leaving is False


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


def test_a_route_server_that_lost_its_tags_is_not_said_to_be_gone(there: Managed) -> None:
    server = there.servers()[0]["RouteServerId"]
    ec2 = boto3.client("ec2")
    ec2.delete_tags(Resources=[server], Tags=[{"Key": "tandem:managed-by"}])
    answer = delete_all(there)
    assert (answer["deleted"], len(there.peers())) == (False, 4)
    assert "has lost Tandem's tags" in answer["problems"][0]["what"]
    ec2.create_tags(Resources=[server], Tags=[{"Key": "tandem:managed-by", "Value": "tandem"}])
    assert delete_all(there)["deleted"] is True
    assert nothing_is_left(there)


@pytest.mark.parametrize("kill_at", range(3, 8))
def test_deleted_while_aws_does_not_show_the_route_server_yet_nothing_is_left(
    stacks: CloudFormation, kill_at: int
) -> None:
    """The run that creates it dies; describes lag."""
    with managed() as tandem:
        tandem.lab.levers.fault("DescribeRouteServers", lag_s=8)
        tandem.invoke(stacks.request("Create", properties(tandem)))
        (stored,) = tandem.events()
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


def test_what_was_stored_while_the_deletion_ran_is_not_called_deleted(there: Managed) -> None:
    wanted, clock = there.wanted() | {"mode": "dry-run"}, there.app.clock
    applied: list[dict[str, Any]] = []
    sleep = clock.sleep

    def a_colleague_applies(seconds: float) -> None:
        sleep(seconds)
        if not applied:
            applied.append(there.app.handler({"action": "apply", "document": wanted}, Context()))

    with mock.patch.object(clock, "sleep", a_colleague_applies):
        answer = delete_all(there)
    assert applied[0]["version"] == 2
    assert answer["deleted"] is False
    assert "version 2 was stored meanwhile" in answer["problems"][0]["what"]
    assert there.record().topology.mode == "dry-run"


def test_what_was_looked_at_is_what_is_deleted(there: Managed) -> None:
    seen = delete_all(there, check=True)["version"]
    there.run(there.wanted() | {"mode": "dry-run"})
    (problem,) = delete_all(there, seen=seen)["problems"]
    assert problem["what"] == "version 2 of edge is stored by now, not 1"
    assert there.changes == []


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


def test_taking_over_what_is_to_go_with_the_stack_is_refused(there: Managed, stacks: CloudFormation) -> None:
    event = stacks.request("Create", properties(there) | {"TakeOver": True})
    there.invoke(event)
    answer = stacks.answer(event)
    assert answer is not None
    assert "what was there before the stack would go with it" in answer["Reason"]
    assert there.record().door == "cli"


def test_a_run_that_is_under_way_and_writes_keeps_no_deletion_from_beginning(there: Managed) -> None:
    """Somebody else's run records how far it came, between the read and the first write of the deletion, and
    once more while it runs: then the schedule goes on."""
    store, writes = there.app.store, []
    write = store.set_provisioned

    def after_another(record: Any, provisioned: Any) -> Any:
        writes.append(record)
        if len(writes) in (1, 4):
            now = store.get("edge")
            write(now, replace(now.provisioned, warnings=(f"write {len(writes)}",)))
        return write(record, provisioned)

    with mock.patch.object(type(store), "set_provisioned", lambda _, *given: after_another(*given)):
        write = partial(write.__func__, store)
        answer = delete_all(there)
    assert answer["problems"] == []
    assert there.record() is None or there.record().is_leaving
    pass_minutes(there, 10)
    assert nothing_is_left(there)
