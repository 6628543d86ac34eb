"""Time in the lab: real for people, virtual for tests. Nothing else here reads a clock or sleeps."""

from __future__ import annotations

import heapq
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

logger = logging.getLogger(__name__)

Callback = Callable[[], object]


@dataclass(order=True)
class Event:
    """Something due at a time; events of the same time run in the order in which they were scheduled."""

    due: float
    number: int
    run: Callback = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.cancelled = True


class Clock(Protocol):
    """Holds what the emulator needs of time. ``seconds`` counts from the clock's start."""

    def now(self) -> datetime: ...

    def seconds(self) -> float: ...

    def after(self, delay_s: float, run: Callback) -> Event: ...

    def sleep(self, duration_s: float) -> None: ...

    def settle(self) -> None:
        """Run what is due already, where no thread of the clock does so."""

    def hand_over(self, run: Callback) -> None:
        """Run something slow (a call to another cloud) without holding up the events behind it."""

    def stop(self) -> None: ...


class Agenda:
    """A thread-safe queue of events."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._number = 0
        self.changed = threading.Condition()

    def add(self, due: float, run: Callback) -> Event:
        with self.changed:
            self._number += 1
            event = Event(due, self._number, run)
            heapq.heappush(self._events, event)
            self.changed.notify_all()
            return event

    def pop_due(self, until: float) -> Event | None:
        with self.changed:
            while self._events and self._events[0].due <= until:
                event = heapq.heappop(self._events)
                if not event.cancelled:
                    return event
            return None

    def next_due(self) -> float | None:
        with self.changed:
            while self._events and self._events[0].cancelled:
                heapq.heappop(self._events)
            return self._events[0].due if self._events else None


class VirtualClock:
    """Time that stands still until somebody advances it. Made for one thread: with several, requests that
    sleep at the same moment wake at the same moment, but events of the same time may swap."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._seconds = 0.0
        self._agenda = Agenda()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._seconds)

    def seconds(self) -> float:
        return self._seconds

    def after(self, delay_s: float, run: Callback) -> Event:
        return self._agenda.add(self._seconds + max(0.0, delay_s), run)

    def advance(self, duration_s: float) -> None:
        """Let time pass and run, in order and each at its own time, all that falls due, also what those
        schedule."""
        if duration_s < 0:
            raise ValueError(f"advance: time runs forward; {duration_s} s would run it back")
        self._run_until(self._seconds + duration_s)

    def sleep(self, duration_s: float) -> None:
        self._run_until(self._seconds + max(0.0, duration_s))

    def settle(self) -> None:
        self._run_until(self._seconds)

    def hand_over(self, run: Callback) -> None:
        run()

    def next_due(self) -> float | None:
        """Seconds from now to the next event, or None."""
        due = self._agenda.next_due()
        return None if due is None else due - self._seconds

    def stop(self) -> None:
        return None

    def _run_until(self, end: float) -> None:
        while event := self._agenda.pop_due(end):
            self._seconds = max(self._seconds, event.due)
            event.run()
        self._seconds = max(self._seconds, end)


class RealClock:
    """Wall-clock time. One daemon thread runs due events, another what was handed over; both end with
    ``stop``."""

    def __init__(self) -> None:
        self._start = datetime.now(UTC)
        self._zero = time.monotonic()
        self._agenda = Agenda()
        self._handed_over: queue.SimpleQueue[Callback | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=target, name=f"lab-{target.__name__.strip('_')}", daemon=True)
            for target in (self._run_events, self._run_handed_over)
        ]
        self.failures: list[BaseException] = []
        for thread in self._threads:
            thread.start()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.seconds())

    def seconds(self) -> float:
        return time.monotonic() - self._zero

    def after(self, delay_s: float, run: Callback) -> Event:
        return self._agenda.add(self.seconds() + max(0.0, delay_s), run)

    def sleep(self, duration_s: float) -> None:
        if duration_s > 0:
            self._stopped.wait(duration_s)

    def settle(self) -> None:
        return None

    def hand_over(self, run: Callback) -> None:
        self._handed_over.put(run)

    def stop(self) -> None:
        self._stopped.set()
        self._handed_over.put(None)
        with self._agenda.changed:
            self._agenda.changed.notify_all()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(timeout=5)

    def _run_events(self) -> None:
        while not self._stopped.is_set():
            event = self._agenda.pop_due(self.seconds())
            if event is not None:
                self._guarded(event.run)
                continue
            with self._agenda.changed:
                due = self._agenda.next_due()
                if not self._stopped.is_set():
                    self._agenda.changed.wait(None if due is None else max(0.0, due - self.seconds()))

    def _run_handed_over(self) -> None:
        while (run := self._handed_over.get()) is not None:
            self._guarded(run)

    def _guarded(self, run: Callback) -> None:
        """One failing event must not stop time for all others: it is kept, logged and seen at
        ``/lab/world``."""
        try:
            run()
        except Exception as error:
            self.failures.append(error)
            logger.exception("lab event failed")
