"""The `override` records of the state table, as operators write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from tandem.decoding import Damaged, cut, flag, read, text, utc
from tandem.override import FOREVER, Override, OverrideKind

T = TypeVar("T")

LONGEST = 500
"""Characters of `who` and `why` that a decision's reason repeats."""


def override_of(item: Mapping[str, Any], group: str | None) -> tuple[Override, str | None]:
    """The override and, where its record is damaged, what is wrong. A damaged one holds, whatever its action
    said, until it is mended or over: nobody knows what the person meant.
    """
    wrong: list[str] = []

    def known(reader: Callable[[], T], otherwise: T, words: str | None = None) -> T:
        found = read(reader)
        if isinstance(found, Damaged):
            wrong.append(words or found.why)
            return otherwise
        return found

    kinds = f"`action` is neither {' nor '.join(OverrideKind)}"
    kind = known(lambda: OverrideKind(text(item, "action")), OverrideKind.PAUSED, kinds)
    who, why = known(lambda: text(item, "who"), "unknown"), known(lambda: text(item, "why"), "unknown")
    no_time = "`until` is not a valid time; an example is 2026-01-31T18:00:00Z"
    until = known(lambda: utc(text(item, "until")), FOREVER, no_time)
    appliance = known(lambda: text(item, "appliance"), "") if kind is OverrideKind.PINNED else None
    is_forced = known(lambda: flag(item, "forced"), False)
    override = Override(kind, cut(who, LONGEST), cut(why, LONGEST), until, group, appliance, is_forced)
    if not wrong:
        return override, None
    damage = f"the override record {item['id']['S']} is damaged, so Tandem holds: {'; '.join(wrong)}"
    return pause_because(f"{override.why} ({damage}; fix or delete it)", override.who, until, group), damage


def pause_because(
    why: str, who: str = "unknown", until: datetime = FOREVER, group: str | None = None
) -> Override:
    """A pause where nobody can say what a record says."""
    return Override(OverrideKind.PAUSED, who, why, until, group)
