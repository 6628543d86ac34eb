"""EC2 as the provisioner reads it: a route server with what hangs on it, and everything around a topology."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from tandem.adapters import clients, ec2
from tandem.errors import TRANSIENT_CODES, ConfigurationError, TemporaryError
from tandem.inventory import (
    Endpoint,
    Inventory,
    RegionWithoutRouteServerError,
    RouteServerReading,
    RouteTable,
    Subnet,
)
from tandem.model import NetworkInterface, RouteServer
from tandem.place import Place
from tandem.topology import Topology, canonical_prefix

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import (
        FilterTypeDef,
        RouteServerEndpointTypeDef,
        RouteServerTypeDef,
        RouteTableTypeDef,
        RouteTypeDef,
        TagTypeDef,
    )

T = TypeVar("T")

THERE = frozenset({"pending", "available"})
"""States of endpoints, peers and propagations that count as existing (facts §1.5)."""

ON_ITS_WAY_OUT = frozenset({"deleting", "deleted"})

UNKNOWN_ACTION = frozenset({"InvalidAction", "UnsupportedOperation"})
ADVERTISED, MADE = "Advertisement", "CreateRoute"
"""Origins of a route that a route server wrote, and of one that somebody made (facts §1.2)."""

TARGETS = (
    *("GatewayId", "NatGatewayId", "TransitGatewayId", "VpcPeeringConnectionId", "NetworkInterfaceId"),
    *("InstanceId", "EgressOnlyInternetGatewayId", "LocalGatewayId", "CarrierGatewayId", "CoreNetworkArn"),
)

NONE_THERE = frozenset({"InvalidRouteServerId.NotAssociated", "InvalidRouteServerId.NotPropagated"})
"""No associations, no propagations: AWS answers with an error instead of an empty list (facts §2.1)."""


class RefusedError(ConfigurationError):
    """EC2 refused a read, and would again."""

    def __init__(self, words: str, code: str) -> None:
        super().__init__(words)
        self.code = code


def route_server(route_server_id: str) -> RouteServerReading | None:
    """The route server with its endpoints and peers; None where it is not there (any more).

    Raises RegionWithoutRouteServerError, TemporaryError, ConfigurationError.
    """
    return _reading(_route_servers(), route_server_id)


def read(topology: Topology, stack: str, place: Place) -> Inventory:
    """Everything that the third pass of cross-checks judges. Raises as `route_server` does."""
    servers = _route_servers()
    reading = _reading(servers, topology.route_server.route_server_id or "")
    vpc_ids = _associated(reading)
    if topology.manage and topology.route_server.vpc_id:
        vpc_ids = (topology.route_server.vpc_id,)
    interfaces = _interfaces(topology)
    subnet_ids = {subnet_id for _, subnet_id in topology.route_server.endpoints}
    subnet_ids |= {interface.subnet_id for interface in interfaces.values()}
    return Inventory(
        place=place,
        stack=stack,
        reading=reading,
        route_server_ids=tuple(server.route_server_id for server in servers),
        vpc_ids=vpc_ids,
        vpc_prefixes=_vpc_prefixes(vpc_ids),
        vpc_route_servers=tuple(_beside(topology, servers)),
        propagated_to=_propagated(reading),
        route_tables={table.route_table_id: table for table in _route_tables(vpc_ids)},
        subnets={subnet.subnet_id: subnet for subnet in _subnets(sorted(subnet_ids))},
        interfaces=interfaces,
        instance_states=ec2.instance_states(topology.instance_ids),
        elastic_ips=ec2.addresses(topology.allocation_ids),
        service_managed=_service_managed(topology.allocation_ids),
    )


def _reading(servers: Sequence[RouteServer], route_server_id: str) -> RouteServerReading | None:
    server = next((s for s in servers if s.route_server_id == route_server_id), None)
    if server is None:
        return None
    peers = tuple(peer for peer in ec2.peers(route_server_id) if peer.state in THERE)
    return RouteServerReading(server, _endpoints(route_server_id), peers)


def _route_servers() -> tuple[RouteServer, ...]:
    """All that are there: a wrong ID is answered with what there is."""
    return tuple(server for server in route_servers() if server.state not in ON_ITS_WAY_OUT)


def route_servers() -> tuple[RouteServer, ...]:
    """All of them, tombstones too: AWS refuses filters by ID (facts §1.4).

    Raises RegionWithoutRouteServerError, TemporaryError, ConfigurationError.
    """
    pages = clients.ec2().get_paginator("describe_route_servers")
    try:
        found = _answered(lambda: [server for page in pages.paginate() for server in page["RouteServers"]])
    except RefusedError as error:
        if error.code in UNKNOWN_ACTION:
            unavailable = f"Amazon VPC Route Server is not available in this Region (EC2: {error.code})"
            raise RegionWithoutRouteServerError(unavailable) from error
        raise
    return tuple(_server(server) for server in found)


def _endpoints(route_server_id: str) -> tuple[Endpoint, ...]:
    return tuple(e for e in endpoints(route_server_id) if e.state in THERE)


def endpoints(route_server_id: str) -> tuple[Endpoint, ...]:
    """The route server's endpoints in any state, tombstones too."""
    pages = clients.ec2().get_paginator("describe_route_server_endpoints")
    found = _answered(lambda: [e for page in pages.paginate() for e in page["RouteServerEndpoints"]])
    return tuple(_endpoint(e) for e in found if e["RouteServerId"] == route_server_id)


def _associated(reading: RouteServerReading | None) -> tuple[str, ...]:
    found = () if reading is None else associations(reading.server.route_server_id)
    return tuple(vpc_id for vpc_id, state in found if state != "disassociating")


def associations(route_server_id: str) -> tuple[tuple[str, str], ...]:
    """VPC and state of each association."""
    found = _or_none_there(
        lambda: clients.ec2().get_route_server_associations(RouteServerId=route_server_id)[
            "RouteServerAssociations"
        ]
    )
    return tuple((association["VpcId"], association["State"]) for association in found)


def _beside(topology: Topology, servers: Sequence[RouteServer]) -> list[RouteServer]:
    """The route servers of the VPC, where the topology may get a further one there (facts §3.1)."""
    wanted = topology.route_server
    if not topology.manage or wanted.route_server_id is not None or wanted.vpc_id is None:
        return []
    return [server for server in servers if wanted.vpc_id in _associated(RouteServerReading(server))]


def _propagated(reading: RouteServerReading | None) -> tuple[str, ...]:
    found = () if reading is None else propagations(reading.server.route_server_id)
    return tuple(table_id for table_id, state in found if state in THERE)


def propagations(route_server_id: str) -> tuple[tuple[str, str], ...]:
    """Route table and state of each propagation."""
    found = _or_none_there(
        lambda: clients.ec2().get_route_server_propagations(RouteServerId=route_server_id)[
            "RouteServerPropagations"
        ]
    )
    return tuple((propagation["RouteTableId"], propagation["State"]) for propagation in found)


def _interfaces(topology: Topology) -> dict[str, NetworkInterface]:
    """Those of the appliances' instances and every target, wherever it is attached."""
    by_target = {name: replace(a, instance_id=None) for name, a in topology.appliances.items()}
    return ec2.interfaces(topology) | ec2.interfaces(replace(topology, appliances=by_target))


def _route_tables(vpc_ids: Sequence[str]) -> list[RouteTable]:
    pages = clients.ec2().get_paginator("describe_route_tables")
    return _filtered(
        "vpc-id",
        vpc_ids,
        lambda f: [
            _route_table(table) for page in pages.paginate(Filters=f) for table in page["RouteTables"]
        ],
    )


def _subnets(subnet_ids: Sequence[str]) -> list[Subnet]:
    pages = clients.ec2().get_paginator("describe_subnets")
    found = _filtered(
        "subnet-id", subnet_ids, lambda f: [s for page in pages.paginate(Filters=f) for s in page["Subnets"]]
    )
    shown = _filtered(
        "zone-name",
        sorted({zone for subnet in found if (zone := subnet.get("AvailabilityZone"))}),
        lambda f: clients.ec2().describe_availability_zones(Filters=f)["AvailabilityZones"],
    )
    groups = {zone["ZoneName"]: zone.get("NetworkBorderGroup") for zone in shown}
    return [
        Subnet(s["SubnetId"], s["VpcId"], s["CidrBlock"], groups.get(s.get("AvailabilityZone", "")))
        for s in found
    ]


def _vpc_prefixes(vpc_ids: Sequence[str]) -> tuple[str, ...]:
    pages = clients.ec2().get_paginator("describe_vpcs")
    found = _filtered(
        "vpc-id", vpc_ids, lambda f: [v for page in pages.paginate(Filters=f) for v in page["Vpcs"]]
    )
    four = [block["CidrBlock"] for vpc in found for block in vpc.get("CidrBlockAssociationSet", ())]
    six = [block["Ipv6CidrBlock"] for vpc in found for block in vpc.get("Ipv6CidrBlockAssociationSet", ())]
    return (*four, *six)


def _service_managed(allocation_ids: Sequence[str]) -> dict[str, str]:
    found = _filtered(
        "allocation-id", allocation_ids, lambda f: clients.ec2().describe_addresses(Filters=f)["Addresses"]
    )
    return {a["AllocationId"]: a["ServiceManaged"] for a in found if a.get("ServiceManaged")}


def _filtered(name: str, values: Sequence[str], call: Callable[[list[FilterTypeDef]], list[T]]) -> list[T]:
    """`call`, as often as the number of a filter's values asks for; no values, no call."""
    found: list[T] = []
    for start in range(0, len(values), ec2.FILTER_VALUES):
        chunk = list(values[start : start + ec2.FILTER_VALUES])
        found += _answered(lambda chunk=chunk: call([{"Name": name, "Values": chunk}]))  # type: ignore[misc]
    return found


def _or_none_there(call: Callable[[], list[T]]) -> list[T]:
    try:
        return _answered(call)
    except RefusedError as error:
        if error.code in NONE_THERE:
            return []
        raise


def _answered(call: Callable[[], T]) -> T:
    """Runs one read; botocore has retried it already. Raises TemporaryError, RefusedError."""
    try:
        return call()
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        words = f"EC2 {error.operation_name}: {code}: {message}"
        if code in TRANSIENT_CODES or error.response["ResponseMetadata"].get("HTTPStatusCode", 0) >= 500:
            raise TemporaryError(words) from error
        raise RefusedError(words, code) from error
    except BotoCoreError as error:
        raise TemporaryError(f"EC2 did not answer: {error}") from error


def _server(server: RouteServerTypeDef) -> RouteServer:
    return RouteServer(
        route_server_id=server["RouteServerId"],
        state=server["State"],
        amazon_side_asn=server["AmazonSideAsn"],
        sns_topic_arn=server.get("SnsTopicArn") if server.get("SnsNotificationsEnabled") else None,
        tags=_tags(server.get("Tags", ())),
        notifies=server.get("SnsNotificationsEnabled", False),
        persist_state=server.get("PersistRoutesState"),
        persist_minutes=server.get("PersistRoutesDuration"),
    )


def _endpoint(endpoint: RouteServerEndpointTypeDef) -> Endpoint:
    return Endpoint(
        endpoint_id=endpoint["RouteServerEndpointId"],
        route_server_id=endpoint["RouteServerId"],
        subnet_id=endpoint["SubnetId"],
        state=endpoint["State"],
        address=endpoint.get("EniAddress"),
        tags=_tags(endpoint.get("Tags", ())),
        failure_reason=endpoint.get("FailureReason"),
    )


def _tags(tags: Sequence[TagTypeDef]) -> tuple[tuple[str, str], ...]:
    return tuple((tag["Key"], tag["Value"]) for tag in tags)


def _route_table(table: RouteTableTypeDef) -> RouteTable:
    associations = table.get("Associations", ())
    written = [route for route in table.get("Routes", ()) if route.get("Origin") != ADVERTISED]
    return RouteTable(
        table["RouteTableId"],
        table["VpcId"],
        main=any(a.get("Main", False) for a in associations),
        subnet_ids=tuple(a["SubnetId"] for a in associations if a.get("SubnetId")),
        gateway_ids=tuple(a["GatewayId"] for a in associations if a.get("GatewayId")),
        ipv4_routes=sum("DestinationCidrBlock" in route for route in written),
        ipv6_routes=sum("DestinationIpv6CidrBlock" in route for route in written),
        static_routes=tuple(_static_routes(written)),
    )


def _static_routes(routes: Iterable[RouteTypeDef]) -> Iterator[tuple[str, str]]:
    for route in routes:
        to = route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock")
        if to and route.get("Origin") == MADE:
            targets = (str(route[name]) for name in TARGETS if name in route)  # type: ignore[literal-required]
            yield canonical_prefix(to), next(targets, "an unknown target")
