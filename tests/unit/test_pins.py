"""Tests which pins are in force, which of them are news, and what the audit trail recalls of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from tandem.audit import Record
from tandem.failover import pins
from tandem.failover.pins import effective_pins, pin_changes, record_pins
from tandem.failover.recall import recalled
from tandem.failover.run import Progress, Run
from tandem.state.memory import Memory, Pin
from tandem.state.override import Override, OverrideKind

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
PIN = Pin("fw2", False, "kim", "a test", LATER)
OVER = Pin("fw2", False, "kim", "a test", NOW)
FORCED = Pin("fw2", True, "kim", "a test", LATER)


def pinned(group: str | None = None, until: datetime = LATER) -> Override:
    return Override(OverrideKind.PINNED, "kim", "a test", until, group, "fw2")


@pytest.mark.parametrize(
    ("override", "found"),
    [
        (pinned(), {"": PIN}),
        (pinned("edge"), {"edge": PIN}),
        (pinned(until=NOW), {}),
        (Override(OverrideKind.PAUSED, "kim", "a test", LATER), {}),
    ],
    ids=["of the topology", "of a group", "over", "a pause"],
)
def test_a_pin_is_known_by_its_group_while_it_is_in_force(override: Override, found: dict[str, Pin]) -> None:
    assert effective_pins([override], NOW) == found


@pytest.mark.parametrize(
    ("known", "now", "changes"),
    [
        ({}, {"": PIN}, {"": ("pinned", "kim", "a test")}),
        ({"": PIN}, {"": PIN}, {}),
        # it counts as another pin if anything of it is another
        ({"": PIN}, {"": FORCED}, {"": ("pinned", "kim", "a test")}),
        (
            {"": PIN},
            {},
            {"": ("unpinned", "somebody", "somebody deleted or replaced the pin of kim (a test)")},
        ),
        ({"": OVER}, {}, {"": ("unpinned", "kim", "the pin expired (a test)")}),
        (
            {"edge": OVER},
            {"": PIN},
            {"": ("pinned", "kim", "a test"), "edge": ("unpinned", "kim", "the pin expired (a test)")},
        ),
    ],
)
def test_what_is_new_of_pins(
    known: dict[str, Pin], now: dict[str, Pin], changes: dict[str, tuple[str, str, str]]
) -> None:
    found = pin_changes(known, now, NOW)
    assert {group: (d["change"], d["who"], d["why"]) for group, d in found.items()} == changes


def test_a_look_without_time_left_records_no_pin(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has neither memory nor trail: to use one of them fails."""

    class Late:
        world = cast(Any, type("World", (), {"clock": type("Clock", (), {"now": staticmethod(lambda: NOW)})}))

        def is_late(self) -> bool:
            return True

    observation = cast(Any, type("Observed", (), {"overrides": (pinned(),)}))
    monkeypatch.setattr(pins, "effective_pins", lambda *_: {"": PIN})
    progress = Progress(Memory(), NOW, observation)
    assert record_pins(cast(Run, Late()), progress) is progress


def record(number: int, known: dict[str, Pin], now: dict[str, Pin]) -> Record:
    body = {"kind": "override", "overrides": pin_changes(known, now, NOW)}
    return Record("failover#edge", number, "", "", body)


LAID, ALSO, LIFTED = record(1, {}, {"": PIN}), record(2, {}, {"edge": FORCED}), record(3, {"": PIN}, {})
DAMAGED = Record("failover#edge", 4, "", "", {"kind": "override", "overrides": {"": {"change": "pinned"}}})


@pytest.mark.parametrize(
    ("records", "found"),
    [
        ((LAID,), {"": PIN}),
        ((LIFTED, ALSO, LAID), {"edge": FORCED}),
        ((record(5, {}, {"": FORCED}), LIFTED, LAID), {"": FORCED}),
        ((DAMAGED, LAID), {"": PIN}),
        ((), {}),
    ],
)
@pytest.mark.parametrize("known", [{}, {"": OVER}], ids=["lost", "older"])
def test_the_newest_record_says_which_pin_was_notified(
    known: dict[str, Pin], records: tuple[Record, ...], found: dict[str, Pin]
) -> None:
    assert recalled(Memory(pins=known), records).pins == (found if records else known)
