"""Moves as they are carried out, and the outcome of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from tandem.errors import TemporaryError
from tandem.failover.decision import Action, AddressDecision, GroupDecision, Severity
from tandem.model import ElasticIp, Holder
from tandem.reasons.failover import HoldCode, NoChangeCode, UnbegunCode
from tandem.reasons.reason import Reason, reason
from tandem.topology.document import Target

BURST = 50
PER_SECOND = 5
"""EC2's token bucket of AssociateAddress: 50 calls, then 5 a second, per account and Region
(docs/aws-facts.md#throttling)."""


class MoveKind(StrEnum):
    """Says what moves. Only the call to EC2, the read back and the JSON depend on it."""

    ADDRESS = "address"
    """AssociateAddress moves an Elastic IP."""


@dataclass(frozen=True, slots=True)
class Move:
    """Tandem makes one call to EC2 for it, which brings a resource from its expected place to its target."""

    group: str
    owner: str
    kind: MoveKind
    subject: str
    """ID of the resource: of an Elastic IP its allocation."""
    public_ip: str
    source: Holder | None
    """The expected place: where EC2 showed the resource when this was decided. None where nobody had it."""
    source_appliance: str | None
    target: Target
    dry_run: bool = False

    @property
    def allow_reassociation(self) -> bool:
        """Returns False where nobody is expected to have the address: then EC2 refuses if somebody took it
        meanwhile (docs/aws-facts.md#reassociation).
        """
        return self.source is not None


@dataclass(frozen=True, slots=True)
class Accepted:
    """EC2 took the call, and when it said so."""

    at: datetime


class Outcome(StrEnum):
    """A move ended so. `unverified`: EC2 took the call, or may have, and does not show it yet."""

    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    FAILED = "failed"
    NOT_BEGUN = "not-begun"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer was not yes: its code and message, and the outcome that this makes: refused by EC2 unless
    stated. A transient one is tried again by the next turn.
    """

    code: str
    """AWS's; an `UnbegunCode` where Tandem itself did not begin the move."""
    message: str
    """AWS's; empty where AWS said nothing."""
    transient: bool
    outcome: Outcome = Outcome.FAILED

    @property
    def error(self) -> str:
        """Returns the code as AWS spells codes: `NotBegun`."""
        is_own = isinstance(self.code, UnbegunCode)
        return "".join(part.capitalize() for part in self.code.split("-")) if is_own else self.code

    @property
    def cause(self) -> Reason | None:
        """Returns why Tandem did not begin the move; None where AWS answered."""
        match self.code:
            case UnbegunCode.NOT_BEGUN:
                return reason(UnbegunCode.NOT_BEGUN, "")
            case UnbegunCode.SUPERSEDED:
                return reason(UnbegunCode.SUPERSEDED, "")
            case UnbegunCode.NOT_READ:
                return reason(UnbegunCode.NOT_READ, "", error=self.message)
            case UnbegunCode.OVERRIDE_CHANGED:
                return reason(UnbegunCode.OVERRIDE_CHANGED, "")
            case UnbegunCode.TOPOLOGY_CHANGED:
                return reason(UnbegunCode.TOPOLOGY_CHANGED, "")
        return None


NOT_BEGUN = Refusal(UnbegunCode.NOT_BEGUN, "", transient=True, outcome=Outcome.NOT_BEGUN)

IN_VAIN = (HoldCode.MOVE_REFUSED, HoldCode.MOVE_UNANSWERED, HoldCode.MOVE_NOT_BEGUN)
"""Why a move is to be tried again."""

UNDONE = (*IN_VAIN, HoldCode.MOVE_UNSHOWN)
"""Why an address is not at its target after a move."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Says how one move ended, with the time of each stage."""

    move: Move
    outcome: Outcome
    refusal: Refusal | None = None
    associated_at: datetime | None = None
    verified_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """True if the next turn may find it right, or may try again."""
        if self.outcome is Outcome.UNVERIFIED:
            return True
        return self.outcome is not Outcome.VERIFIED and self.refusal is not None and self.refusal.transient

    @property
    def is_unshown(self) -> bool:
        """True if EC2 took the call and does not show it yet: another call would ask for the same."""
        return self.outcome is Outcome.UNVERIFIED and self.associated_at is not None

    @property
    def reason(self) -> Reason | None:
        """Returns why the resource is not at its target; None where EC2 shows it there."""
        subject, refusal = self.move.subject, self.refusal
        if self.outcome is Outcome.VERIFIED:
            return None
        if refusal is None:
            return reason(HoldCode.MOVE_UNSHOWN, subject)
        if refusal.cause is not None:
            return reason(HoldCode.MOVE_NOT_BEGUN, subject, error=refusal.error, cause=refusal.cause)
        if self.outcome is Outcome.UNVERIFIED:
            return reason(HoldCode.MOVE_UNANSWERED, subject, error=refusal.error, message=refusal.message)
        return reason(HoldCode.MOVE_REFUSED, subject, error=refusal.error, message=refusal.message)


def moves(decisions: tuple[GroupDecision, ...]) -> tuple[Move, ...]:
    """Returns the moves of a look in declaration order: the priority in which EC2's tokens are spent."""
    return tuple(
        Move(
            group=decision.group,
            owner=address.owner,
            kind=MoveKind.ADDRESS,
            subject=address.subject,
            public_ip=address.public_ip or "",
            source=address.holder,
            source_appliance=address.holder_appliance,
            target=address.target,
        )
        for decision in decisions
        for address in decision.moves
        if address.target is not None and address.owner is not None
    )


def batches(planned: tuple[Move, ...]) -> tuple[tuple[Move, ...], ...]:
    """Returns what may be begun at once: the bucket's burst first, then a second's refill at a time."""
    first, rest = planned[:BURST], planned[BURST:]
    later = (rest[i : i + PER_SECOND] for i in range(0, len(rest), PER_SECOND))
    return tuple(batch for batch in (first, *later) if batch)


def shows(move: Move, address: ElasticIp | None) -> bool:
    """Returns True if EC2 shows the resource at the move's target: of an Elastic IP, DescribeAddresses."""
    match move.kind:
        case MoveKind.ADDRESS:
            return move.target.has(address.holder if address else None)
        case _:
            assert_never(move.kind)


def answered(move: Move, answer: Accepted | Refusal) -> Moved:
    """Returns how a move stands after EC2's answer to the call."""
    match answer:
        case Accepted(at=at):
            return Moved(move, Outcome.UNVERIFIED, associated_at=at)
        case Refusal():
            return Moved(move, answer.outcome, refusal=answer)


def stopped(batch: Iterable[Move], code: UnbegunCode, error: str = "") -> tuple[Moved, ...]:
    """Returns the moves as not begun; the next turn decides anew."""
    why = Refusal(code, error, transient=True, outcome=Outcome.NOT_BEGUN)
    return tuple(answered(move, why) for move in batch)


def superseded(batch: Iterable[Move], wanted: Iterable[Move]) -> tuple[Moved, ...]:
    """Returns as not begun those of the batch that are not among the moves `wanted` by now."""
    calls = {(move.subject, move.target, move.allow_reassociation) for move in wanted}
    left = [m for m in batch if (m.subject, m.target, m.allow_reassociation) not in calls]
    return stopped(left, UnbegunCode.SUPERSEDED)


def unread(batch: Iterable[Move], error: TemporaryError) -> tuple[Moved, ...]:
    """Returns a later batch as not begun, since AWS could not be read again before it."""
    return stopped(batch, UnbegunCode.NOT_READ, str(error))


def after(decisions: tuple[GroupDecision, ...], moved: tuple[Moved, ...]) -> tuple[GroupDecision, ...]:
    """Returns the decisions as they are once `moved` is known: what was verified needs nothing more."""
    by_subject = {m.move.subject: m for m in moved}
    return tuple(_after(decision, by_subject) for decision in decisions)


def _after(decision: GroupDecision, by_subject: dict[str, Moved]) -> GroupDecision:
    if not any(address.subject in by_subject for address in decision.addresses):
        return decision
    addresses = tuple(_settled(address, by_subject.get(address.subject)) for address in decision.addresses)
    held = [a for a in addresses if a.action is Action.HOLD]
    if not held:
        fine = reason(NoChangeCode.ALL_MOVED, decision.group, owner=decision.owner)
        return replace(
            decision,
            action=Action.NO_CHANGE,
            reasons=(fine,),
            severity=Severity.INFO,
            addresses=addresses,
        )
    worst = max((a.severity for a in held), key=list(Severity).index)
    return replace(decision, action=Action.HOLD, reasons=(), severity=worst, addresses=addresses)


def _settled(address: AddressDecision, moved: Moved | None) -> AddressDecision:
    if moved is None:
        return address
    if moved.reason is None:
        target = moved.move.target
        return replace(
            address,
            action=Action.NO_CHANGE,
            reasons=(reason(NoChangeCode.MOVED, address.subject),),
            holder=Holder(target.network_interface_id, target.private_ip, ""),
            holder_appliance=moved.move.owner,
            dead=None,
        )
    return replace(address, action=Action.HOLD, reasons=(moved.reason,), severity=Severity.CRITICAL)


def verified(moved: Moved, address: ElasticIp | None, at: datetime) -> Moved:
    """Returns the move, verified if `address` shows it."""
    if moved.outcome is not Outcome.UNVERIFIED or not shows(moved.move, address):
        return moved
    return replace(moved, outcome=Outcome.VERIFIED, verified_at=at)
