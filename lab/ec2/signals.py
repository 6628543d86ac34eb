"""Describes what AWS tells the world about a route server: SNS messages, peer log records, EC2 events.
And who receives it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

# An SNS message attribute: {"DataType": "String" | "String.Array", "StringValue": "…"}, as boto3's publish
# takes it.
Attributes = Mapping[str, Mapping[str, str]]


class Sink(Protocol):
    """Receives AWS's side of the conversation. Called in order, outside the emulator's lock, and with a real
    clock on a thread of its own: it may be slow and may call the emulator."""

    def create_topic(self, name: str) -> str:
        """Create the topic that a route server publishes to; returns its ARN
        (docs/aws-facts.md#sns-topic)."""

    def delete_topic(self, arn: str) -> None: ...

    def publish(self, topic_arn: str, message: str, attributes: Attributes) -> None: ...

    def peer_log(self, peer_id: str, record: Mapping[str, Any]) -> None:
        """One record of a peer log (docs/aws-facts.md#peer-log-records). Comes for every peer; the sink knows
        for which ones delivery is set up."""

    def ec2_event(self, event: Mapping[str, Any]) -> None:
        """A whole EventBridge envelope of source aws.ec2."""


@dataclass(frozen=True, slots=True)
class Published:
    topic_arn: str
    message: str
    attributes: Attributes


@dataclass
class RecordingSink:
    """Keeps everything, in order. Its ARNs are plausible; AWS's naming of these topics is not known
    (docs/aws-facts.md#sns-topic)."""

    region: str = "us-east-1"
    account: str = "123456789012"
    topics: list[str] = field(default_factory=list)
    published: list[Published] = field(default_factory=list)
    logs: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    events: list[Mapping[str, Any]] = field(default_factory=list)

    def create_topic(self, name: str) -> str:
        arn = f"arn:aws:sns:{self.region}:{self.account}:{name}"
        if arn not in self.topics:
            self.topics.append(arn)
        return arn

    def delete_topic(self, arn: str) -> None:
        self.topics.remove(arn)

    def publish(self, topic_arn: str, message: str, attributes: Attributes) -> None:
        self.published.append(Published(topic_arn, message, attributes))

    def peer_log(self, peer_id: str, record: Mapping[str, Any]) -> None:
        self.logs.append((peer_id, record))

    def ec2_event(self, event: Mapping[str, Any]) -> None:
        self.events.append(event)


def _text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


def _attributes(at: datetime, code: str) -> dict[str, dict[str, str]]:
    """One second resolution, as documented (docs/aws-facts.md#sns-messages)."""
    return {"timestamp": _text(at.strftime("%Y-%m-%dT%H:%M:%SZ")), "eventCode": _text(code)}


def session_message(protocol: str, peer_id: str, up: bool, at: datetime) -> tuple[str, Attributes]:
    """Body and attributes of a session change; ``protocol`` is bgp or bfd
    (docs/aws-facts.md#sns-messages)."""
    status = "UP" if up else "DOWN"
    attributes = _attributes(at, f"ROUTE_SERVER_PEER_{protocol.upper()}_STATUS_CHANGE")
    attributes["routeServerPeerId"] = _text(peer_id)
    attributes[f"new{protocol.capitalize()}Status"] = _text(status)
    return f"{protocol.upper()} for Route Server Peer {peer_id} is now {status}.", attributes


def maintenance_message(
    endpoint_id: str, peer_ids: Sequence[str], at: datetime, as_array: bool
) -> tuple[str, Attributes]:
    """Body and attributes of an endpoint maintenance. The type of the list attribute is not known
    (docs/aws-facts.md#sns-messages)."""
    attributes = _attributes(at, "ROUTE_SERVER_ENDPOINT_MAINTENANCE")
    attributes["routeServerEndpointId"] = _text(endpoint_id)
    attributes["affectedRouteServerPeerIds"] = (
        {"DataType": "String.Array", "StringValue": json.dumps(list(peer_ids))}
        if as_array
        else _text(", ".join(peer_ids))
    )
    body = f"Route Server Endpoint {endpoint_id} is now undergoing maintenance."
    return f"{body} BFD and BGP sessions may be impacted.", attributes


def log_record(
    peer_arn: str, at: datetime, kind: str, status: str, message: Mapping[str, Any] | None
) -> dict[str, Any]:
    """One peer log record; ``kind`` is BGPStatus, BFDStatus or RouteStatus
    (docs/aws-facts.md#peer-log-records)."""
    return {
        "resource_arn": peer_arn,
        "event_timestamp": int(at.timestamp() * 1000),
        "type": kind,
        "status": status,
        "message": dict(message) if message is not None else None,
    }


def instance_state_event(
    instance_id: str, state: str, at: datetime, account: str, region: str
) -> dict[str, Any]:
    """EventBridge envelope of an instance state change (docs/aws-facts.md#instance-events)."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "EC2 Instance State-change Notification",
        "source": "aws.ec2",
        "account": account,
        "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [f"arn:aws:ec2:{region}:{account}:instance/{instance_id}"],
        "detail": {"instance-id": instance_id, "state": state},
    }
