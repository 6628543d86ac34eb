"""The example topology as a document, as values, and with an AWS around it that fits: what tests bend."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from tandem.model import (
    ElasticIp,
    Holder,
    Liveness,
    NetworkInterface,
    Peer,
    PrivateAddress,
    RouteServer,
    Status,
)
from tandem.place import Place
from tandem.reasons.reason import Reason
from tandem.tags import OWNER_TAG
from tandem.topology.document import Topology, parse_topology
from tandem.topology.inventory import Endpoint, Inventory, RouteServerReading, RouteTable, Subnet
from tandem.topology.problems import Problem
from tandem.topology.shape import normalise
from tandem.topology.worldchecks import warnings
from tandem.words.provisioning import line_of, said, sentence_of, warning_of

EXAMPLE = Path(__file__).parents[1] / "examples" / "edge.yaml"
PLACE = Place("aws", "us-east-1", "123456789012")
STACK = "tandem"
TAGS = ((OWNER_TAG, STACK),)
TOPIC = "arn:aws:sns:us-east-1:123456789012:route-server"
VPC = "vpc-0a1b2c3d4e5f60001"
PUBLIC, PROTECTED = "rtb-0a1b2c3d4e5f60009", "rtb-0a1b2c3d4e5f60001"
EIP, ENI = "eipalloc-0a1b2c3d4e5f6000", "eni-0a1b2c3d4e5f6000"
INSTANCE, SUBNET = "i-0a1b2c3d4e5f6000", "subnet-0a1b2c3d4e5f6000"
"""Without their last digit, which counts."""

World = Callable[[Inventory], Inventory]
"""What AWS shows instead."""

Edit = tuple[str, object]
"""A path such as `groups.0.name` and the value there; `...` removes it."""

Expected = tuple[str, str, str]
"""A problem's path, a part of what is wrong, a part of what would be right."""


def document() -> dict[str, Any]:
    """Returns a fresh copy of the example."""
    loaded: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    loaded["mode"] = "enforce"
    return loaded


def topology(**changes: Any) -> Topology:
    """Returns the example, with other values at its top level."""
    return parse_topology(normalise({**document(), **changes}))


def set_at(root: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Returns a copy with another value at a path such as `groups.0.name`; `...` removes it."""
    changed: Any = copy.deepcopy(root)
    *way, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    parent: Any = changed
    for key in way:
        parent = parent[key]
    if value is ...:
        del parent[last]
    elif isinstance(parent, list) and last == len(parent):
        parent.append(value)
    else:
        parent[last] = value
    return dict(changed)


def edited(root: dict[str, Any], *edits: Edit) -> dict[str, Any]:
    """Returns a copy with other values at some paths, one after the other."""
    for path, value in edits:
        root = set_at(root, path, value)
    return root


def declared(*edits: Edit) -> Topology:
    """Returns the example with other values at some paths."""
    return parse_topology(normalise(edited(document(), *edits)))


def in_words(problems: Iterable[Problem]) -> list[str]:
    return [line_of(problem) for problem in problems]


def warning_words(topology: Topology, world: Inventory) -> list[str]:
    """Returns what refuses nothing, but a person should know."""
    return [warning_of(found) for found in warnings(topology, world)]


def words_of(reason: Reason | None) -> str:
    """Returns the sentence of a reason; nothing of none."""
    return "" if reason is None else sentence_of(reason)


def assert_refused(problems: list[Problem], expected: list[Expected]) -> None:
    """These problems, in any order, and no other."""
    assert sorted(p.path for p in problems) == sorted(path for path, _, _ in expected), in_words(problems)
    for path, what, right in expected:
        problem = said(next(p for p in problems if p.path == path))
        assert what in problem.what
        assert right in problem.right


def same(world: Inventory) -> Inventory:
    return world


def shown(world: Inventory) -> RouteServerReading:
    assert world.reading is not None
    return world.reading


def without(mapping: str, key: str) -> World:
    def bend(world: Inventory) -> Inventory:
        left: Any = {k: v for k, v in getattr(world, mapping).items() if k != key}
        return replace(world, **{mapping: left})

    return bend


def of_server(**changes: Any) -> World:
    return lambda world: replace(
        world, reading=replace(shown(world), server=replace(shown(world).server, **changes))
    )


def of_interface(number: int, **changes: Any) -> World:
    def bend(world: Inventory) -> Inventory:
        bent = replace(world.interfaces[f"{ENI}{number}"], **changes)
        return replace(world, interfaces={**world.interfaces, bent.network_interface_id: bent})

    return bend


def inventory(of: Topology | None = None) -> Inventory:
    """Returns an AWS in which nothing is wrong with the example: fw1 has all four Elastic IPs."""
    wanted = of or topology()
    subnets = {f"{SUBNET}{n}": Subnet(f"{SUBNET}{n}", VPC, f"10.0.{n}.0/24", PLACE.region) for n in (1, 2)}
    return Inventory(
        place=PLACE,
        stack=STACK,
        reading=reading(wanted),
        route_server_ids=("rs-0a1b2c3d4e5f60001",),
        vpc_ids=(VPC,),
        vpc_prefixes=("10.0.0.0/16",),
        propagated_to=(PROTECTED,),
        route_tables={
            PUBLIC: RouteTable(PUBLIC, VPC, main=True),
            PROTECTED: RouteTable(PROTECTED, VPC, subnet_ids=("subnet-0a1b2c3d4e5f60011",)),
        },
        subnets=subnets,
        interfaces={
            interface.network_interface_id: interface for interface in (_interface(1), _interface(2))
        },
        instance_states=dict.fromkeys(wanted.instance_ids, "running"),
        elastic_ips={
            allocation_id: _elastic_ip(wanted, allocation_id) for allocation_id in wanted.allocation_ids
        },
    )


def reading(of: Topology) -> RouteServerReading:
    """Returns the route server with the endpoints and peers that the topology declares."""
    endpoints = {
        name: Endpoint(f"rse-{name}", "rs-0a1b2c3d4e5f60001", subnet_id, "available")
        for name, subnet_id in of.route_server.endpoints
    }
    peers = tuple(
        Peer(
            peer_id=f"rsp-{endpoint}",
            endpoint_id=endpoints[endpoint].endpoint_id,
            route_server_id="rs-0a1b2c3d4e5f60001",
            peer_address=address,
            state="available",
            asn=appliance.asn,
            liveness=Liveness.BFD,
            bgp=Status.UP,
            bfd=Status.UP,
        )
        for appliance in of.appliances.values()
        for endpoint, address in appliance.peers
    )
    server = RouteServer("rs-0a1b2c3d4e5f60001", "available", 65000, TOPIC)
    return RouteServerReading(server, tuple(endpoints.values()), peers)


def _interface(number: int) -> NetworkInterface:
    allocated = {f"10.0.1.{20 + n}": f"{EIP}{n + 1}" for n in range(4)}
    private = [f"10.0.{number}.10", *(f"10.0.{number}.{20 + n}" for n in range(4))]
    return NetworkInterface(
        network_interface_id=f"{ENI}{number}",
        subnet_id=f"{SUBNET}{number}",
        instance_id=f"{INSTANCE}{number}",
        attachment="attached",
        addresses=tuple(
            PrivateAddress(ip, f"192.0.2.{ip[-2:]}" if ip in allocated else None, allocated.get(ip))
            for ip in private
        ),
        tags=TAGS,
    )


def _elastic_ip(of: Topology, allocation_id: str) -> ElasticIp:
    spec = next(e for g in of.groups for e in g.elastic_ips if e.allocation_id == allocation_id)
    target = spec.targets["fw1"]
    holder = Holder(target.network_interface_id, target.private_ip, f"eipassoc-{allocation_id[-2:]}")
    public_ip = f"192.0.2.{target.private_ip[-2:]}"
    return ElasticIp(allocation_id, public_ip, holder, TAGS, border_group=PLACE.region)
