"""Describes what surrounds the emulated EC2 and outlives its state: clock, choices, receivers, faults,
the request log.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from lab.ec2.authorizer import AllowAll, Authorizer
from lab.ec2.clock import Clock, RealClock
from lab.ec2.faults import FaultBook
from lab.ec2.request_log import RequestLog
from lab.ec2.signals import RecordingSink, Sink
from lab.ec2.timings import Behaviour, Timings

ACCOUNT = "123456789012"
REGION = "us-east-1"


@dataclass
class Lab:
    """``lock`` guards all emulated state; nothing slow happens while it is held."""

    clock: Clock = field(default_factory=RealClock)
    timings: Timings = field(default_factory=Timings)
    behaviour: Behaviour = field(default_factory=Behaviour)
    sink: Sink = field(default_factory=RecordingSink)
    authorizer: Authorizer = field(default_factory=AllowAll)
    seed: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)
    requests: RequestLog = field(default_factory=RequestLog)
    faults: FaultBook = field(init=False)

    def __post_init__(self) -> None:
        self.faults = FaultBook(self.clock, self.seed)


class _Current:
    """moto makes backends by itself, whenever a region is first used: they find their lab here."""

    lab: Lab | None = None


def use(lab: Lab | None) -> Lab | None:
    """Make this the lab of all backends made from now on; returns the one before."""
    before, _Current.lab = _Current.lab, lab
    return before


def in_use() -> bool:
    return _Current.lab is not None


def current() -> Lab:
    if _Current.lab is None:
        raise RuntimeError("no lab is in use: call lab.ec2.install(), lab_ec2() or serve() first")
    return _Current.lab
