"""Filters of the reads whose rows are ours."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from typing import Any

from lab.ec2.errors import invalid_parameter

Row = Mapping[str, Any]

_ADDRESS_FILTERS = {
    "allocation-id": "AllocationId",
    "association-id": "AssociationId",
    "domain": "Domain",
    "instance-id": "InstanceId",
    "network-border-group": "NetworkBorderGroup",
    "network-interface-id": "NetworkInterfaceId",
    "network-interface-owner-id": "NetworkInterfaceOwnerId",
    "private-ip-address": "PrivateIpAddress",
    "public-ip": "PublicIp",
}
_ASSOCIATION_FILTERS = {
    "allocation-id": "AllocationId",
    "association-id": "AssociationId",
    "ip-owner-id": "IpOwnerId",
    "public-dns-name": "PublicDnsName",
    "public-ip": "PublicIp",
}
_INTERFACE_FILTERS = {
    "addresses.primary": "PrivateIpAddresses.Primary",
    "addresses.private-ip-address": "PrivateIpAddresses.PrivateIpAddress",
    "attachment.attachment-id": "Attachment.AttachmentId",
    "attachment.delete-on-termination": "Attachment.DeleteOnTermination",
    "attachment.device-index": "Attachment.DeviceIndex",
    "attachment.instance-id": "Attachment.InstanceId",
    "attachment.instance-owner-id": "Attachment.InstanceOwnerId",
    "attachment.status": "Attachment.Status",
    "availability-zone": "AvailabilityZone",
    "description": "Description",
    "group-id": "Groups.GroupId",
    "group-name": "Groups.GroupName",
    "interface-type": "InterfaceType",
    "ipv6-addresses.ipv6-address": "Ipv6Addresses.Ipv6Address",
    "mac-address": "MacAddress",
    "network-interface-id": "NetworkInterfaceId",
    "owner-id": "OwnerId",
    "private-dns-name": "PrivateDnsName",
    "private-ip-address": "PrivateIpAddress",
    "requester-id": "RequesterId",
    "requester-managed": "RequesterManaged",
    "source-dest-check": "SourceDestCheck",
    "status": "Status",
    "subnet-id": "SubnetId",
    "vpc-id": "VpcId",
    **{f"association.{name}": f"Association.{member}" for name, member in _ASSOCIATION_FILTERS.items()},
    **{
        f"addresses.association.{name}": f"PrivateIpAddresses.Association.{member}"
        for name, member in _ASSOCIATION_FILTERS.items()
    },
}
# Route Server reads refuse filters by ID; only tags are known to work (docs/aws-facts.md#filters).
FILTERS: Mapping[str, Mapping[str, str]] = {
    "DescribeAddresses": _ADDRESS_FILTERS,
    "DescribeNetworkInterfaces": _INTERFACE_FILTERS,
    "DescribeRouteServers": {},
    "DescribeRouteServerEndpoints": {},
    "DescribeRouteServerPeers": {},
}


def filtered(action: str, rows: Sequence[Row], filters: Mapping[str, Sequence[str]]) -> list[Row]:
    """Rows that meet all filters, each by one of its values, with * and ? (as every EC2 filter)."""
    for name in filters:
        if name not in FILTERS[action] and name != "tag-key" and not name.startswith("tag:"):
            raise invalid_parameter(f"The filter '{name}' is invalid")
    return [
        row
        for row in rows
        if all(_meets(_values(action, row, name), wanted) for name, wanted in filters.items())
    ]


def _meets(values: Sequence[str], wanted: Sequence[str]) -> bool:
    patterns = [pattern.replace("[", "[[]") for pattern in wanted]
    return any(fnmatch.fnmatchcase(value, pattern) for value in values for pattern in patterns)


def _values(action: str, row: Row, name: str) -> list[str]:
    tags = row.get("Tags") or row.get("TagSet") or []
    if name.startswith("tag:"):
        return [tag["Value"] for tag in tags if tag["Key"] == name.removeprefix("tag:")]
    if name == "tag-key":
        return [tag["Key"] for tag in tags]
    found: list[Any] = [row]
    for member in FILTERS[action][name].split("."):
        inner = [item.get(member) for item in found if isinstance(item, Mapping)]
        found = [part for item in inner for part in (item if isinstance(item, list) else [item])]
    return [str(item).lower() if isinstance(item, bool) else str(item) for item in found if item is not None]
