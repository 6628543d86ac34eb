"""Reads CloudTrail's records of calls that AWS carried out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tandem.signals.awsevents import identifiers
from tandem.signals.signal import members, moment

_CLOUDFORMATION = "cloudformation.amazonaws.com"
_TOOLS = ("Terraform", "OpenTofu", "Pulumi")


@dataclass(frozen=True, slots=True)
class Call:
    """One call that AWS carried out, as CloudTrail recorded it."""

    name: str
    at: datetime
    actor: str
    """The caller's ARN; where there is none, the AWS service that called."""
    role: str | None
    """The role whose session called."""
    resource_ids: frozenset[str]
    """Those that the request names; `resources` of the event is usually empty
    (docs/aws-facts.md#cloudtrail-resources)."""
    request: str
    """The request's parameters as JSON, in lower case: AWS documents no shape for those of Route Server."""
    tool: str | None = None
    """The tool that applies a template, where the record shows that one called."""


def calls_of(records: Iterable[str]) -> tuple[Call, ...]:
    """The calls in CloudTrail records, in their order; those that were refused changed nothing."""
    found = (_call(record) for record in records)
    return tuple(call for call in found if call is not None)


def is_unreadable(record: str) -> bool:
    """Returns True for a record that does not say who called what, or if AWS carried the call out."""
    try:
        refused = members(json.loads(record)).get("errorCode")
    except ValueError:
        return True
    return not refused and _call(record) is None


def _call(record: str) -> Call | None:
    """None for what is no call that was carried out, or cannot be read."""
    try:
        event = members(json.loads(record))
    except ValueError:
        return None
    who, at = members(event.get("userIdentity")), moment(event.get("eventTime"))
    name, caller = event.get("eventName"), who.get("arn") or who.get("invokedBy")
    if at is None or event.get("errorCode") or not isinstance(name, str) or not isinstance(caller, str):
        return None
    request = event.get("requestParameters")
    issuer = members(members(who.get("sessionContext")).get("sessionIssuer"))
    return Call(
        name=name,
        at=at,
        actor=caller,
        role=_role(caller) or issuer.get("userName"),
        resource_ids=identifiers(request),
        request=json.dumps(request).lower(),
        tool=_tool(str(who.get("invokedBy")), str(event.get("userAgent"))),
    )


def _tool(service: str, agent: str) -> str | None:
    """Names CloudFormation by `invokedBy`, other tools by the user agent
    (docs/aws-facts.md#cloudtrail-callers)."""
    if _CLOUDFORMATION in (service, agent):
        return "CloudFormation"
    return next((tool for tool in _TOOLS if tool.lower() in agent.lower()), None)


def _role(arn: str) -> str | None:
    """The role's name in `arn:aws:sts::123456789012:assumed-role/name/session`."""
    kind, _, rest = arn.rpartition(":")[2].partition("/")
    return rest.partition("/")[0] if kind == "assumed-role" else None
