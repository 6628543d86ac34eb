"""Signals: whatever says *look now*; here those of the route server's SNS topic and of the bus."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from tandem.events import DetailType, from_envelope, parse_iso
from tandem.model import Status


class SignalKind(StrEnum):
    """Says what a signal is about; only session and route signals make a look settle."""

    SESSION = "session"
    ROUTE = "route"
    MAINTENANCE = "maintenance"
    LOOK = "look"


class Protocol(StrEnum):
    """Says which session of a peer a signal is about."""

    BGP = "bgp"
    BFD = "bfd"


class RouteEvent(StrEnum):
    """Says what happened to a route: three come from a peer's log, one from a look at the FIB."""

    ADVERTISED = "advertised"
    UPDATED = "updated"
    WITHDRAWN = "withdrawn"
    NEXT_HOP = "next-hop"


class Origin(StrEnum):
    """Says where a signal came from."""

    SNS = "sns"
    PEER_LOG = "peer-log"
    AWS = "aws"
    BUS = "bus"
    SWEEP = "sweep"


@dataclass(frozen=True, slots=True)
class Signal:
    """Holds one reason to look. It never carries the answer: that is read from AWS
    (docs/how-it-works.md#a-look).
    """

    kind: SignalKind
    cause: str
    """In words, for the audit trail: `BGP of rsp-… went down`."""
    occurred_at: datetime | None = None
    """When AWS says that it happened (SNS: whole seconds, docs/aws-facts.md#sns-messages); None when it does
    not say."""
    topology: str | None = None
    """Set on signals from the bus."""
    topic_arn: str | None = None
    """Set on signals from a route server's SNS topic: the stored topology is found by it."""
    peer_id: str | None = None
    protocol: Protocol | None = None
    status: Status | None = None
    endpoint_id: str | None = None
    peer_ids: tuple[str, ...] = ()
    prefix: str | None = None
    next_hop: str | None = None
    route_event: RouteEvent | None = None
    as_path: tuple[str, ...] = ()
    med: int | None = None
    origin: Origin | None = None
    known: bool = True
    """False for a record of a shape that AWS does not document: counted, and still a reason to look."""
    resource_ids: frozenset[str] = frozenset()
    """Set on AWS's own events: every ID that the event names."""


_PEER = re.compile(r"\brsp-[0-9a-f]+\b")
_ENDPOINT = re.compile(r"\brse-[0-9a-f]+\b")
_SESSION_TEXT = re.compile(
    r"\b(BGP|BFD)\s+for\s+Route\s+Server\s+Peer\s+\[?(rsp-[0-9a-f]+)\]?\s+is\s+now\s+\[?(UP|DOWN)\b",
    re.IGNORECASE,
)
_MAINTENANCE_TEXT = re.compile(
    r"\bRoute\s+Server\s+Endpoint\s+\[?(rse-[0-9a-f]+)\]?\s+is\s+now\s+undergoing\s+maintenance\b",
    re.IGNORECASE,
)
_TEXT_READ = 1000
"""So many characters of a message are read: AWS's own are under 150."""


def parse_sns(record: Mapping[str, Any]) -> Signal:
    """Returns the signal in one record of an SNS event (docs/aws-facts.md#sns-messages): from its attributes,
    else from its text.

    Whether AWS sends the list of peers as String.Array or as String is not documented; SNS hands both to a
    function as String, so the IDs are picked out of whatever is there. An unknown shape is a reason to look.
    """
    message = members(record.get("Sns"))
    attributes = {
        name: str(members(a).get("Value", ""))
        for name, a in members(message.get("MessageAttributes")).items()
    }
    at = moment(attributes.get("timestamp")) or moment(message.get("Timestamp"))
    text = str(message.get("Message", ""))[:_TEXT_READ]
    topic = message.get("TopicArn")
    topic_arn = topic if isinstance(topic, str) and topic else None
    found = _from_attributes(attributes, at) or _from_text(text, at) or _unknown(attributes, topic_arn, at)
    return replace(found, topic_arn=topic_arn, origin=Origin.SNS)


def parse_bus(envelope: Mapping[str, Any]) -> Signal | None:
    """Returns the signal in an event from Tandem's bus; None for an event that is no reason to look."""
    event = from_envelope(envelope)
    kind = None if event is None else _BUS_KINDS.get(event.detail_type)
    if event is None or kind is None:
        return None
    detail = event.detail
    if kind is SignalKind.SESSION and detail.get("source") == Origin.PEER_LOG:
        # up to minutes late (docs/aws-facts.md#log-subscriptions): nothing that describes could lag behind
        kind = SignalKind.LOOK
    protocol, status, peers = detail.get("protocol"), detail.get("status"), detail.get("peer_ids")
    return Signal(
        kind,
        cause=_text(detail.get("cause")) or event.detail_type.lower(),
        occurred_at=moment(detail.get("occurred_at")),
        topology=_text(detail.get("topology")),
        peer_id=_text(detail.get("peer_id")),
        protocol=Protocol(protocol) if protocol in list(Protocol) else None,
        status=Status(status) if status in list(Status) else None,
        endpoint_id=_text(detail.get("endpoint_id")),
        peer_ids=tuple(str(peer) for peer in peers) if isinstance(peers, list) else (),
        prefix=_text(detail.get("prefix")),
        next_hop=_text(detail.get("next_hop")),
        origin=Origin.BUS,
    )


def utf8(signal: Signal) -> Signal:
    """Returns the signal with `?` for each lone surrogate: JSON may hold one escaped, UTF-8 has none (RFC
    3629).
    """
    texts: dict[str, Any] = {}
    for field in fields(signal):
        match getattr(signal, field.name):
            case str() as text if not isinstance(text, StrEnum):
                texts[field.name] = _utf8(text)
            case tuple() as several:
                texts[field.name] = tuple(_utf8(text) for text in several)
    return replace(signal, **texts)


def _utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def session_signal(protocol: Protocol, peer_id: str, status: Status, at: datetime | None) -> Signal:
    """Makes the signal of a session that went up or down, whoever says so."""
    cause = f"{protocol.upper()} of {peer_id} {'came up' if status is Status.UP else 'went down'}"
    return Signal(SignalKind.SESSION, cause, at, peer_id=peer_id, protocol=protocol, status=status)


def _status_of(text: object) -> Status | None:
    """Reads a status: upper case in SNS and logs, lower in the API (docs/aws-facts.md#session-status)."""
    folded = str(text).strip().lower()
    return Status(folded) if folded in set(Status) else None


def members(value: object) -> Mapping[str, Any]:
    """Returns a JSON object's members; none where there should be an object and is none."""
    return value if isinstance(value, Mapping) else {}


def moment(text: object) -> datetime | None:
    """Returns the time in an AWS field; None where there is none."""
    try:
        return parse_iso(str(text))
    except (ValueError, OverflowError):
        return None


_BUS_KINDS = {
    DetailType.PEER_STATE_CHANGE: SignalKind.SESSION,
    DetailType.ROUTE_CHANGE: SignalKind.ROUTE,
    DetailType.ENDPOINT_MAINTENANCE: SignalKind.MAINTENANCE,
    DetailType.LOOK: SignalKind.LOOK,
}
_SESSION_CODES = {
    "ROUTE_SERVER_PEER_BGP_STATUS_CHANGE": (Protocol.BGP, "newBgpStatus"),
    "ROUTE_SERVER_PEER_BFD_STATUS_CHANGE": (Protocol.BFD, "newBfdStatus"),
}


def _from_attributes(attributes: Mapping[str, str], at: datetime | None) -> Signal | None:
    code = attributes.get("eventCode", "")
    if code == "ROUTE_SERVER_ENDPOINT_MAINTENANCE":
        endpoint = _ENDPOINT.search(attributes.get("routeServerEndpointId", ""))
        peers = tuple(_PEER.findall(attributes.get("affectedRouteServerPeerIds", "")))
        return _maintenance(endpoint.group(), peers, at) if endpoint else None
    if code not in _SESSION_CODES:
        return None
    protocol, name = _SESSION_CODES[code]
    peer, status = _PEER.search(attributes.get("routeServerPeerId", "")), _status_of(attributes.get(name))
    return session_signal(protocol, peer.group(), status, at) if peer and status else None


def _from_text(text: str, at: datetime | None) -> Signal | None:
    if session := _SESSION_TEXT.search(text):
        protocol, peer, status = session.groups()
        return session_signal(Protocol(protocol.lower()), peer.lower(), Status(status.lower()), at)
    if maintenance := _MAINTENANCE_TEXT.search(text):
        return _maintenance(maintenance.group(1).lower(), (), at)
    return None


def _maintenance(endpoint_id: str, peer_ids: tuple[str, ...], at: datetime | None) -> Signal:
    cause = f"AWS announced maintenance of {endpoint_id}"
    return Signal(SignalKind.MAINTENANCE, cause, at, endpoint_id=endpoint_id, peer_ids=peer_ids)


def _unknown(attributes: Mapping[str, str], topic_arn: str | None, at: datetime | None) -> Signal:
    code = attributes.get("eventCode", "")[:80] or "no event code"
    cause = f"a message of unknown shape ({code}) came from {topic_arn or 'no topic'}"
    return Signal(SignalKind.LOOK, cause, at, known=False)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
