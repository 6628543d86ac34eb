"""Says how a failure ends: the rows of the N-1 table, as values and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tandem.compliance.whatif.failures import Failure
from tandem.reasons.reason import Reason


class Ending(StrEnum):
    """An Elastic IP, or the route of a group without any, ends so; the worst is the last."""

    IN_PLACE = "in-place"
    MOVED = "moved"
    ASSUMED = "assumed"
    """It survives if a silent standby becomes active, as the document says of it."""
    UNDETERMINED = "undetermined"
    HELD = "held"
    """It stays where it is although it should not, and whoever has it may be alive."""
    LOST = "lost"
    """It stays on a dead appliance."""


SURVIVED = frozenset({Ending.IN_PLACE, Ending.MOVED, Ending.ASSUMED})
"""Nothing is lost, as far as anybody can see."""


@dataclass(frozen=True, slots=True)
class AddressEnd:
    """Where one Elastic IP ends."""

    allocation_id: str
    ending: Ending
    appliance: str | None
    """The appliance that has it then; None if that is nobody, a stranger, or undetermined."""
    reasons: tuple[Reason, ...]
    """Those of the decision; why it is undetermined."""
    possible: tuple[AddressEnd, ...] = ()
    """Where it may end, if that is undetermined."""

    @property
    def code(self) -> str | None:
        return str(self.reasons[0].code) if self.reasons else None

    def as_dict(self) -> dict[str, Any]:
        """Returns JSON for the report and the command line."""
        shown: dict[str, Any] = {
            "allocation_id": self.allocation_id,
            **_as_dict(self.ending, self.appliance, self.reasons),
        }
        if self.possible:
            shown["possible"] = [one.as_dict() for one in self.possible]
        return shown


@dataclass(frozen=True, slots=True)
class GroupEnd:
    """How one group ends: as its worst address, or as its route where it has none."""

    group: str
    ending: Ending
    appliance: str | None
    """The appliance that owns the route then; None if that may be one of several, or nobody."""
    reasons: tuple[Reason, ...]
    reports: tuple[Reason, ...] = ()
    """What people should know beside it, such as a route table that rejects the route."""
    addresses: tuple[AddressEnd, ...] = ()
    calls: int = 0
    """How often AssociateAddress is called, at most."""

    def as_dict(self) -> dict[str, Any]:
        """Returns JSON for the report and the command line."""
        return {
            "group": self.group,
            **_as_dict(self.ending, self.appliance, self.reasons),
            "reports": [one.as_dict() for one in self.reports],
            "calls": self.calls,
            "elastic_ips": [address.as_dict() for address in self.addresses],
        }


@dataclass(frozen=True, slots=True)
class FailureRow:
    """One row of the table: if all of this fails at once, everything ends so."""

    failures: tuple[Failure, ...]
    groups: tuple[GroupEnd, ...]
    calls: int
    """How often AssociateAddress is called, at most."""
    round_trips: int
    """In how many batches, one after another, at most."""
    assumptions: tuple[Reason, ...] = ()
    alike: tuple[Failure, ...] = ()
    """Other failures that end in the same way, and have no row of their own."""

    @property
    def ending(self) -> Ending:
        return worst(group.ending for group in self.groups)

    def is_about(self, text: str) -> bool:
        """Returns True if one of its failures has this name."""
        return any(failure.is_called(text) for failure in (*self.failures, *self.alike))

    def as_dict(self) -> dict[str, Any]:
        """Returns JSON for the report and the command line."""
        return {
            "failures": [_name(failure) for failure in self.failures],
            "alike": [_name(failure) for failure in self.alike],
            "outcome": str(self.ending),
            "calls": self.calls,
            "round_trips": self.round_trips,
            "assumptions": [one.as_dict() for one in self.assumptions],
            "groups": [group.as_dict() for group in self.groups],
        }


def worst(endings: Iterable[Ending]) -> Ending:
    """Returns the worst of several endings; nothing at all is in place."""
    return max(endings, key=list(Ending).index, default=Ending.IN_PLACE)


def _as_dict(ending: Ending, appliance: str | None, reasons: Iterable[Reason]) -> dict[str, Any]:
    said = [one.as_dict() for one in reasons]
    code = said[0]["code"] if said else None
    return {"outcome": str(ending), "appliance": appliance, "code": code, "reasons": said}


def _name(failure: Failure) -> dict[str, Any]:
    return {"kind": str(failure.kind), "name": failure.name, "aliases": list(failure.aliases)}
