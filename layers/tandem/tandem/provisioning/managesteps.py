"""The steps of a managed topology's plan: what each does, why, what it waits for, whom it interrupts."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

from tandem.model import Liveness
from tandem.provisioning.managed import Tags
from tandem.reasons.provisioning import StepCode
from tandem.reasons.reason import Reason, reason
from tandem.topology.problems import Problem

UNKNOWN = "?"
"""The ID of what a step before this one makes: such a step waits."""


@dataclass(frozen=True, slots=True)
class _Single:
    """What is about one resource alone."""

    code: ClassVar[StepCode]
    about: str
    """The resource's ID."""


@dataclass(frozen=True, slots=True)
class _Propagation:
    code: ClassVar[StepCode]
    route_server_id: str
    about: str
    """The route table's ID."""


@dataclass(frozen=True, slots=True)
class CreateRouteServer:
    code: ClassVar[StepCode] = StepCode.CREATE_ROUTE_SERVER
    asn: int
    persist_minutes: int | None
    notifies: bool
    token: str
    tags: Tags

    @property
    def about(self) -> str:
        return "route server"


@dataclass(frozen=True, slots=True)
class ModifyRouteServer:
    """None leaves as it is."""

    code: ClassVar[StepCode] = StepCode.MODIFY_ROUTE_SERVER
    about: str
    """The route server's ID."""
    persist: Literal["enable", "disable"] | None = None
    persist_minutes: int | None = None
    notifies: bool | None = None


class DeleteRouteServer(_Single):
    code = StepCode.DELETE_ROUTE_SERVER


@dataclass(frozen=True, slots=True)
class AssociateVpc:
    code: ClassVar[StepCode] = StepCode.ASSOCIATE_VPC
    route_server_id: str
    about: str


@dataclass(frozen=True, slots=True)
class DisassociateVpc:
    code: ClassVar[StepCode] = StepCode.DISASSOCIATE_VPC
    route_server_id: str
    about: str


@dataclass(frozen=True, slots=True)
class CreateEndpoint:
    code: ClassVar[StepCode] = StepCode.CREATE_ENDPOINT
    route_server_id: str
    about: str
    """The endpoint's name."""
    subnet_id: str
    token: str
    tags: Tags


class DeleteEndpoint(_Single):
    code = StepCode.DELETE_ENDPOINT


class EnablePropagation(_Propagation):
    code = StepCode.ENABLE_PROPAGATION


class DisablePropagation(_Propagation):
    code = StepCode.DISABLE_PROPAGATION


@dataclass(frozen=True, slots=True)
class CreatePeer:
    code: ClassVar[StepCode] = StepCode.CREATE_PEER
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


@dataclass(frozen=True, slots=True)
class DeletePeer:
    code: ClassVar[StepCode] = StepCode.DELETE_PEER
    about: str
    appliance: str


@dataclass(frozen=True, slots=True)
class DisableSourceDestCheck:
    """Otherwise EC2 drops what an appliance forwards (docs/aws-facts.md#source-dest-check)."""

    code: ClassVar[StepCode] = StepCode.DISABLE_SOURCE_DEST_CHECK
    about: str
    appliance: str


@dataclass(frozen=True, slots=True)
class SetTags:
    code: ClassVar[StepCode] = StepCode.SET_TAGS
    about: str
    tags: Tags


class Await(_Single):
    """Nothing to do but to wait for AWS."""

    code = StepCode.AWAIT


class Keep(_Single):
    """Nothing that Tandem does: the step is refused, and says why."""

    code = StepCode.KEEP


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

_UNSAID = ("about", "token")
"""Members of an action that no sentence says."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step. It can be carried out now where it neither waits nor is refused."""

    do: Action
    reason: Reason
    waits_for: Reason | None = None
    """The condition."""
    interrupts: Reason | None = None
    """Whose session goes down with it."""
    refused: Problem | None = None

    @property
    def is_ready(self) -> bool:
        return self.waits_for is None and self.refused is None and not isinstance(self.do, Await | Keep)

    @property
    def takes_away(self) -> bool:
        """Whether a session or a route may go with it.

        An endpoint, association or route server that something still hangs at EC2 itself keeps
        (docs/aws-facts.md#route-server-errors).
        """
        persists = isinstance(self.do, ModifyRouteServer) and self.do.persist is not None
        return persists or isinstance(self.do, DeletePeer | DisablePropagation)

    @property
    def is_change(self) -> bool:
        """Whether it is more than waiting for what is under way."""
        return not isinstance(self.do, Await)

    @property
    def planned(self) -> Reason:
        """The step for people, before it is done."""
        if self.refused is not None:
            return _said(self.do, because=self.reason, refused=self.refused.reason)
        return _said(self.do, because=self.reason, interrupts=self.interrupts, waits_for=self.waits_for)

    @property
    def done(self) -> Reason:
        """The step for events and logs, when it is done."""
        return _said(self.do, because=self.reason, is_done=True)

    @property
    def outlook(self) -> Reason:
        """The step where its reason stands beside it."""
        return _said(self.do)

    @property
    def waiting(self) -> Reason:
        """What it waits for; the step itself where that is nothing."""
        return self.waits_for or self.planned


def _said(
    do: Action,
    *,
    is_done: bool = False,
    because: Reason | None = None,
    refused: Reason | None = None,
    interrupts: Reason | None = None,
    waits_for: Reason | None = None,
) -> Reason:
    return reason(
        do.code,
        do.about,
        **_facts(do),
        is_done=is_done,
        because=because,
        refused=refused,
        interrupts=interrupts,
        waits_for=waits_for,
    )


def _facts(do: Action) -> dict[str, Any]:
    facts = {field.name: getattr(do, field.name) for field in fields(do) if field.name not in _UNSAID}
    match do:
        case ModifyRouteServer():
            both = do.persist is not None and do.notifies is not None
            notifies = None if do.notifies is None else ("on" if do.notifies else "off")
            return facts | {"notifies": notifies, "both": both}
        case SetTags() | CreateRouteServer() | CreateEndpoint() | CreatePeer():
            return facts | {"tags": tuple(f"{key}={value}" for key, value in do.tags)}
    return facts
