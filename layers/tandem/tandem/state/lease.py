"""The lease on one topology: one look at a time (docs/how-it-works.md#a-look)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

LEASE = timedelta(seconds=30)
CLOCK_MARGIN = timedelta(seconds=5)
"""How far apart clocks may be: a lease counts as over this long after its end."""

ENOUGH = timedelta(seconds=10)
"""No mutating call begins with less of the lease left; one lasts at most 7 s (`adapters.clients.MOVES`)."""

ABSURD = timedelta(minutes=10)
"""A lease that claims to last longer than this was damaged, and is taken over at once."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Holds the right to move one topology's addresses until `until`, proven by `epoch`."""

    topology: str
    owner: str
    epoch: int
    until: datetime
    taken_over: bool = False
    """Whether the holder before never let go: a call of its may still be on the wire."""
    damage: tuple[str, ...] = ()
    """What was damaged in the record."""

    def is_enough(self, now: datetime) -> bool:
        return self.until - now >= ENOUGH


def is_over(until: datetime, now: datetime) -> bool:
    """Returns True if a lease that ends at `until` may be taken over."""
    return until < now - CLOCK_MARGIN


def is_absurd(until: datetime, now: datetime) -> bool:
    """Returns True if no look can have taken a lease to `until`."""
    return until > now + ABSURD
