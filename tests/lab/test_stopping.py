"""A lab that is stopped says so, without a traceback, whenever that is and however often."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.support import PATIENCE

ROOT = Path(__file__).parents[2]
PROGRAM = """
import os, signal, sys
from lab.stopping import stoppable

def run():
    try:
        print("up", flush=True)
        sys.stdin.read()
    finally:
        {meanwhile}
        print("ended", flush=True)

sys.exit(stoppable(run))
"""


def started(meanwhile="pass", *, blocked=()):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(meanwhile=meanwhile)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, blocked),  # noqa: PLW1509 no thread here
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order(number):
    with started() as process:
        assert process.stdout.readline() == "up\n"
        process.send_signal(number)
        output, errors = process.communicate(timeout=PATIENCE)
    assert output == "ended\n"
    assert errors == "\nstopping ...\nstopped; nothing is left running\n"
    assert process.returncode == 128 + number


def test_a_second_signal_does_not_interrupt_the_end():
    twice = "os.kill(os.getpid(), signal.SIGINT); os.kill(os.getpid(), signal.SIGTERM)"
    with started(twice) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=PATIENCE)
    assert output == "ended\n"
    assert "Traceback" not in errors


def test_a_signal_before_python_is_up_is_held_back_until_it_is_caught():
    with started(blocked=[signal.SIGINT]) as process:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    assert errors == "\nstopping ...\nstopped; nothing is left running\n"
    assert process.returncode == 130


@pytest.mark.parametrize("module", ["lab.demo", "lab.__main__", "lab.installing"])
def test_nothing_heavy_is_imported_before_the_signals_are_caught(module):
    """While boto3 and moto are imported, a second goes by."""
    script = f"import sys, {module}; print(*sys.modules)"
    heavy = {"boto3", "botocore", "moto", "rich", "typer", "yaml", "asyncio", "click"}
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    assert not heavy & set(ran.stdout.split())


def test_a_reader_who_goes_away_is_no_error():
    script = "\n".join(
        (
            "from lab.stopping import stoppable",
            "def run(): raise BrokenPipeError",
            "raise SystemExit(stoppable(run))",
        )
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert (ran.returncode, ran.stderr) == (128 + signal.SIGPIPE, "")


def test_the_words_of_a_terminal_that_is_gone_are_no_error():
    read, write = os.pipe()
    os.close(read)
    script = "\n".join(
        (
            "import os, signal",
            "from lab.stopping import stoppable",
            "raise SystemExit(stoppable(lambda: os.kill(os.getpid(), signal.SIGHUP)))",
        )
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, stderr=write, check=False, timeout=PATIENCE
    )
    os.close(write)
    assert ran.returncode == 128 + signal.SIGHUP
