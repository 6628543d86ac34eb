"""Provisioning in words: the details of its events, from what a run found and did."""

from __future__ import annotations

from datetime import datetime

from tandem.events import DetailType, Event, event
from tandem.record import Provisioned, TopologyRecord
from tandem.watchsteps import CallFailedError

FORBIDDEN = "the provisioner's role may not: deploy the stack again, or ask whoever restricts the account"
HINTS = {
    "AccessDenied": FORBIDDEN,
    "AccessDeniedException": FORBIDDEN,
    "AuthorizationError": FORBIDDEN,
    "ServiceQuotaExceededException": "a quota of CloudWatch Logs is used up: ask AWS to raise it",
}
AGAIN = "it is tried again with every refresh"


def topology_change(record: TopologyRecord, change: str, now: datetime) -> Event:
    """`Topology Change`: a topology was `stored` or `deleted`."""
    return event(
        DetailType.TOPOLOGY_CHANGE,
        topology=record.topology.name,
        occurred_at=now,
        change=change,
        version=record.version,
        door=record.door,
    )


def completed(record: TopologyRecord, found: Provisioned, steps: tuple[str, ...], now: datetime) -> Event:
    return event(
        DetailType.PROVISIONING_COMPLETED,
        topology=record.topology.name,
        occurred_at=now,
        version=record.version,
        route_server_id=found.route_server_id,
        sns_topic_arn=found.sns_topic_arn,
        endpoint_ids=list(found.endpoint_ids),
        peers=dict(found.peers or {}),
        steps=list(steps),
        warnings=list(found.warnings),
    )


def failed(
    record: TopologyRecord,
    found: Provisioned,
    steps: tuple[str, ...],
    failure: CallFailedError | None,
    now: datetime,
) -> Event:
    return event(
        DetailType.PROVISIONING_FAILED,
        topology=record.topology.name,
        occurred_at=now,
        version=record.version,
        route_server_id=found.route_server_id or None,
        reason=found.failure,
        error=None if failure is None else {"code": failure.code, "message": failure.message},
        steps=list(steps),
    )


def reason_of(failure: CallFailedError) -> str:
    return f"{failure}; {HINTS.get(failure.code, AGAIN)}"
