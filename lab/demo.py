"""`make demo`: deploy, kill the active appliance, watch the addresses follow the route and come back."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from lab.cloud import Cloud
from lab.deploy import ROOT, DeployError
from lab.ec2.depth import depth
from lab.example import EXAMPLE, topology
from lab.queues import BusEvents, Notification, Notifications
from lab.sightings import Sightings, visible, watching
from tandem.audit import problems

RESULT = ROOT / ".lab" / "demo.json"
TANDEM = Path(sys.executable).with_name("tandem")
MOVING = {"AssociateAddress", "DisassociateAddress"}
READ_SECONDS, WRITE_SECONDS = 0.25, 0.4
ONE_IN_THREE: dict[str, Any] = {"error": "InternalError", "rate": 0.33}
TROUBLE: dict[str, dict[str, Any]] = {
    "*": ONE_IN_THREE,
    "GetRouteServerRoutingDatabase": ONE_IN_THREE | {"lag_s": 2},
    "DescribeRouteServerPeers": ONE_IN_THREE | {"lag_s": 2},
    "AssociateAddress": ONE_IN_THREE | {"throttle": {"capacity": 2, "refill": 1}},
}
"""What `--trouble` does to EC2."""

STEADY_SECONDS = 8
"""How long a converged topology is watched being left alone."""

PATIENCE_SECONDS = 60
GLANCE_SECONDS = 0.2
REST_SECONDS = 6
"""Between two scenes, longer than the damping that follows a move."""

console = Console(highlight=False, soft_wrap=True)


class DemoFailed(Exception):  # noqa: N818 - it ends the demonstration, and says why
    """Something was not as it should be."""


@dataclass
class Stage:
    """What the scenes play on, and all that was told meanwhile."""

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

    def event(self, detail_type: str) -> dict[str, Any] | None:
        """The detail of the last such event."""
        found = [e["detail"] for e in self.events if e["detail-type"] == detail_type]
        return dict(found[-1]) if found else None

    def notification(self, detail_type: str) -> Notification | None:
        found = [n for _, n in self.notifications if n.attributes.get("detail_type") == detail_type]
        return found[-1] if found else None

    def holders(self) -> set[str]:
        shown = visible(self.cloud.levers.world())
        return {who for what, who in shown.items() if what.startswith("Elastic IP")}

    def is_quiet(self) -> bool:
        """Whether no look has the lease."""
        return "lease_until" not in self.cloud.state("look", "edge")

    def wait(self, what: str, done: Callable[[], bool]) -> None:
        """Listens until it is done. Raises DemoFailed after a minute."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not done():
            if time.monotonic() > deadline:
                raise DemoFailed(f"after {PATIENCE_SECONDS} s still not: {what}")
            time.sleep(GLANCE_SECONDS)
            self.listen()


def main(arguments: list[str]) -> int:
    """Exit code 0 where everything was as it should be; all that was seen is in `.lab/demo.json`."""
    result: dict[str, Any] = {"started_at": _iso(datetime.now(UTC))}
    began = time.monotonic()
    is_troubled = arguments == ["--trouble"]
    if arguments and not is_troubled:
        console.print(f"{' '.join(arguments)}? The one option that there is: --trouble")
        return 2
    try:
        with Cloud(edge=True, tell=_say) as cloud:
            _play(Stage(cloud, cloud.notifications(), cloud.events(), is_troubled), result)
    except (DemoFailed, DeployError) as error:
        result["failed"] = str(error)
        console.print(f"\nNot as it should be: {error}")
    result["seconds"] = round(time.monotonic() - began, 1)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    console.print(f"\n{result['seconds']} s in all; every figure is in {RESULT.relative_to(ROOT)}")
    return 1 if "failed" in result else 0


def _play(stage: Stage, result: dict[str, Any]) -> None:
    result["apply"] = _apply(stage)
    result["steady"] = _steady(stage)
    levers = stage.cloud.levers
    if stage.is_troubled:
        for action, trouble in TROUBLE.items():
            levers.fault(action, **trouble)
        _say("from now on EC2 fails one call in three, throttles moves, and shows the routes of 2 s ago")
    else:
        levers.fault("*", latency_s=READ_SECONDS)
        levers.fault("AssociateAddress", latency_s=WRITE_SECONDS)
        _say("from now on EC2 takes 250 ms to read and 400 ms to move")
    result["failover"] = _scene(stage, "fw1 dies without a goodbye", lambda: levers.kill("fw1"), "fw2")
    time.sleep(REST_SECONDS)
    result["failback"] = _scene(
        stage, "fw1 is repaired; Route Server prefers it again", lambda: levers.restore("fw1"), "fw1"
    )
    result["audit"] = _audit(stage)
    told = stage.notification("Failover Completed")
    if told is None:
        raise DemoFailed("nobody was notified")
    _say("what people were told, the last time")
    console.print(f"  {told.subject}\n")
    console.print("  " + told.message.strip().replace("\n", "\n  "))


def _apply(stage: Stage) -> dict[str, Any]:
    _say(f"tandem apply {EXAMPLE.relative_to(ROOT)}, with the IDs of this edge")
    document = stage.cloud.directory / "edge.yaml"
    document.write_text(yaml.safe_dump(topology(stage.cloud.scenario), sort_keys=False), encoding="utf-8")
    ran = subprocess.run(
        [TANDEM, "apply", document, "--yes"],
        env=stage.cloud.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    console.print("  " + (ran.stdout + ran.stderr).strip().replace("\n", "\n  "))
    if ran.returncode != 0:
        raise DemoFailed(f"tandem apply ended with {ran.returncode}")
    stage.wait("provisioned", lambda: stage.event("Provisioning Completed") is not None)
    return {"output": ran.stdout.splitlines(), "provisioned": stage.event("Provisioning Completed")}


def _steady(stage: Stage) -> dict[str, Any]:
    _say(f"converged: {STEADY_SECONDS} s of looks, in which nothing may be moved")
    since = max((r["sequence"] for r in stage.cloud.levers.requests()), default=0)
    stage.cloud.invoke("SignalsFunction", {"tandem": "sweep"})
    time.sleep(STEADY_SECONDS)
    requests = stage.cloud.levers.requests(since)
    moved = [r for r in requests if r["action"] in MOVING]
    console.print(
        f"  {len(requests)} EC2 reads, {len(moved)} moves; every address is with {_all(stage.holders())}"
    )
    if moved or not requests or stage.holders() != {"fw1"}:
        raise DemoFailed("a converged topology was not left alone, or nobody looked at it")
    return {"reads": len(requests), "moves": len(moved)}


def _scene(stage: Stage, title: str, pull: Callable[[], object], heir: str) -> dict[str, Any]:
    """Pulls a lever, and shows what happens until every address is with the heir and people know it."""
    _say(title)
    stage.wait("no look is under way", stage.is_quiet)
    stage.listen()
    stage.events.clear()
    stage.notifications.clear()
    since = max(r["sequence"] for r in stage.cloud.levers.requests())
    with watching(stage.cloud.levers) as sightings:
        began = datetime.now(UTC)
        pull()
        stage.wait(f"every address with {heir}", lambda: stage.holders() == {heir})
        stage.wait("completed and told", lambda: stage.notification("Failover Completed") is not None)
        stage.wait("completed on the bus", lambda: stage.event("Failover Completed") is not None)
    decided, completed = stage.event("Failover Decision"), stage.event("Failover Completed")
    if decided is None or completed is None:
        raise DemoFailed("no decision was put on the bus")
    timeline = _timeline(stage, began, sightings, decided, completed)
    for entry in timeline:
        console.print(f"  {entry['ms']:>6} ms  {entry['what']}")
    trips = None if stage.is_troubled else _depth(stage.cloud.levers.requests(since), completed)
    return {
        "began_at": _iso(began),
        "timeline": timeline,
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


def _timeline(
    stage: Stage, began: datetime, seen: Sightings, decided: dict[str, Any], completed: dict[str, Any]
) -> list[dict[str, Any]]:
    received = datetime.fromisoformat(completed["stages"]["received_at"])
    found = [(s.at, f"seen: {s.what} {s.before} → {s.now}") for s in seen.of("session") + seen.of("route")]
    found.append((received, f"signal: {decided['signal']['cause']}"))
    found.append(
        (_stage(completed, "observed_at"), "observed: FIB, sessions, addresses, interfaces, instances")
    )
    found.append((_stage(completed, "decided_at"), f"decided: {decided['action']}: {decided['reason']}"))
    for address in completed["addresses"]:
        at = received + timedelta(milliseconds=address["associated_ms"])
        found.append((at, f"moved: {address['public_ip']} {_at(address['from'])} → {_at(address['to'])}"))
    found.append((_stage(completed, "verified_at"), "verified: EC2 shows every address at its new place"))
    found += [(at, f"told people: {n.subject}") for at, n in stage.notifications]
    return [
        {"ms": round((at - began).total_seconds() * 1000), "what": what}
        for at, what in sorted(found, key=lambda entry: entry[0])
    ]


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


def _audit(stage: Stage) -> dict[str, Any]:
    """Reads the whole sequence and recomputes its hashes."""
    records = stage.cloud.audit("failover#edge")
    wrong = problems(records)
    kinds = [str(record.body["kind"]) for record in records]
    _say("the audit trail, its hashes computed anew")
    for record in records:
        groups = record.body.get("groups", {})
        words = [group["reason"] for group in groups.values()] if isinstance(groups, dict) else groups
        words = words or [str(record.body.get("outcome", ""))]
        console.print(f"  #{record.number} {record.body['kind']:<10} {record.hash[:12]}  {'; '.join(words)}")
    if wrong or kinds.count("intent") < 2 or kinds.count("intent") != kinds.count("outcome"):
        raise DemoFailed(f"the audit trail is not whole: {wrong or kinds}")
    return {"records": kinds, "problems": list(wrong), "head": records[-1].head.as_dict()}


def _stage(completed: dict[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(completed["stages"][name])


def _at(place: dict[str, Any] | None) -> str:
    return f"{place['appliance']} {place['private_ip']}" if place else "nobody"


def _all(names: set[str]) -> str:
    return " and ".join(sorted(names))


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def _say(what: str) -> None:
    console.print(f"\n{what}" if not what.startswith(("starting", "building", "deploying")) else what)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
