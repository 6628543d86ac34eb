"""A reason renders by its code's template, and every place that gives one gives the facts that it needs."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

import pytest

from tandem.reasons.reason import reason
from tandem.words.render import Entry, render


class Sample(StrEnum):
    """Codes of this test."""

    SILENT = "silent"
    DAMPED = "damped"
    SPLIT = "split"


ENTRIES: dict[StrEnum, Entry] = {
    Sample.SILENT: Entry("{subject} has no session[: {why}]", ""),
    Sample.DAMPED: Entry("damped until {until:%H:%M:%S}", ""),
    Sample.SPLIT: Entry("{prefixes} are split ({causes})", ""),
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
    ],
)
def test_a_template_takes_its_facts(given, words) -> None:
    assert render(given, ENTRIES) == words


def test_a_fact_that_is_missing_is_a_bug_that_shows() -> None:
    with pytest.raises(KeyError):
        render(reason(Sample.SILENT, "fw1"), ENTRIES)


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
