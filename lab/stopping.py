"""Stops the lab on Ctrl-C, SIGTERM or a closed terminal: once, in order, without a traceback.

It imports nothing that takes time, so that the signals are caught before anything heavy is imported.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Raised in the main thread by the first signal. No `except Exception` takes it for an error."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


def stoppable(run: Callable[[], int]) -> int:
    """Runs it and returns its exit code; after a signal, what its `with` blocks leave behind is nothing.

    Signals that come while it stops are ignored: a second Ctrl-C must not interrupt the clean-up. `make`
    starts us with SIGINT blocked, because Python's own handler prints a traceback until ours is there.
    """
    for number in SIGNALS:
        signal.signal(number, _stop)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        return run()
    except Stopped as stopped:
        _say("stopped; nothing is left running")
        return stopped.exit_code
    except BrokenPipeError:  # `make demo | head`
        return 128 + signal.SIGPIPE


def _stop(number: int, _frame: object) -> None:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    _say("\nstopping ...")
    raise Stopped(number)


def _say(words: str) -> None:
    with contextlib.suppress(OSError, RuntimeError):  # the terminal is gone, or is being written to
        print(words, file=sys.stderr, flush=True)
