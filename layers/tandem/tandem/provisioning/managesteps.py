"""The steps of a managed topology's plan: what each does, why, what it waits for, whom it interrupts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from tandem.model import Liveness
from tandem.problems import Problem
from tandem.provisioning.managed import Tags

UNKNOWN = "?"
"""The ID of what a step before this one makes: such a step waits."""


@dataclass(frozen=True, slots=True)
class _Single:
    """What is about one resource alone."""

    verb: ClassVar[str]
    kind: ClassVar[str] = ""
    about: str
    """The resource's ID."""

    @property
    def what(self) -> str:
        return f"{self.kind} {self.about}".strip()


@dataclass(frozen=True, slots=True)
class _Propagation:
    verb: ClassVar[str]
    route_server_id: str
    about: str
    """The route table's ID."""

    @property
    def what(self) -> str:
        return f"propagation to {self.about}"


@dataclass(frozen=True, slots=True)
class CreateRouteServer:
    verb: ClassVar[str] = "create"
    asn: int
    persist_minutes: int | None
    notifies: bool
    token: str
    tags: Tags

    @property
    def about(self) -> str:
        return "route server"

    @property
    def what(self) -> str:
        return f"the route server (ASN {self.asn})"


@dataclass(frozen=True, slots=True)
class ModifyRouteServer:
    """None leaves as it is."""

    verb: ClassVar[str] = "modify"
    about: str
    """The route server's ID."""
    persist: Literal["enable", "disable"] | None = None
    persist_minutes: int | None = None
    notifies: bool | None = None

    @property
    def what(self) -> str:
        minutes = f" for {self.persist_minutes} min" if self.persist_minutes else ""
        words = [] if self.persist is None else [f"persist routes: {self.persist}{minutes}"]
        if self.notifies is not None:
            words.append(f"SNS notifications: {'on' if self.notifies else 'off'}")
        return f"{self.about} ({', '.join(words)})"


class DeleteRouteServer(_Single):
    verb = "delete"


@dataclass(frozen=True, slots=True)
class AssociateVpc:
    verb: ClassVar[str] = "associate"
    route_server_id: str
    about: str

    @property
    def what(self) -> str:
        return f"the route server with {self.about}"


@dataclass(frozen=True, slots=True)
class DisassociateVpc:
    verb: ClassVar[str] = "disassociate"
    route_server_id: str
    about: str

    @property
    def what(self) -> str:
        return f"{self.route_server_id} from {self.about}"


@dataclass(frozen=True, slots=True)
class CreateEndpoint:
    verb: ClassVar[str] = "create"
    route_server_id: str
    about: str
    """The endpoint's name."""
    subnet_id: str
    token: str
    tags: Tags

    @property
    def what(self) -> str:
        return f"endpoint {self.about} in {self.subnet_id}"


class DeleteEndpoint(_Single):
    verb = "delete"
    kind = "endpoint"


class EnablePropagation(_Propagation):
    verb = "enable"


class DisablePropagation(_Propagation):
    verb = "disable"


@dataclass(frozen=True, slots=True)
class CreatePeer:
    verb: ClassVar[str] = "create"
    endpoint_id: str
    endpoint: str
    appliance: str
    address: str
    asn: int
    liveness: Liveness
    tags: Tags

    @property
    def about(self) -> str:
        return f"{self.appliance} at {self.endpoint}"

    @property
    def what(self) -> str:
        return f"the peer of {self.about} ({self.address}, ASN {self.asn}, {self.liveness})"


@dataclass(frozen=True, slots=True)
class DeletePeer:
    verb: ClassVar[str] = "delete"
    about: str
    appliance: str

    @property
    def what(self) -> str:
        return f"peer {self.about} of {self.appliance}"


@dataclass(frozen=True, slots=True)
class DisableSourceDestCheck:
    """Otherwise EC2 drops what an appliance forwards (facts §3.5)."""

    verb: ClassVar[str] = "disable"
    about: str
    appliance: str

    @property
    def what(self) -> str:
        return f"SourceDestCheck of {self.appliance}'s {self.about}"


@dataclass(frozen=True, slots=True)
class SetTags:
    verb: ClassVar[str] = "tag"
    about: str
    tags: Tags

    @property
    def what(self) -> str:
        return f"{self.about} ({', '.join(f'{key}={value}' for key, value in self.tags)})"


class Await(_Single):
    """Nothing to do but to wait for AWS."""

    verb = "wait for"


class Keep(_Single):
    """Nothing that Tandem does: the step is refused, and says why."""

    verb = "keep"


Action = (
    CreateRouteServer
    | ModifyRouteServer
    | DeleteRouteServer
    | AssociateVpc
    | DisassociateVpc
    | CreateEndpoint
    | DeleteEndpoint
    | EnablePropagation
    | DisablePropagation
    | CreatePeer
    | DeletePeer
    | DisableSourceDestCheck
    | SetTags
    | Await
    | Keep
)

PAST = {"keep": "kept", "modify": "modified", "tag": "tagged", "wait for": "waited for"}


@dataclass(frozen=True, slots=True)
class Step:
    """One step. It can be carried out now where it neither waits nor is refused."""

    do: Action
    reason: str
    waits_for: str | None = None
    """The condition, in words."""
    interrupts: str | None = None
    """Whose session goes down with it."""
    refused: Problem | None = None

    @property
    def is_ready(self) -> bool:
        return self.waits_for is None and self.refused is None and not isinstance(self.do, Await | Keep)

    @property
    def takes_away(self) -> bool:
        """Whether a session or a route may go with it.

        An endpoint, association or route server that something still hangs at EC2 itself keeps (facts §2.1).
        """
        persists = isinstance(self.do, ModifyRouteServer) and self.do.persist is not None
        return persists or isinstance(self.do, DeletePeer | DisablePropagation)

    @property
    def is_change(self) -> bool:
        """Whether it is more than waiting for what is under way."""
        return not isinstance(self.do, Await)

    @property
    def planned(self) -> str:
        """The step for people, before it is done."""
        words = f"{self.do.verb} {self.do.what}: {self.reason}"
        if self.refused is not None:
            return f"{words}; refused: {self.refused.what}"
        if self.interrupts is not None:
            words = f"{words}; takes down {self.interrupts}"
        return f"{words}; waits for {self.waits_for}" if self.waits_for else words

    @property
    def done(self) -> str:
        """The step for events and logs, when it is done."""
        past = PAST.get(self.do.verb) or f"{self.do.verb}d"
        return f"{past} {self.do.what}: {self.reason}"
