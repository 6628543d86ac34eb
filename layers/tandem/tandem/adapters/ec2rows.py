"""Reads the rows of EC2 that failover needs: routes, peers, Elastic IPs, interfaces, instances."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_network

from tandem.adapters.rows import (
    Kind,
    Odd,
    Row,
    Rows,
    Unread,
    beside,
    flag,
    given,
    has,
    number,
    part,
    parts,
    read_rows,
    tags,
    text,
    texts,
)
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
    RouteStatus,
    Status,
)
from tandem.topology.document import canonical_address, canonical_prefix

_INSTANCE_STATES = frozenset({"pending", "running", "shutting-down", "terminated", "stopping", "stopped"})
"""What an instance is while it is in another state is unknown (API_InstanceState)."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One entry of DescribeInstances shows an instance, and some of its interfaces."""

    instance_id: str
    state: str
    interfaces: Rows[NetworkInterface]
    tags: tuple[tuple[str, str], ...] = ()


def doubts(routes: Iterable[Route], unread: Iterable[Unread]) -> Iterator[tuple[str, str]]:
    """Yields each prefix whose owner is unknown, with the reason; an empty one stands for any prefix.

    Only the row in the FIB matters, and a prefix has one (docs/aws-facts.md#one-winner): a row of an unknown
    status is none where another can be read.
    """
    owned = {route.prefix for route in routes if route.status is RouteStatus.IN_FIB}
    for row in unread:
        status = row.row.get("RouteStatus")
        prefix = ""
        with suppress(ValueError):
            prefix = str(ip_network(row.about, strict=False))
        if status == RouteStatus.IN_FIB or (status != RouteStatus.IN_RIB and prefix not in owned):
            what = f"a route to {prefix}" if prefix else "a route with an unknown prefix"
            yield prefix, f"{what} may be in the FIB: {row.words}"


def _route(row: Row, odd: Odd) -> Route:
    return Route(
        prefix=canonical_prefix(text(row, "Prefix")),
        next_hop=canonical_address(text(row, "NextHopIp")),
        status=RouteStatus(row["RouteStatus"]),
        peer_id=beside(row, "RouteServerPeerId", text, odd) or "",
        as_path=tuple(beside(row, "AsPaths", texts, odd) or ()),
        med=beside(row, "Med", number, odd) or 0,
        installations=tuple(_installations(row, odd)),
    )


def _installations(row: Row, odd: Odd) -> Iterator[RouteInstallation]:
    """Reads the installations. Where one table shows the route as installed, the others decide nothing."""
    found = read_rows(parts(row, "RouteInstallationDetails"), _INSTALLATION)
    if found.unread and not any(i.status is InstallationStatus.INSTALLED for i in found.found):
        raise ValueError(found.unread[0].words)
    odd += found.words
    yield from found.found


def _installation(row: Row, odd: Odd) -> RouteInstallation:
    return RouteInstallation(
        text(row, "RouteTableId"),
        InstallationStatus(row["RouteInstallationStatus"]),
        beside(row, "RouteInstallationStatusReason", text, odd),
    )


def _peer(row: Row, odd: Odd) -> Peer:
    options = part(row, "BgpOptions")
    liveness = Liveness(options.get("PeerLivenessDetection") or Liveness.BGP_KEEPALIVE)
    # AWS shows a peer that has no BFD with a BfdStatus of down, or with none
    bfd = beside(row, "BfdStatus", _status, odd) if liveness is Liveness.BFD else None
    state = text(row, "State")
    bgp = given(row, "BgpStatus", _status)
    if bgp is None and state == "available":
        raise ValueError("it is available, and shows no BgpStatus")
    return Peer(
        peer_id=text(row, "RouteServerPeerId"),
        endpoint_id=text(row, "RouteServerEndpointId"),
        route_server_id=text(row, "RouteServerId"),
        peer_address=canonical_address(text(row, "PeerAddress")),
        state=state,
        asn=given(options, "PeerAsn", number) or 0,
        liveness=liveness,
        bgp=bgp or Status.DOWN,
        bfd=bfd,
        tags=tags(row, "Tags"),
        failure_reason=beside(row, "FailureReason", text, odd),
    )


def _status(row: Row, name: str) -> Status:
    return Status(part(row, name)["Status"])


def _elastic_ip(row: Row, odd: Odd) -> ElasticIp:
    """It has no holder only where AWS shows neither an association nor a member that an association has."""
    holder = None
    if any(has(row, name) for name in ("AssociationId", "NetworkInterfaceId", "InstanceId")):
        # of an instance's own primary interface EC2 shows that as well (API_Address)
        holder = Holder(
            text(row, "NetworkInterfaceId"), text(row, "PrivateIpAddress"), text(row, "AssociationId")
        )
    return ElasticIp(
        text(row, "AllocationId"),
        _public_ip(row),
        holder,
        beside(row, "Tags", tags, odd) or (),
        beside(row, "NetworkBorderGroup", text, odd),
        beside(row, "ServiceManaged", text, odd),
    )


def _interface(row: Row, odd: Odd) -> NetworkInterface:
    """Reads a row of DescribeNetworkInterfaces, or the one inside an instance, which has neither tags nor
    allocations (API_InstanceNetworkInterface).
    """
    attachment = given(row, "Attachment", part) or {}
    return NetworkInterface(
        network_interface_id=text(row, "NetworkInterfaceId"),
        subnet_id=beside(row, "SubnetId", text, odd) or "",
        instance_id=given(attachment, "InstanceId", text),
        attachment=given(attachment, "Status", text),
        addresses=tuple(_private_address(a) for a in parts(row, "PrivateIpAddresses")),
        ipv6=tuple(canonical_address(text(a, "Ipv6Address")) for a in parts(row, "Ipv6Addresses")),
        source_dest_check=beside(row, "SourceDestCheck", flag, odd),
        tags=beside(row, "TagSet", tags, odd) or (),
        device_index=beside(attachment, "DeviceIndex", number, odd),
        owner=beside(row, "OwnerId", text, odd),
        group_ids=beside(row, "Groups", _group_ids, odd) if has(row, "Groups") else (),
        service=_service(row, odd),
    )


def _group_ids(row: Row, name: str) -> tuple[str, ...]:
    return tuple(text(group, "GroupId") for group in parts(row, name))


def _service(row: Row, odd: Odd) -> str | None:
    """Reads who manages an interface instead of its owner; a name that cannot be read is one all the same."""
    operator = beside(row, "Operator", part, odd) or {}
    if beside(operator, "Managed", flag, odd):
        return beside(operator, "Principal", text, odd) or "a service provider"
    if beside(row, "RequesterManaged", flag, odd):
        return beside(row, "RequesterId", text, odd) or "an AWS service"
    return None


def _private_address(row: Row) -> PrivateAddress:
    """An association without a public address is still one, which a move would displace."""
    association = given(row, "Association", part)
    return PrivateAddress(
        text(row, "PrivateIpAddress"),
        None if association is None else _public_ip(association),
        None if association is None else given(association, "AllocationId", text),
    )


def _public_ip(row: Row) -> str:
    """Reads the address behind an association; a Wavelength Zone or an Outpost has another kind."""
    kinds = ("PublicIp", "CarrierIp", "CustomerOwnedIp")
    return text(row, next((name for name in kinds if has(row, name)), kinds[0]))


def _instance(row: Row, odd: Odd) -> Instance:
    instance_id, state = text(row, "InstanceId"), text(part(row, "State"), "Name")
    if state not in _INSTANCE_STATES:
        raise ValueError(f"its state is {state!r}")
    attached = beside(row, "NetworkInterfaces", parts, odd) or []
    interfaces = read_rows((_attached(interface, instance_id) for interface in attached), INTERFACE)
    odd += interfaces.words
    return Instance(
        instance_id,
        state,
        interfaces,
        beside(row, "Tags", tags, odd) or (),
    )


def _attached(interface: Row, instance_id: str) -> Row:
    """Adds the instance's ID to its row of an interface, which does not name it."""
    attachment = interface.get("Attachment")
    known = attachment if isinstance(attachment, Mapping) else {}
    return {**interface, "Attachment": {**known, "InstanceId": instance_id}}


ROUTE = Kind("the route to", "Prefix", _route)
_INSTALLATION = Kind("its installation in", "RouteTableId", _installation)
PEER = Kind("the peer at", "PeerAddress", _peer, id="RouteServerPeerId")
ELASTIC_IP = Kind("the Elastic IP", "AllocationId", _elastic_ip)
INTERFACE = Kind("the network interface", "NetworkInterfaceId", _interface)
INSTANCE = Kind("the instance", "InstanceId", _instance)
