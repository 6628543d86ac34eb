"""EC2 as the provisioner reads it: a route server with what hangs on it, and everything around a topology."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from tandem.adapters import ec2, ec2reads, vpcreads
from tandem.adapters.rows import Rows
from tandem.errors import ConfigurationError
from tandem.model import NetworkInterface, Peer, RouteServer
from tandem.place import Place
from tandem.topology.consent import networks
from tandem.topology.document import Topology
from tandem.topology.inventory import Endpoint, Inventory, RouteServerReading, Subnet

_THERE = frozenset({"pending", "available"})
"""States of endpoints, peers and propagations that count as existing (docs/aws-facts.md#pending-peers)."""

_ON_ITS_WAY_OUT = frozenset({"deleting", "deleted"})

READS = 16
"""Reads at once; there are ten in the first round."""


def route_server(route_server_id: str) -> RouteServerReading | None:
    """Returns the route server with its endpoints and peers; None where it is not there (any more).

    Raises RegionWithoutRouteServerError, TemporaryError, ConfigurationError: for a row of it that cannot be
    read too, since what is left out would look deleted.
    """
    server = _one_of(vpcreads.route_servers(), route_server_id)
    if server is None:
        return None
    peers = ec2reads.peers(route_server_id).whole()
    return _reading(server, peers, vpcreads.endpoints(route_server_id).whole())


def read(topology: Topology, stack: str, place: Place) -> Inventory:
    """Everything that the third pass of cross-checks judges. Raises as `route_server` does; what cannot be
    read of anything else is in `Inventory.unknown`.

    What needs no answer is asked at once, then what needs a VPC or a subnet, then the zones: three rounds.
    """
    with ThreadPoolExecutor(max_workers=READS, thread_name_prefix="inventory") as side:
        return _read(topology, stack, place, side)


def _read(topology: Topology, stack: str, place: Place, side: Executor) -> Inventory:
    declared = topology.route_server
    reading_servers = side.submit(vpcreads.route_servers)
    around = _Around.begun(side, declared.route_server_id) if declared.route_server_id else None
    reading_interfaces = _interfaces(topology, side)
    reading_instances = side.submit(ec2reads.instances, topology.instance_ids)
    reading_addresses = side.submit(ec2reads.elastic_ips, "allocation-id", topology.allocation_ids)
    reading_consents = side.submit(vpcreads.consents, [resource_id for _, resource_id in networks(topology)])
    every = reading_servers.result()
    if topology.manage and declared.route_server_id is None:
        every.whole()  # else one that cannot be read may be in its VPC
    servers = _there(every)
    server = _one_of(every, declared.route_server_id or "")
    # whatever was answered about a route server that is not there says nothing
    reading = around.reading(server) if around and server else None
    vpc_ids = _vpcs_in(around.associations.result()) if around and server else ()
    if topology.manage and declared.vpc_id:
        vpc_ids = (declared.vpc_id,)
    reading_prefixes = side.submit(vpcreads.vpc_prefixes, vpc_ids)
    reading_tables = side.submit(vpcreads.route_tables, vpc_ids)
    of_instances, of_targets = reading_interfaces
    interfaces = of_instances.result() + of_targets.result()
    subnet_ids = {subnet_id for _, subnet_id in declared.endpoints}
    subnet_ids |= {interface.subnet_id for interface in interfaces.found} - {""}
    subnet_ids |= {endpoint.subnet_id for endpoint in reading.endpoints} if reading else set()
    subnets = _subnets(sorted(subnet_ids))
    beside = _beside(topology, servers, side)
    instances, addresses = reading_instances.result(), reading_addresses.result()
    prefixes, tables = reading_prefixes.result(), reading_tables.result()
    inventory = Inventory(
        place=place,
        stack=stack,
        reading=reading,
        route_server_ids=tuple(server.route_server_id for server in servers),
        vpc_ids=vpc_ids,
        vpc_prefixes=tuple(prefix for blocks in prefixes.found for prefix in blocks),
        vpc_route_servers=beside,
        propagated_to=_tables_in(around.propagations.result()) if around and server else (),
        route_tables={table.route_table_id: table for table in tables.found},
        subnets={subnet.subnet_id: subnet for subnet in subnets.found},
        interfaces={i.network_interface_id: i for i in interfaces.found},
        instance_states={i.instance_id: i.state for i in instances.found},
        elastic_ips={address.allocation_id: address for address in addresses.found},
        consents=reading_consents.result(),
    )
    rounds: tuple[Rows[Any], ...] = (interfaces, subnets, instances, addresses, tables, prefixes)
    return replace(
        inventory,
        incomplete={about: words for rows in rounds for about, words in rows.incomplete},
        # what could not be read is unknown, not absent: no check may call it missing
        unknown=interfaces.unknown(topology.target_interface_ids, inventory.interfaces)
        | subnets.unknown(subnet_ids, inventory.subnets)
        | instances.unknown(topology.instance_ids, inventory.instance_states)
        | addresses.unknown(topology.allocation_ids, inventory.elastic_ips)
        | tables.unknown(declared.propagate_to, inventory.route_tables)
        | prefixes.unknown((), ()),
    )


@dataclass(frozen=True, slots=True)
class _Around:
    """Reads of what hangs on one route server, under way."""

    peers: Future[Rows[Peer]]
    endpoints: Future[Rows[Endpoint]]
    associations: Future[Rows[tuple[str, str]]]
    propagations: Future[Rows[tuple[str, str]]]

    @staticmethod
    def begun(side: Executor, route_server_id: str) -> _Around:
        return _Around(
            side.submit(ec2reads.peers, route_server_id),
            side.submit(vpcreads.endpoints, route_server_id),
            side.submit(vpcreads.associations, route_server_id),
            side.submit(vpcreads.propagations, route_server_id),
        )

    def reading(self, server: RouteServer) -> RouteServerReading:
        """Raises ConfigurationError where a row cannot be read."""
        return _reading(server, self.peers.result().whole(), self.endpoints.result().whole())


def _reading(server: RouteServer, peers: Sequence[Peer], endpoints: Sequence[Endpoint]) -> RouteServerReading:
    broken = (e for e in endpoints if e.state not in _THERE | _ON_ITS_WAY_OUT)
    return RouteServerReading(
        server,
        tuple(endpoint for endpoint in endpoints if endpoint.state in _THERE),
        tuple(peer for peer in peers if peer.state in _THERE),
        tuple(broken),
        tuple(peer.peer_id for peer in peers if peer.state not in _THERE),
    )


def _one_of(every: Rows[RouteServer], route_server_id: str) -> RouteServer | None:
    """Returns None where it is not there. Raises ConfigurationError where its row cannot be read."""
    unread = every.unknown([route_server_id], {server.route_server_id for server in every.found})
    if route_server_id in unread:
        raise ConfigurationError(unread[route_server_id])
    return next((s for s in _there(every) if s.route_server_id == route_server_id), None)


def whole_route_servers() -> tuple[RouteServer, ...]:
    """Returns all that are there. Raises ConfigurationError where one cannot be read."""
    every = vpcreads.route_servers()
    every.whole()
    return _there(every)


def _there(every: Rows[RouteServer]) -> tuple[RouteServer, ...]:
    return tuple(server for server in every.found if server.state not in _ON_ITS_WAY_OUT)


def associated(route_server_id: str) -> tuple[str, ...]:
    """The VPCs that the route server is associated with, or is going to be."""
    return _vpcs_in(vpcreads.associations(route_server_id))


def _vpcs_in(associations: Rows[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(vpc_id for vpc_id, state in associations.whole() if state != "disassociating")


def _beside(topology: Topology, servers: Sequence[RouteServer], side: Executor) -> tuple[RouteServer, ...]:
    """The route servers of the VPC, where the topology may get a further one there
    (docs/aws-facts.md#quotas)."""
    wanted = topology.route_server
    if not topology.manage or wanted.route_server_id is not None or wanted.vpc_id is None:
        return ()
    vpcs = list(side.map(associated, [server.route_server_id for server in servers]))
    return tuple(server for server, there in zip(servers, vpcs, strict=True) if wanted.vpc_id in there)


def propagated(route_server_id: str) -> tuple[str, ...]:
    """The route tables that the route server propagates to, or is going to."""
    return _tables_in(vpcreads.propagations(route_server_id))


def _tables_in(propagations: Rows[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(table_id for table_id, state in propagations.whole() if state in _THERE)


def _interfaces(
    topology: Topology, side: Executor
) -> tuple[Future[Rows[NetworkInterface]], Future[Rows[NetworkInterface]]]:
    """Those of the appliances' instances and every target, wherever it is attached."""
    by_target = {name: replace(a, instance_id=None) for name, a in topology.appliances.items()}
    return (
        side.submit(ec2.appliance_interfaces, topology),
        side.submit(ec2.appliance_interfaces, replace(topology, appliances=by_target)),
    )


def _subnets(subnet_ids: Sequence[str]) -> Rows[Subnet]:
    """Returns the subnets with the network border groups of their zones."""
    found = vpcreads.subnets(subnet_ids)
    groups = dict(vpcreads.border_groups(sorted({s.zone for s in found.found if s.zone})).found)
    return replace(found, found=tuple(replace(s, border_group=groups.get(s.zone)) for s in found.found))
