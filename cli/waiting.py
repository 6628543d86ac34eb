"""Prints what a command waits for, if that takes long."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer

AFTER_SECONDS = 5.0


@contextmanager
def waiting_for(what: str, seconds: float = AFTER_SECONDS, *, terminal_only: bool = True) -> Iterator[None]:
    """Prints a line on stderr if what happens inside takes longer. A log needs no such line of AWS."""
    stream = sys.stderr
    if stream is None or (terminal_only and not stream.isatty()):
        yield
        return

    def say() -> None:
        with suppress(OSError, ValueError):
            print(f"waiting for {what} …", file=stream, flush=True)

    timer = Timer(seconds, say)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
