"""Describes which part of the proof runs when: `make test` before each commit, `make prove` all the rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

prove = pytest.mark.prove
smoke = pytest.mark.smoke

LONG = ("test_storm.py", "test_field_sweep.py", "test_provisioning_crashes.py", "test_crashes.py")
"""Files of tests that take longest, the longest first."""


def first_now(values: Iterable[Any]) -> list[Any]:
    """Parameters of a sweep: `make test` runs it with the first of them, `make prove` with the others."""
    first, *others = values
    return [first, *(pytest.param(value, marks=prove) for value in others)]
