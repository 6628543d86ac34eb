"""Describes what leaves the emulator towards the sink: built when it happens, delivered after its delay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.ec2 import signals
from lab.ec2.best_path import Path
from lab.ec2.entities import Endpoint, Peer

if TYPE_CHECKING:
    from lab.ec2.region import Region


def session_changed(region: Region, peer: Peer, protocol: str, up: bool) -> None:
    """SNS and peer log for BGP or BFD of one peer (docs/aws-facts.md#peer-log-records,
    docs/aws-facts.md#sns-messages)."""
    message, attributes = signals.session_message(protocol, peer.id, up, region.lab.clock.now())
    _publish(region, peer.route_server_id, message, attributes)
    _log(region, peer, f"{protocol.upper()}Status", "UP" if up else "DOWN", None)


def route_changed(region: Region, peer: Peer, path: Path, status: str) -> None:
    """Peer log only: routes have no SNS message (docs/aws-facts.md#sns-messages). The AS path is one string
    here (docs/aws-facts.md#peer-log-records)."""
    message: dict[str, str | int] = {
        "prefix": path.prefix,
        "asPath": " ".join(path.as_path),
        "med": path.med,
        "nextHopIp": path.next_hop,
    }
    _log(region, peer, "RouteStatus", status, message)


def maintenance(region: Region, endpoint: Endpoint) -> None:
    peer_ids = [peer.id for peer in region.peers_at(endpoint.id) if peer.blocks]
    message, attributes = signals.maintenance_message(
        endpoint.id, peer_ids, region.lab.clock.now(), region.lab.behaviour.sns_list_as_array
    )
    _publish(region, endpoint.route_server_id, message, attributes)


def instance_state(region: Region, instance_id: str, state: str) -> None:
    event = signals.instance_state_event(
        instance_id, state, region.lab.clock.now(), region.account, region.name
    )
    region.tell(region.lab.timings.event_delay_s, lambda: region.lab.sink.ec2_event(event))


def create_topic(region: Region, route_server_id: str) -> None:
    """AWS makes the topic; its ARN shows in DescribeRouteServers a moment later. Its name is not known
    (docs/aws-facts.md#sns-topic)."""
    sink = region.lab.sink

    def create() -> None:
        arn = sink.create_topic(_topic_name(route_server_id))
        with region.changing():
            server = region.route_servers.get(route_server_id)
            if server is not None and server.sns:
                server.topic_arn = arn
                return
        sink.delete_topic(arn)

    region.tell(0.0, create)


def expected_topic_arn(region: Region, route_server_id: str) -> str:
    """The ARN of a topic that is about to be made."""
    name = _topic_name(route_server_id)
    return f"arn:{region.backend.partition}:sns:{region.name}:{region.account}:{name}"


def _topic_name(route_server_id: str) -> str:
    return f"route-server-{route_server_id}"


def delete_topic(region: Region, arn: str) -> None:
    region.tell(0.0, lambda: region.lab.sink.delete_topic(arn))


def _publish(region: Region, route_server_id: str, message: str, attributes: signals.Attributes) -> None:
    server = region.route_servers[route_server_id]
    if server.sns and server.topic_arn:
        arn = server.topic_arn
        region.tell(region.lab.timings.sns_delay_s, lambda: region.lab.sink.publish(arn, message, attributes))


def _log(region: Region, peer: Peer, kind: str, status: str, message: dict[str, str | int] | None) -> None:
    arn = region.arn("route-server-peer", peer.id)
    record = signals.log_record(arn, region.lab.clock.now(), kind, status, message)
    region.tell(region.lab.timings.log_delay_s, lambda: region.lab.sink.peer_log(peer.id, record))
