"""Makes trouble in mid-invocation: a death between two AWS calls, an interruption, the table away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ConnectTimeoutError
from botocore.model import OperationModel

from lab.ec2.clock import Clock
from tandem.adapters import clients
from tests.forks import finish, fork, wait_for_result


class Killed(BaseException):
    """The process is gone: no handler of ours may catch this."""


@dataclass
class Crashes:
    """Divides the process at each of its AWS calls: one copy dies there and is judged, this one lives on.

    Two deaths between which nothing was called that counts and no time went by find the same AWS, and a dead
    process leaves nothing else behind. So they are played once: to die before a call is to die after the call
    before it, unless the process slept, or somebody else changed AWS, between them.
    """

    clock: Clock
    counts: Callable[[list[str]], int] = len
    """Deaths with the same count and time are the same death."""
    calls: list[str] = field(default_factory=list)
    results: dict[str, Any] = field(default_factory=dict)
    """The result of `judge` for each copy that died, by the place of its death."""
    is_copy: bool = False
    _played: set[tuple[int, float]] = field(default_factory=set)

    def run(self, what: Callable[[], object], judge: Callable[[], Any]) -> None:
        """Runs what calls `before` and `after`; `judge` is called in each copy, once it is dead."""
        try:
            what()
        except BaseException:
            if not self.is_copy:
                raise
        if self.is_copy:
            finish(judge)

    def before(self, call: str) -> None:
        if not self.is_copy:
            self._divide(f"before {len(self.calls) + 1} {call}")
            self.calls.append(call)
        if self.is_copy:
            raise Killed

    def after(self, call: str) -> None:
        if not self.is_copy:
            self._divide(f"after {len(self.calls)} {call}")
        if self.is_copy:
            raise Killed

    def _divide(self, where: str) -> None:
        found = (self.counts(self.calls), self.clock.seconds())
        if found in self._played:
            return
        copy = fork()
        self.is_copy = copy is None
        if copy is not None:
            self._played.add(found)
            self.results[where] = wait_for_result(copy)


class OneThread(Executor):
    """Takes the place of a pool: the thread that asks for a call makes it at once."""

    def submit(self, call: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(call(*arguments, **named))
        except BaseException as error:  # noqa: BLE001 - who waits for the result has it raised
            done.set_exception(error)
        return done


Hook = Callable[[str], None]
"""Takes the name of an AWS call."""


@contextmanager
def hooks(*, before: Hook | None = None, after: Hook | None = None) -> Iterator[None]:
    """Calls these before and after each AWS call of the failover function."""

    def on_before(model: OperationModel, **_: object) -> None:
        if before is not None:
            before(model.name)

    def on_after(model: OperationModel, **_: object) -> None:
        if after is not None:
            after(model.name)

    used = [clients.ec2(), clients.ec2_moves(), clients.dynamodb(), clients.events()]
    for client in used:
        client.meta.events.register("before-call.*", on_before)
        client.meta.events.register("after-call.*", on_after)
    try:
        yield
    finally:
        for client in used:
            client.meta.events.unregister("before-call.*", on_before)
            client.meta.events.unregister("after-call.*", on_after)


class Fuse:
    """Counts AWS calls, and from the `blow_at`-th on every call of this process dies before or after it."""

    def __init__(self, blow_at: int | None = None, *, after: bool = False) -> None:
        self.calls: list[str] = []
        self._blow_at = blow_at
        self._after = after
        self._dead = False

    def before(self, call: str) -> None:
        if self._dead:
            raise Killed
        self.calls.append(call)
        if len(self.calls) == self._blow_at and not self._after:
            self._die()

    def after(self, _call: str) -> None:
        if self._dead or (self._after and len(self.calls) == self._blow_at):
            self._die()

    def _die(self) -> None:
        self._dead = True
        raise Killed


@contextmanager
def fuse(blow_at: int | None = None, *, after: bool = False) -> Iterator[Fuse]:
    """Puts a fuse into every client that the function uses."""
    burning = Fuse(blow_at, after=after)
    with hooks(before=burning.before, after=burning.after):
        yield burning


@contextmanager
def table_away(*operations: str, most: int | None = None) -> Iterator[None]:
    """Makes DynamoDB answer nobody; or only some operations go unanswered, or so many calls at most."""
    unanswered = 0

    def time_out(model: OperationModel, **_: object) -> None:
        nonlocal unanswered
        if (not operations or model.name in operations) and (most is None or unanswered < most):
            unanswered += 1
            raise ConnectTimeoutError(endpoint_url="dynamodb")

    events = clients.dynamodb().meta.events
    events.register("before-call.dynamodb", time_out)
    try:
        yield
    finally:
        events.unregister("before-call.dynamodb", time_out)


@contextmanager
def meanwhile(number: int, what: Callable[[], object]) -> Iterator[None]:
    """Does something else once: before the `number`-th AWS call, or the main thread's next one."""
    calls = 0
    is_due = True

    def interrupt(_call: str) -> None:
        nonlocal calls, is_due
        calls += 1
        if is_due and calls >= number and threading.current_thread() is threading.main_thread():
            is_due = False
            what()

    with hooks(before=interrupt):
        yield
