"""Trouble on purpose: latency, throttling, errors, stale reads and calls that never answer, per EC2
action."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from lab.ec2.clock import Clock
from lab.ec2.errors import LeverError, fail

LONGEST_BREAK_S = 30.0
LAGGING = (
    "DescribeAddresses",
    "DescribeNetworkInterfaces",
    "DescribeRouteServers",
    "DescribeRouteServerEndpoints",
    "DescribeRouteServerPeers",
    "GetRouteServerRoutingDatabase",
)


class Broken(Exception):  # noqa: N818 - not an error of the emulator: the caller gets no answer
    """The request was accepted and will never be answered."""


@dataclass(slots=True)
class Bucket:
    """A token bucket as EC2 has one per action (docs/aws-facts.md#throttling)."""

    capacity: float
    refill: float
    tokens: float
    at: float

    def take(self, now: float) -> bool:
        self.tokens = min(self.capacity, self.tokens + (now - self.at) * self.refill)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass(slots=True)
class Fault:
    """Holds what one action suffers. ``count`` limits how often an error or a break strikes, ``rate`` how
    likely; with ``lost_answer`` it strikes in the place of the answer, when the call has been carried
    out.
    """

    latency_s: float = 0.0
    error: str | None = None
    count: int | None = None
    rate: float | None = None
    bucket: Bucket | None = None
    lag_s: float = 0.0
    break_s: float | None = None
    lost_answer: bool = False

    def strikes(self, chance: random.Random) -> bool:
        if self.count is not None and self.count <= 0:
            return False
        if self.rate is not None and chance.random() >= self.rate:
            return False
        if self.count is not None:
            self.count -= 1
        return True


class FaultBook:
    """All faults in force; thread-safe. ``meet`` is called for each request, outside the emulator's lock."""

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        self._clock = clock
        self._chance = random.Random(seed)  # noqa: S311 - repeatable trouble, not secrets
        self._faults: dict[str, Fault] = {}
        self._lock = threading.Lock()

    def change(self, action: str, changes: Mapping[str, Any]) -> None:
        """Add to, or change, what an action suffers; what is not named stays."""
        with self._lock:
            self._faults[action] = replace(self._faults.get(action, Fault()), **changes)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def throttle(self, action: str, capacity: float, refill: float) -> Bucket:
        if capacity < 0 or refill < 0:
            raise LeverError(
                f"fault {action}: throttle {capacity}/{refill} is negative; give e.g. capacity 50, refill 5"
            )
        return Bucket(capacity, refill, capacity, self._clock.seconds())

    def lag_s(self, action: str) -> float:
        with self._lock:
            fault = self._faults.get(action)
            return fault.lag_s if fault else 0.0

    def longest_lag_s(self) -> float:
        with self._lock:
            return max((fault.lag_s for fault in self._faults.values()), default=0.0)

    def meet(self, action: str) -> Callable[[], None]:
        """Suffer what is in store for this request: throttled at once, else delayed, then broken or
        failed. The caller calls what it returns when the request has been carried out: its answer may be
        lost."""
        with self._lock:
            fault = self._faults.get(action) or self._faults.get("*")
            if fault is None:
                return _nothing
            throttled = fault.bucket is not None and not fault.bucket.take(self._clock.seconds())
            latency_s = fault.latency_s
            breaks = fault.break_s is not None
            struck = not throttled and (breaks or fault.error) and fault.strikes(self._chance)
            strike = partial(self._strike, action, fault.break_s, fault.error) if struck else _nothing
            lost_answer = fault.lost_answer
        if throttled:
            raise fail("RequestLimitExceeded", "Request limit exceeded.")
        if latency_s:
            self._clock.sleep(latency_s)
        if lost_answer:
            return strike
        strike()
        return _nothing

    def _strike(self, action: str, break_s: float | None, error: str | None) -> None:
        if break_s is not None:
            self._clock.sleep(min(break_s, LONGEST_BREAK_S))
            raise Broken(action)
        if error is not None:
            raise fail(error, f"{error}: injected by the lab for {action}.")

    def describe(self) -> dict[str, dict[str, Any]]:
        with self._lock:
            return {
                action: {
                    "latency_s": fault.latency_s,
                    "error": fault.error,
                    "count": fault.count,
                    "rate": fault.rate,
                    "throttle": (
                        {"capacity": fault.bucket.capacity, "refill": fault.bucket.refill}
                        if fault.bucket
                        else None
                    ),
                    "lag_s": fault.lag_s,
                    "break_s": fault.break_s,
                    "lost_answer": fault.lost_answer,
                }
                for action, fault in self._faults.items()
            }


def _nothing() -> None:
    """No trouble."""
