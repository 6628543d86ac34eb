"""The third pass, route server's side: whether AWS has what the topology says of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from tandem.inventory import Inventory
from tandem.model import Peer, RouteServer
from tandem.problems import Problem, path_of
from tandem.topology import Appliance, Topology

Check = Callable[[Topology, Inventory], Iterator[Problem]]


def route_server_exists(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    wanted = topology.route_server.route_server_id
    if inventory.reading is None and wanted is not None:
        others = ", ".join(inventory.route_server_ids) or "none at all"
        yield Problem(
            "route_server.id",
            f"{wanted} is not known in {inventory.place}",
            f"a route server of that account and Region; there is: {others}",
        )


def route_server_as_declared(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    if inventory.reading is None or topology.manage:
        return
    declared, server = topology.route_server, inventory.reading.server
    if not inventory.vpc_ids:
        said = f"{server.route_server_id} is associated with no VPC, so it has neither endpoints nor routes"
        yield Problem("route_server.id", said, "a route server that is associated with a VPC")
    elif declared.vpc_id is not None and declared.vpc_id not in inventory.vpc_ids:
        actual = ", ".join(inventory.vpc_ids)
        yield Problem(
            "route_server.vpc_id", f"is {declared.vpc_id}, but the route server is in {actual}", actual
        )
    if declared.amazon_side_asn not in (None, server.amazon_side_asn):
        yield Problem(
            "route_server.amazon_side_asn",
            f"is {declared.amazon_side_asn}, but AWS shows {server.amazon_side_asn}",
            str(server.amazon_side_asn),
        )
    for name, appliance in topology.appliances.items():
        if declared.amazon_side_asn is None and appliance.asn == server.amazon_side_asn:
            yield Problem(
                path_of(["appliances", name, "asn"]),
                f"is {appliance.asn}, which is the route server's too, but the sessions are eBGP",
                "the appliance's own ASN, different from the route server's",
            )


def endpoints_exist(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    if inventory.reading is None and not topology.manage:
        return
    there = Counter(e.subnet_id for e in (inventory.reading.endpoints if inventory.reading else ()))
    declared: Counter[str] = Counter()
    for name, subnet_id in topology.route_server.endpoints:
        declared[subnet_id] += 1
        where = path_of(["route_server", "endpoints", name])
        subnet = inventory.subnets.get(subnet_id)
        if subnet_id in inventory.unknown:
            yield inventory.unreadable(where, subnet_id)
        elif subnet is None:
            yield Problem(
                where, f"{subnet_id} is not known in {inventory.place}", "a subnet of the route server's VPC"
            )
        elif inventory.vpc_ids and subnet.vpc_id not in inventory.vpc_ids:
            inside = ", ".join(inventory.vpc_ids)
            yield Problem(
                where,
                f"{subnet_id} is in {subnet.vpc_id}",
                f"a subnet of {inside}, where the route server is",
            )
        elif declared[subnet_id] > there[subnet_id] and not topology.manage:
            yield Problem(
                where,
                f"is more than the {_counted(there[subnet_id], 'endpoint')} that AWS shows in {subnet_id}",
                "as many endpoints as AWS shows in each subnet; there are: " + (_list(there) or "none"),
            )


def peers_exist(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    """Each declared session has a peer of its own; endpoints of one subnet cannot be told apart by name."""
    if inventory.reading is None or topology.manage:
        return
    subnets = dict(topology.route_server.endpoints)
    for name, appliance in topology.appliances.items():
        declared: Counter[tuple[str | None, str]] = Counter()
        for endpoint, address in appliance.peers:
            subnet_id = subnets.get(endpoint)
            declared[subnet_id, address] += 1
            found = _peers_at(inventory, address, subnet_id)
            if declared[subnet_id, address] > len(found):
                where = "" if subnet_id is None else f" at an endpoint in {subnet_id}"
                yield Problem(
                    path_of(["appliances", name, "peers", endpoint]),
                    f"is more than the {_counted(len(found), 'peer')} that AWS shows for {address}{where}",
                    "a session that the route server has; for this appliance it has: "
                    + (_peer_list(appliance, inventory) or "none"),
                )


def peers_as_declared(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    """What is managed is made so."""
    if topology.manage:
        return
    for name, appliance in topology.appliances.items():
        peers = [p for p in _peers(inventory) if p.peer_address in appliance.peer_addresses]
        for peer in peers:
            if peer.asn != appliance.asn:
                yield _differs(name, "asn", str(appliance.asn), peer, str(peer.asn))
            if peer.liveness != appliance.liveness:
                yield _differs(name, "liveness", appliance.liveness, peer, peer.liveness)


def vpc_exists(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    """Where a managed route server is going to be."""
    wanted = topology.route_server.vpc_id
    if topology.manage and wanted is not None and not inventory.vpc_prefixes:
        unknown = f"{wanted} is not known in {inventory.place}"
        yield Problem("route_server.vpc_id", unknown, "a VPC of that account and Region")


def instances_exist(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    for name, appliance in topology.appliances.items():
        if appliance.instance_id is None:
            continue
        state = inventory.instance_states.get(appliance.instance_id)
        where = path_of(["appliances", name, "instance_id"])
        if appliance.instance_id in inventory.unknown:
            yield inventory.unreadable(where, appliance.instance_id)
        elif state is None:
            yield Problem(
                where,
                f"{appliance.instance_id} is not known in {inventory.place}",
                "the appliance's instance",
                gone=appliance.instance_id,
            )
        elif state == "terminated":
            words = f"{appliance.instance_id} is terminated"
            yield Problem(where, words, "the instance that took its place", gone=appliance.instance_id)
        else:
            yield from _own_addresses(name, appliance, inventory)


ROUTE_SERVER_CHECKS: tuple[Check, ...] = (
    route_server_exists,
    vpc_exists,
    route_server_as_declared,
    endpoints_exist,
    peers_exist,
    peers_as_declared,
    instances_exist,
)


def settings_differ(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    """Settings that a watched route server has otherwise than the document says. They refuse nothing, since
    Tandem works without them: a warning where the document is stored, and drift from then on."""
    if inventory.reading is None or topology.manage:
        return
    server = inventory.reading.server
    if topology.route_server.sns_notifications and not server.notifies:
        off = f"is true, but {server.route_server_id} has SNS notifications off"
        yield Problem("route_server.sns_notifications", off, "SNS notifications on, or false where meant")
    yield from _persistence(topology, server)


def _persistence(topology: Topology, server: RouteServer) -> Iterator[Problem]:
    """Only where the document states it, and where it has come to rest."""
    stated = topology.document["route_server"].get("persist_routes")
    actual = {"disabled": "disable", "enabled": server.persist_minutes}.get(server.persist_state or "")
    if stated is not None and actual is not None and stated != actual:
        what = f"is {stated}, but {server.route_server_id} has {actual}"
        yield Problem("route_server.persist_routes", what, str(actual))


def route_server_warnings(topology: Topology, inventory: Inventory) -> Iterator[str]:
    """What refuses nothing, but a person should know."""
    reading, declared = inventory.reading, topology.route_server
    yield from dict.fromkeys(inventory.unknown.values())
    if reading is None:
        return
    if declared.sns_notifications and reading.server.sns_topic_arn is None:
        yield (
            f"{reading.server.route_server_id} has SNS notifications off: Tandem is not told about sessions, "
            "it finds out by looking, every few seconds (aws ec2 modify-route-server "
            f"--route-server-id {reading.server.route_server_id} --sns-notifications-enabled)"
        )
    for problem in () if topology.manage else _persistence(topology, reading.server):
        yield f"{problem.path}: {problem.what}"
    known = frozenset(a for appliance in topology.appliances.values() for a in appliance.peer_addresses)
    for peer in reading.peers:
        if peer.peer_address not in known:
            stranger = f"{peer.peer_id} ({peer.peer_address}) is a peer of no declared appliance"
            yield f"{stranger}: while it owns a tracked prefix, Tandem holds"


def leak_warnings(topology: Topology, inventory: Inventory) -> Iterator[str]:
    """Only peer logs say what a peer advertises, so without them no route leak is seen (facts §4.1)."""
    if topology.route_server.peer_logs:
        return
    for name, appliance in topology.appliances.items():
        if appliance.allowed_prefixes is not None:
            where = path_of(["appliances", name, "allowed_prefixes"])
            yield f"{where}: with route_server.peer_logs: false, Tandem does not see what {name} advertises"


def _own_addresses(name: str, appliance: Appliance, inventory: Inventory) -> Iterator[Problem]:
    """A peer has an interface in the VPC (facts §3.5); its next hop resolves to that interface."""
    interfaces = inventory.interfaces_of(appliance.instance_id)
    own = [a.private_ip for i in interfaces for a in i.addresses] + [
        six for i in interfaces for six in i.ipv6
    ]
    claimed = [(["peers", endpoint], address) for endpoint, address in appliance.peers]
    claimed += [(["next_hops", str(index)], address) for index, address in enumerate(appliance.next_hops)]
    for (part, key), address in claimed:
        if address not in own and not inventory.unknown:  # it may be on an interface that cannot be read
            yield Problem(
                path_of(["appliances", name, part, int(key) if part == "next_hops" else key]),
                f"{address} is on no interface of {appliance.instance_id}",
                f"one of its addresses: {', '.join(own) or 'it has none'}",
            )


def _peers(inventory: Inventory) -> tuple[Peer, ...]:
    return inventory.reading.peers if inventory.reading is not None else ()


def _peers_at(inventory: Inventory, address: str, subnet_id: str | None) -> list[Peer]:
    endpoints = inventory.reading.endpoints if inventory.reading is not None else ()
    there = {e.endpoint_id for e in endpoints if subnet_id in (None, e.subnet_id)}
    return [
        p
        for p in _peers(inventory)
        if p.peer_address == address and (subnet_id is None or p.endpoint_id in there)
    ]


def _peer_list(appliance: Appliance, inventory: Inventory) -> str:
    subnets = {e.endpoint_id: e.subnet_id for e in (inventory.reading.endpoints if inventory.reading else ())}
    own = {a.private_ip for i in inventory.interfaces_of(appliance.instance_id) for a in i.addresses}
    mine = [p for p in _peers(inventory) if p.peer_address in appliance.peer_addresses | own]
    return ", ".join(f"{p.peer_address} in {subnets.get(p.endpoint_id, '?')} ({p.peer_id})" for p in mine)


def _differs(name: str, key: str, declared: str, peer: Peer, actual: str) -> Problem:
    return Problem(
        path_of(["appliances", name, key]), f"is {declared}, but {peer.peer_id} has {actual}", actual
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _list(counted: Counter[str]) -> str:
    return ", ".join(f"{number} in {subnet_id}" for subnet_id, number in counted.items())
