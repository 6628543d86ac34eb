"""Tests what happens between a reading and the calls that follow it: no session ends for what is no
longer so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from unittest import mock

import pytest

from lab.ec2.errors import LeverError
from tandem.adapters import managing
from tandem.provisioning.managesteps import Action, Step
from tandem.reasons.provisioning import ProvisioningCode
from tandem.reasons.reason import reason
from tests.emulated import SessionGuard
from tests.forks import run_in_copy
from tests.managing import Managed, converged, other_table
from tests.provisioning import LISTENERS, changing
from tests.shared_worlds import begins_in, shared_world
from tests.tiers import prove
from tests.topologies import set_at


@shared_world
def at_rest(**spec: Any) -> Iterator[Managed]:
    """Every session up; `spec` is what the document says of its route server besides."""
    with converged() as tandem:
        wanted = tandem.wanted()
        wanted["route_server"] |= spec
        tandem.run(wanted)
        tandem.settle(120)
        tandem.refresh()
        tandem.events()
        yield tandem


@pytest.fixture
@begins_in(at_rest)
def there() -> Iterator[Managed]:
    with at_rest() as tandem:
        yield tandem


def fib(tandem: Managed) -> list[str]:
    (server,) = tandem.lab.backend.lab_region.route_servers.values()
    return sorted(server.fib)


def kill_all(tandem: Managed) -> None:
    for name in ("fw1", "fw2"):
        tandem.lab.levers.kill(name)


@dataclass
class Calls:
    """Each call that changes something in EC2, and something that happens just before the `number`-th."""

    number: int = 0
    event: Callable[[], object] = lambda: None
    made: list[str] = field(default_factory=list)

    def before(self, call: str) -> None:
        if changing([call]) and call.startswith("ec2:"):
            self.made.append(call)
            if len(self.made) == self.number:
                self.event()

    def after(self, call: str) -> None: ...


@contextmanager
def listening(calls: Calls) -> Iterator[Calls]:
    LISTENERS.append(calls)
    try:
        yield calls
    finally:
        LISTENERS.remove(calls)


def everything_new(tandem: Managed) -> None:
    """Sessions, endpoints and a table are replaced in one document."""
    wanted, subnet = tandem.wanted(), tandem.ids["subnets"]["protected1"]
    for name in wanted["appliances"]:
        wanted = set_at(wanted, f"appliances.{name}.liveness", "bgp-keepalive")
    for name in ("az3-a", "az3-b"):
        wanted["route_server"]["endpoints"][name] = subnet
    table = other_table(tandem.ids["vpc_id"])
    wanted["route_server"]["propagate_to"] = [table]
    assert tandem.apply(wanted)["problems"] == []


def persistence_gone(tandem: Managed) -> None:
    """What was declared as persistent, and is replaced besides."""
    wanted = set_at(tandem.wanted(), "appliances.fw2.liveness", "bgp-keepalive")
    wanted = set_at(wanted, "route_server.sns_notifications", False)
    assert tandem.apply(wanted)["problems"] == []


def goes_down(name: str, endpoint: str) -> Callable[[Managed], None]:
    def event(tandem: Managed) -> None:
        with suppress(LeverError):  # nothing is there at this moment
            tandem.lab.levers.session(name, tandem.record().provisioned.endpoints[endpoint], "down")

    return event


SWEEPS = {
    "everybody": ({"persist_routes": 2}, persistence_gone, kill_all, 5),
    "the owner's first": ({}, everything_new, goes_down("fw1", "az1-a"), 12),
    "the owner's second": ({}, everything_new, goes_down("fw1", "az1-b"), 12),
    "the standby": ({}, everything_new, lambda tandem: tandem.lab.levers.kill("fw2"), 12),
}


@pytest.mark.parametrize("name", SWEEPS)
@prove
def test_whoever_goes_down_before_any_call_only_that_call_can_hurt(name: str) -> None:
    """A call that was read for a moment ago cannot be taken back; the next one must know."""
    spec, begins, event, fewest = SWEEPS[name]
    with at_rest(**spec) as tandem:
        begins(tandem)
        calls = run_in_copy(partial(swept, tandem, 0, event))[0]
        assert len(calls) >= fewest
        ends = {n: run_in_copy(partial(swept, tandem, n, event)) for n in range(1, len(calls) + 1)}
    hurt = {
        n: stranded
        for n, (made, stranded) in ends.items()
        if stranded[1:] or stranded != [n][: len(stranded)]
    }
    assert hurt == {}


def swept(tandem: Managed, number: int, event: Callable[[Managed], None]) -> tuple[list[str], list[int]]:
    """The calls of some runs, and the numbers of those that stranded somebody."""
    calls, hurt = Calls(number, partial(event, tandem)), []
    with listening(calls), SessionGuard(tandem) as guard:
        after = guard.after

        def noted(call: str) -> None:
            before = len(guard.stranded)
            after(call)
            hurt.extend([len(calls.made)] if len(guard.stranded) > before else [])

        guard.after = noted  # type: ignore[method-assign]
        for _ in range(4):
            tandem.refresh()
            tandem.settle(60)
    return calls.made, hurt


def test_a_session_that_goes_down_during_a_slow_call_keeps_the_other_one(there: Managed) -> None:
    """The owner's liveness changes, two endpoints are made, slowly; its other session goes down meanwhile."""
    wanted = set_at(there.wanted(), "appliances.fw1.liveness", "bgp-keepalive")
    for name in ("az3-a", "az3-b"):
        wanted["route_server"]["endpoints"][name] = there.ids["subnets"]["protected1"]
    assert there.apply(wanted)["problems"] == []
    calls = Calls(0)
    with listening(calls), SessionGuard(there) as guard, slow(there, goes_down("fw1", "az1-b")):
        there.refresh()
    assert guard.stranded == []
    assert fib(there) == ["0.0.0.0/0"]


@contextmanager
def slow(tandem: Managed, event: Callable[[Managed], None]) -> Iterator[None]:
    """Before the second call of a run something happens, and the call takes its time."""
    real, made = managing.carry_out, []

    def carry_out(action: Action) -> None:
        made.append(action)
        if len(made) == 2:
            event(tandem)
            tandem.settle(5)
        real(action)

    with mock.patch.object(managing, "carry_out", carry_out):
        yield


SCENARIOS: dict[str, tuple[dict[str, Any], Callable[[Managed], None]]] = {
    "everything new": ({}, everything_new),
    "persistence gone": ({"persist_routes": 2}, persistence_gone),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_takes_something_away_follows_a_reading_and_nothing_else(name: str) -> None:
    spec, begins = SCENARIOS[name]
    with at_rest(**spec) as tandem:
        begins(tandem)
        observe, carry_out = managing.observe, managing.carry_out
        since: list[Action] = []
        kinds: list[str] = []

        def observed(desired: Any) -> Any:
            since.clear()
            return observe(desired)

        def carried_out(action: Action) -> None:
            if Step(action, reason(ProvisioningCode.BEING_DELETED, "it")).takes_away:
                assert since == []
                kinds.append(type(action).__name__)
            since.append(action)
            carry_out(action)

        with (
            mock.patch.object(managing, "observe", observed),
            mock.patch.object(managing, "carry_out", carried_out),
        ):
            began = tandem.lab.clock.seconds()
            tandem.refresh()
            tandem.converge()
    expected = {"everything new": ["DeletePeer"] * 4 + ["DisablePropagation"]}
    assert sorted(kinds) == expected.get(name, ["DeletePeer"] * 2 + ["ModifyRouteServer"])
    assert tandem.lab.clock.seconds() - began < 300


def test_what_aws_refuses_to_take_away_keeps_nothing_else_from_going(there: Managed) -> None:
    """A session and a propagation that are no longer declared: the session cannot be ended."""
    wanted = set_at(there.wanted(), "appliances.fw2.peers.az2-b", ...)
    wanted = set_at(wanted, "route_server.propagate_to", [])
    there.lab.levers.fault("DeleteRouteServerPeer", error="UnauthorizedOperation")
    assert there.apply(wanted)["problems"] == []
    there.refresh()
    (server,) = there.lab.backend.lab_region.route_servers.values()
    assert not server.propagations
    assert "DeleteRouteServerPeer" in str(there.record().provisioned.failure)
