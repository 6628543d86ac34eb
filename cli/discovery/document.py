"""Turns the live state of a route server and its peers into a topology document."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from cli.discovery.groups import groups
from cli.discovery.snapshot import LONGEST_NAME, Device, Snapshot, UndiscoverableError, free_name
from tandem.model import Peer
from tandem.tags import ENDPOINT_TAG

NAME_TAG = "Name"
PERSISTING = frozenset({"enabled", "enabling", "modifying"})


@dataclass(frozen=True, slots=True)
class Discovery:
    """Holds a valid document, and what a person has to know or to decide about it."""

    document: dict[str, Any]
    remarks: tuple[str, ...]


def discover(snapshot: Snapshot) -> Discovery:
    """Returns the topology of what exists: not managed, in dry-run. Pure.

    What is ambiguous is left out, with a remark. Raises UndiscoverableError if nothing is left.
    """
    remarks: list[str] = []
    endpoints = _endpoint_names(snapshot)
    devices = _devices(snapshot, endpoints, remarks)
    if not devices:
        because = f" ({'; '.join(remarks)})" if remarks else ""
        nobody = f"{snapshot.route_server_id} has no peer that could be declared{because}"
        raise UndiscoverableError(f"{nobody}: there is nothing to watch")
    document = {
        "tandem": 1,
        "name": _slug(dict(snapshot.reading.server.tags).get(NAME_TAG, "")) or snapshot.route_server_id,
        "mode": "dry-run",
        "manage": False,
        "route_server": _route_server(snapshot, endpoints),
        "appliances": {device.name: _declared(device) for device in devices},
        "groups": groups(snapshot, devices, remarks),
    }
    return Discovery(document, tuple(remarks))


def _route_server(snapshot: Snapshot, endpoints: dict[str, str]) -> dict[str, Any]:
    server = snapshot.reading.server
    subnets = {endpoint.endpoint_id: endpoint.subnet_id for endpoint in snapshot.reading.endpoints}
    persists = {"persist_routes": server.persist_minutes or 1} if server.persist_state in PERSISTING else {}
    silent = {} if server.notifies else {"sns_notifications": False}
    return {
        "id": server.route_server_id,
        "vpc_id": snapshot.vpc_id,
        "amazon_side_asn": server.amazon_side_asn,
        **persists,
        **silent,
        "endpoints": {name: subnets[endpoint_id] for endpoint_id, name in endpoints.items()},
        "propagate_to": sorted(snapshot.propagated_to),
    }


def _endpoint_names(snapshot: Snapshot) -> dict[str, str]:
    """Names each endpoint: by Tandem's tag, its Name tag, else its zone with a letter."""
    names: dict[str, str] = {}
    zones: Counter[str] = Counter()
    for endpoint in sorted(snapshot.reading.endpoints, key=lambda e: (e.subnet_id, e.endpoint_id)):
        tags, place = dict(endpoint.tags), snapshot.subnets.get(endpoint.subnet_id)
        zone = place.zone if place else endpoint.subnet_id
        letter = chr(ord("a") + zones[zone] % 26)
        zones[zone] += 1
        wished = (
            tags.get(ENDPOINT_TAG, ""),
            tags.get(NAME_TAG, ""),
            f"{zone}-{letter}",
            endpoint.endpoint_id,
        )
        names[endpoint.endpoint_id] = free_name(wished, names.values())
    return dict(sorted(names.items(), key=lambda item: item[1]))


def _devices(snapshot: Snapshot, endpoints: dict[str, str], remarks: list[str]) -> list[Device]:
    """Returns the devices behind the peers, by name: an instance, or an address that no instance has."""
    found: dict[str, list[Peer]] = {}
    behind = {a.private_ip: i.instance_id for i in snapshot.interfaces for a in i.addresses}
    for peer in sorted(snapshot.reading.peers, key=lambda p: p.peer_id):
        if peer.endpoint_id not in endpoints:
            remarks.append(f"{peer.peer_id} is left out: its endpoint {peer.endpoint_id} does not exist")
        elif peer.asn == snapshot.reading.server.amazon_side_asn:
            remarks.append(f"{peer.peer_id} is left out: it has the route server's own ASN, {peer.asn}")
        else:
            found.setdefault(behind.get(peer.peer_address) or peer.peer_address, []).append(peer)
    devices: list[Device] = []
    for key, peers in found.items():
        wished = (snapshot.instance_names.get(key, ""), f"appliance-{key}")
        name = free_name(wished, [device.name for device in devices])
        devices.append(_device(snapshot, name, key, _sessions(name, peers, endpoints, remarks)))
        if devices[-1].instance_id is None:
            remarks.append(
                f"{name}: {key} is on no interface of an instance, so next_hops lists its addresses"
            )
    return sorted(devices, key=lambda device: device.name)


def _sessions(
    device: str, peers: list[Peer], endpoints: dict[str, str], remarks: list[str]
) -> dict[str, Peer]:
    """Returns what a declaration can hold: one ASN, one liveness mode, one session an endpoint. The rest gets
    a remark.
    """
    [(most, _)] = Counter((peer.asn, peer.liveness) for peer in peers).most_common(1)
    chosen: dict[str, Peer] = {}
    for peer in peers:
        name = endpoints[peer.endpoint_id]
        if (peer.asn, peer.liveness) != most:
            own = f"it has ASN {peer.asn} and {peer.liveness}"
            remarks.append(f"{peer.peer_id} is left out: {own}, {device} has {most[0]} and {most[1]}")
        elif name in chosen:
            remarks.append(f"{peer.peer_id} is left out: {device} has another session at {name}")
        else:
            chosen[name] = peer
    return dict(sorted(chosen.items()))


def _device(snapshot: Snapshot, name: str, key: str, peers: dict[str, Peer]) -> Device:
    interfaces = tuple(i for i in snapshot.interfaces if i.instance_id == key)
    addresses = {a.private_ip for i in interfaces for a in i.addresses}
    addresses |= {address for i in interfaces for address in i.ipv6}
    return Device(name, key if interfaces else None, peers, frozenset(addresses or {key}), interfaces)


def _declared(device: Device) -> dict[str, Any]:
    first = next(iter(device.peers.values()))
    whose = {"instance_id": device.instance_id} if device.instance_id else {}
    sessions = {name: peer.peer_address for name, peer in device.peers.items()}
    hops = {} if device.instance_id else {"next_hops": sorted(device.addresses)}
    return {**whose, "asn": first.asn, "liveness": first.liveness.value, "peers": sessions, **hops}


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:LONGEST_NAME].strip("-")
