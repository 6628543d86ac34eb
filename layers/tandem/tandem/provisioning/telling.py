"""Provisioning in words: the details of its events, from what a run found and did."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

from tandem.author import Author
from tandem.errors import CallFailedError
from tandem.events import DetailType, Event, event, iso
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
from tandem.record import Provisioned, TopologyRecord

FORBIDDEN = "the provisioner's role may not: deploy the stack again, or ask whoever restricts the account"
HINTS = {
    "AccessDenied": FORBIDDEN,
    "AccessDeniedException": FORBIDDEN,
    "AuthorizationError": FORBIDDEN,
    "ServiceQuotaExceededException": "a quota of CloudWatch Logs is used up: ask AWS to raise it",
}
LONG = timedelta(minutes=30)
"""Longer than AWS takes for anything: endpoints and peers take minutes (facts §2.2)."""

AWS_ID = re.compile(r"\b(?:rs|rse|rsp|vpc|subnet|rtb|eni|eipalloc|i)-[0-9a-f]{8,17}\b")
GOES_ON = "Tandem goes on by itself once that is so; a session comes up when its appliance dials as it should"
AGAIN = "it is tried again with every refresh"


def is_long(found: Provisioned, now: datetime) -> bool:
    """Whether people have to hear that it waits, and have not yet."""
    since = found.waits_since if found.pending and found.told_version != found.version else None
    return since is not None and now - since >= LONG


def topology_change(
    record: TopologyRecord, change: str, now: datetime, by: Author, before: TopologyRecord | None = None
) -> Event:
    """`Topology Change`: a topology was `stored`, is being deleted (`deleting`), or was `deleted`."""
    return event(
        DetailType.TOPOLOGY_CHANGE,
        topology=record.topology.name,
        occurred_at=now,
        change=change,
        version=record.version,
        door=record.door,
        mode=record.topology.mode,
        previous_mode=before.topology.mode if before else None,
        stated_by=by.stated_by,
        request_id=by.request_id,
    )


def look(record: TopologyRecord, now: datetime) -> Event:
    """`Look`: what was stored is looked at now, and not with the next sweep."""
    return event(
        DetailType.LOOK,
        topology=record.topology.name,
        occurred_at=now,
        cause=f"version {record.version} was stored, mode {record.topology.mode}",
        requested_by="operator",
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
        dial=[session for session in found.sessions if session not in found.notified_sessions],
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


def waited(record: TopologyRecord, found: Provisioned, now: datetime) -> Event:
    """`Provisioning Failed`: it has waited for long, and for what nobody but people can bring about."""
    waits = "; ".join(found.pending)
    since = iso(found.waits_since) if found.waits_since else "an unknown time"
    reason = f"provisioning has made no progress since {since}: it waits for {waits}; {GOES_ON}"
    return failed(record, replace(found, failure=reason), (), None, now)


def drifted(record: TopologyRecord, step: Step, actor: str | None, now: datetime) -> Event:
    """`Drift Detected`: what Tandem reached once and nobody asked to change; what comes of it, in words."""
    making = isinstance(step.do, CreateRouteServer | CreateEndpoint | CreatePeer | EnablePropagation)
    removing = isinstance(step.do, DeleteEndpoint | DeletePeer | DisablePropagation)
    return event(
        DetailType.DRIFT_DETECTED,
        topology=record.topology.name,
        occurred_at=now,
        resource_id=step.do.about,
        summary=f"{step.reason}; {_outlook(step)}",
        severity="warning",
        expected=None if removing else step.do.what,
        observed=None if making else step.reason,
        concerns=[],
        actor=actor,
    )


def _outlook(step: Step) -> str:
    if step.refused is not None:
        return f"Tandem does not mend it: {step.refused.what}; right would be {step.refused.right}"
    waits = f", and waits for {step.waits_for}" if step.waits_for else ""
    return f"Tandem is going to {step.do.verb} {step.do.what}{waits}"


def differs(record: TopologyRecord, problems: tuple[Problem, ...], actor: str | None, now: datetime) -> Event:
    """`Drift Detected`: what is not Tandem's to repair. All have one cause; the first says it."""
    problem, *others = problems
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
        concerns=[f"{other.path}: {other.what}" for other in others],
        actor=actor,
    )


def reason_of(failure: CallFailedError) -> str:
    return f"{failure}; {HINTS.get(failure.code, AGAIN)}"
