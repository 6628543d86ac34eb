"""The way back: what takes a managed route server away, children first (facts §2.3). Pure.

Only what Tandem created goes. What was adopted, and what anybody else has put beside it, stays.
"""

from __future__ import annotations

from collections.abc import Iterator

from tandem.model import RouteServer
from tandem.problems import Problem
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
from tandem.tags import APPLIANCE_TAG as APPLIANCE

REASON = "the topology is deleted with what Tandem created for it"


def dismantling_plan(desired: Desired, observed: Observed) -> tuple[Step, ...]:
    """Every step from what AWS shows to where nothing is left that Tandem created."""
    server = server_of(desired, observed.servers)
    if server is not None:
        return tuple(_steps(desired, observed, server))
    recorded = desired.former.get(ROUTE_SERVER)
    there = [s for s in observed.servers if s.route_server_id == recorded and s.state != DELETED]
    right = "its tags put back (tandem:managed-by, tandem:topology), or all of it removed by its owner"
    return tuple(_kept(s.route_server_id, f"{recorded} has lost Tandem's tags", right) for s in there)


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
                yield Step(delete, REASON, interrupts=delete.appliance)
            else:
                yield Step(
                    Await(peer.peer_id), f"it is {peer.state}", f"{peer.peer_id} to leave {peer.state}"
                )


def _endpoints(desired: Desired, observed: Observed) -> Iterator[Step]:
    for endpoint in observed.endpoints:
        what, peers = (
            endpoint.endpoint_id,
            [p for p in observed.peers if p.endpoint_id == endpoint.endpoint_id],
        )
        strangers = [p.peer_id for p in peers if not is_created(p.tags, desired)]
        if not is_created(endpoint.tags, desired) or endpoint.state == DELETED:
            continue
        if strangers:
            yield _kept(what, f"{what} has peers that Tandem did not create: {', '.join(strangers)}")
        elif peers:
            yield Step(DeleteEndpoint(what), REASON, f"{peers[0].peer_id} to be gone")
        elif endpoint.state in (AVAILABLE, *BROKEN):
            yield Step(DeleteEndpoint(what), REASON)
        else:
            yield Step(Await(what), f"it is {endpoint.state}", f"{what} to leave {endpoint.state}")


def _propagations(desired: Desired, observed: Observed, server: RouteServer) -> Iterator[Step]:
    for table_id, state in observed.propagations:
        if table_id not in _propagated(desired, server):
            continue
        if state == AVAILABLE:
            yield Step(DisablePropagation(server.route_server_id, table_id), REASON)
        else:
            waits = f"the propagation to {table_id} to leave {state}"
            yield Step(Await(table_id), f"the propagation is {state}", waits)


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
    if strangers:
        yield _kept(server_id, f"{server_id} has what Tandem did not create: {', '.join(strangers)}")
        return
    waits = f"{left[0]} to be gone" if left else None
    for vpc_id, state in observed.associations:
        gone = waits if state == "associated" else f"{vpc_id} to leave {state}"
        yield Step(DisassociateVpc(server_id, vpc_id), REASON, gone)
        waits = waits or f"{vpc_id} to be disassociated"
    if server.state == DELETING:
        yield Step(Await(server_id), "it is being deleted", f"{server_id} to be gone")
    elif server.state != AVAILABLE:
        yield Step(DeleteRouteServer(server_id), REASON, f"{server_id} to leave {server.state}")
    else:
        yield Step(DeleteRouteServer(server_id), REASON, waits)


def _kept(resource_id: str, what: str, right: str = "removed by its owner") -> Step:
    return Step(Keep(resource_id), what, refused=Problem("route_server", what, right))
