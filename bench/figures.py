"""Medians, ratios of one run, and whether what must hold does. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

Results = Mapping[str, Any]
CLAIMED_SIZE = 25
LEAST_FASTER, MOST_ABOVE_FLOOR, MOST_START, MOST_OWN_TIME = 12.0, 1.25, 1.25, 2.0
DEPTHS = (2, 3)


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that docs/performance.md promises, as this run shows it."""

    words: str
    value: str
    limit: str
    holds: bool


def seconds(results: Results, way: str, size: int, what: str = "associated") -> float | None:
    """The median; None where this way was not measured at this size."""
    row = _row(results, way, size)
    return None if row is None else float(median(row[f"{what}_s"]))


def depths(results: Results, way: str, size: int) -> tuple[int, int] | None:
    row = _row(results, way, size)
    return None if row is None else (row["depth_associated"], row["depth_verified"])


def times_faster(results: Results, way: str, size: int) -> float | None:
    """How much longer this way takes to associated than Tandem does."""
    theirs, ours = seconds(results, way, size), seconds(results, "tandem", size)
    return None if theirs is None or ours is None else theirs / ours


def start_ms(results: Results, handler: str, *, bytecode: bool) -> float:
    rows = [r for r in results["start_up"] if r["handler"] == handler and r["bytecode"] is bytecode]
    return float(median(rows[0]["ms"]))


def start_ratio(results: Results, handler: str, *, bytecode: bool) -> float:
    """How long a handler takes to start beside a bare one."""
    return start_ms(results, handler, bytecode=bytecode) / start_ms(results, "bare", bytecode=bytecode)


def own_time_ratio(results: Results) -> float:
    """How long a whole look takes beside its bare reads."""
    return float(median(results["look"]["look_wall_ms"]) / median(results["look"]["reads_wall_ms"]))


def claims(results: Results) -> tuple[Claim, ...]:
    """In the order in which the page shows them."""
    sizes = sorted({row["addresses"] for row in results["failover"]})
    seen = {depths(results, "tandem", size) for size in sizes}
    faster = times_faster(results, "one-after-another", CLAIMED_SIZE) or 0.0
    above = [1 / times for size in sizes if (times := times_faster(results, "floor", size))]
    start, own = start_ratio(results, "failover", bytecode=True), own_time_ratio(results)
    return (
        Claim(
            f"round trips to associated and to verified, for {sizes[0]} to {sizes[-1]} addresses",
            "; ".join(f"{a} and {v}" for a, v in sorted(d for d in seen if d)),
            f"{DEPTHS[0]} and {DEPTHS[1]}",
            seen == {DEPTHS},
        ),
        Claim(
            f"to associated, one call after another beside Tandem, {CLAIMED_SIZE} addresses",
            f"{faster:.1f} times",
            f"at least {LEAST_FASTER:g}",
            faster >= LEAST_FASTER,
        ),
        Claim(
            f"to associated, Tandem beside the floor, {sizes[0]} to {sizes[-1]} addresses",
            f"{min(above):.2f} to {max(above):.2f} times" if above else "not measured",
            f"at most {MOST_ABOVE_FLOOR:g}",
            bool(above) and max(above) <= MOST_ABOVE_FLOOR,
        ),
        Claim(
            "start of `failover` beside a bare handler, both with bytecode",
            f"{start:.2f} times",
            f"at most {MOST_START:g}",
            start <= MOST_START,
        ),
        Claim(
            "a whole look beside its five bare reads, no latency",
            f"{own:.2f} times",
            f"at most {MOST_OWN_TIME:g}",
            own <= MOST_OWN_TIME,
        ),
    )


def _row(results: Results, way: str, size: int) -> Mapping[str, Any] | None:
    rows = [r for r in results["failover"] if (r["way"], r["addresses"]) == (way, size)]
    return rows[0] if rows else None
