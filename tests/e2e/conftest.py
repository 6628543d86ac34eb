"""One deployed lab for all end-to-end tests: the real template, the edge scenario, nothing left behind."""

from collections.abc import Iterator

import pytest

from lab.cloud import Cloud


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    with Cloud(edge=True) as running:
        yield running
