"""The invocation's time runs out: what is not begun is asked for or raised, never cut silently."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from tandem.adapters import clients, ec2
from tandem.adapters.looks import LookStore
from tandem.errors import ConfigurationError, OutOfTimeError, TandemError, TemporaryError
from tandem.failover import invocation
from tandem.failover.look import look as real_look
from tests.crashing import table_away
from tests.shared_worlds import begins_in
from tests.stack import MOVING, Context, Stack, stack

LOOKS = LookStore("tandem-state")
READ = "DescribeAddresses"
NAMES = {"edge", *(f"edge-{number}" for number in range(2, 11))}


@pytest.fixture
@begins_in(stack)
def edge():
    """fw1 is dead, and nobody has looked yet."""
    with stack() as s:
        s.levers.kill(name="fw1")
        s.clock.sleep(3)
        yield s


def store_ten(s: Stack) -> None:
    for name in sorted(NAMES):
        s.store(name=name)


def asked(s: Stack, detail_type: str) -> list[dict[str, Any]]:
    return [event for event in s.events() if event["detail-type"] == detail_type]


@contextmanager
def once_it_lasts(s: Stack, client: Any, operation: str, seconds: float, nth: int = 1) -> Iterator[None]:
    """The answer to the `nth` call of an operation takes so long."""
    answered = itertools.count(1)

    def wait(**_: object) -> None:
        if next(answered) == nth:
            s.clock.sleep(seconds)

    event = f"after-call.{client.meta.service_model.service_name}.{operation}"
    client.meta.events.register(event, wait)
    yield
    client.meta.events.unregister(event, wait)


def is_free(s: Stack) -> bool:
    """Returns True if the lease was let go."""
    return LOOKS.acquire("edge", "somebody", s.clock.now(), []) is not None


def test_topologies_that_one_invocation_has_no_time_for_are_put_on_the_bus(edge: Stack) -> None:
    store_ten(edge)
    edge.levers.fault(action=READ, latency_s=20)
    began = edge.clock.now()
    edge.deliver(most=1)
    assert (edge.clock.now() - began).total_seconds() < 300
    looked = set(LOOKS.next_hops())
    left = asked(edge, "Peer State Change")
    assert 1 < len(looked) < len(NAMES)
    assert sorted(looked) + sorted(e["detail"]["topology"] for e in left) == sorted(looked) + sorted(
        NAMES - looked
    )
    edge.levers.faults_clear()
    for event in left:
        edge.invoke(event)
    assert set(LOOKS.next_hops()) == NAMES


def test_topologies_that_cannot_be_put_on_the_bus_are_raised(
    edge: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_ten(edge)
    edge.levers.fault(action=READ, latency_s=20)

    def gone(**_: object) -> None:
        raise ConnectTimeoutError(endpoint_url="events")

    def look(*arguments: Any, **named: Any) -> Any:
        report = real_look(*arguments, **named)
        if edge.clock.now() >= named["ends_at"]:
            clients.events().meta.events.register("before-call.events", gone)
        return report

    monkeypatch.setattr(invocation, "look", look)
    with pytest.raises(TemporaryError, match="EventBridge"):
        edge.deliver(most=1)


def test_signals_that_keep_coming_are_left_to_the_bus_when_time_is_over(edge: Stack) -> None:
    edge.levers.fault(action=READ, latency_s=90)

    def meanwhile(**_: object) -> None:
        LOOKS.acquire("edge", "another", edge.clock.now(), [{}])

    clients.ec2().meta.events.register(f"before-call.ec2.{READ}", meanwhile)
    edge.store(mode="dry-run")
    edge.sweep()
    assert "during 2 looks" in asked(edge, "Look")[-1]["detail"]["cause"]
    assert is_free(edge)


def test_no_move_begins_too_late_and_the_next_look_makes_it(edge: Stack) -> None:
    with once_it_lasts(edge, clients.dynamodb(), "PutItem", 160):
        edge.sweep()
    assert edge.calls(*MOVING) == []
    assert edge.kinds() == ["intent", "outcome", "hold"]
    assert "time was over" in asked(edge, "Look")[-1]["detail"]["cause"]
    edge.sweep()
    assert edge.are_all_with("fw2")


def test_batches_that_would_come_too_late_are_not_waited_for(edge: Stack) -> None:
    edge.levers.restore(name="fw1")
    edge.clock.sleep(30)
    edge.add_addresses(66)
    edge.store()
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.forget_calls()
    began = edge.clock.now()
    with once_it_lasts(edge, clients.ec2_moves(), "AssociateAddress", 160, nth=50):
        edge.sweep()
    assert (edge.clock.now() - began).total_seconds() < 161
    assert len(edge.calls("AssociateAddress")) == 50
    assert "time was over" in asked(edge, "Look")[-1]["detail"]["cause"]
    edge.sweep()
    assert edge.are_all_with("fw2")
    assert len(edge.calls("AssociateAddress")) == 70


def test_a_call_that_could_outlast_the_invocation_is_not_begun(edge: Stack) -> None:
    with (
        once_it_lasts(edge, clients.dynamodb(), "UpdateItem", 275),
        pytest.raises(OutOfTimeError, match="was not begun: it may need 28 s"),
    ):
        edge.sweep()
    assert edge.calls() == []
    assert is_free(edge)


def test_without_the_table_no_move_begins_too_late_either(edge: Stack) -> None:
    edge.levers.restore(name="fw1")
    edge.clock.sleep(30)
    edge.sweep()
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.forget_calls()
    with (
        table_away(),
        once_it_lasts(edge, clients.ec2(), "DescribeInstances", 160),
        pytest.raises(TemporaryError),
    ):
        edge.sweep()
    assert edge.calls(*MOVING) == []


def test_without_an_invocation_nothing_is_bounded(edge: Stack) -> None:
    with clients.within(lambda: 0.0), pytest.raises(OutOfTimeError):
        clients.ec2().describe_addresses()
    with clients.within(lambda: 0.0), clients.within(lambda: 60.0):
        clients.ec2().describe_addresses()
    clients.ec2().describe_addresses()


def test_a_function_without_time_for_a_look_says_so(edge: Stack) -> None:
    with pytest.raises(ConfigurationError, match="has 60 s, and a look may need more than 152 s"):
        edge.app.handler({"tandem": "sweep"}, Context("short", milliseconds=60_000))


class LateFuture(Future[Any]):
    """Runs when somebody waits for it, and not before."""

    def __init__(self, call: Callable[[], object]) -> None:
        super().__init__()
        self.call = call

    def exception(self, timeout: float | None = None) -> BaseException | None:
        if not self.done():
            try:
                self.set_result(self.call())
            except TandemError as error:
                self.set_exception(error)
        return super().exception(timeout)

    def result(self, timeout: float | None = None) -> Any:
        self.exception()
        return super().result(timeout)


class LatePool(Executor):
    def __init__(self) -> None:
        self.submitted: list[LateFuture] = []

    def submit(self, call: Callable[..., Any], /, *arguments: Any, **named: Any) -> LateFuture:
        self.submitted.append(LateFuture(partial(call, *arguments, **named)))
        return self.submitted[-1]


@pytest.mark.parametrize("read", ["GetRouteServerRoutingDatabase", READ])
def test_no_read_outlives_the_reading_that_began_it(
    edge: Stack, monkeypatch: pytest.MonkeyPatch, read: str
) -> None:
    """Its calls would be bounded by no invocation's time, or by the next one's."""
    pool = LatePool()
    monkeypatch.setattr(ec2, "_pool", lambda: pool)
    edge.levers.fault(action=read, error="UnauthorizedOperation")
    edge.levers.fault(action="DescribeNetworkInterfaces", error="UnauthorizedOperation")
    with pytest.raises(ConfigurationError, match=read):
        ec2.observe(edge.store().topology)
    assert len(pool.submitted) == 6
    assert all(reading.done() for reading in pool.submitted)


def test_what_goes_on_beside_a_look_ends_with_it(edge: Stack) -> None:
    """Its lease is taken while it begins to move: the decision is in the audit trail, and is told."""
    pool = LatePool()
    vars(edge.app)["world"] = replace(edge.app.world, side=pool)

    def stall(params: dict[str, Any], **_: object) -> None:
        if params["TableName"] == "tandem-audit":
            edge.clock.sleep(40)
            assert LOOKS.acquire("edge", "another", edge.clock.now()) is not None

    clients.dynamodb().meta.events.register("provide-client-params.dynamodb.PutItem", stall)
    edge.sweep()
    assert edge.calls(*MOVING) == []
    assert len(pool.submitted) == 2
    assert all(begun.done() for begun in pool.submitted)
    assert asked(edge, "Failover Decision")
