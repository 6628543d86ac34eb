"""Tests what makes a topology watched: subscriptions and log deliveries, made, kept and repaired."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock

import boto3
import pytest
from moto.logs.models import LogsBackend

from tandem.errors import TemporaryError
from tests.crashing import Killed
from tests.provisioning import (
    FUNCTION,
    GROUP,
    QUEUE,
    ConflictError,
    ForbiddenError,
    Provisioner,
    provisioner,
    types,
    watching,
)
from tests.shared_worlds import begins_in
from tests.tiers import prove
from tests.topologies import PLACE


@pytest.fixture
@begins_in(provisioner)
def tandem():
    with provisioner() as made:
        yield made


@pytest.fixture
@begins_in(watching)
def watched():
    with watching() as tandem:
        yield tandem


def test_it_is_watched_whole(watched: Provisioner) -> None:
    assert watched.subscribed() == {
        f"{FUNCTION}:failover": {"deadLetterTargetArn": f"{QUEUE}:failover"},
        f"{FUNCTION}:signals": {"deadLetterTargetArn": f"{QUEUE}:signals"},
    }
    assert watched.delivered() == watched.peer_ids()
    found = watched.record().provisioned
    assert found.sns_topic_arn == watched.topic
    assert found.peers == {
        peer_id: name for name, peers in watched.ids["peers"].items() for peer_id in peers.values()
    }
    assert set(found.endpoint_ids) == {e["id"] for e in watched.ids["endpoints"].values()}
    assert set(found.log_deliveries) == watched.peer_ids()
    assert (found.failure, found.warnings) == (None, ())


def test_a_second_run_changes_nothing_and_tells_nothing(watched: Provisioner) -> None:
    for _ in range(2):
        watched.refresh()
        assert watched.changes == []
        assert len(watched.calls) > 5
    assert watched.events() == []


def test_the_bus_event_provisions_that_topology_only(tandem: Provisioner) -> None:
    tandem.apply()
    tandem.apply(tandem.other())
    edge, transit = (e for e in tandem.events() if e["detail-type"] == "Topology Change")
    tandem.invoke(transit)
    assert tandem.record("edge").provisioned is None
    assert tandem.record("transit").provisioned is not None
    tandem.invoke(edge)
    assert tandem.record("edge").provisioned is not None


def test_a_replaced_peer_gets_its_logs_and_the_old_one_is_cleaned_up(watched: Provisioner) -> None:
    ec2, old = boto3.client("ec2"), watched.ids["peers"]["fw2"]["az2-b"]
    ec2.delete_route_server_peer(RouteServerPeerId=old)
    watched.settle()
    watched.refresh()
    assert watched.delivered() == watched.peer_ids() - {old}
    assert old not in str(boto3.client("logs").describe_delivery_sources()["deliverySources"])
    made = ec2.create_route_server_peer(
        RouteServerEndpointId=watched.ids["endpoints"]["az2-b"]["id"],
        PeerAddress="10.0.2.10",
        BgpOptions={"PeerAsn": 65002, "PeerLivenessDetection": "bfd"},
    )["RouteServerPeer"]["RouteServerPeerId"]
    watched.settle()
    watched.refresh()
    assert watched.delivered() == watched.peer_ids() - {old} | {made}
    assert watched.record().provisioned.peers[made] == "fw2"
    assert old not in watched.record().provisioned.log_deliveries


def test_notifications_switched_off_and_on_again(watched: Provisioner) -> None:
    ec2, server = boto3.client("ec2"), watched.ids["route_server_id"]
    ec2.modify_route_server(RouteServerId=server, SnsNotificationsEnabled=False)
    watched.settle()
    watched.refresh()
    assert watched.record().provisioned.sns_topic_arn is None
    assert "SNS notifications off" in watched.record().provisioned.warnings[0]
    ec2.modify_route_server(RouteServerId=server, SnsNotificationsEnabled=True)
    watched.settle()
    watched.refresh()
    assert set(watched.subscribed()) == {f"{FUNCTION}:failover", f"{FUNCTION}:signals"}
    assert watched.record().provisioned.warnings == ()


def drifts(tandem: Provisioner) -> dict[str, str | None]:
    """Returns what a run told as drift, and whose doing it is."""
    tandem.settle()
    tandem.refresh()
    details = [e["detail"] for e in tandem.events() if e["detail-type"] == "Drift Detected"]
    return {d["summary"]: d["actor"] for d in details}


def test_notifications_that_somebody_switched_off_are_drift(watched: Provisioner) -> None:
    server, people = watched.ids["route_server_id"], f"arn:aws:iam::{PLACE.account}:user"
    watched.settle()
    alice, bob = (watched.lab.client(access_key_id=name) for name in ("alice", "bob"))
    alice.modify_route_server(RouteServerId=server, SnsNotificationsEnabled=False)
    watched.settle()
    bob.modify_route_server(RouteServerId=server, PersistRoutes="enable", PersistRoutesDuration=1)
    off = f"route_server.sns_notifications: is true, but {server} has SNS notifications off"
    assert drifts(watched) == {off: f"{people}/alice"}
    for again in (watched.document(), watched.document(mode="dry-run")):
        watched.apply(again)
        assert drifts(watched) == {}
    assert [words.partition(";")[0] for words in watched.record().provisioned.drift] == [off]
    alice.modify_route_server(RouteServerId=server, SnsNotificationsEnabled=True)
    assert drifts(watched) == {}
    assert watched.record().provisioned.drift == ()
    bob.modify_route_server(RouteServerId=server, SnsNotificationsEnabled=False)
    assert drifts(watched) == {off: f"{people}/bob"}


def test_people_are_notified_of_a_difference_and_not_that_a_version_is_provisioned(
    watched: Provisioner,
) -> None:
    ec2 = boto3.client("ec2")
    target = watched.document()["groups"][0]["elastic_ips"][0]["targets"]["fw2"]
    ec2.associate_address(
        AllocationId=ec2.allocate_address(Domain="vpc")["AllocationId"],
        NetworkInterfaceId=target["network_interface"],
        PrivateIpAddress=target["private_ip"],
    )
    watched.refresh()
    assert types(watched.events()) == ["Drift Detected"]
    watched.refresh()
    assert watched.events() == []


def test_persistence_that_somebody_changed_is_drift_where_the_document_states_it(tandem: Provisioner) -> None:
    server = tandem.ids["route_server_id"]
    stated = tandem.document()
    stated["route_server"]["persist_routes"] = "disable"
    tandem.apply(stated)
    tandem.apply(tandem.other())
    assert drifts(tandem) == {}
    carol: Any = tandem.lab.client(access_key_id="carol")
    carol.modify_route_server(RouteServerId=server, PersistRoutes="enable", PersistRoutesDuration=3)
    words = f"route_server.persist_routes: is disable, but {server} has 3"
    assert drifts(tandem) == {words: f"arn:aws:iam::{PLACE.account}:user/carol"}
    assert tandem.record("transit").provisioned.drift == ()


def test_what_was_said_when_it_was_stored_is_no_drift(tandem: Provisioner) -> None:
    """Nobody has changed anything: the document did not fit, and whoever stored it was warned."""
    server = tandem.ids["route_server_id"]
    boto3.client("ec2").modify_route_server(RouteServerId=server, SnsNotificationsEnabled=False)
    tandem.settle()
    stated = tandem.document()
    stated["route_server"]["persist_routes"] = 2
    told = tandem.apply(stated)["warnings"]
    assert any("SNS notifications off" in words for words in told)
    assert f"route_server.persist_routes: is 2, but {server} has disable" in told
    assert drifts(tandem) == {}
    assert drifts(tandem) == {}
    assert len(tandem.record().provisioned.drift) == 2


def test_another_route_server_means_another_topic_and_the_old_subscriptions_go(watched: Provisioner) -> None:
    stranger = "arn:aws:lambda:us-east-1:123456789012:function:somebody-elses"
    old = str(boto3.client("sns").create_topic(Name="old")["TopicArn"])
    for endpoint in (f"{FUNCTION}:failover", f"{FUNCTION}:signals", stranger):
        boto3.client("sns").subscribe(TopicArn=old, Protocol="lambda", Endpoint=endpoint)
    watched.provisioned(sns_topic_arn=old)
    watched.refresh()
    assert set(watched.subscribed(old)) == {stranger}
    assert watched.record().provisioned.sns_topic_arn == watched.topic


def test_peer_logs_and_notifications_can_be_declined(watched: Provisioner) -> None:
    quiet = watched.document()
    quiet["route_server"] |= {"peer_logs": False, "sns_notifications": False}
    watched.apply(quiet)
    watched.deliver()
    assert watched.subscribed() == {}
    assert watched.delivered() == set()
    assert watched.record().provisioned.sns_topic_arn is None
    assert set(watched.record().provisioned.peers) == watched.peer_ids()


def test_a_source_that_somebody_made_before_is_used(tandem: Provisioner) -> None:
    peer_id = min(tandem.peer_ids())
    boto3.client("logs").put_delivery_source(
        name="theirs", resourceArn=PLACE.peer(peer_id), logType="EVENT_LOGS"
    )
    tandem.apply()
    tandem.deliver()
    assert tandem.delivered() == tandem.peer_ids()
    assert tandem.record().provisioned.failure is None


def test_logs_that_go_elsewhere_already_are_a_warning(tandem: Provisioner) -> None:
    logs, peer_id = boto3.client("logs"), min(tandem.peer_ids())
    logs.create_log_group(logGroupName="theirs")
    logs.put_delivery_source(name="theirs", resourceArn=PLACE.peer(peer_id), logType="EVENT_LOGS")
    made = logs.put_delivery_destination(
        name="theirs",
        outputFormat="json",
        deliveryDestinationConfiguration={"destinationResourceArn": PLACE.log_group("theirs")},
    )
    logs.create_delivery(
        deliverySourceName="theirs", deliveryDestinationArn=made["deliveryDestination"]["arn"]
    )
    tandem.apply()
    tandem.deliver()
    assert tandem.delivered() == tandem.peer_ids() - {peer_id}
    assert f"the logs of {peer_id} go to" in tandem.record().provisioned.warnings[0]
    assert tandem.record().provisioned.failure is None
    tandem.refresh()
    assert tandem.changes == []


def test_the_log_group_may_be_given_as_cloudformation_gives_it(watched: Provisioner) -> None:
    assert PLACE.log_group(f"arn:aws:logs:us-east-1:123456789012:log-group:{GROUP}:*") == PLACE.log_group(
        GROUP
    )
    assert watched.record().provisioned.failure is None


def test_an_update_by_another_call_is_waited_for(tandem: Provisioner) -> None:
    tandem.apply()
    real, busy = LogsBackend.create_delivery, iter([True, True, False, True])

    def create_delivery(self: LogsBackend, *given: Any, **named: Any) -> Any:
        if next(busy, False):
            raise ConflictError("Requested resource is currently being updated. Please try again later.")
        return real(self, *given, **named)

    with mock.patch.object(LogsBackend, "create_delivery", create_delivery):
        tandem.deliver()
    assert tandem.delivered() == tandem.peer_ids()
    assert types(tandem.events()) == ["Provisioning Completed"]


def test_a_forbidden_call_is_told_once_and_stops_nothing_else(tandem: Provisioner) -> None:
    tandem.apply()
    with mock.patch.object(LogsBackend, "create_delivery", side_effect=ForbiddenError("not allowed")):
        tandem.deliver()
        failed = tandem.events()
        tandem.refresh()
        assert tandem.events() == []
    assert types(failed) == ["Provisioning Failed"]
    detail = failed[0]["detail"]
    assert detail["error"] == {"code": "AccessDeniedException", "message": "not allowed"}
    assert "CreateDelivery for tandem-rsp-" in detail["reason"]
    assert "deploy the stack again" in detail["reason"]
    assert len(tandem.subscribed()) == 2
    assert set(tandem.record().provisioned.peers) == tandem.peer_ids()
    tandem.refresh()
    assert types(tandem.events()) == ["Provisioning Completed"]
    assert tandem.record().provisioned.failure is None
    assert tandem.delivered() == tandem.peer_ids()


def test_one_peer_that_cannot_be_logged_keeps_no_other_from_it(tandem: Provisioner) -> None:
    tandem.apply()
    sick, real = min(tandem.peer_ids()), LogsBackend.put_delivery_source

    def put_delivery_source(
        self: LogsBackend, name: str, resource_arn: str, *given: Any, **named: Any
    ) -> Any:
        if sick in resource_arn:
            raise ForbiddenError("no")
        return real(self, name, resource_arn, *given, **named)

    with mock.patch.object(LogsBackend, "put_delivery_source", put_delivery_source):
        tandem.deliver()
    assert tandem.delivered() == tandem.peer_ids() - {sick}


def test_a_route_server_that_is_not_there_is_told_with_what_to_do(watched: Provisioner) -> None:
    gone = watched.document()
    gone["route_server"]["id"] = "rs-0fffffffffffffff1"
    watched.put_item(document={"S": json.dumps(gone)})
    watched.refresh()
    detail = watched.events()[0]["detail"]
    assert "rs-0fffffffffffffff1 is not known in account 123456789012, Region us-east-1" in detail["reason"]
    assert detail["error"] is None
    assert len(watched.subscribed()) == 2


def test_a_route_server_that_cannot_be_read_is_told_once(watched: Provisioner) -> None:
    before = watched.record().provisioned
    watched.lab.levers.fault("DescribeRouteServers", error="InvalidAction")
    watched.refresh()
    assert types(watched.events()) == ["Provisioning Failed"]
    watched.refresh()
    assert watched.events() == []
    assert watched.record().provisioned.peers == before.peers
    watched.lab.levers.faults_clear()
    watched.refresh()
    assert types(watched.events()) == ["Provisioning Completed"]


def test_a_static_route_in_the_only_propagated_table_is_a_warning_until_it_is_gone(
    tandem: Provisioner,
) -> None:
    ec2, table = boto3.client("ec2"), tandem.ids["route_tables"]["protected"]
    gateway = tandem.ids["internet_gateway_id"]
    route = {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0"}
    ec2.create_route(GatewayId=gateway, **route)
    answer = tandem.apply()
    (warning,) = answer["warnings"]
    assert answer["problems"] == []
    assert warning.startswith(f"{table} has a static route for 0.0.0.0/0 to {gateway}: ")
    assert "No other route table gets 0.0.0.0/0" in warning
    (group,) = answer["preview"]
    assert f"0.0.0.0/0 is rejected by every route table ({table}: " in group["reports"][0]
    tandem.refresh()
    completed = [e["detail"] for e in tandem.events() if e["detail-type"] == "Provisioning Completed"]
    assert completed[-1]["warnings"] == [warning]
    ec2.delete_route(**route)
    tandem.refresh()
    (completed,) = [e["detail"] for e in tandem.events() if e["detail-type"] == "Provisioning Completed"]
    assert completed["warnings"] == []


def test_an_appliance_without_peers_is_a_warning(watched: Provisioner) -> None:
    for peer_id in watched.ids["peers"]["fw2"].values():
        boto3.client("ec2").delete_route_server_peer(RouteServerPeerId=peer_id)
    watched.settle()
    watched.refresh()
    assert "fw2 has no peer" in watched.record().provisioned.warnings[0]


def test_a_sick_topology_keeps_no_other_waiting(watched: Provisioner) -> None:
    watched.apply(watched.other())
    watched.provisioned(route_server_id="rs-elsewhere")
    real = watched.app.store.set_provisioned

    def refused(record: Any, provisioned: Any) -> Any:
        if record.topology.name == "edge":
            raise TemporaryError("throttled")
        return real(record, provisioned)

    with (
        mock.patch.object(type(watched.app.store), "set_provisioned", lambda _, r, p: refused(r, p)),
        pytest.raises(TemporaryError, match="edge: throttled"),
    ):
        watched.refresh()
    assert watched.record("transit").provisioned is not None


@begins_in(provisioner)
@prove
def test_killed_before_any_of_its_changing_calls_the_next_run_ends_what_it_began() -> None:
    with provisioner() as tandem:
        tandem.apply()
        change = tandem.events()[0]
        tandem.invoke(change)
        changes = len(tandem.changes)
        for kill_at in range(1, changes):  # the delivery destination stays, so it is one less from now on
            tandem.delete()
            tandem.apply()
            tandem.events()
            with pytest.raises(Killed):
                tandem.invoke(change, kill_at=kill_at)
            tandem.refresh()
            assert len(tandem.subscribed()) == 2
            assert tandem.delivered() == tandem.peer_ids()
            assert "Provisioning Completed" in types(tandem.events())
            tandem.refresh()
            assert tandem.changes == []
