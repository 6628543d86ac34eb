"""The failover function killed before and after each of its AWS calls, in each kind of look; then a sweep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tandem.audit import RecordKind, open_intent
from tests.crashing import Killed, fuse
from tests.stack import Stack, load_failover, stack

FW1 = {"eip1": "fw1", "eip2": "fw1", "eip3": "fw1", "eip4": "fw1"}
FW2 = dict.fromkeys(FW1, "fw2")
PART = FW2 | {"eip1": "fw1"}


def nothing(_: Stack) -> None:
    """Nothing to put right but what every scenario does."""


@dataclass(frozen=True)
class Scenario:
    """What happens before the look that dies, what puts it right again, and where the addresses end."""

    name: str
    fewest: int
    """AWS calls of its look at the least: each is two crash points, and they cannot become fewer unseen."""
    happens: Callable[[Stack], object]
    mends: Callable[[Stack], object]
    ends: dict[str, str]


def dies(s: Stack) -> None:
    s.levers.kill(name="fw1")


def withdraws(s: Stack) -> None:
    s.levers.withdraw(name="fw1", prefix="0.0.0.0/0")


def advertises(s: Stack) -> None:
    s.levers.advertise(name="fw1", prefix="0.0.0.0/0", as_path=[65001])


def dies_half_moved(s: Stack) -> None:
    address = s.ids["elastic_ips"]["eip1"]
    s.levers.associate_as_stranger(
        allocation_id=address["allocation_id"],
        network_interface_id=s.ids["interfaces"]["fw2"],
        private_ip=address["targets"]["fw2"],
    )
    s.levers.kill(name="fw1")


def dies_without_a_target(s: Stack) -> None:
    target = {"NetworkInterfaceId": s.ids["interfaces"]["fw2"], "PrivateIpAddresses": ["10.0.2.20"]}
    s.lab.client().unassign_private_ip_addresses(**target)
    s.levers.kill(name="fw1")


def target_is_back(s: Stack) -> None:
    target = {"NetworkInterfaceId": s.ids["interfaces"]["fw2"], "PrivateIpAddresses": ["10.0.2.20"]}
    s.lab.client().assign_private_ip_addresses(**target)


def both_die(s: Stack) -> None:
    for name in ("fw1", "fw2"):
        s.levers.kill(name=name)


def fw2_lives(s: Stack) -> None:
    s.levers.restore(name="fw2")


SCENARIOS = [
    Scenario("the active appliance dies", 20, dies, nothing, FW2),
    Scenario("the route leaves a live appliance", 20, withdraws, advertises, FW2),
    Scenario("it dies half moved", 19, dies_half_moved, nothing, FW2),
    Scenario(
        "it dies, and one target is missing", 22, dies_without_a_target, target_is_back, FW2 | {"eip1": "fw1"}
    ),
    Scenario("both die, and nothing may move", 11, both_die, fw2_lives, FW1),
]


def look_and_die(s: Stack, scenario: Scenario, blow_at: int | None, *, after: bool) -> list[str]:
    """The scenario happens, and the function that looks at it dies at the given call; the calls it made."""
    scenario.happens(s)
    s.clock.sleep(3)
    s.forget_calls()
    with fuse(blow_at, after=after) as burning:
        try:
            s.sweep()
        except Killed:
            assert blow_at is not None
    return burning.calls


def back_to_the_start(s: Stack, scenario: Scenario) -> None:
    scenario.mends(s)
    s.levers.restore(name="fw1")
    s.clock.sleep(200)
    s.sweep()
    assert s.holders() == FW1
    s.clock.sleep(200)


def check(s: Stack, scenario: Scenario) -> None:
    """All is in its place, nothing was moved twice or is left open, and nobody holds the lease for good."""
    assert s.holders() == scenario.ends
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
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_killed_at_any_call_the_next_sweep_converges(scenario: Scenario, *, after: bool) -> None:
    with stack() as s:
        points = look_and_die(s, scenario, None, after=False)
        check(s, scenario)
        print(f"{scenario.name}: {len(points)} crash points: {', '.join(points)}")  # noqa: T201 - `make crash-sweep` shows it
        assert len(points) >= scenario.fewest
        for point in range(1, len(points) + 1):
            back_to_the_start(s, scenario)
            known = len(s.audit())
            look_and_die(s, scenario, point, after=after)
            s.app = load_failover(s.lab)
            s.clock.sleep(40)
            s.sweep()
            check(s, scenario)
            bodies = [r.body for r in s.audit()[known:]]
            dead = [b for b in bodies if b.get("outcome") == "unknown"]
            assert len(dead) <= 1
            if dead:
                assert set(dead[0]["found"]) == {e["allocation_id"] for e in s.ids["elastic_ips"].values()}
