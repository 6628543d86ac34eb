"""The stage of most stories: the edge scenario, converged and stored; its audit trail must end whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tandem.failover import invocation
from tandem.failover.look import look as real_look
from tandem.failover.run import Report
from tests.judging import whole
from tests.shared_worlds import begins_in
from tests.stack import Stack, stack


@pytest.fixture
@begins_in(stack)
def edge() -> Iterator[Stack]:
    with stack() as s:
        yield s
        whole(s)


@pytest.fixture
def reports(edge: Stack, monkeypatch: pytest.MonkeyPatch) -> list[Report]:
    """Returns what each look reports."""
    made: list[Report] = []

    def look(*arguments: Any, **named: Any) -> Report:
        made.append(real_look(*arguments, **named))
        return made[-1]

    monkeypatch.setattr(invocation, "look", look)
    return made
