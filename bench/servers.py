"""Two emulators of their own over HTTP: one is EC2, the other holds the tables and the bus."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lab.session import Endpoints

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 10
FUNCTION = {
    "TANDEM_STACK_NAME": "tandem",
    "TANDEM_STATE_TABLE": "tandem-state",
    "TANDEM_AUDIT_TABLE": "tandem-audit",
    "TANDEM_BUS_NAME": "tandem",
    "TANDEM_NOTIFICATION_TOPIC": "arn:aws:sns:us-east-1:123456789012:tandem",
    "TANDEM_FAILOVER_FUNCTION": "failover",
    "TANDEM_SIGNALS_FUNCTION": "signals",
    "TANDEM_PEER_LOG_GROUP": "/tandem/peers",
    "TANDEM_PROVISIONER_ROLE": "provisioner",
    "POWERTOOLS_SERVICE_NAME": "tandem",
    "POWERTOOLS_METRICS_NAMESPACE": "Tandem",
    "POWERTOOLS_LOG_LEVEL": "INFO",
}
"""What the template gives the functions."""


@contextmanager
def emulators() -> Iterator[Endpoints]:
    """Both listen on 127.0.0.1, on ports that were free; both end with the block."""
    with ExitStack() as stack:
        ec2, aws = (stack.enter_context(_emulator()) for _ in range(2))
        yield Endpoints(aws=aws, ec2=ec2)


def environment(endpoints: Endpoints) -> dict[str, str]:
    """Of a process in which a function runs: it finds the emulators, and nothing else."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    paths = os.pathsep.join((str(ROOT), str(ROOT / "layers" / "tandem")))
    return kept | endpoints.environment() | FUNCTION | {"PYTHONPATH": paths}


def run(module: str, arguments: list[str], environment: Mapping[str, str], seconds: float) -> object:
    """What a module, run in a process of its own, prints as JSON in its last line."""
    finished = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=dict(environment),
        stdout=subprocess.PIPE,
        text=True,
        timeout=seconds,
        check=True,
    )
    return json.loads(finished.stdout.splitlines()[-1])


@contextmanager
def _emulator() -> Iterator[str]:
    running = subprocess.Popen(
        [sys.executable, "-m", "lab.ec2", "--instant"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        if running.stdout is None:
            raise RuntimeError("the emulator has no output")
        yield str(json.loads(running.stdout.readline())["url"])
    finally:
        running.terminate()
        running.wait(timeout=STOP_SECONDS)
