"""Stories of topologies that go by the command line: forgotten, or with all that was created for them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any
from unittest import mock

import boto3
import pytest

from lab.ec2.timings import Behaviour, DeletedTable
from tests.functions import Context
from tests.managing import (
    SLOW,
    Managed,
    converged,
    delete_all,
    managed,
    nothing_is_left,
    pass_minutes,
    strangers_peer,
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
@begins_in(converged, SLOW)
def slow():
    """The same where AWS takes its minutes."""
    with converged(SLOW) as tandem:
        tandem.settle(60)
        tandem.events()
        yield tandem


def changes(tandem: Managed) -> list[str]:
    return [e["detail"]["change"] for e in tandem.events() if e["detail-type"] == "Topology Change"]


def test_without_its_resources_a_topology_is_only_forgotten(there: Managed) -> None:
    before = there.everything()
    assert there.delete()["deleted"] is True
    assert there.record() is None
    assert there.everything() == before


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
    assert changes(there) == ["deleting", "deleted"]


def lose_the_table(tandem: Managed) -> str:
    """Somebody deletes a route table that the route server propagates to."""
    ec2, table = boto3.client("ec2"), tandem.wanted()["route_server"]["propagate_to"][0]
    (shown,) = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    for association in shown["Associations"]:
        ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
    ec2.delete_route_table(RouteTableId=table)
    return str(table)


@pytest.mark.parametrize("became", [DeletedTable.ENDS, DeletedTable.LEAVES, DeletedTable.FORGETS])
def test_a_route_table_that_is_gone_keeps_nothing_from_going(became: DeletedTable) -> None:
    with managed(behaviour=Behaviour(deleted_table=became)) as tandem:
        tandem.run()
        table = lose_the_table(tandem)
        answer = delete_all(tandem)
        assert (answer["deleted"], answer["problems"], answer["pending"]) == (True, [], [])
        assert nothing_is_left(tandem)
        disabled = [step for step in answer["steps"] if step.startswith(f"disabled propagation to {table}")]
        is_listed = became is not DeletedTable.ENDS
        assert tandem.changes.count("ec2:DisableRouteServerPropagation") == len(disabled) == is_listed


def test_where_aws_refuses_for_a_route_table_that_is_gone_it_says_so() -> None:
    with managed(behaviour=Behaviour(deleted_table=DeletedTable.HOLDS)) as tandem:
        tandem.run()
        table = lose_the_table(tandem)
        delete_all(tandem)
        pass_minutes(tandem, 3)
        found = tandem.record().provisioned
        assert found.pending[0].startswith("disassociate rs-")
        assert f"has propagations: {table}" in found.failure
        assert "ec2:DisableRouteServerPropagation" not in tandem.changes


@prove
def test_what_aws_takes_long_to_delete_the_schedule_brings_to_its_end(slow: Managed) -> None:
    answer = delete_all(slow)
    assert answer["deleted"] is False
    assert answer["pending"]
    assert slow.record().is_leaving
    pass_minutes(slow, 30)
    assert nothing_is_left(slow)


@prove
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


def test_a_deletion_that_failed_says_that_nothing_is_moved_and_the_brake_still_works(there: Managed) -> None:
    strangers_peer(there)
    (problem,) = delete_all(there)["problems"]
    assert "nobody moves its addresses" in problem["what"]
    assert there.apply(there.wanted() | {"mode": "dry-run"})["problems"] == []
    assert there.record().is_leaving is False


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


def test_a_newer_version_ends_the_deletion_and_makes_anew_what_is_gone(slow: Managed) -> None:
    before = slow.world()
    delete_all(slow)
    pass_minutes(slow, 1)
    slow.run(slow.wanted() | {"mode": "dry-run"})
    assert slow.record().is_leaving is False
    assert slow.world() == before


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
    assert problem["what"] == "version 2 of edge is stored now, not version 1"
    assert there.changes == []


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
