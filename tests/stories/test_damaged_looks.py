"""The record of the looks, damaged by hand: failover goes on by the truth in AWS, and says what was wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tandem.adapters import clients
from tandem.adapters.looks import LookStore
from tandem.failover.run import Report
from tandem.state.memory import Memory, dump
from tests.shared_worlds import begins_in
from tests.stack import Stack, stack

LOOKS = LookStore("tandem-state")


@pytest.fixture
@begins_in(stack)
def edge():
    with stack() as s:
        yield s


def damage(**attributes: dict[str, Any] | None) -> None:
    """Overwrites the look record, which nobody's lease is on, as a careless hand would."""
    sound = {"epoch": {"N": "7"}, "memory": {"S": dump(Memory())}}
    item = {"kind": {"S": "look"}, "id": {"S": "edge"}, **sound, **attributes}
    clients.dynamodb().put_item(TableName="tandem-state", Item={n: v for n, v in item.items() if v})


FUTURE = "2126-01-01T00:00:00+00:00"
LONG = {"lease_owner": {"S": "gone"}, "lease_until": {"N": "99999999999999"}}
SOON = {"N": str(int(datetime(2026, 1, 1, 0, 1, 10, tzinfo=UTC).timestamp() * 1000))}
MOVED = {"group": "internet-edge", "owner": "fw1", "at": FUTURE}


def remembering(**memory: Any) -> dict[str, Any]:
    return {"memory": {"S": json.dumps({"moves": [], "standing": {}, "next_hops": {}, **memory})}}


@pytest.mark.parametrize(
    ("damaged", "why"),
    [
        (LONG, "its lease was to last until 5138-11-16"),
        ({**LONG, "lease_until": {"S": "soon"}}, "the end of its lease is not a valid time"),
        ({**LONG, "lease_until": {"N": "1" + "0" * 30}}, "the end of its lease is not a valid time"),
        ({**LONG, "lease_until": None}, "the end of its lease is not a valid time"),
        ({"lease_until": SOON}, "its lease has no owner"),
        ({"epoch": {"S": "seven"}}, "its epoch was damaged"),
        ({"epoch": {"N": "99999999999999999999"}}, "its epoch was damaged"),
        ({"epoch": {"N": "4102444800000"}}, "its epoch was damaged"),
        ({"epoch": None}, "its epoch was damaged"),
        ({"memory": None}, "its memory is missing"),
        ({"memory": {"L": []}}, "its memory was damaged"),
        ({"memory": {"S": "not json"}}, "its memory was damaged"),
        ({"memory": {"S": json.dumps({"moves": [{"group": 1}]})}}, "its memory was damaged"),
        (remembering(told=float("inf")), "its memory was damaged"),
        (remembering(moves=[MOVED]), "its memory was damaged (times in the future"),
        (remembering(heard={"rsp-1 bgp": FUTURE}), "its memory was damaged (times in the future"),
        ({"look_again": {"S": "x"}}, "the look-again mark was damaged"),
        ({"look_again": {"L": [{"S": "no json"}]}}, "the look-again mark was damaged"),
        ({"look_again": {"L": [{"S": "[" * 5000}]}}, "the look-again mark was damaged"),
    ],
    ids=lambda d: json.dumps(d)[:60],
)
def test_a_damaged_record_does_not_stop_failover_and_is_reported(
    edge: Stack, reports: list[Report], capsys, caplog, damaged: dict[str, Any], why: str
) -> None:
    damage(**damaged)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()
    assert edge.are_all_with("fw2")
    told = [vars(r)["why"] for r in caplog.records if r.msg == "state record damaged"]
    assert any(why in (words or "") for words in (*told, *(r.repaired for r in reports)))
    assert repaired(capsys) == 1
    edge.sweep()
    assert repaired(capsys) == 0
    assert LOOKS.acquire("edge", "next", edge.clock.now(), []) is not None


def repaired(capsys: pytest.CaptureFixture[str]) -> float:
    """Returns how often a damaged record was counted since the last time."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    return sum(sum(line.get("RepairedState", [0])) for line in lines)


def test_what_nobody_damaged_is_not_reported(edge: Stack, capsys) -> None:
    """A topology's first look, the next one, one after a crash, and one of a clock that is 4 s behind."""
    edge.sweep()
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()
    LOOKS.acquire("edge", "crashed", edge.clock.now(), [])
    edge.clock.sleep(36)
    edge.app.world.clock.skew = timedelta(seconds=4)
    edge.levers.restore(name="fw1")
    edge.clock.sleep(30)
    edge.sweep()
    edge.app.world.clock.skew = timedelta(0)
    edge.sweep()
    assert repaired(capsys) == 0
    clients.dynamodb().delete_item(TableName="tandem-state", Key={"kind": {"S": "look"}, "id": {"S": "edge"}})
    for _ in range(2):
        LOOKS.acquire("edge", "crashed before it wrote anything", edge.clock.now(), [])
        edge.clock.sleep(36)
    edge.sweep()
    assert repaired(capsys) == 0
