"""A scene of the demonstration: the deployed provisioner makes a route server, and then leaves it alone."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from lab.demands import changes, counted, expected, missing
from lab.sightings import Sighting, parts, watching
from lab.stage import GLANCE_SECONDS, PATIENCE_SECONDS, DemoFailed, Stage, console, say

TANDEM = Path(sys.executable).with_name("tandem")
STEADY_SECONDS = 6
"""How long what has converged is watched being left alone: longer than the watch's period."""

KINDS = ("route server", "association", "endpoint", "propagation", "peer", "session", "route")
TOGETHER = timedelta(seconds=0.5)
"""What comes into the same state so soon after one another is shown in one line."""

Line = tuple[datetime, str]


def made(stage: Stage, document: Mapping[str, Any], meanwhile: Callable[[], object]) -> dict[str, Any]:
    """Applies the document, and shows what is made until the provisioner says that it is complete.

    It mostly waits for AWS: `meanwhile` is done beside it.
    """
    since, shown = stage.last_request(), list[Line]()
    with (
        watching(stage.cloud.levers, parts, glance_seconds=GLANCE_SECONDS) as sightings,
        ThreadPoolExecutor(max_workers=1) as beside,
    ):
        said = _apply(stage, document)
        stage.wait("stored", lambda: stage.event("Topology Change") is not None)
        began = _time_of(stage, "Topology Change")
        say("the provisioner makes it; what AWS shows, and when since the document was stored")

        def gaps() -> list[str]:
            return missing(document, stage.cloud.levers.world())

        def is_completed() -> bool:
            _show(lines(sightings.seen), shown, began, until=datetime.now(UTC) - TOGETHER)
            return _has_completed(stage)

        stage.wait("begun", lambda: _has_completed(stage) or bool(sightings.seen))
        other = beside.submit(meanwhile)
        stage.wait("provisioned", is_completed)
        stage.wait("as it is written", lambda: not gaps(), why=gaps)
        other.result()
    _show(lines(sightings.seen), shown, began)
    figures, asked = _figures(stage), changes(stage.cloud.levers.requests(since))
    completed = (
        f"Provisioning Completed: {figures['endpoints']} endpoints, {figures['peers']} peers, "
        f"{figures['subscriptions']} subscriptions, {figures['log_deliveries']} log deliveries; "
        f"{sum(asked.values())} changes in EC2"
    )
    _show([*shown, (_time_of(stage, "Provisioning Completed"), completed)], shown, began)
    if asked != expected(document):
        raise DemoFailed(f"EC2 was asked to change {dict(asked)} instead of {dict(expected(document))}")
    if figures != counted(document):
        raise DemoFailed(f"there are {figures} instead of {counted(document)}")
    return {
        "output": said,
        "timeline": [{"ms": _ms(at - began), "what": what} for at, what in shown],
        "milliseconds": _ms(shown[-1][0] - began),
        "changes": dict(asked),
        "made": figures,
        "completed": stage.event("Provisioning Completed"),
    }


def at_rest(stage: Stage, document: Mapping[str, Any]) -> dict[str, Any]:
    """Applies and refreshes the same once more. Raises DemoFailed where anything is changed by that."""
    say(f"the same again: applied, refreshed, and {STEADY_SECONDS} s of looks; nothing may be changed")
    since, before, began = stage.last_request(), _figures(stage), time.monotonic()
    stored = stage.cloud.state("topology", "edge")
    said = _apply(stage, document)
    stage.cloud.invoke("ProvisionerFunction", {"action": "refresh", "topology": "edge"})
    stage.cloud.invoke("SignalsFunction", {"tandem": "sweep"})
    time.sleep(max(0.0, began + STEADY_SECONDS - time.monotonic()))
    requests = stage.cloud.levers.requests(since)
    changed = changes(requests)
    who = " and ".join(sorted(stage.holders()))
    reads = len(requests) - changed.total()
    console.print(f"  {reads} EC2 reads, {changed.total()} changes; every address is with {who}")
    is_same = (before, stored) == (_figures(stage), stage.cloud.state("topology", "edge"))
    if changed or not reads or not is_same or who != "fw1":
        raise DemoFailed(f"what had converged was not left alone, or nobody looked at it: {dict(changed)}")
    return {"output": said, "reads": reads, "changes": changed.total()}


def lines(seen: Sequence[Sighting]) -> list[Line]:
    """In words; what several of a kind do together is one line, at the time of the first."""
    groups: list[tuple[Sighting, str, list[str]]] = []
    for sighting in seen:
        kind = next((kind for kind in KINDS if sighting.what.startswith(f"{kind} ")), None)
        if kind is None or (sighting.before, sighting.now) == ("unknown", "down"):
            continue
        name = sighting.what.removeprefix(f"{kind} ")
        for first, of_kind, names in groups:
            if (of_kind, first.now) == (kind, sighting.now) and sighting.at - first.at < TOGETHER:
                names.append(name)
                break
        else:
            groups.append((sighting, kind, [name]))
    return [
        (first.at, f"{kind}{'s' if len(names) > 1 else ''} {', '.join(names)}: {first.now}")
        for first, kind, names in groups
    ]


def _has_completed(stage: Stage) -> bool:
    """Raises DemoFailed where provisioning has failed."""
    failed = stage.event("Provisioning Failed")
    if failed is not None:
        raise DemoFailed(f"provisioning failed: {failed['reason']}")
    return stage.event("Provisioning Completed") is not None


def _apply(stage: Stage, document: Mapping[str, Any]) -> list[str]:
    """The real command; returns what it said. Raises DemoFailed."""
    file = stage.cloud.directory / "edge.yaml"
    file.write_text(yaml.safe_dump(dict(document), sort_keys=False), encoding="utf-8")
    ran = subprocess.run(
        [TANDEM, "apply", file, "--yes"],
        env=stage.cloud.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    console.print("  " + (ran.stdout + ran.stderr).strip().replace("\n", "\n  "))
    if ran.returncode != 0:
        raise DemoFailed(f"tandem apply ended with {ran.returncode}")
    return ran.stdout.splitlines()


def _figures(stage: Stage) -> dict[str, int]:
    """Returns how much there is of what Tandem makes."""
    (server,) = stage.cloud.levers.world()["route_servers"]
    topic = stage.cloud.session.client("sns").list_subscriptions_by_topic(TopicArn=server["topic_arn"])
    deliveries = stage.cloud.session.client("logs").describe_deliveries()
    return {
        "endpoints": len(server["endpoints"]),
        "peers": len(server["peers"]),
        "subscriptions": len(topic["Subscriptions"]),
        "log_deliveries": len(deliveries["deliveries"]),
    }


def _show(found: Sequence[Line], shown: list[Line], began: datetime, until: datetime | None = None) -> None:
    """Prints what was not shown yet."""
    for at, words in found[len(shown) :]:
        if until is not None and at > until:
            return
        console.print(f"  {(at - began).total_seconds():>5.1f} s  {words}")
        shown.append((at, words))


def _time_of(stage: Stage, detail_type: str) -> datetime:
    return datetime.fromisoformat((stage.event(detail_type) or {})["occurred_at"])


def _ms(duration: timedelta) -> int:
    return round(duration.total_seconds() * 1000)
