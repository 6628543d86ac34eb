"""Reads the scene of a topology out of a snapshot; what could not be read is left open, never guessed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tandem.compliance.picture.marking import with_marks
from tandem.compliance.picture.scene import (
    DrawnAppliance,
    DrawnElasticIp,
    DrawnEndpoint,
    DrawnRoute,
    DrawnRouteTable,
    DrawnSession,
    DrawnSubnet,
    Installation,
    PictureScene,
)
from tandem.compliance.rule import Finding
from tandem.compliance.snapshot import NotRead, Snapshot
from tandem.failover.appliances import appliance_at, instance_state
from tandem.failover.sessions import addresses_of, sessions_of
from tandem.model import InstallationStatus, Liveness, Observation, Peer, RoutingDatabase
from tandem.tags import ENDPOINT_TAG
from tandem.topology import document, inventory


def picture_scene(snapshot: Snapshot, findings: Sequence[Finding]) -> PictureScene:
    """Returns what the picture shows. Pure; a part that is NotRead leaves its things without a state."""
    topology = snapshot.topology
    seen = None if isinstance(snapshot.observation, NotRead) else snapshot.observation
    around = None if isinstance(snapshot.inventory, NotRead) else snapshot.inventory
    server = around.reading.server if around and around.reading else None
    addresses = _addresses(topology, seen)
    appliances = {
        name: _appliance(appliance, topology, seen, addresses.get(name, ()))
        for name, appliance in topology.appliances.items()
    }
    stray = {holder: found for holder, found in addresses.items() if holder not in appliances}
    parts = (snapshot.observation, snapshot.inventory)
    whole = PictureScene(
        name=topology.name,
        vpc_id=topology.route_server.vpc_id or (around.vpc_ids[0] if around and around.vpc_ids else None),
        route_server_id=server.route_server_id if server else topology.route_server.route_server_id,
        route_server_state=server.state if server else None,
        asn=server.amazon_side_asn if server else topology.route_server.amazon_side_asn,
        subnets=tuple(_subnets(topology, seen, around, appliances)),
        tables=tuple(_tables(topology, seen, around)),
        stray=tuple(stray.items()),
        unread=tuple(dict.fromkeys(p.why for p in parts if isinstance(p, NotRead) and not p.is_absent)),
    )
    return with_marks(whole, topology, findings)


def _addresses(
    topology: document.Topology, seen: Observation | None
) -> dict[str | None, tuple[DrawnElasticIp, ...]]:
    """Returns the declared Elastic IPs by who has them: an appliance, an interface, or nobody."""
    found: dict[str | None, tuple[DrawnElasticIp, ...]] = {}
    for allocation_id in topology.allocation_ids if seen else ():
        shown = seen.elastic_ips.get(allocation_id) if seen else None
        holder = shown.holder if shown else None
        at = None
        if holder and seen:
            at = appliance_at(holder.network_interface_id, topology, seen) or holder.network_interface_id
        private_ip = holder.private_ip if holder else None
        public_ip = shown.public_ip if shown else None
        found[at] = (*found.get(at, ()), DrawnElasticIp(allocation_id, public_ip, private_ip))
    return found


def _appliance(
    appliance: document.Appliance,
    topology: document.Topology,
    seen: Observation | None,
    elastic_ips: tuple[DrawnElasticIp, ...],
) -> DrawnAppliance:
    owns: tuple[str, ...] = ()
    sessions = tuple(DrawnSession(endpoint) for endpoint, _ in appliance.peers)
    if seen is not None:
        own, database = addresses_of(appliance, seen), seen.database or RoutingDatabase()
        prefixes = dict.fromkeys(prefix for group in topology.groups for prefix in group.prefixes)
        owns = tuple(p for p in prefixes if any(r.next_hop in own for r in database.in_fib((p,))))
        sessions = tuple(_session(peer) for peer in sessions_of(appliance, seen))
    return DrawnAppliance(
        name=appliance.name,
        asn=appliance.asn,
        instance_id=appliance.instance_id,
        instance_state=instance_state(appliance, seen) if seen else None,
        owns=owns,
        is_silent=appliance.standby is document.Standby.SILENT,
        sessions=sessions,
        missing=max(0, len(appliance.peers) - len(sessions)),
        elastic_ips=elastic_ips,
        is_read=seen is not None,
    )


def _session(peer: Peer) -> DrawnSession:
    return DrawnSession(
        peer.endpoint_id, peer.peer_id, peer.bgp, peer.bfd, peer.liveness is Liveness.BFD, peer.state
    )


def _subnets(
    topology: document.Topology,
    seen: Observation | None,
    around: inventory.Inventory | None,
    appliances: dict[str, DrawnAppliance],
) -> Iterator[DrawnSubnet]:
    """Yields the subnets in which endpoints or appliances are, zone by zone; unknown places last."""
    endpoints: dict[str | None, list[DrawnEndpoint]] = {}
    for subnet_id, endpoint in _endpoints(topology, seen, around):
        endpoints.setdefault(subnet_id, []).append(endpoint)
    homes: dict[str | None, list[DrawnAppliance]] = {}
    for name, appliance in appliances.items():
        homes.setdefault(_home(topology.appliances[name], seen, around), []).append(appliance)
    known = around.subnets if around else {}

    def order(subnet_id: str | None) -> tuple[bool, str, str]:
        return subnet_id is None, known[subnet_id].zone if subnet_id in known else "~", subnet_id or ""

    for subnet_id in sorted({**endpoints, **homes}, key=order):
        subnet = known.get(subnet_id) if subnet_id else None
        yield DrawnSubnet(
            subnet_id,
            (subnet.zone or None) if subnet else None,
            subnet.prefix if subnet else None,
            tuple(endpoints.get(subnet_id, ())),
            tuple(homes.get(subnet_id, ())),
        )


def _endpoints(
    topology: document.Topology, seen: Observation | None, around: inventory.Inventory | None
) -> Iterator[tuple[str | None, DrawnEndpoint]]:
    if around and around.reading:
        for shown in around.reading.endpoints:
            name = dict(shown.tags).get(ENDPOINT_TAG) or dict(shown.tags).get("Name")
            yield shown.subnet_id, DrawnEndpoint(shown.endpoint_id, name, shown.address, shown.state)
    elif seen:
        for endpoint_id in dict.fromkeys(peer.endpoint_id for peer in seen.peers):
            yield None, DrawnEndpoint(endpoint_id)
    else:
        subnets = dict(topology.route_server.endpoints)
        peers = (endpoint for a in topology.appliances.values() for endpoint, _ in a.peers)
        for name in dict.fromkeys((*subnets, *peers)):
            yield subnets.get(name), DrawnEndpoint(name)


def _home(
    appliance: document.Appliance, seen: Observation | None, around: inventory.Inventory | None
) -> str | None:
    """Returns the subnet of the address from which an appliance peers, else of its first interface."""
    subnets = around.subnets.values() if around else ()
    for _, address in appliance.peers:
        found = next((s.subnet_id for s in subnets if ":" not in address and s.has(address)), None)
        if found:
            return found
    interfaces = [
        *(around.interfaces_of(appliance.instance_id) if around else ()),
        *((seen.interfaces or {}).values() if seen else ()),
    ]
    own = (i.subnet_id for i in interfaces if i.instance_id and i.instance_id == appliance.instance_id)
    return next(own, None)


def _tables(
    topology: document.Topology, seen: Observation | None, around: inventory.Inventory | None
) -> Iterator[DrawnRouteTable]:
    declared = topology.route_server.propagate_to
    others = around.propagated_to if around else ()
    prefixes = tuple(dict.fromkeys(prefix for group in topology.groups for prefix in group.prefixes))
    for table_id in dict.fromkeys((*declared, *others)):
        table = around.route_tables.get(table_id) if around else None
        rows = [row for prefix in prefixes for row in _rows(table_id, prefix, topology, seen, table)]
        subnets = len(table.subnet_ids) if table else None
        yield DrawnRouteTable(table_id, subnets, tuple(rows), table_id in declared)


def _rows(
    table_id: str,
    prefix: str,
    topology: document.Topology,
    seen: Observation | None,
    table: inventory.RouteTable | None,
) -> Iterator[DrawnRoute]:
    database = seen.database if seen else None
    if seen is None or database is None or database.doubts.get(prefix) or database.doubts.get(""):
        yield DrawnRoute(prefix, Installation.UNKNOWN)
    else:
        found = [
            (route.next_hop, one.status)
            for route in database.in_fib((prefix,))
            for one in route.installations
            if one.route_table_id == table_id
        ]
        for next_hop, status in found:
            is_there = status is InstallationStatus.INSTALLED
            installation = Installation.INSTALLED if is_there else Installation.REJECTED
            yield DrawnRoute(prefix, installation, _owner(next_hop, topology, seen))
        if not found:
            yield DrawnRoute(prefix, Installation.MISSING)
    for destination, target in table.static_routes if table else ():
        if destination == prefix:
            yield DrawnRoute(prefix, Installation.STATIC, target)


def _owner(next_hop: str, topology: document.Topology, seen: Observation) -> str:
    owners = (n for n, a in topology.appliances.items() if next_hop in addresses_of(a, seen))
    return next(owners, next_hop)
