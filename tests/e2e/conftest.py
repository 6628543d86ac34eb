"""One deployed lab for all end-to-end tests: the real template, the edge scenario, nothing left behind."""

from collections.abc import Iterator

import pytest

from lab.cloud import Cloud
from lab.ec2.scenario import edge


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    with Cloud(build=edge) as running:
        yield running
