"""Describes who may do what: the hook through which the lab applies the deployed roles to EC2 calls."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, get_prefix

if TYPE_CHECKING:
    from lab.ec2.region import Region

Resource = tuple[str, Mapping[str, str]]  # ARN, tags it has now


class Authorizer(Protocol):
    def allow(
        self,
        access_key_id: str,
        action: str,
        resources: Sequence[Resource],
        request_tags: Mapping[str, str],
        keys: Mapping[str, str],
    ) -> str | None:
        """None when allowed, else the reason in words. ``action`` is like ``ec2:AssociateAddress``;
        ``keys`` are condition keys of the request itself: ``ec2:CreateAction`` where tags are put on during a
        creation, ``ec2:Attribute`` where an attribute is modified, ``ec2:AuthorizedUser`` where an account
        gets an interface."""

    def identity(self, access_key_id: str) -> Mapping[str, Any]:
        """The caller as CloudTrail names it: userIdentity of an event."""


class AllowAll:
    def allow(
        self,
        access_key_id: str,
        action: str,
        resources: Sequence[Resource],
        request_tags: Mapping[str, str],
        keys: Mapping[str, str],
    ) -> str | None:
        del access_key_id, action, resources, request_tags, keys
        return None

    def identity(self, access_key_id: str) -> Mapping[str, Any]:
        """Every access key is a user's of that name."""
        return user(access_key_id)


def user(name: str) -> Mapping[str, Any]:
    """An IAM user as CloudTrail names it."""
    return {"type": "IAMUser", "arn": f"arn:aws:iam::{DEFAULT_ACCOUNT_ID}:user/{name}", "userName": name}


def role_session(role: str, session: str) -> Mapping[str, Any]:
    """A session of a role as CloudTrail names it; a function's session has the function's name."""
    issuer = {"type": "Role", "arn": f"arn:aws:iam::{DEFAULT_ACCOUNT_ID}:role/{role}", "userName": role}
    return {
        "type": "AssumedRole",
        "arn": f"arn:aws:sts::{DEFAULT_ACCOUNT_ID}:assumed-role/{role}/{session}",
        "sessionContext": {"sessionIssuer": issuer},
    }


@dataclass(frozen=True, slots=True)
class Question:
    """One permission that a request needs."""

    action: str
    resources: tuple[Resource, ...]
    request_tags: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)


_ID = re.compile(r"^[a-z][a-z-]*-[0-9a-f]{8,17}$")
_READS = ("Describe", "Get", "List", "Search")
_ARN_TYPES = {"vpc-elastic-ip": "elastic-ip"}
# What a creation makes, by the resource type of its ARN.
_CREATED = {
    "CreateRouteServer": "route-server",
    "CreateRouteServerEndpoint": "route-server-endpoint",
    "CreateRouteServerPeer": "route-server-peer",
    "AllocateAddress": "elastic-ip",
    "CreateNetworkInterface": "network-interface",
    "CreateRouteTable": "route-table",
    "CreateSubnet": "subnet",
    "CreateVpc": "vpc",
    "CreateInternetGateway": "internet-gateway",
    "CreateSecurityGroup": "security-group",
    "RunInstances": "instance",
}
# The service acts with the caller's identity (docs/aws-facts.md#caller-rights).
_ENDPOINT_CREATION = (
    ("ec2:CreateNetworkInterface", "network-interface/*"),
    ("ec2:CreateNetworkInterface", "subnet"),
    ("ec2:CreateNetworkInterfacePermission", "network-interface/*"),
    ("ec2:CreateSecurityGroup", "security-group/*"),
    ("ec2:DescribeSecurityGroups", "*"),
    ("ec2:AuthorizeSecurityGroupIngress", "security-group/*"),
    ("ec2:CreateTags", "network-interface/*"),
    ("ec2:DeleteTags", "network-interface/*"),
)
_ENDPOINT_DELETION = (
    ("ec2:DeleteNetworkInterface", "network-interface/*"),
    ("ec2:DeleteSecurityGroup", "security-group/*"),
    ("ec2:RevokeSecurityGroupIngress", "security-group/*"),
    ("ec2:CreateTags", "network-interface/*"),
    ("ec2:DeleteTags", "network-interface/*"),
)
_DEPENDENT: Mapping[str, tuple[tuple[str, str], ...]] = {
    "CreateRouteServerEndpoint": _ENDPOINT_CREATION,
    "DeleteRouteServerEndpoint": _ENDPOINT_DELETION,
    "CreateRouteServerPeer": (("ec2:AuthorizeSecurityGroupIngress", "security-group/*"),),
    "DeleteRouteServerPeer": (("ec2:RevokeSecurityGroupIngress", "security-group/*"),),
}


def mutates(action: str) -> bool:
    return not action.startswith(_READS)


def questions(region: Region, action: str, params: Mapping[str, Any]) -> list[Question]:
    """All permissions that a mutating call needs: its own with the named resources, tagging, and the
    dependent ones."""
    named = tuple(dict.fromkeys(_named(region, action, params)))
    created = _CREATED.get(action)
    tags = request_tags(params)
    resources = [(arn, region.tags(resource_id)) for resource_id, arn in named]
    if created:
        resources.append((region.arn(created, "*"), {}))
    asked = [Question(f"ec2:{action}", tuple(resources) or (("*", {}),), tags, _keys(action, params))]
    if tags and action not in {"CreateTags", "DeleteTags"}:
        target = region.arn(created, "*") if created else "*"
        asked.append(Question("ec2:CreateTags", ((target, {}),), tags, {"ec2:CreateAction": action}))
    for dependent, target in _DEPENDENT.get(action, ()):
        asked.append(Question(dependent, (_target(region, target, params),)))
    return [*asked, *_topic_questions(region, action, params)]


def _target(region: Region, target: str, params: Mapping[str, Any]) -> Resource:
    """The resource of a dependent permission: something new, or the subnet that the call names."""
    if target == "subnet":
        subnet_id = str(params.get("SubnetId"))
        return region.arn("subnet", subnet_id), region.tags(subnet_id)
    return (target if target == "*" else region.arn(*target.split("/", 1))), {}


def _keys(action: str, params: Mapping[str, Any]) -> dict[str, str]:
    """The attribute that the call modifies, of which EC2 takes one at a time, or whom it gives rights."""
    if action == "CreateNetworkInterfacePermission" and params.get("AwsAccountId"):
        return {"ec2:AuthorizedUser": f"arn:aws:iam::{params['AwsAccountId']}:root"}
    if not (action.startswith("Modify") and action.endswith("Attribute")):
        return {}
    named = [name for name in params if not name.endswith("Id") and name != "DryRun"]
    return {f"ec2:Attribute/{named[0]}": _value(params[named[0]])} if named else {}


def _value(given: object) -> str:
    """A value as IAM compares it; of one that is no plain one its name alone is known."""
    value = given.get("Value") if isinstance(given, Mapping) else given
    return str(value).lower() if isinstance(value, bool) else str(value)


def _topic_questions(region: Region, action: str, params: Mapping[str, Any]) -> Iterator[Question]:
    """CreateTopic and DeleteTopic, where notifications come or go (docs/aws-facts.md#caller-rights)."""
    wanted = params.get("SnsNotificationsEnabled")
    server = region.route_servers.get(str(params.get("RouteServerId")))
    has_topic = bool(server and server.sns)
    topics: tuple[Resource, ...] = ((f"arn:aws:sns:{region.name}:{region.account}:*", {}),)
    if (action == "CreateRouteServer" and wanted) or (
        action == "ModifyRouteServer" and wanted is True and not has_topic
    ):
        yield Question("sns:CreateTopic", topics)
    if has_topic and (action == "DeleteRouteServer" or (action == "ModifyRouteServer" and wanted is False)):
        yield Question("sns:DeleteTopic", topics)


def _named(region: Region, action: str, params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    by_public_ip = {address.public_ip: address.id for address in region.backend.addresses if address.id}
    for text in _strings(params):
        if action == "DisassociateAddress" and text.startswith("eipassoc-"):
            for address in region.backend.addresses:
                if address.association_id == text and address.id:
                    yield address.id, region.arn("elastic-ip", address.id)
                    if address.network_interface_id:
                        eni = address.network_interface_id
                        yield eni, region.arn("network-interface", eni)
        elif address_id := by_public_ip.get(text):
            yield address_id, region.arn("elastic-ip", address_id)
        elif _ID.match(text):
            kind = EC2_PREFIX_TO_RESOURCE.get(get_prefix(text))
            if kind:
                yield text, region.arn(_ARN_TYPES.get(kind, kind), text)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key not in {"Tags", "TagSpecifications", "ClientToken"}:
                yield from _strings(inner)
    elif isinstance(value, Iterable):
        for inner in value:
            yield from _strings(inner)


def request_tags(params: Mapping[str, Any]) -> dict[str, str]:
    """The tags that a request names, for what is there or for what it makes."""
    specifications = params.get("TagSpecifications") or []
    tags = [*(params.get("Tags") or []), *(tag for spec in specifications for tag in spec.get("Tags", []))]
    return {tag["Key"]: tag.get("Value") or "" for tag in tags}
