"""Records that somebody damaged by hand: failover goes on by what can be read, and says what cannot."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tandem.adapters import clients
from tandem.adapters.leases import MARKS
from tandem.adapters.looks import LookStore
from tandem.adapters.topologies import DamagedTopologyError, TopologyStore
from tandem.failover import invocation
from tandem.failover.look import look as real_look
from tests.judging import reasons
from tests.shared_worlds import begins_in
from tests.stack import MOVING, Stack, stack

LOOKS = LookStore("tandem-state")
PAUSED = {"action": {"S": "paused"}, "who": {"S": "kim"}, "why": {"S": "a test"}}
PINNED = {**PAUSED, "action": {"S": "pinned"}, "appliance": {"S": "fw1"}}
LATER, OVER = {"until": {"S": "2027-01-01T00:00:00"}}, {"until": {"S": "2025-01-01T00:00:00"}}


@pytest.fixture
@begins_in(stack)
def edge():
    with stack() as s:
        yield s


def override(**item: Any) -> None:
    key = {"kind": {"S": "override"}, "id": {"S": "edge"}}
    clients.dynamodb().put_item(TableName="tandem-state", Item={**key, **item})


def change(kind: str, **attributes: Any) -> None:
    """Overwrites attributes of a record, as a careless hand would."""
    for name, value in attributes.items():
        clients.dynamodb().update_item(
            TableName="tandem-state",
            Key={"kind": {"S": kind}, "id": {"S": "edge"}},
            UpdateExpression="SET #name = :value",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues={":value": value},
        )


@pytest.fixture
def reported(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Callable[[Stack], Any]:
    """Kills fw1 and sweeps once: why state was said to be damaged, and how often that was counted."""

    def sweep(edge: Stack) -> tuple[list[str], float]:
        edge.levers.kill(name="fw1")
        edge.clock.sleep(3)
        capsys.readouterr()
        edge.sweep()
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
        whys = [vars(r)["why"] for r in caplog.records if r.msg.endswith("damaged")]
        return whys, sum(sum(line.get("RepairedState", [0])) for line in lines)

    return sweep


FUTURE = "2126-01-01T00:00:00+00:00"


@pytest.mark.parametrize("count", [1, 2, 6])
@pytest.mark.parametrize("owner", ["fw1", "fw2"])
def test_moves_that_are_still_to_come_damp_for_a_minute_at_most(
    edge: Stack, capsys, owner: str, count: int
) -> None:
    """fw1 is alive and withdrew the route. Told once, and over with the damping of moves made just now."""
    verified = [e["allocation_id"] for e in edge.ids["elastic_ips"].values()] if count < 3 else []
    moves = [{"group": "internet-edge", "owner": owner, "at": FUTURE, "verified": verified}] * count
    change("look", memory={"S": json.dumps({"moves": moves, "standing": {}, "next_hops": {}})})
    edge.levers.withdraw(name="fw1", prefix="0.0.0.0/0")
    edge.clock.sleep(3)
    began = edge.clock.now()
    edge.sweep()
    assert edge.are_all_with("fw2")
    assert edge.clock.now() - began < timedelta(seconds=62)
    assert edge.kinds() == ["intent", "outcome"]
    assert capsys.readouterr().out.replace(" ", "").count('"RepairedState":[1.0]') == 1


def test_a_fight_that_is_still_to_come_is_over_in_ten_minutes(edge: Stack) -> None:
    verified = [e["allocation_id"] for e in edge.ids["elastic_ips"].values()]
    moves = [{"group": "internet-edge", "owner": "fw2", "at": FUTURE, "verified": verified}] * 3
    change("look", memory={"S": json.dumps({"moves": moves, "standing": {}, "next_hops": {}})})
    edge.levers.withdraw(name="fw1", prefix="0.0.0.0/0")
    edge.clock.sleep(3)
    edge.sweep()
    edge.clock.sleep(300)
    edge.sweep()
    assert edge.are_all_with("fw1")
    assert len(reasons(edge)) == 1
    edge.clock.sleep(301)
    edge.sweep()
    assert edge.are_all_with("fw2")


@pytest.mark.parametrize(("until", "holder"), [(LATER, "fw1"), (OVER, "fw2")], ids=["later", "over"])
def test_an_end_without_a_zone_is_utc(edge: Stack, reported, until: dict[str, Any], holder: str) -> None:
    override(**PAUSED, **until)
    assert reported(edge) == ([], 0)
    assert edge.are_all_with(holder)


@pytest.mark.parametrize(
    "damaged",
    [
        PAUSED,
        {**PAUSED, "until": {"S": "soon"}},
        {**PAUSED, "until": {"S": "0001-01-01T00:00:00+14:00"}},
        {**PAUSED, "until": {"N": "1798761600"}},
        {"action": {"S": "paused"}, **LATER},
        {"action": {"S": " Paused"}},
        {**PAUSED, **LATER, "why": {"L": []}},
    ],
    ids=lambda d: json.dumps(d)[:70],
)
def test_a_damaged_pause_still_holds_and_says_how_to_mend_it(edge: Stack, reported, damaged: Any) -> None:
    override(**damaged)
    whys, repaired = reported(edge)
    assert edge.are_all_with("fw1")
    assert edge.calls(*MOVING) == []
    (reason,) = reasons(edge)
    assert reason.startswith("paused by kim" if "who" in damaged else "paused by unknown")
    assert "the override record edge is damaged" in reason
    assert reason.endswith("fix or delete it)")
    assert repaired == len(whys) == 1


@pytest.mark.parametrize(
    "damaged",
    [
        PINNED,
        {**PINNED, **LATER, "appliance": {"N": "1"}},
        {**PINNED, **LATER, "action": {"S": "frozen"}},
        {},
    ],
    ids=lambda d: json.dumps(d)[:70],
)
def test_a_damaged_pin_holds_and_is_reported(edge: Stack, reported, damaged: Any) -> None:
    """Nobody knows what the person meant."""
    override(**damaged)
    whys, repaired = reported(edge)
    assert edge.are_all_with("fw1")
    assert repaired == 1
    assert "the override record edge is damaged, so Tandem holds" in whys[0]
    (reason,) = reasons(edge)
    assert reason.endswith("fix or delete it)")


@pytest.mark.parametrize(
    "damaged",
    [
        {"provisioned": {"S": "{"}},
        {"provisioned": {"S": "[]"}},
        {"provisioned": {"N": "1"}},
        {"provisioned": {"S": json.dumps({"route_server_id": 5})}},
        {"provisioned": {"S": json.dumps({"route_server_id": "rs-1", "peers": 5, "endpoint_ids": "x"})}},
        {"door": {"L": []}},
        {"revision": {"S": "two"}},
        {"version": {"BOOL": True}},
    ],
    ids=lambda d: json.dumps(d)[:70],
)
def test_beside_a_sound_document_damage_stops_no_failover_and_everything_else(
    edge: Stack, reported, damaged: Any
) -> None:
    """Nothing that changes or deletes anything may go by such a record."""
    change("topology", **damaged)
    store = TopologyStore(clients.dynamodb(), "tandem-state")
    stored = store.list()
    assert (stored.records, set(stored.damaged)) == ((), {"edge"})
    with pytest.raises(DamagedTopologyError, match=next(iter(damaged))):
        store.get("edge")
    whys, repaired = reported(edge)
    assert edge.are_all_with("fw2")
    assert repaired == 1
    assert "apply it again with --take-over" in whys[0]


def test_what_failover_needs_of_a_damaged_record_is_kept(edge: Stack) -> None:
    """A managed topology names no route server: that one was made for it."""
    document = {**edge.record.topology.document, "manage": True}
    server_id = document["route_server"].pop("id")
    made = {"route_server_id": server_id, "peers": {"rsp-1": 5}, "version": True}
    change("topology", document={"S": json.dumps(document)}, provisioned={"S": json.dumps(made)})
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()
    assert edge.are_all_with("fw2")


def test_an_epoch_that_is_no_whole_number_goes_on_from_the_time_of_day(edge: Stack, reported) -> None:
    change("look", epoch={"N": "1.5"})
    assert reported(edge)[1] == 1
    assert edge.are_all_with("fw2")
    got = LOOKS.acquire("edge", "next", edge.clock.now())
    assert got is not None
    assert got[0].damage == ()
    assert got[0].epoch > edge.clock.now().timestamp()


@pytest.mark.parametrize(
    "damaged",
    [
        {"S": "x"},
        {"M": {}},
        *({"L": [entry]} for entry in ({"S": "no json"}, {"N": "5"}, {"S": "7"})),
    ],
    ids=json.dumps,
)
def test_a_damaged_mark_is_still_a_reason_to_look_again(edge: Stack, damaged: Any) -> None:
    got = LOOKS.acquire("edge", "other", edge.clock.now())
    assert got is not None
    change("look", look_again=damaged)
    edge.sweep()
    assert edge.calls() == []
    assert not LOOKS.release(*got)
    lease, marks = LOOKS.again(*got, edge.clock.now())
    assert all(isinstance(mark, dict) for mark in marks)
    assert LOOKS.release(lease, got[1])


def test_a_mark_that_is_full_stays_as_it_is(edge: Stack) -> None:
    got = LOOKS.acquire("edge", "other", edge.clock.now())
    assert got is not None
    for number in range(5):
        assert LOOKS.acquire("edge", f"w{number}", edge.clock.now(), [{"n": number}] * (MARKS - 1)) is None
    assert not LOOKS.release(*got)
    lease, marks = LOOKS.again(*got, edge.clock.now())
    assert len(marks) == 2 * (MARKS - 1)
    assert LOOKS.release(lease, got[1])


def test_a_full_mark_of_a_lease_that_is_over_is_no_answer(edge: Stack) -> None:
    """The signal is not lost: whoever comes takes the lease."""
    assert LOOKS.acquire("edge", "other", edge.clock.now()) is not None
    for number in range(2):
        LOOKS.acquire("edge", f"w{number}", edge.clock.now(), [{}] * MARKS)
    edge.clock.sleep(36)
    assert LOOKS.acquire("edge", "next", edge.clock.now()) is not None


def test_a_bug_in_one_look_keeps_no_other_topology_waiting(edge: Stack, monkeypatch, capsys) -> None:
    edge.store(name="aa")

    def look(topology: Any, *arguments: Any, **more: Any) -> Any:
        if topology.name == "aa":
            raise ZeroDivisionError("a bug")
        return real_look(topology, *arguments, **more)

    monkeypatch.setattr(invocation, "look", look)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        edge.invoke({"tandem": "sweep"})
    assert edge.are_all_with("fw2")
    assert '"LooksFailed":[1.0]' in capsys.readouterr().out.replace(" ", "")
