"""Decides what each Elastic IP of a group needs once its owner is known: move, hold or no change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from tandem.failover import readiness
from tandem.failover.appliances import appliance_at
from tandem.failover.decision import Action, AddressDecision, Severity
from tandem.failover.ownership import Ownership, OwnershipSource
from tandem.model import Holder, Observation
from tandem.reasons.failover import HoldCode, MoveCode, NoChangeCode
from tandem.reasons.reason import Reason, reason
from tandem.state.memory import Memory, contested, damped_until, was_put_there
from tandem.topology.document import ElasticIpSpec, Group, Target, Topology


@dataclass(frozen=True, slots=True)
class DecisionInput:
    """Every step of one group's decision reads this."""

    topology: Topology
    observation: Observation
    source: OwnershipSource
    """Judges for this group who owns it and who is alive."""
    memory: Memory
    now: datetime


def decide_addresses(group: Group, owner: Ownership, given: DecisionInput) -> tuple[AddressDecision, ...]:
    """Returns what each Elastic IP of a group needs, by who owns the group or why it is held."""
    if owner.hold:
        return tuple(_hold(spec, owner.hold, owner.severity, given) for spec in group.elastic_ips)
    wished = tuple(_decide_address(spec, owner, given) for spec in group.elastic_ips)
    return _without_displacement(wished, given.observation)


def _decide_address(spec: ElasticIpSpec, owner: Ownership, given: DecisionInput) -> AddressDecision:
    """Decides about one Elastic IP, wherever the other ones go."""
    topology, observation = given.topology, given.observation
    address = observation.elastic_ips.get(spec.allocation_id)
    unread = observation.unknown.elastic_ips.get(spec.allocation_id)
    if unread is not None:  # whoever has it may be alive, or a stranger
        unknown = reason(HoldCode.ADDRESS_UNREADABLE, spec.allocation_id, error=unread)
        return _hold(spec, (unknown,), Severity.CRITICAL, given)
    if address is None:
        return _hold(spec, (reason(HoldCode.ADDRESS_GONE, spec.allocation_id),), Severity.CRITICAL, given)
    holder = address.holder
    at = appliance_at(holder.network_interface_id, topology, observation) if holder else None
    # where several may have it, it stays with the one that has it: no move is better than any move
    chosen = at if at in owner.candidates else next(iter(owner.candidates))
    move = AddressDecision(
        spec.allocation_id,
        Action.MOVE,
        reasons=(),
        public_ip=address.public_ip,
        holder=holder,
        holder_appliance=at,
        owner=chosen,
        target=spec.targets[chosen],
        dead=_dead(spec.allocation_id, holder, at, given),
    )
    if spec.targets[chosen].has(holder):
        fine = reason(NoChangeCode.IN_PLACE, spec.allocation_id, owner=chosen)
        return replace(move, action=Action.NO_CHANGE, reasons=(fine,))
    obstacle = _obstacle(move, spec, owner, given)
    if obstacle is not None:
        return obstacle
    return replace(move, reasons=(owner.candidates[chosen], move.dead or _why_alive(move, given.memory)))


def _why_alive(move: AddressDecision, memory: Memory) -> Reason:
    """Returns why an appliance that is alive has the address although it should not, or has it in the wrong
    place.
    """
    address, owner = move.allocation_id, move.owner
    private_ip, interface = _place(move.holder)
    is_again = was_put_there(memory, str(owner), address)
    if not _is_within(move):
        if is_again:
            return reason(MoveCode.MOVED_AWAY, address, appliance=move.holder_appliance)
        return reason(MoveCode.HOLDER_ALIVE, str(move.holder_appliance))
    if is_again:
        return reason(MoveCode.MOVED_WITHIN, address, private_ip=private_ip, interface=interface)
    wanted_private_ip, wanted_interface = _place(move.target)
    return reason(
        MoveCode.WRONG_PRIVATE_IP,
        address,
        owner=owner,
        private_ip=private_ip,
        interface=interface,
        wanted_private_ip=wanted_private_ip,
        wanted_interface=wanted_interface,
    )


def _place(place: Holder | Target | None) -> tuple[str, str]:
    """Returns the private IP and the interface; nobody's are empty."""
    return (place.private_ip, place.network_interface_id) if place else ("", "")


def _is_within(move: AddressDecision) -> bool:
    """Returns True if the owner has the address already, on another private IP than its target's."""
    return move.holder_appliance == move.owner


def _dead(allocation_id: str, holder: Holder | None, at: str | None, given: DecisionInput) -> Reason | None:
    """Returns why nothing is lost by moving away at once: nobody alive has the address."""
    if holder is None:
        return reason(MoveCode.NOBODY_HAS_ADDRESS, allocation_id)
    return given.source.why_dead(given.topology.appliances[at]) if at else None


def _obstacle(
    move: AddressDecision, spec: ElasticIpSpec, owner: Ownership, given: DecisionInput
) -> AddressDecision | None:
    """Returns the hold in the place of a move, or None: a stranger, doubt, an unready target, damping."""
    held = replace(move, action=Action.HOLD, severity=Severity.CRITICAL)
    if move.holder and move.holder_appliance is None:  # a person did that, and Tandem undoes nobody's work
        interface = move.holder.network_interface_id
        foreign = reason(HoldCode.UNDECLARED_HOLDER, spec.allocation_id, interface=interface)
        return replace(held, reasons=(foreign,))
    if owner.doubts and not move.dead:  # on a dead holder there is nothing to lose
        return replace(held, reasons=owner.doubts, severity=Severity.WARNING)
    chosen, dead = given.topology.appliances[str(move.owner)], move.dead is not None
    # a forced pin overrules the source, never what EC2 says of the target
    unready = None if owner.forced else given.source.why_unready(chosen, spec.allocation_id)
    unready = unready or readiness.limitation(spec, chosen, given.observation, dead=dead)
    if unready is not None:
        return replace(held, reasons=(unready,))
    return None if dead else _restraint(held, given)


def _restraint(held: AddressDecision, given: DecisionInput) -> AddressDecision | None:
    """Returns the hold of an address whose holder is alive: somebody else moves it too, or it is damped.

    What the owner has in the wrong place did not flap: it is damped only where it had been put right.
    """
    owner, address, is_within = str(held.owner), held.allocation_id, _is_within(held)
    private_ip, interface = _place(held.holder)
    times = contested(given.memory, owner, address, given.now)
    if times is not None:  # two movers that fight cut the traffic at each turn
        fought = reason(HoldCode.CONTESTED, address, owner=owner, times=times)
        if is_within:
            fought = reason(
                HoldCode.CONTESTED_WITHIN, address, private_ip=private_ip, interface=interface, times=times
            )
        return replace(held, reasons=(fought,))
    wait = damped_until(given.memory, owner, address, given.now)
    if wait is None or (is_within and not was_put_there(given.memory, owner, address)):
        return None
    damped = reason(HoldCode.DAMPED, address, holder=held.holder_appliance, until=wait)
    if is_within:
        damped = reason(
            HoldCode.DAMPED_WITHIN,
            address,
            owner=owner,
            private_ip=private_ip,
            interface=interface,
            until=wait,
        )
    return replace(held, reasons=(damped,), severity=Severity.INFO, retry_at=wait)


def _without_displacement(
    wished: tuple[AddressDecision, ...], observation: Observation
) -> tuple[AddressDecision, ...]:
    """Holds every move onto a private IP whose present Elastic IP does not leave in the same decision.

    A move that is held stays where it is and may be in the way of another, so this repeats until nothing
    changes; each round holds at least one more, so it ends.
    """
    while True:
        leaving = {move.allocation_id for move in wished if move.action is Action.MOVE}
        checked = tuple(_unless_displacing(move, leaving, observation) for move in wished)
        if checked == wished:
            return wished
        wished = checked


def _unless_displacing(move: AddressDecision, leaving: set[str], observation: Observation) -> AddressDecision:
    if move.action is not Action.MOVE or move.target is None:
        return move
    occupant = readiness.occupant(move.target, observation)
    if occupant is None or occupant.allocation_id in leaving | {move.allocation_id}:
        return move
    thrown_off = reason(
        HoldCode.TARGET_OCCUPIED,
        move.allocation_id,
        private_ip=move.target.private_ip,
        interface=move.target.network_interface_id,
        occupant=occupant.allocation_id,
        public_ip=occupant.public_ip,
    )
    return replace(move, action=Action.HOLD, reasons=(thrown_off,), severity=Severity.CRITICAL)


def _hold(
    spec: ElasticIpSpec, reasons: tuple[Reason, ...], severity: Severity, given: DecisionInput
) -> AddressDecision:
    address = given.observation.elastic_ips.get(spec.allocation_id)
    holder = address.holder if address else None
    at = None
    if holder is not None:
        at = appliance_at(holder.network_interface_id, given.topology, given.observation)
    public_ip = address.public_ip if address else None
    dead = _dead(spec.allocation_id, holder, at, given)
    return AddressDecision(
        spec.allocation_id, Action.HOLD, reasons, severity, public_ip, holder, at, dead=dead
    )
