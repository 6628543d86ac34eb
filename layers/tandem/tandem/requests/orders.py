"""Parses what the provisioner is asked for: by the command line, CloudFormation, the bus, its schedule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tandem.author import NOBODY, Author, stated
from tandem.errors import ConfigurationError
from tandem.events import DetailType, from_envelope
from tandem.requests.applying import Application
from tandem.requests.customresource import Request, is_request, parse_request


@dataclass(frozen=True, slots=True)
class Check:
    """Asks what would happen if a document were applied."""

    application: Application


@dataclass(frozen=True, slots=True)
class Apply:
    """Asks to store a document, whole or not at all."""

    application: Application


@dataclass(frozen=True, slots=True)
class Delete:
    """Asks to stop watching a topology and to forget it."""

    topology: str
    take_over: bool = False
    resources: bool = False
    """With what Tandem created for it."""
    check: bool = False
    """Only say what would happen."""
    seen: int | None = None
    """The version that whoever deletes has looked at, if they say."""
    by: Author = NOBODY


@dataclass(frozen=True, slots=True)
class Refresh:
    """Asks to make one topology as its document says, or each of them."""

    topology: str | None = None
    due_only: bool = False
    """Only those that have something to go on with."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """Stands for an event that asks for nothing."""

    why: str


Order = Check | Apply | Delete | Refresh | Request | Nothing


def parse_order(event: object, request_id: str) -> Order:
    """Returns the order in a direct invocation or an event. Raises ConfigurationError for an unknown
    action.
    """
    raw: Mapping[str, Any] = event if isinstance(event, dict) else {}
    if is_request(raw):
        return parse_request(raw)
    by = Author(stated(raw.get("stated_by")), request_id)
    if "action" not in raw:
        return _of_event(raw)
    match raw["action"]:
        case "check" | "plan":
            return Check(_application(raw, by))
        case "apply":
            return Apply(_application(raw, by))
        case "delete" if isinstance(raw.get("topology"), str):
            said = {name: raw.get(name) is True for name in ("take_over", "resources", "check")}
            seen = raw.get("seen")
            return Delete(raw["topology"], **said, seen=seen if isinstance(seen, int) else None, by=by)
        case "delete":
            raise ConfigurationError(
                'a delete must name its topology: {"action": "delete", "topology": "edge"}'
            )
        case "refresh":
            name = raw.get("topology")
            return Refresh(name if isinstance(name, str) else None, raw.get("due_only") is True)
        case other:
            raise ConfigurationError(
                f"unknown action {other!r}; known are: check, plan, apply, delete, refresh"
            )


def _application(raw: Mapping[str, Any], by: Author) -> Application:
    seen = raw.get("seen")
    return Application(
        document=raw.get("document"),
        take_over=raw.get("take_over") is True,
        seen=seen if isinstance(seen, int) else None,
        allow_interruption=raw.get("allow_interruption") is True,
        by=by,
    )


def _of_event(raw: Mapping[str, Any]) -> Order:
    event = from_envelope(raw)
    if event is None or event.detail_type is not DetailType.TOPOLOGY_CHANGE:
        return Nothing(f"no order: {raw.get('detail-type', 'an event of unknown shape')}")
    name = event.detail.get("topology")
    if not isinstance(name, str) or event.detail.get("change") != "stored":
        return Nothing("a topology was deleted; that took its resources along")
    return Refresh(name)
