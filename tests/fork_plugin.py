"""Runs each test that begins in a shared world in a copy of a process that has built this world."""

from __future__ import annotations

import gc
import warnings

import pytest

from tests.holders import FILTERS, HOLDERS, Answer, holder
from tests.shared_worlds import World


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--unforked",
        action="store_true",
        help="run every test in this process, each with a world of its own (--pdb and --trace imply it)",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        world_of(item)  # raises where a test begins in two


def pytest_collection_finish() -> None:
    """Keeps imports and tests out of every later garbage collection, in this process and its copies."""
    FILTERS[:] = warnings.filters
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Runs the test in a copy, and reports what it reported."""
    options = item.config.option
    world = world_of(item)
    if world is None or options.unforked or options.usepdb or options.trace:
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    answer = holder(world, item.session).run(item)
    for warning in answer.warnings:
        item.ihook.pytest_warning_recorded.call_historic(kwargs=warning)
    for report in reports_of(item, answer):
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    item.session._setupstate.teardown_exact(nextitem)
    return True


def pytest_unconfigure() -> None:
    for one in HOLDERS:
        one.close()
        one.end()
    HOLDERS.clear()


def world_of(item: pytest.Item) -> World | None:
    """Returns the world that the test itself says it begins in, or else one of its fixtures."""
    if not isinstance(item, pytest.Function):
        return None
    if (own := vars(item.function).get("begins_in")) is not None:
        return own  # type: ignore[no-any-return]
    params = item.callspec.params if hasattr(item, "callspec") else {}
    found: list[World] = []
    for name, definitions in item._fixtureinfo.name2fixturedefs.items():
        world: World | None = vars(definitions[-1].func).get("begins_in")
        if world is not None and (its := world.of(params.get(name))) not in found:
            found.append(its)
    if len(found) > 1:
        raise pytest.UsageError(f"{item.nodeid} begins in {' and in '.join(map(str, found))}")
    return found[0] if found else None


def reports_of(item: pytest.Item, answer: Answer) -> list[pytest.TestReport]:
    """Returns the reports of the test; a failure with what was printed where it left none."""
    if answer.trouble is None:
        unpack = item.config.hook.pytest_report_from_serializable
        return [unpack(config=item.config, data=report) for report in answer.reports]
    printed = item.config.pluginmanager.getplugin("capturemanager").read_global_capture()
    streams = (("stdout", printed.out), ("stderr", printed.err))
    return [
        pytest.TestReport(
            nodeid=item.nodeid,
            location=item.location,
            keywords={},
            outcome="failed",
            longrepr=answer.trouble,
            when="call",
            sections=[(f"Captured {name}", text) for name, text in streams if text],
        )
    ]
