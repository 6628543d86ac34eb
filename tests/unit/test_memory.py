"""Tests what the looks remember of their moves: enough for every group, and never too much to store."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tandem.state.memory import (
    KEPT_IN_ALL,
    KEPT_MOVES,
    Memory,
    PastMove,
    SessionSeen,
    contested,
    damped_until,
    dump,
    load,
    not_after,
    was_put_there,
)
from tests.pure import NOW, after, allocation

RECORD_BYTES = 400 * 1024
"""DynamoDB's limit of an item."""


def flapped(addresses: int, times: int, *, every: float = 10.0, suffix: str = "") -> Memory:
    """Each address moves alone, to the other appliance and back."""
    memory = Memory()
    for turn in range(times):
        for n in range(addresses):
            owner = f"fw{1 + turn % 2}{suffix}"
            memory = memory.with_move(owner, after(turn * every), [allocation(n)])
            memory = memory.with_verified({allocation(n): owner})
    return memory


@pytest.mark.parametrize(
    ("times", "seconds"), [(1, 5), (2, 10), (3, 20), (4, 40), (5, 60), (2 * KEPT_MOVES, 60)]
)
def test_the_damping_doubles_for_each_of_many_addresses(times: int, seconds: int) -> None:
    memory = flapped(25, times)
    last = (times - 1) * 10
    back = f"fw{1 + times % 2}"
    for n in range(25):
        assert damped_until(memory, back, allocation(n), after(last + 1)) == after(last + seconds)


def test_each_of_many_addresses_has_its_own_contest() -> None:
    memory = Memory()
    for turn in range(3):
        for n in range(25):
            assert contested(memory, "fw1", f"e{n}", after(turn * 60)) is None
            memory = memory.with_move("fw1", after(turn * 60), [f"e{n}"]).with_verified({f"e{n}": "fw1"})
    assert [contested(memory, "fw1", f"e{n}", after(180)) for n in range(25)] == [3] * 25
    assert contested(memory.with_move("fw2", after(170), ["e0"]), "fw1", "e0", after(180)) is None


def test_a_move_that_ec2_never_showed_is_no_part_of_a_contest() -> None:
    memory = Memory()
    for turn in range(3):
        memory = memory.with_move("fw1", after(turn * 60), ["e"])
        if turn < 2:
            memory = memory.with_verified({"e": "fw1"})
    assert contested(memory, "fw1", "e", after(180)) is None
    assert contested(memory.with_verified({"e": "fw1"}), "fw1", "e", after(180)) == 3


def test_an_address_that_moves_alone_takes_nothing_from_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though it moves more often than moves are kept in all."""
    monkeypatch.setattr("tandem.state.memory.KEPT_IN_ALL", 150)
    memory = flapped(25, 5)
    for turn in range(300):
        memory = memory.with_move(f"fw{1 + turn % 2}", after(50 + turn), ["restless"])
    for n in range(25):
        assert damped_until(memory, "fw2", allocation(n), after(41)) == after(100)


def moved_in_turn(groups: list[list[str]], times: int, *, suffix: str = "") -> tuple[PastMove, ...]:
    """The moves of these groups, each so often to the other appliance and back, as looks remember them."""
    return tuple(
        PastMove(f"fw{1 + turn % 2}{suffix}", after(turn * 10 + number / 1000), (), tuple(addresses))
        for turn in range(times)
        for number, addresses in enumerate(groups)
    )


@pytest.mark.parametrize("suffix", ["", "w" * 37])
def test_what_1000_addresses_remember_fits_into_the_record(suffix: str) -> None:
    """Those of 200 groups, which move at different times; and the longest names."""
    groups = [[allocation(number * 5 + n) for n in range(5)] for number in range(200)]
    moves = moved_in_turn(groups, 8, suffix=suffix)
    memory = Memory(moves=moves[:-1])
    memory = memory.with_move(moves[-1].owner, moves[-1].at, groups[-1])
    memory = memory.with_verified(dict.fromkeys(groups[-1], moves[-1].owner))
    assert len(memory.moves) == 200 * KEPT_MOVES
    text = dump(memory)
    assert len(text) < RECORD_BYTES
    assert load(text) == (memory, None)
    for n in (0, 999):
        until = damped_until(memory, f"fw1{suffix}", allocation(n), after(71))
        assert until is not None
        assert until >= after(130)


def test_more_addresses_than_that_keep_their_newest_moves() -> None:
    moves = moved_in_turn([[allocation(n)] for n in range(2000)], 1, suffix="w" * 37)
    memory = Memory(moves=moves[:-1]).with_move(moves[-1].owner, moves[-1].at, [allocation(1999)])
    memory = memory.with_verified({allocation(1999): moves[-1].owner})
    assert memory.moves == moves[-KEPT_IN_ALL:]
    assert len(dump(memory)) < RECORD_BYTES
    assert damped_until(memory, "fw2", allocation(1999), after(2)) == moves[-1].at + timedelta(seconds=5)
    assert damped_until(memory, "fw2", allocation(0), after(2)) is None


def sent(*turns: tuple[str, float, str, str]) -> Memory:
    """Moves: each with its owner, its second, and which addresses were sent and then shown: `ab`, `a`."""
    memory = Memory()
    for owner, second, addresses, shown in turns:
        memory = memory.with_move(owner, after(second), addresses).with_verified(dict.fromkeys(shown, owner))
    return memory


def past(owner: str, second: float, pending: str, verified: str) -> PastMove:
    return PastMove(owner, after(second), tuple(pending), tuple(verified))


def test_what_finishes_a_move_waits_for_nothing_and_counts_from_then_on() -> None:
    begun = sent(("fw2", 0, "ab", "a"))
    assert damped_until(begun, "fw2", "b", after(1)) is None
    finished = sent(("fw2", 0, "ab", "a"), ("fw2", 30, "b", "b"))
    assert finished.moves == (past("fw2", 0, "", "a"), past("fw2", 30, "", "b"))
    assert damped_until(finished, "fw1", "b", after(31)) == after(35)
    assert damped_until(finished, "fw1", "a", after(31)) is None


def test_what_is_seen_in_its_place_later_has_arrived() -> None:
    """The look died, or EC2 showed it after the look had given up: to move it there again is a new move."""
    seen = sent(("fw1", 0, "a", "")).with_verified({"a": "fw1", "unknown": "fw1"})
    assert was_put_there(seen, "fw1", "a")
    assert damped_until(seen, "fw1", "a", after(1)) == after(5)


def test_an_address_that_stands_elsewhere_has_not_arrived() -> None:
    seen = sent(("fw1", 0, "a", "")).with_verified({"a": "fw2"})
    assert seen == sent(("fw1", 0, "a", ""))


def test_addresses_that_are_put_right_in_turn_are_each_damped_by_their_own_moves() -> None:
    memory = sent(("fw1", 0, "ab", "ab"), ("fw1", 10, "a", "a"), ("fw1", 20, "b", "b"))
    assert damped_until(memory, "fw1", "a", after(20)) is None
    assert damped_until(memory, "fw1", "b", after(20)) == after(30)


def test_a_move_that_another_followed_is_not_finished_any_more() -> None:
    memory = sent(("fw2", 0, "ab", "a"), ("fw1", 3, "ab", "ab"))
    assert damped_until(memory, "fw2", "b", after(4)) == after(13)


SOUND_MOVE = {"owner": "fw1", "at": NOW.isoformat(), "pending": [], "verified": ["e"]}
WHOLE = {
    "moves": [SOUND_MOVE],
    "standing": {"edge": {"action": "hold", "reason": "r", "since": NOW.isoformat()}},
    "next_hops": {"0.0.0.0/0": ["10.0.1.10"]},
    "heard": {"rsp-1 bgp": NOW.isoformat()},
    "told": 3,
}


@pytest.mark.parametrize("odd", [5, None, "x", [5], {"a": 5}, [{}], [[]]], ids=repr)
@pytest.mark.parametrize("member", WHOLE)
def test_a_damaged_member_of_a_memory_takes_no_other_along(member: str, odd: Any) -> None:
    sound, nothing = load(json.dumps(WHOLE))
    assert nothing is None
    memory, damage = load(json.dumps({**WHOLE, member: odd}))
    if damage is not None:
        assert member in damage or "`" in damage
    for other in WHOLE.keys() - {member}:
        assert getattr(memory, other) == getattr(sound, other)


@pytest.mark.parametrize("odd", [{"at": "soon"}, {"at": None}, {"owner": 5}, {"owner": None}], ids=repr)
def test_what_is_damaged_in_a_move_damps_as_if_made_now(odd: dict[str, Any]) -> None:
    """Nobody's address leaves sooner than it would have: at the latest a minute later it is over."""
    memory, damage = load(json.dumps({**WHOLE, "moves": [SOUND_MOVE, {**SOUND_MOVE, **odd}]}))
    assert damage is not None
    memory, _ = not_after(memory, NOW)
    assert damped_until(memory, "fw2", "e", NOW) == after(10)


def test_what_a_far_wrong_clock_wrote_counts_as_made_now_and_is_said() -> None:
    ahead = Memory(
        moves=(PastMove("fw1", after(3600), ("e",), ("f",)),), heard={"a": after(4), "b": after(6)}
    )
    known, damage = not_after(ahead, NOW)
    assert known == Memory(moves=(PastMove("fw1", NOW, ("e",), ("f",)),), heard={"a": after(4)})
    assert damage is not None
    assert "b" in damage


def test_a_session_that_is_still_to_come_counts_as_seen_now() -> None:
    ahead = Memory(sessions={"rsp-1": SessionSeen("up", "up", after(3600))})
    known, damage = not_after(ahead, NOW)
    assert known.sessions == {"rsp-1": SessionSeen("up", "up", NOW)}
    assert damage is None
