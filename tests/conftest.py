"""What every test shares: a property is judged by what it finds, never by how long a busy machine takes."""

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "repeatable", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile("exploring", settings.get_profile("repeatable"), derandomize=False)
settings.load_profile("repeatable")  # one commit, one verdict; `make storm` explores

LONG = ("test_storm.py", "test_field_sweep.py", "test_provisioning_crashes.py", "test_crashes.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first: side by side, whoever is done with them takes over the short ones."""
    items.sort(key=lambda item: item.path.name not in LONG)
