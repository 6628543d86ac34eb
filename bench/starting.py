"""(c) Start-up of each handler beside a bare one, in fresh processes, with bytecode and without.

The packages are copied from this environment: those of the layer for a handler, with the models that its
Makefile keeps, and those of the Lambda runtime for the bare one. For bytecode they are compiled as that
Makefile does; a function's own file never has bytecode.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.servers import ROOT

SDK = ("botocore", "dateutil", "urllib3", "six", "jmespath")
RUNTIME = (*SDK, "boto3", "s3transfer")
LAYER = (
    *SDK, "aws_lambda_powertools", "jsonschema", "attr", "attrs", "pyrsistent", "_pyrsistent_version",
    "typing_extensions", "tandem",
)  # fmt: skip
BARE = "bare"
BARE_HANDLER = """import boto3

ec2 = boto3.client("ec2")


def handler(event, context):
    return None
"""
TIMED = """import sys, time
sys.path[:0] = sys.argv[1:]
started = time.process_time()
import app
print(time.process_time() - started)
"""
REPEATS = 15
SECONDS = 60


def measure(environment: Mapping[str, str], say: Callable[[str], None]) -> list[dict[str, Any]]:
    """One row for each handler, with bytecode and without; all take turns."""
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as name:
        root = Path(name)
        handlers = {BARE: _bare(root)} | {p.parent.name: p.parent for p in _functions()}
        rows: dict[tuple[str, bool], list[float]] = {(h, b): [] for h in handlers for b in (False, True)}
        runtime = {b: _packages(root / f"runtime-{b}", RUNTIME, compiled=b) for b in (False, True)}
        layer = {b: _packages(root / f"layer-{b}", LAYER, compiled=b) for b in (False, True)}
        for folder in layer.values():
            _keep_models(folder / "botocore" / "data")
        for number in range(REPEATS):
            for (handler, bytecode), took in rows.items():
                packages = runtime if handler == BARE else layer
                seconds = _start(handlers[handler], packages[bytecode], environment)
                took.append(round(seconds * 1000, 1))
            say(f"start-up, {number + 1} of {REPEATS}")
    return [{"handler": h, "bytecode": b, "ms": took} for (h, b), took in rows.items()]


def _functions() -> list[Path]:
    return sorted((ROOT / "functions").glob("*/app.py"))


def _bare(root: Path) -> Path:
    folder = root / BARE
    folder.mkdir()
    (folder / "app.py").write_text(BARE_HANDLER)
    return folder


def _packages(target: Path, names: Iterable[str], *, compiled: bool) -> Path:
    """The packages in one folder. What is no code (botocore's 25 MB of API models) is linked, not copied."""
    target.mkdir()
    for name in names:
        found = importlib.util.find_spec(name)
        if found is None or found.origin is None:
            raise ModuleNotFoundError(name)
        origin = Path(found.origin)
        if origin.name == "__init__.py":
            shutil.copytree(
                origin.parent, target / name, ignore=shutil.ignore_patterns("__pycache__", "data")
            )
            if (data := origin.parent / "data").exists():
                shutil.copytree(data, target / name / "data", copy_function=os.symlink)
        else:
            shutil.copy(origin, target)
    if compiled:
        command = [sys.executable, "-m", "compileall", "-qq", "-j", "0"]
        subprocess.run([*command, "--invalidation-mode", "unchecked-hash", str(target)], check=True)
    return target


def _keep_models(data: Path) -> None:
    """Leaves the models that the layer has, by its Makefile's own rule."""
    command = ["make", "--silent", "models", f"DATA={data}"]
    subprocess.run(command, cwd=ROOT / "layers" / "tandem", timeout=SECONDS, check=True)


def _start(handler: Path, packages: Path, environment: Mapping[str, str]) -> float:
    """Processor seconds that a fresh interpreter takes to import the handler; it writes no bytecode.

    Whoever else uses the machine is not in them. Reading the files is not either: they are in memory by then.
    """
    finished = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", TIMED, str(handler), str(packages)],
        env={name: value for name, value in environment.items() if name != "PYTHONPATH"},
        cwd=packages,
        stdout=subprocess.PIPE,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    return float(finished.stdout)
