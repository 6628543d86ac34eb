"""Whatever a sequence of the audit trail holds, what is changed, cut out or put in shows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tandem.audit import GENESIS, following, problems
from tests.pure import chain

bodies = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.none(), max_size=3)


@given(st.lists(bodies, max_size=6))
def test_an_untouched_sequence_has_no_problems(contents: list[dict[str, Any]]) -> None:
    records = chain(*contents)
    assert problems(records) == ()
    assert [r.number for r in records] == list(range(1, len(contents) + 1))
    assert not records or records[0].previous == GENESIS


@given(st.lists(bodies, min_size=1, max_size=6), st.data())
def test_a_changed_body_shows(contents: list[dict[str, Any]], data) -> None:
    records = chain(*contents)
    at = data.draw(st.integers(0, len(records) - 1))
    other = data.draw(bodies.filter(lambda b: b != contents[at]))
    records[at] = replace(records[at], body=other)
    assert f"#{at + 1}: its content does not match its hash" in problems(records)[0]


@given(st.lists(bodies, min_size=3, max_size=6), st.data())
def test_a_record_cut_out_shows(contents: list[dict[str, Any]], data) -> None:
    records = chain(*contents)
    del records[data.draw(st.integers(1, len(records) - 2))]
    assert "missing" in problems(records)[0]


@given(st.lists(bodies, min_size=2, max_size=6), st.data())
def test_a_rewritten_record_with_a_hash_of_its_own_shows_in_the_next(
    contents: list[dict[str, Any]], data
) -> None:
    records = chain(*contents)
    at = data.draw(st.integers(0, len(records) - 2))
    before = records[at - 1].head if at else None
    forged = data.draw(bodies.filter(lambda b: b != contents[at]))
    records[at] = following(before, "failover#edge", forged)
    assert problems(records) == (f"failover#edge #{at + 2}: it does not continue #{at + 1}",)
