"""Edits of a managed document, each of one kind, and runs towards the edited document."""

from __future__ import annotations

from typing import Any

from tests.routing import Run, wanted
from tests.topologies import SUBNET, Edit, edited

FIELDS: dict[str, tuple[Edit, ...]] = {
    "persistence": (("route_server.persist_routes", 3),),
    "notifications": (("route_server.sns_notifications", False),),
    "logs": (("route_server.peer_logs", False),),
    "another table": (("route_server.propagate_to", ["rtb-0a1b2c3d4e5f60002"]),),
    "no table": (("route_server.propagate_to", []),),
    "an endpoint less": (
        ("route_server.endpoints.az2-b", ...),
        ("appliances.fw2.peers.az2-b", ...),
    ),
    "an endpoint elsewhere": (("route_server.endpoints.az2-b", "subnet-0a1b2c3d4e5f60003"),),
    "endpoints swapped": (
        ("route_server.endpoints.az1-a", f"{SUBNET}2"),
        ("route_server.endpoints.az2-a", f"{SUBNET}1"),
    ),
    "an endpoint renamed": (
        ("route_server.endpoints.az1-b", ...),
        ("route_server.endpoints.az1-z", f"{SUBNET}1"),
        ("appliances.fw1.peers.az1-b", ...),
        ("appliances.fw1.peers.az1-z", "10.0.1.10"),
    ),
    "the owner's liveness": (("appliances.fw1.liveness", "bgp-keepalive"),),
    "the standby's liveness": (("appliances.fw2.liveness", "bgp-keepalive"),),
    "both livenesses": (
        ("appliances.fw1.liveness", "bgp-keepalive"),
        ("appliances.fw2.liveness", "bgp-keepalive"),
    ),
    "the owner's address": (
        ("appliances.fw1.peers.az1-a", "10.0.1.11"),
        ("appliances.fw1.peers.az1-b", "10.0.1.11"),
    ),
    "the standby's address": (
        ("appliances.fw2.peers.az2-a", "10.0.2.11"),
        ("appliances.fw2.peers.az2-b", "10.0.2.11"),
    ),
    "one address of the owner": (("appliances.fw1.peers.az1-b", "10.0.1.11"),),
    "a session less": (("appliances.fw1.peers.az1-b", ...),),
    "a session more": (("appliances.fw1.peers.az2-a", "10.0.1.10"),),
    "the owner's instance": (("appliances.fw1.instance_id", "i-0a1b2c3d4e5f6000f"),),
    "next hops": (("appliances.fw1.next_hops", ["10.0.1.10"]),),
    "allowed prefixes": (("appliances.fw1.allowed_prefixes", ["0.0.0.0/0"]),),
    "the mode": (("mode", "dry-run"),),
    "a group's name": (("groups.0.name", "other"),),
    "a prefix more": (("groups.0.prefixes.1", "10.20.0.0/16"),),
    "no elastic ips": (("groups.0.elastic_ips", []),),
    "an appliance renamed": (("appliances.fw1", ...), ("appliances.edge1", wanted()["appliances"]["fw1"])),
    "the standby gone": (("appliances.fw2", ...),),
}


def changed(name: str) -> dict[str, Any]:
    made = edited(wanted(), *FIELDS[name])
    if name in ("an appliance renamed", "the standby gone"):
        made["groups"][0]["elastic_ips"] = []
    return made


def started(world: Run, name: str) -> Run:
    """Towards the changed document; the appliances speak from their old and their new addresses."""
    return speaking(world.towards(changed(name)))


def speaking(run: Run) -> Run:
    for appliance in run.desired.topology.appliances.values():
        for address in appliance.peer_addresses:
            known = run.aws.speaks.get((address, appliance.asn))
            run.aws.speaks[address, appliance.asn] = known or appliance.name
            if known is None and appliance.name not in run.aws.preference:
                run.aws.preference = (appliance.name, *run.aws.preference)
    return run
