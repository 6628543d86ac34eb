"""`python -m lab.demo`: deploy, kill the active appliance, watch the addresses follow the route and come back."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from lab.cloud import Cloud
from lab.deploy import ROOT
from lab.ec2.depth import depth
from lab.levers import Levers
from lab.picture import picture
from lab.queues import Notification
from tandem.audit import Record, problems

EXAMPLE = ROOT / "examples" / "edge.yaml"
RESULT = ROOT / ".lab" / "demo.json"
READ_SECONDS, WRITE_SECONDS = 0.25, 0.4
PATIENCE_SECONDS = 60
STEADY_SECONDS = 8
"""How long the demonstration watches a converged topology being left alone."""

console = Console(highlight=False, soft_wrap=True)


class DemoFailed(Exception):  # noqa: N818 - it ends the demonstration, and says why
    """Something was not as it should be."""


@dataclass
class Timeline:
    """What happened when, in milliseconds since the start of a scene."""

    started: datetime
    entries: list[dict[str, Any]] = field(default_factory=list)

    def add(self, at: datetime, what: str) -> None:
        self.entries.append({"ms": round((at - self.started).total_seconds() * 1000), "what": what})

    def show(self) -> None:
        for entry in sorted(self.entries, key=lambda e: int(e["ms"])):
            console.print(f"  {entry['ms']:>7} ms  {entry['what']}")


@dataclass
class Watcher:
    """Sees when a session goes down and when a route changes its owner, as it happens."""

    levers: Levers
    seen: list[tuple[datetime, str]] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        before = _visible(self.levers.world())
        while not self.stopped.wait(0.02):
            now, at = _visible(self.levers.world()), datetime.now(UTC)
            for what in now:
                if before.get(what) != now[what]:
                    self.seen.append((at, f"{what}: {before.get(what)} → {now[what]}"))
            before = now


def _visible(world: dict[str, Any]) -> dict[str, str]:
    shown: dict[str, str] = {}
    for server in world["route_servers"]:
        for peer in server["peers"]:
            name = f"{peer['appliance']}'s session at {peer['endpoint_name']}"
            shown[f"{name}, BGP"] = peer["bgp"]
        for prefix, owner in server["owners"].items():
            shown[f"route {prefix}"] = owner or "nobody"
    for address in world["elastic_ips"]:
        shown[f"Elastic IP {address['public_ip']}"] = address["appliance"] or "nobody"
    return shown


def main() -> int:
    """Exit code 0 where everything was as it should be."""
    result: dict[str, Any] = {"started_at": datetime.now(UTC).isoformat(), "scenes": {}}
    try:
        with Cloud(edge=True, tell=_step) as cloud:
            _play(cloud, result)
    except DemoFailed as error:
        result["failed"] = str(error)
        console.print(f"\nNOT AS IT SHOULD BE: {error}")
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2), encoding="utf-8")
    console.print(f"\nWritten to {RESULT.relative_to(ROOT)}")
    return 1 if "failed" in result else 0
