"""Reads the rows of EC2 about packet filters: security groups, network ACLs, prefix lists."""

from __future__ import annotations

from collections.abc import Iterator

from tandem.adapters.rows import Kind, Odd, Row, flag, has, number, part, parts, prefix_of, text
from tandem.compliance.packetfilters import (
    ANY,
    PORTS,
    PROTOCOLS,
    AclRule,
    NetworkAcl,
    Permission,
    SecurityGroup,
)

ACTIONS = {"allow": True, "deny": False}


def _group(row: Row, odd: Odd) -> SecurityGroup:
    return SecurityGroup(
        text(row, "GroupId"),
        inbound=tuple(_permission(found) for found in parts(row, "IpPermissions")),
        outbound=tuple(_permission(found) for found in parts(row, "IpPermissionsEgress")),
    )


def _permission(row: Row) -> Permission:
    """FromPort and ToPort say nothing of all protocols, nor of those that have no ports."""
    protocol = _protocol(text(row, "IpProtocol"))
    return Permission(
        protocol,
        (number(row, "FromPort"), number(row, "ToPort")) if protocol in ("tcp", "udp") else PORTS,
        prefixes=(
            *(prefix_of(found, "CidrIp") for found in parts(row, "IpRanges")),
            *(prefix_of(found, "CidrIpv6") for found in parts(row, "Ipv6Ranges")),
        ),
        prefix_lists=tuple(text(found, "PrefixListId") for found in parts(row, "PrefixListIds")),
        group_ids=tuple(_group_ids(row)),
    )


def _group_ids(row: Row) -> Iterator[str]:
    """A group of a peered VPC may be gone, and AWS then shows what is left of it: no group is meant."""
    for pair in parts(row, "UserIdGroupPairs"):
        if has(pair, "GroupId"):
            yield text(pair, "GroupId")


def _protocol(value: str) -> str:
    return PROTOCOLS.get(value, value.lower())


def _acl(row: Row, odd: Odd) -> NetworkAcl:
    return NetworkAcl(
        text(row, "NetworkAclId"),
        subnet_ids=tuple(text(found, "SubnetId") for found in parts(row, "Associations")),
        rules=tuple(_rule(found) for found in parts(row, "Entries")),
    )


def _rule(row: Row) -> AclRule:
    """An action that is neither allow nor deny is a KeyError, and the whole network ACL is unread."""
    protocol = _protocol(text(row, "Protocol"))
    ports = PORTS
    if protocol != ANY and has(row, "PortRange"):
        between = part(row, "PortRange")
        ports = number(between, "From"), number(between, "To")
    return AclRule(
        number=number(row, "RuleNumber"),
        outbound=flag(row, "Egress"),
        allows=ACTIONS[text(row, "RuleAction")],
        protocol=protocol,
        prefix=prefix_of(row, "CidrBlock" if has(row, "CidrBlock") else "Ipv6CidrBlock"),
        ports=ports,
    )


def _entry(row: Row, odd: Odd) -> str:
    return prefix_of(row, "Cidr")


GROUP = Kind("the security group", "GroupId", _group)
ACL = Kind("the network ACL", "NetworkAclId", _acl)
ENTRY = Kind("the entry", "Cidr", _entry)
