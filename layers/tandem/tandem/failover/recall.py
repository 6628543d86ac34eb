"""Recalls from the audit trail what is notified once: a look may have died before it could remember that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from tandem.audit import Record, RecordKind
from tandem.failover.holds import with_codes
from tandem.state.decoding import Damaged, read, utc
from tandem.state.episodes import Change, Episode
from tandem.state.memory import Memory, Pin

T = TypeVar("T")


def recalled(memory: Memory, newest_first: Sequence[Record]) -> Memory:
    """Returns the memory with the findings and pins that the audit trail says were notified, and with the
    codes of failed moves. Somebody may also have damaged the memory.

    A hold is not recalled: one that the memory does not have is decided anew, and `Trail` drops its record.
    """
    memory = with_codes(memory, newest_first)
    episodes, pins = dict(memory.episodes), dict(memory.pins)
    for key, (change, since) in _latest(newest_first, RecordKind.FINDING, "findings", _finding).items():
        known = episodes.get(key)
        if change is Change.OPENED:
            opened = known or Episode(since, since)
            episodes[key] = replace(opened, since=min(since, opened.since), told=True)
        elif known is not None and known.told:
            del episodes[key]
    for group, pin in _latest(newest_first, RecordKind.OVERRIDE, "overrides", _pin).items():
        if pin is not None:
            pins[group] = pin
        else:
            pins.pop(group, None)
    return replace(memory, episodes=episodes, pins=pins)


def _latest(
    newest_first: Sequence[Record], kind: RecordKind, member: str, make: Callable[[Mapping[str, Any]], T]
) -> dict[str, T]:
    """Returns what the last record of each key says; damaged records are left out."""
    latest: dict[str, T] = {}
    for record in newest_first:
        if record.body.get("kind") == kind:
            found = read(partial(_details, record, member, make))
            latest = latest if isinstance(found, Damaged) else found | latest
    return latest


def _details(record: Record, member: str, make: Callable[[Mapping[str, Any]], T]) -> dict[str, T]:
    return {str(key): make(detail) for key, detail in record.body[member].items()}


def _finding(detail: Mapping[str, Any]) -> tuple[Change, datetime]:
    return Change(detail["status"]), utc(detail["since"])


def _pin(detail: Mapping[str, Any]) -> Pin | None:
    """Returns the pin that was laid; None for one that was lifted."""
    if detail["change"] == "unpinned":
        return None
    appliance, until = str(detail["appliance"] or ""), utc(detail["until"])
    return Pin(appliance, bool(detail["forced"]), str(detail["who"]), str(detail["why"]), until)
