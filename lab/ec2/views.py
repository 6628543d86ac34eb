"""Describes what the reads show: plain rows, so that a past answer can be kept and given again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from moto.ec2.utils import generate_dns_from_ip

from lab.ec2 import routing
from lab.ec2.entities import Endpoint, Liveness, Peer, PersistState, RouteServer, State

if TYPE_CHECKING:
    from lab.ec2.addresses import LabAddress
    from lab.ec2.interfaces import LabInterface
    from lab.ec2.region import Region

Row = dict[str, Any]


def route_server_row(region: Region, server: RouteServer) -> Row:
    """PersistRoutesDuration is "only valid if persistRoutesState is 'enabled'"
    (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RouteServer.html); after PersistRoutes=disable
    Terraform's TestAccVPCRouteServer_updatePersitRoutesSNSNotification finds none."""
    enabled = server.persist is PersistState.ENABLED
    return {
        "RouteServerId": server.id,
        "AmazonSideAsn": server.asn,
        "State": server.state.value,
        "Tags": region.tag_set(server.id),
        "PersistRoutesState": server.persist.value,
        "PersistRoutesDuration": server.persist_minutes if enabled else None,
        "SnsNotificationsEnabled": server.sns,
        "SnsTopicArn": server.topic_arn,
    }


def endpoint_row(region: Region, endpoint: Endpoint) -> Row:
    """EniId and EniAddress from the time that it is available (User Guide:
    route-server-tutorial-create-endpoints)."""
    known = endpoint.state is not State.PENDING
    return {
        "RouteServerId": endpoint.route_server_id,
        "RouteServerEndpointId": endpoint.id,
        "VpcId": endpoint.vpc_id,
        "SubnetId": endpoint.subnet_id,
        "EniId": endpoint.eni_id if known else None,
        "EniAddress": endpoint.address if known else None,
        "State": endpoint.state.value,
        "FailureReason": endpoint.failure_reason,
        "Tags": region.tag_set(endpoint.id),
    }


def peer_row(region: Region, peer: Peer) -> Row:
    row: Row = {
        "RouteServerPeerId": peer.id,
        "RouteServerEndpointId": peer.endpoint_id,
        "RouteServerId": peer.route_server_id,
        "VpcId": peer.vpc_id,
        "SubnetId": peer.subnet_id,
        "State": peer.state.value,
        "FailureReason": peer.failure_reason,
        "EndpointEniId": peer.endpoint_eni_id,
        "EndpointEniAddress": peer.endpoint_address,
        "PeerAddress": peer.address,
        "BgpOptions": {"PeerAsn": peer.asn, "PeerLivenessDetection": peer.liveness.value},
        "BgpStatus": {"Status": "up" if peer.bgp else "down"},
        "Tags": region.tag_set(peer.id),
    }
    if peer.liveness is Liveness.BFD or region.lab.behaviour.keepalive_peers_show_bfd:
        row["BfdStatus"] = {"Status": "up" if peer.bfd else "down"}
    return row


def route_rows(region: Region, server: RouteServer) -> list[Row]:
    """One row per peer and prefix; the winner's is in-fib (docs/aws-facts.md#routing-database). Between a
    loss and convergence the FIB still shows the route that is gone from the RIB."""
    paths = {
        (path.prefix, peer.id): path for peer in region.peers_of(server.id) for path in peer.paths.values()
    }
    if not region.lab.behaviour.shows_unusable_paths:
        paths = {key: path for key, path in paths.items() if routing.may_win(region, server, path)}
    for prefix, winner in server.fib.items():
        paths.setdefault((prefix, winner.peer_id), winner)
    rows = []
    for (prefix, peer_id), path in sorted(paths.items()):
        in_fib = prefix in server.fib and server.fib[prefix].peer_id == peer_id
        rows.append(
            {
                "RouteServerEndpointId": path.endpoint_id,
                "RouteServerPeerId": peer_id,
                "RouteInstallationDetails": _installations(server, prefix) if in_fib else [],
                "RouteStatus": "in-fib" if in_fib else "in-rib",
                "Prefix": prefix,
                "AsPaths": list(path.as_path),
                "Med": path.med,
                "NextHopIp": path.next_hop,
            }
        )
    return rows


def _installations(server: RouteServer, prefix: str) -> list[Row]:
    return [
        {
            "RouteTableId": item.route_table_id,
            "RouteInstallationStatus": "installed" if item.installed else "rejected",
            "RouteInstallationStatusReason": item.reason,
        }
        for item in server.installations.get(prefix, [])
    ]


def address_row(region: Region, address: LabAddress) -> Row:
    interface = address.eni
    return {
        "PublicIp": address.public_ip,
        "AllocationId": address.allocation_id,
        "AssociationId": address.association_id,
        "Domain": "vpc",
        "InstanceId": address.instance_id or None,
        "NetworkInterfaceId": interface.id if interface else None,
        "NetworkInterfaceOwnerId": interface.owner_id if interface else None,
        "PrivateIpAddress": address.private_ip_address,
        "NetworkBorderGroup": address.border_group or region.name,
        "PublicIpv4Pool": "amazon",
        "Tags": region.tag_set(str(address.allocation_id)),
    }


def interface_row(region: Region, interface: LabInterface) -> Row:
    attachment = interface.attachment
    return {
        "NetworkInterfaceId": interface.id,
        "SubnetId": interface.subnet.id,
        "VpcId": interface.vpc_id,
        "AvailabilityZone": interface.availability_zone,
        "Description": interface.description,
        "OwnerId": interface.owner_id,
        "RequesterId": interface.requester_id if interface.requester_managed else None,
        "RequesterManaged": interface.requester_managed,
        "Status": interface.status,
        "MacAddress": interface.mac_address,
        "InterfaceType": interface.interface_type,
        "SourceDestCheck": interface.source_dest_check,
        "PrivateIpAddress": interface.private_ip_address,
        "PrivateDnsName": generate_dns_from_ip(interface.private_ip_address),
        "PrivateIpAddresses": [
            {
                "PrivateIpAddress": ip,
                "Primary": ip == interface.private_ip_address,
                "PrivateDnsName": generate_dns_from_ip(ip),
                "Association": interface.association_of(ip),
            }
            for ip in interface.private_ips()
        ],
        "Ipv6Addresses": [{"Ipv6Address": ip} for ip in interface.ipv6_addresses],
        "Association": interface.association_of(interface.private_ip_address),
        "Groups": [{"GroupId": group.id, "GroupName": group.name} for group in interface.group_set],
        "Attachment": {
            "AttachmentId": attachment.attachment_id,
            "AttachTime": attachment.attach_time,
            "DeleteOnTermination": bool(attachment.delete_on_termination),
            "DeviceIndex": attachment.device_index,
            "NetworkCardIndex": attachment.network_card_index,
            "InstanceId": attachment.instance_id,
            "InstanceOwnerId": attachment.instance_owner_id,
            "Status": attachment.status,
        }
        if attachment
        else None,
        "TagSet": region.tag_set(interface.id),
    }


_VIEWS: Mapping[str, Callable[[Region], Any]] = {
    "DescribeRouteServers": lambda region: [
        route_server_row(region, server) for server in region.route_servers.values()
    ],
    "DescribeRouteServerEndpoints": lambda region: [
        endpoint_row(region, endpoint) for endpoint in region.endpoints.values()
    ],
    "DescribeRouteServerPeers": lambda region: [peer_row(region, peer) for peer in region.peers.values()],
    "GetRouteServerRoutingDatabase": lambda region: {
        server.id: {"AreRoutesPersisted": persisted(region, server), "Routes": route_rows(region, server)}
        for server in region.route_servers.values()
    },
    "DescribeAddresses": lambda region: [
        address_row(region, address) for address in region.backend.lab_addresses()
    ],
    "DescribeNetworkInterfaces": lambda region: [
        interface_row(region, interface) for interface in region.backend.interfaces()
    ],
}


def persisted(region: Region, server: RouteServer) -> bool:
    """AreRoutesPersisted means one of two things; AWS does not say which
    (docs/aws-facts.md#are-routes-persisted)."""
    in_force = region.lab.behaviour.persisted_means == "in-force"
    return server.persisting if in_force else server.persist.value == "enabled"


def all_views(region: Region) -> dict[str, Any]:
    return {action: view(region) for action, view in _VIEWS.items()}


def view(region: Region, action: str) -> Any:
    """Returns what this read shows now, or, while it lags, showed ``lag_s`` ago
    (docs/aws-facts.md#eventual-consistency).
    """
    lag_s = region.lab.faults.lag_s(action)
    if lag_s > 0:
        past = region.history.at(region.lab.clock.seconds() - lag_s)
        if past is not None:
            return past[action]
    return _VIEWS[action](region)
