"""A test that runs in a copy reports as any other: what it printed, how it failed, that it died or hung."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.forks import CopyError, run_in_copy

ROOT = Path(__file__).parents[2]
CONFTEST = """
from tests import holders
pytest_plugins = ["tests.fork_plugin"]
holders.TEST_BOUND_SECONDS = 1.0
holders.HOLDER_BOUND_SECONDS = 3.0
"""
WORLDS = """
import os, sys, threading
from pathlib import Path
from tests.shared_worlds import shared_world

@shared_world
def room(name="plain"):
    with Path("built").open("a") as file:
        file.write(name + "\\n")
    if name == "broken":
        raise ValueError("there is no such room")
    if name == "closed":
        sys.exit("the door is locked")
    if name == "burning":
        print("fire", flush=True)
        os._exit(3)
    if name == "endless":
        threading.Event().wait()
    yield [name]
"""
TESTS = """
import os, threading, time, pytest
from tests.forks import fork
from tests.shared_worlds import THE_PARAM, begins_in
from worlds import room

@pytest.fixture
@begins_in(room)
def plain():
    with room() as found:
        yield found

@pytest.fixture(params=["red", "blue"])
@begins_in(room, THE_PARAM)
def coloured(request):
    with room(request.param) as found:
        yield found

@pytest.mark.parametrize("number", [1, 2])
def test_begins_as_it_was_built(plain, number):
    assert plain == ["plain"]
    plain.append(number)

def test_has_the_world_of_its_parameter(coloured, request):
    assert coloured == [request.node.callspec.params["coloured"]]

def test_fails_with_what_it_printed(plain):
    print("said on the way")
    assert plain == ["another"]

@begins_in(room, "broken")
def test_has_no_world():
    with room("broken"):
        pass

@begins_in(room, "red")
def test_enters_another_world():
    with room("blue"):
        pass
"""
ENDS = """
import os, threading, time, pytest
from tests.forks import fork
from tests.shared_worlds import begins_in
from worlds import room

@begins_in(room)
def test_enters_no_world():
    pass

@begins_in(room)
def test_dies():
    with room():
        print("last words")
        os._exit(3)

@begins_in(room)
def test_hangs():
    with room():
        threading.Event().wait()

@begins_in(room)
def test_forks_on_another_thread():
    raised = []

    def attempt():
        try:
            fork()
        except AssertionError as error:
            raised.append(error)

    with room():
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
        raise raised[0]
"""
NO_WORLD = """
import pytest
from tests.shared_worlds import begins_in
from worlds import room

@begins_in(room, "closed")
def test_exits():
    with room("closed"): ...

@begins_in(room, "burning")
def test_dies():
    with room("burning"): ...

@pytest.mark.parametrize("number", [1, 2])
@begins_in(room, "endless")
def test_hangs(number):
    with room("endless"): ...
"""
WARNING = """
import warnings, pytest
from tests.shared_worlds import begins_in
from worlds import room

@begins_in(room)
@pytest.mark.filterwarnings("error::UserWarning")
def test_fails_on_a_warning():
    with room():
        warnings.warn("mind the step")

@begins_in(room)
def test_warns():
    with room():
        warnings.warn("mind the gap")

@begins_in(room)
@pytest.mark.filterwarnings("ignore:mind the dog")
def test_ignores_a_warning():
    with room():
        warnings.warn("mind the dog")
"""
TWO = """
import pytest
from tests.shared_worlds import begins_in
from worlds import room

@pytest.fixture
@begins_in(room, "red")
def red(): ...

@pytest.fixture
@begins_in(room, "blue")
def blue(): ...

def test_begins_in_both(red, blue): ...
"""


class Inner:
    """Runs pytest in a folder of its own; keeps what it printed and which worlds were built."""

    def __init__(self, folder: Path, tests: str, *options: str) -> None:
        for name, text in (("conftest.py", CONFTEST), ("worlds.py", WORLDS), ("test_inner.py", tests)):
            (folder / name).write_text(text, encoding="utf-8")
        program = f"import sys; sys.path[:0] = [{str(ROOT)!r}, '.']; import pytest; sys.exit(pytest.main())"
        ran = subprocess.run(
            [sys.executable, "-c", program, "-rA", "-p", "no:cacheprovider", "-p", "no:xdist", *options],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        self.printed = ran.stdout + ran.stderr
        built = folder / "built"
        self.built = built.read_text(encoding="utf-8").split() if built.exists() else []

    @property
    def outcomes(self) -> dict[str, str]:
        found = re.findall(r"^(PASSED|FAILED|ERROR) test_inner\.py::(\S+)", self.printed, re.MULTILINE)
        return {name: outcome for outcome, name in found}


OUTCOMES = {
    "test_begins_as_it_was_built[1]": "PASSED",
    "test_begins_as_it_was_built[2]": "PASSED",
    "test_has_the_world_of_its_parameter[red]": "PASSED",
    "test_has_the_world_of_its_parameter[blue]": "PASSED",
    "test_fails_with_what_it_printed": "FAILED",
    "test_has_no_world": "FAILED",
    "test_enters_another_world": "FAILED",
}


def test_in_copies_each_world_is_built_once_and_each_test_reports_as_ever(tmp_path: Path) -> None:
    inner = Inner(tmp_path, TESTS)
    assert inner.outcomes == OUTCOMES, inner.printed
    assert sorted(inner.built) == ["blue", "broken", "plain", "red"]
    for words in (
        "said on the way",
        "assert ['plain'] == ['another']",
        "ValueError: there is no such room",
        "begins in room('red'), and enters room('blue')",
    ):
        assert words in inner.printed


@pytest.mark.parametrize("options", [["--unforked"], []], ids=["unforked", "forked"])
def test_a_choice_of_tests_is_run_and_no_other_world_is_built(tmp_path: Path, options: list[str]) -> None:
    inner = Inner(tmp_path, TESTS, *options, "-k", "was_built or fails")
    assert inner.outcomes == {name: OUTCOMES[name] for name in inner.outcomes}
    assert len(inner.outcomes) == 3, inner.printed
    assert inner.built == ["plain"] * (3 if options else 1)
    assert "said on the way" in inner.printed


def test_whoever_dies_or_hangs_fails_alone_and_says_where(tmp_path: Path) -> None:
    inner = Inner(tmp_path, ENDS)
    assert set(inner.outcomes.values()) == {"FAILED"}
    assert len(inner.outcomes) == 4, inner.printed
    for words in (
        "the test says that it begins in room(), and does not enter it",
        "the copy ended without an answer, status 768",
        "last words",
        "the copy hung for 1 s",
        "in test_hangs",
        "only the main thread may fork",
    ):
        assert words in inner.printed, inner.printed


def test_a_world_that_cannot_be_built_fails_its_tests_and_says_why(tmp_path: Path) -> None:
    inner = Inner(tmp_path, NO_WORLD)
    assert set(inner.outcomes.values()) == {"FAILED"}
    assert len(inner.outcomes) == 4, inner.printed
    assert sorted(inner.built) == ["burning", "closed", "endless"]
    for words in (
        "room('closed') cannot be built",
        "SystemExit: the door is locked",
        "the process that holds room('burning') died, status 768",
        "fire",
        "the process that holds room('endless') hung for 3 s",
        "in room",
    ):
        assert words in inner.printed, inner.printed


def test_a_copy_has_the_filters_of_its_test_and_sends_back_its_warnings(tmp_path: Path) -> None:
    """The first test's filters are not those of the world's other tests."""
    inner = Inner(tmp_path, WARNING)
    assert inner.outcomes == {
        "test_fails_on_a_warning": "FAILED",
        "test_warns": "PASSED",
        "test_ignores_a_warning": "PASSED",
    }, inner.printed
    assert "UserWarning: mind the gap" in inner.printed
    assert "mind the dog" not in inner.printed.replace('warnings.warn("mind the dog")', "")


def test_a_test_that_begins_in_two_worlds_is_refused_before_any_runs(tmp_path: Path) -> None:
    inner = Inner(tmp_path, TWO)
    assert inner.outcomes == {}
    assert "test_begins_in_both begins in room('red') and in room('blue')" in inner.printed


def test_a_copy_whose_answer_cannot_be_sent_fails_and_does_not_go_on() -> None:
    with pytest.raises(CopyError, match="pickle"):
        run_in_copy(lambda: lambda: 0)
