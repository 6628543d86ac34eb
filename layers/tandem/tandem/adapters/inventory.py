"""EC2 as the provisioner reads it: a route server with what hangs on it, and everything around a topology."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tandem.adapters import ec2, ec2reads, vpcreads
from tandem.adapters.rows import Rows
from tandem.errors import ConfigurationError
from tandem.model import NetworkInterface, RouteServer
from tandem.place import Place
from tandem.topology.consent import networks
from tandem.topology.document import Topology
from tandem.topology.inventory import Inventory, RouteServerReading, Subnet

THERE = frozenset({"pending", "available"})
"""States of endpoints, peers and propagations that count as existing (docs/aws-facts.md#pending-peers)."""

ON_ITS_WAY_OUT = frozenset({"deleting", "deleted"})


def route_server(route_server_id: str) -> RouteServerReading | None:
    """The route server with its endpoints and peers; None where it is not there (any more).

    Raises RegionWithoutRouteServerError, TemporaryError, ConfigurationError: for a row of it that cannot be
    read too, since what is left out would look deleted.
    """
    return _reading(vpcreads.route_servers(), route_server_id)


def read(topology: Topology, stack: str, place: Place) -> Inventory:
    """Everything that the third pass of cross-checks judges. Raises as `route_server` does; what cannot be
    read of anything else is in `Inventory.unknown`.
    """
    every = vpcreads.route_servers()
    if topology.manage and topology.route_server.route_server_id is None:
        every.whole()  # else one that cannot be read may be in its VPC
    servers = _there(every)
    reading = _reading(every, topology.route_server.route_server_id or "")
    server_id = reading.server.route_server_id if reading else None
    vpc_ids = associated(server_id) if server_id else ()
    if topology.manage and topology.route_server.vpc_id:
        vpc_ids = (topology.route_server.vpc_id,)
    interfaces = _interfaces(topology)
    subnet_ids = {subnet_id for _, subnet_id in topology.route_server.endpoints}
    subnet_ids |= {interface.subnet_id for interface in interfaces.found} - {""}
    prefixes = vpcreads.vpc_prefixes(vpc_ids)
    tables = vpcreads.route_tables(vpc_ids)
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
        propagated_to=propagated(server_id) if server_id else (),
        route_tables={table.route_table_id: table for table in tables.found},
        subnets={subnet.subnet_id: subnet for subnet in subnets.found},
        interfaces={i.network_interface_id: i for i in interfaces.found},
        instance_states={i.instance_id: i.state for i in instances.found},
        elastic_ips={address.allocation_id: address for address in addresses.found},
        consents=vpcreads.consents(resource_id for _, resource_id in networks(topology)),
    )
    read_rows: tuple[Rows[Any], ...] = (interfaces, subnets, instances, addresses, tables, prefixes)
    return replace(
        inventory,
        incomplete={about: words for rows in read_rows for about, words in rows.incomplete},
        unknown=interfaces.unknown(topology.target_interface_ids, inventory.interfaces)
        | subnets.unknown(subnet_ids, inventory.subnets)
        | instances.unknown(topology.instance_ids, inventory.instance_states)
        | addresses.unknown(topology.allocation_ids, inventory.elastic_ips)
        | tables.unknown(topology.route_server.propagate_to, inventory.route_tables)
        | prefixes.unknown((), ()),
    )


def _reading(every: Rows[RouteServer], route_server_id: str) -> RouteServerReading | None:
    unread = every.unknown([route_server_id], {server.route_server_id for server in every.found})
    if route_server_id in unread:
        raise ConfigurationError(unread[route_server_id])
    server = next((s for s in _there(every) if s.route_server_id == route_server_id), None)
    if server is None:
        return None
    listed = ec2reads.peers(route_server_id).whole()
    peers = tuple(p for p in listed if p.state in THERE)
    endpoints = tuple(e for e in vpcreads.endpoints(route_server_id).whole() if e.state in THERE)
    gone = tuple(p.peer_id for p in listed if p.state not in THERE)
    return RouteServerReading(server, endpoints, peers, gone)


def route_servers() -> tuple[RouteServer, ...]:
    """Returns all that are there. Raises ConfigurationError where one cannot be read."""
    every = vpcreads.route_servers()
    every.whole()
    return _there(every)


def _there(every: Rows[RouteServer]) -> tuple[RouteServer, ...]:
    return tuple(server for server in every.found if server.state not in ON_ITS_WAY_OUT)


def associated(route_server_id: str) -> tuple[str, ...]:
    """The VPCs that the route server is associated with, or is going to be."""
    found = vpcreads.associations(route_server_id).whole()
    return tuple(vpc_id for vpc_id, state in found if state != "disassociating")


def _beside(topology: Topology, servers: Sequence[RouteServer]) -> list[RouteServer]:
    """The route servers of the VPC, where the topology may get a further one there
    (docs/aws-facts.md#quotas)."""
    wanted = topology.route_server
    if not topology.manage or wanted.route_server_id is not None or wanted.vpc_id is None:
        return []
    return [server for server in servers if wanted.vpc_id in associated(server.route_server_id)]


def propagated(route_server_id: str) -> tuple[str, ...]:
    """The route tables that the route server propagates to, or is going to."""
    found = vpcreads.propagations(route_server_id).whole()
    return tuple(table_id for table_id, state in found if state in THERE)


def _interfaces(topology: Topology) -> Rows[NetworkInterface]:
    """Those of the appliances' instances and every target, wherever it is attached."""
    by_target = {name: replace(a, instance_id=None) for name, a in topology.appliances.items()}
    return ec2.interfaces(topology) + ec2.interfaces(replace(topology, appliances=by_target))


def _subnets(subnet_ids: Sequence[str]) -> Rows[Subnet]:
    """With the network border groups of their zones."""
    found = vpcreads.subnets(subnet_ids)
    groups = dict(vpcreads.border_groups(sorted({s.zone for s in found.found if s.zone})).found)
    return replace(found, found=tuple(replace(s, border_group=groups.get(s.zone)) for s in found.found))
