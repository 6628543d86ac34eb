"""From what AWS shows of a managed route server to what the topology says: the plan. Pure.

Invariants: cut after any step, the next plan is the rest; no step takes the last live session from the owner
of a tracked prefix; nothing is deleted but what Tandem created, and adopted peers that their sessions' new
ones replace.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tandem.model import RouteServer
from tandem.provisioning.endpointplan import adoption_problem, endpoint_steps, match, removal_steps
from tandem.provisioning.interruption import UNREADABLE, Sessions
from tandem.provisioning.managed import (
    AVAILABLE,
    DELETED,
    DELETING,
    ROUTE_SERVER,
    Desired,
    Observed,
    is_foreign,
    is_ours,
    server_of,
    tag_of,
    token,
)
from tandem.provisioning.managesteps import (
    UNKNOWN,
    AssociateVpc,
    Await,
    CreateRouteServer,
    DisablePropagation,
    DisableSourceDestCheck,
    EnablePropagation,
    Keep,
    ModifyRouteServer,
    SetTags,
    Step,
)
from tandem.provisioning.peerplan import peer_steps
from tandem.reasons.provisioning import ProvisioningCode as Code
from tandem.reasons.reason import Reason, reason
from tandem.tags import ADOPTED_TAG, OWNER_TAG
from tandem.topology.consent import network_consent
from tandem.topology.forwarding import forwards
from tandem.topology.problems import Problem, problem_at

PERSISTS = frozenset({"enabled", "enabling", "modifying", "resetting"})
_FINDING_OUT = frozenset({"enabling", "modifying", "resetting", "disabling"})


def plan(desired: Desired, observed: Observed) -> tuple[Step, ...]:
    """Every step from here to there, parents first (docs/aws-facts.md#creation-order); empty where nothing is
    left to do."""
    server = server_of(desired, observed.servers)
    if server is None and desired.adopts is not None:
        unknown = problem_at("route_server.id", Code.ROUTE_SERVER_NOT_THERE, desired.adopts)
        return (_refused(desired.adopts, unknown),)
    if server is not None and is_foreign(server.tags, desired):
        return (_anothers(server),)
    return tuple(_steps(desired, observed, server))


def _steps(desired: Desired, observed: Observed, server: RouteServer | None) -> Iterator[Step]:
    server_steps = list(_server_steps(desired, observed, server))
    yield from server_steps
    server_id = server.route_server_id if server is not None and server.state != DELETING else UNKNOWN
    wait = _taking_calls(server, server_steps)
    yield from _association(desired, observed, server_id, wait)
    if not _is_associated(desired, observed):
        wait = wait or reason(Code.UNTIL_SERVER_ASSOCIATED, ROUTE_SERVER)
    matched = match(desired, observed)
    yield from endpoint_steps(desired, observed, matched, server_id, wait)
    yield from _enabled(desired, observed, server_id, wait)
    yield from _forwarding(desired, observed)
    yield from peer_steps(desired, observed, matched, wait)
    yield from removal_steps(desired, observed, matched)
    yield from _disabled(desired, observed, server_id)


def _taking_calls(server: RouteServer | None, steps: list[Step]) -> Reason | None:
    """What keeps the route server from taking calls; one that is modified takes none."""
    modified = any(isinstance(step.do, ModifyRouteServer) and step.is_ready for step in steps)
    if server is None or server.state != AVAILABLE or modified or any(step.refused for step in steps):
        return reason(Code.UNTIL_ROUTE_SERVER, ROUTE_SERVER)
    return None


def _server_steps(desired: Desired, observed: Observed, server: RouteServer | None) -> Iterator[Step]:
    spec = desired.topology.route_server
    if server is None or server.state == DELETING:
        # two route servers at once would need two sets of sessions, so the next one waits for the last
        waits = reason(Code.UNTIL_GONE, server.route_server_id) if server else None
        yield Step(_creation(desired, observed), reason(Code.NO_ROUTE_SERVER, ROUTE_SERVER), waits)
        return
    server_id = server.route_server_id
    yield from _labelled(desired, server)
    if spec.amazon_side_asn not in (None, server.amazon_side_asn):
        asns = {"declared": spec.amazon_side_asn, "actual": server.amazon_side_asn}
        where = "route_server.amazon_side_asn"
        yield _refused(server_id, problem_at(where, Code.ASN_CANNOT_CHANGE, server_id, **asns))
    available = reason(Code.UNTIL_AVAILABLE, server_id)
    if server.state != AVAILABLE:
        # it takes no call now, and what it is to become says the next observation
        yield Step(Await(server_id), reason(Code.RESOURCE_STATE, server_id, state=server.state), available)
        return
    modified, why = _modification(desired, server), reason(Code.SETTINGS_DIFFER, server_id)
    waits = _persisted(desired, observed) if modified and modified.persist else None
    if modified is not None and waits is not None and server.persist_state in PERSISTS:
        # only the change of persistence may cost a route: notifications are set without it
        yield Step(replace(modified, notifies=None), why, waits)
        notifies = modified.notifies
        modified = None if notifies is None else ModifyRouteServer(server_id, notifies=notifies)
    if modified is not None:
        yield Step(modified, why)
    elif spec.sns_notifications and server.sns_topic_arn is None:
        pending, topic = reason(Code.TOPIC_PENDING, server_id), reason(Code.UNTIL_TOPIC, server_id)
        yield Step(Await(server_id), pending, topic)
    elif server.persist_state in _FINDING_OUT:
        changes = reason(Code.PERSISTENCE_CHANGES, server_id, state=server.persist_state)
        yield Step(Await(server_id), changes, available)


def _creation(desired: Desired, observed: Observed) -> CreateRouteServer:
    spec = desired.topology.route_server
    gone = {
        s.route_server_id
        for s in observed.servers
        if s.state in (DELETING, DELETED) and is_ours(s.tags, desired)
    }
    gone |= {desired.former[ROUTE_SERVER]} if desired.former.get(ROUTE_SERVER) else set()
    made_of = (spec.amazon_side_asn, spec.persist_minutes, spec.sns_notifications, spec.vpc_id, *sorted(gone))
    return CreateRouteServer(
        asn=spec.amazon_side_asn or 0,
        persist_minutes=spec.persist_minutes,
        notifies=spec.sns_notifications,
        token=token(desired, "route-server", *made_of, *desired.topology.tags),
        tags=desired.labels,
    )


def _modification(desired: Desired, server: RouteServer) -> ModifyRouteServer | None:
    spec, server_id = desired.topology.route_server, server.route_server_id
    notifies = None if server.notifies == spec.sns_notifications else spec.sns_notifications
    persists = server.persist_state in PERSISTS
    if spec.persist_minutes is None and persists:
        return ModifyRouteServer(server_id, "disable", None, notifies)
    if spec.persist_minutes is not None and (not persists or server.persist_minutes != spec.persist_minutes):
        return ModifyRouteServer(server_id, "enable", spec.persist_minutes, notifies)
    return None if notifies is None else ModifyRouteServer(server_id, notifies=notifies)


def _persisted(desired: Desired, observed: Observed) -> Reason | None:
    """What a change of persistence waits for: it may withdraw what only persistence keeps in the FIB.

    AWS says that with `disable` routes are not kept after all sessions have ended, and nothing of those that
    are kept already, nor of a new duration for them (docs/aws-facts.md#persistence-duration).
    """
    live = Sessions(desired, observed)
    if not live.are_routes_known:
        return UNREADABLE
    prefix = live.persisting()
    if prefix is None or desired.may_interrupt:
        return None
    return live.kept(prefix, Code.PERSISTED_BEFORE_CHANGE)


def _labelled(desired: Desired, server: RouteServer) -> Iterator[Step]:
    if is_ours(server.tags, desired):
        found = dict(server.tags)
        if any(found.get(key) != value for key, value in desired.labels):
            why = reason(Code.TAGS_DIFFER, server.route_server_id)
            yield Step(SetTags(server.route_server_id, desired.labels), why)
    else:
        refused = adoption_problem(server.route_server_id, server.tags, "route_server.id", desired)
        tags = (*desired.labels, (ADOPTED_TAG, "true"))
        why = reason(Code.ADOPTED, server.route_server_id)
        yield Step(SetTags(server.route_server_id, tags), why, refused=refused)


def _association(desired: Desired, observed: Observed, server_id: str, wait: Reason | None) -> Iterator[Step]:
    vpc_id = desired.topology.route_server.vpc_id or ""
    others = [vpc for vpc, _ in observed.associations if vpc != vpc_id]
    state = dict(observed.associations).get(vpc_id)
    associate = AssociateVpc(server_id, vpc_id)
    refused = network_consent("route_server.vpc_id", vpc_id, observed.consents, desired.stack)
    if others:
        # everything hangs at the association: another VPC would be another route server
        facts = {"declared_id": vpc_id, "others": tuple(others), "actual_id": others[0]}
        yield _refused(
            server_id, problem_at("route_server.vpc_id", Code.VPC_CANNOT_CHANGE, server_id, **facts)
        )
    elif state is None:
        yield Step(associate, reason(Code.NOT_ASSOCIATED, vpc_id), wait, refused=refused)
    elif state == "disassociating":
        why = reason(Code.ASSOCIATION_STATE, vpc_id, state=state, is_own=True)
        yield Step(associate, why, reason(Code.UNTIL_DISASSOCIATED, vpc_id), refused=refused)
    elif state != "associated":
        why = reason(Code.ASSOCIATION_STATE, vpc_id, state=state, is_own=False)
        yield Step(Await(vpc_id), why, reason(Code.UNTIL_ASSOCIATED, vpc_id))


def _is_associated(desired: Desired, observed: Observed) -> bool:
    return (desired.topology.route_server.vpc_id, "associated") in observed.associations


def _enabled(desired: Desired, observed: Observed, server_id: str, wait: Reason | None) -> Iterator[Step]:
    states = dict(observed.propagations)
    for index, table_id in enumerate(desired.topology.route_server.propagate_to):
        enable, where = EnablePropagation(server_id, table_id), f"route_server.propagate_to[{index}]"
        refused = network_consent(where, table_id, observed.consents, desired.stack)
        match states.get(table_id):
            case None:
                yield Step(enable, reason(Code.NO_PROPAGATION, table_id), wait, refused=refused)
            case "deleting":
                # AWS takes it for the old one as long as that is there
                why = reason(Code.PROPAGATION_STATE, table_id, state="deleting", is_ending=True)
                gone = reason(Code.UNTIL_PROPAGATION_GONE, table_id)
                yield Step(enable, why, gone, refused=refused)
            case state if state != AVAILABLE:
                why = reason(Code.PROPAGATION_STATE, table_id, state=state, is_ending=False)
                yield Step(Await(table_id), why, reason(Code.UNTIL_PROPAGATION, table_id))


def _disabled(desired: Desired, observed: Observed, server_id: str) -> Iterator[Step]:
    """Only what Tandem has enabled, and after what takes its place."""
    wanted = desired.topology.route_server.propagate_to
    states = dict(observed.propagations)
    missing = [table for table in wanted if states.get(table) != AVAILABLE]
    for table_id, state in observed.propagations:
        if table_id in desired.propagated and table_id not in wanted:
            waits = reason(Code.UNTIL_PROPAGATION, missing[0]) if missing else None
            if state == DELETING:
                gone = reason(Code.UNTIL_PROPAGATION_GONE, table_id)
                yield Step(Await(table_id), reason(Code.BEING_DELETED, table_id), gone)
            else:
                waits = waits if state == AVAILABLE else reason(Code.UNTIL_PROPAGATION, table_id)
                step = DisablePropagation(server_id, table_id)
                yield Step(step, reason(Code.PROPAGATION_UNDECLARED, table_id), waits)


def _forwarding(desired: Desired, observed: Observed) -> Iterator[Step]:
    """Interfaces that forward; only with their owner's consent."""
    targets = frozenset(desired.topology.target_interface_ids)
    for appliance in desired.topology.appliances.values():
        for interface in observed.interfaces.values():
            checks = interface.source_dest_check and tag_of(interface.tags, OWNER_TAG) == desired.stack
            if checks and forwards(appliance, interface, targets):
                step = DisableSourceDestCheck(interface.network_interface_id, appliance.name)
                yield Step(step, reason(Code.FORWARDING_BLOCKED, interface.network_interface_id))


def _anothers(server: RouteServer) -> Step:
    tags = tuple(f"{key}={value}" for key, value in server.tags if key.startswith("tandem:"))
    taken = problem_at("route_server.id", Code.ROUTE_SERVER_TAKEN, server.route_server_id, tags=tags)
    return _refused(server.route_server_id, taken)


def _refused(resource_id: str, problem: Problem) -> Step:
    return Step(Keep(resource_id), problem.reason, refused=problem)
