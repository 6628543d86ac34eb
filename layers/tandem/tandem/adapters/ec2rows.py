"""Rows of EC2's answers as the model's: what cannot be read is left out and said, never guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from ipaddress import ip_network
from typing import TYPE_CHECKING, TypeVar

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
from tandem.topology import canonical_address, canonical_prefix

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import (
        AddressTypeDef,
        InstanceTypeDef,
        NetworkInterfaceTypeDef,
        RouteServerPeerTypeDef,
        RouteServerRouteTypeDef,
        TagTypeDef,
    )

R = TypeVar("R")
T = TypeVar("T")


def readable(rows: Iterable[R], read: Callable[[R], T]) -> tuple[tuple[T, ...], list[tuple[R, str]]]:
    """What can be read of the rows, and of each other one why not: AWS may add words."""
    found: list[T] = []
    unread: list[tuple[R, str]] = []
    for row in rows:
        try:
            found.append(read(row))
        except (KeyError, TypeError, ValueError) as error:
            unread.append((row, f"{type(error).__name__}: {error}"))
    return tuple(found), unread


def doubts(
    routes: Iterable[Route], unread: Iterable[tuple[RouteServerRouteTypeDef, str]]
) -> Iterator[tuple[str, str]]:
    """Only the row in the FIB matters, and a prefix has one (facts §3.4): a row of an unknown status is none
    where another can be read.
    """
    owned = {route.prefix for route in routes if route.status is RouteStatus.IN_FIB}
    for row, why in unread:
        status: object = row.get("RouteStatus")
        with suppress(KeyError, ValueError):
            prefix = str(ip_network(row["Prefix"], strict=False))
            if status == RouteStatus.IN_FIB or (status != RouteStatus.IN_RIB and prefix not in owned):
                yield prefix, f"a route to {prefix} may be in the FIB and cannot be read ({why})"


def route(row: RouteServerRouteTypeDef) -> Route:
    return Route(
        prefix=canonical_prefix(row["Prefix"]),
        next_hop=canonical_address(row["NextHopIp"]),
        status=RouteStatus(row["RouteStatus"]),
        peer_id=row.get("RouteServerPeerId", ""),
        as_path=tuple(row.get("AsPaths", ())),
        med=row.get("Med", 0),
        installations=tuple(
            RouteInstallation(
                i["RouteTableId"],
                InstallationStatus(i["RouteInstallationStatus"]),
                i.get("RouteInstallationStatusReason"),
            )
            for i in row.get("RouteInstallationDetails", ())
        ),
    )


def peer(peer: RouteServerPeerTypeDef) -> Peer:
    options = peer["BgpOptions"]
    liveness = Liveness(options.get("PeerLivenessDetection", Liveness.BGP_KEEPALIVE))
    # AWS shows a peer that has no BFD with a BfdStatus of down, or with none
    bfd = peer.get("BfdStatus", {}).get("Status") if liveness is Liveness.BFD else None
    return Peer(
        peer_id=peer["RouteServerPeerId"],
        endpoint_id=peer["RouteServerEndpointId"],
        route_server_id=peer["RouteServerId"],
        peer_address=canonical_address(peer["PeerAddress"]),
        state=peer["State"],
        asn=options.get("PeerAsn", 0),
        liveness=liveness,
        bgp=Status(peer.get("BgpStatus", {}).get("Status", Status.DOWN)),
        bfd=Status(bfd) if bfd else None,
        tags=_tags(peer.get("Tags", ())),
        failure_reason=peer.get("FailureReason"),
    )


def elastic_ip(address: AddressTypeDef) -> ElasticIp:
    association = address.get("AssociationId")
    holder = None
    if association:
        holder = Holder(
            address.get("NetworkInterfaceId", ""), address.get("PrivateIpAddress", ""), association
        )
    return ElasticIp(
        address["AllocationId"],
        address["PublicIp"],
        holder,
        _tags(address.get("Tags", ())),
        address.get("NetworkBorderGroup"),
    )


def interface(interface: NetworkInterfaceTypeDef) -> NetworkInterface:
    attachment: Mapping[str, object] = interface.get("Attachment") or {}
    instance_id = attachment.get("InstanceId")
    return NetworkInterface(
        network_interface_id=interface["NetworkInterfaceId"],
        subnet_id=interface["SubnetId"],
        instance_id=str(instance_id) if instance_id else None,
        attachment=str(attachment["Status"]) if "Status" in attachment else None,
        addresses=tuple(
            PrivateAddress(
                a["PrivateIpAddress"],
                a.get("Association", {}).get("PublicIp"),
                a.get("Association", {}).get("AllocationId"),
            )
            for a in interface.get("PrivateIpAddresses", ())
        ),
        ipv6=tuple(canonical_address(a["Ipv6Address"]) for a in interface.get("Ipv6Addresses", ())),
        source_dest_check=interface.get("SourceDestCheck", False),
        tags=_tags(interface.get("TagSet", ())),
    )


def attached(
    instances: Iterable[InstanceTypeDef], allocations: Mapping[str, str]
) -> Iterator[NetworkInterface]:
    """The interfaces as the instances show them (EC2 API Reference: InstanceNetworkInterface): without tags,
    and without an Elastic IP's allocation, which `allocations` has by public address.
    """
    for instance in instances:
        for row in instance.get("NetworkInterfaces", ()):
            yield NetworkInterface(
                network_interface_id=row["NetworkInterfaceId"],
                subnet_id=row.get("SubnetId", ""),
                instance_id=instance["InstanceId"],
                attachment=row.get("Attachment", {}).get("Status"),
                addresses=tuple(
                    PrivateAddress(a["PrivateIpAddress"], public_ip, allocations.get(public_ip or ""))
                    for a in row.get("PrivateIpAddresses", ())
                    for public_ip in (a.get("Association", {}).get("PublicIp"),)
                ),
                ipv6=tuple(canonical_address(a["Ipv6Address"]) for a in row.get("Ipv6Addresses", ())),
                source_dest_check=row.get("SourceDestCheck", False),
            )


def _tags(tags: Iterable[TagTypeDef]) -> tuple[tuple[str, str], ...]:
    return tuple((tag["Key"], tag["Value"]) for tag in tags)
