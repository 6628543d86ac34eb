"""The hash chain of the audit trail: whatever is changed, cut out or put in, shows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tandem.audit import RecordKind, following, open_intent, problems
from tests.pure import chain


def test_a_cut_head_shows() -> None:
    first, second = chain({"a": 1}, {"b": 2})
    forged = following(None, "failover#edge", second.body)
    assert problems([replace(forged, previous=first.hash)])


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
