"""The name that a caller states: text, cut, and Unicode."""

from __future__ import annotations

import pytest

from tandem.author import LONGEST, stated


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("kim", "kim"),
        ("k" * (LONGEST + 1), "k" * LONGEST),
        ("kim \ud800", "kim ?"),
        ("  ", None),
        (None, None),
        (7, None),
    ],
)
def test_a_name_can_be_stored_and_sent(raw: object, name: str | None) -> None:
    assert stated(raw) == name
