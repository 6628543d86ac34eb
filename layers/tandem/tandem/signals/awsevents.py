"""AWS's own events (EC2, CloudWatch alarms, Health, CloudTrail): second opinions, each a reason to look."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tandem.signals.signal import Origin, Signal, SignalKind, members, moment

_IDENTIFIER = re.compile(r"(?<![\w-])[a-z]{1,16}-(?:[0-9a-f]{17}|[0-9a-f]{8})(?![\w-])")
"""EC2's IDs: a prefix, then 17 hexadecimal digits, or 8 in resources from before 2018."""


def parse_aws(event: Mapping[str, Any]) -> Signal | None:
    """Returns the signal in an event from AWS itself; None for Health's copies for its backup Region
    (docs/aws-facts.md#health-events).
    """
    detail = members(event.get("detail"))
    if event.get("source") == "aws.health" and str(detail.get("backupEvent")).lower() == "true":
        return None
    return Signal(
        SignalKind.LOOK,
        _cause(event, detail),
        occurred_at=moment(members(detail.get("state")).get("timestamp")) or moment(event.get("time")),
        origin=Origin.AWS,
        resource_ids=identifiers(event),
    )


def identifiers(event: object) -> frozenset[str]:
    """Returns every EC2 resource ID (i-, eni-, eipalloc-, rs-, …) named anywhere in an event: ARNs, keys,
    texts.
    """
    found: set[str] = set()
    left = [event]
    while left:
        match left.pop():
            case str() as text:
                found.update(_IDENTIFIER.findall(text))
            case Mapping() as mapping:
                left.extend(mapping.keys())
                left.extend(mapping.values())
            case list() | tuple() as items:
                left.extend(items)
    return frozenset(found)


def _cause(event: Mapping[str, Any], detail: Mapping[str, Any]) -> str:
    match event.get("source"), event.get("detail-type"):
        case _, "EC2 Instance State-change Notification":
            return f"instance {detail.get('instance-id')} is {detail.get('state')}"
        case _, "CloudWatch Alarm State Change":
            return f"alarm {detail.get('alarmName')} is {members(detail.get('state')).get('value')}"
        case _, "AWS API Call via CloudTrail":
            return _call(detail)
        case "aws.health", _:
            about = ", ".join(_shown(identifiers([detail.get("affectedEntities"), event.get("resources")])))
            return f"AWS Health: {detail.get('eventTypeCode')}" + (f" for {about}" if about else "")
        case source, detail_type:
            about = ", ".join(_shown(identifiers([detail, event.get("resources")])))
            return f"{detail_type} ({source})" + (f" for {about}" if about else "")


def _call(detail: Mapping[str, Any]) -> str:
    """CloudTrail records refused calls too: they have an errorCode and changed nothing."""
    on = ", ".join(_shown(identifiers(detail.get("requestParameters"))))
    who = members(detail.get("userIdentity"))
    by = who.get("arn") or who.get("invokedBy") or who.get("principalId") or "somebody"
    refused = f", refused: {detail['errorCode']}" if detail.get("errorCode") else ""
    return f"CloudTrail: {detail.get('eventName')}" + (f" on {on}" if on else "") + f" by {by}{refused}"


def _shown(ids: frozenset[str]) -> list[str]:
    """Shows at most four, so that a cause stays a sentence."""
    ordered = sorted(ids)
    return ordered if len(ordered) <= 4 else [*ordered[:4], f"{len(ordered) - 4} more"]
