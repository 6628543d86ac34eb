"""Provisioning in words: the details of its events, from what a run found and did."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from tandem.author import Author
from tandem.errors import CallFailedError
from tandem.events import DetailType, Event, event, iso
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
from tandem.provisioning.recording import Why, failure_words, to_dial
from tandem.reasons.provisioning import ProvisioningCode as Code
from tandem.reasons.reason import Reason, reason
from tandem.state.record import Provisioned, TopologyRecord
from tandem.topology.problems import Problem
from tandem.words.provisioning import right_of, said, sentence_of

_LONG = timedelta(minutes=30)
"""Longer than AWS takes for anything: endpoints and peers take minutes
(docs/aws-facts.md#lifecycle-durations)."""


def is_long(found: Provisioned, now: datetime) -> bool:
    """Returns True if it waits for long and people were not notified of that yet."""
    since = found.waits_since if found.pending and found.told_version != found.version else None
    return since is not None and now - since >= _LONG


def topology_change(
    record: TopologyRecord, change: str, now: datetime, by: Author, before: TopologyRecord | None = None
) -> Event:
    """Makes `Topology Change`: a topology was `stored`, is being deleted (`deleting`), or was `deleted`."""
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


def look_at_version(record: TopologyRecord, now: datetime) -> Event:
    """Makes `Look`: Tandem looks at what was stored now, and not with the next sweep."""
    return event(
        DetailType.LOOK,
        topology=record.topology.name,
        occurred_at=now,
        cause=f"version {record.version} was stored, mode {record.topology.mode}",
        requested_by="operator",
    )


def provisioning_completed(
    record: TopologyRecord, found: Provisioned, steps: Iterable[str], now: datetime
) -> Event:
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
        dial=to_dial(found),
        steps=list(steps),
        warnings=list(found.warnings),
    )


def provisioning_failed(
    record: TopologyRecord,
    found: Provisioned,
    why: Why,
    steps: Iterable[str],
    failure: CallFailedError | None,
    now: datetime,
) -> Event:
    return event(
        DetailType.PROVISIONING_FAILED,
        topology=record.topology.name,
        occurred_at=now,
        version=record.version,
        route_server_id=found.route_server_id or None,
        reason=failure_words(why),
        **_reason_of(why[0]).as_dict(),
        error=None if failure is None else {"code": failure.code, "message": failure.message},
        steps=list(steps),
    )


def _reason_of(why: Reason | Problem) -> Reason:
    return why.reason if isinstance(why, Problem) else why


def waited(record: TopologyRecord, found: Provisioned, now: datetime) -> Event:
    """Makes `Provisioning Failed`: it has waited for long, and for what only people can bring about."""
    since = iso(found.waits_since) if found.waits_since else "an unknown time"
    name, waits = record.topology.name, "; ".join(found.pending)
    why = (reason(Code.LONG_WAIT, name, since=since, waits=waits),)
    return provisioning_failed(record, found, why, (), None, now)


def drifted(record: TopologyRecord, step: Step, actor: str | None, now: datetime) -> Event:
    """Makes `Drift Detected` of what Tandem reached once and nobody asked to change, with what follows."""
    making = isinstance(step.do, CreateRouteServer | CreateEndpoint | CreatePeer | EnablePropagation)
    removing = isinstance(step.do, DeleteEndpoint | DeletePeer | DisablePropagation)
    return event(
        DetailType.DRIFT_DETECTED,
        topology=record.topology.name,
        occurred_at=now,
        resource_id=step.do.about,
        **step.reason.as_dict(),
        summary=f"{sentence_of(step.reason)}; {_outlook(step)}",
        severity="warning",
        expected=None if removing else right_of(step.outlook),
        observed=None if making else sentence_of(step.reason),
        concerns=[],
        actor=actor,
    )


def _outlook(step: Step) -> str:
    if step.refused is not None:
        refused = said(step.refused)
        return f"Tandem does not mend it: {refused.what}; right would be {refused.right}"
    waits = f", and waits for {sentence_of(step.waits_for)}" if step.waits_for else ""
    return f"Tandem is going to {sentence_of(step.outlook)}{waits}"


def differs(record: TopologyRecord, problems: tuple[Problem, ...], actor: str | None, now: datetime) -> Event:
    """Makes `Drift Detected` of what is not Tandem's to repair. All have one cause; the first names it."""
    problem, *others = (said(each) for each in problems)
    named = next(iter(problems[0].ids), None)
    server_id = record.topology.route_server.route_server_id
    return event(
        DetailType.DRIFT_DETECTED,
        topology=record.topology.name,
        occurred_at=now,
        resource_id=named or server_id or record.topology.name,
        **problems[0].reason.as_dict(),
        summary=f"{problem.path}: {problem.what}",
        severity="warning",
        expected=problem.right,
        observed=problem.what,
        concerns=[f"{other.path}: {other.what}" for other in others],
        actor=actor,
    )


def step_sentences(steps: Iterable[Reason]) -> tuple[str, ...]:
    """Returns what was done, for events, logs and answers."""
    return tuple(map(sentence_of, steps))
