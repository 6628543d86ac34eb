"""Starts the lab's servers and ends them, whatever becomes of the process that wanted them.

It reads its standard input. When that ends, so has the process, by its own will or by SIGKILL: the servers,
and everything that they have started, are ended, their files removed.
"""

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

GRACE_SECONDS = 5.0
_POLL_SECONDS = 0.2
_LOG_END_CHARACTERS = 4000
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Server:
    """One server: what to run, and with which environment (nothing is inherited)."""

    name: str
    argv: tuple[str, ...]
    environment: dict[str, str]
    cwd: str


@dataclass(frozen=True, slots=True)
class Orders:
    """Holds what one guardian looks after; `directory` is removed in the end."""

    directory: Path
    servers: tuple[Server, ...]

    def to_json(self) -> str:
        servers = [
            {"name": s.name, "argv": s.argv, "environment": s.environment, "cwd": s.cwd} for s in self.servers
        ]
        return json.dumps({"directory": str(self.directory), "servers": servers})

    @classmethod
    def from_json(cls, text: str) -> Self:
        raw: dict[str, Any] = json.loads(text)
        servers = tuple(
            Server(name=s["name"], argv=tuple(s["argv"]), environment=s["environment"], cwd=s["cwd"])
            for s in raw["servers"]
        )
        return cls(directory=Path(raw["directory"]), servers=servers)


def log_file(directory: Path, name: str) -> Path:
    return directory / f"{name}.log"


def pid_file(directory: Path) -> Path:
    return directory / "guardian.pid"


def main() -> int:
    if not (line := sys.stdin.readline()):  # whoever started it was stopped before it could say what for
        return 0
    orders = Orders.from_json(line)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pid_file(orders.directory).write_text(str(os.getpid()))
    running: list[subprocess.Popen[bytes]] = []
    try:
        running.extend(_start(server, orders.directory) for server in orders.servers)
        return _watch(orders, running)
    finally:
        _end(running)
        shutil.rmtree(orders.directory, ignore_errors=True)


def _start(server: Server, directory: Path) -> subprocess.Popen[bytes]:
    """A process group of its own, so that ending it ends the Lambda workers in it as well."""
    with log_file(directory, server.name).open("wb") as log:
        return subprocess.Popen(
            server.argv,
            env=server.environment,
            cwd=server.cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 one thread here
        )


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _watch(orders: Orders, running: list[subprocess.Popen[bytes]]) -> int:
    """Until the end of input (0), or until a server ends by itself (1): a lab is whole or it is not."""
    while True:
        readable, _, _ = select.select([sys.stdin], [], [], _POLL_SECONDS)
        if readable and not os.read(sys.stdin.fileno(), 1024):
            return 0
        for server, process in zip(orders.servers, running, strict=True):
            if process.poll() is not None:
                end = log_file(orders.directory, server.name).read_text(errors="replace")[
                    -_LOG_END_CHARACTERS:
                ]
                sys.stderr.write(f"lab: {server.name} ended by itself ({process.returncode}):\n{end}\n")
                return 1


def _end(running: list[subprocess.Popen[bytes]]) -> None:
    for server in running:
        _signal_group(server.pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    for server in running:
        try:
            server.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            continue
    for server in running:
        _signal_group(server.pid, signal.SIGKILL)
        server.wait()


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    sys.exit(main())
