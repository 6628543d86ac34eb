"""Judges if an appliance could take over, by its sessions, the routes that come by them, its instance."""

from __future__ import annotations

from dataclasses import dataclass

from tandem.failover import ownership
from tandem.model import Observation, Peer, Status
from tandem.state.memory import Memory
from tandem.topology.document import Appliance, Topology

PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Scene:
    """The rules read this in one look."""

    topology: Topology
    observation: Observation
    memory: Memory

    @property
    def alive(self) -> tuple[str, ...]:
        return tuple(
            n for n, a in self.topology.appliances.items() if cannot_take_over(a, self.observation) is False
        )


def cannot_take_over(appliance: Appliance, observation: Observation) -> bool | None:
    """Returns True if it could take nothing over: none of its sessions carries routes, or its instance does
    not run. None if that cannot be known: AWS makes a session, or shows one that cannot be read.
    """
    if ownership.not_running(appliance, observation) is not None:
        return True
    sessions = ownership.sessions_of(appliance, observation)
    if any(carries(peer, observation) for peer in sessions):
        return False
    if any(peer.state == PENDING for peer in sessions) or ownership.unread_session(appliance, observation):
        return None
    return True


def some_down(appliance: Appliance, observation: Observation) -> bool | None:
    sessions = ownership.sessions_of(appliance, observation)
    if any(not carries(peer, observation) for peer in sessions if peer.state != PENDING):
        return True
    is_made = any(peer.state == PENDING for peer in sessions)
    return None if is_made or ownership.unread_session(appliance, observation) else False


def carries(peer: Peer, observation: Observation) -> bool:
    """Returns True if routes come by this session.

    BFD that is down takes them along, as AWS documents it. In the field BFD also fails beside a BGP that
    works, so a route that is there decides, and so does one that may be there.
    """
    if peer.bgp is not Status.UP:
        return False
    database = observation.database
    has_routes = any(route.peer_id == peer.peer_id for route in database.routes)
    return peer.bfd is not Status.DOWN or has_routes or bool(database.unread)


def is_active(name: str, scene: Scene) -> bool:
    """Returns True if it has an Elastic IP of a group, or the FIB names it."""
    topology, observation = scene.topology, scene.observation
    declared = (observation.elastic_ips.get(allocation) for allocation in topology.allocation_ids)
    holders = [address.holder for address in declared if address is not None and address.holder]
    holds = (ownership.appliance_at(h.network_interface_id, topology, observation) for h in holders)
    prefixes = (prefix for group in topology.groups for prefix in group.prefixes)
    owns = (ownership.owner_of(prefix, topology, observation).appliance for prefix in prefixes)
    return name in holds or name in owns


def declared_as(topology: Topology, appliance: Appliance) -> str:
    """Describes the declaration: with another instance, ASN or session it has to come up anew."""
    sessions = " ".join(sorted(f"{endpoint}={address}" for endpoint, address in appliance.peers))
    server, instance = topology.route_server.route_server_id, appliance.instance_id
    return f"{server} {instance} {appliance.asn} {appliance.liveness} {sessions}"
