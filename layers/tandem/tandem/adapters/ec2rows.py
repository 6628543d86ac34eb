"""Rows of EC2's answers as the model's: what a missing, null, odd or unknown member means is said here alone.

A row that lacks what it is known by, or says of it what nobody can read, is unread: named, and left out. A
member that no rule depends on is left out of its row alone, and named as well. Nothing is guessed, and no
oddity of one row is an error of the others. EC2 leaves out of its XML what has no value, so a missing list
inside a row is an empty one; a member that is null counts as missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Generic, TypeVar

from tandem.errors import ConfigurationError
from tandem.inventory import Endpoint, RouteTable, Subnet
from tandem.model import (
    ElasticIp,
    Holder,
    InstallationStatus,
    Liveness,
    NetworkInterface,
    Peer,
    PrivateAddress,
    Route,
    RouteInstallation,
    RouteServer,
    RouteStatus,
    Status,
)
from tandem.topology import canonical_address, canonical_prefix

T = TypeVar("T")

Row = Mapping[str, Any]
Odd = list[str]
"""Members that are left out of a row which can be read without them, in words."""

UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)
"""What reading a row raises where AWS shows it otherwise than it documents."""

LONGEST_WHY = 200
"""Characters of what is wrong with a row."""

ADVERTISED, MADE = "Advertisement", "CreateRoute"
"""Origins of a route that a route server wrote, and of one that somebody made (facts §1.2)."""

TARGETS = (
    *("GatewayId", "NatGatewayId", "TransitGatewayId", "VpcPeeringConnectionId", "NetworkInterfaceId"),
    *("InstanceId", "EgressOnlyInternetGatewayId", "LocalGatewayId", "CarrierGatewayId", "CoreNetworkArn"),
)


@dataclass(frozen=True, slots=True)
class Unread:
    """A row that cannot be read: what it is about, as far as that can be read, and what is wrong with it."""

    about: str
    """Its ID, or whatever its kind is known by; empty where nobody can tell."""
    words: str
    row: Row


@dataclass(frozen=True, slots=True)
class Rows(Generic[T]):
    """What could be read of an answer, and what could not."""

    found: tuple[T, ...] = ()
    unread: tuple[Unread, ...] = ()
    odd: tuple[str, ...] = ()
    """Members that are left out of rows in `found`, in words."""

    def __add__(self, other: Rows[T]) -> Rows[T]:
        return Rows(self.found + other.found, self.unread + other.unread, self.odd + other.odd)

    @property
    def words(self) -> tuple[str, ...]:
        """Everything that is left out, in words."""
        return (*(row.words for row in self.unread), *self.odd)

    def whole(self) -> tuple[T, ...]:
        """All rows, for whoever must not go by a part of them. Raises ConfigurationError."""
        if self.unread:
            raise ConfigurationError(self.unread[0].words)
        return self.found

    def unknown(self, asked: Iterable[str], found: Iterable[str]) -> dict[str, str]:
        """What was asked for and cannot be read, with the reason; `found` are those that can.

        Where a row does not even say what it is about, it may be each of those that were not found.
        """
        told = {row.about: row.words for row in reversed(self.unread)}
        there, anonymous = set(found), told.pop("", None)
        if anonymous is not None:
            told = {**{id_: anonymous for id_ in asked if id_ not in there}, **told}
        return told


def read(rows: Iterable[Any], kind: Kind[T]) -> Rows[T]:
    """Reads each of the rows by itself."""
    found: list[T] = []
    unread: list[Unread] = []
    odd: list[str] = []
    for row in rows:
        known = row if isinstance(row, Mapping) else {}
        about, left_out = known.get(kind.key), Odd()
        about = about if isinstance(about, str) else ""
        which = f"{kind.name} {about or 'nobody knows what'}"
        which += f" ({known.get(kind.id)})" if kind.id else ""
        try:
            found.append(kind.read(known, left_out))
        except UNREADABLE as error:
            unread.append(Unread(about, f"{which} cannot be read ({_why(error)})", known))
        odd += [f"{which} is read without a member that cannot be read ({why})" for why in left_out]
    return Rows(tuple(found), tuple(unread), tuple(odd))


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance of DescribeInstances, with its interfaces as far as it shows them."""

    instance_id: str
    state: str
    interfaces: Rows[NetworkInterface] = Rows()
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """One kind of row: how it is called, which member it is known by, and what reads it."""

    name: str
    key: str
    read: Callable[[Row, Odd], T]
    id: str = ""
    """The member with its ID, where it is known by something else."""


def doubts(routes: Iterable[Route], unread: Iterable[Unread]) -> Iterator[tuple[str, str]]:
    """Prefixes whose owner nobody can tell, each with the reason; an empty one where that may be any prefix.

    Only the row in the FIB matters, and a prefix has one (facts §3.4): a row of an unknown status is none
    where another can be read.
    """
    owned = {route.prefix for route in routes if route.status is RouteStatus.IN_FIB}
    for row in unread:
        status = row.row.get("RouteStatus")
        prefix = ""
        with suppress(ValueError):
            prefix = str(ip_network(row.about, strict=False))
        if status == RouteStatus.IN_FIB or (status != RouteStatus.IN_RIB and prefix not in owned):
            what = f"a route to {prefix}" if prefix else "a route to nobody knows where"
            yield prefix, f"{what} may be in the FIB and cannot be read ({row.words})"


def _route(row: Row, odd: Odd) -> Route:
    return Route(
        prefix=canonical_prefix(_text(row, "Prefix")),
        next_hop=canonical_address(_text(row, "NextHopIp")),
        status=RouteStatus(row["RouteStatus"]),
        peer_id=_beside(row, "RouteServerPeerId", _text, odd) or "",
        as_path=_beside(row, "AsPaths", _texts, odd) or (),
        med=_beside(row, "Med", _number, odd) or 0,
        installations=tuple(_installations(row, odd)),
    )


def _installations(row: Row, odd: Odd) -> Iterator[RouteInstallation]:
    """Where one table shows the route as installed, what another shows of it decides nothing."""
    found = read(_rows(row, "RouteInstallationDetails"), INSTALLATION)
    if found.unread and not any(i.status is InstallationStatus.INSTALLED for i in found.found):
        raise ValueError(found.unread[0].words)
    odd += found.words
    yield from found.found


def _installation(row: Row, odd: Odd) -> RouteInstallation:
    return RouteInstallation(
        _text(row, "RouteTableId"),
        InstallationStatus(row["RouteInstallationStatus"]),
        _beside(row, "RouteInstallationStatusReason", _text, odd),
    )


def _peer(row: Row, odd: Odd) -> Peer:
    options = _part(row, "BgpOptions")
    liveness = Liveness(options.get("PeerLivenessDetection") or Liveness.BGP_KEEPALIVE)
    # AWS shows a peer that has no BFD with a BfdStatus of down, or with none
    bfd = _beside(row, "BfdStatus", _status, odd) if liveness is Liveness.BFD else None
    state = _text(row, "State")
    bgp = _given(row, "BgpStatus", _status)
    if bgp is None and state == "available":
        raise ValueError("it is available, and shows no BgpStatus")
    return Peer(
        peer_id=_text(row, "RouteServerPeerId"),
        endpoint_id=_text(row, "RouteServerEndpointId"),
        route_server_id=_text(row, "RouteServerId"),
        peer_address=canonical_address(_text(row, "PeerAddress")),
        state=state,
        asn=_given(options, "PeerAsn", _number) or 0,
        liveness=liveness,
        bgp=bgp or Status.DOWN,
        bfd=bfd,
        tags=_tags(row, "Tags"),
        failure_reason=_beside(row, "FailureReason", _text, odd),
    )


def _status(row: Row, name: str) -> Status:
    return Status(_part(row, name)["Status"])


def _elastic_ip(row: Row, odd: Odd) -> ElasticIp:
    """Nobody has it only where AWS shows neither an association nor anything that an association has."""
    holder = None
    if any(row.get(name) is not None for name in ("AssociationId", "NetworkInterfaceId", "InstanceId")):
        # of an instance's own primary interface EC2 shows that as well (API_Address)
        holder = Holder(
            _text(row, "NetworkInterfaceId"), _text(row, "PrivateIpAddress"), _text(row, "AssociationId")
        )
    return ElasticIp(
        _text(row, "AllocationId"),
        _text(row, "PublicIp"),
        holder,
        _beside(row, "Tags", _tags, odd) or (),
        _beside(row, "NetworkBorderGroup", _text, odd),
        _beside(row, "ServiceManaged", _text, odd),
    )


def _interface(row: Row, odd: Odd) -> NetworkInterface:
    """Also an instance's own row of it, which has neither tags nor an Elastic IP's allocation
    (API_InstanceNetworkInterface).
    """
    attachment = _given(row, "Attachment", _part) or {}
    return NetworkInterface(
        network_interface_id=_text(row, "NetworkInterfaceId"),
        subnet_id=_beside(row, "SubnetId", _text, odd) or "",
        instance_id=_given(attachment, "InstanceId", _text),
        attachment=_given(attachment, "Status", _text),
        addresses=tuple(_private_address(a) for a in _rows(row, "PrivateIpAddresses")),
        ipv6=tuple(canonical_address(_text(a, "Ipv6Address")) for a in _rows(row, "Ipv6Addresses")),
        source_dest_check=_beside(row, "SourceDestCheck", _flag, odd) or False,
        tags=_beside(row, "TagSet", _tags, odd) or (),
        device_index=_beside(attachment, "DeviceIndex", _number, odd),
    )


def _private_address(row: Row) -> PrivateAddress:
    """An association without a public address still is one: what a move would throw off."""
    association = _given(row, "Association", _part)
    return PrivateAddress(
        _text(row, "PrivateIpAddress"),
        None if association is None else _text(association, "PublicIp"),
        None if association is None else _given(association, "AllocationId", _text),
    )


def _instance(row: Row, odd: Odd) -> Instance:
    instance_id = _text(row, "InstanceId")
    attached = _beside(row, "NetworkInterfaces", _rows, odd) or []
    interfaces = read((_attached(interface, instance_id) for interface in attached), INTERFACE)
    odd += interfaces.words
    return Instance(
        instance_id,
        _text(_part(row, "State"), "Name"),
        interfaces,
        _beside(row, "Tags", _tags, odd) or (),
    )


def _attached(interface: Row, instance_id: str) -> Row:
    """An instance's row of an interface, which does not name the instance itself."""
    attachment = interface.get("Attachment")
    known = attachment if isinstance(attachment, Mapping) else {}
    return {**interface, "Attachment": {**known, "InstanceId": instance_id}}


def _server(row: Row, odd: Odd) -> RouteServer:
    notifies = _given(row, "SnsNotificationsEnabled", _flag) or False
    return RouteServer(
        route_server_id=_text(row, "RouteServerId"),
        state=_text(row, "State"),
        amazon_side_asn=_number(row, "AmazonSideAsn"),
        sns_topic_arn=_given(row, "SnsTopicArn", _text) if notifies else None,
        tags=_tags(row, "Tags"),
        notifies=notifies,
        persist_state=_given(row, "PersistRoutesState", _text),
        persist_minutes=_given(row, "PersistRoutesDuration", _number),
    )


def _endpoint(row: Row, odd: Odd) -> Endpoint:
    return Endpoint(
        endpoint_id=_text(row, "RouteServerEndpointId"),
        route_server_id=_text(row, "RouteServerId"),
        subnet_id=_text(row, "SubnetId"),
        state=_text(row, "State"),
        address=_given(row, "EniAddress", _text),
        tags=_tags(row, "Tags"),
        failure_reason=_beside(row, "FailureReason", _text, odd),
    )


def _subnet(row: Row, odd: Odd) -> Subnet:
    """One that is for IPv6 only has no IPv4 block, and EC2 shows no CidrBlock then."""
    return Subnet(
        _text(row, "SubnetId"),
        _text(row, "VpcId"),
        _given(row, "CidrBlock", _prefix),
        zone=_beside(row, "AvailabilityZone", _text, odd) or "",
    )


def _route_table(row: Row, odd: Odd) -> RouteTable:
    associations = _rows(row, "Associations")
    written = [route for route in _rows(row, "Routes") if route.get("Origin") != ADVERTISED]
    return RouteTable(
        _text(row, "RouteTableId"),
        _text(row, "VpcId"),
        main=any(a.get("Main") is True for a in associations),
        subnet_ids=tuple(_text(a, "SubnetId") for a in associations if a.get("SubnetId")),
        gateway_ids=tuple(_text(a, "GatewayId") for a in associations if a.get("GatewayId")),
        ipv4_routes=sum("DestinationCidrBlock" in route for route in written),
        ipv6_routes=sum("DestinationIpv6CidrBlock" in route for route in written),
        static_routes=tuple(_static_routes(written)),
        leads_to_internet=any(_leads_to_internet(route) for route in _rows(row, "Routes")),
    )


def _leads_to_internet(route: Row) -> bool:
    return str(route.get("GatewayId", "")).startswith("igw-") and route.get("State") != "blackhole"


def _static_routes(routes: Iterable[Row]) -> Iterator[tuple[str, str]]:
    for route in routes:
        to = route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock")
        if to and route.get("Origin") == MADE:
            targets = (str(route[name]) for name in TARGETS if name in route)
            yield canonical_prefix(to), next(targets, "an unknown target")


def _vpc(row: Row, odd: Odd) -> tuple[str, ...]:
    """Its address blocks, IPv4 and then IPv6."""
    four = [_text(block, "CidrBlock") for block in _rows(row, "CidrBlockAssociationSet")]
    six = [_text(block, "Ipv6CidrBlock") for block in _rows(row, "Ipv6CidrBlockAssociationSet")]
    return tuple(canonical_prefix(block) for block in (*four, *six))


def _zone(row: Row, odd: Odd) -> tuple[str, str | None]:
    return _text(row, "ZoneName"), _beside(row, "NetworkBorderGroup", _text, odd)


def _association(row: Row, odd: Odd) -> tuple[str, str]:
    return _text(row, "VpcId"), _text(row, "State")


def _tag(row: Row, odd: Odd) -> tuple[str, str]:
    return _text(row, "ResourceId"), _text(row, "Value")


def _propagation(row: Row, odd: Odd) -> tuple[str, str]:
    return _text(row, "RouteTableId"), _text(row, "State")


ROUTE = Kind("the route to", "Prefix", _route)
INSTALLATION = Kind("its installation in", "RouteTableId", _installation)
PEER = Kind("the peer at", "PeerAddress", _peer, id="RouteServerPeerId")
ELASTIC_IP = Kind("the Elastic IP", "AllocationId", _elastic_ip)
INTERFACE = Kind("the network interface", "NetworkInterfaceId", _interface)
INSTANCE = Kind("the instance", "InstanceId", _instance)
SERVER = Kind("the route server", "RouteServerId", _server)
ENDPOINT = Kind("the endpoint", "RouteServerEndpointId", _endpoint)
SUBNET = Kind("the subnet", "SubnetId", _subnet)
ROUTE_TABLE = Kind("the route table", "RouteTableId", _route_table)
VPC = Kind("the VPC", "VpcId", _vpc)
ZONE = Kind("the Availability Zone", "ZoneName", _zone)
TAG = Kind("the tag of", "ResourceId", _tag)
ASSOCIATION = Kind("the association with", "VpcId", _association)
PROPAGATION = Kind("the propagation to", "RouteTableId", _propagation)


def _text(row: Row, name: str) -> str:
    """Raises KeyError, ValueError."""
    value = row[name]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is {value!r}")
    return value


def _given(row: Row, name: str, reader: Callable[[Row, str], T]) -> T | None:
    """A member that AWS may leave out: None then. Raises where it is there and cannot be read."""
    return None if row.get(name) is None else reader(row, name)


def _prefix(row: Row, name: str) -> str:
    return canonical_prefix(_text(row, name))


def _number(row: Row, name: str) -> int:
    value = row[name]
    if type(value) is not int:
        raise ValueError(f"{name} is {value!r}")
    return value


def _flag(row: Row, name: str) -> bool:
    value = row[name]
    if not isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}")
    return value


def _part(row: Row, name: str) -> Row:
    value = row[name]
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} is {value!r}")
    return value


def _rows(row: Row, name: str) -> list[Row]:
    value = row.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(part, Mapping) for part in value):
        raise ValueError(f"{name} is {value!r}")
    return list(value)


def _texts(row: Row, name: str) -> tuple[str, ...]:
    value = row[name]
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise ValueError(f"{name} is {value!r}")
    return tuple(value)


def _tags(row: Row, name: str) -> tuple[tuple[str, str], ...]:
    """A tag without a value has an empty one."""
    return tuple((_text(tag, "Key"), tag.get("Value") or "") for tag in _rows(row, name))


def _beside(row: Row, name: str, reader: Callable[[Row, str], T], odd: Odd) -> T | None:
    """A member that no decision depends on: None, and in `odd`, where it cannot be read."""
    if row.get(name) is None:
        return None
    try:
        return reader(row, name)
    except UNREADABLE as error:
        odd.append(_why(error))
        return None


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:LONGEST_WHY]
