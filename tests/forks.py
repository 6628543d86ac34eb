"""Copies of this process. Each has the emulated world as it was; only its answer comes back."""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import os
import pickle
import select
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")

BOUND_SECONDS = 300.0
"""A copy that has not answered by then hangs and is killed. No test depends on the value."""

_PR_SET_PDEATHSIG = 1


class CopyError(AssertionError):
    """A copy failed, died or hung. The message has its traceback as far as there is one."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A running copy, as its original sees it."""

    pid: int
    answer: int
    """File descriptor of the pipe with its answer."""
    stack: int
    """File descriptor of the file to which faulthandler writes the stacks of its threads."""


@dataclass(slots=True)
class _Here:
    """Holds the pipe in which this process answers, if it is a copy."""

    answer: int | None = None


_here = _Here()


def run_in_copy(work: Callable[[], T]) -> T:
    """Returns what `work` returns in a copy of this process. Raises CopyError if it fails there."""
    copy = fork()
    if copy is None:
        finish(work)
    return wait_for_result(copy)  # type: ignore[no-any-return]


def fork() -> Copy | None:
    """Returns None in the copy, which must end with `finish`; in the original, what `wait_for_result` takes.

    Only the main thread forks: a lock that another thread holds would never be released in the copy.
    """
    assert threading.current_thread() is threading.main_thread(), "only the main thread may fork"
    reading, writing = os.pipe()
    stack = os.memfd_create("stack")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which only wait meanwhile
        gc.freeze()  # a collection in the copy would touch, and so duplicate, every page
        pid = os.fork()
    if pid:
        os.close(writing)
        return Copy(pid, reading, stack)
    _here.answer = writing
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # it never outlives its original
        faulthandler.enable(file=stack)
        os.close(reading)
        _renew_pools()
    except BaseException as error:  # noqa: BLE001 - it must not go on as if it were the original
        finish(partial(_raise, error))
    return None


def finish(work: Callable[[], Any]) -> NoReturn:
    """Ends the copy with what `work` returns, or with how it fails."""
    assert _here.answer is not None, "only a copy can finish"
    status = 1
    try:
        try:
            answer = pickle.dumps((work(), None))
        except BaseException:  # noqa: BLE001 - the original raises it
            answer = pickle.dumps((None, traceback.format_exc()))
        with os.fdopen(_here.answer, "wb") as pipe:
            pipe.write(answer)
        status = 0
    finally:
        os._exit(status)


def wait_for_result(copy: Copy, bound: float = BOUND_SECONDS) -> Any:
    """Returns what the copy returned. Raises CopyError where it failed or died, or hung and was killed."""
    is_late = not select.select([copy.answer], [], [], bound)[0]
    if is_late:
        abort(copy)
    with os.fdopen(copy.answer, "rb", closefd=False) as pipe:
        said = pipe.read()
    status, stack = wait_for_end(copy)
    if status or not said:
        how = f"hung for {bound:g} s" if is_late else f"ended without an answer, status {status}"
        raise CopyError(f"the copy {how}\n{stack}")
    answer, trouble = pickle.loads(said)  # noqa: S301 - from a copy of this process
    if trouble is not None:
        raise CopyError(trouble)
    return answer


def abort(copy: Copy) -> None:
    """Kills the copy; faulthandler writes the stacks of its threads as it dies."""
    os.kill(copy.pid, signal.SIGABRT)


def wait_for_end(copy: Copy) -> tuple[int, str]:
    """Waits until the copy has ended, and closes what was open for it.

    Returns its wait status, and the stacks of its threads if a signal ended it.
    """
    _, status = os.waitpid(copy.pid, 0)
    os.close(copy.answer)
    with os.fdopen(copy.stack, "r") as file:
        file.seek(0)
        return status, file.read()


def _raise(error: BaseException) -> NoReturn:
    raise error


def _renew_pools() -> None:
    """Makes new pools: threads are not copied, and a pool that had some would wait for them for ever."""
    ec2: Any = sys.modules.get("tandem.adapters.ec2")
    if ec2 is not None and hasattr(ec2._pool, "cache_clear"):
        ec2._pool.cache_clear()
    app: Any = sys.modules.get("functions.failover.app")
    if app is not None and isinstance(app.world.side, ThreadPoolExecutor):
        vars(app)["world"] = replace(app.world, side=ThreadPoolExecutor(app.SIDE_WORKERS))
