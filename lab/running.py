"""The lab that is up in this checkout: the files in which it says where it is and what happens in it."""

import fcntl
import json
import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from lab.deploy import ROOT
from lab.levers import Levers, NoLab
from lab.queues import Notification

FOLDER = ROOT / ".lab"
FILE = FOLDER / "env"
TOPOLOGY = FOLDER / "edge.yaml"
MAIL = FOLDER / "mail.jsonl"
URL = "TANDEM_LAB_URL"


class NotAlone(Exception):  # noqa: N818 it is somebody else's lab that is fine
    """One is up already in this checkout; the message names it and says how to end it."""


@contextmanager
def alone(what: str, folder: Path = FOLDER) -> Iterator[None]:
    """Keeps a second one out of this checkout while the block runs. Raises NotAlone.

    The system releases the lock however this process ends: what a killed one leaves behind refuses nobody.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{what}.lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            process, url = lock.read().strip(), _announced(folder / FILE.name) if what == "lab" else None
            named = f"process {process}, at {url}" if url else f"process {process}"
            raise NotAlone(
                f"a {what} is up in this checkout already ({named}); Ctrl-C in its terminal ends it"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
        lock.truncate(0)


def clear(folder: Path = FOLDER) -> None:
    """Remove what a lab writes for others: its own in the end, in the beginning what a killed one left."""
    for file in (FILE, TOPOLOGY, MAIL):
        (folder / file.name).unlink(missing_ok=True)


def exports(environment: Mapping[str, str]) -> str:
    """Lines for a shell to source."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())


def announce(environment: Mapping[str, str], file: Path = FILE) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(exports(environment))


def find(file: Path = FILE) -> Levers:
    """The levers of the lab that is up. Raises NoLab with what to do."""
    exported, announced = os.environ.get(URL), _announced(file)
    url = exported or announced
    if url is None:
        raise NoLab("no lab is running")
    levers = Levers(url)
    try:
        levers.world()
    except NoLab as error:
        if announced not in (None, url):
            raise NoLab(
                f"{URL} in this shell is {url}, where no lab runs any more; the lab now "
                f"runs at {announced}: source .lab/env again, or use another shell"
            ) from error
        raise NoLab(f"the lab that was at {url} is gone") from error
    return levers


def keep_mail(notification: Notification, file: Path = MAIL) -> None:
    """Append one message, for `python -m lab mail`."""
    with file.open("a", encoding="utf-8") as mail:
        mail.write(json.dumps(asdict(notification), default=datetime.isoformat) + "\n")


def read_mail(file: Path = MAIL) -> list[Notification]:
    """All messages since this lab is up, oldest first."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [
        Notification(**(row | {"at": datetime.fromisoformat(row["at"])})) for row in map(json.loads, lines)
    ]


def _announced(file: Path) -> str | None:
    if not file.exists():
        return None
    values = [word.partition("=") for line in file.read_text().splitlines() for word in shlex.split(line)]
    return next((value for name, _, value in values if name == URL), None)
