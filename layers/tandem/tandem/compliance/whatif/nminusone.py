"""Predicts where every Elastic IP ends if something fails now: the N-1 table.

The real `decide` judges what AWS would show then, at rest: without memory, so nothing is damped, and with
paused and dry-run topologies as if they were enforced. What AWS leaves undocumented makes a prediction
undetermined, unless everything that may happen ends in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from tandem.compliance.snapshot import Snapshot, known
from tandem.compliance.whatif.aftermath import Aftermath, End, aftermath
from tandem.compliance.whatif.endings import SURVIVED, AddressEnd, Ending, FailureRow, GroupEnd, worst
from tandem.compliance.whatif.failures import Failure, FailureKind, Places, places_of, single_failures
from tandem.failover import readiness
from tandem.failover.deciding import decide
from tandem.failover.decision import Action, AddressDecision, GroupDecision
from tandem.failover.moves import Move, batches, moves
from tandem.failover.sessions import unread_session
from tandem.model import Holder, Observation
from tandem.reasons.documents import ProblemCode
from tandem.reasons.failover import HoldCode
from tandem.reasons.nminusone import AssumptionCode, UndeterminedCode
from tandem.reasons.reason import Reason, reason
from tandem.state.memory import Memory
from tandem.state.override import Override, OverrideKind, prevailing
from tandem.topology.document import Appliance, ElasticIpSpec, Group, Mode, Topology

T = TypeVar("T")

UNREADABLE = frozenset(
    {
        HoldCode.ADDRESS_UNREADABLE,
        HoldCode.ROUTE_UNREADABLE,
        HoldCode.NEXT_HOP_UNREADABLE,
        HoldCode.INTERFACES_UNREADABLE,
        HoldCode.INSTANCES_UNREADABLE,
        HoldCode.TARGET_INTERFACE_UNREADABLE,
        HoldCode.TARGET_INSTANCE_UNREADABLE,
    }
)
"""Holds that only say that something cannot be read now: nobody knows what holds once it can."""


def failure_table(
    topology: Topology, observation: Observation, places: Places, now: datetime
) -> tuple[FailureRow, ...]:
    """Returns a row for each thing that can fail by itself.

    An instance's row is left out where its appliance's says the same; `FailureRow.alike` names it there.
    """
    failures = single_failures(topology, observation, places)
    rows = [predict((failure,), topology, observation, places, now) for failure in failures]
    return tuple(_without_twins(rows))


def failure_table_of(snapshot: Snapshot) -> tuple[FailureRow, ...]:
    """Returns the table of what a compliance run read. Raises NotReadError if too little was read."""
    observation, places = known(snapshot.observation), places_of(known(snapshot.inventory))
    return failure_table(snapshot.topology, observation, places, snapshot.taken_at)


def predict(
    failures: Sequence[Failure], topology: Topology, observation: Observation, places: Places, now: datetime
) -> FailureRow:
    """Returns how everything ends if all of these fail at once. Pure; makes no call."""
    unpaused, assumptions = _as_if_enforced(topology, observation, now)
    after = aftermath(failures, topology, unpaused, places)
    rests = [_rest(end, topology, places, now) for end in after.ends]
    unclear = _once(why for failure in failures for why in failure.unclear)
    dead = frozenset(name for failure in failures for name in failure.appliances)
    scene = _Scene(
        topology=topology,
        overrides=observation.overrides,
        unpaused=unpaused.overrides,
        owners={d.group: d.owner for d in decide(topology, unpaused, Memory(), now)},
        places=places,
        now=now,
        dead=dead,
        unclear=unclear,
        doubts=_once(why for several in after.doubts.values() for why in several),
    )
    groups = tuple(_group(group, rests, after, scene) for group in topology.groups)
    return FailureRow(
        failures=tuple(failures),
        groups=groups,
        calls=sum(group.calls for group in groups),
        round_trips=max((rest.round_trips for rest in rests), default=0),
        assumptions=(*assumptions, *after.assumptions),
    )


@dataclass(frozen=True, slots=True)
class _Rest:
    """One end after every move that it brings: nothing moves any more."""

    end: End
    decisions: Mapping[str, GroupDecision]
    calls: tuple[Move, ...]
    moved: Mapping[str, tuple[Reason, ...]]
    """Elastic IP to why it moved."""
    round_trips: int
    refused: Mapping[str, Reason]
    """Elastic IP to why EC2 refuses the move that is decided."""


@dataclass(frozen=True, slots=True)
class _Scene:
    topology: Topology
    overrides: tuple[Override, ...]
    unpaused: tuple[Override, ...]
    """Those without the pauses."""
    owners: Mapping[str, str | None]
    """Group to its owner before anything fails."""
    places: Places
    now: datetime
    dead: frozenset[str]
    unclear: tuple[Reason, ...]
    doubts: tuple[Reason, ...]
    """Why there are several ends, whichever group it is about."""


def _as_if_enforced(
    topology: Topology, observation: Observation, now: datetime
) -> tuple[Observation, tuple[Reason, ...]]:
    """Returns the observation without pauses, and what is assumed by that. A pin stays: it decides."""
    paused = [o for o in observation.overrides if o.kind is OverrideKind.PAUSED and now < o.until]
    said = tuple(
        reason(AssumptionCode.AS_IF_NOT_PAUSED, pause.group or topology.name, until=pause.until)
        for pause in paused
        if pause.is_record
    )
    if topology.mode is Mode.DRY_RUN:
        said = (reason(AssumptionCode.AS_IF_ENFORCED, topology.name), *said)
    left = tuple(o for o in observation.overrides if o.kind is not OverrideKind.PAUSED)
    return replace(observation, overrides=left), said


def _rest(end: End, topology: Topology, places: Places, now: datetime) -> _Rest:
    """Decides and moves until nothing moves any more: an address that leaves may let another one in."""
    observation = end.observation
    calls: list[Move] = []
    moved: dict[str, tuple[Reason, ...]] = {}
    round_trips = 0
    refused: dict[str, Reason] = {}
    for _ in range(1 + len(topology.allocation_ids)):
        decisions = decide(topology, observation, Memory(), now)
        planned = moves(decisions)
        refused = {m.subject: why for m in planned if (why := _refusal(m, observation, places))}
        begun = tuple(move for move in planned if move.subject not in refused)
        if not begun:
            break
        calls += begun
        moved |= {a.allocation_id: a.reasons for d in decisions for a in d.moves}
        round_trips += len(batches(begun))
        observation = _moved(observation, begun)
    return _Rest(
        replace(end, observation=observation),
        {decision.group: decision for decision in decisions},
        tuple(calls),
        {move.subject: moved[move.subject] for move in calls},
        round_trips,
        refused,
    )


def _moved(observation: Observation, begun: Iterable[Move]) -> Observation:
    addresses = dict(observation.elastic_ips)
    for move in begun:
        holder = Holder(move.target.network_interface_id, move.target.private_ip, "")
        addresses[move.subject] = replace(addresses[move.subject], holder=holder)
    return replace(observation, elastic_ips=addresses)


def _refusal(move: Move, observation: Observation, places: Places) -> Reason | None:
    """Returns why EC2 refuses a move that `decide` cannot know to be wrong
    (docs/aws-facts.md#border-groups).
    """
    there, its = _border_groups(move, observation, places)
    if there is None or its is None or there == its:
        return None
    return reason(
        ProblemCode.BORDER_GROUPS_DIFFER,
        move.target.network_interface_id,
        border_group=there,
        allocation_id=move.subject,
        other_group=its,
    )


def _border_groups(move: Move, observation: Observation, places: Places) -> tuple[str | None, str | None]:
    """Returns the network border group of a move's target, and that of its Elastic IP."""
    interface = (observation.interfaces or {}).get(move.target.network_interface_id)
    there = places.border_group(interface.subnet_id) if interface else None
    return there, observation.elastic_ips[move.subject].border_group


def _group(group: Group, rests: Sequence[_Rest], after: Aftermath, scene: _Scene) -> GroupEnd:
    why = _nobody_knows(group, after, scene)
    own = _once(one for prefix in group.prefixes for one in after.doubts.get(prefix, ()))
    doubts = own or scene.doubts  # an address of another group may be in the way
    addresses = tuple(
        _merged([_address(spec, group, rest, scene) for rest in rests], why, doubts)
        for spec in group.elastic_ips
    )
    owners = {rest.decisions[group.name].owner for rest in rests}
    owner = owners.pop() if len(owners) == 1 and not why else None
    reasons = _once(r for rest in rests for r in rest.decisions[group.name].main_reasons)
    reports = _once(r for rest in rests for r in rest.decisions[group.name].reports)
    calls = max((sum(m.group == group.name for m in rest.calls) for rest in rests), default=0)
    if addresses:
        ending = worst(address.ending for address in addresses)
        return GroupEnd(group.name, ending, owner, reasons, reports, addresses, calls)
    routes = [_route(group, rest, scene) for rest in rests]
    if not why and all(route.ending in SURVIVED for route in routes):
        # no Elastic IP follows this route, so any of these appliances will do
        return GroupEnd(group.name, worst(route.ending for route in routes), owner, reasons, reports)
    route = _merged(routes, why, doubts)
    return GroupEnd(group.name, route.ending, owner, route.reasons, reports)


def _nobody_knows(group: Group, after: Aftermath, scene: _Scene) -> tuple[Reason, ...]:
    """Returns why no end of the group is certain, whatever was decided."""
    pages = (o for o in scene.overrides if not o.is_record and o.group in (None, group.name))
    unread = [reason(UndeterminedCode.OVERRIDES_UNREADABLE, group.name, why=o.why) for o in pages]
    if prevailing(scene.unpaused, group.name, scene.now) is not None:
        return (*scene.unclear, *unread)  # a pin decides without the route
    incomplete = [why for p in group.prefixes if p in after.incomplete for why in after.doubts[p]]
    return (*scene.unclear, *unread, *incomplete)


def _merged(found: Sequence[AddressEnd], why: tuple[Reason, ...], doubts: tuple[Reason, ...]) -> AddressEnd:
    """Returns the one end that all possibilities have, else an undetermined one with each of them."""
    different = {(one.ending, one.appliance): one for one in reversed(found)}
    first, *others = reversed(different.values())
    unread = tuple(r for one in different.values() if one.ending is Ending.UNDETERMINED for r in one.reasons)
    if not (others or why or unread):
        return replace(first, reasons=_once(r for one in found for r in one.reasons))
    known = tuple(p for one in (first, *others) for p in (one.possible or (one,)))
    because = (*why, *unread, *(doubts if others else ()))
    return AddressEnd(first.allocation_id, Ending.UNDETERMINED, None, _once(because), _once(known))


def _once(several: Iterable[T]) -> tuple[T, ...]:
    found: list[T] = []
    for one in several:
        found += [] if one in found else [one]
    return tuple(found)


def _address(spec: ElasticIpSpec, group: Group, rest: _Rest, scene: _Scene) -> AddressEnd:
    """Returns where one address ends in one of the possible ends."""
    decisions = rest.decisions[group.name].addresses
    decided = next(one for one in decisions if one.allocation_id == spec.allocation_id)
    unread = tuple(_unread(decided, spec, rest, scene))
    end = _known(decided, rest, scene)
    if not unread:
        return end
    return AddressEnd(spec.allocation_id, Ending.UNDETERMINED, None, unread, (end,))


def _known(decided: AddressDecision, rest: _Rest, scene: _Scene) -> AddressEnd:
    address, at = decided.allocation_id, decided.holder_appliance
    if decided.action is Action.NO_CHANGE:
        why = rest.moved.get(address)
        ending = _survives(decided.owner, why is not None, rest)
        return AddressEnd(address, ending, decided.owner, why or decided.reasons)
    stays_dead = at is not None and (decided.dead is not None or at in scene.dead)
    refused = rest.refused.get(address)
    reasons = (refused,) if refused is not None else decided.reasons
    return AddressEnd(address, Ending.LOST if stays_dead else Ending.HELD, at, reasons)


def _survives(owner: str | None, is_moved: bool, rest: _Rest) -> Ending:
    if owner in rest.end.standbys:
        return Ending.ASSUMED
    return Ending.MOVED if is_moved else Ending.IN_PLACE


def _unread(decided: AddressDecision, spec: ElasticIpSpec, rest: _Rest, scene: _Scene) -> Iterator[Reason]:
    """Yields what cannot be read now and may change the end once it can."""
    observation = rest.end.observation
    yield from (why for why in decided.reasons if _is_unread(why))
    error = observation.unknown.elastic_ips.get(spec.allocation_id)
    if error is not None:
        yield reason(HoldCode.ADDRESS_UNREADABLE, spec.allocation_id, error=error)
    if decided.action is not Action.NO_CHANGE and decided.holder_appliance and decided.dead is None:
        yield from _unread_holder(scene.topology.appliances[decided.holder_appliance], observation)
    move = next((m for m in rest.calls if m.subject == spec.allocation_id), None)
    if move is None:
        return
    # a dead holder's address moves to a target that cannot be read: EC2 may refuse it then
    appliance = scene.topology.appliances[move.owner]
    unknown = readiness.limitation(spec, appliance, observation, dead=False)
    if unknown is not None:
        yield unknown
    elif None in _border_groups(move, observation, scene.places):
        interface = move.target.network_interface_id
        yield reason(UndeterminedCode.BORDER_GROUP_UNKNOWN, spec.allocation_id, interface=interface)


def _unread_holder(holder: Appliance, observation: Observation) -> Iterator[Reason]:
    """Yields why nobody can say if an appliance that keeps an address is alive."""
    unread = unread_session(holder, observation)
    if observation.instance_states is None and holder.instance_id is not None:
        unread = unread or "; ".join(observation.failed)
    unread = unread or observation.unknown.instances.get(holder.instance_id or "")
    if unread is not None:
        yield reason(UndeterminedCode.HOLDER_UNREADABLE, holder.name, why=unread)


def _route(group: Group, rest: _Rest, scene: _Scene) -> AddressEnd:
    """Returns how the route of a group ends, in the shape of an address's end."""
    decided = rest.decisions[group.name]
    unread = tuple(why for why in decided.reasons if _is_unread(why))
    if decided.action is Action.HOLD and decided.code != HoldCode.SPLIT:
        ending = Ending.HELD if decided.awaiting is None else Ending.LOST
    else:
        ending = _survives(decided.owner, decided.owner != scene.owners[group.name], rest)
    end = AddressEnd("", ending, decided.owner, decided.reasons)
    return AddressEnd("", Ending.UNDETERMINED, None, unread, (end,)) if unread else end


def _is_unread(why: Reason) -> bool:
    return why.code in UNREADABLE or bool(dict(why.facts).get("unread"))


def _without_twins(rows: Sequence[FailureRow]) -> Iterator[FailureRow]:
    """Yields the rows without those of instances whose appliance's row says the same."""
    twins: dict[Failure, FailureRow] = {}
    for row in rows:
        [failure] = row.failures
        if failure.kind is FailureKind.INSTANCE:
            same = (r for r in rows if _is_twin(r, row))
            twin = next(same, None)
            if twin is not None:
                twins[failure] = twin
    for row in rows:
        [failure] = row.failures
        if failure not in twins:
            yield replace(row, alike=tuple(f for f, twin in twins.items() if twin is row))


def _is_twin(row: FailureRow, other: FailureRow) -> bool:
    [one], [two] = row.failures, other.failures
    is_same_thing = one.kind is FailureKind.APPLIANCE and one.appliances == two.appliances
    return is_same_thing and (row.groups, row.calls) == (other.groups, other.calls)
