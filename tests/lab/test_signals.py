"""Tests what AWS says about it: SNS messages, peer logs, EC2 events, exactly."""

import json

from lab.ec2 import Behaviour, lab_ec2
from lab.ec2.scenario import edge
from tests.lab.support import Edge


def text(value):
    return {"DataType": "String", "StringValue": value}


def test_session_changes_have_documented_bodies_and_attributes(at_edge):
    sink, peer = at_edge.lab.recorded, at_edge.peers["fw1"]["az1-a"]
    sink.published.clear()
    at_edge.levers.session("fw1", "az1-a", "down")
    bfd, bgp = sink.published
    assert bfd.topic_arn == at_edge.sns_topic_arn
    assert bfd.message == f"BFD for Route Server Peer {peer} is now DOWN."
    assert bfd.attributes == {
        "timestamp": text(at_edge.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")),
        "eventCode": text("ROUTE_SERVER_PEER_BFD_STATUS_CHANGE"),
        "routeServerPeerId": text(peer),
        "newBfdStatus": text("DOWN"),
    }
    assert bgp.message == f"BGP for Route Server Peer {peer} is now DOWN."
    assert bgp.attributes["eventCode"] == text("ROUTE_SERVER_PEER_BGP_STATUS_CHANGE")
    assert bgp.attributes["newBgpStatus"] == text("DOWN")


def test_maintenance_names_the_affected_peers(at_edge):
    at_edge.lab.recorded.published.clear()
    at_edge.levers.maintenance("az1-a", 60)
    endpoint = at_edge.endpoints["az1-a"]["id"]
    note = at_edge.lab.recorded.published[0]
    assert note.message == (
        f"Route Server Endpoint {endpoint} is now undergoing maintenance. "
        "BFD and BGP sessions may be impacted."
    )
    assert note.attributes["eventCode"] == text("ROUTE_SERVER_ENDPOINT_MAINTENANCE")
    assert note.attributes["routeServerEndpointId"] == text(endpoint)
    assert note.attributes["affectedRouteServerPeerIds"] == {
        "DataType": "String.Array",
        "StringValue": json.dumps([at_edge.peers["fw1"]["az1-a"]]),
    }


def test_the_list_may_come_as_plain_text():
    with lab_ec2(behaviour=Behaviour(sns_list_as_array=False)) as lab:
        world = Edge(lab, edge(lab.client(), lab.levers, sleep=lab.clock.sleep))
        lab.recorded.published.clear()
        world.levers.maintenance("az1-a", 60)
        listed = lab.recorded.published[0].attributes["affectedRouteServerPeerIds"]
        assert listed == text(world.peers["fw1"]["az1-a"])


def test_every_peer_of_a_dead_appliance_reports_each_protocol_once(at_edge):
    at_edge.lab.recorded.published.clear()
    at_edge.levers.kill("fw1")
    peers = at_edge.peers["fw1"].values()
    assert sorted(note.message for note in at_edge.lab.recorded.published) == sorted(
        f"{protocol} for Route Server Peer {peer} is now DOWN."
        for protocol in ("BGP", "BFD")
        for peer in peers
    )
    for peer in peers:
        told = [note.message[:3] for note in at_edge.lab.recorded.published if peer in note.message]
        assert told == ["BFD", "BGP"]


def test_no_notifications_no_topic(lab):
    world = Edge(lab, edge(lab.client(), lab.levers, sleep=lab.clock.sleep, sns=False))
    world.levers.kill("fw1")
    assert (lab.recorded.published, lab.recorded.topics) == ([], [])
    assert "SnsTopicArn" not in world.ec2.describe_route_servers()["RouteServers"][0]
    assert lab.recorded.logs, "peer logs do not depend on it"


def test_the_topic_comes_and_goes_with_the_switch(at_edge):
    server = at_edge.route_server_id
    at_edge.ec2.modify_route_server(RouteServerId=server, SnsNotificationsEnabled=False)
    assert at_edge.lab.recorded.topics == []
    at_edge.ec2.modify_route_server(RouteServerId=server, SnsNotificationsEnabled=True)
    shown = at_edge.ec2.describe_route_servers()["RouteServers"][0]
    assert at_edge.lab.recorded.topics == [shown["SnsTopicArn"]]


def test_peer_logs_tell_what_the_peer_said(at_edge):
    sink, peer = at_edge.lab.recorded, at_edge.peers["fw1"]["az1-a"]
    sink.logs.clear()
    at_edge.levers.advertise("fw1", "192.0.2.0/24", as_path=[65001, 65001], med=5)
    at_edge.levers.advertise("fw1", "192.0.2.0/24", as_path=[65001, 65001], med=5)
    at_edge.levers.advertise("fw1", "192.0.2.0/24", med=6)
    at_edge.levers.withdraw("fw1", "192.0.2.0/24")
    records = [record for peer_id, record in sink.logs if peer_id == peer]
    assert [record["status"] for record in records] == ["ADVERTISED", "UPDATED", "WITHDRAWN"]
    assert records[0] == {
        "resource_arn": f"arn:aws:ec2:us-east-1:123456789012:route-server-peer/{peer}",
        "event_timestamp": int(at_edge.clock.now().timestamp() * 1000),
        "type": "RouteStatus",
        "status": "ADVERTISED",
        "message": {
            "prefix": "192.0.2.0/24",
            "asPath": "65001 65001",
            "med": 5,
            "nextHopIp": "10.0.1.10",
        },
    }


def test_a_lost_session_logs_no_withdrawal(at_edge):
    at_edge.lab.recorded.logs.clear()
    at_edge.levers.kill("fw1")
    assert {(record["type"], record["status"]) for _, record in at_edge.lab.recorded.logs} == {
        ("BFDStatus", "DOWN"),
        ("BGPStatus", "DOWN"),
    }
    assert all(record["message"] is None for _, record in at_edge.lab.recorded.logs)


def test_signals_take_their_time(slow_edge):
    slow_edge.clock.advance(60)
    sink = slow_edge.lab.recorded
    sink.published.clear()
    sink.logs.clear()
    slow_edge.levers.session("fw1", "az1-a", "down")
    slow_edge.clock.advance(0.2)
    assert (sink.published, sink.logs) == ([], [])
    slow_edge.clock.advance(0.2)
    assert (len(sink.published), sink.logs) == (2, [])
    slow_edge.clock.advance(4)
    assert len(sink.logs) == 2


def test_instances_tell_eventbridge(at_edge):
    instance = at_edge.instances["fw1"]
    at_edge.lab.recorded.events.clear()
    at_edge.levers.kill("fw1", stop_instance=True)
    stopping, stopped = at_edge.lab.recorded.events
    assert stopping["detail"] == {"instance-id": instance, "state": "stopping"}
    assert stopped["detail"]["state"] == "stopped"
    assert stopped["source"] == "aws.ec2"
    assert stopped["detail-type"] == "EC2 Instance State-change Notification"
    assert stopped["resources"] == [f"arn:aws:ec2:us-east-1:123456789012:instance/{instance}"]


def test_a_receiver_may_call_the_emulator(lab):
    """As a function that a message wakes does, in the same thread."""
    seen = []
    ec2 = lab.client()
    world = Edge(lab, edge(ec2, lab.levers, sleep=lab.clock.sleep))
    lab.sink.publish = lambda *_: seen.append((world.owner(), lab.clock.sleep(1)))
    world.levers.kill("fw1")
    assert len(seen) == 4


def test_a_world_that_was_reset_says_nothing_more(slow_edge):
    slow_edge.clock.advance(60)
    slow_edge.lab.recorded.published.clear()
    slow_edge.levers.kill("fw1")
    slow_edge.lab.backend.reset()
    slow_edge.clock.advance(60)
    assert slow_edge.lab.recorded.published == []
