"""The results in words: Markdown that docs/performance.md quotes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from bench.figures import (
    Results,
    claims,
    depths,
    own_time_ratio,
    seconds,
    start_ms,
    start_ratio,
    times_faster,
)

WAYS = {
    "tandem": "**Tandem**",
    "floor": "the floor",
    "one-after-another": "one call after another",
    "describing-each": "the same, describing each address first",
    "disassociating-first": "the same, disassociating each address first",
}
FLOOR = "floor"
SCRIPTS = {way: words for way, words in WAYS.items() if way not in ("tandem", FLOOR)}
NOT_RUN = "not run"
BEGIN, END = "<!-- bench: {} -->", "<!-- /bench -->"


def sections(results: Results) -> dict[str, str]:
    """Every table by the name that a page quotes it under."""
    return {
        "claims": _claims(results),
        "failover": _failover(results),
        "look": _look(results),
        "start-up": _start_up(results),
        "sweep": _sweep(results),
        "month": _month(results),
        "machine": _machine(results),
    }


def quoted(page: str, tables: Mapping[str, str]) -> str:
    """The page with each table between its marks replaced; a name that nobody knows is a KeyError."""
    begin, after = BEGIN.split("{}")
    parts = page.split(begin)
    done = [parts[0]]
    for part in parts[1:]:
        name, rest = part.split(after, 1)
        done.append(f"{name}{after}\n{tables[name]}\n{END}{rest.split(END, 1)[1]}")
    return begin.join(done)


def _claims(results: Results) -> str:
    rows = [[c.words, c.value, c.limit, "yes" if c.holds else "**no**"] for c in claims(results)]
    return _table(["in this run", "measured", "must be", "holds"], rows)


def _failover(results: Results) -> str:
    sizes = sorted({row["addresses"] for row in results["failover"]})
    head = ["to associated, seconds (round trips)", *(str(size) for size in sizes)]
    rows = [
        [words, *(_cell(results, way, size, "associated", 0) for size in sizes)]
        for way, words in WAYS.items()
    ]
    rows.append(["Tandem, to verified", *(_cell(results, "tandem", size, "verified", 1) for size in sizes)])
    above = [times_faster(results, FLOOR, size) for size in sizes]
    rows.append(
        ["Tandem, times as long as the floor", *(NOT_RUN if r is None else f"{1 / r:.2f}" for r in above)]
    )
    for way, words in SCRIPTS.items():
        ratios = [times_faster(results, way, size) for size in sizes]
        rows.append(
            [f"times as long as Tandem: {words}", *(NOT_RUN if r is None else f"{r:.1f}" for r in ratios)]
        )
    return _table(head, rows)


def _cell(results: Results, way: str, size: int, what: str, index: int) -> str:
    took, trips = seconds(results, way, size, what), depths(results, way, size)
    return NOT_RUN if took is None or trips is None else f"{took:.2f} ({trips[index]})"


def _look(results: Results) -> str:
    look = results["look"]
    rows = [
        [words, *(f"{median(look[f'{name}_{what}_ms']):.0f} ms" for what in ("wall", "cpu"))]
        for words, name in (("a whole look", "look"), ("its five reads, by bare boto3", "reads"))
    ]
    cpu = median(look["look_cpu_ms"]) / median(look["reads_cpu_ms"])
    rows.append(["ratio", f"{own_time_ratio(results):.2f}", f"{cpu:.2f}"])
    return _table(["no latency injected", "elapsed", "processor time of the function"], rows)


def _start_up(results: Results) -> str:
    handlers = list(dict.fromkeys(row["handler"] for row in results["start_up"]))
    rows = [
        [
            f"`{handler}`" if handler != "bare" else '`boto3.client("ec2")` and nothing else',
            *_start(results, handler),
        ]
        for handler in handlers
    ]
    return _table(["handler", "with bytecode", "ratio", "without", "ratio"], rows)


def _start(results: Results, handler: str) -> list[str]:
    return [
        cell
        for bytecode in (True, False)
        for cell in (
            f"{start_ms(results, handler, bytecode=bytecode):.0f} ms",
            f"{start_ratio(results, handler, bytecode=bytecode):.2f}",
        )
    ]


def _sweep(results: Results) -> str:
    rows = []
    for row in results["sweep"]:
        took, size = median(row["seconds"]), row["topologies"]
        calls = sum(row["ec2_calls"].values())
        most = max(row["ec2_calls"].values())
        look = f"{took / size * 1000:.0f} ms"
        busy = f"{median(row['cpu_s']) / size * 1000:.0f} ms"
        peak = f"{row['peak_mb']:.0f} MB"
        units = [f"{row['read_units']:g}"] if "read_units" in row else []
        rows.append([str(size), f"{calls:g}", f"{most:g}", f"{took:.2f} s", look, busy, peak, *units])
    head = [
        "topologies",
        "EC2 calls",
        "of any one action",
        "one after another",
        "a look",
        "of it processor time",
        "peak memory",
        "read units a look",
    ]
    return _table(head[: len(rows[0])], rows)


def _month(results: Results) -> str:
    rows = [
        [
            row["item"],
            row["share"],
            f"${row['estimated']:.2f}",
            f"${row['dollars']:.2f}" if row["counted"] else "",
        ]
        for row in results["month"]
    ]
    sums = [sum(row[key] for row in results["month"]) for key in ("estimated", "dollars")]
    rows.append(["**sum**", "", *(f"**${number:.2f}**" for number in sums)])
    return _table(["a month, us-east-1, list prices", "", "estimated", "from what was counted"], rows)


def _machine(results: Results) -> str:
    machine = results["machine"]
    return (
        f"{machine['at']}: {machine['processors']} processors, {machine['architecture']}, Python "
        f"{machine['python']}, boto3 {machine['boto3']}; load when it began: {machine['load']:.1f}."
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
