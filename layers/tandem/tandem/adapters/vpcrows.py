"""Reads the rows of EC2 about what is around an appliance, from the route server to the VPC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tandem.adapters.rows import (
    Kind,
    Odd,
    Row,
    beside,
    flag,
    given,
    has,
    number,
    part,
    parts,
    prefix_of,
    tags,
    text,
)
from tandem.model import RouteServer
from tandem.topology.document import canonical_prefix
from tandem.topology.inventory import ADVERTISED, MADE, Endpoint, RouteTable, Subnet, TableRoute

_ENDED = frozenset({"disassociating", "disassociated", "failing", "failed"})

_TARGETS = (
    *("GatewayId", "NatGatewayId", "TransitGatewayId", "VpcPeeringConnectionId", "NetworkInterfaceId"),
    *("InstanceId", "EgressOnlyInternetGatewayId", "LocalGatewayId", "CarrierGatewayId", "CoreNetworkArn"),
)


def _server(row: Row, odd: Odd) -> RouteServer:
    notifies = given(row, "SnsNotificationsEnabled", flag) or False
    return RouteServer(
        route_server_id=text(row, "RouteServerId"),
        state=text(row, "State"),
        amazon_side_asn=number(row, "AmazonSideAsn"),
        sns_topic_arn=given(row, "SnsTopicArn", text) if notifies else None,
        tags=tags(row, "Tags"),
        notifies=notifies,
        persist_state=given(row, "PersistRoutesState", text),
        persist_minutes=given(row, "PersistRoutesDuration", number),
    )


def _endpoint(row: Row, odd: Odd) -> Endpoint:
    return Endpoint(
        endpoint_id=text(row, "RouteServerEndpointId"),
        route_server_id=text(row, "RouteServerId"),
        subnet_id=text(row, "SubnetId"),
        state=text(row, "State"),
        address=given(row, "EniAddress", text),
        tags=tags(row, "Tags"),
        failure_reason=beside(row, "FailureReason", text, odd),
        interface_id=beside(row, "EniId", text, odd),
    )


def _subnet(row: Row, odd: Odd) -> Subnet:
    """A subnet for IPv6 only has no IPv4 block, and EC2 shows no CidrBlock then."""
    return Subnet(
        text(row, "SubnetId"),
        text(row, "VpcId"),
        given(row, "CidrBlock", prefix_of),
        zone=beside(row, "AvailabilityZone", text, odd) or "",
    )


def _route_table(row: Row, odd: Odd) -> RouteTable:
    associations = [a for a in parts(row, "Associations") if _is_there(a, "AssociationState")]
    written = [route for route in parts(row, "Routes") if route.get("Origin") != ADVERTISED]
    return RouteTable(
        text(row, "RouteTableId"),
        text(row, "VpcId"),
        main=any(a.get("Main") is True for a in associations),
        subnet_ids=tuple(text(a, "SubnetId") for a in associations if a.get("SubnetId")),
        gateway_ids=tuple(text(a, "GatewayId") for a in associations if a.get("GatewayId")),
        ipv4_routes=sum(has(route, "DestinationCidrBlock") for route in written),
        ipv6_routes=sum(has(route, "DestinationIpv6CidrBlock") for route in written),
        static_routes=tuple(_static_routes(written, odd)),
        leads_to_internet=any(_leads_to_internet(route) for route in parts(row, "Routes")),
        routes=tuple(_routes(parts(row, "Routes"), odd)),
    )


def _routes(routes: Iterable[Row], odd: Odd) -> Iterator[TableRoute]:
    """Yields every route with a destination that can be read."""
    for route in routes:
        blocks = ("DestinationCidrBlock", "DestinationIpv6CidrBlock")
        to = next(filter(None, (beside(route, block, prefix_of, odd) for block in blocks)), None)
        to = to or beside(route, "DestinationPrefixListId", text, odd)
        if to is None:
            odd.append("a route shows no destination")
            continue
        target = next((str(route[name]) for name in _TARGETS if has(route, name)), "")
        state, origin = beside(route, "State", text, odd), beside(route, "Origin", text, odd)
        firewall = beside(route, "IgwFirewall", part, odd) or {}
        arn = beside(firewall, "FirewallArn", text, odd)
        yield TableRoute(to, target, state or "", origin or "", arn)


def _leads_to_internet(route: Row) -> bool:
    """Elastic IPs are IPv4: what leads IPv6 there is of no use to them."""
    is_up = route.get("State", "active") == "active" and has(route, "DestinationCidrBlock")
    return is_up and str(route.get("GatewayId", "")).startswith("igw-")


def _static_routes(routes: Iterable[Row], odd: Odd) -> Iterator[tuple[str, str]]:
    """Yields destination and target. A destination that is a prefix list shadows none that is known."""
    for route in routes:
        kinds = ("DestinationCidrBlock", "DestinationIpv6CidrBlock")
        found = (beside(route, kind, prefix_of, odd) for kind in kinds if route.get("Origin") == MADE)
        targets = (str(route[name]) for name in _TARGETS if name in route)
        yield from ((to, next(targets, "an unknown target")) for to in found if to)


def _vpc(row: Row, odd: Odd) -> tuple[str, ...]:
    """Returns the address blocks, IPv4 and then IPv6."""
    blocks = parts(row, "CidrBlockAssociationSet")
    blocks_6 = parts(row, "Ipv6CidrBlockAssociationSet")
    four = [text(block, "CidrBlock") for block in blocks if _is_there(block, "CidrBlockState")]
    six = [text(block, "Ipv6CidrBlock") for block in blocks_6 if _is_there(block, "Ipv6CidrBlockState")]
    return tuple(canonical_prefix(block) for block in (*four, *six))


def _is_there(row: Row, name: str) -> bool:
    """Returns False for an association that AWS shows as ended or failed; one of an unknown state counts."""
    state = row.get(name)
    return not isinstance(state, Mapping) or state.get("State") not in _ENDED


def _zone(row: Row, odd: Odd) -> tuple[str, str | None]:
    return text(row, "ZoneName"), beside(row, "NetworkBorderGroup", text, odd)


def _association(row: Row, odd: Odd) -> tuple[str, str]:
    return text(row, "VpcId"), text(row, "State")


def _tag(row: Row, odd: Odd) -> tuple[str, str]:
    return text(row, "ResourceId"), given(row, "Value", text) or ""


def _propagation(row: Row, odd: Odd) -> tuple[str, str]:
    return text(row, "RouteTableId"), text(row, "State")


SERVER = Kind("the route server", "RouteServerId", _server)
ENDPOINT = Kind("the endpoint", "RouteServerEndpointId", _endpoint)
SUBNET = Kind("the subnet", "SubnetId", _subnet)
ROUTE_TABLE = Kind("the route table", "RouteTableId", _route_table)
VPC = Kind("the VPC", "VpcId", _vpc)
ZONE = Kind("the Availability Zone", "ZoneName", _zone)
TAG = Kind("the tag of", "ResourceId", _tag)
ASSOCIATION = Kind("the association with", "VpcId", _association)
PROPAGATION = Kind("the propagation to", "RouteTableId", _propagation)
