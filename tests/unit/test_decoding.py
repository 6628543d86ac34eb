"""Stored records are read in one way: a value, or damaged, because."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tandem.state.decoding import (
    DEEPEST,
    LARGEST,
    SHOWN,
    Damaged,
    cut,
    flag,
    json_of,
    ms_time,
    number,
    parsed,
    partly,
    read,
    shaped,
    text,
    utc,
    written,
)

AT = datetime(2026, 11, 21, 3, 58, tzinfo=UTC)


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@dataclass(frozen=True)
class Inner:
    """A part of a record."""

    at: datetime
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Record:
    """A record of this version."""

    name: str
    inner: Inner | None = None
    known: dict[str, str] = field(default_factory=dict)


@pytest.mark.parametrize("levels", [DEEPEST + 1, 500, 100_000])
def test_what_is_nested_deeper_than_any_record_is_damaged(levels: int) -> None:
    """A value that JSON can still read is too deep for whatever walks through it."""
    found = read(lambda: parsed(nested(levels)))
    assert isinstance(found, Damaged)
    assert read(lambda: json_of({"document": {"S": nested(levels)}}, "document")) != found
    assert not isinstance(read(lambda: parsed(nested(DEEPEST))), Damaged)


@pytest.mark.parametrize("bad", ["NaN", "-Infinity", '"\\ud800"', '{"\\udfff": 1}', "", "{", "\ud800"])
def test_what_is_no_json_is_damaged(bad: str) -> None:
    assert isinstance(read(lambda: parsed(bad)), Damaged)


@pytest.mark.parametrize("good", ['"\\ud83d\\ude00"', '"é"', "[]", "null", "1.5"])
def test_what_is_json_is_read(good: str) -> None:
    assert parsed(good) == json.loads(good)


@pytest.mark.parametrize(
    ("source", "at"),
    [
        ("2026-11-21T03:58:00Z", AT),
        ("2026-11-21T04:58:00+01:00", AT),
        ("2026-11-21T03:58:00", AT),
        ("2026-11-21", AT - timedelta(hours=3, minutes=58)),
    ],
)
def test_a_time_is_utc_and_one_without_a_zone_too(source: str, at: datetime) -> None:
    assert (utc(source), utc(source).tzinfo) == (at, UTC)


@pytest.mark.parametrize("source", ["soon", "", 17, None, True, "0001-01-01T00:00:00+14:00", "9" * 30, []])
def test_what_is_no_time_is_damaged_in_the_same_words(source: Any) -> None:
    assert read(lambda: utc(source)) == Damaged("it is not a valid time; an example is 2026-01-31T18:00:00Z")


@pytest.mark.parametrize(
    ("reader", "entry"),
    [
        *((text, entry) for entry in ({"S": ""}, {"N": "1"}, {"S": 1}, {}, None, "x", {"S": "\ud800"})),
        *((number, {"N": n}) for n in ("-1", "1.5", "x", "", str(LARGEST + 1), "9" * 400, "\u0661")),
        *((flag, entry) for entry in ({"BOOL": "true"}, {"S": "x"}, {})),
        *((ms_time, {"N": n}) for n in ("x", "", "1" * 30, "nan", "inf")),
        *((json_of, entry) for entry in ({"S": "{"}, {"B": b"{}"}, {})),
    ],
)
def test_a_member_of_another_kind_is_damaged_and_named(reader: Any, entry: object) -> None:
    found = read(lambda: reader({"member": entry}, "member"))
    assert isinstance(found, Damaged)


def test_a_member_that_is_missing_is_named() -> None:
    assert read(lambda: text({}, "door")) == Damaged("`door` is missing")
    assert flag({}, "forced") is False


def test_a_record_of_any_version_is_read() -> None:
    raw = {"name": "edge", "newer": 1, "inner": {"at": "2026-11-21T03:58:00Z", "names": ["a"]}}
    assert shaped(Record, raw) == Record("edge", Inner(AT, ("a",)))
    assert shaped(Record, json.loads(written({"name": "edge", "inner": None}))) == Record("edge")


def test_what_is_wrong_in_a_record_is_named_where_it_is() -> None:
    damaged = read(lambda: shaped(Record, {"name": 5, "inner": {"at": "soon"}, "known": {"a": 1}}))
    assert isinstance(damaged, Damaged)
    assert all(f"`{place}`" in damaged.why for place in ("name", "inner.at", "known"))


def test_each_member_is_read_by_itself() -> None:
    values, wrong = partly(Record, {"inner": {"at": "soon"}, "known": {"a": "b"}})
    assert values == {"known": {"a": "b"}}
    assert wrong.keys() == {"name", "inner"}


def test_words_have_an_end() -> None:
    assert cut("x" * SHOWN) == "x" * SHOWN
    assert cut("x" * 5000) == "x" * SHOWN + "…"


def test_what_is_written_is_unicode() -> None:
    assert json.loads(written({"a": "\ud800", "at": AT})) == {"a": "?", "at": AT.isoformat()}
