"""The example's world as `discover` sees it, and ways to bend it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cli.discovery.snapshot import Snapshot
from tandem.model import (
    ElasticIp,
    Holder,
    Liveness,
    NetworkInterface,
    Peer,
    PrivateAddress,
    Route,
    RouteServer,
    RouteStatus,
    RoutingDatabase,
    Status,
)
from tandem.topology.inventory import Endpoint, RouteServerReading, Subnet

SERVER = RouteServer("rs-0a1b2c3d4e5f60001", "available", 65000, tags=(("Name", "edge"),), notifies=True)
SUBNETS = {n: f"subnet-0a1b2c3d4e5f6000{n}" for n in (1, 2, 3)}
INSTANCES = {n: f"i-0a1b2c3d4e5f6000{n}" for n in (1, 2, 3)}
INTERFACES = {n: f"eni-0a1b2c3d4e5f6000{n}" for n in (1, 2, 3)}


def endpoint(name: str, subnet: int, **tags: str) -> Endpoint:
    shown = tags or {"Name": name}
    return Endpoint(
        f"rse-{name}", SERVER.route_server_id, SUBNETS[subnet], "available", tags=tuple(shown.items())
    )


def peer(name: str, at: str, address: str, asn: int, liveness: Liveness = Liveness.BFD) -> Peer:
    return Peer(
        f"rsp-{name}", f"rse-{at}", SERVER.route_server_id, address, "available", asn, liveness, Status.UP
    )


def allocation(number: int) -> str:
    return f"eipalloc-0a1b2c3d4e5f6000{number}"


def interface(number: int, addresses: dict[str, int | None]) -> NetworkInterface:
    """Returns an interface of an instance; an address with a number has that Elastic IP."""
    return NetworkInterface(
        INTERFACES[number],
        SUBNETS[number],
        INSTANCES[number],
        addresses=tuple(
            PrivateAddress(ip, f"192.0.2.{eip}" if eip else None, allocation(eip) if eip else None)
            for ip, eip in addresses.items()
        ),
    )


def elastic_ip(number: int, on: int, private_ip: str) -> ElasticIp:
    return ElasticIp(
        allocation(number),
        f"192.0.2.{number}",
        Holder(INTERFACES[on], private_ip, f"eipassoc-{number}"),
    )


def route(prefix: str, of: Peer, *, chosen: bool) -> Route:
    status = RouteStatus.IN_FIB if chosen else RouteStatus.IN_RIB
    return Route(prefix, of.peer_address, status, of.peer_id)


def edge(**changes: Any) -> Snapshot:
    """Two firewalls with two sessions each; fw1 owns the default route and has four Elastic IPs."""
    endpoints = tuple(endpoint(f"az{n}-{letter}", n) for n in (1, 2) for letter in "ab")
    peers = tuple(
        peer(f"{n}{letter}", f"az{n}-{letter}", f"10.0.{n}.10", 65000 + n) for n in (1, 2) for letter in "ab"
    )
    spares = {n: [f"10.0.{n}.{20 + i}" for i in range(4)] for n in (1, 2)}
    found = Snapshot(
        vpc_id="vpc-0a1b2c3d4e5f60001",
        reading=RouteServerReading(SERVER, endpoints, peers),
        database=RoutingDatabase(tuple(route("0.0.0.0/0", p, chosen=p.peer_id == "rsp-1a") for p in peers)),
        propagated_to=("rtb-0a1b2c3d4e5f60001",),
        subnets={
            SUBNETS[n]: Subnet(
                SUBNETS[n], "vpc-0a1b2c3d4e5f60001", f"10.0.{n}.0/24", zone=f"us-east-1{'xabc'[n]}"
            )
            for n in (1, 2, 3)
        },
        interfaces=(
            interface(1, {"10.0.1.10": None, **{ip: i for i, ip in enumerate(spares[1], start=1)}}),
            interface(2, {"10.0.2.10": None, **dict.fromkeys(spares[2])}),
        ),
        instance_names={INSTANCES[1]: "fw1", INSTANCES[2]: "fw2"},
        elastic_ips=tuple(elastic_ip(i, 1, ip) for i, ip in enumerate(spares[1], start=1)),
    )
    return replace(found, **changes)


def reading(of: Snapshot, **changes: Any) -> Snapshot:
    return replace(of, reading=replace(of.reading, **changes))
