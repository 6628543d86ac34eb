"""Defines the question that every decision begins with: which appliance should have a group's resources?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from tandem.failover.decision import Severity
from tandem.reasons.reason import Reason
from tandem.topology.document import Appliance, Group


@dataclass(frozen=True, slots=True)
class Ownership:
    """Says who may have a group's addresses, or why nobody moves."""

    candidates: dict[str, Reason] = field(default_factory=dict)
    """Appliances that may have them, each with why; the first gets what none of them has. Not empty without a
    `hold`."""
    doubts: tuple[Reason, ...] = ()
    """Reason enough not to leave a live holder."""
    split: Reason | None = None
    hold: tuple[Reason, ...] = ()
    """Why nothing of the group moves; empty if it may."""
    severity: Severity = Severity.WARNING
    """Of the `hold`."""
    forced: bool = False
    """True if a person says that the candidate is to have them even if it looks dead."""
    reports: tuple[Reason, ...] = ()
    awaiting: Reason | None = None
    """Set while AWS may show the past: what a look waits for while it settles."""
    clear: bool = False
    """True if nobody can doubt the owner: then its group also fails over without the state table."""


class OwnershipSource(Protocol):
    """Judges who owns a group and which appliance is alive, for one topology as AWS shows it now.

    Invariant: `why_unready` is None for each candidate that `ownership` names. `decide` asks it of every
    target all the same, so that a source that is wrong moves nothing to a dead appliance.
    """

    def ownership(self, group: Group) -> Ownership:
        """Returns who may have the group's addresses. Overrides are not its business."""

    def why_dead(self, appliance: Appliance) -> Reason | None:
        """Returns why the appliance counts as dead, so that nothing is lost by moving away at once.

        What cannot be read says neither that it is dead nor that it is alive, and so is no death.
        """

    def why_unready(self, appliance: Appliance, subject: str) -> Reason | None:
        """Returns why a resource may not go to the appliance now, as far as the source judges it."""

    def why_pin_waits(self, appliance: Appliance, pin: Reason) -> Reason | None:
        """Returns why a pin to the appliance moves nothing unless it is forced; None if it is followed."""
