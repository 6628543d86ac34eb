"""What the looks remember of their moves: enough for every group, and never too much to store."""

from __future__ import annotations

import pytest

from tandem.memory import Memory, contested, damped_until, dump, load
from tests.pure import after

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
