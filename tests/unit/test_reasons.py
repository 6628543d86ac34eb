"""A reason renders by its code's template, and every place that gives one gives the facts that it needs."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

import pytest

from tandem.reasons.reason import identity_of, reason
from tandem.words.render import Entry, fields, render, sentences


class Sample(StrEnum):
    """Codes of this test."""

    SILENT = "silent"
    DAMPED = "damped"
    SPLIT = "split"
    REFUSED = "refused"


ENTRIES: dict[StrEnum, Entry] = {
    Sample.SILENT: Entry("{subject} has no session[: {why}]", ""),
    Sample.DAMPED: Entry("damped until {until:%H:%M:%S}", ""),
    Sample.SPLIT: Entry("{prefixes} are split ({causes})", ""),
    Sample.REFUSED: Entry("{n} {n:call|calls} [new?just ]refused: {why:; }[code!, AWS does not say how]", ""),
}
SILENT = reason(Sample.SILENT, "fw1", why=None)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (SILENT, "fw1 has no session"),
        (
            reason(Sample.SILENT, "fw1", why="a row is unread [x] {y}"),
            "fw1 has no session: a row is unread [x] {y}",
        ),
        (
            reason(Sample.DAMPED, "edge", until=datetime(2026, 11, 21, 4, 5, 6, tzinfo=UTC)),
            "damped until 04:05:06 UTC",
        ),
        (
            reason(Sample.SPLIT, "edge", prefixes=("0.0.0.0/0", "::/0"), causes=(SILENT, SILENT)),
            "0.0.0.0/0, ::/0 are split (fw1 has no session; fw1 has no session)",
        ),
        (
            reason(Sample.REFUSED, "edge", n=1, new=True, why=("a", "b"), code=None),
            "1 call just refused: a; b, AWS does not say how",
        ),
        (reason(Sample.REFUSED, "edge", n=2, new=False, why=("a",), code="x"), "2 calls refused: a"),
    ],
)
def test_a_template_takes_its_facts(given, words) -> None:
    assert render(given, ENTRIES) == words


def test_a_fact_that_is_missing_is_a_bug_that_shows() -> None:
    with pytest.raises(KeyError):
        render(reason(Sample.SILENT, "fw1"), ENTRIES)


def test_several_reasons_are_one_text_and_a_remark_belongs_to_the_one_before() -> None:
    remark = reason(Sample.DAMPED, "edge", until=datetime(2026, 11, 21, 4, tzinfo=UTC))
    words = ENTRIES | {Sample.DAMPED: Entry("(until {until:%H:%M})", "")}
    assert sentences([SILENT, SILENT], words) == "fw1 has no session; fw1 has no session"
    assert sentences([SILENT, remark], words) == "fw1 has no session (until 04:00 UTC)"


def test_the_facts_of_a_template_are_named_with_its_conditions() -> None:
    assert fields(ENTRIES[Sample.REFUSED].text, "{more}") == ("n", "new", "why", "code", "more")


def test_an_identity_is_each_code_with_its_subjects_in_order() -> None:
    pairs = [(Sample.SILENT, "fw2"), (Sample.SILENT, "fw1"), (Sample.SPLIT, "edge")]
    assert identity_of(pairs) == {"silent": ("fw1", "fw2"), "split": ("edge",)}
    assert identity_of(pairs[::-1]) == identity_of(pairs)


def test_the_same_code_and_subject_are_the_same_reason_whatever_the_facts() -> None:
    assert reason(Sample.SILENT, "fw1", why="x").identity == SILENT.identity == ("silent", "fw1")
    assert reason(Sample.SILENT, "fw2", why=None).identity != SILENT.identity


def test_facts_are_json() -> None:
    given = reason(
        Sample.SPLIT, "edge", prefixes=("::/0",), causes=(SILENT,), at=datetime(2026, 11, 21, tzinfo=UTC)
    )
    assert given.as_dict() == {
        "code": "split",
        "subject": "edge",
        "facts": {
            "prefixes": ["::/0"],
            "causes": [{"code": "silent", "subject": "fw1", "facts": {"why": None}}],
            "at": "2026-11-21T00:00:00.000Z",
        },
    }
