"""Quotas of Route Server that only warn: AWS raises them on request, or nobody knows how much will be used.

Those within a document that nobody can raise are in `tandem.topology.crosschecks`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tandem.reasons.documents import ProblemCode
from tandem.reasons.reason import Reason, reason
from tandem.tags import TOPOLOGY_TAG
from tandem.topology.crosschecks import MOST_PEERS_OF_PREFIX, MOST_ROUTES
from tandem.topology.document import Topology
from tandem.topology.inventory import Inventory

MOST_ENDPOINTS = 10
MOST_PEERS_OF_ENDPOINT = 20
_MOST_ROUTE_SERVERS_OF_VPC = 5
_MOST_ROUTES_OF_TABLE = 500


def quota_warnings(topology: Topology, inventory: Inventory) -> Iterator[Reason]:
    """Each with the number that would be used and the number allowed by default
    (docs/aws-facts.md#quotas)."""
    if topology.manage:
        yield from _route_servers(topology, inventory)
        yield from _endpoints(topology, inventory)
        yield from _peers_of_endpoints(topology)
    yield from _allowed(topology)
    yield from _peers(topology, inventory)
    yield from _routes(topology, inventory)


def _route_servers(topology: Topology, inventory: Inventory) -> Iterator[Reason]:
    """Counts one more if this topology has none yet."""
    own = any(dict(server.tags).get(TOPOLOGY_TAG) == topology.name for server in inventory.vpc_route_servers)
    used = len(inventory.vpc_route_servers) + 1
    if topology.route_server.route_server_id is None and not own and used > _MOST_ROUTE_SERVERS_OF_VPC:
        vpc_id, most = str(topology.route_server.vpc_id), _MOST_ROUTE_SERVERS_OF_VPC
        yield reason(ProblemCode.MANY_ROUTE_SERVERS, vpc_id, used=used, most=most)


def _endpoints(topology: Topology, inventory: Inventory) -> Iterator[Reason]:
    """Counts what exists and is not declared too: nothing outside the document is ever deleted."""
    there = Counter(e.subnet_id for e in inventory.reading.endpoints) if inventory.reading else Counter[str]()
    used = (there | Counter(subnet_id for _, subnet_id in topology.route_server.endpoints)).total()
    if used > MOST_ENDPOINTS:
        yield reason(ProblemCode.MANY_ENDPOINTS, topology.name, used=used, most=MOST_ENDPOINTS)


def _peers_of_endpoints(topology: Topology) -> Iterator[Reason]:
    sessions = Counter(name for appliance in topology.appliances.values() for name, _ in appliance.peers)
    for name, used in sessions.items():
        if used > MOST_PEERS_OF_ENDPOINT:
            yield reason(ProblemCode.MANY_PEERS_OF_ENDPOINT, name, used=used, most=MOST_PEERS_OF_ENDPOINT)


def _allowed(topology: Topology) -> Iterator[Reason]:
    """Nobody can raise this one, but what is allowed need not be advertised. AWS does not say what becomes of
    more (docs/aws-facts.md#quotas)."""
    for name, appliance in topology.appliances.items():
        allowed = len(appliance.allowed_prefixes or ())
        if allowed > MOST_ROUTES:
            yield reason(ProblemCode.MANY_ALLOWED_PREFIXES, name, used=allowed, most=MOST_ROUTES)


def _peers(topology: Topology, inventory: Inventory) -> Iterator[Reason]:
    declared = [address for appliance in topology.appliances.values() for _, address in appliance.peers]
    there = inventory.reading.peers if inventory.reading else ()
    strangers = [peer for peer in there if peer.peer_address not in declared]
    used = len(declared) + len(strangers)
    if strangers and used > MOST_PEERS_OF_PREFIX:
        facts = {"used": used, "undeclared": len(strangers), "most": MOST_PEERS_OF_PREFIX}
        yield reason(ProblemCode.MANY_PEERS_OF_PREFIX, topology.name, **facts)


def _routes(topology: Topology, inventory: Inventory) -> Iterator[Reason]:
    """IPv4 and IPv6 are counted apart."""
    tracked = {prefix for group in topology.groups for prefix in group.prefixes}
    six = sum(":" in prefix for prefix in tracked)
    propagated = topology.route_server.propagate_to if topology.manage else inventory.propagated_to
    for table_id in propagated:
        table = inventory.route_tables.get(table_id)
        for kind, new, there in (
            ("IPv4", len(tracked) - six, table.ipv4_routes if table else 0),
            ("IPv6", six, table.ipv6_routes if table else 0),
        ):
            if new and new + there > _MOST_ROUTES_OF_TABLE:
                facts = {"used": new + there, "family": kind, "most": _MOST_ROUTES_OF_TABLE}
                yield reason(ProblemCode.MANY_ROUTES_OF_TABLE, table_id, **facts)
