"""Everything that the rules judge: one frozen reading of AWS and of Tandem's own records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar, Union

from tandem.errors import TandemError
from tandem.model import Observation
from tandem.signals.calls import Call
from tandem.topology.document import Topology
from tandem.topology.inventory import Inventory

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NotRead:
    """Says why a part of the snapshot is missing."""

    why: str
    """A sentence: AWS's words, or what there is none of."""
    permission: str | None = None
    """The IAM action that the caller lacks, where AWS refused for that."""
    is_absent: bool = False
    """True if there is nothing to read, as without a stack: then its rules do not apply."""


class NotReadError(TandemError):
    """A rule asked for a part of the snapshot that could not be read."""

    def __init__(self, missing: NotRead) -> None:
        super().__init__(missing.why)
        self.missing = missing


Reading = Union[T, NotRead]  # noqa: UP007 - a generic alias needs it in Python 3.11
"""A part of the snapshot, or why it is missing. A rule asks for it with `known`."""


def known(reading: Reading[T]) -> T:
    """Returns the part. Raises NotReadError: the engine makes UNKNOWN of it: no rule passes unread."""
    if isinstance(reading, NotRead):
        raise NotReadError(reading)
    return reading


NO_STORE = NotRead("no stored topologies are read", is_absent=True)
NO_HISTORY = NotRead("CloudTrail's event history is not read", is_absent=True)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one compliance run read for one topology."""

    topology: Topology
    taken_at: datetime
    observation: Reading[Observation]
    """What `decide` asks for."""
    inventory: Reading[Inventory]
    """What the checks before storing ask for: the route server and the network around the appliances."""
    stored: Reading[tuple[Topology, ...]] = NO_STORE
    """Every topology of the stack, this one too."""
    firewalls: Reading[bool] = NotRead("nobody asked the SDK", is_absent=True)
    """True where the SDK reads whether a route carries an internet gateway firewall."""
    changes: Reading[tuple[Call, ...]] = NO_HISTORY
    """The newest calls in CloudTrail's event history that change addresses, routes or peers."""
