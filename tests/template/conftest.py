"""The template with its defaults, and with every option taken."""

from __future__ import annotations

import pytest

from tests.template.rendering import EVERYTHING, Stack, render


@pytest.fixture(scope="session")
def stack() -> Stack:
    return render()


@pytest.fixture(scope="session", params=[{}, EVERYTHING], ids=["defaults", "everything"])
def any_stack(request: pytest.FixtureRequest) -> Stack:
    return render(request.param)
