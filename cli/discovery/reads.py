"""Reads from EC2 for `discover`: one route server of a VPC, and everything around it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cli.discovery.document import NAME_TAG
from cli.discovery.snapshot import Snapshot, UndiscoverableError
from tandem.adapters import ec2reads, inventory, vpcreads
from tandem.model import NetworkInterface
from tandem.topology.inventory import RouteTable


def route_servers(vpc_id: str) -> tuple[str, ...]:
    """Returns the route servers that are associated with a VPC. Raises TandemError."""
    there = (server.route_server_id for server in inventory.whole_route_servers())
    return tuple(server_id for server_id in there if vpc_id in inventory.associated(server_id))


def snapshot(vpc_id: str, route_server_id: str) -> Snapshot:
    """Reads everything that `discover` asks for, whole: what is left out would be missing in the document.

    Raises TandemError, among them UndiscoverableError.
    """
    reading = inventory.route_server(route_server_id)
    if reading is None:
        raise UndiscoverableError(f"{route_server_id} is not known in this account and Region")
    interfaces = _interfaces(vpc_id, {peer.peer_address for peer in reading.peers})
    allocations = [a.allocation_id for i in interfaces for a in i.addresses if a.allocation_id]
    subnet_ids = {endpoint.subnet_id for endpoint in reading.endpoints} | {i.subnet_id for i in interfaces}
    instances = ec2reads.instances({i.instance_id for i in interfaces if i.instance_id}).whole()
    names = {instance.instance_id: dict(instance.tags).get(NAME_TAG) for instance in instances}
    return Snapshot(
        vpc_id=vpc_id,
        reading=reading,
        database=ec2reads.whole_routing_database(route_server_id),
        propagated_to=inventory.propagated(route_server_id),
        subnets={subnet.subnet_id: subnet for subnet in vpcreads.subnets(subnet_ids).whole()},
        interfaces=interfaces,
        instance_names={instance_id: name for instance_id, name in names.items() if name},
        elastic_ips=ec2reads.elastic_ips("allocation-id", allocations).whole(),
        public_subnets=_public(vpcreads.route_tables([vpc_id]).whole(), {i.subnet_id for i in interfaces}),
    )


def _interfaces(vpc_id: str, addresses: Iterable[str]) -> tuple[NetworkInterface, ...]:
    """Returns all interfaces of the instances that have one of the addresses."""
    found = ec2reads.interfaces("addresses.private-ip-address", addresses, vpc_id).whole()
    instance_ids = [interface.instance_id for interface in found if interface.instance_id]
    return ec2reads.interfaces("attachment.instance-id", instance_ids).whole()


def _public(tables: Sequence[RouteTable], subnet_ids: Iterable[str]) -> frozenset[str]:
    """Returns the subnets whose route table, else the VPC's main one, leads to an internet gateway."""
    own = {subnet_id: table.leads_to_internet for table in tables for subnet_id in table.subnet_ids}
    main = any(table.leads_to_internet for table in tables if table.main)
    return frozenset(subnet_id for subnet_id in subnet_ids if own.get(subnet_id, main))
