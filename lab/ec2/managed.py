"""Requester-managed interfaces: an endpoint's is in the account, but not the account's to change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lab.ec2.errors import fail

if TYPE_CHECKING:
    from lab.ec2.region import Region

# The list of https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/requester-managed-eni.html; tags may change.
_CHANGES = {
    "AssignIpv6Addresses",
    "AssignPrivateIpAddresses",
    "AssociateAddress",
    "AttachNetworkInterface",
    "ModifyNetworkInterfaceAttribute",
    "RunInstances",
    "UnassignIpv6Addresses",
    "UnassignPrivateIpAddresses",
}


def refuse(region: Region, action: str, params: Mapping[str, Any]) -> None:
    """Raises if the action would change an interface that a service manages."""
    if action not in _CHANGES:
        return
    for interface_id in _named(params):
        interface = region.backend.enis.get(interface_id)
        if interface is not None and interface.requester_managed:
            raise fail(
                region.lab.behaviour.managed_interface_code,
                "You do not have permission to access the specified resource.",
            )


def _named(params: Mapping[str, Any]) -> Iterator[str]:
    for described in (params, *(params.get("NetworkInterfaces") or [])):
        if described.get("NetworkInterfaceId"):
            yield str(described["NetworkInterfaceId"])
