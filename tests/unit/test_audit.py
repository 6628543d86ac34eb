"""The hash chain of the audit trail: whatever is changed, cut out or put in, shows."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import Any

import pytest

from tandem.audit import (
    MOST,
    Head,
    RecordKind,
    digest,
    following,
    heads_in,
    open_intent,
    problems,
    unpacked,
)
from tandem.state.decoding import Damaged, read
from tests.pure import chain


def test_a_cut_head_shows() -> None:
    first, second = chain({"a": 1}, {"b": 2})
    forged = following(None, "failover#edge", second.body)
    assert problems([replace(forged, previous=first.hash)])


BODIES = ({"a": 1}, {"b": 2}, {"c": 3}, {"d": 4})


def test_a_beginning_that_was_cut_shows_unless_it_is_stated() -> None:
    first, *rest = chain(*BODIES)
    assert problems(rest) == ("failover#edge: #1 to #1 are missing",)
    assert problems(rest, first=rest[0].head) == ()
    assert problems(rest[1:], first=rest[0].head) == ("failover#edge: it does not begin with the stated #2",)
    assert problems([], first=first.head) == ("failover#edge: it does not begin with the stated #1",)
    other = replace(first.head, hash="0" * 64)
    assert problems([first, *rest], first=other) == ("failover#edge: it does not begin with the stated #1",)


def test_a_tail_that_was_cut_shows_against_the_heads_that_left() -> None:
    records = chain(*BODIES)
    heads = [record.head for record in records]
    assert problems(records, heads=heads) == ()
    assert problems(records[:2], heads=[heads[0], heads[3]]) == (
        "failover#edge: #4 is missing, and an event names it",
    )
    assert len(problems([], heads=heads)) == 4


def test_a_sequence_that_was_replaced_whole_shows_against_one_head() -> None:
    heads = [record.head for record in chain(*BODIES)]
    forged = chain({"a": 0}, *BODIES[1:])
    assert problems(forged) == ()
    assert problems(forged, heads=[heads[3]]) == ("failover#edge #4: an event names another record",)


def test_heads_of_other_sequences_and_before_the_stated_first_are_not_judged() -> None:
    _, second, *rest = chain(*BODIES)
    strangers = [Head("provisioner#edge", 9, "0" * 64), Head("failover#edge", 1, "0" * 64)]
    assert problems([second, *rest], first=second.head, heads=strangers) == ()


def test_a_doubled_key_shows_since_the_hash_is_over_the_text() -> None:
    (record,) = chain({"kind": "hold", "who": "eve"})
    doubled = record.text.replace('"who"', '"who":"bob","who"')
    assert json.loads(doubled) == record.body
    assert problems([replace(record, text=doubled)]) == (
        "failover#edge #1: its content does not match its hash",
    )
    forged = digest(record.sequence, record.number, record.previous, doubled)
    assert problems([replace(record, text=doubled, hash=forged)]) == (
        "failover#edge #1: its content does not match its hash",
    )


def test_blanks_and_another_order_of_the_keys_show_as_well() -> None:
    (record,) = chain({"a": 1, "b": 2})
    for text in ('{"a": 1, "b": 2}', '{"b":2,"a":1}', record.text + "\n", ""):
        assert problems([replace(record, text=text)])


def test_a_record_that_is_there_twice_or_in_another_place_shows() -> None:
    one, two, three, _ = chain(*BODIES)
    assert problems([one, two, two, three]) == ("failover#edge #2: it stands behind failover#edge #2",)
    assert problems([one, three, two])
    assert problems([one, replace(two, sequence="failover#other")])


def test_heads_come_from_the_details_of_events() -> None:
    head = chain({"a": 1})[0].head
    details: list[dict[str, Any]] = [
        {"audit": head.as_dict()},
        {"audit": None},
        {},
        {"audit": head.as_dict()},
    ]
    assert heads_in(details) == (head,)


def intent(decision_id: str) -> dict[str, Any]:
    return {"kind": RecordKind.INTENT, "decision_id": decision_id}


def outcome(decision_id: str) -> dict[str, Any]:
    return {"kind": RecordKind.OUTCOME, "decision_id": decision_id}


def test_an_intent_without_outcome_is_open() -> None:
    hold = {"kind": RecordKind.HOLD, "decision_id": "h"}
    for contents, expected in (
        ([], None),
        ([intent("a")], 1),
        ([intent("a"), outcome("a")], None),
        ([intent("a"), outcome("a"), intent("b"), hold], 3),
        ([intent("a"), outcome("other")], 1),
        ([hold], None),
    ):
        found = open_intent(reversed(chain(*contents)))
        assert (found.number if found else None) == expected


@pytest.mark.parametrize("size", [MOST + 1, 50 * MOST])
def test_a_body_that_unpacks_to_more_than_any_record_is_damaged(size: int) -> None:
    bomb = gzip.compress(b'{"x":"' + b"a" * size + b'"}')
    assert len(bomb) < 400_000
    assert isinstance(read(lambda: unpacked(bomb)), Damaged)


@pytest.mark.parametrize("cut", [1, 8, 20])
def test_a_compressed_body_that_was_cut_is_damaged(cut: int) -> None:
    assert isinstance(read(lambda: unpacked(gzip.compress(b'{"kind":"hold"}' * 20)[:-cut])), Damaged)


def test_what_is_no_head_is_left_out_of_the_heads() -> None:
    head = {"sequence": "failover#edge", "number": 1, "hash": "ab"}
    odd: list[dict[str, Any]] = [{"audit": {}}, {"audit": {**head, "number": "x"}}, {"audit": None}, {}]
    assert heads_in([*odd, {"audit": head}]) == (Head("failover#edge", 1, "ab"),)


def test_a_head_that_contradicts_the_stated_first_record_shows() -> None:
    _, second, *rest = chain(*BODIES)
    other = replace(second.head, hash="0" * 64)
    assert problems([second, *rest], first=second.head, heads=[other]) == (
        "failover#edge #2: an event names another record",
    )
