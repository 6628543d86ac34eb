"""Kills the failover function between any two of its AWS calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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
