"""Whether AWS has what the topology declares: what is checked before it is stored, and drift since then."""

from __future__ import annotations

from collections.abc import Iterator

from tandem.compliance.checks import Part, checked, results
from tandem.compliance.rule import Result, Rule, RuleSeverity
from tandem.compliance.snapshot import Snapshot, known
from tandem.reasons.compliance import RuleId
from tandem.reasons.documents import ProblemCode as Code
from tandem.topology import routeserver
from tandem.topology.document import Topology
from tandem.topology.elasticips import claimed_by_others
from tandem.topology.inventory import Inventory
from tandem.topology.problems import Problem, path_of
from tandem.topology.propagation import tables_with_room


def _server(topology: Topology, inventory: Inventory) -> Iterator[Part]:
    """Yields the route server; none where Tandem has created none yet."""
    if topology.route_server.route_server_id is not None:
        yield Part(topology.route_server.route_server_id, ("route_server.id",))


def _settings(topology: Topology, inventory: Inventory) -> Iterator[Part]:
    """Yields the route server, where AWS shows one to compare."""
    if inventory.reading is not None:
        paths = ("route_server.vpc_id", "route_server.amazon_side_asn")
        yield Part(inventory.reading.server.route_server_id, paths)


def _persistence(topology: Topology, inventory: Inventory) -> Iterator[Part]:
    if inventory.reading is not None and "persist_routes" in topology.document.get("route_server", {}):
        yield Part(inventory.reading.server.route_server_id, ("route_server.persist_routes",))


def _notifications(topology: Topology, inventory: Inventory) -> Iterator[Part]:
    if inventory.reading is not None and topology.route_server.sns_notifications:
        yield Part(inventory.reading.server.route_server_id, ("route_server.sns_notifications",))


def _declared_peers(topology: Topology, inventory: Inventory) -> Iterator[Part]:
    """Yields each peer at an address of a declared appliance."""
    known_addresses = {a for appliance in topology.appliances.values() for a in appliance.peer_addresses}
    for peer in inventory.reading.peers if inventory.reading else ():
        if peer.peer_address in known_addresses:
            yield Part(peer.peer_id)


def _every_peer(topology: Topology, inventory: Inventory) -> Iterator[Part]:
    for peer in inventory.reading.peers if inventory.reading else ():
        yield Part(peer.peer_id)


def _allowing(topology: Topology, inventory: Inventory) -> Iterator[Part]:
    for name, appliance in topology.appliances.items():
        if appliance.allowed_prefixes is not None:
            yield Part(name, (path_of(["appliances", name, "allowed_prefixes"]),))


def one_topology_only(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each declared Elastic IP and target: no other stored topology declares it."""
    topology, inventory = snapshot.topology, known(snapshot.inventory)
    problems = tuple(claimed_by_others(topology, known(snapshot.stored)))
    yield from results(_claims(topology), problems, inventory)


def _claims(topology: Topology) -> Iterator[Part]:
    for index, group in enumerate(topology.groups):
        for position, address in enumerate(group.elastic_ips):
            yield Part(address.allocation_id, (path_of(["groups", index, "elastic_ips", position]),))


def tables_have_room(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each declared route table by the tracked prefixes of every topology that declares it."""
    topology, inventory = snapshot.topology, known(snapshot.inventory)
    problems: tuple[Problem, ...] = tuple(tables_with_room(topology, known(snapshot.stored)))
    tables = enumerate(topology.route_server.propagate_to)
    parts = (Part(table, (path_of(["route_server", "propagate_to", i]),), (table,)) for i, table in tables)
    yield from results(parts, problems, inventory)


RULES = (
    checked(
        RuleId.ROUTE_SERVER_EXISTS,
        RuleSeverity.CRITICAL,
        (routeserver.route_server_exists, routeserver.vpc_exists, routeserver.route_server_as_declared),
        (Code.ROUTE_SERVER_UNKNOWN, Code.VPC_UNKNOWN, Code.ROUTE_SERVER_WITHOUT_VPC),
        _server,
    ),
    checked(
        RuleId.ROUTE_SERVER_AS_DECLARED,
        RuleSeverity.HIGH,
        (routeserver.route_server_as_declared,),
        (Code.VPC_DIFFERS, Code.ASN_DIFFERS),
        _settings,
    ),
    checked(
        RuleId.PERSISTENCE_AS_DECLARED,
        RuleSeverity.MEDIUM,
        (routeserver.settings_differ,),
        (Code.PERSISTENCE_DIFFERS,),
        _persistence,
    ),
    checked(
        RuleId.NOTIFICATIONS_ON,
        RuleSeverity.MEDIUM,
        (routeserver.settings_differ, routeserver.route_server_warnings),
        (Code.NOTIFICATIONS_OFF, Code.TOPIC_MISSING),
        _notifications,
    ),
    checked(
        RuleId.PEER_AS_DECLARED,
        RuleSeverity.HIGH,
        (routeserver.peers_as_declared,),
        (Code.PEER_ASN_DIFFERS, Code.PEER_LIVENESS_DIFFERS),
        _declared_peers,
    ),
    checked(
        RuleId.PEER_DECLARED,
        RuleSeverity.MEDIUM,
        (routeserver.route_server_warnings,),
        (Code.PEER_UNDECLARED,),
        _every_peer,
    ),
    checked(
        RuleId.LEAKS_SEEN, RuleSeverity.LOW, (routeserver.leak_warnings,), (Code.LEAKS_UNSEEN,), _allowing
    ),
    Rule(
        RuleId.ONE_TOPOLOGY_ONLY,
        RuleSeverity.HIGH,
        one_topology_only,
        frozenset({Code.CLAIMED_BY_TOPOLOGY}),
    ),
    Rule(RuleId.ROUTE_TABLE_HAS_ROOM, RuleSeverity.HIGH, tables_have_room, frozenset({Code.TABLE_FULL})),
)
