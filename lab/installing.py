"""`python -m lab.installing FOLDER LOCK MEGABYTES [--upon]`: a virtual environment with what a lock says.

It says how much it fetches and how far it is. It runs on a bare Python: the standard library only.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from lab.patience import announcing
from lab.stopping import stoppable

TERMINAL_SECONDS, LOG_SECONDS = 1.0, 10.0
"""Between two reports: on a terminal, where each replaces the one before, and anywhere else."""

UNITS = {"bytes": 1e-6, "kB": 1e-3, "MB": 1.0, "GB": 1e3}
_LOCKED = re.compile(r"^[A-Za-z0-9][\w.-]*==", re.MULTILINE)
_FETCHED = re.compile(r"\s*Downloading \S+ \((?P<number>[\d.]+) (?P<unit>bytes|kB|MB|GB)\)")


@dataclass
class Progress:
    """Says how far pip is, by the lines that it prints."""

    packages: int
    collected: int = 0
    megabytes: float = 0.0
    is_installing: bool = False
    installed: int = 0
    lines: list[str] = field(default_factory=list)

    def read(self, line: str) -> None:
        self.lines.append(line)
        if line.startswith(("Collecting ", "Requirement already satisfied: ")):
            self.collected += 1
        elif found := _FETCHED.match(line):
            self.megabytes += float(found["number"]) * UNITS[found["unit"]]
        elif line.startswith("Installing collected packages"):
            self.is_installing = True

    def words(self, installed: int, seconds: float) -> str:
        """Says how far it is. A package that pip is replacing is missing for a moment."""
        if self.is_installing:
            self.installed = min(max(self.installed, installed), self.packages)
            return f"installing: {self.installed} of {self.packages} packages, {seconds:.0f} s"
        fetched = f"{self.megabytes:.0f} MB fetched"
        return f"fetching: {self.collected} of {self.packages} packages, {fetched}, {seconds:.0f} s"


def main(arguments: list[str]) -> int:
    folder, lock, megabytes, *options = arguments
    is_upon = options == ["--upon"]
    print(f"== setting up {folder} from {lock} (once; about {megabytes} MB are fetched)", flush=True)
    if not is_upon and (code := _make(folder)):
        print(f"== {folder} could not be made; Debian and Ubuntu have venv in the package python3-venv")
        return code
    return _install(Path(folder), Path(lock))


def _make(folder: str, command: Sequence[str] = (sys.executable, "-m", "venv", "--clear")) -> int:
    with (
        announcing("   making the environment", lambda words: print(words, flush=True)),
        _running([*command, folder], stdout=None) as running,
    ):
        return running.wait()


@contextmanager
def _running(command: Sequence[str | Path], stdout: int | None) -> Iterator[subprocess.Popen[str]]:
    """Runs it until the block ends, with all that it starts, and with temporary files that go with it."""
    with (
        tempfile.TemporaryDirectory(prefix="tandem-setup-", ignore_cleanup_errors=True) as files,
        subprocess.Popen(
            command,
            env=os.environ | {"TMPDIR": files},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT if stdout else None,
            text=True,
            start_new_session=True,  # a Ctrl-C in the terminal is for us
        ) as running,
    ):
        try:
            yield running
        except BaseException:
            with suppress(ProcessLookupError):  # it has just ended by itself
                os.killpg(running.pid, signal.SIGKILL)
            raise


def _install(folder: Path, lock: Path) -> int:
    began = time.monotonic()
    progress = Progress(packages=len(_LOCKED.findall(lock.read_text(encoding="utf-8"))))
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--require-hashes", "--no-deps"]
    with _running([*pip, "--progress-bar", "off", "-r", lock], stdout=subprocess.PIPE) as running:
        reader = threading.Thread(target=_read, args=(running, progress), daemon=True)
        reader.start()
        _report(reader, progress, folder, began)
    if running.returncode:
        print("\n" + "".join(progress.lines[-50:]))
        return running.returncode
    took = time.monotonic() - began
    print(f"   {_installed(folder)} packages, {progress.megabytes:.0f} MB fetched, {took:.0f} s", flush=True)
    return 0


def _read(running: subprocess.Popen[str], progress: Progress) -> None:
    for line in running.stdout or ():
        progress.read(line)


def _report(reader: threading.Thread, progress: Progress, folder: Path, began: float) -> None:
    """Until pip has closed its output."""
    is_terminal = sys.stdout.isatty()
    while reader.is_alive():
        reader.join(TERMINAL_SECONDS if is_terminal else LOG_SECONDS)
        words = progress.words(_installed(folder), time.monotonic() - began)
        if is_terminal:
            print(f"\r\x1b[2K   {words}", end="\r", flush=True)
        elif reader.is_alive():
            print(f"   {words}", flush=True)
    if is_terminal:
        print("\r\x1b[2K", end="")


def _installed(folder: Path) -> int:
    return sum(1 for _ in folder.glob("lib/python*/site-packages/*.dist-info"))


if __name__ == "__main__":
    sys.exit(stoppable(lambda: main(sys.argv[1:])))
