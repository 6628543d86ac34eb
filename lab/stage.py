"""Describes what the scenes of the demonstration play on: the lab, what it tells meanwhile, and how to
wait for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from lab.cloud import Cloud
from lab.queues import BusEvents, Notification, Notifications
from lab.sightings import visible

PATIENCE_SECONDS = 90
GLANCE_SECONDS = 0.1

console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
"""It prints words as they are: most are not ours, and `[/x]` in an error or a path is no markup."""


class DemoFailed(Exception):  # noqa: N818 - it ends the demonstration, and says why
    """Something was not as it should be."""


@dataclass
class Stage:
    """The lab, and all that was told since the scene began."""

    cloud: Cloud
    people: Notifications
    bus: BusEvents
    is_troubled: bool
    events: list[dict[str, Any]] = field(default_factory=list)
    notifications: list[tuple[datetime, Notification]] = field(default_factory=list)
    """Each with the time of its arrival, right to a glance."""

    def listen(self) -> None:
        self.events += self.bus.receive()
        self.notifications += [(datetime.now(UTC), told) for told in self.people.receive()]

    def forget(self) -> None:
        """What was told until now belongs to the scene before."""
        self.listen()
        self.events.clear()
        self.notifications.clear()

    def details(self, detail_type: str) -> list[dict[str, Any]]:
        """The detail of each such event, in order."""
        found = [e["detail"] for e in self.events if e["detail-type"] == detail_type]
        return sorted(found, key=lambda detail: str(detail["occurred_at"]))

    def event(self, detail_type: str) -> dict[str, Any] | None:
        """The detail of the last such event."""
        found = self.details(detail_type)
        return dict(found[-1]) if found else None

    def notification(self, detail_type: str) -> Notification | None:
        found = [n for _, n in self.notifications if n.attributes.get("detail_type") == detail_type]
        return found[-1] if found else None

    def holders(self) -> set[str]:
        shown = visible(self.cloud.levers.world())
        return {who for what, who in shown.items() if what.startswith("Elastic IP")}

    def is_quiet(self) -> bool:
        """Returns True if no look has the lease."""
        return "lease_until" not in self.cloud.state("look", "edge")

    def last_request(self) -> int:
        """The number of EC2's last request."""
        return max((int(r["sequence"]) for r in self.cloud.levers.requests()), default=0)

    def wait(
        self,
        what: str,
        done: Callable[[], bool],
        why: Callable[[], object] = lambda: "",
        show: Callable[[], object] = lambda: None,
    ) -> None:
        """Listens and shows until it is done. Raises DemoFailed, with `why` not, at the end of patience."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not done():
            if time.monotonic() > deadline:
                raise DemoFailed(f"after {PATIENCE_SECONDS} s still not: {what} {why()}".rstrip())
            time.sleep(GLANCE_SECONDS)
            self.listen()
            show()


def say(what: str) -> None:
    """What happens now."""
    console.print(f"\n{what}")


def iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
