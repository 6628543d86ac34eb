"""What-ifs: a world that was built once, and each of its futures in a process of its own."""

from __future__ import annotations

import os
import pickle
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

from tandem.adapters import ec2

T = TypeVar("T")


def forked(work: Callable[[], T]) -> T:
    """What `work` returns in a copy of this process: whatever it does to the emulated world stays there.

    Raises AssertionError with the traceback where it fails.
    """
    future = fork()
    if future is None:
        finish(work)
    return result(future)  # type: ignore[arg-type,no-any-return]


def fork() -> int | None:
    """None in the copy, which ends with `finish`; in the original the handle that `result` takes."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        PARENT[:] = [writing]
        ec2._pool.cache_clear()  # its threads are not in the copy
        return None
    os.close(writing)
    CHILDREN[reading] = child
    return reading


PARENT: list[int] = []
"""Where a copy answers; empty in the original."""

CHILDREN: dict[int, int] = {}


def finish(work: Callable[[], Any]) -> None:
    """Ends the copy with what `work` returns, or how it fails."""
    try:
        answer: tuple[Any, str | None] = (work(), None)
    except BaseException:  # noqa: BLE001 - told to the original
        answer = (None, traceback.format_exc())
    with os.fdopen(PARENT[0], "wb") as pipe:
        pickle.dump(answer, pipe)
    os._exit(0)


def result(handle: int) -> Any:
    """What the copy left with."""
    with os.fdopen(handle, "rb") as pipe:
        said = pipe.read()
    os.waitpid(CHILDREN.pop(handle), 0)
    assert said, "the copy ended without an answer"
    answer, trouble = pickle.loads(said)  # noqa: S301 - from a copy of this process
    assert trouble is None, trouble
    return answer
