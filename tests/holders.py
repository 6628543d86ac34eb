"""Processes that have built a world, for tests that run in copies of them.

A copy sends back its reports and its warnings. If it dies, what it printed is shown with the failure, unless
a fixture (`capsys`, `capfd`) or `--capture=sys` kept it in the copy. Pytest's `faulthandler_timeout` has no
effect in a copy: the bounds below take its place, and show the stacks too.
"""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, NoReturn, cast

import pytest
from _pytest.runner import runtestprotocol
from _pytest.warnings import catch_warnings_for_item

from tests.forks import Copy, CopyError, abort, finish, fork, wait_for_end, wait_for_result
from tests.shared_worlds import World, is_unused, prepare

TEST_BOUND_SECONDS = 1200.0
"""A test that has not ended by then hangs. The longest take minutes on a slow machine."""

HOLDER_BOUND_SECONDS = 2 * TEST_BOUND_SECONDS
"""A holder that has not answered by then hangs: it may build its world first, and then waits for the test."""

HOLDERS: list[Holder] = []
"""The holders that this process has started."""

FILTERS: list[Any] = []
"""The filters of warnings before any test has set its own."""

Reports = list[dict[str, Any]]
"""Reports of pytest, serialized."""


def holder(world: World, session: pytest.Session) -> Holder:
    """Returns the process that holds the world; it is started for the first test that asks."""
    for one in HOLDERS:
        if one.world == world:
            return one
    HOLDERS.append(Holder(world, session))
    return HOLDERS[-1]


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a test that was to run in a copy."""

    reports: Reports = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    """Arguments of `pytest_warning_recorded`."""
    trouble: str | None = None
    """Why there are no reports."""


class Holder:
    """A process in which one world is built; a test runs in a copy of it."""

    def __init__(self, world: World, session: pytest.Session) -> None:
        session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]  # one folder for all
        self.world = world
        self._connection, there = Pipe()
        self._trouble: str | None = None
        copy = fork()
        if copy is None:
            for other in (*HOLDERS, self):
                other.close()
            serve(world, session, there)
        there.close()
        self._copy: Copy | None = copy

    def run(self, item: pytest.Item) -> Answer:
        """Returns what became of the test. Once its holder is dead, no test has this world any more."""
        if self._copy is None:
            return Answer(trouble=self._trouble)
        try:
            self._connection.send(item.nodeid)
            if not self._connection.poll(HOLDER_BOUND_SECONDS):
                abort(self._copy)
                self.end(f"hung for {HOLDER_BOUND_SECONDS:g} s")
                return Answer(trouble=self._trouble)
            answer: Answer = self._connection.recv()
        except (EOFError, OSError):
            self.end("died")
            return Answer(trouble=self._trouble)
        return answer

    def close(self) -> None:
        """Lets the process end."""
        self._connection.close()

    def end(self, how: str = "ended") -> None:
        """Waits until the process has ended."""
        if self._copy is not None:
            status, stack = wait_for_end(self._copy)
            self._trouble = f"the process that holds {self.world} {how}, status {status}\n{stack}"
            self._copy = None


def serve(world: World, session: pytest.Session, connection: Connection) -> NoReturn:
    """Builds the world and runs the tests that are asked for, until nobody can ask any more."""
    try:
        session._setupstate.stack.clear()  # what is set up belongs to the process that set it up
        items = {item.nodeid: item for item in session.items}
        os.environ.setdefault("PYTEST_CURRENT_TEST", "")  # the world gives the environment back with it
        trouble = build(world, session.config)
        while True:
            try:
                item = items[connection.recv()]
            except EOFError:
                os._exit(0)
            connection.send(Answer(trouble=trouble) if trouble else run_test_in_copy(item, world))
    except KeyboardInterrupt:
        os._exit(0)
    except BaseException:  # noqa: BLE001 - whoever asks finds the connection closed
        traceback.print_exc(file=sys.__stderr__)
        os._exit(1)


def build(world: World, config: pytest.Config) -> str | None:
    """Builds the world; returns the traceback where that fails."""
    _forget_filters()
    capture = config.pluginmanager.getplugin("capturemanager")
    capture.resume_global_capture()
    try:
        prepare(world)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - each test that begins in it fails with this
        return f"{world} cannot be built\n{traceback.format_exc()}"
    finally:
        capture.suspend_global_capture()
    capture.read_global_capture()  # what it printed is no test's
    return None


def _forget_filters() -> None:
    """Takes back the filters of warnings that the first test's marks have set."""
    warnings.resetwarnings()
    cast("list[Any]", warnings.filters)[:] = FILTERS


def run_test_in_copy(item: pytest.Item, world: World) -> Answer:
    """Runs the test in a copy of this process."""
    copy = fork()
    if copy is None:
        finish(lambda: run_test(item, world))
    try:
        answer: Answer = wait_for_result(copy, TEST_BOUND_SECONDS)
    except CopyError as error:
        return Answer(trouble=str(error))
    return answer


def run_test(item: pytest.Item, world: World) -> Answer:
    """Runs the test in this process."""
    recorder = Recorder()
    with catch_warnings_for_item(item.config, recorder, "runtest", item):
        reports = runtestprotocol(item, log=False, nextitem=None)
    if is_unused() and all(report.passed for report in reports):
        raise AssertionError(f"the test says that it begins in {world}, and does not enter it")
    pack = item.config.hook.pytest_report_to_serializable
    return Answer([pack(config=item.config, report=report) for report in reports], recorder.warnings)


class Recorder:
    """Keeps the warnings of a test, in the place of pytest's hooks."""

    def __init__(self) -> None:
        self.warnings: list[dict[str, Any]] = []
        self.pytest_warning_recorded = self

    def call_historic(self, kwargs: dict[str, Any]) -> None:
        """Keeps one warning, without the object that caused it, which may be anything."""
        kwargs["warning_message"].source = None
        self.warnings.append(kwargs)
