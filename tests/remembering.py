"""Reads that nothing can have changed are answered from before: a sweep in a third of the time."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lab.ec2.clock import VirtualClock
from lab.ec2.inprocess import LabEC2
from tests.provisioning import READINGS, changing

SERVICES = ("ec2", "sns", "logs")


class Readings:
    """Holds what was read since the last change. A call that changes something makes its service be read
    anew, whoever makes it; in EC2, and with every event of the clock, all services. Levers need `forget`.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._known: dict[str, dict[str, Any]] = defaultdict(dict)
        self._sleep = clock.sleep

    def forget(self, service: str = "ec2") -> None:
        for known in SERVICES if service == "ec2" else (service,):
            self._known[known].clear()

    def sleep(self, seconds: float) -> None:
        """In the place of the clock's own."""
        due = self._clock.next_due()
        if due is not None and due <= seconds:
            self.forget()
        self._sleep(seconds)

    def before(self, model: Any, params: dict[str, Any], context: dict[str, Any]) -> Any:
        service = model.service_model.service_name
        if service not in SERVICES:
            return None
        if changing([f"{service}:{model.name}"]):
            self.forget(service)
            return None
        due = self._clock.next_due()
        key = f"{model.name} {json.dumps(params['body'], sort_keys=True, default=str)}"
        context["asked"] = key if due is None or due > 0 else None
        return self._known[service].get(key) if context["asked"] else None

    def after(self, model: Any, answer: Any, context: dict[str, Any]) -> None:
        service = model.service_model.service_name
        if context.get("asked"):
            self._known[service][context["asked"]] = answer
        elif service in SERVICES:
            self.forget(service)


@contextmanager
def remembered(lab: LabEC2) -> Iterator[Readings]:
    """For every client of this process, the function's and the test's."""
    assert isinstance(lab.clock, VirtualClock)
    readings = Readings(lab.clock)
    vars(lab.clock)["sleep"] = readings.sleep
    READINGS.append(readings)
    try:
        yield readings
    finally:
        del vars(lab.clock)["sleep"]
        READINGS.remove(readings)
