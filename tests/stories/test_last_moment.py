"""Tests what may follow the last moment at which something begins, counted call by call: so much time
is kept.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from tandem.adapters import clients
from tandem.adapters.looks import LookStore
from tandem.failover.acting import REFILL_SECONDS, VERIFY_PAUSES, VERIFY_SECONDS
from tests.shared_worlds import begins_in
from tests.stack import Stack, edge_document, stack

WATCHED = {"name": "watched", "prefixes": ["10.20.0.0/16"], "elastic_ips": []}
WHAT_IS_NO_CALL = 1.5
SECONDS = {
    "GetItem": clients.TABLE_SECONDS,
    "PutItem": clients.TABLE_SECONDS,
    "UpdateItem": clients.TABLE_SECONDS,
    "PutEvents": clients.BUS_SECONDS,
    "a reading": 2 * clients.READ_SECONDS,
    "reading back": VERIFY_SECONDS + VERIFY_PAUSES[-1] + clients.READ_SECONDS,
}
"""Each step at its worst. In a reading the addresses on the targets follow the rest; reading back goes on for
so long, and the last read is under way then."""


@dataclass
class Ledger:
    """The steps that a look takes one after another, since it was begun."""

    steps: list[str] = field(default_factory=list)
    is_open: bool = False
    is_reading: bool = False

    def add(self, step: str) -> None:
        if self.is_open and not self.is_reading and threading.current_thread() is threading.main_thread():
            if step == "DescribeAddresses":
                step = "reading back"
            if self.steps[-1:] != ["reading back"] or step != "reading back":
                self.steps.append(step)

    @contextmanager
    def closed(self) -> Iterator[None]:
        self.is_open, before = False, self.is_open
        yield
        self.is_open = before


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
@begins_in(stack)
def edge(ledger: Ledger) -> Iterator[Stack]:
    """fw1 died with 52 addresses, and two topologies hear of it; the look before died with its lease. A group
    that holds is not declared any more.
    """
    with stack() as s:
        s.add_addresses(48)
        group = edge_document(s.ids)["groups"][0]
        s.store(groups=[group, WATCHED])
        s.sweep()
        assert s.kinds() == ["hold"]
        s.store(name="edge-2", mode="dry-run")
        s.store()
        assert LookStore("tandem-state").acquire("edge", "dead", s.clock.now()) is not None
        s.clock.sleep(40)
        s.delivered = len(s.published)
        s.levers.kill(name="fw1")
        s.clock.sleep(3)
        s.forget_calls()
        _watch(s, ledger)
        yield s


def _watch(s: Stack, ledger: Ledger) -> None:
    inner = s.app.world.cloud

    def observe(*arguments: Any) -> Any:
        ledger.add("a reading")
        ledger.is_reading = True
        try:
            return inner.observe(*arguments)
        finally:
            ledger.is_reading = False

    cloud: Any = SimpleNamespace(observe=observe, begin=inner.begin, read_back=inner.read_back)
    vars(s.app)["world"] = replace(s.app.world, cloud=cloud)
    for client in (clients.ec2(), clients.ec2_moves(), clients.dynamodb(), clients.events()):
        client.meta.events.register("before-call.*", lambda model, **_: ledger.add(model.name))


def on(client: Any, operation: str, nth: int, happens: Any) -> None:
    """`happens` once the `nth` call of an operation was answered."""
    answered = iter(range(1, 1000))

    def check(**_: object) -> None:
        if next(answered) == nth:
            happens()

    service = client.meta.service_model.service_name
    client.meta.events.register(f"after-call.{service}.{operation}", check)


def test_what_follows_the_last_moment_is_what_time_is_kept_for(edge: Stack, ledger: Ledger) -> None:
    """A later batch passes its check at the last moment, and all goes on that can, each call one after
    another: its reading fails by halves, a hold ends and another begins, signals came, a lease was taken
    over, another topology waits for its look.
    """
    kept = edge.app.LEFT_OVER.total_seconds()
    ends_at = edge.clock.seconds() + 300 - kept

    def until(seconds: float) -> None:
        edge.clock.sleep(seconds - edge.clock.seconds())

    def last_moment() -> None:
        until(ends_at - 0.1)
        edge.levers.fault(action="DescribeNetworkInterfaces", error="UnauthorizedOperation")
        ledger.is_open = True

    def signals_come() -> None:
        with ledger.closed():
            assert LookStore("tandem-state").acquire("edge", "another", edge.clock.now()) is None

    on(
        clients.dynamodb(), "PutItem", 1, lambda: until(ends_at - 12)
    )  # what the dead look left, or the intent
    on(clients.ec2_moves(), "AssociateAddress", 50, last_moment)
    on(clients.dynamodb(), "PutItem", 4, signals_come)
    edge.deliver(most=1)
    ledger.is_open = False
    assert len(edge.calls("AssociateAddress")) == 50
    assert edge.kinds() == ["hold", "intent", "outcome", "hold-ended", "hold"]
    left = sum(SECONDS[step] for step in ledger.steps)
    assert left + REFILL_SECONDS + WHAT_IS_NO_CALL == kept, ledger.steps
