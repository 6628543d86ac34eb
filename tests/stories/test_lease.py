"""One look at a topology at a time, and nothing that happens meanwhile is missed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from threading import get_ident
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from botocore.model import OperationModel

from tandem.adapters import clients
from tandem.adapters.leases import ATTEMPTS, LeaseStore
from tandem.adapters.looks import LookStore
from tandem.errors import LeaseLostError, StateUnavailableError, TemporaryError
from tandem.failover.run import Report
from tandem.state.lease import Lease
from tandem.state.memory import Memory, PastMove
from tests.judging import whole
from tests.shared_worlds import begins_in
from tests.stack import MOVING, Stack, stack

LOOKS = LookStore("tandem-state")


@pytest.fixture
@begins_in(stack)
def edge():
    with stack() as s:
        yield s


def take(owner: str, now: datetime) -> tuple[Lease, Memory]:
    got = LOOKS.acquire("edge", owner, now, [])
    assert got is not None
    return got


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


def test_of_two_that_find_a_lease_over_one_takes_it_and_the_other_leaves_its_signal(edge: Stack) -> None:
    take("one", edge.clock.now())
    edge.clock.sleep(40)
    takes: list[object] = []

    def be_quicker(params: dict[str, Any], **_: object) -> None:
        takes.append(params)
        if len(takes) == 2:  # the first one was told whose lease it is
            events.unregister("provide-client-params.dynamodb.UpdateItem", be_quicker)
            takes.append(take("two", edge.clock.now()))

    events = clients.dynamodb().meta.events
    events.register("provide-client-params.dynamodb.UpdateItem", be_quicker)
    assert LOOKS.acquire("edge", "three", edge.clock.now(), [{"cause": "BGP went down"}]) is None
    lease, memory = cast("tuple[Lease, Memory]", takes[-1])
    assert lease.taken_over
    assert not LOOKS.release(lease, memory)
    assert LOOKS.again(lease, memory, edge.clock.now())[1] == ({"cause": "BGP went down"},)


def test_fence_renews_and_keeps_the_moves(edge: Stack) -> None:
    lease, memory = take("one", edge.clock.now())
    edge.clock.sleep(25)
    memory = memory.with_move("fw2", edge.clock.now(), ["eipalloc-1"])
    renewed = LOOKS.fence(lease, memory, edge.clock.now())
    assert renewed.until - lease.until == timedelta(seconds=25)
    edge.clock.sleep(36)
    assert take("two", edge.clock.now())[1] == memory


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
        moves=(PastMove("fw2", edge.clock.now(), ("eipalloc-1",)),), next_hops={"0.0.0.0/0": ("10.0.1.10",)}
    )
    LOOKS.release(lease, memory)
    assert LOOKS.next_hops() == {"edge": {"0.0.0.0/0": ("10.0.1.10",)}}
    assert take("two", edge.clock.now())[1] == memory


@contextmanager
def every_second_answer_lost(operation: str, lost: Exception) -> Iterator[dict[int, int]]:
    """Of each thread, beginning with the first: the call is carried out. Yields how many there were."""
    calls: dict[int, int] = {}

    def lose(model: OperationModel, **_: object) -> None:
        if model.name == operation:
            number = calls[get_ident()] = calls.get(get_ident(), 0) + 1
            if number % 2:
                raise lost

    events = clients.dynamodb().meta.events
    events.register("after-call.dynamodb", lose)
    yield calls
    events.unregister("after-call.dynamodb", lose)


LOST = (ConnectionClosedError(endpoint_url="dynamodb"), ReadTimeoutError(endpoint_url="dynamodb"))


@pytest.mark.parametrize("lost", LOST, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("operation", ["UpdateItem", "PutItem", "Query", "GetItem"])
def test_a_call_whose_answer_was_lost_is_tried_again_at_once(
    edge: Stack, reports: list[Report], operation: str, lost: Exception
) -> None:
    """A second call does no harm: every write may be done twice."""
    edge.sweep()
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    with every_second_answer_lost(operation, lost) as calls:
        edge.sweep()
    assert sum(calls.values()) >= 2
    assert edge.are_all_with("fw2")
    assert len(edge.calls("AssociateAddress")) == 4
    assert edge.kinds() == ["intent", "outcome"]
    whole(edge)
    assert not any(report.lost for report in reports)
    edge.app.world.clock.skew = timedelta(milliseconds=1)
    assert take("next", edge.clock.now())[0].taken_over is False


def test_no_signal_is_lost_with_an_answer(edge: Stack) -> None:
    lease, memory = take("one", edge.clock.now())
    marks = ({"cause": "BGP went down"}, {"cause": "BFD went down"})
    for mark in marks:
        with every_second_answer_lost("UpdateItem", LOST[1]):
            assert LOOKS.acquire("edge", "two", edge.clock.now(), [mark]) is None
    with every_second_answer_lost("UpdateItem", LOST[1]):
        assert not LOOKS.release(lease, memory)
    with every_second_answer_lost("UpdateItem", LOST[1]):
        lease, came = LOOKS.again(lease, memory, edge.clock.now())
    assert [mark for number, mark in enumerate(came) if mark not in came[:number]] == list(marks)
    with every_second_answer_lost("UpdateItem", LOST[1]):
        assert LOOKS.release(lease, memory)


def test_a_signal_that_comes_while_the_mark_is_taken_is_not_lost(edge: Stack, monkeypatch) -> None:
    lease, memory = take("one", edge.clock.now())
    LOOKS.acquire("edge", "two", edge.clock.now(), [{"n": 1}])
    real = LeaseStore._held
    came: list[object] = []

    def held(self: LeaseStore, *arguments: Any) -> Any:
        found = real(self, *arguments)
        if not came:
            came.append(LOOKS.acquire("edge", "three", edge.clock.now(), [{"n": 2}]))
        return found

    monkeypatch.setattr(LeaseStore, "_held", held)
    lease, marks = LOOKS.again(lease, memory, edge.clock.now())
    assert came == [None]
    assert {"n": 1} in marks
    assert not LOOKS.release(lease, memory)
    lease, marks = LOOKS.again(lease, memory, edge.clock.now())
    assert {"n": 2} in marks
    assert LOOKS.release(lease, memory)


def test_a_signal_that_comes_while_the_answer_to_its_own_lease_is_lost_is_not_lost(edge: Stack) -> None:
    def come(model: OperationModel, **_: object) -> None:
        events.unregister("after-call.dynamodb", come)
        assert LOOKS.acquire("edge", "two", edge.clock.now(), [{"n": 1}]) is None
        raise LOST[1]

    events = clients.dynamodb().meta.events
    events.register("after-call.dynamodb", come)
    lease, memory = take("one", edge.clock.now())
    assert not LOOKS.release(lease, memory)
    assert LOOKS.again(lease, memory, edge.clock.now())[1] == ({"n": 1},)


def test_a_signal_that_can_be_left_with_nobody_is_raised(edge: Stack) -> None:
    """The holder renews its lease each time between the reading of it and the mark."""
    held, races = take("holder", edge.clock.now()), []

    def renew(params: dict[str, Any], **_: object) -> None:
        if params.get("UpdateExpression", "").startswith("SET look_again"):
            races.append(edge.clock.sleep(1))
            LOOKS.fence(*held, edge.clock.now())

    clients.dynamodb().meta.events.register("provide-client-params.dynamodb.UpdateItem", renew)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    with pytest.raises(TemporaryError, match="not left with") as raised:
        edge.sweep()
    assert not isinstance(raised.value, StateUnavailableError)
    assert len(races) >= ATTEMPTS
    assert edge.calls(*MOVING) == []


def stalled(edge: Stack, meanwhile: Callable[[], object], *, on_the_wire: bool) -> None:
    """The next look's process stands still, once, where its calls to move are due: before or after that is
    asked for the last time.
    """
    cloud = edge.app.world.cloud
    stood: list[bool] = []

    class Stalling:
        observe, read_back = staticmethod(cloud.observe), staticmethod(cloud.read_back)

        @staticmethod
        def begin(moves: Any, may_begin: Callable[[], bool], now: Any) -> Any:
            if not stood:
                stood.append(may_begin())
                meanwhile()
                return cloud.begin(moves, (lambda: stood[0]) if on_the_wire else may_begin, now)
            return cloud.begin(moves, may_begin, now)

    vars(edge.app)["world"] = replace(edge.app.world, cloud=Stalling())


def refused(edge: Stack) -> list[str | None]:
    """Returns what kept each move of the newest outcome from being made."""
    outcome = [r.body for r in edge.audit() if r.body["kind"] == "outcome"][-1]
    return [a["error"] and a["error"]["code"] for a in outcome["addresses"]]


def test_a_holder_that_stalls_begins_no_call_late_in_its_lease(edge: Stack) -> None:
    """Nobody took over: it proves its lease anew, and moves then."""
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    recorded: list[list[str | None]] = []

    def note(params: dict[str, Any], **_: object) -> None:
        if params["TableName"] == "tandem-audit" and edge.calls(*MOVING) == []:
            recorded.append([])

    clients.dynamodb().meta.events.register("provide-client-params.dynamodb.PutItem", note)
    stalled(edge, lambda: edge.clock.sleep(21), on_the_wire=False)
    edge.sweep()
    assert len(recorded) == 3  # intent, the outcome that nothing was begun, and the next intent
    assert edge.kinds() == ["intent", "outcome"] * 2
    first = next(r.body for r in edge.audit() if r.body["kind"] == "outcome")
    assert {a["error"]["code"] for a in first["addresses"]} == {"NotBegun"}
    assert edge.are_all_with("fw2")
    assert len(edge.calls("AssociateAddress")) == 4


def test_a_holder_that_stalls_begins_no_call_after_another_took_over(edge: Stack) -> None:
    """By then the route and the addresses are with fw1 again: a late call would be wrong."""
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)

    def take_over() -> None:
        edge.levers.restore(name="fw1")
        edge.clock.sleep(40)
        edge.sweep()
        edge.forget_calls()

    stalled(edge, take_over, on_the_wire=False)
    edge.sweep()
    assert edge.calls(*MOVING) == []
    assert refused(edge) == ["NotBegun"] * 4
    assert edge.are_all_with("fw1")


def test_a_call_on_the_wire_during_a_take_over_is_put_right_by_the_look_that_was_asked_for(
    edge: Stack,
) -> None:
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)

    def take_over() -> None:
        edge.levers.restore(name="fw1")
        edge.clock.sleep(40)
        edge.sweep()

    stalled(edge, take_over, on_the_wire=True)
    edge.sweep()
    assert edge.are_all_with("fw2")  # the route is fw1's
    asked = [event for event in edge.events() if event["detail-type"] == "Look"]
    assert ["never let go of its lease" in event["detail"]["cause"] for event in asked] == [True]
    for event in asked:
        edge.invoke(event)
    assert edge.are_all_with("fw1")
    bodies = [record.body for record in edge.audit()]
    late = [b for b in bodies if b["kind"] == "outcome" and b["outcome"] == "verified"]
    assert [{a["to"]["appliance"] for a in b["addresses"]} for b in late] == [{"fw2"}, {"fw1"}]
    assert bodies[-1] is late[-1]


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException"])
@pytest.mark.parametrize("operation", ["GetItem", "UpdateItem", "PutItem"])
def test_a_table_that_refuses_everybody_stops_no_failover_from_a_dead_holder(
    edge: Stack, capsys, operation: str, code: str
) -> None:
    """A table policy that broke at night. It is raised, logged and counted; a live holder waits."""
    edge.sweep()
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)

    def refuse(params: dict[str, Any], model: OperationModel, **_: object) -> None:
        if model.name == operation:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, model.name)

    events = clients.dynamodb().meta.events
    events.register("before-call.dynamodb", refuse)
    with pytest.raises(StateUnavailableError, match=f"DynamoDB {operation}: {code}"):
        edge.sweep()
    assert edge.are_all_with("fw2")
    assert '"LooksFailed":[1.0]' in capsys.readouterr().out.replace(" ", "")
    edge.levers.restore(name="fw1")
    edge.clock.sleep(30)
    edge.app.world.clock.sleep(10)
    edge.forget_calls()
    with pytest.raises(StateUnavailableError):
        edge.sweep()
    assert edge.calls(*MOVING) == []
    events.unregister("before-call.dynamodb", refuse)
