"""Defines decisions: what happens to each group and to each of its Elastic IPs, with the reasons as codes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tandem.model import Holder
from tandem.reasons.failover import HoldCode
from tandem.reasons.reason import Identities, Reason, identity_of
from tandem.topology.document import Target


class Action(StrEnum):
    """Tandem decides one of these three."""

    MOVE = "move"
    HOLD = "hold"
    NO_CHANGE = "no-change"


class Severity(StrEnum):
    """Says how much a person should care."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class AddressDecision:
    """Says what happens to one Elastic IP, and why."""

    allocation_id: str
    action: Action
    reasons: tuple[Reason, ...]
    severity: Severity = Severity.INFO
    public_ip: str | None = None
    holder: Holder | None = None
    holder_appliance: str | None = None
    owner: str | None = None
    target: Target | None = None
    dead: Reason | None = None
    """Why the holder counts as dead, or that nobody has the address; None while it is alive."""
    retry_at: datetime | None = None
    """Set while damping is the only thing that holds it."""

    @property
    def subject(self) -> str:
        """Returns the ID by which reasons, moves and the memory name what this decides about."""
        return self.allocation_id

    @property
    def code(self) -> str | None:
        """Returns the code of its first reason."""
        return self.reasons[0].code if self.reasons else None

    @property
    def is_stranded(self) -> bool:
        """Whether it stays on a declared appliance that counts as dead."""
        is_held = self.action is not Action.NO_CHANGE and self.code is not HoldCode.MOVE_UNSHOWN
        return is_held and self.dead is not None and self.holder_appliance is not None


@dataclass(frozen=True, slots=True)
class GroupDecision:
    """Says what happens to one group: its addresses, its owner, and what people should know beside it."""

    group: str
    action: Action
    owner: str | None
    reasons: tuple[Reason, ...]
    """Why, of the group as a whole; empty where addresses are held, each for reasons of its own."""
    severity: Severity = Severity.INFO
    addresses: tuple[AddressDecision, ...] = ()
    reports: tuple[Reason, ...] = ()
    awaiting: Reason | None = None
    """Set while AWS may show the past: what a look waits for while it settles."""
    clear: bool = False
    """True if one appliance, alive, is the owner without any doubt, and by no override."""

    @property
    def moves(self) -> tuple[AddressDecision, ...]:
        return tuple(address for address in self.addresses if address.action is Action.MOVE)

    @property
    def held(self) -> tuple[AddressDecision, ...]:
        return tuple(address for address in self.addresses if address.action is Action.HOLD)

    @property
    def main_reasons(self) -> tuple[Reason, ...]:
        """Returns the group's own reasons; where addresses are held for theirs, those of the gravest."""
        gravest = next((a for a in self.held if a.severity is self.severity), None)
        return self.reasons or (gravest.reasons if gravest else ())

    @property
    def code(self) -> str | None:
        """Returns the code of its main reason."""
        return next((one.code for one in self.main_reasons), None)

    @property
    def identity(self) -> Identities:
        """Tells one decision from another: all its reasons, and the addresses that are held for theirs."""
        if self.reasons:
            return identity_of((one.code, one.subject) for one in self.reasons)
        pairs = (
            (one.code, about) for a in self.held for one in a.reasons for about in (one.subject, a.subject)
        )
        return identity_of(pairs)


def in_place(decisions: tuple[GroupDecision, ...]) -> dict[str, str]:
    """Returns the Elastic IPs that are where they belong, each with the appliance that it is at."""
    addresses = (a for d in decisions for a in d.addresses if a.action is Action.NO_CHANGE)
    return {a.subject: a.owner for a in addresses if a.owner is not None}
