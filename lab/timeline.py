"""Describes what happens in the lab, in words and in order of time, while it happens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from lab.queues import Notification
from lab.sightings import Sighting

Entry = tuple[datetime, str]

HOLD_BACK = timedelta(seconds=1)
"""How long an entry waits for earlier ones: an event and a message arrive after what they are about."""

REPEATS = {"Look", "Peer State Change", "Route Change"}
"""Events that say what is seen anyway, or nothing to a person."""

WORDS = ("reason", "summary", "cause", "change")
"""The member of an event's detail that says the most, the first that it has."""


@dataclass
class Timeline:
    """Gives each entry once, in order of time; one that is noticed too late for that comes at once."""

    given: list[Entry] = field(default_factory=list)
    _waiting: list[Entry] = field(default_factory=list)

    def add(self, entries: Iterable[Entry]) -> None:
        """An entry that was there already is the same entry: two decisions may go by one signal."""
        self._waiting += [e for e in entries if e not in self.given and e not in self._waiting]

    def due(self, until: datetime | None = None) -> list[Entry]:
        """Returns those not given yet that happened until then; without a time, all of them."""
        found = sorted((e for e in self._waiting if until is None or e[0] <= until), key=lambda e: e[0])
        self._waiting = [e for e in self._waiting if e not in found]
        self.given += found
        return found


def seen(sightings: Iterable[Sighting]) -> list[Entry]:
    """An Elastic IP moves; of everything else the state changes."""
    return [
        (s.at, f"moved: {address} {s.before} → {s.now}")
        if (address := s.what.removeprefix("Elastic IP ")) != s.what
        else (s.at, f"seen: {s.what} {s.before} → {s.now}")
        for s in sightings
    ]


def announced(event: Mapping[str, Any]) -> list[Entry]:
    """One line, or none for what is in `REPEATS`."""
    kind, detail = event["detail-type"], event["detail"]
    at = datetime.fromisoformat(detail["occurred_at"])
    if kind == "Failover Decision":
        mode = " (dry-run: nothing moves)" if detail["mode"] == "dry-run" else ""
        cause = detail["signal"]["cause"]
        return [(at, f"decided: {detail['action']}{mode}: {detail['reason']} (signal: {cause})")]
    if kind == "Failover Completed" and detail["stages"]["verified_at"]:
        verified = datetime.fromisoformat(detail["stages"]["verified_at"])
        return [(verified, "verified: EC2 shows every address at its new place")]
    if kind in REPEATS:
        return []
    said = next((f": {detail[word]}" for word in WORDS if detail.get(word)), "")
    return [(at, f"event: {kind}{said}")]


def mailed(at: datetime, notification: Notification) -> Entry:
    return at, f"message: {notification.subject}"
