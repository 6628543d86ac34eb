"""The groups of a discovered topology: who owns which routes, and which Elastic IPs could follow them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from cli.discovery.snapshot import Device, Snapshot, UndiscoverableError
from tandem.model import ElasticIp, Holder, NetworkInterface, Route, RouteStatus

DEFAULT_ROUTES = frozenset({"0.0.0.0/0", "::/0"})

Place = tuple[str, str]
"""An interface and a private IP on it."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An Elastic IP on an owner's interface, and the places that could be its on each other device."""

    elastic_ip: ElasticIp
    owner: str
    holder: Holder
    places: dict[str, tuple[Place, ...]]
    is_public: bool
    """True if it is where a route leads to an internet gateway, so that its places are there too."""


def groups(snapshot: Snapshot, devices: list[Device], remarks: list[str]) -> list[dict[str, Any]]:
    """Returns a group for each device that owns routes now. Raises UndiscoverableError where none does."""
    owned = _owned(snapshot, devices, remarks)
    if not owned:
        raise UndiscoverableError(
            f"{snapshot.route_server_id} has chosen no route of a peer's device: there is nothing to track"
        )
    if len(owned) > 1:
        remarks.append(f"{len(owned)} appliances own routes now ({', '.join(owned)}): each has a group here")
    addresses = _elastic_ips(snapshot, devices, list(owned), remarks)
    return [
        {"name": name, "prefixes": owned[owner], "elastic_ips": addresses[owner]}
        for owner, name in _names(owned).items()
    ]


def _owned(snapshot: Snapshot, devices: list[Device], remarks: list[str]) -> dict[str, list[str]]:
    """Returns the prefixes in the FIB by the device that each goes to, both in order."""
    owned: dict[str, list[str]] = {}
    chosen = [route for route in snapshot.database.routes if route.status is RouteStatus.IN_FIB]
    for route in sorted(chosen, key=_in_order):
        owner = next((device.name for device in devices if route.next_hop in device.addresses), None)
        if owner is None:
            strange = f"it goes to {route.next_hop}, which no peer's device has"
            remarks.append(f"{route.prefix} is left out: {strange}")
        elif route.prefix not in owned.setdefault(owner, []):
            owned[owner].append(route.prefix)
            remarks += _alone(route, snapshot, devices)
    return dict(sorted(owned.items()))


def _alone(route: Route, snapshot: Snapshot, devices: list[Device]) -> Iterator[str]:
    hops = {other.next_hop for other in snapshot.database.routes if other.prefix == route.prefix}
    able = [device.name for device in devices if hops & device.addresses]
    if len(able) == 1:
        yield f"only {able[0]} advertises {route.prefix}: nobody else could take it over now"


def _names(owned: dict[str, list[str]]) -> dict[str, str]:
    if len(owned) > 1:
        return {owner: f"group-{number}" for number, owner in enumerate(owned, start=1)}
    return {
        owner: "internet-edge" if DEFAULT_ROUTES & {*prefixes} else "main"
        for owner, prefixes in owned.items()
    }


def _elastic_ips(
    snapshot: Snapshot, devices: list[Device], owners: list[str], remarks: list[str]
) -> dict[str, list[dict[str, Any]]]:
    """Returns those with one clear target on every device, by owner; every other one is said."""
    found: dict[str, list[dict[str, Any]]] = {owner: [] for owner in owners}
    candidates = list(_candidates(snapshot, devices, owners, remarks))
    wanted = Counter(place for c in candidates for places in c.places.values() for place in places)
    for candidate in candidates:
        why = _unclear(candidate, wanted)
        if why is not None:
            remarks.append(f"{_shown(candidate.elastic_ip)} is left out: {why}")
            continue
        own = (candidate.holder.network_interface_id, candidate.holder.private_ip)
        targets = {d.name: own if d.name == candidate.owner else candidate.places[d.name][0] for d in devices}
        found[candidate.owner].append(
            {
                "allocation_id": candidate.elastic_ip.allocation_id,
                "targets": {
                    name: {"network_interface": interface, "private_ip": address}
                    for name, (interface, address) in targets.items()
                },
            }
        )
    return found


def _candidates(
    snapshot: Snapshot, devices: list[Device], owners: list[str], remarks: list[str]
) -> Iterator[_Candidate]:
    """Yields the Elastic IPs on the owners' interfaces, in the order of their private addresses."""
    behind = {i.network_interface_id: device for device in devices for i in device.interfaces}
    holders = [e.holder for e in snapshot.elastic_ips if e.holder and e.holder.network_interface_id in behind]
    matched = {
        place
        for holder in holders
        for device in devices
        if device is not behind[holder.network_interface_id]
        for place in _matching(snapshot, device, holder)
    }
    for elastic_ip in sorted(snapshot.elastic_ips, key=_by_private_ip):
        holder = elastic_ip.holder
        device = behind.get(holder.network_interface_id) if holder else None
        if holder is None or device is None:
            continue
        service = elastic_ip.service_managed
        if service is not None:
            remarks.append(f"{_shown(elastic_ip)} is left out: {service} manages it")
        elif device.name not in owners:
            elsewhere = f"it is on {device.name}, which owns no route now"
            remarks.append(f"{_shown(elastic_ip)} is left out: {elsewhere}")
        else:
            others = {
                d.name: _matching(snapshot, d, holder) or _spare(snapshot, d, holder, matched)
                for d in devices
                if d is not device
            }
            yield _Candidate(elastic_ip, device.name, holder, others, _is_public(snapshot, holder))


def _matching(snapshot: Snapshot, other: Device, holder: Holder) -> tuple[Place, ...]:
    """Returns the free addresses as far into their subnet as the present one is into its own."""
    offset = _offset(snapshot, _holding(snapshot, holder), holder.private_ip)
    if offset is None:
        return ()
    free = _free(snapshot, other, holder)
    return _alike(snapshot, holder, (p for i, p in free if _offset(snapshot, i, p[1]) == offset))


def _spare(snapshot: Snapshot, other: Device, holder: Holder, matched: set[Place]) -> tuple[Place, ...]:
    """Returns the free secondary addresses that nobody peers from and that match no Elastic IP by their
    offset.
    """
    peering = {peer.peer_address for peer in other.peers.values()}
    secondary = (p for i, p in _free(snapshot, other, holder) if p[1] != i.addresses[0].private_ip)
    return _alike(snapshot, holder, (p for p in secondary if p[1] not in peering and p not in matched))


def _free(snapshot: Snapshot, device: Device, holder: Holder) -> Iterator[tuple[NetworkInterface, Place]]:
    """Yields the private addresses without a public one: AssociateAddress displaces what is there
    (docs/aws-facts.md#displaced-addresses).

    An Elastic IP is of use only where the subnet's route table leads to an internet gateway
    (https://docs.aws.amazon.com/vpc/latest/userguide/vpc-igw-internet-access.html), so where the present
    address is in such a subnet, the others have to be.
    """
    is_bound = _is_public(snapshot, holder)
    for interface in device.interfaces:
        if is_bound and interface.subnet_id not in (snapshot.public_subnets or ()):
            continue
        for address in interface.addresses:
            if address.public_ip is None:
                yield interface, (interface.network_interface_id, address.private_ip)


def _alike(snapshot: Snapshot, holder: Holder, places: Iterable[Place]) -> tuple[Place, ...]:
    """Prefers of several places those on the interface with the present one's device index, if there are
    any: a pair is wired alike.
    """
    every = tuple(places)
    indexes = {i.network_interface_id: i.device_index for i in snapshot.interfaces}
    index = indexes.get(holder.network_interface_id)
    alike = tuple(p for p in every if index is not None and indexes.get(p[0]) == index)
    return alike or every


def _is_public(snapshot: Snapshot, holder: Holder) -> bool:
    return _holding(snapshot, holder).subnet_id in (snapshot.public_subnets or ())


def _holding(snapshot: Snapshot, holder: Holder) -> NetworkInterface:
    return next(i for i in snapshot.interfaces if i.network_interface_id == holder.network_interface_id)


def _unclear(candidate: _Candidate, wanted: Counter[Place]) -> str | None:
    """Returns why the Elastic IP has no clear target on some device, or None."""
    for name, places in candidate.places.items():
        if not places:
            where = (
                " where the subnet's route table leads to an internet gateway" if candidate.is_public else ""
            )
            return f"{name} has no free private address that matches {candidate.holder.private_ip}{where}"
        if len(places) > 1:
            several = ", ".join(address for _, address in places)
            return f"{name} has several that could match {candidate.holder.private_ip}: {several}"
        if wanted[places[0]] > 1:
            return f"{places[0][1]} on {name} could match several Elastic IPs"
    return None


def _offset(snapshot: Snapshot, interface: NetworkInterface, address: str) -> int | None:
    place = snapshot.subnets.get(interface.subnet_id)
    return place.offset(address) if place else None


def _by_private_ip(elastic_ip: ElasticIp) -> tuple[int, str]:
    holder = elastic_ip.holder
    return (int(ip_address(holder.private_ip)) if holder else 0, elastic_ip.allocation_id)


def _in_order(route: Route) -> tuple[int, int, int]:
    network = ip_network(route.prefix)
    return network.version, int(network.network_address), network.prefixlen


def _shown(elastic_ip: ElasticIp) -> str:
    return f"{elastic_ip.allocation_id} ({elastic_ip.public_ip})"
