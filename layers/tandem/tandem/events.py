"""The events that Tandem puts on its bus (docs/events.md): one shape each, with a JSON Schema in
`schemas/`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

SOURCE = "tandem"
_SCHEMA_VERSION = 2
"""Version 1 had no `reasons`, `report_reasons` and `codes`. Readers take both."""

SCHEMAS = Path(__file__).parent / "schemas"


class DetailType(StrEnum):
    """Holds every detail-type on the bus."""

    PEER_STATE_CHANGE = "Peer State Change"
    ROUTE_CHANGE = "Route Change"
    ROUTE_LEAK = "Route Leak"
    ENDPOINT_MAINTENANCE = "Endpoint Maintenance"
    LOOK = "Look"
    FAILOVER_DECISION = "Failover Decision"
    FAILOVER_COMPLETED = "Failover Completed"
    FAILOVER_FAILED = "Failover Failed"
    HOLD_ENDED = "Hold Ended"
    DRIFT_DETECTED = "Drift Detected"
    TOPOLOGY_CHANGE = "Topology Change"
    PROVISIONING_COMPLETED = "Provisioning Completed"
    PROVISIONING_FAILED = "Provisioning Failed"
    COMPLIANCE_FINDING = "Compliance Finding"
    COMPLIANCE_DIGEST = "Compliance Digest"
    OVERRIDE_CHANGED = "Override Changed"

    @property
    def file_name(self) -> str:
        """Returns the name of its schema and of its first sample: `peer-state-change.json`."""
        return f"{self.lower().replace(' ', '-')}.json"


_SCHEMA_VERSIONS = {DetailType.DRIFT_DETECTED: 2, DetailType.PROVISIONING_FAILED: 2}
"""Those that are not SCHEMA_VERSION. Every reader takes both."""


@dataclass(frozen=True, slots=True)
class Event:
    """Holds one event of ours, as a producer makes it and a consumer gets it."""

    detail_type: DetailType
    detail: dict[str, Any]


def event(
    detail_type: DetailType,
    *,
    topology: str,
    group: str | None = None,
    occurred_at: datetime,
    **fields: object,
) -> Event:
    """Returns an event with what every detail carries; `fields` are the detail-type's own, JSON values
    only.
    """
    version = _SCHEMA_VERSIONS.get(detail_type, _SCHEMA_VERSION)
    common: dict[str, Any] = {"schema_version": version, "topology": topology}
    if group is not None:
        common["group"] = group
    return Event(detail_type, common | {"occurred_at": iso(occurred_at)} | fields)


def described(event: object) -> dict[str, Any]:
    """Returns what a log line says of an event that a function was handed: what it calls itself, never its
    data.
    """
    if not isinstance(event, dict):
        return {"event": f"no JSON object but a {type(event).__name__}"}
    said = {
        "event_keys": sorted(event),
        "detail_type": event.get("detail-type"),
        "source": event.get("source"),
    }
    return {name: value for name, value in said.items() if value is not None}


def from_envelope(envelope: object) -> Event | None:
    """Returns the event in what EventBridge hands over; None where it is not one of ours."""
    if not isinstance(envelope, dict):
        return None
    name, detail = envelope.get("detail-type"), envelope.get("detail")
    found = next((known for known in DetailType if known == name), None)
    if envelope.get("source") != SOURCE or found is None or not isinstance(detail, dict):
        return None
    return Event(found, detail)


def schema(detail_type: DetailType) -> dict[str, Any]:
    """Returns the JSON Schema of a detail."""
    return dict(json.loads((SCHEMAS / detail_type.file_name).read_text(encoding="utf-8")))


def iso(moment: datetime) -> str:
    """Writes a time as `2026-11-21T03:58:31.123Z`. Raises ValueError for a naive time: it names no moment."""
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone: {moment}")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def parse_iso(text: str) -> datetime:
    """Returns the UTC time in any ISO 8601 form that AWS uses. Raises ValueError for what is none or has no
    zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone: {text}")
    return moment.astimezone(UTC)
