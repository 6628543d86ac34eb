"""The set-up says how far it is, and shows what pip said where it fails."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

from lab.installing import Progress, _install, _make, _running
from lab.stopping import Stopped
from tests.lab.support import PATIENCE

SAID = """Looking in links: /somewhere
Collecting attrs==26.1.0 (from -r lab.txt (line 1))
  Downloading attrs-26.1.0-py3-none-any.whl.metadata (8.8 kB)
  Downloading attrs-26.1.0-py3-none-any.whl (500 kB)
Requirement already satisfied: boto3==1.43.106 in ./lib (from -r lab.txt (line 4))
Collecting botocore==1.43.106 (from -r lab.txt (line 5))
  Downloading botocore-1.43.106-py3-none-any.whl (15.2 MB)
Installing collected packages: botocore, attrs
Successfully installed attrs-26.1.0 botocore-1.43.106
"""
LOCK = "".join(
    f"{name} \\\n    --hash=sha256:0a\n" for name in ("attrs==26.1.0", "boto3==1.4", "botocore==1.4")
)


def progress(lines: int) -> Progress:
    found = Progress(packages=3)
    for line in SAID.splitlines(keepends=True)[:lines]:
        found.read(line)
    return found


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (0, "fetching: 0 of 3 packages, 0 MB fetched, 12 s"),
        (4, "fetching: 1 of 3 packages, 1 MB fetched, 12 s"),
        (7, "fetching: 3 of 3 packages, 16 MB fetched, 12 s"),
        (8, "installing: 2 of 3 packages, 12 s"),
    ],
)
def test_how_far_it_is(lines: int, words: str) -> None:
    assert progress(lines).words(installed=2, seconds=12.3) == words


def fake(tmp_path, code):
    """An environment whose pip says the above and ends with this code."""
    folder = tmp_path / "my work" / ".venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "lib/python3.11/site-packages/attrs-26.1.0.dist-info").mkdir(parents=True)
    python = folder / "bin" / "python"
    python.write_text(f"#!/bin/sh\ncat <<'END'\n{SAID}END\nexit {code}\n", encoding="utf-8")
    python.chmod(0o755)
    lock = tmp_path / "lab.txt"
    lock.write_text(LOCK, encoding="utf-8")
    return folder, lock


def test_in_the_end_it_says_what_there_is_and_what_was_fetched(tmp_path, capsys):
    assert _install(*fake(tmp_path, 0)) == 0
    assert capsys.readouterr().out == "   1 packages, 16 MB fetched, 0 s\n"


def test_what_pip_said_is_shown_where_it_fails(tmp_path, capsys):
    assert _install(*fake(tmp_path, 7)) == 7
    assert SAID in capsys.readouterr().out


def test_how_far_it_is_never_goes_back():
    """pip takes a package away before it installs another version of it."""
    going = progress(8)
    shown = [going.words(installed=n, seconds=1) for n in (1, 2, 1, 3, 5)]
    assert [int(words.split()[1]) for words in shown] == [1, 2, 2, 3, 3]


def test_making_the_environment_is_said(tmp_path, capsys):
    assert _make(str(tmp_path / "file" / "x"), [sys.executable, "-c", "pass"]) == 0
    assert capsys.readouterr().out == "   making the environment\n"


def test_whatever_is_stopped_leaves_no_temporary_files_and_no_process(tmp_path, monkeypatch):
    """pip keeps what it fetches in folders of its own until it ends in order."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    busy = (
        "import os, subprocess, sys, tempfile\n"
        "tempfile.mkdtemp(prefix='pip-unpack-')\n"
        "child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)\n"
        "print(child.pid, flush=True)\n"
        "child.wait()\n"
    )
    with suppress(Stopped), _running([sys.executable, "-c", busy], subprocess.PIPE) as running:
        assert running.stdout
        child = int(running.stdout.readline())
        assert [found.name[:11] for found in tmp_path.glob("*/*")] == ["pip-unpack-"]
        raise Stopped(signal.SIGTERM)
    assert list(tmp_path.iterdir()) == []
    assert running.returncode == -signal.SIGKILL
    deadline = time.monotonic() + PATIENCE
    while is_running(child):
        assert time.monotonic() < deadline


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
