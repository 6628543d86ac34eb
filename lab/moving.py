"""A scene of the demonstration: a lever is pulled, and every address follows the route."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from lab.ec2.depth import depth
from lab.sightings import Sightings, places, watching
from lab.stage import DemoFailed, Stage, console, iso
from lab.timeline import HOLD_BACK, Timeline, announced, mailed, seen

READ_SECONDS, WRITE_SECONDS = 0.25, 0.4
"""How slow EC2 is made."""


def moved(stage: Stage, pull: Callable[[], object], heir: str) -> dict[str, Any]:
    """Pulls a lever, and shows what happens until every address is with the heir and people know it."""
    stage.wait("no look is under way", stage.is_quiet)
    stage.forget()
    since, timeline = stage.last_request(), Timeline()
    with watching(stage.cloud.levers, places) as sightings:
        began = datetime.now(UTC)

        def show(until: datetime | None = None) -> None:
            complete = sightings.until
            _notice(timeline, stage, sightings)
            for at, words in timeline.due(until and min(until, complete)):
                console.print(f"  {_ms(at - began):>6} ms  {words}")

        def wait(what: str, done: Callable[[], bool]) -> None:
            stage.wait(what, done, show=lambda: show(datetime.now(UTC) - HOLD_BACK))

        pull()
        try:
            wait(f"every address with {heir}", lambda: stage.holders() == {heir})
            wait("completed, people notified", lambda: stage.notification("Failover Completed") is not None)
            wait("completed on the bus", lambda: stage.event("Failover Completed") is not None)
        finally:  # what was held back belongs before the reason for which a wait failed
            show()
    decided, completed = stage.event("Failover Decision"), stage.event("Failover Completed")
    if decided is None or completed is None:
        raise DemoFailed("no decision was put on the bus")
    trips = None if stage.is_troubled else _depth(stage.cloud.levers.requests(since), completed)
    return {
        "began_at": iso(began),
        "timeline": [{"ms": _ms(at - began), "what": words} for at, words in sorted(timeline.given)],
        "round_trips": trips,
        "decision": decided,
        "outcome": completed,
        "notifications": [{"subject": n.subject, "message": n.message} for _, n in stage.notifications],
    }


def _depth(requests: list[dict[str, Any]], completed: dict[str, Any]) -> dict[str, int]:
    """The look's round trips. Raises DemoFailed where they are not two and three, or an address stayed."""
    trips = _round_trips(requests)
    console.print(
        f"  EC2 round trips of the look: {trips['to_associated']} to associated, "
        f"{trips['to_verified']} to verified; "
        f"{trips['milliseconds_to_associated']} ms and {trips['milliseconds_to_verified']} ms"
    )
    if (trips["to_associated"], trips["to_verified"]) != (2, 3):
        raise DemoFailed(f"the look took more round trips than two and three: {trips}")
    if {a["outcome"] for a in completed["addresses"]} != {"verified"} or len(completed["addresses"]) != 4:
        raise DemoFailed("not all of the four addresses were moved and verified")
    return trips


def _notice(timeline: Timeline, stage: Stage, sightings: Sightings) -> None:
    timeline.add(seen(sightings.seen))
    for event in stage.events:
        timeline.add(announced(event))
    timeline.add(mailed(at, notification) for at, notification in stage.notifications)


def _round_trips(requests: list[dict[str, Any]]) -> dict[str, int]:
    """The depth of the look that moved, from its last observation on; EC2 answers in 250 and 400 ms."""
    moves = [r for r in requests if r["action"] == "AssociateAddress"]
    if not moves:
        raise DemoFailed("EC2 was never asked to move anything")
    mine = [r for r in requests if r["caller"] == moves[0]["caller"] and r["end"] is not None]
    reads = [
        r for r in mine if r["action"] == "GetRouteServerRoutingDatabase" and r["end"] <= moves[0]["start"]
    ]
    begin = reads[-1]["start"]
    look = [r for r in mine if r["end"] > begin and r["start"] >= begin - READ_SECONDS / 2]
    associated = max(r["end"] for r in moves)
    verified = min(r["end"] for r in look if r["action"] == "DescribeAddresses" and r["start"] >= associated)
    return {
        "to_associated": depth([r for r in look if r["end"] <= associated]),
        "to_verified": depth([r for r in look if r["end"] <= verified]),
        "milliseconds_to_associated": round((associated - begin) * 1000),
        "milliseconds_to_verified": round((verified - begin) * 1000),
    }


def _ms(duration: timedelta) -> int:
    return round(duration.total_seconds() * 1000)
