"""Tests what the bench says of its own results: ratios, claims, tables, the pages that quote them."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import pytest

from bench import plots
from bench.__main__ import PAGES, RESULTS
from bench.failing import REPEATS, SIZES, TANDEM
from bench.figures import DEPTHS, claims, depths, own_time_ratio, seconds, start_ratio, times_faster
from bench.month import COUNTED, month, recounted
from bench.report import WAYS, quoted, sections
from bench.units import item_bytes, read_units
from cli.estimate import MINUTES, Share, read_units_beside_looks
from tests.topologies import topology

COUNTS = {
    "look_s": [0.3, 0.5, 0.4],
    "dynamodb": {"Query": 3, "GetItem": 1, "UpdateItem": 2, "PutItem": 1},
    "read_units": 7.5,
}


def row(way: str, size: int, associated: list[float], depth: int = 2) -> dict[str, Any]:
    verified = [took + 0.25 for took in associated]
    return {
        "way": way,
        "addresses": size,
        "associated_s": associated,
        "verified_s": verified,
        "depth_associated": depth,
        "depth_verified": depth + 1,
    }


def results(**changes: Any) -> dict[str, Any]:
    """A run in which everything holds, just."""
    return {
        "machine": {
            "at": "today", "processors": 2, "load": 0.5,
            "architecture": "arm64", "python": "3.13", "boto3": "1",
        },
        "failover": [
            row("tandem", 1, [0.7]),
            row("tandem", 25, [0.9, 1.0, 5.0]),
            row("floor", 25, [0.8]),
            row("one-after-another", 25, [12.0], depth=27),
        ],
        "look": {
            "look_wall_ms": [20.0, 90.0, 10.0], "look_cpu_ms": [9.0],
            "reads_wall_ms": [10.0, 1.0, 30.0], "reads_cpu_ms": [3.0],
        },
        "start_up": [
            {"handler": handler, "bytecode": bytecode, "ms": [ms, ms * 9, ms / 9]}
            for handler, ms in (("bare", 200.0), ("failover", 250.0))
            for bytecode in (True, False)
        ],
        "sweep": [
            {
                "topologies": 10, "ec2_calls": {"DescribeAddresses": 10.0},
                "seconds": [1.0], "cpu_s": [0.5], "peak_mb": 90.0,
            }
        ],
        "month": [
            {"item": "sweeps: looks", "share": "Tandem", "estimated": 1.0, "dollars": 0.5, "counted": True},
            {"item": "alarms", "share": "Tandem", "estimated": 2.0, "dollars": 2.0, "counted": False},
        ],
        **changes,
    }  # fmt: skip


def test_ratios_are_of_medians() -> None:
    assert seconds(results(), "tandem", 25) == 1.0
    assert times_faster(results(), "one-after-another", 25) == 12.0
    assert times_faster(results(), "one-after-another", 1) is None
    assert start_ratio(results(), "failover", bytecode=True) == 1.25
    assert own_time_ratio(results()) == 2.0


def test_a_limit_that_is_just_met_holds() -> None:
    assert [claim.holds for claim in claims(results())] == [True] * 5


@pytest.mark.parametrize(
    ("number", "worse"),
    [
        (0, {"failover": [row("tandem", 1, [0.7], depth=3), row("tandem", 25, [1.0])]}),
        (1, {"failover": [row("tandem", 25, [1.0]), row("one-after-another", 25, [11.9])]}),
        (1, {"failover": [row("tandem", 25, [1.0])]}),
        (2, {"failover": [row("tandem", 25, [1.0]), row("floor", 25, [0.79])]}),
        (2, {"failover": [row("tandem", 25, [1.0])]}),
        (3, {"start_up": [
            {"handler": "bare", "bytecode": True, "ms": [200]},
            {"handler": "failover", "bytecode": True, "ms": [251]},
        ]}),
        (4, {"look": {"look_wall_ms": [20.1], "reads_wall_ms": [10.0]}}),
    ],
)  # fmt: skip
def test_a_miss_is_told(number: int, worse: dict[str, Any]) -> None:
    assert not claims(results(**worse))[number].holds


def test_a_miss_is_seen_in_the_table() -> None:
    table = sections(results(look={**results()["look"], "look_wall_ms": [31.0]}))["claims"]
    assert [line.endswith("**no** |") for line in table.splitlines()[2:]] == [False] * 4 + [True]


def test_every_table_has_as_many_cells_in_each_line() -> None:
    for name, table in sections(results()).items():
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines() if line.startswith("|")}
        assert len(widths) <= 1, name


def test_quoting_replaces_what_was_quoted_before() -> None:
    page = "a\n<!-- bench: one -->\nold\n<!-- /bench -->\nb\n<!-- bench: two -->\n<!-- /bench -->\nc"
    once = quoted(page, {"one": "| 1 |", "two": "| 2 |"})
    assert once == (
        "a\n<!-- bench: one -->\n| 1 |\n<!-- /bench -->\nb\n<!-- bench: two -->\n| 2 |\n<!-- /bench -->\nc"
    )
    assert quoted(once, {"one": "| 1 |", "two": "| 2 |"}) == once
    assert quoted("no marks", {}) == "no marks"
    with pytest.raises(KeyError):
        quoted("<!-- bench: three -->\n<!-- /bench -->", {})


def test_what_was_counted_takes_the_place_of_what_was_assumed() -> None:
    items = {item.name: item.quantity for item in recounted(topology(), COUNTS)}
    assert items["sweeps: looks"] == Decimal("0.4") * MINUTES
    assert items["state table: writes"] == Decimal(3 * MINUTES) / 1_000_000
    beside = read_units_beside_looks(topology())
    assert items["tables: read units"] == (Decimal("7.5") + beside) * MINUTES / 1_000_000


def test_a_look_that_reads_fifty_topologies_is_seen_in_what_it_costs() -> None:
    one, fifty = (month(topology(), {**COUNTS, "read_units": units}) for units in (7.5, 28.5))
    dearer = {row["item"]: row["dollars"] for row in fifty if row not in one}
    assert dearer.keys() == {"tables: read units"}
    assert dearer["tables: read units"] > 1.5 * next(
        row["dollars"] for row in one if row["item"] == "tables: read units"
    )


@pytest.mark.parametrize(
    ("sizes", "consistent", "units"),
    [
        ([], True, 1),  # what is not there is read as well
        ([4096], True, 1),
        ([4097], True, 2),
        ([4097], False, 1),
        ([100], False, 0.5),
        ([1700] * 50, True, 21),  # together, then rounded up
    ],
)
def test_read_units_are_of_four_kilobytes(sizes: list[int], *, consistent: bool, units: float) -> None:
    items = [{"a": {"S": "x" * (size - 1)}} for size in sizes]
    assert read_units("Query", {"ConsistentRead": consistent}, {"Items": items}) == units
    if len(items) == 1:
        assert read_units("GetItem", {"ConsistentRead": consistent}, {"Item": items[0]}) == units
    assert read_units("UpdateItem", {}, {}) == 0


def test_the_size_of_an_item_is_its_names_and_values() -> None:
    item: dict[str, Any] = {
        "id": {"S": "é"},
        "n": {"N": "1234"},
        "on": {"BOOL": True},
        "l": {"L": [{"S": "abc"}, {"M": {}}]},
    }
    assert item_bytes(item) == (2 + 2) + (1 + 4) + (2 + 1) + (1 + 3 + 1 + 3 + 1 + 3)


def test_the_sweep_shows_read_units_once_they_were_counted() -> None:
    [before] = results()["sweep"]
    counted = sections(results(sweep=[{**before, "read_units": 16.0}]))["sweep"].splitlines()
    assert (counted[0].endswith("read units a look |"), counted[2].endswith("| 16 |")) == (True, True)
    assert "read units" not in sections(results())["sweep"]


def test_a_month_is_tandems_own_share_and_says_what_was_counted() -> None:
    rows = month(topology(), COUNTS)
    shares = {row["share"] for row in rows}
    assert shares == {Share.TOPOLOGY.value, Share.STACK.value}
    assert {row["item"] for row in rows if row["counted"]} == set(COUNTED)
    assert all(row["estimated"] == row["dollars"] for row in rows if not row["counted"])


def test_what_is_committed_is_of_this_bench() -> None:
    kept = json.loads(RESULTS.read_text())
    assert {(row["way"], row["addresses"]) for row in kept["failover"]} == {
        (way, size) for way, repeats in REPEATS.items() for size in repeats
    }
    assert set(WAYS) == set(REPEATS)
    assert set(REPEATS[TANDEM]) == set(SIZES)
    assert claims(kept)[0].holds
    assert {depths(kept, "floor", size) for size in SIZES} == {DEPTHS}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_pages_quote_the_results_that_are_committed(page) -> None:
    text = page.read_text()
    assert quoted(text, sections(json.loads(RESULTS.read_text()))) == text


def test_the_page_shows_every_plot() -> None:
    page = PAGES[0]
    shown = set(re.findall(r"\((performance-[a-z-]+\.png)\)", page.read_text()))
    assert shown == {path.name for path in page.parent.glob("performance-*.png")}
    assert len(shown) == 3


def test_the_plots_show_the_floor_and_whose_limit_it_is() -> None:
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))
    (axes,) = plots._failover(kept).axes
    lines: dict[object, Any] = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
    sizes = sorted({r["addresses"] for r in kept["failover"]})
    assert [*lines[plots.LABELS["floor"]]] == [seconds(kept, "floor", size) for size in sizes]
    (axes,) = plots._start_up(kept).axes
    assert "limit for failover: 1.25 times bare" in [text.get_text() for text in axes.texts]
