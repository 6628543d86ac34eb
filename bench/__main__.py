"""`python -m bench`: measures, writes bench/results.json, the tables of the pages and the plots, prints all.

It exits with 0 even where something that must hold does not: on a busy machine that says nothing.
"""

from __future__ import annotations

import json
import os
import platform
import time
from datetime import UTC, datetime
from typing import Any

import boto3

from bench import failing, looking, starting, sweeping
from bench.figures import claims
from bench.function import Failover
from bench.month import month
from bench.plots import draw
from bench.report import quoted, sections
from bench.servers import ROOT, emulators, environment
from bench.world import build
from tandem.topology.document import parse_topology

RESULTS = ROOT / "bench" / "results.json"
PAGES = (ROOT / "docs" / "performance.md",)


def main() -> None:
    started = time.monotonic()
    results = measure()
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    tables = sections(results)
    for page in PAGES:
        before = page.read_text()
        if (after := quoted(before, tables)) != before:
            page.write_text(after)
    draw(results, ROOT / "docs")
    print(*(f"\n{table}" for table in tables.values()), sep="\n")
    missed = [claim for claim in claims(results) if not claim.holds]
    for claim in missed:
        print(f"\nDOES NOT HOLD: {claim.words}: {claim.value}, must be {claim.limit}")
    print(f"\n{len(claims(results)) - len(missed)} of {len(claims(results))} hold; {_took(started)}")


def measure() -> dict[str, Any]:
    """All parts, one after another, each with the machine to itself."""
    machine = _machine()
    with emulators() as endpoints:
        variables = environment(endpoints)
        world = build(endpoints)
        function = Failover(variables)
        failover = failing.measure(world, function, _say)
        look = looking.measure(world, function)
        counted = looking.calls(world, function)
        topology = parse_topology(world.document("edge", looking.ADDRESSES), version=1)
        sweep = sweeping.measure(world, variables, _say)
    return {
        "machine": machine,
        "failover": failover,
        "look": look,
        "calls": counted,
        "sweep": sweep,
        "month": month(topology, counted),
        "start_up": starting.measure(variables, _say),
    }


def _machine() -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processors": os.cpu_count(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "boto3": boto3.__version__,
        "load": round(os.getloadavg()[0], 2),
    }


def _say(words: str) -> None:
    print(words, flush=True)


def _took(started: float) -> str:
    return f"{time.monotonic() - started:.0f} s in all"


if __name__ == "__main__":
    main()
