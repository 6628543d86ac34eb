"""The failover function killed before and after each of its AWS calls; then a sweep."""

from __future__ import annotations

import pytest

from tandem.audit import RecordKind, open_intent
from tests.crashing import Killed, fuse
from tests.stack import Stack, load_failover, stack

FEWEST_CRASH_POINTS = 20
"""A look that moves four addresses makes more calls than this; with fewer, the sweep would prove little."""


def die_in_failover(s: Stack, blow_at: int | None, *, after: bool) -> list[str]:
    """fw1 dies, and the function that looks at it dies at the given call; the calls that it made."""
    s.levers.kill(name="fw1")
    s.clock.sleep(3)
    s.forget_calls()
    with fuse(blow_at, after=after) as burning:
        try:
            s.sweep()
        except Killed:
            assert blow_at is not None
    return burning.calls


def back_to_the_start(s: Stack) -> None:
    s.levers.restore(name="fw1")
    s.clock.sleep(200)
    s.sweep()
    assert s.are_all_with("fw1")
    s.clock.sleep(200)


def check(s: Stack) -> None:
    """The invariant holds, nothing was moved twice, nothing is open, and nobody holds the lease for good."""
    assert s.are_all_with("fw2")
    moved = [c["params"]["AllocationId"] for c in s.calls("AssociateAddress") if c["outcome"] == "OK"]
    assert sorted(moved) == sorted(set(moved))
    records = s.audit()
    assert open_intent(reversed(records)) is None
    intents = {r.body["decision_id"] for r in records if r.body["kind"] == RecordKind.INTENT}
    outcomes = {r.body["decision_id"] for r in records if r.body["kind"] == RecordKind.OUTCOME}
    assert intents <= outcomes
    before = len(s.calls("AssociateAddress"))
    s.sweep()
    assert len(s.calls("AssociateAddress")) == before


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_call_the_next_sweep_converges(*, after: bool) -> None:
    with stack() as s:
        points = die_in_failover(s, None, after=False)
        check(s)
        print(f"{len(points)} crash points: {', '.join(points)}")  # noqa: T201 - so that nobody shrinks it unseen
        assert len(points) >= FEWEST_CRASH_POINTS
        assert points.count("AssociateAddress") == 4
        for point in range(1, len(points) + 1):
            back_to_the_start(s)
            known = len(s.audit())
            die_in_failover(s, point, after=after)
            s.app = load_failover(s.lab)
            s.clock.sleep(40)
            s.sweep()
            check(s)
            bodies = [r.body for r in s.audit()[known:]]
            dead = [b for b in bodies if b.get("outcome") == "unknown"]
            assert len(dead) <= 1
            if dead:
                assert set(dead[0]["found"]) == {e["allocation_id"] for e in s.ids["elastic_ips"].values()}
