"""Each worker deploys one lab for its tests: the real template, the edge scenario, nothing left behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.cloud import Cloud
from lab.ec2.scenario import edge
from tests.tiers import prove


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All but the smoke tests are for `make prove`."""
    for item in items:
        if Path(__file__).parent in item.path.parents and item.get_closest_marker("smoke") is None:
            item.add_marker(prove)


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    with Cloud(build=edge) as running:
        yield running
