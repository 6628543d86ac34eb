"""Resolves next hops and BGP sessions to declared appliances, and says which appliance has a session."""

from __future__ import annotations

from collections.abc import Iterable

from tandem.model import NetworkInterface, Observation, Peer, Status
from tandem.topology.document import Appliance


def addresses_of(appliance: Appliance, observation: Observation) -> frozenset[str]:
    """Returns every next hop that means this appliance.

    Route Server resolves a next hop to the interface that owns it (docs/aws-facts.md#next-hop-resolution), so
    the instance's own interfaces decide. The declared addresses stand in only where they could not be read;
    where one of them could not be, those that no other interface shows.
    """
    declared = frozenset(appliance.next_hops) | appliance.peer_addresses
    if appliance.instance_id is None or observation.interfaces is None:
        return declared
    interfaces = observation.interfaces.values()
    own = _shown_on(i for i in interfaces if i.instance_id == appliance.instance_id)
    if not observation.unknown.interfaces:
        return own
    return own | (declared - _shown_on(interfaces))


def _shown_on(interfaces: Iterable[NetworkInterface]) -> frozenset[str]:
    return frozenset(
        address for i in interfaces for address in (*(own.private_ip for own in i.addresses), *i.ipv6)
    )


def sessions_of(appliance: Appliance, observation: Observation) -> tuple[Peer, ...]:
    """Returns the appliance's peers: at its declared addresses or at an address that its interfaces have."""
    addresses = appliance.peer_addresses | addresses_of(appliance, observation)
    return tuple(peer for peer in observation.peers if peer.peer_address in addresses)


def has_session(appliance: Appliance, observation: Observation) -> bool:
    """Returns True if BGP is up in at least one session."""
    return any(peer.bgp is Status.UP for peer in sessions_of(appliance, observation))


def unread_session(appliance: Appliance, observation: Observation) -> str | None:
    """Returns why a peer cannot be read that is the appliance's, or does not show whose it is."""
    addresses = appliance.peer_addresses | addresses_of(appliance, observation) | {""}
    return next((why for a, why in observation.unknown.peers.items() if a in addresses), None)
