"""Decides about each group's Elastic IPs: move, hold or no change, each with its reasons as codes.

Invariant: no decision moves an address to an appliance without a session with BGP up, unless a forced pin
says so; deciding again after the moves were carried out is no change.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from tandem.failover import ownership, readiness
from tandem.model import Holder, Observation, Status
from tandem.reasons.failover import HoldCode, MoveCode, NoChangeCode, PartCode, ReportCode
from tandem.reasons.reason import Identities, Reason, identity_of, reason
from tandem.state.memory import Memory, contested, damped_until, was_put_there
from tandem.state.override import Override, OverrideKind, prevailing
from tandem.topology.document import ElasticIpSpec, Group, Target, Topology


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
    def code(self) -> str | None:
        """Returns the code of its first reason."""
        return self.reasons[0].code if self.reasons else None

    @property
    def is_stranded(self) -> bool:
        """Whether it stays on a declared appliance that counts as dead."""
        is_held = self.action is not Action.NO_CHANGE and self.code is not HoldCode.MOVE_UNSHOWN
        return is_held and self.dead is not None and self.holder_appliance is not None

    @property
    def allow_reassociation(self) -> bool:
        """False where nobody has the address: then EC2 refuses if somebody took it meanwhile
        (docs/aws-facts.md#reassociation)."""
        return self.holder is not None


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
    """Set while the FIB may show the past: what a look waits for while it settles."""
    clear: bool = False
    """Whether one appliance, alive, owns every tracked prefix and no override or doubt stands beside it."""

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
            (one.code, about)
            for a in self.held
            for one in a.reasons
            for about in (one.subject, a.allocation_id)
        )
        return identity_of(pairs)


@dataclass(frozen=True, slots=True)
class _Scene:
    """Every step of one decision reads this."""

    topology: Topology
    observation: Observation
    memory: Memory
    now: datetime


@dataclass(frozen=True, slots=True)
class _Owner:
    """Steps 1 to 4 answer for a group: who may have its addresses, or why nobody moves."""

    candidates: tuple[str, ...] = ()
    doubts: tuple[Reason, ...] = ()
    """Reason enough not to leave a live holder."""
    split: Reason | None = None
    hold: tuple[Reason, ...] = ()
    severity: Severity = Severity.WARNING
    pinned: bool = False
    forced: bool = False
    reports: tuple[Reason, ...] = ()
    awaiting: Reason | None = None
    clear: bool = False


def decide(
    topology: Topology, observation: Observation, memory: Memory, now: datetime
) -> tuple[GroupDecision, ...]:
    """Returns one decision per group, in declaration order
    (docs/how-it-works.md#what-it-does-when-something-happens). Pure: same input, same output."""
    scene = _Scene(topology, observation, memory, now)
    return tuple(_decide_group(group, scene) for group in topology.groups)


def in_place(decisions: tuple[GroupDecision, ...]) -> dict[str, str]:
    """Returns the Elastic IPs that are where they belong, each with the appliance that it is at."""
    addresses = (a for d in decisions for a in d.addresses if a.action is Action.NO_CHANGE)
    return {a.allocation_id: a.owner for a in addresses if a.owner is not None}


def _decide_group(group: Group, scene: _Scene) -> GroupDecision:
    owner = _owner(group, scene)
    if not owner.hold:
        wished = tuple(_decide_address(spec, owner, scene) for spec in group.elastic_ips)
        return _summary(group, owner, _without_displacement(wished, scene.observation))
    return GroupDecision(
        group=group.name,
        action=Action.HOLD,
        owner=next(iter(owner.candidates), None),
        reasons=owner.hold,
        severity=owner.severity,
        addresses=tuple(_hold(spec, owner.hold, owner.severity, scene) for spec in group.elastic_ips),
        reports=owner.reports,
        awaiting=owner.awaiting,
    )


def _owner(group: Group, scene: _Scene) -> _Owner:
    """Decides for a group, in this order: override, FIB, live session, split."""
    topology, observation = scene.topology, scene.observation
    override = prevailing(observation.overrides, group.name, scene.now)
    if override is not None:
        return _overridden(override, scene)
    found = ownership.owners(group, topology, observation)
    doubts = tuple(owner.doubt for owner in found if owner.doubt is not None)
    candidates = ownership.by_weight(found, topology)
    if not candidates:  # nobody can say who should have the addresses, so nobody gets any
        return _Owner(hold=doubts + _persisted(group, observation), severity=Severity.CRITICAL)
    alive = tuple(n for n in candidates if ownership.has_session(topology.appliances[n], observation))
    if not alive:
        # persisted routes, or Route Server is still converging: an address would follow a route to nobody
        unread = ownership.unread_session(topology.appliances[candidates[0]], observation)
        past = reason(HoldCode.OWNER_SILENT, candidates[0], unread=unread)
        return _Owner(
            candidates,
            hold=(past, *_persisted(group, observation)),
            severity=Severity.CRITICAL,
            reports=doubts,
            awaiting=past,
        )
    split = _split(group, found) if len(candidates) > 1 else None
    return _Owner(
        alive,
        doubts=tuple(owner.doubt for owner in found if owner.doubt and owner.veto),
        split=split,
        reports=doubts + ((split,) if split else ()) + _bfd_down(alive[0], scene),
        clear=not doubts and not split,
    )


def _overridden(override: Override, scene: _Scene) -> _Owner:
    # an override has no name: to which appliance, who and until when tell it from another one
    laid = f"{override.appliance or ''} {override.who} {override.until:%Y-%m-%dT%H:%M:%SZ}".strip()
    who, until, why = override.who, override.until, override.why
    record = override.record_id(scene.topology.name)
    if override.kind is OverrideKind.PAUSED:
        paused = reason(HoldCode.PAUSED, laid, who=who, until=until, why=why, record=record)
        return _Owner(hold=(paused,), severity=Severity.INFO)
    name = override.appliance or ""
    pinned = scene.topology.appliances.get(name)
    if pinned is None:
        undeclared = reason(
            HoldCode.PINNED_UNDECLARED,
            laid,
            appliance=override.appliance,
            who=who,
            until=until,
            why=why,
            record=record,
        )
        return _Owner(hold=(undeclared,))
    pin = reason(
        ReportCode.PINNED,
        laid,
        appliance=name,
        who=who,
        until=until,
        why=why,
        forced=override.forced,
        record=record,
    )
    if not override.forced and not ownership.has_session(pinned, scene.observation):
        # who pins to a dead appliance by mistake must not take the traffic down; who means it, forces it
        unread = ownership.unread_session(pinned, scene.observation)
        silent = reason(HoldCode.PINNED_SILENT, laid, pin=pin, appliance=name, unread=unread, record=record)
        return _Owner((name,), hold=(silent,), severity=Severity.CRITICAL)
    return _Owner((name,), pinned=True, forced=override.forced, reports=(pin,))


def _decide_address(spec: ElasticIpSpec, owner: _Owner, scene: _Scene) -> AddressDecision:
    """Decides what one Elastic IP needs: move, hold or no change."""
    topology, observation = scene.topology, scene.observation
    address = observation.elastic_ips.get(spec.allocation_id)
    unread = observation.unknown.elastic_ips.get(spec.allocation_id)
    if unread is not None:  # whoever has it may be alive, or a stranger
        unknown = reason(HoldCode.ADDRESS_UNREADABLE, spec.allocation_id, error=unread)
        return _hold(spec, (unknown,), Severity.CRITICAL, scene)
    if address is None:
        return _hold(spec, (reason(HoldCode.ADDRESS_GONE, spec.allocation_id),), Severity.CRITICAL, scene)
    holder = address.holder
    at = ownership.appliance_at(holder.network_interface_id, topology, observation) if holder else None
    chosen = at if at in owner.candidates else owner.candidates[0]
    move = AddressDecision(
        spec.allocation_id,
        Action.MOVE,
        reasons=(),
        public_ip=address.public_ip,
        holder=holder,
        holder_appliance=at,
        owner=chosen,
        target=spec.targets[chosen],
        dead=_dead(spec.allocation_id, holder, at, scene),
    )
    if spec.targets[chosen].has(holder):
        fine = reason(NoChangeCode.IN_PLACE, spec.allocation_id, owner=chosen)
        return replace(move, action=Action.NO_CHANGE, reasons=(fine,))
    obstacle = _obstacle(move, spec, owner, scene)
    if obstacle is not None:
        return obstacle
    why = reason(MoveCode.OWNER_PINNED if owner.pinned else MoveCode.OWNER_HAS_ROUTE, chosen)
    return replace(move, reasons=(why, move.dead or _why_alive(move, scene)))


def _why_alive(move: AddressDecision, scene: _Scene) -> Reason:
    """Returns why an appliance that is alive has the address although it should not, or has it in the wrong
    place.
    """
    address, owner = move.allocation_id, move.owner
    private_ip, interface = _place(move.holder)
    is_again = was_put_there(scene.memory, str(owner), address)
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
    """True if the owner has the address already, on another private IP than its target's."""
    return move.holder_appliance == move.owner


def _dead(allocation_id: str, holder: Holder | None, at: str | None, scene: _Scene) -> Reason | None:
    """Returns why nothing is lost by moving away at once: nobody alive has the address."""
    if holder is None:
        return reason(MoveCode.NOBODY_HAS_ADDRESS, allocation_id)
    return ownership.why_dead(scene.topology.appliances[at], scene.observation) if at else None


def _obstacle(
    move: AddressDecision, spec: ElasticIpSpec, owner: _Owner, scene: _Scene
) -> AddressDecision | None:
    """Returns the hold in the place of a move, or None: a stranger, doubt, an unready target, damping."""
    held = replace(move, action=Action.HOLD, severity=Severity.CRITICAL)
    if move.holder and move.holder_appliance is None:  # a person did that, and Tandem undoes nobody's work
        interface = move.holder.network_interface_id
        foreign = reason(HoldCode.UNDECLARED_HOLDER, spec.allocation_id, interface=interface)
        return replace(held, reasons=(foreign,))
    if owner.doubts and not move.dead:  # on a dead holder there is nothing to lose
        return replace(held, reasons=owner.doubts, severity=Severity.WARNING)
    chosen, dead = scene.topology.appliances[str(move.owner)], move.dead is not None
    unready = readiness.limitation(spec, chosen, scene.observation, forced=owner.forced, dead=dead)
    if unready is not None:
        return replace(held, reasons=(unready,))
    return None if dead else _restraint(held, scene)


def _restraint(held: AddressDecision, scene: _Scene) -> AddressDecision | None:
    """Applies step 7 to a holder that is alive: somebody else's hand on the address, then the damping.

    What the owner has in the wrong place did not flap: it is damped only where it had been put right.
    """
    owner, address, is_within = str(held.owner), held.allocation_id, _is_within(held)
    private_ip, interface = _place(held.holder)
    times = contested(scene.memory, owner, address, scene.now)
    if times is not None:  # two movers that fight cut the traffic at each turn
        fought = reason(HoldCode.CONTESTED, address, owner=owner, times=times)
        if is_within:
            fought = reason(
                HoldCode.CONTESTED_WITHIN, address, private_ip=private_ip, interface=interface, times=times
            )
        return replace(held, reasons=(fought,))
    wait = damped_until(scene.memory, owner, address, scene.now)
    if wait is None or (is_within and not was_put_there(scene.memory, owner, address)):
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


def _summary(group: Group, owner: _Owner, addresses: tuple[AddressDecision, ...]) -> GroupDecision:
    moves = [a for a in addresses if a.action is Action.MOVE]
    holds = [a for a in addresses if a.action is Action.HOLD]
    name = owner.candidates[0]
    why = reason(MoveCode.OWNER_PINNED if owner.pinned else MoveCode.OWNER_HAS_ROUTE, name)
    fine = reason(NoChangeCode.ALL_IN_PLACE, name) if addresses else why
    whole = GroupDecision(
        group=group.name,
        action=Action.NO_CHANGE,
        owner=name,
        reasons=(fine,),
        severity=max((a.severity for a in holds), key=list(Severity).index, default=Severity.INFO),
        addresses=addresses,
        reports=owner.reports,
        clear=owner.clear,
    )
    if moves:
        return replace(whole, action=Action.MOVE, reasons=moves[0].reasons)
    if holds:
        return replace(whole, action=Action.HOLD, reasons=())
    if (
        owner.doubts or owner.split
    ):  # all is in place, and would stay there whatever happens to it: people should know
        split = (owner.split,) if owner.split else ()
        return replace(whole, action=Action.HOLD, reasons=owner.doubts or split, severity=Severity.WARNING)
    return whole


def _hold(
    spec: ElasticIpSpec, reasons: tuple[Reason, ...], severity: Severity, scene: _Scene
) -> AddressDecision:
    address = scene.observation.elastic_ips.get(spec.allocation_id)
    holder = address.holder if address else None
    at = None
    if holder is not None:
        at = ownership.appliance_at(holder.network_interface_id, scene.topology, scene.observation)
    public_ip = address.public_ip if address else None
    dead = _dead(spec.allocation_id, holder, at, scene)
    return AddressDecision(
        spec.allocation_id, Action.HOLD, reasons, severity, public_ip, holder, at, dead=dead
    )


def _split(group: Group, found: tuple[ownership.PrefixOwner, ...]) -> Reason:
    owners = tuple(reason(PartCode.PREFIX_OWNER, o.prefix, appliance=o.appliance) for o in found)
    return reason(HoldCode.SPLIT, group.name, owners=owners)


def _bfd_down(name: str, scene: _Scene) -> tuple[Reason, ...]:
    """BFD down beside BGP up is a report, not a veto (docs/aws-facts.md#bfd-reports: BFD fails in the field
    while BGP works)."""
    sessions = ownership.sessions_of(scene.topology.appliances[name], scene.observation)
    down = tuple(p.peer_id for p in sessions if p.bgp is Status.UP and p.bfd is Status.DOWN)
    return (reason(ReportCode.BFD_DOWN, name, peers=down),) if down else ()


def _persisted(group: Group, observation: Observation) -> tuple[Reason, ...]:
    """Words only: what `AreRoutesPersisted` means is undocumented
    (docs/aws-facts.md#are-routes-persisted)."""
    return (reason(ReportCode.ROUTES_PERSISTED, group.name),) if observation.database.persisted else ()
