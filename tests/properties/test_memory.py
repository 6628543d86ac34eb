"""Whatever text was stored, a look can begin with it; a wrong clock undamps nothing."""

from __future__ import annotations

import json
from datetime import timedelta, timezone
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from tandem.state.memory import (
    Memory,
    PastMove,
    contested,
    damped_until,
    dump,
    load,
    not_after,
)
from tests.pure import NOW, after

ZONES = st.none() | st.timedeltas(timedelta(hours=-14), timedelta(hours=14)).map(timezone)
TIMES = st.datetimes(timezones=ZONES).map(lambda at: at.isoformat())
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | TIMES
ANYTHING = st.recursive(
    LEAVES, lambda any_: st.lists(any_, max_size=3) | st.dictionaries(st.text(max_size=3), any_, max_size=3)
)
MOVES = st.lists(
    st.fixed_dictionaries(
        {"owner": LEAVES, "at": TIMES | LEAVES},
        optional={"pending": ANYTHING, "verified": ANYTHING | st.just(["e"])},
    ),
    max_size=3,
)
NEARLY = st.fixed_dictionaries(
    {
        "moves": MOVES | ANYTHING,
        "standing": st.dictionaries(
            st.text(max_size=3),
            st.fixed_dictionaries({"action": LEAVES, "reason": LEAVES, "since": TIMES | LEAVES}),
            max_size=2,
        )
        | ANYTHING,
        "next_hops": st.dictionaries(st.text(max_size=3), st.lists(LEAVES), max_size=2) | ANYTHING,
    },
    optional={"heard": st.dictionaries(st.text(max_size=3), TIMES, max_size=2) | ANYTHING, "told": ANYTHING},
)
SOUND: dict[str, Any] = {"moves": [], "standing": {}, "next_hops": {}}


def remembered(**damaged: Any) -> str:
    return json.dumps({**SOUND, **damaged})


@given(st.text() | ANYTHING.map(json.dumps) | NEARLY.map(json.dumps))
@example("[" * 100_000)
@example("1" * 5000)
@example(remembered(told=float("inf")))
@example(remembered(moves=[{"owner": "fw1", "at": "0001-01-01T00:00:00+14:00"}]))
@example(remembered(moves=[{"owner": "fw1", "at": "9999-12-31T23:59:59-14:00"}]))
@example(remembered(moves=[{"owner": "fw1", "at": "9999-12-31T23:59:59Z"}]))
def test_no_text_keeps_a_look_from_beginning(text: str) -> None:
    """What is loaded can be stored and loaded again, and asked; what was not readable is said."""
    memory, _ = load(text)
    assert load(dump(memory)) == (memory, None)
    memory, _ = not_after(memory, NOW)
    assert load(dump(memory)) == (memory, None)
    assert not_after(memory, NOW) == (memory, None)
    for address in {"e"}.union(*(move.addresses for move in memory.moves)):
        until = damped_until(memory, "fw9", address, NOW)
        assert until is None or until <= after(60)
        assert damped_until(memory, "fw9", address, after(61)) is None
        assert contested(memory, "fw1", address, after(601)) is None


@given(st.lists(st.integers(-700, 700), max_size=6), st.integers(-5, 5))
def test_a_clock_that_is_wrong_undamps_nothing(seconds: list[int], skew: int) -> None:
    """The writer's clock is `skew` seconds ahead: what it damps stays damped, and hardly longer."""
    true = Memory(moves=tuple(PastMove("fw1", after(min(s, 0)), ("e",)) for s in sorted(seconds)))
    shown = Memory(moves=tuple(PastMove("fw1", m.at + timedelta(seconds=skew), ("e",)) for m in true.moves))
    known, damage = not_after(shown, NOW)
    assert damage is None
    right, got = (damped_until(memory, "fw2", "e", NOW) or NOW for memory in (true, known))
    assert got <= right + timedelta(seconds=max(skew, 0))
    assert got >= right - timedelta(seconds=max(-skew, 0))
