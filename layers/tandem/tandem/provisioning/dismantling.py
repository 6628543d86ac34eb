"""The way back: what takes a managed route server away, children first (docs/aws-facts.md#creation-order).
Pure.

Only what Tandem created goes. What was adopted, and what anybody else has put beside it, stays.
"""

from __future__ import annotations

from collections.abc import Iterator

from tandem.model import RouteServer
from tandem.provisioning.managed import (
    AVAILABLE,
    BROKEN,
    DELETED,
    DELETING,
    FAILED,
    ROUTE_SERVER,
    Desired,
    Observed,
    is_created,
    server_of,
    tag_of,
)
from tandem.provisioning.managesteps import (
    Await,
    DeleteEndpoint,
    DeletePeer,
    DeleteRouteServer,
    DisablePropagation,
    DisassociateVpc,
    Keep,
    Step,
)
from tandem.reasons.provisioning import ProvisioningCode as Code
from tandem.reasons.reason import reason
from tandem.tags import APPLIANCE_TAG as APPLIANCE
from tandem.topology.problems import Problem, problem_at

_WHERE = "route_server"


def dismantling_plan(desired: Desired, observed: Observed) -> tuple[Step, ...]:
    """Returns every step from what AWS shows to where nothing is left that Tandem created."""
    server = server_of(desired, observed.servers)
    if server is not None:
        return tuple(_steps(desired, observed, server))
    recorded = desired.former.get(ROUTE_SERVER)
    there = [s for s in observed.servers if s.route_server_id == recorded and s.state != DELETED]
    return tuple(_kept(problem_at(_WHERE, Code.TAGS_LOST, s.route_server_id)) for s in there)


def _steps(desired: Desired, observed: Observed, server: RouteServer) -> Iterator[Step]:
    yield from _peers(desired, observed)
    yield from _endpoints(desired, observed)
    yield from _propagations(desired, observed, server)
    if is_created(server.tags, desired):
        yield from _server(desired, observed, server)


def _peers(desired: Desired, observed: Observed) -> Iterator[Step]:
    for peer in observed.peers:
        if is_created(peer.tags, desired) and peer.state != DELETED:
            delete = DeletePeer(peer.peer_id, tag_of(peer.tags, APPLIANCE) or peer.peer_address)
            if peer.state in (AVAILABLE, FAILED):
                hurt = reason(Code.SESSION_OF_DELETED, delete.appliance)
                yield Step(delete, reason(Code.TOPOLOGY_DELETED, peer.peer_id), interrupts=hurt)
            else:
                yield _awaited(peer.peer_id, peer.state)


def _endpoints(desired: Desired, observed: Observed) -> Iterator[Step]:
    for endpoint in observed.endpoints:
        what = endpoint.endpoint_id
        peers = [p for p in observed.peers if p.endpoint_id == what]
        strangers = tuple(p.peer_id for p in peers if not is_created(p.tags, desired))
        why = reason(Code.TOPOLOGY_DELETED, what)
        if not is_created(endpoint.tags, desired) or endpoint.state == DELETED:
            continue
        if strangers:
            yield _kept(problem_at(_WHERE, Code.ENDPOINT_WITH_OTHERS, what, others=strangers))
        elif peers:
            yield Step(DeleteEndpoint(what), why, reason(Code.UNTIL_GONE, peers[0].peer_id))
        elif endpoint.state in (AVAILABLE, *BROKEN):
            yield Step(DeleteEndpoint(what), why)
        else:
            yield _awaited(what, endpoint.state)


def _propagations(desired: Desired, observed: Observed, server: RouteServer) -> Iterator[Step]:
    for table_id, state in observed.propagations:
        if table_id not in _propagated(desired, server):
            continue
        if state == AVAILABLE:
            step = DisablePropagation(server.route_server_id, table_id)
            yield Step(step, reason(Code.TOPOLOGY_DELETED, table_id))
        else:
            why = reason(Code.PROPAGATION_STATE, table_id, state=state, is_ending=False)
            left = reason(Code.UNTIL_PROPAGATION_LEFT_STATE, table_id, state=state)
            yield Step(Await(table_id), why, left)


def _propagated(desired: Desired, server: RouteServer) -> set[str]:
    """Propagations have no tags. What is recorded is Tandem's, and what the document asks of a route server
    that Tandem made: a topology that was forgotten in between has no record of it."""
    declared = desired.topology.route_server.propagate_to if is_created(server.tags, desired) else ()
    return {*desired.propagated, *declared}


def _server(desired: Desired, observed: Observed, server: RouteServer) -> Iterator[Step]:
    server_id = server.route_server_id
    endpoints = [e for e in observed.endpoints if e.state != DELETED]
    strangers = [e.endpoint_id for e in endpoints if not is_created(e.tags, desired)]
    strangers += [table for table, _ in observed.propagations if table not in _propagated(desired, server)]
    left = [e.endpoint_id for e in endpoints] + [table for table, _ in observed.propagations]
    # children go before the route server, and Tandem deletes nothing that it did not create
    # (docs/aws-facts.md#creation-order)
    if strangers:
        yield _kept(problem_at(_WHERE, Code.ROUTE_SERVER_WITH_OTHERS, server_id, others=tuple(strangers)))
        return
    waits, why = reason(Code.UNTIL_GONE, left[0]) if left else None, reason(Code.TOPOLOGY_DELETED, server_id)
    for vpc_id, state in observed.associations:
        gone = waits if state == "associated" else reason(Code.UNTIL_LEFT_STATE, vpc_id, state=state)
        yield Step(DisassociateVpc(server_id, vpc_id), reason(Code.TOPOLOGY_DELETED, vpc_id), gone)
        waits = waits or reason(Code.UNTIL_DISASSOCIATED, vpc_id)
    # its deletion has begun: there is nothing left to call
    if server.state == DELETING:
        gone = reason(Code.UNTIL_GONE, server_id)
        yield Step(Await(server_id), reason(Code.BEING_DELETED, server_id), gone)
    elif server.state != AVAILABLE:
        left_state = reason(Code.UNTIL_LEFT_STATE, server_id, state=server.state)
        yield Step(DeleteRouteServer(server_id), why, left_state)
    else:
        yield Step(DeleteRouteServer(server_id), why, waits)


def _awaited(resource_id: str, state: str) -> Step:
    until = reason(Code.UNTIL_LEFT_STATE, resource_id, state=state)
    return Step(Await(resource_id), reason(Code.RESOURCE_STATE, resource_id, state=state), until)


def _kept(problem: Problem) -> Step:
    return Step(Keep(problem.subject), problem.reason, refused=problem)
