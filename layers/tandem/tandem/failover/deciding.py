"""Decides about each group's Elastic IPs: move, hold or no change, each with its reasons as codes.

Invariant: no decision moves an address to an appliance that its ownership source calls unready (a route
server: that has no session with BGP up), unless a forced pin says so; deciding again after the moves were
carried out is no change.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from tandem.errors import ConfigurationError
from tandem.failover.addresses import DecisionInput, decide_addresses
from tandem.failover.decision import Action, AddressDecision, GroupDecision, Severity
from tandem.failover.ownership import Ownership, OwnershipSource
from tandem.failover.routeserver import route_server_source
from tandem.model import Observation
from tandem.reasons.failover import HoldCode, MoveCode, NoChangeCode, ReportCode
from tandem.reasons.reason import reason
from tandem.state.memory import Memory
from tandem.state.override import Override, OverrideKind, prevailing
from tandem.topology.document import Group, Topology


def decide(
    topology: Topology, observation: Observation, memory: Memory, now: datetime
) -> tuple[GroupDecision, ...]:
    """Returns one decision per group, in declaration order
    (docs/how-it-works.md#what-it-does-when-something-happens). Pure: same input, same output.

    Raises ConfigurationError for a group that nothing can judge (`source_of`).
    """
    return tuple(
        _decide_group(
            group, DecisionInput(topology, observation, source_of(group, topology, observation), memory, now)
        )
        for group in topology.groups
    )


def source_of(group: Group, topology: Topology, observation: Observation) -> OwnershipSource:
    """Returns what judges the group's ownership: the route server, whose FIB has the group's prefixes.

    Raises ConfigurationError where the topology has none, and so no routing database in its observation.
    """
    route_server = route_server_source(topology, observation)
    if route_server is None:
        raise ConfigurationError(
            f"group {group.name} of topology {topology.name} follows prefixes, and there is no route server"
        )
    return route_server


def _decide_group(group: Group, given: DecisionInput) -> GroupDecision:
    # what a person laid over the topology comes before what AWS shows
    override = prevailing(given.observation.overrides, group.name, given.now)
    owner = given.source.ownership(group) if override is None else _overridden(override, given)
    addresses = decide_addresses(group, owner, given)
    if not owner.hold:
        return _summary(group, owner, addresses)
    return GroupDecision(
        group=group.name,
        action=Action.HOLD,
        owner=next(iter(owner.candidates), None),
        reasons=owner.hold,
        severity=owner.severity,
        addresses=addresses,
        reports=owner.reports,
        awaiting=owner.awaiting,
    )


def _overridden(override: Override, given: DecisionInput) -> Ownership:
    """Returns the owner that a person's pause or pin leaves: nobody, or the appliance that it names."""
    # an override has no name: to which appliance, who and until when tell it from another one
    laid = f"{override.appliance or ''} {override.who} {override.until:%Y-%m-%dT%H:%M:%SZ}".strip()
    who, until, why = override.who, override.until, override.why
    record = override.record_id(given.topology.name)
    if override.kind is OverrideKind.PAUSED:
        paused = reason(HoldCode.PAUSED, laid, who=who, until=until, why=why, record=record)
        return Ownership(hold=(paused,), severity=Severity.INFO)
    name = override.appliance or ""
    pinned = given.topology.appliances.get(name)
    if pinned is None:  # the topology changed under the pin: where it wanted the addresses, nobody knows
        undeclared = reason(
            HoldCode.PINNED_UNDECLARED,
            laid,
            appliance=override.appliance,
            who=who,
            until=until,
            why=why,
            record=record,
        )
        return Ownership(hold=(undeclared,))
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
    # who pins to a dead appliance by mistake must not take the traffic down; who means it, forces it
    candidates = {name: reason(MoveCode.OWNER_PINNED, name)}
    waits = None if override.forced else given.source.why_pin_waits(pinned, pin)
    if waits is not None:
        return Ownership(candidates, hold=(waits,), severity=Severity.CRITICAL)
    return Ownership(candidates, forced=override.forced, reports=(pin,))


def _summary(group: Group, owner: Ownership, addresses: tuple[AddressDecision, ...]) -> GroupDecision:
    """Returns the decision for a group whose owner is known, from those for its addresses."""
    moves = [a for a in addresses if a.action is Action.MOVE]
    holds = [a for a in addresses if a.action is Action.HOLD]
    name, why = next(iter(owner.candidates.items()))
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
    if owner.doubts or owner.split:
        # all is in place, and would stay there whatever happens to it: people should know
        split = (owner.split,) if owner.split else ()
        return replace(whole, action=Action.HOLD, reasons=owner.doubts or split, severity=Severity.WARNING)
    return whole
