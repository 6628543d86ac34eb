"""EC2 as `discover` reads it: one route server of a VPC, and everything around it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from tandem.adapters import clients, ec2, inventory
from tandem.adapters.calls import called
from tandem.discovery.document import NAME_TAG
from tandem.discovery.snapshot import Place, Snapshot, UndiscoverableError
from tandem.model import Liveness, NetworkInterface
from tandem.provisioning.watchsteps import CallFailedError
from tandem.topology import Appliance, Mode, RouteServerSpec, Topology

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import FilterTypeDef

T = TypeVar("T")


def route_servers(vpc_id: str) -> tuple[str, ...]:
    """The route servers that are associated with a VPC. Raises TandemError."""
    known = [s for s in inventory.route_servers() if s.state not in inventory.ON_ITS_WAY_OUT]
    there = [server.route_server_id for server in known]
    return tuple(server_id for server_id in there if vpc_id in _vpcs(server_id))


def snapshot(vpc_id: str, route_server_id: str) -> Snapshot:
    """Everything that `discover` asks for. Raises TandemError, among them UndiscoverableError."""
    reading = inventory.route_server(route_server_id)
    if reading is None:
        raise UndiscoverableError(f"{route_server_id} is not known in this account and Region")
    interfaces = _interfaces(vpc_id, {peer.peer_address for peer in reading.peers})
    allocations = [a.allocation_id for i in interfaces for a in i.addresses if a.allocation_id]
    return Snapshot(
        vpc_id=vpc_id,
        reading=reading,
        database=ec2.routing_database(route_server_id),
        propagated_to=tuple(_propagations(route_server_id)),
        subnets=_subnets(
            {endpoint.subnet_id for endpoint in reading.endpoints} | {i.subnet_id for i in interfaces}
        ),
        interfaces=interfaces,
        instance_names=dict(_instance_names({i.instance_id for i in interfaces if i.instance_id})),
        elastic_ips=tuple(ec2.addresses(allocations).values()),
        service_managed=dict(_service_managed(allocations)),
    )


def _interfaces(vpc_id: str, addresses: Iterable[str]) -> tuple[NetworkInterface, ...]:
    """All interfaces of the instances that have one of the addresses."""
    pages = clients.ec2().get_paginator("describe_network_interfaces")
    in_vpc: FilterTypeDef = {"Name": "vpc-id", "Values": [vpc_id]}
    found = _chunked(
        "addresses.private-ip-address",
        addresses,
        lambda f: [i for page in pages.paginate(Filters=[in_vpc, f]) for i in page["NetworkInterfaces"]],
    )
    instance_ids = dict.fromkeys(i.get("Attachment", {}).get("InstanceId", "") for i in found)
    return tuple(ec2.interfaces(_behind(id_ for id_ in instance_ids if id_)).values())


def _behind(instance_ids: Iterable[str]) -> Topology:
    """A topology with nothing but appliances on these instances: what `ec2.interfaces` asks for."""
    appliances = {id_: Appliance(id_, id_, 0, Liveness.BGP_KEEPALIVE, ()) for id_ in instance_ids}
    return Topology("discovered", Mode.DRY_RUN, False, RouteServerSpec(None), appliances, ())


def _vpcs(route_server_id: str) -> list[str]:
    found = _or_none_there(
        lambda: called(
            route_server_id,
            lambda: clients.ec2().get_route_server_associations(RouteServerId=route_server_id),
        )["RouteServerAssociations"]
    )
    return [association["VpcId"] for association in found if association["State"] != "disassociating"]


def _propagations(route_server_id: str) -> list[str]:
    found = _or_none_there(
        lambda: called(
            route_server_id,
            lambda: clients.ec2().get_route_server_propagations(RouteServerId=route_server_id),
        )["RouteServerPropagations"]
    )
    return [propagation["RouteTableId"] for propagation in found if propagation["State"] in inventory.THERE]


def _or_none_there(read: Callable[[], list[T]]) -> list[T]:
    try:
        return read()
    except CallFailedError as error:
        if error.code in inventory.NONE_THERE:
            return []
        raise


def _subnets(subnet_ids: Iterable[str]) -> dict[str, Place]:
    pages = clients.ec2().get_paginator("describe_subnets")
    found = _chunked(
        "subnet-id",
        subnet_ids,
        lambda f: [s for page in pages.paginate(Filters=[f]) for s in page["Subnets"]],
    )
    return {s["SubnetId"]: Place(s["AvailabilityZone"], s["CidrBlock"]) for s in found}


def _instance_names(instance_ids: Iterable[str]) -> Iterator[tuple[str, str]]:
    pages = clients.ec2().get_paginator("describe_instances")
    found = _chunked(
        "instance-id",
        instance_ids,
        lambda f: [
            i
            for page in pages.paginate(Filters=[f])
            for reservation in page["Reservations"]
            for i in reservation["Instances"]
        ],
    )
    for instance in found:
        for tag in instance.get("Tags", ()):
            if tag["Key"] == NAME_TAG:
                yield instance["InstanceId"], tag["Value"]


def _service_managed(allocation_ids: Iterable[str]) -> Iterator[tuple[str, str]]:
    found = _chunked(
        "allocation-id",
        allocation_ids,
        lambda f: clients.ec2().describe_addresses(Filters=[f])["Addresses"],
    )
    for address in found:
        if address.get("ServiceManaged"):
            yield address["AllocationId"], address["ServiceManaged"]


def _chunked(name: str, values: Iterable[str], read: Callable[[FilterTypeDef], list[T]]) -> list[T]:
    """`read` with a filter, as often as its number of values asks for; no values, no call."""
    unique = sorted(set(values))
    found: list[T] = []
    for start in range(0, len(unique), ec2.FILTER_VALUES):
        chosen: FilterTypeDef = {"Name": name, "Values": unique[start : start + ec2.FILTER_VALUES]}
        found += called(name, lambda chosen=chosen: read(chosen))  # type: ignore[misc]
    return found
