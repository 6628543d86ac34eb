"""Whether the sessions bear the loss of an endpoint: which there are, where, and in which state."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from tandem.compliance.checks import Part, as_watched, checked
from tandem.compliance.rule import Result, Rule, RuleSeverity
from tandem.compliance.rules.peers import peers_of, reading_of, unread_peer_of
from tandem.compliance.snapshot import Snapshot, known
from tandem.model import Peer, Status
from tandem.reasons.compliance import CheckCode, RuleId
from tandem.reasons.documents import ProblemCode as Code
from tandem.topology import routeserver
from tandem.topology.document import Standby, Topology
from tandem.topology.inventory import Endpoint, Inventory
from tandem.topology.problems import path_of

AVAILABLE = "available"

FAILING = frozenset({"pending", "failing", "failed", "delete-failed"})
"""States of an endpoint or a peer in which it cannot be used (docs/aws-facts.md#states)."""


def survives_endpoint_loss(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each appliance: sessions are up at two endpoints that are available."""
    observation, reading = known(snapshot.observation), reading_of(snapshot)
    there = {e.endpoint_id for e in reading.endpoints if e.state == AVAILABLE}
    for name, appliance in snapshot.topology.appliances.items():
        place = path_of(["appliances", name, "peers"])
        doubt = unread_peer_of(observation, appliance)
        if doubt is not None:
            yield Result.unknown(name, doubt, place)
            continue
        peers = [p for p in peers_of(observation, appliance) if p.state == AVAILABLE]
        at = {p.endpoint_id for p in peers}
        up = {p.endpoint_id for p in peers if _is_up(p)} & there
        if len(at) < 2:
            yield Result.failed(
                name, CheckCode.SESSIONS_WITH_ONE_ENDPOINT, place, appliance=name, endpoints=len(at)
            )
        elif len(up) >= 2:
            yield Result.passed(name, place)
        elif not up and appliance.standby is Standby.SILENT:
            yield Result.not_applicable(name, CheckCode.STANDBY_IS_SILENT, appliance=name)
        else:
            half_open = (p.endpoint_id for p in peers if p.bgp is Status.UP and not _is_up(p))
            yield Result.failed(
                name,
                CheckCode.SESSIONS_UP_AT_ONE_ENDPOINT,
                place,
                appliance=name,
                endpoints=len(at),
                up=", ".join(sorted(up)),
                down=tuple(sorted(at - up)),
                bfd=tuple(sorted(half_open)),
            )


def _is_up(peer: Peer) -> bool:
    """Where BFD is down, the endpoint has withdrawn the routes (docs/aws-facts.md#bfd-reports)."""
    return peer.bgp is Status.UP and peer.bfd is not Status.DOWN


def redundant(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each subnet with an endpoint, and the zones of all. Failed endpoints count: another rule judges
    their state.
    """
    inventory, reading = known(snapshot.inventory), reading_of(snapshot)
    by_subnet: dict[str, list[Endpoint]] = defaultdict(list)
    for endpoint in (*reading.endpoints, *reading.broken):
        by_subnet[endpoint.subnet_id].append(endpoint)
    server_id, place = reading.server.route_server_id, path_of(["route_server", "endpoints"])
    for subnet_id, endpoints in sorted(by_subnet.items()):
        if len(endpoints) >= 2:
            yield Result.passed(subnet_id, place)
            continue
        only = endpoints[0].endpoint_id
        yield Result.failed(
            subnet_id,
            CheckCode.ENDPOINT_ALONE_IN_SUBNET,
            place,
            subnet=subnet_id,
            endpoint=only,
            server=server_id,
        )
    if not by_subnet:
        return
    zones = {s: inventory.subnets[s].zone for s in by_subnet if s in inventory.subnets}
    unread = next((s for s in by_subnet if not zones.get(s)), None)
    if len(set(zones.values()) - {""}) >= 2:
        yield Result.passed(server_id, place)
    elif unread is not None:
        why = inventory.unknown.get(unread, f"EC2 does not show the Availability Zone of {unread}")
        yield Result.unknown(server_id, why, place)
    else:
        zone, count = next(iter(zones.values())), sum(map(len, by_subnet.values()))
        yield Result.failed(server_id, CheckCode.ENDPOINTS_IN_ONE_ZONE, place, zone=zone, endpoints=count)


def _endpoints(topology: Topology, inventory: Inventory) -> Iterator[Part]:
    for name, subnet_id in topology.route_server.endpoints:
        yield Part(name, (path_of(["route_server", "endpoints", name]),), (subnet_id,))


def _sessions(topology: Topology, inventory: Inventory) -> Iterator[Part]:
    """Yields each declared session; by its endpoint's name, since the peer may be what is missing."""
    for name, appliance in topology.appliances.items() if inventory.reading else ():
        for endpoint, _ in appliance.peers:
            yield Part(f"{name} {endpoint}", (path_of(["appliances", name, "peers", endpoint]),))


def _with_failed_endpoints(snapshot: Snapshot) -> Inventory:
    """Returns the inventory with failed endpoints among the others.

    They cannot be used, but they exist: `endpoints-and-peers-available` names them with AWS's reason.
    """
    inventory = known(snapshot.inventory)
    reading = inventory.reading
    if reading is None:
        return inventory
    return replace(inventory, reading=replace(reading, endpoints=(*reading.endpoints, *reading.broken)))


def _with_failed_peers(snapshot: Snapshot) -> Inventory:
    """Returns the inventory with failed endpoints and peers among the others."""
    inventory = _with_failed_endpoints(snapshot)
    reading = inventory.reading
    if reading is None:
        return inventory
    seen = known(snapshot.observation).peers
    failed = (peer for peer in seen if peer.peer_id in reading.gone_peers and peer.state in FAILING)
    return replace(inventory, reading=replace(reading, peers=(*reading.peers, *failed)))


def available(snapshot: Snapshot) -> Iterator[Result]:
    """Judges the state of each endpoint, and of each peer of a declared appliance.

    What AWS does not show at all is a finding of `endpoint-exists` or `peer-exists`, not of this rule.
    """
    observation, reading = known(snapshot.observation), reading_of(snapshot)
    for endpoint in (*reading.endpoints, *reading.broken):
        yield _in_state(endpoint.endpoint_id, endpoint.state, endpoint.failure_reason)
    for name, appliance in snapshot.topology.appliances.items():
        place = path_of(["appliances", name, "peers"])
        doubt = unread_peer_of(observation, appliance)
        if doubt is not None:
            yield Result.unknown(name, doubt, place)
            continue
        for peer in peers_of(observation, appliance):
            yield _in_state(peer.peer_id, peer.state, peer.failure_reason, place)


def _in_state(resource: str, state: str, why: str | None, place: str | None = None) -> Result:
    if state == AVAILABLE:
        return Result.passed(resource, place)
    if state not in FAILING:
        return Result.unknown(resource, f"AWS shows it as {state!r}, which is not documented", place)
    return Result.failed(resource, CheckCode.NOT_AVAILABLE, place, state=state, why=why)


def asn_of_its_own(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each declared ASN and each peer of an appliance: the sessions are eBGP
    (docs/aws-facts.md#ebgp).

    Where the document declares the route server's ASN, one finding stands for all of the appliance's peers.
    Two appliances with one ASN are nothing wrong: no fact speaks against it.
    """
    observation, server = known(snapshot.observation), reading_of(snapshot).server
    checks = routeserver.route_server_as_declared(as_watched(snapshot.topology), known(snapshot.inventory))
    declared = {problem.path: problem for problem in checks if problem.code == Code.ASN_OF_ROUTE_SERVER}
    for name, appliance in snapshot.topology.appliances.items():
        place = path_of(["appliances", name, "asn"])
        if place in declared:
            yield Result.failed_for(name, declared[place].reason, place)
            continue
        doubt = unread_peer_of(observation, appliance)
        if doubt is not None:
            yield Result.unknown(name, doubt)
        for peer in peers_of(observation, appliance):
            if not peer.asn:
                yield Result.unknown(peer.peer_id, "AWS shows no ASN of the peer")
            elif peer.asn == server.amazon_side_asn:
                yield Result.failed(
                    peer.peer_id, CheckCode.PEER_HAS_ASN_OF_ROUTE_SERVER, appliance=name, asn=peer.asn
                )
            else:
                yield Result.passed(peer.peer_id)


RULES = (
    Rule(RuleId.ENDPOINT_LOSS_SURVIVED, RuleSeverity.HIGH, survives_endpoint_loss),
    checked(
        RuleId.ENDPOINT_EXISTS,
        RuleSeverity.HIGH,
        (routeserver.endpoints_exist,),
        (Code.SUBNET_UNKNOWN, Code.SUBNET_OUTSIDE_VPC, Code.ENDPOINT_NOT_SHOWN),
        _endpoints,
        _with_failed_endpoints,
    ),
    checked(
        RuleId.PEER_EXISTS,
        RuleSeverity.HIGH,
        (routeserver.peers_exist,),
        (Code.PEER_NOT_SHOWN,),
        _sessions,
        _with_failed_peers,
    ),
    Rule(RuleId.ENDPOINTS_AND_PEERS_AVAILABLE, RuleSeverity.HIGH, available),
    Rule(
        RuleId.PEER_ASN_OF_ITS_OWN,
        RuleSeverity.HIGH,
        asn_of_its_own,
        frozenset({Code.ASN_OF_ROUTE_SERVER}),
    ),
    Rule(RuleId.ENDPOINTS_REDUNDANT, RuleSeverity.MEDIUM, redundant),
)
