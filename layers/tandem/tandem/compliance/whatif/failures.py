"""Lists what can fail around a topology, and says what each failure takes along."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tandem.failover.sessions import sessions_of
from tandem.model import NetworkInterface, Observation, RouteServer
from tandem.reasons.nminusone import UndeterminedCode
from tandem.reasons.reason import Reason, reason
from tandem.tags import ENDPOINT_TAG
from tandem.topology.document import Appliance, Topology
from tandem.topology.inventory import Endpoint, Inventory, Subnet


class FailureKind(StrEnum):
    """One of these fails."""

    APPLIANCE = "appliance"
    """Its software dies: no session of it is up, and its instance runs on."""
    INSTANCE = "instance"
    """It stops, and the appliance on it dies with it."""
    SESSION = "session"
    ENDPOINT = "endpoint"
    """Every session at it goes down."""
    ZONE = "zone"
    """The endpoints and the instances in it go down."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are: what an observation does not say. An ID that a mapping lacks is unknown."""

    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    """By ID."""
    subnets: Mapping[str, Subnet] = field(default_factory=dict)
    """Those of the endpoints and of the interfaces."""
    server: RouteServer | None = None

    def zone(self, subnet_id: str) -> str | None:
        subnet = self.subnets.get(subnet_id)
        return (subnet.zone or None) if subnet else None

    def border_group(self, subnet_id: str) -> str | None:
        subnet = self.subnets.get(subnet_id)
        return subnet.border_group if subnet else None


def places_of(inventory: Inventory) -> Places:
    """Returns the places that an inventory has."""
    reading = inventory.reading
    endpoints = {e.endpoint_id: e for e in reading.endpoints} if reading else {}
    return Places(endpoints, inventory.subnets, reading.server if reading else None)


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing fails, and takes sessions, appliances and instances along."""

    kind: FailureKind
    name: str
    """A declared appliance, a zone, or the ID of a peer, an endpoint or an instance."""
    peers: frozenset[str] = frozenset()
    appliances: frozenset[str] = frozenset()
    instances: frozenset[str] = frozenset()
    aliases: tuple[str, ...] = ()
    """Other names by which people know it."""
    unclear: tuple[Reason, ...] = ()
    """Why nobody knows all that it takes along."""

    def is_called(self, text: str) -> bool:
        return text in (self.name, f"{self.kind}:{self.name}", *self.aliases)


def single_failures(topology: Topology, observation: Observation, places: Places) -> tuple[Failure, ...]:
    """Returns each thing that can fail by itself: appliances, instances, sessions, endpoints, zones."""
    return (
        *(_appliance(appliance, observation) for appliance in topology.appliances.values()),
        *_instances(topology, observation),
        *_sessions(topology, observation, places),
        *_endpoints(topology, observation, places),
        *_zones(topology, observation, places),
    )


def _appliance(appliance: Appliance, observation: Observation) -> Failure:
    peers = _peers_of([appliance], observation)
    return Failure(FailureKind.APPLIANCE, appliance.name, peers, frozenset({appliance.name}))


def _peers_of(appliances: Iterable[Appliance], observation: Observation) -> frozenset[str]:
    return frozenset(p.peer_id for a in appliances for p in sessions_of(a, observation))


def _instances(topology: Topology, observation: Observation) -> Iterator[Failure]:
    for instance in dict.fromkeys(topology.instance_ids):
        on_it = [a for a in topology.appliances.values() if a.instance_id == instance]
        yield Failure(
            FailureKind.INSTANCE,
            instance,
            _peers_of(on_it, observation),
            frozenset(a.name for a in on_it),
            frozenset({instance}),
        )


def _sessions(topology: Topology, observation: Observation, places: Places) -> Iterator[Failure]:
    for peer in observation.peers:
        at = [peer.endpoint_id, *_names(places.endpoints.get(peer.endpoint_id))]
        of = [a.name for a in topology.appliances.values() if peer in sessions_of(a, observation)] or [
            peer.peer_address
        ]
        aliases = tuple(f"{name}@{endpoint}" for name in of for endpoint in at)
        yield Failure(FailureKind.SESSION, peer.peer_id, frozenset({peer.peer_id}), aliases=aliases)


def _names(endpoint: Endpoint | None) -> tuple[str, ...]:
    """Returns the name that the topology has for an endpoint, where its tag says so."""
    name = dict(endpoint.tags).get(ENDPOINT_TAG) if endpoint else None
    return (name,) if name else ()


def _endpoints(topology: Topology, observation: Observation, places: Places) -> Iterator[Failure]:
    for endpoint_id in _endpoint_ids(topology, observation, places):
        peers = frozenset(p.peer_id for p in observation.peers if p.endpoint_id == endpoint_id)
        aliases = _names(places.endpoints.get(endpoint_id))
        yield Failure(FailureKind.ENDPOINT, endpoint_id, peers, aliases=aliases)


def _endpoint_ids(topology: Topology, observation: Observation, places: Places) -> tuple[str, ...]:
    server = topology.route_server.route_server_id
    own = [e.endpoint_id for e in places.endpoints.values() if e.route_server_id == server]
    return tuple(dict.fromkeys((*own, *(p.endpoint_id for p in observation.peers))))


def _zones(topology: Topology, observation: Observation, places: Places) -> Iterator[Failure]:
    """Where the zone of one thing is unknown, no zone's failure is clear: the thing may be in it."""
    endpoints = {
        id_: places.zone(places.endpoints[id_].subnet_id) if id_ in places.endpoints else None
        for id_ in _endpoint_ids(topology, observation, places)
    }
    appliances = {n: _zone_of(a, observation, places) for n, a in topology.appliances.items()}
    homeless = [id_ for id_, zone in (*endpoints.items(), *appliances.items()) if zone is None]
    unclear = tuple(reason(UndeterminedCode.ZONE_UNKNOWN, id_) for id_ in homeless)
    for zone in sorted({z for z in (*endpoints.values(), *appliances.values()) if z is not None}):
        inside = [topology.appliances[name] for name, its in appliances.items() if its == zone]
        at = {p.peer_id for p in observation.peers if endpoints.get(p.endpoint_id) == zone}
        yield Failure(
            FailureKind.ZONE,
            zone,
            _peers_of(inside, observation) | at,
            frozenset(a.name for a in inside),
            frozenset(a.instance_id for a in inside if a.instance_id is not None),
            unclear=unclear,
        )


def _zone_of(appliance: Appliance, observation: Observation, places: Places) -> str | None:
    """Returns the zone of its interfaces, which are all in its instance's; else of the subnet that has its
    address.
    """
    attached = [places.zone(i.subnet_id) for i in _interfaces_of(appliance, observation)]
    around = [
        subnet.zone or None
        for subnet in places.subnets.values()
        if any(subnet.has(address) for address in appliance.peer_addresses)
    ]
    return next((zone for zone in (*attached, *around) if zone is not None), None)


def _interfaces_of(appliance: Appliance, observation: Observation) -> tuple[NetworkInterface, ...]:
    """Returns the interfaces attached to the appliance's instance, as far as they could be read."""
    if appliance.instance_id is None or observation.interfaces is None:
        return ()
    return tuple(i for i in observation.interfaces.values() if i.instance_id == appliance.instance_id)
