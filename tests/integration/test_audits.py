"""The audit table's limits: a record that is too large for an item is compressed, then shortened."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tandem.adapters import clients
from tandem.adapters.audits import AuditTable
from tandem.audit import Head, heads_in, problems
from tandem.errors import StateUnavailableError
from tandem.state.decoding import LARGEST
from tests.shared_worlds import begins_in
from tests.stack import Stack, stack

AUDIT = AuditTable("tandem-audit")
ADDRESSES = [
    {"allocation_id": f"eipalloc-{n:017x}", "reason": "fw2 owns the route; " * 8} for n in range(3000)
]
NOISE = random.Random(1).randbytes(900_000).hex()  # noqa: S311 - text that no compression makes small


@pytest.fixture
@begins_in(stack)
def edge() -> Iterator[Stack]:
    with stack() as s:
        yield s


def body(**more: Any) -> dict[str, Any]:
    return {"kind": "intent", "decision_id": "edge-1-1", "epoch": None, "groups": {"a": 1}, **more}


def items() -> list[dict[str, Any]]:
    return clients.dynamodb().scan(TableName="tandem-audit")["Items"]


def test_a_long_body_is_compressed_and_reads_as_it_was_written(edge: Stack) -> None:
    long = body(evidence=ADDRESSES)
    assert len(json.dumps(long)) > 500_000
    head = AUDIT.append(AUDIT.append(None, "failover#x", body()), "failover#x", long)
    newest, first = AUDIT.recent("failover#x")
    assert (newest.body, first.body, newest.head) == (long, body(), head)
    assert problems((first, newest)) == ()
    assert [next(iter(item["body"])) for item in items()] == ["S", "B"]


def test_a_body_that_the_table_refuses_is_shortened(edge: Stack) -> None:
    AUDIT.append(None, "failover#x", body(evidence=NOISE, late=True, tell=["a"]))
    (record,) = AUDIT.recent("failover#x")
    kept = {"kind": "intent", "decision_id": "edge-1-1", "epoch": None, "late": True}
    assert record.body == {**kept, "truncated": ["evidence", "groups", "tell"]}
    assert problems([record]) == ()


def test_where_even_that_is_refused_the_table_counts_as_away(edge: Stack) -> None:
    def refuse(model: Any, **_: object) -> None:
        raise ClientError({"Error": {"Code": "ValidationException", "Message": "no"}}, model.name)

    clients.dynamodb().meta.events.register("before-call.dynamodb.PutItem", refuse)
    with pytest.raises(StateUnavailableError, match="failover#x: the record is refused"):
        AUDIT.append(None, "failover#x", body())


def test_a_planted_last_number_makes_the_trail_unavailable_and_stops_no_move(edge: Stack) -> None:
    sequence = "failover#edge"
    last = AUDIT.append(Head(sequence, LARGEST - 1, "0" * 64), sequence, body())
    with pytest.raises(StateUnavailableError, match="failover#edge: record 1000000000000000 is there"):
        AUDIT.append(last, sequence, body())
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    with pytest.raises(StateUnavailableError):
        edge.sweep()
    assert edge.are_all_with("fw2")


def test_an_intent_that_two_looks_close_is_closed_once(edge: Stack) -> None:
    """A look that stalled before it closed the intent comes back when the next look has done that."""
    sequence = "failover#edge"
    intent = AUDIT.append(None, sequence, body())
    closing = body(kind="outcome", outcome="unknown")
    after = AUDIT.append(AUDIT.append(intent, sequence, closing), sequence, body(decision_id="edge-2-1"))
    assert AUDIT.append(intent, sequence, closing) == after
    other = body(kind="outcome", outcome="verified", decision_id="edge-2-1")
    assert AUDIT.append(intent, sequence, other).number == 4


@pytest.mark.parametrize("damaged", [{"B": b"no gzip"}, {"B": b"\x1f\x8b"}, {"S": "{"}, {"L": []}], ids=str)
def test_a_damaged_body_shows(edge: Stack, damaged: dict[str, Any]) -> None:
    AUDIT.append(None, "failover#x", body())
    clients.dynamodb().put_item(TableName="tandem-audit", Item={**items()[0], "body": damaged})
    (record,) = AUDIT.recent("failover#x")
    assert problems([record]) == ("failover#x #1: its content does not match its hash",)


def test_what_is_done_to_the_table_shows_against_the_events_that_left(edge: Stack) -> None:
    """Whoever may write the table can make it fit itself, but not the events that were sent before."""
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()
    heads = heads_in(event["detail"] for event in edge.events())
    trail = list(reversed(AUDIT.recent("failover#edge")))
    assert heads[-1] == trail[-1].head
    assert problems(trail, heads=heads) == ()
    last = next(item for item in items() if item["number"]["N"] == str(trail[-1].number))
    doubled = last["body"]["S"].replace('{"', '{"kind":"hold","', 1)
    clients.dynamodb().put_item(TableName="tandem-audit", Item={**last, "body": {"S": doubled}})
    changed = list(reversed(AUDIT.recent("failover#edge")))
    assert problems(changed, heads=heads) == (
        f"failover#edge #{len(trail)}: its content does not match its hash",
    )
    key = {name: last[name] for name in ("sequence", "number")}
    clients.dynamodb().delete_item(TableName="tandem-audit", Key=key)
    cut = list(reversed(AUDIT.recent("failover#edge")))
    assert problems(cut) == ()
    assert problems(cut, heads=heads) == (f"failover#edge: #{len(trail)} is missing, and an event names it",)


def test_evidence_that_is_too_large_keeps_no_move_waiting(edge: Stack, monkeypatch) -> None:
    monkeypatch.setattr("tandem.failover.telling.evidence", lambda *_: {"noise": NOISE})
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()
    assert edge.are_all_with("fw2")
    assert [r.body.get("truncated", []) for r in edge.audit()] == [
        ["evidence", "groups", "signal", "since", "tell", "threads"],
        [],
    ]
