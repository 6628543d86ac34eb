"""(e) What the stack itself costs a month: the estimate, with what was counted instead of assumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from statistics import median
from typing import Any

from cli.estimate import (
    LOOK_GB,
    MILLION,
    MINUTES,
    Item,
    Share,
    estimate,
    read_units_beside_looks,
)
from tandem.topology.document import Topology

WRITES = frozenset({"PutItem", "UpdateItem"})
COUNTED = ("sweeps: looks", "state table: writes", "tables: read units")
"""The items that follow from what a look was seen to do."""


def month(topology: Topology, counted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The items of Tandem's own share in dollars: as estimated, and as counted where that was."""
    after = {item.name: item for item in recounted(topology, counted)}
    return [
        {
            "item": item.name,
            "share": item.share.value,
            "estimated": _cents(item),
            "dollars": _cents(after[item.name]),
            "counted": item.name in COUNTED,
        }
        for item in estimate(topology).items
        if item.share is not Share.ROUTE_SERVER
    ]


def recounted(topology: Topology, counted: Mapping[str, Any]) -> tuple[Item, ...]:
    """The estimate's items with the counted quantities. EC2's own calls cost nothing."""
    items = estimate(topology).items
    writes = sum(number for call, number in counted["dynamodb"].items() if call in WRITES)
    units = Decimal(str(counted["read_units"])) + read_units_beside_looks(topology)
    seconds = Decimal(str(median(counted["look_s"])))
    quantities = {
        "sweeps: looks": LOOK_GB * seconds * MINUTES,
        "state table: writes": Decimal(writes * MINUTES) / MILLION,
        "tables: read units": units * MINUTES / MILLION,
    }
    known = {item.name for item in items}
    if not quantities.keys() <= known:
        raise KeyError(f"the estimate has no {sorted(quantities.keys() - known)}")
    return tuple(replace(i, quantity=quantities[i.name]) if i.name in quantities else i for i in items)


def _cents(item: Item) -> float:
    return round(float(item.dollars), 3)
