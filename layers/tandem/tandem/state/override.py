"""Models what an operator set for a topology: paused, or pinned to an appliance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

FOREVER = datetime.max.replace(tzinfo=UTC)
"""The end of a pause whose record names none that can be read."""


class OverrideKind(StrEnum):
    PAUSED = "paused"
    PINNED = "pinned"


@dataclass(frozen=True, slots=True)
class Override:
    """Holds for one group, or for the whole topology where `group` is None; ends by itself at `until`."""

    kind: OverrideKind
    who: str
    why: str
    until: datetime
    group: str | None = None
    appliance: str | None = None
    forced: bool = False
    is_record: bool = True
    """False where it stands for records that could not be read: there is none to delete."""

    def record_id(self, topology: str) -> str | None:
        """Returns the `id` of its record in the state table."""
        own = f"{topology}#{self.group}" if self.group else topology
        return own if self.is_record else None


def prevailing(overrides: tuple[Override, ...], group: str, now: datetime) -> Override | None:
    """Returns the override that a group is under: a pause beats a pin, the group's own beats the
    topology's.
    """
    applicable = [o for o in overrides if o.group in (None, group) and now < o.until]
    ranked = sorted(applicable, key=lambda o: (o.kind is not OverrideKind.PAUSED, o.group is None))
    return ranked[0] if ranked else None
