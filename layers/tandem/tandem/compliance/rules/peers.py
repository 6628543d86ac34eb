"""What several rules ask of a snapshot: the route server, and an appliance's peers."""

from __future__ import annotations

from tandem.compliance.snapshot import NotRead, NotReadError, Snapshot, known
from tandem.model import Observation, Peer
from tandem.topology.document import Appliance
from tandem.topology.inventory import RouteServerReading


def reading_of(snapshot: Snapshot) -> RouteServerReading:
    """Returns the route server with its endpoints and peers. Raises NotReadError where AWS shows none."""
    reading = known(snapshot.inventory).reading
    if reading is None:
        raise NotReadError(NotRead(f"AWS shows no route server of {snapshot.topology.name}"))
    return reading


def peers_of(observation: Observation, appliance: Appliance) -> tuple[Peer, ...]:
    return tuple(p for p in observation.peers if p.peer_address in appliance.peer_addresses)


def unread_peer_of(observation: Observation, appliance: Appliance) -> str | None:
    """Returns why a peer of the appliance cannot be read; a row without an address may be anybody's."""
    unread = observation.unknown.peers
    return next((unread[a] for a in ("", *sorted(appliance.peer_addresses)) if a in unread), None)
