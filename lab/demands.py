"""Describes what a managed topology demands of EC2, and whether the lab's world shows it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lab.sightings import World

READING = ("Describe", "Get")


def changes(requests: Sequence[Mapping[str, Any]]) -> Counter[str]:
    """Returns how often EC2 was asked for each action that changes something."""
    return Counter(r["action"] for r in requests if not r["action"].startswith(READING))


def expected(document: Mapping[str, Any]) -> Counter[str]:
    """Every part of a route server, made once."""
    spec = document["route_server"]
    return Counter(
        CreateRouteServer=1,
        AssociateRouteServer=1,
        CreateRouteServerEndpoint=len(spec["endpoints"]),
        EnableRouteServerPropagation=len(spec["propagate_to"]),
        CreateRouteServerPeer=sum(len(a["peers"]) for a in document["appliances"].values()),
    )


def counted(document: Mapping[str, Any]) -> dict[str, int]:
    """Returns how much of each there is in the end: failover and signals hear the topic, every peer is
    logged.
    """
    made = expected(document)
    peers = made["CreateRouteServerPeer"]
    return {
        "endpoints": made["CreateRouteServerEndpoint"],
        "peers": peers,
        "subscriptions": 2,
        "log_deliveries": peers,
    }


def missing(document: Mapping[str, Any], world: World) -> list[str]:
    """Returns what the document says and AWS does not show, or shows beyond it; empty where both agree."""
    spec = document["route_server"]
    servers = [s for s in world["route_servers"] if s["vpc_id"] == spec["vpc_id"]]
    if len(servers) != 1:
        return [f"one route server in {spec['vpc_id']}; there are {len(servers)}"]
    wanted, found = _wanted(document), dict(_found(servers[0]))
    return [
        f"{what}: {found.get(what, 'nothing')} instead of {wanted.get(what, 'nothing')}"
        for what in wanted | found
        if found.get(what) != wanted.get(what)
    ]


def _wanted(document: Mapping[str, Any]) -> dict[str, str]:
    spec = document["route_server"]
    endpoints = {f"endpoint {name} in {subnet}": "available" for name, subnet in spec["endpoints"].items()}
    sessions = {
        f"session of {address} at {endpoint}": _session(appliance["asn"], appliance["liveness"], "available")
        for appliance in document["appliances"].values()
        for endpoint, address in appliance["peers"].items()
    }
    tables = {f"propagation to {table}": "available" for table in spec["propagate_to"]}
    owners = {f"owner of {p}": "fw1" for group in document["groups"] for p in group["prefixes"]}
    return {"route server": "available", "association": "associated"} | endpoints | tables | sessions | owners


def _found(server: World) -> Iterator[tuple[str, str]]:
    yield "route server", server["state"]
    yield "association", server["association"]
    names = {endpoint["id"]: endpoint["name"] for endpoint in server["endpoints"]}
    for endpoint in server["endpoints"]:
        yield f"endpoint {endpoint['name']} in {endpoint['subnet_id']}", endpoint["state"]
    for table, state in server["propagations"].items():
        yield f"propagation to {table}", state
    for peer in server["peers"]:
        words = _session(peer["asn"], peer["liveness"], peer["state"], peer["bgp"], peer["bfd"])
        yield f"session of {peer['address']} at {names[peer['endpoint']]}", words
    for prefix, owner in server["owners"].items():
        yield f"owner of {prefix}", owner or "nobody"


def _session(asn: int, liveness: str, state: str, bgp: str = "up", bfd: str | None = "up") -> str:
    return f"ASN {asn}, {liveness}, {state}, BGP {bgp}" + (f", BFD {bfd}" if liveness == "bfd" else "")
