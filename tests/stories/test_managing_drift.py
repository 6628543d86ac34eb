"""Stories of what somebody else changes, and of what fails at AWS: told, and repaired where it is managed."""

from __future__ import annotations

from typing import Any
from unittest import mock

import boto3
import pytest

from lab.ec2.timings import Behaviour, DeletedTable
from tests.managing import Managed, converged, managed, other_table, tags
from tests.provisioning import provisioner as watched
from tests.shared_worlds import begins_in
from tests.topologies import set_at


@pytest.fixture
@begins_in(converged)
def there():
    with converged() as tandem:
        yield tandem


def drift(tandem: Managed) -> list[dict[str, Any]]:
    return [e["detail"] for e in tandem.events() if e["detail-type"] == "Drift Detected"]


def test_a_peer_that_somebody_deleted_is_drift_and_is_made_again(there: Managed) -> None:
    before = there.world()
    there.settle(60)
    gone = there.peers()[0]["RouteServerPeerId"]
    boto3.client("ec2").delete_route_server_peer(RouteServerPeerId=gone)
    there.settle(30)
    there.refresh()
    there.converge()
    told = drift(there)
    assert [d["observed"] for d in told] == [None]
    assert "fw1 at az1-a" in told[0]["expected"]
    assert there.world() == before
    there.refresh()
    assert there.changes == []
    assert drift(there) == []


def test_a_propagation_to_a_route_table_that_is_gone_is_left_alone() -> None:
    with managed(behaviour=Behaviour(deleted_table=DeletedTable.FORGETS)) as there:
        there.run()
        there.events()
        ec2, wanted = boto3.client("ec2"), there.wanted()
        (old,) = wanted["route_server"]["propagate_to"]
        (shown,) = ec2.describe_route_tables(RouteTableIds=[old])["RouteTables"]
        table = other_table(shown["VpcId"])
        for association in shown["Associations"]:
            ec2.replace_route_table_association(
                AssociationId=association["RouteTableAssociationId"], RouteTableId=table
            )
        ec2.delete_route_table(RouteTableId=old)
        there.run(set_at(wanted, "route_server.propagate_to", [table]))
        assert there.record().provisioned.failure is None
        there.events()
        for _ in range(2):
            there.settle(120)
            there.refresh()
            assert there.changes == []
            assert drift(there) == []


def test_an_endpoint_that_failed_is_replaced_and_awss_reason_told(there: Managed) -> None:
    there.settle(60)
    before = there.world()
    broken = next(e for e in there.endpoints() if tags(e)["tandem:endpoint"] == "az2-b")
    for peer in there.peers():
        if peer["RouteServerEndpointId"] == broken["RouteServerEndpointId"]:
            there.lab.levers.resource(peer["RouteServerPeerId"], "failed", "no capacity")
    there.lab.levers.resource(broken["RouteServerEndpointId"], "failed", "no capacity")
    there.refresh()
    there.converge()
    assert any("no capacity" in d["summary"] for d in drift(there))
    assert broken["RouteServerEndpointId"] not in [e["RouteServerEndpointId"] for e in there.endpoints()]
    assert there.world() == before


def failing(tandem: Managed, endpoint: str) -> None:
    """AWS fails this endpoint, and the peers at it."""
    levers = tandem.lab.levers
    for row in tandem.endpoints():
        if tags(row)["tandem:endpoint"] == endpoint and row["State"] in ("pending", "available"):
            for peer in tandem.peers():
                is_there = peer["RouteServerEndpointId"] == row["RouteServerEndpointId"]
                if is_there and peer["State"] in ("pending", "available"):
                    levers.resource(peer["RouteServerPeerId"], "failed", "no capacity")
            levers.resource(row["RouteServerEndpointId"], "failed", "no capacity")


def test_an_endpoint_that_fails_each_time_is_given_up_until_the_document_changes(there: Managed) -> None:
    there.settle(60)
    failing(there, "az2-b")
    before, sleep = len(there.every_call), there.app.clock.sleep

    def slept(seconds: float) -> None:
        sleep(seconds)
        failing(there, "az2-b")

    with mock.patch.object(there.app.clock, "sleep", slept):
        for _ in range(6):
            there.settle(60)
            failing(there, "az2-b")
            there.refresh()
    made = [c for c in there.every_call[before:] if c == "ec2:CreateRouteServerEndpoint"]
    assert len(made) == 2, "the third had been there"
    (told,) = [e["detail"] for e in there.events() if e["detail-type"] == "Provisioning Failed"]
    assert "endpoint az2-b is failed (no capacity), 3 times by now" in told["reason"]
    assert there.record().provisioned.pending == ()
    there.run(set_at(there.wanted(), "route_server.peer_logs", False))
    assert there.world()["states"] == {"available"}
    assert len(there.endpoints()) == 4


@begins_in(watched)
def test_a_terminated_instance_is_one_drift_with_all_that_it_concerns() -> None:
    with watched() as tandem:
        tandem.apply()
        tandem.deliver()
        tandem.events()
        instance = tandem.ids["instances"]["fw1"]
        boto3.client("ec2").terminate_instances(InstanceIds=[instance])
        tandem.settle()
        tandem.refresh()
        (told,) = [e["detail"] for e in tandem.events() if e["detail-type"] == "Drift Detected"]
        assert told["resource_id"] == instance
        assert told["summary"] == f"appliances.fw1.instance_id: {instance} is terminated"
        assert told["concerns"] == [
            f"groups[0].elastic_ips[{n}].targets.fw1.network_interface: "
            f"{tandem.ids['interfaces']['fw1']} is not known in account 123456789012, Region us-east-1"
            for n in range(4)
        ]
        for reservation in tandem.lab.backend.reservations.values():
            # AWS lists a terminated instance for about an hour
            reservation.instances = [i for i in reservation.instances if i.id != instance]
        tandem.refresh()
        assert [e["detail"]["summary"] for e in tandem.events() if e["detail-type"] == "Drift Detected"] == []


@begins_in(watched)
def test_a_watched_route_server_that_differs_is_reported_and_left_alone() -> None:
    with watched() as tandem:
        tandem.apply()
        tandem.deliver()
        tandem.events()
        gone = tandem.ids["peers"]["fw2"]["az2-b"]
        boto3.client("ec2").delete_route_server_peer(RouteServerPeerId=gone)
        tandem.settle()
        tandem.refresh()
        told = [e["detail"] for e in tandem.events() if e["detail-type"] == "Drift Detected"]
        assert "appliances.fw2.peers.az2-b" in told[0]["summary"]
        assert not [c for c in tandem.every_call if "CreateRouteServerPeer" in c]
        tandem.refresh()
        assert [e for e in tandem.events() if e["detail-type"] == "Drift Detected"] == []
