"""Describes what `make demo` plays: provision, kill the active appliance, watch the addresses follow and
come back.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab import running
from lab.cloud import Cloud
from lab.deploy import ROOT, DeployError
from lab.ec2.scenario import appliances_only
from lab.example import EXAMPLE, topology
from lab.judging import judged
from lab.levers import NoLab
from lab.making import at_rest, made
from lab.moving import READ_SECONDS, WRITE_SECONDS, moved
from lab.servers import ServersError
from lab.stage import DemoFailed, Stage, console, iso, say
from tandem.audit import problems

ONE_IN_THREE: dict[str, Any] = {"error": "InternalError", "rate": 0.33}
TROUBLE: dict[str, dict[str, Any]] = {
    "*": ONE_IN_THREE,
    "GetRouteServerRoutingDatabase": ONE_IN_THREE | {"lag_s": 2},
    "DescribeRouteServerPeers": ONE_IN_THREE | {"lag_s": 2},
    "AssociateAddress": ONE_IN_THREE | {"throttle": {"capacity": 2, "refill": 1}},
}
"""What `--trouble` does to EC2, once the route server is there."""

REST_SECONDS = 6
"""Between two scenes, longer than the damping that follows a move."""


def play(result: Path, *, is_troubled: bool) -> int:
    """Returns exit code 0 if everything was as it should be; all that was seen is written to `result`."""
    try:
        with running.alone(result.stem):
            return _record(result, is_troubled)
    except running.NotAlone as error:
        console.print(f"lab: {error}")
        return 1


def _record(file: Path, is_troubled: bool) -> int:
    result: dict[str, Any] = {"started_at": iso(datetime.now(UTC))}
    began = time.monotonic()
    try:
        with Cloud(build=appliances_only, warm=False, tell=console.print) as cloud:
            result["deployed_seconds"] = round(time.monotonic() - began, 1)
            _play(Stage(cloud, cloud.notifications(), cloud.events(), is_troubled), result)
    except (DemoFailed, DeployError, ServersError, NoLab) as error:
        result["failed"] = str(error)
        console.print(f"\nThe demo failed: {error}")
    result["seconds"] = round(time.monotonic() - began, 1)
    file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    console.print(f"\n{result['seconds']} s in all; every figure is in {file.relative_to(ROOT)}")
    return 1 if "failed" in result else 0


def _play(stage: Stage, result: dict[str, Any]) -> None:
    document = topology(stage.cloud.scenario)
    say(f"tandem apply {EXAMPLE.relative_to(ROOT)}, with manage: true and the IDs of this edge")
    result["provisioned"] = made(stage, document, meanwhile=stage.cloud.warm)
    result["at_rest"] = at_rest(stage, document)
    levers = stage.cloud.levers
    if stage.is_troubled:
        for action, trouble in TROUBLE.items():
            levers.fault(action, **trouble)
        say("from now on EC2 fails one call in three, throttles moves, and shows the routes of 2 s ago")
    else:
        levers.fault("*", latency_s=READ_SECONDS)
        levers.fault("AssociateAddress", latency_s=WRITE_SECONDS)
        say("from now on EC2 takes 250 ms to read and 400 ms to move")
    say("fw1 fails without closing its BGP sessions")
    result["failover"] = moved(stage, lambda: levers.kill("fw1"), "fw2")
    time.sleep(REST_SECONDS)
    say("fw1 is repaired; Route Server prefers it again")
    result["failback"] = moved(stage, lambda: levers.restore("fw1"), "fw1")
    if not stage.is_troubled:
        levers.faults_clear()
        result["compliance"] = judged(stage)
    result["audit"] = _audit(stage)


def _audit(stage: Stage) -> dict[str, Any]:
    """Reads the whole sequence and recomputes its hashes."""
    records = stage.cloud.audit("failover#edge")
    wrong = problems(records)
    kinds = [str(record.body["kind"]) for record in records]
    say("the audit trail, with its hashes recalculated")
    for record in records:
        groups = record.body.get("groups", {})
        words = [group["reason"] for group in groups.values()] if isinstance(groups, dict) else groups
        words = words or [str(record.body.get("outcome", ""))]
        console.print(f"  #{record.number} {record.body['kind']:<10} {record.hash[:12]}  {'; '.join(words)}")
    if wrong or kinds.count("intent") < 2 or kinds.count("intent") != kinds.count("outcome"):
        raise DemoFailed(f"the audit trail is not whole: {wrong or kinds}")
    return {"records": kinds, "problems": list(wrong), "head": records[-1].head.as_dict()}
