"""Refuses a `make clean` while a lab or a demo is up in this checkout: it would remove their files.

It runs on a bare Python, since the environment may be half made: the standard library only.
"""

from __future__ import annotations

import fcntl
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / ".lab"


def main(folder: Path = FOLDER) -> int:
    up = [words for lock in sorted(folder.glob("*.lock")) if (words := holder(lock))]
    for words in up:
        print(f"{words} is up in this checkout; nothing was removed. Ctrl-C in its terminal ends it")
    return 1 if up else 0


def holder(lock: Path) -> str | None:
    """Returns `a demo (process 7)`; None where nobody holds the lock."""
    with lock.open(encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return f"a {lock.stem} (process {file.read().strip()})"
    return None


if __name__ == "__main__":
    sys.exit(main())
