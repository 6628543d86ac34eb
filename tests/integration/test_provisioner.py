"""The provisioner as stories: the real function over emulated AWS, judged by what AWS shows."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any
from unittest import mock

import boto3
import pytest
from moto.logs.models import LogsBackend

from tandem.errors import ConfigurationError, TemporaryError
from tests.crashing import Killed
from tests.provisioning import (
    FUNCTION,
    GROUP,
    QUEUE,
    ConflictError,
    ForbiddenError,
    Provisioner,
    provisioner,
)
from tests.topologies import PLACE


@pytest.fixture
def tandem():
    with provisioner() as made:
        yield made


@pytest.fixture
def watched(tandem: Provisioner):
    tandem.apply()
    tandem.deliver()
    assert types(tandem.events()) == ["Provisioning Completed"]
    return tandem


def types(envelopes: list[dict[str, Any]]) -> list[str]:
    return [envelope["detail-type"] for envelope in envelopes]


def other(tandem: Provisioner, **changes: Any) -> dict[str, Any]:
    """A second topology on the same route server."""
    group = {"name": "transit", "prefixes": ["10.20.0.0/16"]}
    return tandem.document(name="transit", groups=[group], **changes)


# ---- the door


def test_a_check_says_what_would_happen_and_stores_nothing(tandem: Provisioner) -> None:
    answer = tandem.check()
    assert answer["problems"] == []
    assert (answer["topology"], answer["mode"], answer["version"]) == ("edge", "enforce", 0)
    assert answer["preview"][0]["action"] == "no-change"
    assert not answer["stored"]
    assert tandem.changes == []
    assert tandem.record() is None


def test_the_preview_is_the_engines_own_decision() -> None:
    with provisioner(associated=False) as tandem:
        group = tandem.check()["preview"][0]
    assert group["action"] == "move"
    assert [a["to"]["appliance"] for a in group["addresses"]] == ["fw1"] * 4
    assert all("nobody has it" in a["reason"] for a in group["addresses"])


def test_a_topology_is_stored_and_told(tandem: Provisioner) -> None:
    answer = tandem.apply()
    assert (answer["stored"], answer["version"]) == (True, 1)
    assert tandem.record().door == "cli"
    assert [e["detail"]["change"] for e in tandem.events()] == ["stored"]


def test_storing_the_same_again_stores_and_tells_nothing(watched: Provisioner) -> None:
    answer = watched.apply()
    assert (answer["stored"], answer["version"], answer["changes"]) == (True, 1, [])
    assert watched.changes == []
    assert watched.events() == []


def test_a_change_is_a_new_version_and_keeps_what_was_provisioned(watched: Provisioner) -> None:
    before = watched.record().provisioned
    answer = watched.apply(watched.document(mode="dry-run"))
    assert answer["changes"] == ["mode: enforce -> dry-run"]
    record = watched.record()
    assert (record.version, record.topology.mode, record.provisioned) == (2, "dry-run", before)


def test_an_invalid_topology_is_refused_whole_and_the_stored_one_stays(watched: Provisioner) -> None:
    broken = watched.document(mode="on", groups=[])
    answer = watched.apply(broken)
    assert [p["path"] for p in answer["problems"]] == ["mode", "groups"]
    assert not answer["stored"]
    assert watched.changes == []
    assert watched.record().topology.mode == "enforce"


def test_the_brake_works_in_a_broken_world(watched: Provisioner) -> None:
    """An instance is gone, so the document fits AWS no more; from enforce to dry-run goes all the same."""
    watched.lab.levers.instance(name="fw1", state="terminated")
    watched.lab.clock.sleep(5)
    more = watched.document(mode="dry-run", groups=[])
    assert watched.apply()["problems"]
    answer = watched.apply(watched.document(mode="dry-run"))
    assert (answer["stored"], answer["problems"]) == (True, [])
    assert any("fw1" in warning for warning in answer["warnings"])
    assert watched.record().topology.mode == "dry-run"
    assert watched.apply(more)["problems"]


def test_what_does_not_fit_aws_is_refused_too(tandem: Provisioner) -> None:
    answer = tandem.apply(tandem.document(route_server={"id": "rs-0fffffffffffffff1"}))
    assert [p["path"] for p in answer["problems"]] == ["route_server.id"]
    assert tandem.ids["route_server_id"] in answer["problems"][0]["right"]
    assert tandem.record() is None


def test_what_lacks_its_owners_tag_is_named(tandem: Provisioner) -> None:
    interface = tandem.ids["interfaces"]["fw2"]
    boto3.client("ec2").delete_tags(Resources=[interface], Tags=[{"Key": "tandem:stack"}])
    answer = tandem.apply()
    assert [p["untagged"] for p in answer["problems"]] == [interface]
    boto3.client("ec2").create_tags(Resources=[interface], Tags=[{"Key": "tandem:stack", "Value": "tandem"}])
    assert tandem.apply()["stored"]


def test_what_another_stored_topology_claims_is_refused(watched: Provisioner) -> None:
    answer = watched.apply(watched.document(name="copy"))
    assert len(answer["problems"]) == 12
    assert all("claimed by the stored topology edge" in p["what"] for p in answer["problems"])


def test_a_topology_belongs_to_the_door_that_created_it(watched: Provisioner) -> None:
    arn = "arn:aws:cloudformation:us-east-1:123456789012:stack/network/1"
    watched.put_item(door={"S": arn})
    answer = watched.apply(watched.document(mode="dry-run"))
    assert [p["path"] for p in answer["problems"]] == ["name"]
    assert arn in answer["problems"][0]["what"]
    assert watched.apply(watched.document(mode="dry-run"), take_over=True)["stored"]
    assert watched.record().door == "cli"


def test_what_changed_since_it_was_looked_at_is_looked_at_again(watched: Provisioner) -> None:
    answer = watched.apply(watched.document(mode="dry-run"), seen=0)
    assert "changed meanwhile: version 1 is stored, not 0" in answer["problems"][0]["what"]
    assert watched.apply(watched.document(mode="dry-run"), seen=1)["version"] == 2


def test_a_damaged_topology_hurts_only_itself(watched: Provisioner) -> None:
    watched.put_item(document={"S": "{"})
    answer = watched.apply(other(watched))
    assert answer["stored"]
    assert "the stored topology edge is damaged" in answer["warnings"][-1]
    watched.refresh()
    assert watched.record("transit").provisioned is not None
    refused = watched.apply()
    assert "is damaged" in refused["problems"][0]["what"]
    assert watched.apply(take_over=True)["stored"]
    assert watched.record().topology.name == "edge"


def test_a_region_without_route_server_is_one_clear_problem(tandem: Provisioner) -> None:
    tandem.lab.levers.fault("DescribeRouteServers", error="InvalidAction")
    answer = tandem.check()
    assert [p["path"] for p in answer["problems"]] == ["route_server"]
    assert "not available in this Region" in answer["problems"][0]["what"]


def test_where_ec2_does_not_answer_nothing_is_stored(tandem: Provisioner) -> None:
    tandem.lab.levers.fault("DescribeSubnets", error="RequestLimitExceeded")
    with pytest.raises(TemporaryError, match="RequestLimitExceeded"):
        tandem.apply()
    assert tandem.record() is None


def test_cloudformations_texts_are_understood(tandem: Provisioner) -> None:
    texts = tandem.document(manage="false", tandem="1")
    texts["route_server"]["amazon_side_asn"] = "65000"
    assert tandem.apply(texts)["problems"] == []
    assert tandem.record().topology.route_server.amazon_side_asn == 65000


# ---- what makes it watched


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
    tandem.apply(other(tandem))
    edge, transit = tandem.events()
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


def test_an_appliance_without_peers_is_a_warning(watched: Provisioner) -> None:
    for peer_id in watched.ids["peers"]["fw2"].values():
        boto3.client("ec2").delete_route_server_peer(RouteServerPeerId=peer_id)
    watched.settle()
    watched.refresh()
    assert "fw2 has no peer" in watched.record().provisioned.warnings[0]


def test_a_sick_topology_keeps_no_other_waiting(watched: Provisioner) -> None:
    watched.apply(other(watched))
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


# ---- leaving


def test_deleting_takes_back_what_watched_it_and_nothing_else(watched: Provisioner) -> None:
    stranger = "arn:aws:lambda:us-east-1:123456789012:function:somebody-elses"
    boto3.client("sns").subscribe(TopicArn=watched.topic, Protocol="lambda", Endpoint=stranger)
    answer = watched.delete()
    assert answer["deleted"] is True
    assert set(watched.subscribed()) == {stranger}
    assert watched.delivered() == set()
    assert boto3.client("logs").describe_delivery_sources()["deliverySources"] == []
    assert watched.record() is None
    assert {call.partition(":")[0] for call in watched.changes} == {"sns", "logs", "dynamodb", "events"}
    assert [e["detail"]["change"] for e in watched.deliver()] == ["deleted"]


def test_what_another_topology_uses_stays(watched: Provisioner) -> None:
    watched.apply(other(watched))
    watched.deliver()
    assert watched.delete()["deleted"] is True
    assert len(watched.subscribed()) == 2
    assert watched.delivered() == watched.peer_ids()
    assert watched.delete("transit")["deleted"] is True
    assert watched.subscribed() == {}
    assert watched.delivered() == set()


def test_deleting_what_is_not_stored_says_what_is(watched: Provisioner) -> None:
    answer = watched.delete("egde")
    assert answer["deleted"] is False
    assert "there is: edge" in answer["problems"][0]["right"]


def test_only_its_own_door_deletes_a_topology(watched: Provisioner) -> None:
    watched.put_item(door={"S": "arn:aws:cloudformation:us-east-1:123456789012:stack/network/1"})
    assert watched.delete()["deleted"] is False
    assert len(watched.subscribed()) == 2
    assert watched.delete(take_over=True)["deleted"] is True


def test_a_deletion_that_fails_can_be_tried_again(watched: Provisioner) -> None:
    with mock.patch.object(LogsBackend, "delete_delivery", side_effect=ForbiddenError("not allowed")):
        answer = watched.delete()
    assert answer["deleted"] is False
    assert "AccessDeniedException" in answer["problems"][0]["what"]
    assert watched.record() is not None
    assert watched.delete()["deleted"] is True


# ---- what else may come


@pytest.mark.parametrize(
    "event",
    [
        {"source": "tandem", "detail-type": "Look", "detail": {"topology": "edge"}},
        {"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification", "detail": {}},
        {"source": "tandem", "detail-type": "Topology Change", "detail": {}},
        {},
    ],
)
def test_what_is_no_order_is_ignored(watched: Provisioner, event: dict[str, Any]) -> None:
    assert watched.invoke(event) == {}
    assert watched.calls == []


@pytest.mark.parametrize("order", [{"action": "destroy"}, {"action": "delete"}, {"action": None}])
def test_an_order_that_there_is_not_is_an_error(tandem: Provisioner, order: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        tandem.invoke(order)


def test_a_missing_setting_is_one_clear_error(tandem: Provisioner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TANDEM_BUS_NAME")
    monkeypatch.delenv("TANDEM_SIGNALS_FUNCTION")
    sys.modules.pop("functions.provisioner.app")
    with pytest.raises(ConfigurationError, match="TANDEM_BUS_NAME, TANDEM_SIGNALS_FUNCTION"):
        importlib.import_module("functions.provisioner.app")


def test_the_log_group_may_be_given_as_cloudformation_gives_it(watched: Provisioner) -> None:
    assert PLACE.log_group(f"arn:aws:logs:us-east-1:123456789012:log-group:{GROUP}:*") == PLACE.log_group(
        GROUP
    )
    assert watched.record().provisioned.failure is None
