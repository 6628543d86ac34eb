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
    from mypy_boto3_ec2.type_defs import FilterTypeDef, InstanceTypeDef, RouteTableTypeDef

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
    instances = _instances({i.instance_id for i in interfaces if i.instance_id})
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
        instance_names=dict(_instance_names(instances)),
        elastic_ips=tuple(ec2.addresses(allocations).values()),
        service_managed=dict(_service_managed(allocations)),
        public_subnets=_public(_route_tables(vpc_id), {i.subnet_id for i in interfaces}),
        device_indexes={
            i["NetworkInterfaceId"]: i["Attachment"]["DeviceIndex"]
            for instance in instances
            for i in instance.get("NetworkInterfaces", ())
            if "DeviceIndex" in i.get("Attachment", {})
        },
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


def _route_tables(vpc_id: str) -> list[RouteTableTypeDef]:
    pages = clients.ec2().get_paginator("describe_route_tables")
    return _chunked(
        "vpc-id",
        (vpc_id,),
        lambda f: [t for page in pages.paginate(Filters=[f]) for t in page["RouteTables"]],
    )


def _public(tables: Iterable[RouteTableTypeDef], subnet_ids: Iterable[str]) -> frozenset[str]:
    """The subnets whose route table, else the VPC's main one, leads to an internet gateway."""
    own: dict[str, bool] = {}
    main = False
    for table in tables:
        leads = any(
            r.get("GatewayId", "").startswith("igw-") and r.get("State") != "blackhole"
            for r in table.get("Routes", ())
        )
        for association in table.get("Associations", ()):
            if association.get("Main"):
                main = leads
            elif "SubnetId" in association:
                own[association["SubnetId"]] = leads
    return frozenset(subnet_id for subnet_id in subnet_ids if own.get(subnet_id, main))


def _instances(instance_ids: Iterable[str]) -> list[InstanceTypeDef]:
    pages = clients.ec2().get_paginator("describe_instances")
    return _chunked(
        "instance-id",
        instance_ids,
        lambda f: [
            i
            for page in pages.paginate(Filters=[f])
            for reservation in page["Reservations"]
            for i in reservation["Instances"]
        ],
    )


def _instance_names(instances: Iterable[InstanceTypeDef]) -> Iterator[tuple[str, str]]:
    for instance in instances:
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
