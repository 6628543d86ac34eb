"""Provisioning in words: the details of its events, from what a run found and did."""

from __future__ import annotations

import re
from datetime import datetime

from tandem.events import DetailType, Event, event
from tandem.problems import Problem
from tandem.provisioning.managesteps import (
    CreateEndpoint,
    CreatePeer,
    CreateRouteServer,
    DeleteEndpoint,
    DeletePeer,
    DisablePropagation,
    EnablePropagation,
    Step,
)
from tandem.provisioning.watchsteps import CallFailedError
from tandem.record import Provisioned, TopologyRecord

FORBIDDEN = "the provisioner's role may not: deploy the stack again, or ask whoever restricts the account"
HINTS = {
    "AccessDenied": FORBIDDEN,
    "AccessDeniedException": FORBIDDEN,
    "AuthorizationError": FORBIDDEN,
    "ServiceQuotaExceededException": "a quota of CloudWatch Logs is used up: ask AWS to raise it",
}
AWS_ID = re.compile(r"\b(?:rs|rse|rsp|vpc|subnet|rtb|eni|eipalloc|i)-[0-9a-f]{8,17}\b")
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
        sessions=list(found.sessions),
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


def drifted(record: TopologyRecord, step: Step, actor: str | None, now: datetime) -> Event:
    """`Drift Detected`: what Tandem reached once and nobody asked to change; it is repaired now."""
    making = isinstance(step.do, CreateRouteServer | CreateEndpoint | CreatePeer | EnablePropagation)
    removing = isinstance(step.do, DeleteEndpoint | DeletePeer | DisablePropagation)
    return event(
        DetailType.DRIFT_DETECTED,
        topology=record.topology.name,
        occurred_at=now,
        resource_id=step.do.about,
        summary=f"{step.reason}; Tandem is going to {step.do.verb} {step.do.what}",
        severity="warning",
        expected=None if removing else step.do.what,
        observed=None if making else step.reason,
        actor=actor,
    )


def differs(record: TopologyRecord, problem: Problem, actor: str | None, now: datetime) -> Event:
    """`Drift Detected`: what is not Tandem's to repair."""
    named = AWS_ID.search(problem.what) or AWS_ID.search(problem.right)
    server_id = record.topology.route_server.route_server_id
    return event(
        DetailType.DRIFT_DETECTED,
        topology=record.topology.name,
        occurred_at=now,
        resource_id=problem.untagged or (named[0] if named else None) or server_id or record.topology.name,
        summary=f"{problem.path}: {problem.what}",
        severity="warning",
        expected=problem.right,
        observed=problem.what,
        actor=actor,
    )


def reason_of(failure: CallFailedError) -> str:
    return f"{failure}; {HINTS.get(failure.code, AGAIN)}"
