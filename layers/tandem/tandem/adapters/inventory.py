"""EC2 as the provisioner reads it: a route server with what hangs on it, and everything around a topology."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tandem.adapters import ec2, ec2reads
from tandem.adapters.ec2rows import Rows
from tandem.inventory import Inventory, RouteServerReading, Subnet
from tandem.model import NetworkInterface, RouteServer
from tandem.place import Place
from tandem.topology import Topology
from tandem.validation.consent import networks

THERE = frozenset({"pending", "available"})
"""States of endpoints, peers and propagations that count as existing (facts §1.5)."""

ON_ITS_WAY_OUT = frozenset({"deleting", "deleted"})


def route_server(route_server_id: str) -> RouteServerReading | None:
    """The route server with its endpoints and peers; None where it is not there (any more).

    Raises RegionWithoutRouteServerError, TemporaryError, ConfigurationError: for a row that cannot be read
    too, since what is left out would look deleted.
    """
    return _reading(route_servers(), route_server_id)


def read(topology: Topology, stack: str, place: Place) -> Inventory:
    """Everything that the third pass of cross-checks judges. Raises as `route_server` does; what cannot be
    read of anything else is in `Inventory.unknown`.
    """
    servers = route_servers()
    reading = _reading(servers, topology.route_server.route_server_id or "")
    vpc_ids = _associated(reading)
    if topology.manage and topology.route_server.vpc_id:
        vpc_ids = (topology.route_server.vpc_id,)
    interfaces = _interfaces(topology)
    subnet_ids = {subnet_id for _, subnet_id in topology.route_server.endpoints}
    subnet_ids |= {interface.subnet_id for interface in interfaces.found} - {""}
    prefixes = ec2reads.vpc_prefixes(vpc_ids)
    tables = ec2reads.route_tables(vpc_ids)
    subnets = _subnets(sorted(subnet_ids))
    instances = ec2reads.instances(topology.instance_ids)
    addresses = ec2reads.elastic_ips("allocation-id", topology.allocation_ids)
    inventory = Inventory(
        place=place,
        stack=stack,
        reading=reading,
        route_server_ids=tuple(server.route_server_id for server in servers),
        vpc_ids=vpc_ids,
        vpc_prefixes=tuple(prefix for blocks in prefixes.found for prefix in blocks),
        vpc_route_servers=tuple(_beside(topology, servers)),
        propagated_to=_propagated(reading),
        route_tables={table.route_table_id: table for table in tables.found},
        subnets={subnet.subnet_id: subnet for subnet in subnets.found},
        interfaces={i.network_interface_id: i for i in interfaces.found},
        instance_states={i.instance_id: i.state for i in instances.found},
        elastic_ips={address.allocation_id: address for address in addresses.found},
        consents=ec2reads.consents(resource_id for _, resource_id in networks(topology)),
    )
    return replace(
        inventory,
        unknown=interfaces.unknown(topology.target_interface_ids, inventory.interfaces)
        | subnets.unknown(subnet_ids, inventory.subnets)
        | instances.unknown(topology.instance_ids, inventory.instance_states)
        | addresses.unknown(topology.allocation_ids, inventory.elastic_ips)
        | tables.unknown(topology.route_server.propagate_to, inventory.route_tables)
        | prefixes.unknown((), ()),
    )


def _reading(servers: Sequence[RouteServer], route_server_id: str) -> RouteServerReading | None:
    server = next((s for s in servers if s.route_server_id == route_server_id), None)
    if server is None:
        return None
    peers = tuple(p for p in ec2reads.peers(route_server_id).whole() if p.state in THERE)
    endpoints = tuple(e for e in ec2reads.endpoints(route_server_id).whole() if e.state in THERE)
    return RouteServerReading(server, endpoints, peers)


def route_servers() -> tuple[RouteServer, ...]:
    """All that are there: a wrong ID is answered with what there is."""
    return tuple(s for s in ec2reads.route_servers().whole() if s.state not in ON_ITS_WAY_OUT)


def _associated(reading: RouteServerReading | None) -> tuple[str, ...]:
    return () if reading is None else associated(reading.server.route_server_id)


def associated(route_server_id: str) -> tuple[str, ...]:
    """The VPCs that the route server is associated with, or is going to be."""
    found = ec2reads.associations(route_server_id).whole()
    return tuple(vpc_id for vpc_id, state in found if state != "disassociating")


def _beside(topology: Topology, servers: Sequence[RouteServer]) -> list[RouteServer]:
    """The route servers of the VPC, where the topology may get a further one there (facts §3.1)."""
    wanted = topology.route_server
    if not topology.manage or wanted.route_server_id is not None or wanted.vpc_id is None:
        return []
    return [server for server in servers if wanted.vpc_id in associated(server.route_server_id)]


def _propagated(reading: RouteServerReading | None) -> tuple[str, ...]:
    return () if reading is None else propagated(reading.server.route_server_id)


def propagated(route_server_id: str) -> tuple[str, ...]:
    """The route tables that the route server propagates to, or is going to."""
    found = ec2reads.propagations(route_server_id).whole()
    return tuple(table_id for table_id, state in found if state in THERE)


def _interfaces(topology: Topology) -> Rows[NetworkInterface]:
    """Those of the appliances' instances and every target, wherever it is attached."""
    by_target = {name: replace(a, instance_id=None) for name, a in topology.appliances.items()}
    return ec2.interfaces(topology) + ec2.interfaces(replace(topology, appliances=by_target))


def _subnets(subnet_ids: Sequence[str]) -> Rows[Subnet]:
    """With the network border groups of their zones."""
    found = ec2reads.subnets(subnet_ids)
    groups = dict(ec2reads.border_groups(sorted({s.zone for s in found.found if s.zone})).found)
    return replace(found, found=tuple(replace(s, border_group=groups.get(s.zone)) for s in found.found))
