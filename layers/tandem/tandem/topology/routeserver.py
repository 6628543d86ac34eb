"""The third pass, route server's side: whether AWS has what the topology says of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from tandem.model import Peer, RouteServer
from tandem.reasons.documents import ProblemCode
from tandem.reasons.reason import Reason, reason
from tandem.topology.document import Appliance, Topology
from tandem.topology.inventory import Inventory
from tandem.topology.problems import Problem, path_of, problem_at

Check = Callable[[Topology, Inventory], Iterator[Problem]]


def route_server_exists(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    wanted = topology.route_server.route_server_id
    if inventory.reading is None and wanted is not None:
        facts = {"place": str(inventory.place), "others": inventory.route_server_ids}
        yield problem_at("route_server.id", ProblemCode.ROUTE_SERVER_UNKNOWN, wanted, **facts)


def route_server_as_declared(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    if inventory.reading is None or topology.manage:
        return
    declared, server = topology.route_server, inventory.reading.server
    if not inventory.vpc_ids:
        yield problem_at("route_server.id", ProblemCode.ROUTE_SERVER_WITHOUT_VPC, server.route_server_id)
    elif declared.vpc_id is not None and declared.vpc_id not in inventory.vpc_ids:
        facts = {"vpc_id": declared.vpc_id, "actual": inventory.vpc_ids}
        yield problem_at("route_server.vpc_id", ProblemCode.VPC_DIFFERS, **facts)
    if declared.amazon_side_asn not in (None, server.amazon_side_asn):
        asns = {"declared": declared.amazon_side_asn, "actual": server.amazon_side_asn}
        yield problem_at("route_server.amazon_side_asn", ProblemCode.ASN_DIFFERS, **asns)
    for name, appliance in topology.appliances.items():
        if declared.amazon_side_asn is None and appliance.asn == server.amazon_side_asn:
            where = path_of(["appliances", name, "asn"])
            yield problem_at(where, ProblemCode.ASN_OF_ROUTE_SERVER, asn=appliance.asn)


def endpoints_exist(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    # that the route server is missing is said already
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
            yield problem_at(where, ProblemCode.SUBNET_UNKNOWN, subnet_id, place=str(inventory.place))
        elif inventory.vpc_ids and subnet.vpc_id not in inventory.vpc_ids:
            facts = {"vpc_id": subnet.vpc_id, "wanted": inventory.vpc_ids}
            yield problem_at(where, ProblemCode.SUBNET_OUTSIDE_VPC, subnet_id, **facts)
        # endpoints are counted for each subnet: a watched one has no name that tells it from its neighbour
        elif declared[subnet_id] > there[subnet_id] and not topology.manage:
            yield problem_at(
                where,
                ProblemCode.ENDPOINT_NOT_SHOWN,
                shown=there[subnet_id],
                subnet_id=subnet_id,
                actual=tuple(f"{number} in {subnet}" for subnet, number in there.items()),
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
                yield problem_at(
                    path_of(["appliances", name, "peers", endpoint]),
                    ProblemCode.PEER_NOT_SHOWN,
                    shown=len(found),
                    address=address,
                    subnet_id=subnet_id,
                    actual=_peers_of(appliance, inventory),
                    appliance=name,
                )


def peers_as_declared(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    """Compares the peers with the document; a managed one is changed to be so."""
    if topology.manage:
        return
    for name, appliance in topology.appliances.items():
        peers = [p for p in _peers(inventory) if p.peer_address in appliance.peer_addresses]
        for peer in peers:
            if peer.asn != appliance.asn:
                asns = {"declared": appliance.asn, "actual": peer.asn}
                where = path_of(["appliances", name, "asn"])
                yield problem_at(where, ProblemCode.PEER_ASN_DIFFERS, peer.peer_id, **asns)
            if peer.liveness != appliance.liveness:
                modes = {"declared": str(appliance.liveness), "actual": str(peer.liveness)}
                where = path_of(["appliances", name, "liveness"])
                yield problem_at(where, ProblemCode.PEER_LIVENESS_DIFFERS, peer.peer_id, **modes)


def vpc_exists(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    """Checks that the VPC exists in which a managed route server is going to be."""
    wanted = topology.route_server.vpc_id
    if topology.manage and wanted is not None and not inventory.vpc_prefixes:
        place = str(inventory.place)
        yield problem_at("route_server.vpc_id", ProblemCode.VPC_UNKNOWN, wanted, place=place)


def instances_exist(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    for name, appliance in topology.appliances.items():
        if appliance.instance_id is None:
            continue
        state = inventory.instance_states.get(appliance.instance_id)
        where = path_of(["appliances", name, "instance_id"])
        if appliance.instance_id in inventory.unknown:
            yield inventory.unreadable(where, appliance.instance_id)
        elif state is None:
            place = str(inventory.place)
            yield problem_at(where, ProblemCode.INSTANCE_UNKNOWN, appliance.instance_id, place=place)
        elif state == "terminated":
            yield problem_at(where, ProblemCode.INSTANCE_TERMINATED, appliance.instance_id)
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
        where = "route_server.sns_notifications"
        yield problem_at(where, ProblemCode.NOTIFICATIONS_OFF, server.route_server_id)
    yield from _persistence(topology, server)


def _persistence(topology: Topology, server: RouteServer) -> Iterator[Problem]:
    """Only where the document states it, and where it has come to rest."""
    stated = topology.document["route_server"].get("persist_routes")
    actual = {"disabled": "disable", "enabled": server.persist_minutes}.get(server.persist_state or "")
    if stated is not None and actual is not None and stated != actual:
        where, facts = "route_server.persist_routes", {"declared": stated, "actual": actual}
        yield problem_at(where, ProblemCode.PERSISTENCE_DIFFERS, server.route_server_id, **facts)


def route_server_warnings(topology: Topology, inventory: Inventory) -> Iterator[Reason | Problem]:
    """Yields what refuses nothing, but a person should know."""
    reading, declared = inventory.reading, topology.route_server
    unread: dict[str, str] = {}
    for id_, why in inventory.unknown.items():
        unread.setdefault(why, id_)
    yield from (reason(ProblemCode.UNREADABLE, id_, why=why) for why, id_ in unread.items())
    if reading is None:
        return
    if declared.sns_notifications and reading.server.sns_topic_arn is None:
        yield reason(ProblemCode.TOPIC_MISSING, reading.server.route_server_id)
    yield from () if topology.manage else _persistence(topology, reading.server)
    known = frozenset(a for appliance in topology.appliances.values() for a in appliance.peer_addresses)
    for peer in reading.peers:
        if peer.peer_address not in known:
            yield reason(ProblemCode.PEER_UNDECLARED, peer.peer_id, address=peer.peer_address)


def leak_warnings(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    """Only peer logs say what a peer advertises, so without them no route leak is seen
    (docs/aws-facts.md#peer-log-content)."""
    if topology.route_server.peer_logs:
        return
    for name, appliance in topology.appliances.items():
        if appliance.allowed_prefixes is not None:
            where = path_of(["appliances", name, "allowed_prefixes"])
            yield problem_at(where, ProblemCode.LEAKS_UNSEEN, appliance=name)


def _own_addresses(name: str, appliance: Appliance, inventory: Inventory) -> Iterator[Problem]:
    """Checks the addresses: a peer has an interface in the VPC (docs/aws-facts.md#peer-address); its next hop
    resolves to that interface.
    """
    interfaces = inventory.interfaces_of(appliance.instance_id)
    own = [a.private_ip for i in interfaces for a in i.addresses] + [
        six for i in interfaces for six in i.ipv6
    ]
    claimed = [(["peers", endpoint], address) for endpoint, address in appliance.peers]
    claimed += [(["next_hops", str(index)], address) for index, address in enumerate(appliance.next_hops)]
    for (part, key), address in claimed:
        if address not in own and not inventory.unknown:  # it may be on an interface that cannot be read
            is_peer = part == "peers"
            yield problem_at(
                path_of(["appliances", name, part, key if is_peer else int(key)]),
                ProblemCode.PEER_ADDRESS_ELSEWHERE if is_peer else ProblemCode.NEXT_HOP_ELSEWHERE,
                address=address,
                instance_id=appliance.instance_id,
                own=tuple(own),
                appliance=name,
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


def _peers_of(appliance: Appliance, inventory: Inventory) -> tuple[str, ...]:
    subnets = {e.endpoint_id: e.subnet_id for e in (inventory.reading.endpoints if inventory.reading else ())}
    own = {a.private_ip for i in inventory.interfaces_of(appliance.instance_id) for a in i.addresses}
    mine = [p for p in _peers(inventory) if p.peer_address in appliance.peer_addresses | own]
    return tuple(f"{p.peer_address} in {subnets.get(p.endpoint_id, '?')} ({p.peer_id})" for p in mine)
