"""Peer log deliveries as CloudWatch Logs hands them over, built from their records."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

from tests.samples import PEER

AT_MS = 1795233511412
"""2026-11-21T03:58:31.412Z."""


def packed(body: object) -> dict[str, Any]:
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(body).encode())).decode()}}


def delivery(*lines: str) -> dict[str, Any]:
    """One delivery of these log lines."""
    return packed({"messageType": "DATA_MESSAGE", "logEvents": [{"message": line} for line in lines]})


def arn(peer_id: str) -> str:
    return f"arn:aws:ec2:us-east-1:123456789012:route-server-peer/{peer_id}"


def line(
    kind: str = "BGPStatus", status: str = "DOWN", message: object = None, peer_id: str = PEER, **more: object
) -> str:
    """One record; `more` replaces or adds members."""
    body = {"resource_arn": arn(peer_id), "event_timestamp": AT_MS, "type": kind, "status": status}
    return json.dumps(body | {"message": message} | more)


def route(
    prefix: object,
    status: str = "ADVERTISED",
    peer_id: str = PEER,
    at_ms: int = AT_MS,
    **message: object,
) -> str:
    """One record about a route."""
    attributes = {"prefix": prefix, "asPath": "65001", "med": 0, "nextHopIp": "10.0.1.10"}
    return line("RouteStatus", status, attributes | message, peer_id, event_timestamp=at_ms)


def prefixes(count: int) -> list[str]:
    """So many different prefixes that nobody declares."""
    return [f"100.{64 + n // 256}.{n % 256}.0/24" for n in range(count)]
