"""The stage of most stories: the edge scenario, converged and stored; its audit trail must end whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.judging import whole
from tests.stack import Stack, stack


@pytest.fixture
def edge() -> Iterator[Stack]:
    with stack() as s:
        yield s
        whole(s)
