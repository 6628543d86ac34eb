"""A sign of life while something silent takes long. The standard library only: the set-up uses it too."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGN_SECONDS = 10.0


@contextmanager
def announcing(words: str, say: Callable[[str], object], *, every: float = SIGN_SECONDS) -> Iterator[None]:
    """Says the words, and says them again with the seconds gone by, until the block ends."""
    began, ended = time.monotonic(), threading.Event()

    def repeat() -> None:
        while not ended.wait(every):
            say(f"{words}, {time.monotonic() - began:.0f} s")

    say(words)
    repeating = threading.Thread(target=repeat, name="patience", daemon=True)
    repeating.start()
    try:
        yield
    finally:
        ended.set()
        repeating.join()
