"""What security groups and network ACLs do to a session, where `Behaviour.packet_filters` asks for it
(docs/aws-facts.md#packet-filters)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.ec2.entities import Peer

if TYPE_CHECKING:
    from lab.ec2.interfaces import LabInterface
    from lab.ec2.region import Region

DIALS_FROM = 60000
"""The port of the appliance's own end of BGP."""


@dataclass(frozen=True, slots=True)
class _Way:
    """A packet from one interface to a port of another. An answer is asked of network ACLs alone."""

    protocol: str
    source: str
    target: str
    port: int
    is_answer: bool = False


def closed(region: Region, peer: Peer) -> set[str]:
    """The protocols of this session, bgp and bfd, of which a packet is dropped on its way."""
    by_address = region.interfaces_by_address(peer.vpc_id)
    here, there = by_address.get(peer.address), by_address.get(peer.endpoint_address)
    if here is None or there is None:
        return set()
    return {
        name
        for name, ways in _sessions(peer.address, peer.endpoint_address).items()
        if any(_is_dropped(region, way, by_address[way.source], by_address[way.target]) for way in ways)
    }


def _sessions(here: str, there: str) -> dict[str, list[_Way]]:
    bgp = [_Way("tcp", here, there, 179), _Way("tcp", there, here, DIALS_FROM, is_answer=True)]
    return {"bgp": bgp, "bfd": [_Way("udp", here, there, 3784), _Way("udp", there, here, 3784)]}


def _is_dropped(region: Region, way: _Way, source: LabInterface, target: LabInterface) -> bool:
    if not way.is_answer:
        out = [rule for group in source.group_set for rule in group.egress_rules]
        into = [rule for group in target.group_set for rule in group.ingress_rules]
        if not _allow(region, out, way, way.target, target) or not _allow(
            region, into, way, way.source, source
        ):
            return True
    if source.subnet.id == target.subnet.id:
        return False
    leaves = _acl_allows(region, source.subnet.id, way, way.target, leaving=True)
    return not leaves or not _acl_allows(region, target.subnet.id, way, way.source, leaving=False)


def _allow(region: Region, rules: list[Any], way: _Way, address: str, other: LabInterface) -> bool:
    groups = {group.id for group in other.group_set}
    return any(
        rule.ip_protocol == "-1"
        or (rule.ip_protocol == way.protocol and rule.from_port <= way.port <= rule.to_port)
        for rule in rules
        if rule.source_group.get("GroupId") in groups
        or any(_has(block, address) for block in _blocks(region, rule))
    )


def _blocks(region: Region, rule: Any) -> Iterator[str]:
    yield from (rule.ip_range[kind] for kind in ("CidrIp", "CidrIpv6") if kind in rule.ip_range)
    if rule.prefix_list_id:
        prefixes = region.backend.managed_prefix_lists[rule.prefix_list_id]
        yield from (entry["Cidr"] for entry in prefixes.entries[prefixes.version or 1])


def _acl_allows(region: Region, subnet_id: str, way: _Way, address: str, *, leaving: bool) -> bool:
    acls = region.backend.network_acls.values()
    acl = next(acl for acl in acls if any(a.subnet_id == subnet_id for a in acl.associations))
    number = {"tcp": "6", "udp": "17"}[way.protocol]
    for entry in sorted(acl.network_acl_entries, key=lambda entry: int(entry.rule_number)):
        is_it = str(entry.egress).lower() == str(leaving).lower() and str(entry.protocol) in ("-1", number)
        first, last = entry.port_range_from, entry.port_range_to
        if str(entry.protocol) != "-1" and first is not None and last is not None:
            is_it = is_it and int(first) <= way.port <= int(last)
        if is_it and _has(entry.cidr_block or entry.ipv6_cidr_block or "::/128", address):
            return bool(entry.rule_action == "allow")
    return False


def _has(block: str, address: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(block)
