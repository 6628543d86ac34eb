"""Words for people: a decision, an outcome or a finding as a message that can be read at 3 a.m."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tandem.events import DetailType, Event
from tandem.words import failover, upkeep
from tandem.words.parts import Said

SUBJECT_MOST = 99
"""SNS takes less than 100 characters without control characters; ASCII passes every mail gateway."""

DETAIL_MOST = 200_000
"""Bytes of JSON that go along: text and attributes together are at most 256 KiB (SNS, Publish)."""

_LINE_MOST = 1000
"""Characters of a line; with them no text comes near what SNS takes."""

_WORDS: dict[DetailType, Callable[[dict[str, Any]], Said]] = {
    DetailType.FAILOVER_DECISION: failover.decision,
    DetailType.FAILOVER_COMPLETED: failover.completed,
    DetailType.FAILOVER_FAILED: failover.failed,
    DetailType.HOLD_ENDED: failover.hold_ended,
    DetailType.DRIFT_DETECTED: upkeep.drift,
    DetailType.ROUTE_LEAK: upkeep.leak,
    DetailType.PROVISIONING_COMPLETED: upkeep.provisioned,
    DetailType.PROVISIONING_FAILED: upkeep.not_provisioned,
    DetailType.COMPLIANCE_FINDING: upkeep.finding,
    DetailType.COMPLIANCE_DIGEST: upkeep.compliance_digest,
    DetailType.OVERRIDE_CHANGED: upkeep.override,
    DetailType.TOPOLOGY_CHANGE: upkeep.topology,
}
TOLD = frozenset(_WORDS)
"""The detail-types that people are told of."""


@dataclass(frozen=True, slots=True)
class Notification:
    """Holds one message: a subject, a text for people, attributes to filter by, the detail as JSON for
    machines.
    """

    subject: str
    text: str
    attributes: dict[str, str]
    detail: str | None
    """None where it is too large to go along."""


def notification(event: Event) -> Notification | None:
    """Returns the message for an event; None for one of which people are not notified."""
    words = _WORDS.get(event.detail_type)
    if words is None:
        return None
    said, detail = words(event.detail), event.detail
    about = detail["topology"] + (f"/{detail['group']}" if "group" in detail else "")
    attributes = {
        "detail_type": event.detail_type.value,
        "topology": detail["topology"],
        "group": detail.get("group"),
        "severity": said.severity,
        "action": said.action,
        "thread": detail.get("thread", detail.get("decision_id")),
    }
    whole = json.dumps(detail)
    return Notification(
        subject=subject(f"Tandem {about}: {said.subject}"),
        text="\n".join(_cut(_printable(line), _LINE_MOST) for line in said.lines) + "\n",
        attributes={name: value for name, value in attributes.items() if value},
        detail=whole if len(whole) <= DETAIL_MOST else None,
    )


def subject(text: str) -> str:
    """Returns the text as an SNS subject: one line of printable ASCII. Where it is too long it ends with
    `...`, after a whole word: half an ID or half an address looks like another one.
    """
    printable = "".join(c if " " <= c <= "~" else "?" if c > "~" else " " for c in text)
    line = " ".join(printable.split())
    if len(line) <= SUBJECT_MOST:
        return line
    whole_words = line[: SUBJECT_MOST - 2].rpartition(" ")[0].rstrip(" ,;:")
    return f"{whole_words}..." if whole_words else _cut(line, SUBJECT_MOST)


def _printable(text: str) -> str:
    """Removes control characters: what AWS says in an error is in here too."""
    return "".join(c if c.isprintable() else " " for c in text)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 3].rstrip() + "..."
