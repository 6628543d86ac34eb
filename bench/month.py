"""(e) What the stack itself costs a month: the estimate, with what was counted instead of assumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from statistics import median
from typing import Any

from tandem.estimate import (
    LOOK_GB,
    MILLION,
    MINUTES,
    WATCH_READS_A_MINUTE,
    Estimate,
    Item,
    Share,
    estimate,
)
from tandem.topology import Topology

READS = frozenset({"Query", "GetItem", "BatchGetItem"})
COUNTED = ("sweeps: looks", "state table: writes", "state table: reads")
"""The items that follow from what a look was seen to do."""


def month(topology: Topology, counted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The items of Tandem's own share in dollars: as estimated, and as counted where that was."""
    before = estimate(topology)
    after = {item.name: item for item in recounted(before, counted)}
    return [
        {
            "item": item.name,
            "share": item.share.value,
            "estimated": _cents(item),
            "dollars": _cents(after[item.name]),
            "counted": item.name in COUNTED,
        }
        for item in before.items
        if item.share is not Share.ROUTE_SERVER
    ]


def recounted(whole: Estimate, counted: Mapping[str, Any]) -> tuple[Item, ...]:
    """The estimate's items with the counted quantities. EC2's own calls cost nothing."""
    calls: Mapping[str, int] = counted["dynamodb"]
    reads = sum(number for call, number in calls.items() if call in READS)
    writes = sum(calls.values()) - reads
    seconds = Decimal(str(median(counted["look_s"])))
    quantities = {
        "sweeps: looks": LOOK_GB * seconds * MINUTES,
        "state table: writes": Decimal(writes * MINUTES) / MILLION,
        "state table: reads": Decimal((reads + WATCH_READS_A_MINUTE) * MINUTES) / MILLION,
    }
    known = {item.name for item in whole.items}
    if not quantities.keys() <= known:
        raise KeyError(f"the estimate has no {sorted(quantities.keys() - known)}")
    return tuple(replace(i, quantity=quantities[i.name]) if i.name in quantities else i for i in whole.items)


def _cents(item: Item) -> float:
    return round(float(item.dollars), 3)
