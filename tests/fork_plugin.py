"""Runs each test that begins in a shared world in a copy of a process that has built this world."""

from __future__ import annotations

import gc
import os
import sys
import traceback
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, NoReturn

import pytest
from _pytest.runner import runtestprotocol

from tests.forks import CopyError, finish, fork, result
from tests.shared_worlds import World, is_unused, prepare

TEST_BOUND_SECONDS = 1200.0
"""A test that has not ended by then hangs. The longest take minutes on a slow machine."""

HOLDERS: list[Holder] = []
"""The holders that this process has started."""


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
    for report in holder(world, item.session).run(item):
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    item.session._setupstate.teardown_exact(nextitem)
    return True


def pytest_unconfigure() -> None:
    for one in HOLDERS:
        one.close()
        os.waitpid(one.copy.pid, 0)
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


def holder(world: World, session: pytest.Session) -> Holder:
    """Returns the process that holds the world; it is started for the first test that asks."""
    for one in HOLDERS:
        if one.world == world:
            return one
    HOLDERS.append(Holder(world, session))
    return HOLDERS[-1]


class Holder:
    """A process in which one world is built; a test runs in a copy of it."""

    def __init__(self, world: World, session: pytest.Session) -> None:
        session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]  # one folder for all
        self.world = world
        self._connection, there = Pipe()
        copy = fork()
        if copy is None:
            for other in (*HOLDERS, self):
                other.close()
            hold(world, session, there)
        there.close()
        self.copy = copy

    def run(self, item: pytest.Item) -> list[pytest.TestReport]:
        """Returns the reports of the test, which ran in a copy."""
        try:
            self._connection.send(item.nodeid)
            reports, trouble = self._connection.recv()
        except (EOFError, OSError):
            reports, trouble = None, f"the process that holds {self.world} died"
        if trouble is not None:
            return [failure(item, trouble)]
        made = item.config.hook.pytest_report_from_serializable
        return [made(config=item.config, data=report) for report in reports]

    def close(self) -> None:
        """Lets the process end."""
        self._connection.close()


def hold(world: World, session: pytest.Session, connection: Connection) -> NoReturn:
    """Builds the world and runs the tests that are asked for, until nobody can ask any more."""
    try:
        session._setupstate.stack.clear()  # what is set up belongs to the process that set it up
        items = {item.nodeid: item for item in session.items}
        os.environ.setdefault("PYTEST_CURRENT_TEST", "")  # the world gives the environment back with it
        trouble = built(world)
        session.config.pluginmanager.getplugin("capturemanager").read_global_capture()
        while True:
            try:
                item = items[connection.recv()]
            except EOFError:
                os._exit(0)
            connection.send((None, trouble) if trouble else played(item))
    except KeyboardInterrupt:
        os._exit(0)
    except BaseException:  # noqa: BLE001 - whoever asks finds the connection closed
        traceback.print_exc(file=sys.__stderr__)
        os._exit(1)


def built(world: World) -> str | None:
    """Builds the world; returns the traceback where that fails."""
    try:
        prepare(world)
    except Exception:  # noqa: BLE001 - each test that begins in it fails with this
        return f"{world} cannot be built\n{traceback.format_exc()}"
    return None


def played(item: pytest.Item) -> tuple[list[dict[str, Any]] | None, str | None]:
    """Runs the test in a copy. Returns its reports, or why there are none."""
    copy = fork()
    if copy is None:
        finish(lambda: reported(item))
    try:
        return result(copy, TEST_BOUND_SECONDS), None
    except CopyError as error:
        return None, str(error)


def reported(item: pytest.Item) -> list[dict[str, Any]]:
    reports = runtestprotocol(item, log=False, nextitem=None)
    if is_unused() and all(report.passed for report in reports):
        raise AssertionError(f"the test says that it begins in {world_of(item)}, and does not enter it")
    pack = item.config.hook.pytest_report_to_serializable
    return [pack(config=item.config, report=report) for report in reports]


def failure(item: pytest.Item, trouble: str) -> pytest.TestReport:
    """The report of a test that left none."""
    return pytest.TestReport(
        nodeid=item.nodeid,
        location=item.location,
        keywords={},
        outcome="failed",
        longrepr=trouble,
        when="call",
    )
