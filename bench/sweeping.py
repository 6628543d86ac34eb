"""(d) The sweep over many topologies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from bench.servers import run
from bench.world import STATE, World

PASSES = {1: 20, 10: 4, 50: 3}
"""How often so many topologies are swept, after a pass that is not counted."""

GROUPS, ADDRESSES = 4, 20
"""Of each topology: with 50 of them, 200 groups and 1,000 addresses to look at."""

SECONDS = 120


def measure(world: World, environment: Mapping[str, str], say: Callable[[str], None]) -> list[dict[str, Any]]:
    """One row for each number of topologies. They share one route server and its addresses."""
    world.tables.delete_item(TableName=STATE, Key={"kind": {"S": "topology"}, "id": {"S": "bench"}})
    rows: list[dict[str, Any]] = []
    names: list[str] = []
    for size, passes in PASSES.items():
        for number in range(len(names), size):
            names.append(f"edge-{number:02}")
            world.store(world.document(names[-1], ADDRESSES, GROUPS))
        before = world.last_request()
        told: Any = run("bench.sweeper", [str(passes), *names], environment, SECONDS)
        calls = Counter(r["action"] for r in world.levers.requests(before))
        per_pass = {action: count / (1 + passes) for action, count in sorted(calls.items())}
        rows.append({"topologies": size, "ec2_calls": per_pass, **told})
        say(f"sweep of {size} topologies: {told['seconds'][-1]:.2f} s")
    return rows
