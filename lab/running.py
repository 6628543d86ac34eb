"""The lab that is up: the file in which it says where it is, and from which a second terminal finds it."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from lab.deploy import ROOT
from lab.levers import Levers, NoLab

FILE = ROOT / ".lab" / "env"
URL = "TANDEM_LAB_URL"


def exports(environment: Mapping[str, str]) -> str:
    """Lines for a shell to source."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())


def announce(environment: Mapping[str, str], file: Path = FILE) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(exports(environment))


def withdraw(environment: Mapping[str, str], file: Path = FILE) -> None:
    """Remove the file, unless another lab has written it since."""
    if file.exists() and file.read_text() == exports(environment):
        file.unlink()


def find(file: Path = FILE) -> Levers:
    """The levers of the lab that is up. Raises NoLab with what to do."""
    url = os.environ.get(URL) or _announced(file)
    if url is None:
        raise NoLab("no lab is running")
    levers = Levers(url)
    try:
        levers.world()
    except NoLab as error:
        raise NoLab(f"the lab that was at {url} is gone") from error
    return levers


def _announced(file: Path) -> str | None:
    if not file.exists():
        return None
    values = [word.partition("=") for line in file.read_text().splitlines() for word in shlex.split(line)]
    return next((value for name, _, value in values if name == URL), None)
