"""A scene of the demonstration: compliance says before a failover whether it will work."""

from __future__ import annotations

import json
from typing import Any

from lab.stage import DemoFailed, Stage, console, say

DEFAULT = "0.0.0.0/0"
SHOWN = ("appliance", "zone")
"""Kinds of failures whose rows are printed; the report has the others too."""

ENDS = {
    "in-place": "stay with {}",
    "moved": "move to {}",
    "assumed": "move to {}, if it becomes active",
    "held": "are held with {}",
    "lost": "stay on {}, which is dead",
}


def judged(stage: Stage) -> dict[str, Any]:
    """Runs every rule on the healthy edge, breaks the standby, runs them again, and repairs it.

    Raises DemoFailed where a rule fails before, or the breakage is not found.
    """
    say("will the next failover work? Every rule of compliance, as its daily clock runs them")
    healthy = _run(stage)
    if _failing(healthy):
        raise DemoFailed(f"compliance fails on the healthy edge: {_failing(healthy)}")
    say(f"somebody breaks the standby's configuration: fw2 no longer advertises {DEFAULT}")
    stage.cloud.levers.withdraw("fw2", DEFAULT)
    stage.wait("the routing database without fw2's route", lambda: not _advertises(stage))
    broken = _run(stage)
    wanted = {"standby-advertises", "single-failure"}
    if _failing(broken) != wanted:
        raise DemoFailed(f"of the broken standby compliance finds {_failing(broken)}, not {wanted}")
    stage.cloud.levers.advertise("fw2", DEFAULT, as_path=[65002, 65002])
    return {"healthy": healthy["summary"], "broken": broken["summary"]}


def _run(stage: Stage) -> dict[str, Any]:
    """Runs the deployed function, reads its report from the bucket and prints it."""
    stage.cloud.invoke("ComplianceFunction", {"rules": "all"})
    bucket = stage.cloud.outputs["ReportBucket"]
    body = stage.cloud.session.client("s3").get_object(Bucket=bucket, Key="compliance/edge/latest.json")[
        "Body"
    ]
    report: dict[str, Any] = json.loads(body.read())
    counts = report["summary"]["by_verdict"]
    console.print(f"  {report['verdict']['sentence']} {counts['pass']} checks pass, {counts['fail']} fail")
    for finding in report["findings"]:
        if finding["verdict"] in ("fail", "unknown"):
            console.print(f"  {finding['severity']:<9}{finding['rule']}: {finding['sentence']}")
    for row in report["failures"] or ():
        if row["failure"] in SHOWN:
            console.print(f"  if {row['failure']} {row['name']} fails: {_ends(row)}")
    return report


def _ends(row: dict[str, Any]) -> str:
    ends: dict[tuple[str, str, str], int] = {}
    for address in row["addresses"]:
        key = (address["outcome"], str(address["appliance"]), address["reason"] or "")
        ends[key] = ends.get(key, 0) + 1
    return "; ".join(
        f"{count} Elastic IPs {ENDS.get(outcome, outcome).format(appliance)}{f' ({why})' if why else ''}"
        for (outcome, appliance, why), count in ends.items()
    )


def _failing(report: dict[str, Any]) -> set[str]:
    """Returns the rules that fail or cannot be judged, but for those of low severity."""
    grave = (f for f in report["findings"] if f["severity"] != "low")
    return {f["rule"] for f in grave if f["verdict"] in ("fail", "unknown")}


def _advertises(stage: Stage) -> bool:
    """Whether the route server still has a route of the standby."""
    ec2 = stage.cloud.session.client("ec2")
    servers = ec2.describe_route_servers()["RouteServers"]
    routes = [
        route
        for server in servers
        if server["State"] == "available"
        for route in ec2.get_route_server_routing_database(RouteServerId=server["RouteServerId"])["Routes"]
    ]
    return any(route["NextHopIp"] == "10.0.2.10" for route in routes)
