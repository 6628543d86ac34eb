"""Trouble in mid-invocation: killed between any two AWS calls, interrupted by another one, the table away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ConnectTimeoutError
from botocore.model import OperationModel

from tandem.adapters import clients


class Killed(BaseException):
    """The process is gone: no handler of ours may catch this."""


class Fuse:
    """Counts AWS calls, and from the `blow_at`-th on every call of this process dies before or after it."""

    def __init__(self, blow_at: int | None = None, *, after: bool = False) -> None:
        self.calls: list[str] = []
        self._blow_at = blow_at
        self._after = after
        self._dead = False

    def before(self, model: Any, **_: Any) -> None:
        if self._dead:
            raise Killed
        self.calls.append(model.name)
        if len(self.calls) == self._blow_at and not self._after:
            self._die()

    def after(self, **_: Any) -> None:
        if self._dead or (self._after and len(self.calls) == self._blow_at):
            self._die()

    def _die(self) -> None:
        self._dead = True
        raise Killed


@contextmanager
def fuse(blow_at: int | None = None, *, after: bool = False) -> Iterator[Fuse]:
    """Puts a fuse into every client that the function uses."""
    burning = Fuse(blow_at, after=after)
    used = [clients.ec2(), clients.ec2_moves(), clients.dynamodb(), clients.events()]
    for client in used:
        client.meta.events.register("before-call.*", burning.before, unique_id="fuse")
        client.meta.events.register("after-call.*", burning.after, unique_id="blown")
    try:
        yield burning
    finally:
        for client in used:
            client.meta.events.unregister("before-call.*", unique_id="fuse")
            client.meta.events.unregister("after-call.*", unique_id="blown")


@contextmanager
def table_away(*operations: str, most: int | None = None) -> Iterator[None]:
    """DynamoDB answers nobody; or only some operations go unanswered, or so many calls at most."""
    unanswered = 0

    def gone(model: OperationModel, **_: object) -> None:
        nonlocal unanswered
        if (not operations or model.name in operations) and (most is None or unanswered < most):
            unanswered += 1
            raise ConnectTimeoutError(endpoint_url="dynamodb")

    events = clients.dynamodb().meta.events
    events.register("before-call.dynamodb", gone, unique_id="gone")
    try:
        yield
    finally:
        events.unregister("before-call.dynamodb", unique_id="gone")


@contextmanager
def meanwhile(number: int, what: Callable[[], object]) -> Iterator[None]:
    """Something else happens once: before the `number`-th AWS call, or the main thread's next one."""
    calls = 0
    is_due = True

    def interrupt(**_: object) -> None:
        nonlocal calls, is_due
        calls += 1
        if is_due and calls >= number and threading.current_thread() is threading.main_thread():
            is_due = False
            what()

    used = [clients.ec2(), clients.ec2_moves(), clients.dynamodb(), clients.events()]
    for client in used:
        client.meta.events.register("before-call.*", interrupt, unique_id="meanwhile")
    try:
        yield
    finally:
        for client in used:
            client.meta.events.unregister("before-call.*", unique_id="meanwhile")
