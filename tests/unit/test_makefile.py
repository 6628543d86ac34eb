"""The recipes: what the lab is set up with, paths with blanks, and who gets the signals."""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYER = ROOT / "layers" / "tandem"
MAKE = shutil.which("make") or "make"


def recipe(folder: Path, *arguments: str, **environment: str) -> list[list[str]]:
    """Returns what make would run there, each command in its words."""
    ran = subprocess.run(
        [MAKE, "--no-print-directory", "-n", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHON": "python3"} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = ran.stdout.replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if not line.startswith("#")]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """One that was never set up, in a path with a blank."""
    folder = tmp_path / "my work"
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    (folder / "layers" / "tandem").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "layers/tandem/requirements.txt"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def locks(commands: list[list[str]]) -> list[str]:
    return [
        word
        for command in commands
        if "lab.installing" in command
        for word in command
        if word.endswith(".txt")
    ]


@pytest.mark.parametrize("target", ["demo", "demo-trouble", "lab"])
def test_the_lab_is_set_up_without_the_tools_that_judge_the_code(checkout: Path, target: str) -> None:
    assert locks(recipe(checkout, target)) == ["requirements/lab.txt", "requirements/sam.txt"]


def test_the_tests_are_set_up_upon_that(checkout: Path) -> None:
    commands = recipe(checkout, "test-fast")
    assert locks(commands) == ["requirements/lab.txt", "requirements/dev.txt"]
    upon = [command for command in commands if "requirements/dev.txt" in command]
    assert [command[-1] for command in upon] == ["--upon"]


def test_what_is_fetched_for_the_lab_is_half_of_what_was_at_most(checkout: Path) -> None:
    announced = {
        next(word for word in command if word.endswith(".txt")): int(next(filter(str.isdigit, command)))
        for command in recipe(checkout, "setup")
        if "lab.installing" in command
    }
    light = announced["requirements/lab.txt"] + announced["requirements/sam.txt"]
    assert 2 * light <= sum(announced.values())
    assert f"fetches about {light} MB" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("target", ["demo", "demo-trouble", "lab"])
def test_a_signal_to_make_reaches_the_lab_itself(checkout: Path, target: str) -> None:
    """No shell is between them that would end alone, and Python gets no Ctrl-C before it can catch it."""
    *_, last = recipe(checkout, target)
    assert last[0] == "exec"
    assert ".venv/bin/python" in last


def test_a_python_in_a_path_with_a_blank_is_one_word(checkout: Path) -> None:
    python = "/opt/my python/bin/python3"
    commands = recipe(checkout, "demo", f"PYTHON={python}")
    assert [command for command in commands if any("my" in word and word != python for word in command)] == []
    assert sum(python in command for command in commands) == 4


def test_the_layer_is_built_in_a_path_with_a_blank() -> None:
    python = "/opt/my python/bin/python3"
    commands = recipe(
        LAYER,
        "build-TandemLayer",
        "ARTIFACTS_DIR=/srv/my build",
        f"PYTHON={python}",
        f"COMPILE_WITH={python}",
    )
    assert sum(python in command for command in commands) == 2
    words = [word for command in commands for word in command]
    assert sum(word.startswith("/srv/my build/python") for word in words) >= 9
    assert [word for word in words if word.endswith("/srv/my") or word.startswith("build/")] == []


def test_a_python_of_pyenv_is_found_in_a_path_with_a_blank(tmp_path: Path) -> None:
    python = tmp_path / "my pyenv" / "versions" / "3.13.9" / "bin" / "python3.13"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\necho '{python}'\n", encoding="utf-8")
    python.chmod(0o755)
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("make", "sh"):
        (tools / tool).symlink_to(shutil.which(tool) or tool)
    commands = recipe(
        LAYER,
        "build-TandemLayer",
        "ARTIFACTS_DIR=/srv",
        PATH=str(tools),
        PYENV_ROOT=str(tmp_path / "my pyenv"),
    )
    assert any(str(python) in command and "compileall" in command for command in commands)


@pytest.mark.parametrize("name", ["lab", "demo", "demo-trouble"])
def test_nothing_is_cleaned_beside_a_lab_that_is_up(checkout: Path, name: str) -> None:
    for module in ("__init__", "cleaning"):
        (checkout / "lab").mkdir(exist_ok=True)
        shutil.copy(ROOT / "lab" / f"{module}.py", checkout / "lab" / f"{module}.py")
    kept = [checkout / ".venv" / "bin", checkout / ".lab"]
    for folder in kept:
        folder.mkdir(parents=True)
    clean = [MAKE, "clean", f"PYTHON={sys.executable}"]
    with (checkout / ".lab" / f"{name}.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711")
        lock.flush()
        ran = subprocess.run(clean, cwd=checkout, capture_output=True, text=True, check=False)
        assert ran.returncode != 0
        assert f"a {name} (process 4711) is up in this checkout; nothing was removed" in ran.stdout
        assert all(folder.exists() for folder in kept)
    ran = subprocess.run(clean, cwd=checkout, capture_output=True, text=True, check=False)
    assert ran.returncode == 0
    assert not any(folder.exists() for folder in kept)


def test_every_target_that_is_no_file_is_declared() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z0-9-]+):", text, re.MULTILINE))
    declared = set(
        re.findall(r"^\.PHONY:((?:.*\\\n)*.*)$", text, re.MULTILINE)[0].replace("\\\n", " ").split()
    )
    assert targets == declared
