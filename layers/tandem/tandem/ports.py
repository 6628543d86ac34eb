"""Describes what every function needs of the world; `tandem.adapters` has it from AWS."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from tandem.events import Event


class Bus(Protocol):
    """Puts events on the stack's event bus."""

    def put(self, *events: Event) -> None: ...


class Clock(Protocol):
    """Tells the time: real in Lambda, virtual in tests."""

    def now(self) -> datetime: ...

    def sleep(self, seconds: float) -> None: ...


class Note(Protocol):
    """Writes a log line: a constant message and facts as keys."""

    def __call__(self, message: str, /, **facts: object) -> None: ...


class Journal(Protocol):
    """The log and the metrics of an invocation. A line is a constant message, with facts as keys."""

    def info(self, message: str, /, **facts: object) -> None: ...

    def warning(self, message: str, /, **facts: object) -> None: ...

    def error(self, message: str, /, **facts: object) -> None: ...

    def exception(self, message: str, /, **facts: object) -> None: ...

    def count(self, metric: str, number: int = 1) -> None: ...

    def milliseconds(self, metric: str, took: float) -> None: ...

    def beside_metrics(self, name: str, value: object) -> None: ...
