"""Words are no state: whatever the sentences are, Tandem calls, records and notifies the same."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest

from tandem.errors import TandemError
from tests.crashing import Killed, meanwhile, table_away
from tests.rewording import in_both_words, other_words
from tests.shared_worlds import begins_in
from tests.stack import Stack, edge_document, stack
from tests.stories.test_strangers import stranger_moves
from tests.tiers import prove

UNTIL, LATER = "2026-01-02T00:00:00+00:00", "2026-01-03T00:00:00+00:00"
LAGGING = ("DescribeRouteServerPeers", "GetRouteServerRoutingDatabase")

Story = Callable[[Stack], object]


def sweeps(s: Stack, count: int = 2, seconds: float = 60) -> None:
    for _ in range(count):
        s.clock.sleep(seconds)
        with suppress(TandemError):
            s.sweep()


def nobody_is_alive(s: Stack) -> None:
    s.levers.kill(name="fw1")
    s.levers.kill(name="fw2")
    sweeps(s, 3)
    s.levers.restore(name="fw2")
    sweeps(s)


def is_paused(s: Stack) -> None:
    s.override(action="paused", until=UNTIL)
    sweeps(s)
    s.override(action="paused", until=LATER)
    s.levers.kill(name="fw1")
    sweeps(s)
    s.override()
    sweeps(s)


def is_pinned(s: Stack) -> None:
    s.override(action="pinned", appliance="fw2", until=UNTIL)
    sweeps(s)
    s.levers.kill(name="fw1")
    s.override(action="pinned", appliance="fw1", until=UNTIL)
    sweeps(s)
    s.override(action="pinned", appliance="fw1", until=UNTIL, forced=True)
    sweeps(s)
    s.override()
    sweeps(s)


def moves_are_refused(s: Stack) -> None:
    s.levers.fault(action="AssociateAddress", error="UnauthorizedOperation")
    s.levers.kill(name="fw1")
    sweeps(s, 3)
    s.levers.faults_clear()
    sweeps(s)


def moves_are_refused_for_now(s: Stack) -> None:
    s.levers.fault(action="AssociateAddress", error="IncorrectInstanceState")
    s.levers.kill(name="fw1")
    sweeps(s, 1)
    s.levers.faults_clear()
    sweeps(s)


def flaps(s: Stack) -> None:
    for lever, path in (("withdraw", {}), ("advertise", {"as_path": [65001]})) * 2:
        getattr(s.levers, lever)(name="fw1", prefix="0.0.0.0/0", **path)
        sweeps(s, 1, 1)


def is_contested(s: Stack) -> None:
    for _ in range(5):
        stranger_moves(s, "eip1", "fw2")
        sweeps(s, 1, 30)


def signals_lag(s: Stack) -> None:
    for action in LAGGING:
        s.levers.fault(action=action, lag_s=90)
    s.levers.session(name="fw1", endpoint="az1-a", state="down")
    s.clock.sleep(3)
    s.deliver(most=1)
    sweeps(s, 1)


def the_table_is_away(s: Stack) -> None:
    sweeps(s, 1)
    s.levers.kill(name="fw1")
    with table_away():
        sweeps(s, 1)
    sweeps(s)


def the_standby_dies(s: Stack) -> None:
    sweeps(s, 1)
    s.levers.kill(name="fw2")
    sweeps(s, 5)
    s.levers.restore(name="fw2")
    sweeps(s, 5)


def is_a_dry_run(s: Stack) -> None:
    s.store(mode="dry-run")
    s.levers.kill(name="fw1")
    sweeps(s, 3)
    s.store(mode="enforce")
    sweeps(s)


def is_split(s: Stack) -> None:
    (group,) = edge_document(s.ids)["groups"]
    s.store(groups=[{**group, "prefixes": ["0.0.0.0/0", "10.20.0.0/16"]}])
    s.levers.advertise(name="fw2", prefix="10.20.0.0/16", as_path=[65002])
    sweeps(s)
    s.levers.kill(name="fw1")
    sweeps(s)


def the_target_is_not_ready(s: Stack) -> None:
    target = {"NetworkInterfaceId": s.ids["interfaces"]["fw2"], "PrivateIpAddresses": ["10.0.2.20"]}
    s.lab.client().unassign_private_ip_addresses(**target)
    s.levers.kill(name="fw1")
    sweeps(s)
    s.lab.client().assign_private_ip_addresses(**target)
    sweeps(s)


NOW: tuple[Story, ...] = (is_paused, moves_are_refused, nobody_is_alive, the_table_is_away)
LATER_ON: tuple[Story, ...] = (
    is_pinned,
    flaps,
    moves_are_refused_for_now,
    is_contested,
    signals_lag,
    the_standby_dies,
    is_a_dry_run,
    is_split,
    the_target_is_not_ready,
)


@pytest.mark.parametrize("story", [*NOW, *(pytest.param(story, marks=prove) for story in LATER_ON)])
@begins_in(stack)
def test_a_story_goes_the_same_whatever_the_words(story: Story) -> None:
    with stack() as s:
        today, other = in_both_words(s, story)
        assert other == today
        assert len(today) > 10


def is_killed(call: int, s: Stack) -> None:
    """A refused move is known by then, and the look dies before one of its calls."""

    def kill() -> None:
        raise Killed

    s.levers.fault(action="AssociateAddress", error="UnauthorizedOperation", count=2)
    s.levers.kill(name="fw1")
    s.clock.sleep(3)
    with suppress(Killed), meanwhile(call, kill):
        s.sweep()
    sweeps(s, 3)


@prove
@pytest.mark.parametrize("call", [5, 11, 17])
@begins_in(stack)
def test_a_look_that_is_killed_leaves_the_same_whatever_the_words(call: int) -> None:
    with stack() as s:
        today, other = in_both_words(s, partial(is_killed, call))
        assert other == today


@begins_in(stack)
def test_the_other_words_are_others() -> None:
    with stack() as s, other_words():
        s.override(action="paused", until=UNTIL)
        s.sweep()
        (hold,) = s.audit()
        assert hold.body["groups"]["internet-edge"]["reason"].startswith("1 PAUSED a test 2026-01-02")
