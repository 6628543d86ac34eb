"""From what AWS shows of a managed route server to what the topology says: the plan. Pure.

Invariants: cut after any step, the next plan is the rest; no step takes the last live session from the owner
of a tracked prefix; nothing is deleted but what Tandem created, and adopted peers that their sessions' new
ones replace.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tandem.model import RouteServer
from tandem.problems import Problem
from tandem.provisioning.endpointplan import consent_problem, endpoint_steps, match, removal_steps
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
from tandem.tags import ADOPTED_TAG, OWNER_TAG
from tandem.validation.consent import network_consent
from tandem.validation.forwarding import forwards

PERSISTS = frozenset({"enabled", "enabling", "modifying", "resetting"})
FINDING_OUT = frozenset({"enabling", "modifying", "resetting", "disabling"})


def plan(desired: Desired, observed: Observed) -> tuple[Step, ...]:
    """Every step from here to there, in the order of facts §2.3; empty where nothing is left to do."""
    server = server_of(desired, observed.servers)
    if server is None and desired.adopts is not None:
        return (
            _refused(
                desired.adopts, "route_server.id", f"{desired.adopts} is not known", "one that is there"
            ),
        )
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
        wait = wait or "the route server to be associated with the VPC"
    matched = match(desired, observed)
    yield from endpoint_steps(desired, observed, matched, server_id, wait)
    yield from _enabled(desired, observed, server_id, wait)
    yield from _forwarding(desired, observed)
    yield from peer_steps(desired, observed, matched, wait)
    yield from removal_steps(desired, observed, matched)
    yield from _disabled(desired, observed, server_id)


def _taking_calls(server: RouteServer | None, steps: list[Step]) -> str | None:
    """What keeps the route server from taking calls; one that is modified takes none."""
    modified = any(isinstance(step.do, ModifyRouteServer) and step.is_ready for step in steps)
    if server is None or server.state != AVAILABLE or modified or any(step.refused for step in steps):
        return "the route server to be available"
    return None


def _server_steps(desired: Desired, observed: Observed, server: RouteServer | None) -> Iterator[Step]:
    spec = desired.topology.route_server
    if server is None or server.state == DELETING:
        waits = f"{server.route_server_id} to be gone" if server else None
        yield Step(_creation(desired, observed), "the topology has no route server yet", waits)
        return
    server_id = server.route_server_id
    yield from _labelled(desired, server)
    if spec.amazon_side_asn not in (None, server.amazon_side_asn):
        said = (
            f"is {spec.amazon_side_asn}, but {server_id} has {server.amazon_side_asn}, and AWS changes none"
        )
        yield _refused(
            server_id,
            "route_server.amazon_side_asn",
            said,
            f"{server.amazon_side_asn}, or a topology of another name",
        )
    if server.state != AVAILABLE:
        yield Step(Await(server_id), f"it is {server.state}", f"{server_id} to be available")
        return
    modified, reason = _modification(desired, server), "it is not as the topology says"
    waits = _persisted(desired, observed) if modified and modified.persist else None
    if modified is not None and waits is not None and server.persist_state in PERSISTS:
        yield Step(replace(modified, notifies=None), reason, waits)
        notifies = modified.notifies
        modified = None if notifies is None else ModifyRouteServer(server_id, notifies=notifies)
    if modified is not None:
        yield Step(modified, reason)
    elif spec.sns_notifications and server.sns_topic_arn is None:
        yield Step(Await(server_id), "its SNS topic is not there yet", f"{server_id} to have an SNS topic")
    elif server.persist_state in FINDING_OUT:
        yield Step(Await(server_id), f"persistence is {server.persist_state}", f"{server_id} to be available")


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


def _persisted(desired: Desired, observed: Observed) -> str | None:
    """What a change of persistence waits for: it may withdraw what only persistence keeps in the FIB.

    AWS says that with `disable` routes are not kept after all sessions have ended, and nothing of those that
    are kept already, nor of a new duration for them (facts §3.9).
    """
    live = Sessions(desired, observed)
    if not live.are_routes_known:
        return f"the routes: {UNREADABLE}"
    prefix = live.persisting()
    return None if prefix is None or desired.may_interrupt else live.kept(prefix, "a change of persistence")


def _labelled(desired: Desired, server: RouteServer) -> Iterator[Step]:
    if is_ours(server.tags, desired):
        found = dict(server.tags)
        if any(found.get(key) != value for key, value in desired.labels):
            yield Step(
                SetTags(server.route_server_id, desired.labels), "its tags are not as the topology says"
            )
    else:
        refused = consent_problem(server.route_server_id, server.tags, "route_server.id", desired)
        tags = (*desired.labels, (ADOPTED_TAG, "true"))
        yield Step(
            SetTags(server.route_server_id, tags), "it was there before and is managed now", refused=refused
        )


def _association(desired: Desired, observed: Observed, server_id: str, wait: str | None) -> Iterator[Step]:
    vpc_id = desired.topology.route_server.vpc_id or ""
    others = [vpc for vpc, _ in observed.associations if vpc != vpc_id]
    state = dict(observed.associations).get(vpc_id)
    associate = AssociateVpc(server_id, vpc_id)
    refused = network_consent("route_server.vpc_id", vpc_id, observed.consents, desired.stack)
    if others:
        said = f"is {vpc_id}, but {server_id} is associated with {', '.join(others)}"
        yield _refused(server_id, "route_server.vpc_id", said, f"{others[0]}, or a topology of another name")
    elif state is None:
        yield Step(associate, "the route server is associated with no VPC", wait, refused=refused)
    elif state == "disassociating":
        yield Step(associate, f"it is {state}", f"{vpc_id} to be disassociated", refused=refused)
    elif state != "associated":
        yield Step(Await(vpc_id), f"the association is {state}", f"{vpc_id} to be associated")


def _is_associated(desired: Desired, observed: Observed) -> bool:
    return (desired.topology.route_server.vpc_id, "associated") in observed.associations


def _enabled(desired: Desired, observed: Observed, server_id: str, wait: str | None) -> Iterator[Step]:
    states = dict(observed.propagations)
    for index, table_id in enumerate(desired.topology.route_server.propagate_to):
        enable, where = EnablePropagation(server_id, table_id), f"route_server.propagate_to[{index}]"
        refused = network_consent(where, table_id, observed.consents, desired.stack)
        match states.get(table_id):
            case None:
                yield Step(enable, f"{table_id} does not get the routes yet", wait, refused=refused)
            case "deleting":
                gone = f"the propagation to {table_id} to be gone"
                yield Step(enable, "the propagation is being deleted", gone, refused=refused)
            case state if state != AVAILABLE:
                reason = f"the propagation is {state}"
                yield Step(Await(table_id), reason, f"the propagation to {table_id} to be available")


def _disabled(desired: Desired, observed: Observed, server_id: str) -> Iterator[Step]:
    """Only what Tandem has enabled, and after what takes its place."""
    wanted = desired.topology.route_server.propagate_to
    states = dict(observed.propagations)
    missing = [table for table in wanted if states.get(table) != AVAILABLE]
    for table_id, state in observed.propagations:
        if table_id in desired.propagated and table_id not in wanted:
            waits = f"the propagation to {missing[0]} to be available" if missing else None
            if state == DELETING:
                yield Step(
                    Await(table_id), "it is being deleted", f"the propagation to {table_id} to be gone"
                )
            else:
                waits = waits if state == AVAILABLE else f"the propagation to {table_id} to be available"
                step = DisablePropagation(server_id, table_id)
                yield Step(step, "the topology does not propagate there any more", waits)


def _forwarding(desired: Desired, observed: Observed) -> Iterator[Step]:
    """Interfaces that forward; only with their owner's consent."""
    targets = frozenset(desired.topology.target_interface_ids)
    for appliance in desired.topology.appliances.values():
        for interface in observed.interfaces.values():
            checks = interface.source_dest_check and tag_of(interface.tags, OWNER_TAG) == desired.stack
            if checks and forwards(appliance, interface, targets):
                step = DisableSourceDestCheck(interface.network_interface_id, appliance.name)
                yield Step(step, "EC2 drops what it forwards")


def _anothers(server: RouteServer) -> Step:
    tags = ", ".join(f"{key}={value}" for key, value in server.tags if key.startswith("tandem:"))
    said = f"{server.route_server_id} is managed already ({tags})"
    return _refused(
        server.route_server_id, "route_server.id", said, "a route server that nothing else manages"
    )


def _refused(resource_id: str, path: str, what: str, right: str) -> Step:
    return Step(Keep(resource_id), what, refused=Problem(path, what, right))
