"""Stays beside a lab that is up: prints what happens in it, and keeps what Tandem sends to people."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from lab import running
from lab.cloud import Cloud
from lab.queues import BusEvents, Notifications
from lab.servers import ServersError
from lab.sightings import World, parts, places, watching
from lab.timeline import HOLD_BACK, Entry, Timeline, announced, mailed, seen

GLANCE_SECONDS = 0.05


def attend(cloud: Cloud, *, is_deployed: bool, show: Callable[[str], None]) -> None:
    """Until this process is stopped. Raises ServersError when the lab has ended by itself."""
    people, bus = (cloud.notifications(), cloud.events()) if is_deployed else (None, None)
    timeline = Timeline()
    with watching(cloud.levers, _everything, glance_seconds=GLANCE_SECONDS) as sightings:
        while cloud.is_up:
            time.sleep(GLANCE_SECONDS)
            complete = sightings.until
            taken, sightings.seen = sightings.seen, []
            timeline.add(seen(taken))
            try:
                _receive(timeline, people, bus)
            except (BotoCoreError, ClientError):  # a machine that slept; what there is stays in the queues
                continue
            _show(timeline.due(min(complete, datetime.now(UTC) - HOLD_BACK)), show)
    _show(timeline.due(), show)  # what was held back belongs before the reason for the end
    raise ServersError("the lab's servers have ended by themselves; the reason is above")


def _everything(world: World) -> dict[str, str]:
    return parts(world) | places(world)


def _show(entries: Iterable[Entry], show: Callable[[str], None]) -> None:
    for at, words in entries:
        show(f"{at.astimezone(UTC):%H:%M:%S}.{at.microsecond // 1000:03}  {words}")


def _receive(timeline: Timeline, people: Notifications | None, bus: BusEvents | None) -> None:
    for event in bus.receive() if bus else ():
        timeline.add(announced(event))
    for notification in people.receive() if people else ():
        running.keep_mail(notification)
        timeline.add(
            [mailed(datetime.now(UTC), notification)]
        )  # SNS gives its own time in whole seconds here
