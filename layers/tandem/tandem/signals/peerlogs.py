"""Route server peer logs (docs/aws-facts.md#peer-log-records): what a CloudWatch Logs subscription hands
over, as signals."""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tandem.model import Status
from tandem.signals.signal import Origin, Protocol, RouteEvent, Signal, SignalKind, members, session_signal
from tandem.topology.document import canonical_address, canonical_prefix

_PEER = re.compile(r"\brsp-[0-9a-f]{1,40}\b")
_GZIP = 16 + zlib.MAX_WBITS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN = 120

MOST_BYTES = 16 * 1024 * 1024
"""So much of a delivery is unpacked: a request of 6 MB, which Lambda takes, may unpack to gigabytes."""

MOST_RECORDS = 100_000
"""So many records are read of a delivery: 16 MB hold fewer, since each has more than 200 bytes."""

_AS_PATH = re.compile(r"[0-9 ,(){}\[\]]{0,12000}")
"""A BGP message has 4,096 bytes (RFC 4271 §4.1): a path has at most a thousand ASNs of ten digits."""
_SESSIONS = {"BGPStatus": Protocol.BGP, "BFDStatus": Protocol.BFD}
_ROUTES = {
    "ADVERTISED": (RouteEvent.ADVERTISED, "advertised"),
    "UPDATED": (RouteEvent.UPDATED, "updated"),
    "WITHDRAWN": (RouteEvent.WITHDRAWN, "withdrew"),
}


def parse_peer_logs(payload: Mapping[str, Any]) -> tuple[Signal, ...]:
    """Makes one signal of each log record; a record or a payload that cannot be read is a reason to look as
    well.

    Records come minutes late, at least once and in any order (docs/aws-facts.md#log-subscriptions).
    CloudWatch Logs' own control messages say nothing.
    """
    batch = _decoded(members(payload.get("awslogs")).get("data"))
    if batch.get("messageType") == "CONTROL_MESSAGE":
        return ()
    records = batch.get("logEvents")
    is_data = batch.get("messageType") == "DATA_MESSAGE"
    if not is_data or not isinstance(records, list) or len(records) > MOST_RECORDS:
        return (replace(_unknown(""), cause="a peer log delivery of unknown shape came"),)
    return tuple(signal_of(str(members(record).get("message", ""))) for record in records)


def _decoded(data: object) -> Mapping[str, Any]:
    with suppress(binascii.Error, zlib.error, ValueError, RecursionError):
        unpacking = zlib.decompressobj(_GZIP)
        text = unpacking.decompress(base64.b64decode(str(data)), MOST_BYTES + 1)
        if unpacking.eof and len(text) <= MOST_BYTES:
            return members(json.loads(text))
    return {}


def signal_of(line: str) -> Signal:
    """Returns the signal of one record; one that is not `known` where the record cannot be read."""
    with suppress(ValueError, RecursionError):
        record = members(json.loads(line))
        peer = _PEER.search(str(record.get("resource_arn", "")))
        found = _known(peer.group(), record) if peer else None
        if found is not None:
            at = _time(record.get("event_timestamp"))
            return replace(found, occurred_at=at, origin=Origin.PEER_LOG)
    return _unknown(line)


def _known(peer_id: str, record: Mapping[str, Any]) -> Signal | None:
    """Returns None if something needed is missing or new. Raises ValueError for a bad prefix or address."""
    kind, status = str(record.get("type")), str(record.get("status")).upper()
    if kind in _SESSIONS and status in {"UP", "DOWN"}:
        return session_signal(_SESSIONS[kind], peer_id, Status(status.lower()), None)
    if kind == "RouteStatus" and status in _ROUTES:
        return _route(peer_id, *_ROUTES[status], members(record.get("message")))
    return None


def _route(peer_id: str, change: RouteEvent, verb: str, message: Mapping[str, Any]) -> Signal | None:
    """Reads a route. Nobody documents if a withdrawal repeats the attributes
    (docs/aws-facts.md#peer-log-records): the prefix will do.
    """
    if not message.get("prefix"):
        return None
    prefix, hop, med = canonical_prefix(str(message["prefix"])), message.get("nextHopIp"), message.get("med")
    next_hop = canonical_address(str(hop)) if hop else None
    return Signal(
        SignalKind.ROUTE,
        f"{peer_id} {verb} {prefix}" + (f" with next hop {next_hop}" if next_hop else ""),
        peer_id=peer_id,
        prefix=prefix,
        next_hop=next_hop,
        route_event=change,
        as_path=_as_path(message.get("asPath")),
        med=med if isinstance(med, int) and not isinstance(med, bool) else None,
    )


def _as_path(text: object) -> tuple[str, ...]:
    """Returns the ASNs; none where it is no AS path, since a look has no use for it anyway."""
    found = _AS_PATH.fullmatch(text) if isinstance(text, str) else None
    return tuple(found.group().replace(",", " ").split()) if found else ()


def _time(milliseconds: object) -> datetime | None:
    if not isinstance(milliseconds, int):
        return None
    with suppress(OverflowError):
        return _EPOCH + timedelta(milliseconds=milliseconds)
    return None


def _unknown(line: str) -> Signal:
    peer = _PEER.search(line)
    whose = f" from {peer.group()}" if peer else ""
    cause = f"a peer log record of unknown shape came{whose}: {line[:_SHOWN]!r}"
    return Signal(
        SignalKind.LOOK, cause, peer_id=peer.group() if peer else None, origin=Origin.PEER_LOG, known=False
    )
