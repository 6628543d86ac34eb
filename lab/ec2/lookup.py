"""Finds what a lever names, or says what there is instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.ec2 import sessions
from lab.ec2.entities import Appliance, Endpoint, Peer, State
from lab.ec2.errors import LeverError

if TYPE_CHECKING:
    from moto.ec2.models.instances import Instance

    from lab.ec2.region import Region


def find_appliance(region: Region, lever: str, name: str) -> Appliance:
    appliance = region.appliances.get(name)
    if appliance is None:
        known = ", ".join(region.appliances) or "none; register one first"
        raise LeverError(f"{lever} {name!r}: no such appliance; there are: {known}")
    return appliance


def instance_ids(region: Region) -> list[str]:
    return [instance.id for instance in region.backend.all_instances()]


def instance_of(region: Region, appliance: Appliance) -> Instance:
    return region.backend.get_instance(appliance.instance_id)


def find_endpoint(region: Region, lever: str, name: str) -> Endpoint:
    """By ID, Name tag or tandem:endpoint tag; deleted ones do not count."""
    living = [endpoint for endpoint in region.endpoints.values() if endpoint.state is not State.DELETED]
    found = [
        endpoint
        for endpoint in living
        if name in {endpoint.id, *(region.tags(endpoint.id).get(key) for key in ("Name", "tandem:endpoint"))}
    ]
    if len(found) == 1:
        return found[0]
    known = ", ".join(named(region, endpoint.id) for endpoint in living)
    what = f"{len(found)} endpoints are called so, give an ID" if found else "no such endpoint"
    raise LeverError(f"{lever} {name!r}: {what}; there are: {known or 'none'}")


def named(region: Region, endpoint_id: str) -> str:
    """Returns `az1-a (rse-…)`: what people call an endpoint, and its ID."""
    return f"{region.endpoint_name(endpoint_id) or 'no name'} ({endpoint_id})"


def named_peer(region: Region, peer: Peer) -> str:
    """Returns `fw1 at az1-a (rsp-…)`."""
    appliance = sessions.speaker(region, peer)
    name = appliance.name if appliance else peer.address
    return f"{name} at {region.endpoint_name(peer.endpoint_id) or peer.endpoint_id} ({peer.id})"


def find_peers(region: Region, name: str, endpoint: str) -> list[Peer]:
    appliance = find_appliance(region, "session", name)
    at = find_endpoint(region, "session", endpoint)
    peers = [peer for peer in sessions.sessions_of(region, appliance) if peer.endpoint_id == at.id]
    if not peers:
        others = dict.fromkeys(peer.endpoint_id for peer in sessions.sessions_of(region, appliance))
        known = ", ".join(sorted(named(region, other) for other in others)) or "no endpoint"
        raise LeverError(f"session {name!r}: no peer at {named(region, at.id)}; it has peers at: {known}")
    return peers
