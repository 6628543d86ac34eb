"""The demonstration shows every decision and every move, in order, however many tries it took."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from lab.moving import timeline
from lab.queues import Notification
from lab.sightings import Sighting, Sightings
from lab.stage import Stage

BEGAN = datetime(2026, 11, 21, 3, 58, 30, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGAN.replace(second=30 + int(seconds), microsecond=round(seconds % 1 * 1_000_000))


def iso(seconds: float) -> str:
    return at(seconds).isoformat(timespec="milliseconds")


def place(name: str) -> dict[str, str]:
    return {"appliance": name, "private_ip": "10.0.1.20"}


def address(number: int, outcome: str, ms: int | None) -> dict[str, Any]:
    moved = {"public_ip": f"192.0.2.{number}", "outcome": outcome, "associated_ms": ms}
    return moved | {"from": place("fw1"), "to": place("fw2")}


def decided(seconds: float) -> dict[str, Any]:
    detail = {"action": "move", "reason": "fw2 owns the route", "signal": {"cause": "BGP went down"}}
    return {"detail-type": "Failover Decision", "detail": detail | {"occurred_at": iso(seconds)}}


def outcome(kind: str, seconds: float, received: float, *addresses: dict[str, Any]) -> dict[str, Any]:
    whole = iso(seconds) if kind == "Failover Completed" else None
    stages = {"received_at": iso(received), "observed_at": iso(received + 0.1), "verified_at": whole}
    return {
        "detail-type": kind,
        "detail": {"occurred_at": iso(seconds), "stages": stages, "addresses": list(addresses)},
    }


def test_every_move_of_every_try_is_shown_in_order_and_people_hear_after_the_decision():
    told = Notification(at(1.5), "Tandem edge: moving 2 Elastic IPs to fw2", "", {})
    events = [
        outcome("Failover Completed", 9, 5, address(2, "verified", 800)),
        outcome("Failover Failed", 4, 1, address(1, "verified", 500), address(2, "failed", None)),
        decided(5.3),
        decided(1.2),
    ]
    stage = Stage(cast(Any, None), cast(Any, None), cast(Any, None), True, events, [(at(1.5), told)])
    seen = Sightings([Sighting(at(0.5), "session fw1 az1-a", "up", "down")])
    shown = timeline(BEGAN, seen, stage)
    assert [entry["ms"] for entry in shown] == sorted(entry["ms"] for entry in shown)
    assert [entry["what"].partition(":")[0] for entry in shown] == [
        "seen", "signal", "observed", "decided", "moved", "told people", "observed", "decided", "moved",
        "verified",
    ]  # fmt: skip
    assert [e["what"] for e in shown if e["what"].startswith("moved")] == [
        "moved: 192.0.2.1 fw1 10.0.1.20 → fw2 10.0.1.20",
        "moved: 192.0.2.2 fw1 10.0.1.20 → fw2 10.0.1.20",
    ]
