"""What the looks remember of their moves: enough for every group, and never too much to store."""

from __future__ import annotations

import json
from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tandem.memory import Memory, PastMove, contested, damped_until, dump, load, not_after
from tests.pure import NOW, after

RECORD_BYTES = 400 * 1024
"""DynamoDB's limit of an item."""


def flapped(groups: int, times: int, *, every: float = 10.0, name: str = "g", suffix: str = "") -> Memory:
    """All groups move together, to the other appliance and back."""
    memory = Memory()
    for turn in range(times):
        for n in range(groups):
            owner = f"fw{1 + turn % 2}{suffix}"
            memory = memory.with_move(f"{name}{n}", owner, after(turn * every), [f"eipalloc-{n:017x}"])
            memory = memory.with_verified(f"{name}{n}", [f"eipalloc-{n:017x}"])
    return memory


@pytest.mark.parametrize(("times", "seconds"), [(1, 5), (2, 10), (3, 20), (4, 40), (5, 60), (30, 60)])
def test_the_damping_doubles_for_each_of_many_groups(times: int, seconds: int) -> None:
    memory = flapped(25, times)
    last = (times - 1) * 10
    back = f"fw{1 + times % 2}"
    for n in range(25):
        until = damped_until(memory, f"g{n}", back, f"eipalloc-{n:017x}", after(last + 1))
        assert until == after(last + seconds)


def test_each_of_many_groups_has_its_own_contest() -> None:
    memory = Memory()
    for turn in range(3):
        for n in range(25):
            assert contested(memory, f"g{n}", "fw1", f"e{n}", after(turn * 60)) is None
            memory = memory.with_move(f"g{n}", "fw1", after(turn * 60), [f"e{n}"])
            memory = memory.with_verified(f"g{n}", [f"e{n}"])
    assert [contested(memory, f"g{n}", "fw1", f"e{n}", after(180)) for n in range(25)] == [3] * 25


def test_a_group_that_flaps_alone_takes_nothing_from_the_others() -> None:
    memory = flapped(25, 5)
    for turn in range(2000):
        memory = memory.with_move("restless", f"fw{1 + turn % 2}", after(50 + turn), [])
    for n in range(25):
        assert damped_until(memory, f"g{n}", "fw2", f"eipalloc-{n:017x}", after(41)) == after(100)


def test_what_200_groups_remember_fits_into_the_record() -> None:
    memory = flapped(200, 8)
    text = dump(memory)
    assert len(text) < RECORD_BYTES / 2
    assert load(text) == (memory, None)
    assert damped_until(memory, "g0", "fw1", "e0", after(71)) == after(130)


def test_the_longest_names_and_any_number_of_groups_fit_as_well_and_each_is_damped() -> None:
    memory = flapped(1000, 3, name="g" * 36, suffix="w" * 37)
    assert len(dump(memory)) < RECORD_BYTES
    for n in (0, 999):
        assert damped_until(memory, "g" * 36 + str(n), "fw2", f"eipalloc-{n:017x}", after(21)) is not None


def sent(*turns: tuple[str, float, str, str]) -> tuple[PastMove, ...]:
    """Moves of group g, each with its owner, its second, and what was sent and then shown: `ab`, `a`."""
    memory = Memory()
    for owner, second, addresses, shown in turns:
        memory = memory.with_move("g", owner, after(second), addresses).with_verified("g", shown)
    return memory.moves


def past(owner: str, second: float, pending: str, verified: str) -> PastMove:
    return PastMove("g", owner, after(second), tuple(pending), tuple(verified))


def test_what_finishes_a_move_keeps_its_time() -> None:
    assert sent(("fw2", 0, "abc", "a"), ("fw2", 3, "bc", "b")) == (past("fw2", 0, "c", "ab"),)


def test_what_follows_the_others_to_the_same_owner_is_the_same_move_at_a_new_time() -> None:
    """Its way back is damped from then on, and no more than if all had gone together."""
    assert sent(("fw2", 0, "ab", "a"), ("fw2", 3, "c", "")) == (past("fw2", 3, "bc", "a"),)


def test_what_was_put_right_is_a_move_of_its_own_and_the_rest_stays_to_be_finished() -> None:
    moves = sent(("fw2", 0, "ab", "a"), ("fw2", 3, "a", ""))
    assert moves == (past("fw2", 0, "", "a"), past("fw2", 3, "ab", ""))


def test_nothing_is_left_to_finish_of_a_move_that_another_owner_followed() -> None:
    moves = sent(("fw2", 0, "ab", "a"), ("fw1", 3, "ab", "ab"), ("fw2", 9, "a", ""))
    assert moves == (past("fw2", 0, "", ""), past("fw1", 3, "", ""), past("fw2", 9, "a", ""))


ZONES = st.none() | st.timedeltas(timedelta(hours=-14), timedelta(hours=14)).map(timezone)
TIMES = st.datetimes(timezones=ZONES).map(lambda at: at.isoformat())
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | TIMES
ANYTHING = st.recursive(
    LEAVES, lambda any_: st.lists(any_, max_size=3) | st.dictionaries(st.text(max_size=3), any_, max_size=3)
)
MOVES = st.lists(
    st.fixed_dictionaries(
        {"group": LEAVES, "owner": LEAVES, "at": TIMES | LEAVES},
        optional={"pending": ANYTHING, "verified": ANYTHING},
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
@example(remembered(moves=[{"group": "g", "owner": "fw1", "at": "0001-01-01T00:00:00+14:00"}]))
@example(remembered(moves=[{"group": "g", "owner": "fw1", "at": "9999-12-31T23:59:59-14:00"}]))
@example(remembered(moves=[{"group": "g", "owner": "fw1", "at": "9999-12-31T23:59:59Z"}]))
def test_no_text_keeps_a_look_from_beginning(text: str) -> None:
    """What is loaded can be stored and loaded again, and asked; what was not readable is said."""
    memory, damage = load(text)
    assert memory == Memory() or damage is None
    assert load(dump(memory)) == (memory, None)
    memory, _ = not_after(memory, NOW)
    assert load(dump(memory)) == (memory, None)
    assert not_after(memory, NOW) == (memory, None)
    for group in {move.group for move in memory.moves}:
        until = damped_until(memory, group, "fw9", "e", NOW)
        assert until is None or until <= after(60)
        assert damped_until(memory, group, "fw9", "e", after(61)) is None
        assert contested(memory, group, "fw1", "e", after(601)) is None


@given(st.lists(st.integers(-700, 700), max_size=6), st.integers(-5, 5))
def test_a_clock_that_is_wrong_undamps_nothing(seconds: list[int], skew: int) -> None:
    """The writer's clock is `skew` seconds ahead: what it damps stays damped, and hardly longer."""
    true = Memory(moves=tuple(PastMove("g", "fw1", after(min(s, 0))) for s in sorted(seconds)))
    shown = Memory(moves=tuple(PastMove("g", "fw1", m.at + timedelta(seconds=skew)) for m in true.moves))
    known, damage = not_after(shown, NOW)
    assert damage is None
    right, got = (damped_until(memory, "g", "fw2", "e", NOW) or NOW for memory in (true, known))
    assert got <= right + timedelta(seconds=max(skew, 0))
    assert got >= right - timedelta(seconds=max(-skew, 0))


def test_what_a_far_wrong_clock_wrote_counts_as_made_now_and_is_said() -> None:
    ahead = Memory(
        moves=(PastMove("g", "fw1", after(3600), ("e",), ("f",)),), heard={"a": after(4), "b": after(6)}
    )
    known, damage = not_after(ahead, NOW)
    assert known == Memory(moves=(PastMove("g", "fw1", NOW, ("e",), ("f",)),), heard={"a": after(4)})
    assert damage is not None
    assert "b" in damage
