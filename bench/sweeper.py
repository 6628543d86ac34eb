"""As a program: a process of its own that sweeps the topologies that are named, and says what it took."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.function import Failover, sweep


def main(passes: int, names: Sequence[str]) -> None:
    """Looks at each of them in turn, as one warm function; a real stack looks at them side by side."""
    function = Failover(os.environ)
    took, cpu = [], []
    for number in range(1 + passes):
        function.table_calls.clear()
        started, busy = time.perf_counter(), time.process_time()
        for name in names:
            function.invoke(sweep(name))
        if number:
            took.append(round(time.perf_counter() - started, 4))
            cpu.append(round(time.process_time() - busy, 4))
    changed = [r.topology for r in function.reports if any(d.action != "no-change" for d in r.decisions)]
    if changed:
        raise RuntimeError(f"not converged: {changed}")
    units = sum(call.read_units for call in function.table_calls) / len(names)
    peak = round(_peak_kb() / 1024, 1)
    print(json.dumps({"seconds": took, "cpu_s": cpu, "peak_mb": peak, "read_units": round(units, 1)}))


def _peak_kb() -> int:
    """Of this program alone; getrusage's begins with that of the process that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
