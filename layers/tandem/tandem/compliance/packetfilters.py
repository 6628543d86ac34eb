"""Security groups and network ACLs: what they let pass between two interfaces. Pure.

A security group remembers connections: it is asked about the first packet of each only. A network ACL is not,
so both ways are asked of it (docs/aws-facts.md#packet-filters).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address, ip_network
from itertools import pairwise

from tandem.model import NetworkInterface
from tandem.topology.inventory import Subnet

ANY = "any"
"""All protocols; AWS writes -1."""

PROTOCOLS = {"-1": ANY, "6": "tcp", "17": "udp"}
"""Numbers to the names that are used here; any other protocol is of no interest."""

PORTS = (0, 65535)


class Passage(StrEnum):
    """A packet filter lets a flow pass, or not, or nobody can say."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Permission:
    """One permission of a security group. It names prefixes, prefix lists, and groups."""

    protocol: str
    ports: tuple[int, int] = PORTS
    prefixes: tuple[str, ...] = ()
    prefix_lists: tuple[str, ...] = ()
    group_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    """One DescribeSecurityGroups entry."""

    group_id: str
    inbound: tuple[Permission, ...] = ()
    outbound: tuple[Permission, ...] = ()


@dataclass(frozen=True, slots=True)
class AclRule:
    """One rule of a network ACL."""

    number: int
    outbound: bool
    allows: bool
    protocol: str
    prefix: str
    ports: tuple[int, int] = PORTS


@dataclass(frozen=True, slots=True)
class NetworkAcl:
    """One DescribeNetworkAcls entry."""

    acl_id: str
    subnet_ids: tuple[str, ...] = ()
    rules: tuple[AclRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Filters:
    """The packet filters around a topology's sessions, and what they are on."""

    interfaces: tuple[NetworkInterface, ...] = ()
    """Those of the endpoints, and those at the peers' addresses."""
    subnets: tuple[Subnet, ...] = ()
    """All of the VPC: a peer's address may be on no interface."""
    groups: dict[str, SecurityGroup] = field(default_factory=dict)
    acls: tuple[NetworkAcl, ...] = ()
    prefix_lists: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    """Group or prefix list to why nobody can read what AWS shows of it."""
    interface_doubt: str | None = None
    """Why an interface cannot be read, whichever it is."""
    subnet_doubt: str | None = None
    acl_doubt: str | None = None

    def why(self, id_: str) -> str:
        return self.unknown.get(id_) or f"EC2 does not show {id_}"

    def interface_at(self, address: str) -> NetworkInterface | None:
        return next((i for i in self.interfaces if any(a.private_ip == address for a in i.addresses)), None)

    def subnet_of(self, address: str) -> str | None:
        """Returns the subnet of an address by its interface, or by the subnets' blocks where it has none."""
        interface = self.interface_at(address)
        if interface is not None:
            return interface.subnet_id or None
        return next((subnet.subnet_id for subnet in self.subnets if subnet.has(address)), None)

    def acl_of(self, subnet_id: str) -> NetworkAcl | None:
        return next((acl for acl in self.acls if subnet_id in acl.subnet_ids), None)


@dataclass(frozen=True, slots=True)
class Flow:
    """Packets from one address to ports of another."""

    protocol: str
    source: str
    destination: str
    ports: tuple[int, int]

    @property
    def words(self) -> str:
        first, last = self.ports
        return f"{self.protocol.upper()} {first}" + (f"-{last}" if last != first else "")


def through_groups(
    groups: Iterable[SecurityGroup],
    flow: Flow,
    *,
    outbound: bool,
    other_groups: Iterable[str],
    prefix_lists: Mapping[str, tuple[str, ...]],
) -> Passage:
    """Judges the groups of one interface: any permission of any group opens it.

    `other_groups` are those of the interface at the other end. UNKNOWN where nothing opens it but a prefix
    list that cannot be read might.
    """
    other = flow.destination if outbound else flow.source
    others, is_unknown = frozenset(other_groups), False
    for group in groups:
        for permission in group.outbound if outbound else group.inbound:
            if not _covers(permission.protocol, permission.ports, flow):
                continue
            lists = [prefix_lists.get(id_) for id_ in permission.prefix_lists]
            prefixes = [*permission.prefixes, *(p for found in lists for p in found or ())]
            if any(_has(p, other) for p in prefixes) or others & set(permission.group_ids):
                return Passage.OPEN
            is_unknown = is_unknown or None in lists
    return Passage.UNKNOWN if is_unknown else Passage.CLOSED


def _covers(protocol: str, ports: tuple[int, int], flow: Flow) -> bool:
    if protocol == ANY:
        return True
    return protocol == flow.protocol and ports[0] <= flow.ports[0] and flow.ports[1] <= ports[1]


def through_acl(acl: NetworkAcl, flow: Flow, *, outbound: bool) -> AclRule | None:
    """Returns the rule that stops the flow, or a part of its ports; None where all of it passes.

    The lowest number that matches decides, whatever comes after it. What no rule matches is denied; the rule
    in which AWS says so is the last of every network ACL, and need not be there.
    """
    matching = _matching(acl, flow, outbound=outbound)
    for port in _edges(matching, flow.ports):
        decides = next((r for r in matching if _is_in(port, r)), None)
        if decides is None:
            return AclRule(number=LAST, outbound=outbound, allows=False, protocol=ANY, prefix="*")
        if not decides.allows:
            return decides
    return None


def open_ports(acl: NetworkAcl, flow: Flow, *, outbound: bool) -> tuple[tuple[int, int], ...]:
    """Returns the first and the last port of each part of the flow's ports that passes, in their order."""
    matching = _matching(acl, flow, outbound=outbound)
    found: list[tuple[int, int]] = []
    for port, after in pairwise((*_edges(matching, flow.ports), flow.ports[1] + 1)):
        decides = next((r for r in matching if _is_in(port, r)), None)
        if decides is None or not decides.allows:
            continue
        begins = found.pop()[0] if found and found[-1][1] == port - 1 else port
        found.append((begins, after - 1))
    return tuple(found)


def _matching(acl: NetworkAcl, flow: Flow, *, outbound: bool) -> list[AclRule]:
    """Returns the rules that say something of the flow, the lowest number first."""
    other = flow.destination if outbound else flow.source
    rules = sorted((r for r in acl.rules if r.outbound is outbound), key=lambda rule: rule.number)
    return [r for r in rules if r.protocol in (ANY, flow.protocol) and _has(r.prefix, other)]


LAST = 32767
"""The number with which EC2 shows the rule that denies the rest."""


def _edges(rules: Iterable[AclRule], ports: tuple[int, int]) -> Iterator[int]:
    """Yields the first port, and each at which another rule may begin to decide."""
    first, last = ports
    begins = {port for rule in rules for port in (rule.ports[0], rule.ports[1] + 1)}
    yield first
    yield from sorted(port for port in begins if first < port <= last)


def _is_in(port: int, rule: AclRule) -> bool:
    return rule.protocol == ANY or rule.ports[0] <= port <= rule.ports[1]


def _has(prefix: str, address: str) -> bool:
    """An address of one family is in no prefix of the other."""
    return ip_address(address) in ip_network(prefix)
