"""Judges if an appliance could take over, by its sessions, the routes that come by them, its instance."""

from __future__ import annotations

from dataclasses import dataclass

from tandem.failover.appliances import appliance_at, not_running
from tandem.failover.routeserver import RouteServerSource
from tandem.failover.sessions import sessions_of, unread_session
from tandem.model import Observation, Peer, RoutingDatabase, Status
from tandem.state.memory import Memory
from tandem.topology.document import Appliance, Topology

PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Scene:
    """The rules read this in one look."""

    route_server: RouteServerSource
    memory: Memory

    @property
    def topology(self) -> Topology:
        return self.route_server.topology

    @property
    def observation(self) -> Observation:
        return self.route_server.observation

    @property
    def alive(self) -> tuple[str, ...]:
        appliances = self.topology.appliances.items()
        return tuple(n for n, a in appliances if cannot_take_over(a, self.route_server) is False)


def cannot_take_over(appliance: Appliance, route_server: RouteServerSource) -> bool | None:
    """Returns True if it could take nothing over: none of its sessions carries routes, or its instance does
    not run. None if that cannot be known: AWS makes a session, or shows one that cannot be read.
    """
    observation = route_server.observation
    if not_running(appliance, observation) is not None:
        return True
    sessions = sessions_of(appliance, observation)
    if any(carries(peer, route_server.database) for peer in sessions):
        return False
    if any(peer.state == PENDING for peer in sessions) or unread_session(appliance, observation):
        return None
    return True


def some_down(appliance: Appliance, route_server: RouteServerSource) -> bool | None:
    """Returns True if no routes come by one of its sessions; None if that cannot be known."""
    sessions = sessions_of(appliance, route_server.observation)
    if any(not carries(peer, route_server.database) for peer in sessions if peer.state != PENDING):
        return True
    is_made = any(peer.state == PENDING for peer in sessions)
    return None if is_made or unread_session(appliance, route_server.observation) else False


def carries(peer: Peer, database: RoutingDatabase) -> bool:
    """Returns True if routes come by this session.

    BFD that is down takes them along, as AWS documents it. In the field BFD also fails beside a BGP that
    works, so a route that is there decides, and so does one that may be there.
    """
    if peer.bgp is not Status.UP:
        return False
    has_routes = any(route.peer_id == peer.peer_id for route in database.routes)
    return peer.bfd is not Status.DOWN or has_routes or bool(database.unread)


def is_active(name: str, scene: Scene) -> bool:
    """Returns True if it has an Elastic IP of a group, or the FIB names it."""
    topology, observation = scene.topology, scene.observation
    declared = (observation.elastic_ips.get(allocation) for allocation in topology.allocation_ids)
    holders = [address.holder for address in declared if address is not None and address.holder]
    holds = (appliance_at(h.network_interface_id, topology, observation) for h in holders)
    prefixes = (prefix for group in topology.groups for prefix in group.prefixes)
    owns = (scene.route_server.prefix_owner(prefix).appliance for prefix in prefixes)
    return name in holds or name in owns


def declared_as(topology: Topology, appliance: Appliance) -> str:
    """Describes the declaration: with another instance, ASN or session it has to come up anew."""
    sessions = " ".join(sorted(f"{endpoint}={address}" for endpoint, address in appliance.peers))
    server, instance = topology.route_server.route_server_id, appliance.instance_id
    return f"{server} {instance} {appliance.asn} {appliance.liveness} {sessions}"
