"""A scene of the demonstration: a lever is pulled, and every address follows the route."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from lab.ec2.depth import depth
from lab.sightings import Sightings, watching
from lab.stage import DemoFailed, Stage, console, iso

READ_SECONDS, WRITE_SECONDS = 0.25, 0.4
"""How slow EC2 is made."""


def moved(stage: Stage, pull: Callable[[], object], heir: str) -> dict[str, Any]:
    """Pulls a lever, and shows what happens until every address is with the heir and people know it."""
    stage.wait("no look is under way", stage.is_quiet)
    stage.forget()
    since = stage.last_request()
    with watching(stage.cloud.levers) as sightings:
        began = datetime.now(UTC)
        pull()
        stage.wait(f"every address with {heir}", lambda: stage.holders() == {heir})
        stage.wait("completed and told", lambda: stage.notification("Failover Completed") is not None)
        stage.wait("completed on the bus", lambda: stage.event("Failover Completed") is not None)
    decided, completed = stage.event("Failover Decision"), stage.event("Failover Completed")
    if decided is None or completed is None:
        raise DemoFailed("no decision was put on the bus")
    happened = timeline(began, sightings, stage)
    for entry in happened:
        console.print(f"  {entry['ms']:>6} ms  {entry['what']}")
    trips = None if stage.is_troubled else _depth(stage.cloud.levers.requests(since), completed)
    return {
        "began_at": iso(began),
        "timeline": happened,
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


def timeline(began: datetime, seen: Sightings, stage: Stage) -> list[dict[str, Any]]:
    """Everything that happened, in order: every decision and every move, however many tries it took."""
    found = [(s.at, f"seen: {s.what} {s.before} → {s.now}") for s in seen.of("session") + seen.of("route")]
    found += [
        (_moment(decided["occurred_at"]), f"decided: {decided['action']}: {decided['reason']}")
        for decided in stage.details("Failover Decision")
    ]
    outcomes = [*stage.details("Failover Failed"), *stage.details("Failover Completed")]
    for outcome in sorted(outcomes, key=lambda detail: str(detail["occurred_at"])):
        found += _moves(outcome)
    first = stage.details("Failover Decision")[0]
    stages = min((outcome["stages"] for outcome in outcomes), key=lambda s: str(s["received_at"]))
    found.append((_moment(stages["received_at"]), f"signal: {first['signal']['cause']}"))
    found += [(at, f"told people: {n.subject}") for at, n in stage.notifications]
    every = dict.fromkeys(sorted(found, key=lambda entry: entry[0]))
    return [{"ms": round((at - began).total_seconds() * 1000), "what": what} for at, what in every]


def _moves(outcome: dict[str, Any]) -> Iterator[tuple[datetime, str]]:
    stages = outcome["stages"]
    received = _moment(stages["received_at"])
    yield _moment(stages["observed_at"]), "observed: FIB, sessions, addresses, interfaces, instances"
    for address in outcome["addresses"]:
        if address["outcome"] == "verified" and address["associated_ms"] is not None:
            at = received + timedelta(milliseconds=address["associated_ms"])
            yield at, f"moved: {address['public_ip']} {_at(address['from'])} → {_at(address['to'])}"
    if stages["verified_at"]:
        yield _moment(stages["verified_at"]), "verified: EC2 shows every address at its new place"


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


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _at(place: dict[str, Any] | None) -> str:
    return f"{place['appliance']} {place['private_ip']}" if place else "nobody"
