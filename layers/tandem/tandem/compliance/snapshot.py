"""Everything that the rules judge: one frozen reading of AWS and of Tandem's own records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar, Union

from tandem.compliance.packetfilters import Filters
from tandem.errors import TandemError
from tandem.model import Observation, RoutingDatabase
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


class Need(StrEnum):
    """What not every run has: a rule that needs it does not apply without it."""

    DECLARATION = "declaration"
    """Somebody declared the topology; without, it is what `tandem discover` makes of what is there."""
    STACK = "stack"
    """Tandem is deployed, and the topology is stored in its stack."""


@dataclass(frozen=True, slots=True)
class CallHistory:
    """What CloudTrail's event history says of the account's latest calls."""

    calls: tuple[Call, ...] = ()
    """Of each name the newest first."""
    cut: frozenset[str] = frozenset()
    """Names of calls of which there are more than were read."""


@dataclass(frozen=True, slots=True)
class SessionChanges:
    """What the peers' logs of the last hour say of BGP and BFD sessions."""

    changes: tuple[SessionChange, ...] = ()
    unread: tuple[str, ...] = ()
    """Records that cannot be read, in words."""


@dataclass(frozen=True, slots=True)
class SessionChange:
    """One session went up or down (docs/aws-facts.md#peer-log-records)."""

    peer_id: str
    protocol: str
    status: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Pause:
    """An override that pauses a topology or a group, with the age of the hold that it causes."""

    resource: str
    """The group, or the topology where all of it is paused."""
    who: str
    why: str
    until: datetime
    since: datetime | None
    """When the hold began, as the look record says; None where no look has recorded it yet."""


@dataclass(frozen=True, slots=True)
class StackFacts:
    """What a deployed stack's own records say of one topology, each part read by itself."""

    looked_at: Reading[datetime | None]
    """From the look record; None where nobody has looked, or release 0.1.0 did."""
    watched_at: Reading[datetime | None]
    """From the watch's heartbeat record."""
    pauses: Reading[tuple[Pause, ...]]
    """From the override records, with the age from the look record."""
    mode_since: Reading[datetime | None]
    """From the topology record: when the mode that is in force was stored."""
    dead_letters: Reading[dict[str, int]]
    """Queue to the messages in it."""
    version: str
    """The release of the stack's functions."""
    tool_version: str
    """The release of what runs the rules."""


NO_STACK = NotRead("there is no stack", is_absent=True)
NO_FILTERS = NotRead("the packet filters are not read", is_absent=True)
NO_LOGS = NotRead("the peers' logs are not read", is_absent=True)
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
    session_changes: Reading[SessionChanges] = NO_LOGS
    """Absent where the topology has no peer logs, or nobody said where they are."""
    filters: Reading[Filters] = NO_FILTERS
    """Security groups and network ACLs between the endpoints and the appliances."""
    stack: Reading[StackFacts] = NO_STACK
    stored: Reading[tuple[Topology, ...]] = NO_STORE
    """Every topology of the stack, this one too."""
    firewalls: Reading[bool] = NotRead("nobody asked the SDK", is_absent=True)
    """True where the SDK reads whether a route carries an internet gateway firewall."""
    changes: Reading[CallHistory] = NO_HISTORY
    """The calls of the last two days that change addresses, routes or peers."""
    has: frozenset[Need] = frozenset(Need)

    @property
    def database(self) -> RoutingDatabase:
        """Returns the routing database. Raises NotReadError; a topology without a route server has none."""
        found = known(self.observation).database
        if found is None:
            raise NotReadError(NotRead("the topology has no route server", is_absent=True))
        return found
