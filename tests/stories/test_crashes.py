"""The failover function killed before and after each of its AWS calls, in each kind of look; then a sweep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any
from unittest import mock

import pytest

from tandem.adapters import clients, ec2
from tandem.adapters.looks import LookStore
from tandem.audit import RecordKind, open_intent
from tandem.errors import StateUnavailableError
from tests.crashing import Crashes, OneThread, hooks, meanwhile, table_away
from tests.shared_worlds import begins_in
from tests.stack import Stack, edge_document, load_failover, stack
from tests.tiers import first_now

FW1 = {"eip1": "fw1", "eip2": "fw1", "eip3": "fw1", "eip4": "fw1"}
FW2 = dict.fromkeys(FW1, "fw2")
READING = [
    "GetRouteServerRoutingDatabase",
    "DescribeRouteServerPeers",
    "DescribeAddresses",
    "DescribeNetworkInterfaces",
    "DescribeInstances",
]
PART = FW2 | {"eip1": "fw1"}
FOREVER = "2027-01-01T00:00:00+00:00"


def nothing(_: Stack) -> None:
    """Nothing to put right but what every scenario does."""


def sweeps(s: Stack) -> None:
    s.sweep()


@dataclass(frozen=True)
class Scenario:
    """Holds what happens before the look that dies, what wakes it, what puts it right, where the
    addresses end.
    """

    name: str
    calls: Counter[str]
    """The AWS calls of its look: each is a crash point, and none comes or goes unseen."""
    happens: Callable[[Stack], object]
    mends: Callable[[Stack], object] = nothing
    ends: dict[str, str] = field(default_factory=lambda: FW2)
    looks: Callable[[Stack], object] = sweeps


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


def leaves_two_groups(s: Stack) -> None:
    (group,) = edge_document(s.ids)["groups"]
    first, second = group["elastic_ips"][:2], group["elastic_ips"][2:]
    s.store(groups=[group | {"elastic_ips": first}, group | {"name": "second", "elastic_ips": second}])
    s.levers.kill(name="fw1")


def dies_in_a_dry_run(s: Stack) -> None:
    s.store(mode="dry-run")
    s.levers.kill(name="fw1")


def is_in_force(s: Stack) -> None:
    s.store()


def forced_onto_a_dead_one(s: Stack) -> None:
    s.levers.kill(name="fw2")
    s.override(action="pinned", appliance="fw2", until=FOREVER, forced=True)


def lifted(s: Stack) -> None:
    s.override()
    s.levers.restore(name="fw2")


def a_stranger_moves_one(s: Stack) -> None:
    address = s.ids["elastic_ips"]["eip1"]
    s.levers.associate_as_stranger(
        allocation_id=address["allocation_id"],
        network_interface_id=s.ids["interfaces"]["fw2"],
        private_ip=address["targets"]["fw2"],
    )


def another_looks(s: Stack) -> None:
    """One that holds the lease, and dies as well: nobody else looks at what happened."""
    s.levers.kill(name="fw1")
    s.clock.sleep(3)
    assert LookStore("tandem-state").acquire("edge", "another", s.clock.now()) is not None


def dies_after_a_look(s: Stack) -> None:
    s.sweep()
    s.levers.kill(name="fw1")


def told_by_sns(s: Stack) -> None:
    """What SNS says of each session, one message after another; each makes its look settle."""
    s.deliver(most=2)


def signals_come(s: Stack) -> None:
    """Somebody leaves a mark in the middle of the look, which then looks again."""
    table = s.lab.client("dynamodb", access_key_id="testing")
    mark = {
        "TableName": "tandem-state",
        "Key": {"kind": {"S": "look"}, "id": {"S": "edge"}},
        "UpdateExpression": "SET look_again = :m",
        "ExpressionAttributeValues": {":m": {"L": [{"S": "{}"}]}},
    }
    with meanwhile(12, lambda: table.update_item(**mark)):
        s.sweep()


def in_batches(s: Stack) -> None:
    """EC2's token bucket holds two calls."""
    with mock.patch("tandem.failover.moves.BURST", 2), mock.patch("tandem.failover.moves.PER_SECOND", 1):
        s.sweep()


def without_the_table(s: Stack) -> None:
    with table_away(), suppress(StateUnavailableError):
        s.sweep()


def without_the_audit(s: Stack) -> None:
    """The table goes away with the intent."""
    with table_away("PutItem"), suppress(StateUnavailableError):
        s.sweep()


def calls(readings: int, **others: int) -> Counter[str]:
    """The reads of so many readings, and what else is called."""
    return Counter(dict.fromkeys(READING, readings)) + Counter(others)


MOVES_FOUR = calls(
    1, GetItem=1, Query=3, UpdateItem=3, PutItem=2, AssociateAddress=4, DescribeAddresses=1, PutEvents=2
)

SCENARIOS = [
    Scenario(
        "the active appliance dies",
        MOVES_FOUR,
        dies,
    ),
    Scenario(
        "the route leaves a live appliance",
        MOVES_FOUR,
        withdraws,
        advertises,
    ),
    Scenario(
        "it dies half moved",
        calls(
            1,
            GetItem=1,
            Query=3,
            UpdateItem=3,
            PutItem=2,
            AssociateAddress=3,
            DescribeAddresses=1,
            PutEvents=2,
        ),
        dies_half_moved,
    ),
    Scenario(
        "it dies, and one target is missing",
        calls(
            1,
            GetItem=1,
            Query=3,
            UpdateItem=3,
            PutItem=3,
            AssociateAddress=3,
            DescribeAddresses=1,
            PutEvents=3,
        ),
        dies_without_a_target,
        target_is_back,
        PART,
    ),
    Scenario(
        "both die, and nothing may move",
        calls(1, GetItem=1, Query=2, UpdateItem=2, PutItem=1, PutEvents=1),
        both_die,
        fw2_lives,
        FW1,
    ),
    Scenario(
        "SNS tells of it",
        calls(4, Query=9, UpdateItem=5, PutItem=2, AssociateAddress=4, DescribeAddresses=1, PutEvents=2),
        dies,
        looks=told_by_sns,
    ),
    Scenario(
        "signals come during the look",
        calls(
            2,
            GetItem=1,
            Query=4,
            UpdateItem=6,
            PutItem=2,
            AssociateAddress=4,
            DescribeAddresses=1,
            PutEvents=2,
        ),
        dies,
        looks=signals_come,
    ),
    Scenario("another has the lease", calls(0, GetItem=1, UpdateItem=2), another_looks),
    Scenario(
        "it dies with two groups",
        MOVES_FOUR,
        leaves_two_groups,
        is_in_force,
    ),
    Scenario(
        "it dies, and the addresses move in batches",
        calls(
            3,
            GetItem=2,
            Query=5,
            UpdateItem=5,
            PutItem=2,
            AssociateAddress=4,
            DescribeAddresses=1,
            PutEvents=2,
        ),
        dies,
        looks=in_batches,
    ),
    Scenario(
        "it dies in a dry run",
        calls(1, GetItem=1, Query=2, UpdateItem=2, PutItem=1, AssociateAddress=4, PutEvents=1),
        dies_in_a_dry_run,
        is_in_force,
        FW1,
    ),
    Scenario(
        "forced onto a dead one",
        MOVES_FOUR + Counter(UpdateItem=1, PutItem=1, PutEvents=1),  # the pin is notified
        forced_onto_a_dead_one,
        lifted,
    ),
    Scenario(
        "a stranger moves one address",
        calls(
            1,
            GetItem=1,
            Query=3,
            UpdateItem=3,
            PutItem=2,
            AssociateAddress=1,
            DescribeAddresses=1,
            PutEvents=2,
        ),
        a_stranger_moves_one,
        ends=FW1,
    ),
    Scenario(
        "it dies while the table is away",
        calls(1, GetItem=2, AssociateAddress=4, DescribeAddresses=1, PutEvents=2),
        dies_after_a_look,
        looks=without_the_table,
    ),
    Scenario(
        "the table goes away in the look",
        calls(
            2,
            GetItem=1,
            Query=2,
            UpdateItem=2,
            PutItem=2,
            AssociateAddress=4,
            DescribeAddresses=1,
            PutEvents=2,
        ),
        dies_after_a_look,
        looks=without_the_audit,
    ),
]


def look_again(s: Stack) -> None:
    """The next sweep, once a lease that nobody let go is over."""
    s.clock.sleep(40)
    s.sweep()


def back_to_the_start(s: Stack, scenario: Scenario) -> None:
    scenario.mends(s)
    s.levers.restore(name="fw1")
    s.clock.sleep(200)
    s.sweep()
    assert s.holders() == FW1
    s.clock.sleep(200)


def look_record() -> dict[str, Any]:
    key = {"kind": {"S": "look"}, "id": {"S": "edge"}}
    return dict(clients.dynamodb().get_item(TableName="tandem-state", Key=key)["Item"])


def check(s: Stack, scenario: Scenario) -> None:
    """All is in its place, nothing was moved twice or is left open, and nobody holds the lease for good."""
    assert s.holders() == scenario.ends
    moved = [c["params"]["AllocationId"] for c in s.calls("AssociateAddress") if c["outcome"] == "OK"]
    assert sorted(moved) == sorted(set(moved))
    records = s.audit()
    assert open_intent(reversed(records)) is None
    assert "lease_until" not in look_record()
    intents = {r.body["decision_id"] for r in records if r.body["kind"] == RecordKind.INTENT}
    outcomes = {r.body["decision_id"] for r in records if r.body["kind"] == RecordKind.OUTCOME}
    assert intents <= outcomes
    before = len(s.calls("AssociateAddress"))
    s.sweep()
    assert len(s.calls("AssociateAddress")) == before


@contextmanager
def one_thread(s: Stack) -> Iterator[None]:
    """The function makes its calls one after another, so that it can be divided at each of them."""
    thread = OneThread()
    vars(s.app)["world"] = replace(s.app.world, side=thread)
    with mock.patch.object(ec2, "_pool", return_value=thread):
        yield


def swept(s: Stack, scenario: Scenario) -> Crashes:
    """A look that dies everywhere and lives on, and the sweep after each death."""
    crashes = Crashes(s.clock)
    with ExitStack() as until_dead:
        until_dead.enter_context(one_thread(s))
        until_dead.enter_context(hooks(before=crashes.before, after=crashes.after))

        def judge() -> int:
            until_dead.close()
            ec2._pool.cache_clear()  # the threads of the former looks were not copied
            s.app = load_failover(s.lab)
            return converges(s, scenario)

        crashes.run(lambda: scenario.looks(s), judge)
    return crashes


def converges(s: Stack, scenario: Scenario) -> int:
    """The next sweep puts everything right, and nothing is left in the way of what happens later. Returns how
    many records it closed as unknown."""
    look_again(s)
    check(s, scenario)
    dead = [r.body for r in s.audit() if r.body.get("outcome") == "unknown"]
    assert len(dead) <= 1
    if dead:
        assert set(dead[0]["found"]) == {e["allocation_id"] for e in s.ids["elastic_ips"].values()}
    back_to_the_start(s, scenario)
    return len(dead)


@pytest.mark.parametrize("scenario", first_now(SCENARIOS), ids=lambda s: s.name)
@begins_in(stack)
def test_killed_at_any_call_the_next_sweep_converges(
    scenario: Scenario, record_property: Callable[[str, object], None]
) -> None:
    with stack() as s:
        s.delivered = len(s.published)
        scenario.happens(s)
        s.clock.sleep(3)
        s.forget_calls()
        crashes = swept(s, scenario)
        assert converges(s, scenario) == 0
    points = f"{len(crashes.results)} crash points"
    record_property("met", f"{scenario.name}: {points}: {', '.join(crashes.calls)}")
    assert Counter(crashes.calls) == scenario.calls
    assert len(crashes.results) > len(crashes.calls)
    if scenario.calls == MOVES_FOUR:
        assert sum(crashes.results.values()) > 0  # some died between their intent and its outcome
