"""The `override` records of the state table, as operators write them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tandem.override import FOREVER, Override, OverrideKind


def override_of(item: Mapping[str, Any], group: str | None) -> tuple[Override | None, str | None]:
    """The override and, where its record is damaged, what is wrong: of such a one only a pause counts."""
    action, wrong = _text(item, "action"), []
    is_pause = action.strip().lower() == OverrideKind.PAUSED
    if action not in tuple(OverrideKind):
        wrong.append(f"`action` is neither {' nor '.join(OverrideKind)}")
    wrong += [f"`{name}` is no text" for name in ("who", "why") if not _text(item, name)]
    until = _until(_text(item, "until"))
    if until is None:
        wrong.append("`until` is no time as in 2026-01-31T18:00:00Z")
    if not is_pause and not _text(item, "appliance"):
        wrong.append("`appliance` is no name")
    damage = None
    if wrong:
        held = "it pauses all the same" if is_pause else "it does not count"
        damage = f"the override record {item['id']['S']} is damaged, {held}: {'; '.join(wrong)}"
        if not is_pause:
            return None, damage
    why = _text(item, "why") or "unknown"
    override = Override(
        kind=OverrideKind.PAUSED if is_pause else OverrideKind.PINNED,
        who=_text(item, "who") or "unknown",
        why=f"{why} ({damage}; mend or delete it)" if damage else why,
        until=until or FOREVER,
        group=group,
        appliance=_text(item, "appliance") or None,
        forced=item.get("forced", {}).get("BOOL", False),
    )
    return override, damage


def _text(item: Mapping[str, Any], name: str) -> str:
    return str(item.get(name, {}).get("S", ""))


def _until(text: str) -> datetime | None:
    """A time without a zone is UTC."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (OverflowError, ValueError):
        return None
