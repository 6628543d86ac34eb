"""One look at a topology at a time, and nothing that happens meanwhile is missed."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from threading import get_ident
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError
from botocore.model import OperationModel

from tandem.adapters import clients
from tandem.adapters.looks import LookStore
from tandem.errors import LeaseLostError
from tandem.lease import Lease
from tandem.memory import Memory, PastMove
from tests.stack import MOVING, Stack, stack

LOOKS = LookStore("tandem-state")


@pytest.fixture
def edge():
    with stack() as s:
        yield s


def take(owner: str, now: datetime) -> tuple[Lease, Memory]:
    got = LOOKS.acquire("edge", owner, now, [])
    assert got is not None
    return got


def damage(**attributes) -> None:
    """Overwrites the look record as a careless hand would."""
    item = {"kind": {"S": "look"}, "id": {"S": "edge"}, **attributes}
    clients.dynamodb().put_item(TableName="tandem-state", Item=item)


def test_only_one_gets_the_lease_and_the_other_leaves_its_signal(edge: Stack) -> None:
    lease, memory = take("one", edge.clock.now())
    assert LOOKS.acquire("edge", "two", edge.clock.now(), [{"cause": "BGP went down"}]) is None
    assert not LOOKS.release(lease, memory)
    lease, marks = LOOKS.again(lease, memory, edge.clock.now())
    assert marks == ({"cause": "BGP went down"},)
    assert LOOKS.release(lease, memory)
    assert take("two", edge.clock.now())[0].epoch == lease.epoch + 1


def test_lease_is_taken_over_after_its_end_and_the_margin_for_clocks(edge: Stack) -> None:
    old, memory = take("one", edge.clock.now())
    edge.clock.sleep(34)
    assert LOOKS.acquire("edge", "two", edge.clock.now(), []) is None
    edge.clock.sleep(2)
    new, _ = take("two", edge.clock.now())
    assert (new.taken_over, new.epoch) == (True, old.epoch + 1)
    for stale in (LOOKS.release, LOOKS.let_go):
        with pytest.raises(LeaseLostError):
            stale(old, memory)
    with pytest.raises(LeaseLostError):
        LOOKS.fence(old, memory, edge.clock.now())


def test_fence_renews_and_keeps_the_moves(edge: Stack) -> None:
    lease, memory = take("one", edge.clock.now())
    edge.clock.sleep(25)
    memory = memory.with_move("internet-edge", "fw2", edge.clock.now(), ["eipalloc-1"])
    renewed = LOOKS.fence(lease, memory, edge.clock.now())
    assert renewed.until - lease.until == timedelta(seconds=25)
    edge.clock.sleep(36)
    assert take("two", edge.clock.now())[1] == memory


@pytest.mark.parametrize(
    "damaged",
    [
        {"lease_until": {"N": "99999999999999"}, "epoch": {"N": "7"}},
        {"lease_until": {"S": "soon"}, "epoch": {"N": "7"}},
        {"lease_until": {"N": "1" + "0" * 30}, "epoch": {"N": "7"}},
        {"epoch": {"S": "seven"}},
        {"epoch": {"N": "99999999999999999999"}},
        {"memory": {"S": "not json"}, "epoch": {"N": "7"}},
        {"memory": {"S": json.dumps({"moves": [{"group": 1}]})}},
        {"memory": {"L": []}},
    ],
    ids=lambda d: json.dumps(d)[:60],
)
def test_a_damaged_record_does_not_stop_failover(edge: Stack, damaged: dict[str, Any]) -> None:
    damage(**damaged)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()
    assert edge.are_all_with("fw2")
    edge.sweep()
    assert LOOKS.acquire("edge", "next", edge.clock.now(), []) is not None


def test_a_look_whose_lease_was_taken_begins_no_call(edge: Stack) -> None:
    """The process stalls between its audit record and its first call, for longer than its lease."""
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    stalled: list[bool] = []

    def stall(params, **_) -> None:
        if params.get("TableName") == "tandem-audit" and not stalled:
            stalled.append(True)
            edge.clock.sleep(40)
            edge.sweep()
            assert edge.are_all_with("fw2")
            edge.forget_calls()

    events = clients.dynamodb().meta.events
    events.register("provide-client-params.dynamodb.PutItem", stall)
    edge.sweep()
    assert stalled
    assert edge.calls(*MOVING) == []
    assert edge.kinds() == ["intent", "outcome", "intent"]
    edge.sweep()
    assert edge.audit()[-1].body["outcome"] == "unknown"


def test_what_changes_while_a_look_runs_is_seen_before_it_ends(edge: Stack) -> None:
    """The route goes on to fw1 while the addresses are being moved to fw2."""
    edge.levers.withdraw(name="fw1", prefix="0.0.0.0/0")
    edge.clock.sleep(3)
    came: list[bool] = []

    def meanwhile(**_) -> None:
        if not came:
            came.append(True)
            edge.levers.advertise(name="fw1", prefix="0.0.0.0/0", as_path=[65001])
            edge.clock.sleep(2)
            edge.sweep()

    clients.ec2_moves().meta.events.register("after-call.ec2.AssociateAddress", meanwhile)
    edge.sweep()
    assert came
    assert edge.are_all_with("fw1")


def test_memory_round_trip(edge: Stack) -> None:
    lease, _ = take("one", edge.clock.now())
    memory = Memory(
        moves=(PastMove("internet-edge", "fw2", edge.clock.now()),), next_hops={"0.0.0.0/0": ("10.0.1.10",)}
    )
    LOOKS.release(lease, memory)
    assert LOOKS.next_hops() == {"edge": {"0.0.0.0/0": ("10.0.1.10",)}}
    assert take("two", edge.clock.now())[1] == memory


@pytest.mark.parametrize("operation", ["UpdateItem", "PutItem", "Query"])
def test_a_connection_that_was_dropped_meanwhile_is_tried_again_at_once(edge: Stack, operation: str) -> None:
    """Each call is carried out and its answer lost: a second one must do no harm."""
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    dropped: dict[int, int] = {}

    def drop(model: OperationModel, **_: object) -> None:
        """The answer of every second call of a thread is lost, beginning with the first."""
        if model.name == operation:
            calls = dropped[get_ident()] = dropped.get(get_ident(), 0) + 1
            if calls % 2:
                raise ConnectionClosedError(endpoint_url="dynamodb")

    events = clients.dynamodb().meta.events
    events.register("after-call.dynamodb", drop)
    edge.sweep()
    events.unregister("after-call.dynamodb", drop)
    assert sum(dropped.values()) >= 2
    assert edge.are_all_with("fw2")
    assert len(edge.calls("AssociateAddress")) == 4
    assert edge.kinds() == ["intent", "outcome"]
