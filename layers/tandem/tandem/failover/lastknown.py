"""What a process remembers of the state table, for while the table is away."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tandem.state.override import Override
from tandem.state.record import TopologyRecord

FRESH = timedelta(minutes=5)
KEPT = 100


@dataclass(slots=True)
class LastKnown:
    """What this process last read from the table, and what it could not write to it."""

    records: dict[str, tuple[TopologyRecord, datetime]] = field(default_factory=dict)
    """By name, those that were asked for, each with when."""
    overrides: dict[str, tuple[tuple[Override, ...], datetime]] = field(default_factory=dict)
    late: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)

    def read(self, names: Collection[str] | None, records: Iterable[TopologyRecord], at: datetime) -> None:
        """What the table showed of these names, or of all; what it does not show any more is forgotten."""
        for name in tuple(self.records) if names is None else names:
            self.records.pop(name, None)
        self.records |= {record.topology.name: (record, at) for record in records}

    def fresh(self, names: Collection[str] | None, now: datetime) -> tuple[TopologyRecord, ...]:
        """Those of these names, or of all, that were read less than five minutes ago."""
        known = self.records.items()
        return tuple(r for name, (r, at) in known if now - at < FRESH and (names is None or name in names))

    def remember(self, topology: str, overrides: tuple[Override, ...], at: datetime) -> None:
        self.overrides[topology] = (overrides, at)

    def is_free(self, topology: str, now: datetime) -> bool:
        """Whether the table, read less than five minutes ago, showed no override that is in force now."""
        known = self.overrides.get(topology)
        if known is None or now - known[1] >= FRESH:
            return False
        return not any(now < override.until for override in known[0])

    def later(self, topology: str, body: Mapping[str, Any]) -> None:
        """Keeps an audit record for when the table is back, marked late."""
        self.late.setdefault(topology, []).append({**body, "late": True})
        del self.late[topology][:-KEPT]
