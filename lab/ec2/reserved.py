"""Refuses changes to what AWS itself owns: the interfaces of endpoints, tags that begin with ``aws:``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lab.ec2.authorizer import request_tags
from lab.ec2.errors import fail, invalid_parameter

if TYPE_CHECKING:
    from lab.ec2.region import Region

TAG_PREFIX = "aws:"

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
    """Raises if the action would change an interface that a service manages, or a tag that AWS gives."""
    _refuse_tags(params)
    if action in _CHANGES:
        for interface_id in _named(params):
            refuse_interface(region, interface_id)


def refuse_interface(region: Region, interface_id: str) -> None:
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


def _refuse_tags(params: Mapping[str, Any]) -> None:
    """Nobody else gives, changes or deletes them
    (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions). Code and words are
    those that https://github.com/kubernetes-sigs/cluster-api-provider-aws/pull/5461 met."""
    for key in request_tags(params):
        if key.startswith(TAG_PREFIX):
            raise invalid_parameter(
                f"Value ( {key} ) for parameter key is invalid. Tag keys starting with '{TAG_PREFIX}' are "
                "reserved for internal use"
            )
