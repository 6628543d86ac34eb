"""Sets up every test: a property is judged by what it finds, never by how long a busy machine takes."""

import pytest
from hypothesis import HealthCheck, settings

from tests import faster_moto
from tests.tiers import LONG

pytest_plugins = ["tests.fork_plugin"]

faster_moto.install()

settings.register_profile(
    "repeatable", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile("exploring", settings.get_profile("repeatable"), derandomize=False)
settings.load_profile("repeatable")  # one commit, one verdict; `make storm` explores


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints how much a sweep or a storm met: what its test recorded as `met`."""
    passed: list[pytest.TestReport] = terminalreporter.getreports("passed")
    met = [str(text) for report in passed for name, text in report.user_properties if name == "met"]
    if met:
        terminalreporter.section("what was met")
        for text in met:
            terminalreporter.write_line(text)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the long ones first: the workers that are done with them share the short ones."""
    order = {name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: order.get(item.path.name, len(LONG)))
