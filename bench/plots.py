"""The plots of docs/performance.md, as PNG."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from bench.figures import MOST_START, Results, start_ms

OURS, OTHERS, INK = "#b3470b", ("#33658a", "#6b8f71", "#7d6b91"), "#333333"
DPI = 160
LABELS = {
    "disassociating-first": "disassociate first",
    "describing-each": "describe each first",
    "one-after-another": "one after another",
    "tandem": "Tandem",
    "floor": "the floor: the same calls, nothing else",
}


def draw(results: Results, folder: Path) -> tuple[Path, ...]:
    """Writes all of them; returns where."""
    with mpl.rc_context(
        {
            "font.size": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": "#888888",
            "axes.labelcolor": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "text.color": INK,
            "axes.titleweight": "bold",
            "axes.titlesize": 11,
            "axes.titlelocation": "left",
        }
    ):
        drawn = {
            "performance-failover.png": _failover(results),
            "performance-start-up.png": _start_up(results),
            "performance-sweep.png": _sweep(results),
        }
        for name, figure in drawn.items():
            figure.savefig(folder / name, dpi=DPI, metadata={"Software": None})
            plt.close(figure)
    return tuple(folder / name for name in drawn)


def _failover(results: Results) -> Figure:
    figure, axes = plt.subplots(figsize=(7.2, 4.2), layout="constrained")
    colours = dict(zip(LABELS, (*OTHERS, OURS, INK), strict=True))
    for way, label in LABELS.items():
        rows = [r for r in results["failover"] if r["way"] == way]
        sizes, took = [r["addresses"] for r in rows], [median(r["associated_s"]) for r in rows]
        is_floor, width = way == "floor", 2.6 if way == "tandem" else 1.6
        axes.plot(
            sizes, took, marker=None if is_floor else "o", markersize=5, color=colours[way], linewidth=width,
            linestyle=(0, (2, 1.5)) if is_floor else "-", label=label,
        )  # fmt: skip
        shown = f"{took[-1]:.2f} s" if took[-1] < 1 else f"{took[-1]:.1f} s"
        _beside(axes, shown, sizes[-1], took[-1], colours[way], lift={"tandem": 5, "floor": -5}.get(way, 0))
    sizes = sorted({r["addresses"] for r in results["failover"]})
    axes.set(xscale="log", yscale="log", xlabel="Elastic IPs", ylabel="seconds from signal to associated")
    axes.set_title("All addresses moved; EC2 takes 250 ms to read, 400 ms to move")
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.set_yticks([0.5, 1, 2, 5, 10, 20, 40], ["0.5", "1", "2", "5", "10", "20", "40"])
    _plain(axes)
    axes.set_xlim(0.93, 70)
    axes.legend(frameon=False, loc="upper left", fontsize=9.5)
    return figure


def _start_up(results: Results) -> Figure:
    figure, axes = plt.subplots(figsize=(7.2, 3.6), layout="constrained")
    handlers = list(dict.fromkeys(row["handler"] for row in results["start_up"]))[::-1]
    for offset, bytecode, colour in ((0.2, True, OURS), (-0.2, False, "#c9c4bd")):
        took = [start_ms(results, handler, bytecode=bytecode) for handler in handlers]
        places = [n + offset for n in range(len(handlers))]
        axes.barh(places, took, 0.36, color=colour, label="with bytecode" if bytecode else "without")
        inside = "white" if bytecode else INK
        for place, ms in zip(places, took, strict=True):  # at the bar's beginning, where no limit is near
            axes.annotate(
                f"{ms:.0f}", (0, place), (5, 0),
                textcoords="offset points", fontsize=8.5, va="center", color=inside,
            )  # fmt: skip
    limit = MOST_START * start_ms(results, "bare", bytecode=True)
    axes.axvline(limit, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.annotate(
        f"limit for failover: {MOST_START:g} times bare", (limit, len(handlers) - 0.42), (4, 0),
        textcoords="offset points", fontsize=8.5, va="bottom",
    )  # fmt: skip
    axes.set_yticks(range(len(handlers)), ["bare boto3 client" if h == "bare" else h for h in handlers])
    axes.tick_params(axis="y", length=0)
    axes.set(xlabel="milliseconds of processor time to import the handler in a fresh process")
    axes.set_title("Start-up of each function", pad=16)
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 0.99), ncols=2, fontsize=9)
    return figure


def _sweep(results: Results) -> Figure:
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.2), layout="constrained")
    rows = results["sweep"]
    sizes = [r["topologies"] for r in rows]
    look = [median(r["seconds"]) / r["topologies"] * 1000 for r in rows]
    series = ((left, look, "milliseconds"), (right, [r["peak_mb"] for r in rows], "MB"))
    for axes, values, unit in series:
        axes.plot(sizes, values, marker="o", color=OURS, linewidth=2, clip_on=False)
        for size, value in zip(sizes, values, strict=True):
            axes.annotate(
                f"{value:.0f}", (size, value), (0, 7), textcoords="offset points", ha="center", fontsize=9
            )
        axes.set(
            xlabel="topologies of 4 groups, 20 Elastic IPs",
            ylabel=unit,
            ylim=(0, max(values) * 1.25),
            xlim=(-2, 54),
        )
        axes.set_xticks(sizes)
    left.set_title("One look, no latency")
    right.set_title("Peak memory of the process")
    return figure


def _beside(axes: Axes, words: str, x: float, y: float, colour: str, lift: float = 0) -> None:
    axes.annotate(
        words, (x, y), (8, lift), textcoords="offset points", va="center", color=colour, fontsize=9.5
    )


def _plain(axes: Axes) -> None:
    """Only the named ticks, with lines that the eye can follow to them."""
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
    axes.grid(axis="y", color="#e6e2dc", linewidth=0.8)
    axes.set_axisbelow(True)
