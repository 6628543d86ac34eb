"""What to do about each group's Elastic IPs: move, hold or no change, each with its reason in words.

Invariant: no decision moves an address to an appliance without a session with BGP up, unless a forced pin
says so; deciding again after the moves were carried out is no change.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from tandem.failover import ownership, readiness
from tandem.failover.ownership import HoldCode
from tandem.memory import Memory, contested, damped_until, was_put_there
from tandem.model import Holder, Observation, Status
from tandem.override import Override, OverrideKind, in_force
from tandem.topology import ElasticIpSpec, Group, Target, Topology

_LET_BE = "Tandem lets it be until that is over; find the second mover, such as the appliance's own HA script"


class Action(StrEnum):
    """The three decisions."""

    MOVE = "move"
    HOLD = "hold"
    NO_CHANGE = "no-change"


class Severity(StrEnum):
    """How much a person should care."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class AddressDecision:
    """What happens to one Elastic IP, and why."""

    allocation_id: str
    action: Action
    reason: str
    severity: Severity = Severity.INFO
    public_ip: str | None = None
    holder: Holder | None = None
    holder_appliance: str | None = None
    owner: str | None = None
    target: Target | None = None
    dead: str | None = None
    """Why the holder counts as dead, or that nobody has the address; None while it is alive."""
    retry_at: datetime | None = None
    """Set while damping is the only thing that holds it."""
    code: HoldCode | None = None
    """Why it is held."""

    @property
    def allow_reassociation(self) -> bool:
        """False where nobody has the address: then EC2 refuses if somebody took it meanwhile (facts §8.1)."""
        return self.holder is not None


@dataclass(frozen=True, slots=True)
class GroupDecision:
    """What happens to one group: its addresses, its owner, and what a person should know beside it."""

    group: str
    action: Action
    owner: str | None
    reason: str
    severity: Severity = Severity.INFO
    addresses: tuple[AddressDecision, ...] = ()
    reports: tuple[str, ...] = ()
    awaiting: str | None = None
    """Set while the FIB may show the past: what a look waits for while it settles."""
    clear: bool = False
    """Whether one appliance, alive, owns every tracked prefix and no override or doubt stands beside it."""
    code: HoldCode | None = None
    """Why it is held; where several addresses are held for different reasons, the gravest one's."""

    @property
    def moves(self) -> tuple[AddressDecision, ...]:
        return tuple(address for address in self.addresses if address.action is Action.MOVE)


@dataclass(frozen=True, slots=True)
class _Scene:
    """What every step of one decision reads."""

    topology: Topology
    observation: Observation
    memory: Memory
    now: datetime


@dataclass(frozen=True, slots=True)
class _Owner:
    """Step 1 to 4's answer for a group: who may have its addresses, or why nobody moves."""

    candidates: tuple[str, ...] = ()
    doubt: str | None = None
    split: str | None = None
    hold: str | None = None
    severity: Severity = Severity.WARNING
    pinned: bool = False
    forced: bool = False
    reports: tuple[str, ...] = ()
    awaiting: str | None = None
    clear: bool = False
    code: HoldCode | None = None
    """The hold's, else the doubt's or the split's."""


def decide(
    topology: Topology, observation: Observation, memory: Memory, now: datetime
) -> tuple[GroupDecision, ...]:
    """One decision per group, in declaration order (design §5). Pure: same input, same output."""
    scene = _Scene(topology, observation, memory, now)
    return tuple(_decide_group(group, scene) for group in topology.groups)


def in_place(decisions: tuple[GroupDecision, ...]) -> dict[str, str]:
    """The Elastic IPs that are where they belong, each with the appliance that it is at."""
    addresses = (a for d in decisions for a in d.addresses if a.action is Action.NO_CHANGE)
    return {a.allocation_id: a.owner for a in addresses if a.owner is not None}


def _decide_group(group: Group, scene: _Scene) -> GroupDecision:
    owner = _owner(group, scene)
    if owner.hold is None:
        wished = tuple(_decide_address(spec, owner, scene) for spec in group.elastic_ips)
        return _summary(group, owner, _without_displacement(wished, scene.observation))
    return GroupDecision(
        group=group.name,
        action=Action.HOLD,
        owner=next(iter(owner.candidates), None),
        reason=owner.hold,
        severity=owner.severity,
        addresses=tuple(
            _hold(spec, owner.hold, owner.severity, owner.code, scene) for spec in group.elastic_ips
        ),
        reports=owner.reports,
        awaiting=owner.awaiting,
        code=owner.code,
    )


def _owner(group: Group, scene: _Scene) -> _Owner:
    """Steps 1 to 4 of design §5: override, FIB, live session, split."""
    topology, observation = scene.topology, scene.observation
    override = in_force(observation.overrides, group.name, scene.now)
    if override is not None:
        return _overridden(override, scene)
    found = ownership.owners(group, topology, observation)
    doubts = tuple(owner.doubt for owner in found if owner.doubt is not None)
    candidates = ownership.by_weight(found, topology)
    code = next((owner.code for owner in found if owner.code and (owner.veto or not candidates)), None)
    if not candidates:
        return _Owner(hold="; ".join(doubts) + _persisted(observation), severity=Severity.CRITICAL, code=code)
    alive = tuple(n for n in candidates if ownership.has_session(topology.appliances[n], observation))
    if not alive:
        silent = ownership.no_session(topology.appliances[candidates[0]], observation)
        past = f"the FIB names {candidates[0]}, which has {silent}: it shows the past"
        words = past + _persisted(observation)
        return _Owner(
            candidates,
            hold=words,
            severity=Severity.CRITICAL,
            reports=doubts,
            awaiting=past,
            code=HoldCode.OWNER_SILENT,
        )
    split = _split(found) if len(candidates) > 1 else None
    return _Owner(
        alive,
        doubt="; ".join(owner.doubt for owner in found if owner.doubt and owner.veto) or None,
        split=split,
        reports=doubts + ((split,) if split else ()) + _bfd_down(alive[0], scene),
        clear=not doubts and not split,
        code=code or (HoldCode.SPLIT if split else None),
    )


def _overridden(override: Override, scene: _Scene) -> _Owner:
    words = f"by {override.who} until {override.until:%Y-%m-%d %H:%M:%S} UTC: {override.why}"
    if override.kind is OverrideKind.PAUSED:
        return _Owner(hold=f"paused {words}", severity=Severity.INFO, code=HoldCode.PAUSED)
    pinned = scene.topology.appliances.get(override.appliance or "")
    if pinned is None:
        undeclared = f"pinned to {override.appliance}, which the topology does not declare, {words}"
        return _Owner(hold=undeclared, code=HoldCode.PINNED_UNDECLARED)
    report = f"pinned to {pinned.name} {words}" + (
        "; forced: no session is asked for" if override.forced else ""
    )
    silent = None if override.forced else ownership.no_session(pinned, scene.observation)
    if silent is not None:
        dead = f"{report}; but {pinned.name} has {silent}"
        return _Owner((pinned.name,), hold=dead, severity=Severity.CRITICAL, code=HoldCode.PINNED_SILENT)
    return _Owner((pinned.name,), pinned=True, forced=override.forced, reports=(report,))


def _decide_address(spec: ElasticIpSpec, owner: _Owner, scene: _Scene) -> AddressDecision:
    """Steps 5 to 7 of design §5 for one Elastic IP."""
    topology, observation = scene.topology, scene.observation
    address = observation.elastic_ips.get(spec.allocation_id)
    unread = observation.unknown.elastic_ips.get(spec.allocation_id)
    if unread is not None:
        unknown = f"{unread}, so its holder is unknown"
        return _hold(spec, unknown, Severity.CRITICAL, HoldCode.UNREADABLE, scene)
    if address is None:
        gone = f"{spec.allocation_id} is not in this account and Region any more: was it released?"
        return _hold(spec, gone, Severity.CRITICAL, HoldCode.ADDRESS_GONE, scene)
    holder = address.holder
    at = ownership.appliance_at(holder.network_interface_id, topology, observation) if holder else None
    chosen = at if at in owner.candidates else owner.candidates[0]
    move = AddressDecision(
        spec.allocation_id,
        Action.MOVE,
        reason="",
        public_ip=address.public_ip,
        holder=holder,
        holder_appliance=at,
        owner=chosen,
        target=spec.targets[chosen],
        dead=_dead(holder, at, scene),
    )
    if holder and Target(holder.network_interface_id, holder.private_ip) == move.target:
        return replace(move, action=Action.NO_CHANGE, reason=f"it is where {chosen} wants it")
    obstacle = _obstacle(move, spec, owner, scene)
    if obstacle is not None:
        return obstacle
    why = f"{chosen} is pinned" if owner.pinned else f"{chosen} owns the route"
    return replace(move, reason=f"{why}; {move.dead or _why_alive(move, scene)}")


def _why_alive(move: AddressDecision, scene: _Scene) -> str:
    """Why an appliance that is alive has the address although it should not, or has it in the wrong place."""
    there = _at(move.holder) if _is_within(move) else move.holder_appliance
    if _was_put_right(move, scene):
        return f"something else moved it to {there} after Tandem had moved it"
    if _is_within(move):
        return f"{move.owner} has it at {there}, not at {_at(move.target)}"
    return f"{move.holder_appliance} is alive: the route left it on purpose, or somebody moved the address"


def _is_within(move: AddressDecision) -> bool:
    """Whether the owner has the address already, on another private IP than its target's."""
    return move.holder_appliance == move.owner


def _was_put_right(move: AddressDecision, scene: _Scene) -> bool:
    """Whether Tandem had moved the address to where it belongs now."""
    return was_put_there(scene.memory, str(move.owner), move.allocation_id)


def _at(place: Holder | Target | None) -> str:
    return f"{place.private_ip} of {place.network_interface_id}" if place else "nobody"


def _dead(holder: Holder | None, at: str | None, scene: _Scene) -> str | None:
    """Why nothing is lost by moving away at once: nobody alive has the address."""
    if holder is None:
        return "nobody has it"
    return ownership.is_dead(scene.topology.appliances[at], scene.observation) if at else None


def _obstacle(
    move: AddressDecision, spec: ElasticIpSpec, owner: _Owner, scene: _Scene
) -> AddressDecision | None:
    """The hold in the place of a move, or None: a strange holder, doubt, an unready target, damping."""
    held = replace(move, action=Action.HOLD, severity=Severity.CRITICAL)
    if move.holder and move.holder_appliance is None:
        foreign = (
            f"{move.holder.network_interface_id}, which no appliance declares, has it: a person did that"
        )
        return replace(held, reason=foreign, code=HoldCode.UNDECLARED_HOLDER)
    if owner.doubt and not move.dead:
        return replace(held, reason=owner.doubt, severity=Severity.WARNING, code=owner.code)
    chosen, dead = scene.topology.appliances[str(move.owner)], move.dead is not None
    unready = readiness.limitation(spec, chosen, scene.observation, forced=owner.forced, dead=dead)
    if unready is not None:
        return replace(held, reason=unready, code=HoldCode.TARGET_NOT_READY)
    return None if dead else _restraint(held, scene)


def _restraint(held: AddressDecision, scene: _Scene) -> AddressDecision | None:
    """Step 7, for a holder that is alive: somebody else's hand on the address, then the damping.

    What the owner has in the wrong place did not flap: it is damped only where it had been put right.
    """
    owner, address = str(held.owner), held.allocation_id
    times = contested(scene.memory, owner, address, scene.now)
    if times is not None:
        fought = f"something else moved it away from {owner} {times} times in the last 10 minutes"
        if _is_within(held):
            fought = f"it is at {_at(held.holder)} again after {times} moves in the last 10 minutes"
        return replace(held, reason=f"{fought}: {_LET_BE}", code=HoldCode.CONTESTED)
    wait = damped_until(scene.memory, owner, address, scene.now)
    if wait is None or (_is_within(held) and not _was_put_right(held, scene)):
        return None
    still = (
        f"{owner} has it at {_at(held.holder)}" if _is_within(held) else f"{held.holder_appliance} is alive"
    )
    damped = f"{still} and its last move is recent: damped until {wait:%H:%M:%S} UTC"
    return replace(held, reason=damped, severity=Severity.INFO, retry_at=wait, code=HoldCode.DAMPED)


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
    if occupant is None or occupant in leaving | {move.allocation_id}:
        return move
    reason = (
        f"{move.target.private_ip} on {move.target.network_interface_id} has another Elastic IP, {occupant}: "
        "a move would throw it off"
    )
    return replace(
        move, action=Action.HOLD, reason=reason, severity=Severity.CRITICAL, code=HoldCode.TARGET_OCCUPIED
    )


def _summary(group: Group, owner: _Owner, addresses: tuple[AddressDecision, ...]) -> GroupDecision:
    moves = [a for a in addresses if a.action is Action.MOVE]
    holds = [a for a in addresses if a.action is Action.HOLD]
    name = owner.candidates[0]
    whole = GroupDecision(
        group=group.name,
        action=Action.NO_CHANGE,
        owner=name,
        reason=f"{name} owns the route and has every address" if addresses else f"{name} owns the route",
        severity=max((a.severity for a in holds), key=list(Severity).index, default=Severity.INFO),
        addresses=addresses,
        reports=owner.reports,
        clear=owner.clear,
    )
    if moves:
        return replace(whole, action=Action.MOVE, reason=moves[0].reason)
    if holds:
        reasons = dict.fromkeys(f"{a.allocation_id}: {a.reason}" for a in holds)
        gravest = next(a for a in holds if a.severity is whole.severity)
        return replace(whole, action=Action.HOLD, reason="; ".join(reasons), code=gravest.code)
    if owner.doubt or owner.split:
        told = str(owner.doubt or owner.split)
        return replace(whole, action=Action.HOLD, reason=told, severity=Severity.WARNING, code=owner.code)
    return whole


def _hold(
    spec: ElasticIpSpec, reason: str, severity: Severity, code: HoldCode | None, scene: _Scene
) -> AddressDecision:
    address = scene.observation.elastic_ips.get(spec.allocation_id)
    holder = address.holder if address else None
    at = None
    if holder is not None:
        at = ownership.appliance_at(holder.network_interface_id, scene.topology, scene.observation)
    public_ip = address.public_ip if address else None
    held = AddressDecision(spec.allocation_id, Action.HOLD, reason, severity, public_ip, holder, at)
    return replace(held, code=code)


def _split(found: tuple[ownership.PrefixOwner, ...]) -> str:
    return "the tracked prefixes are split: " + ", ".join(
        f"{o.prefix} is {o.appliance or 'nobody'}'s" for o in found
    )


def _bfd_down(name: str, scene: _Scene) -> tuple[str, ...]:
    """BFD down beside BGP up is a report, not a veto (facts §3.8: BFD fails in the field while BGP works)."""
    sessions = ownership.sessions_of(scene.topology.appliances[name], scene.observation)
    down = [p.peer_id for p in sessions if p.bgp is Status.UP and p.bfd is Status.DOWN]
    return (f"BFD is down beside BGP up on {', '.join(down)}",) if down else ()


def _persisted(observation: Observation) -> str:
    """Words only: what `AreRoutesPersisted` means is undocumented (facts §3.9)."""
    return " (AWS reports persisted routes)" if observation.database.persisted else ""
