"""The processes in which ministack runs the functions, for tests that kill one in the middle of its work."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = "_worker.py"


@dataclass(frozen=True, slots=True)
class Worker:
    """One process of one function. It serves one invocation at a time and is used again."""

    pid: int
    function: str

    def kill(self) -> None:
        """As when a Lambda environment is lost: no goodbye, the invocation under way fails."""
        os.kill(self.pid, signal.SIGKILL)


def workers(temporary: Path, function: str) -> list[Worker]:
    """ministack 1.5.33 runs `<temporary>/ministack-lambda-<function>-<random>/_worker.py`."""
    return [
        Worker(pid=pid, function=function)
        for pid, script in _scripts()
        if script.name == _SCRIPT
        and script.parent.parent == temporary
        and script.parent.name.rpartition("-")[0] == f"ministack-lambda-{function}"
    ]


def _scripts() -> Iterator[tuple[int, Path]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                arguments = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if len(arguments) > 1:
                yield int(entry.name), Path(os.fsdecode(arguments[1]))
