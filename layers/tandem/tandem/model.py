"""What AWS shows, as plain values: the vocabulary of every rule."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tandem.state.override import Override


class Status(StrEnum):
    """Status of a BGP or BFD session (docs/aws-facts.md#session-status; upper case in SNS and logs, lower in
    the API)."""

    UP = "up"
    DOWN = "down"


class Liveness(StrEnum):
    """How Route Server finds out that a peer is gone (docs/aws-facts.md#liveness)."""

    BFD = "bfd"
    BGP_KEEPALIVE = "bgp-keepalive"


class RouteStatus(StrEnum):
    """Learned, or learned and chosen (docs/aws-facts.md#routing-database)."""

    IN_RIB = "in-rib"
    IN_FIB = "in-fib"


class InstallationStatus(StrEnum):
    """Whether a FIB route is in a route table (docs/aws-facts.md#routing-database)."""

    INSTALLED = "installed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class RouteServer:
    """One DescribeRouteServers entry."""

    route_server_id: str
    state: str
    amazon_side_asn: int
    sns_topic_arn: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    notifies: bool = False
    persist_state: str | None = None
    persist_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """One DescribeRouteServerPeers entry. `bfd` is None where the peer has no BFD, or AWS shows no status."""

    peer_id: str
    endpoint_id: str
    route_server_id: str
    peer_address: str
    state: str
    asn: int
    liveness: Liveness
    bgp: Status
    bfd: Status | None = None
    tags: tuple[tuple[str, str], ...] = ()
    failure_reason: str | None = None


@dataclass(frozen=True, slots=True)
class RouteInstallation:
    """What became of a FIB route in one route table."""

    route_table_id: str
    status: InstallationStatus
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the routing database: what one peer advertised (docs/aws-facts.md#routing-database)."""

    prefix: str
    next_hop: str
    status: RouteStatus
    peer_id: str
    as_path: tuple[str, ...] = ()
    med: int = 0
    installations: tuple[RouteInstallation, ...] = ()


@dataclass(frozen=True, slots=True)
class RoutingDatabase:
    """GetRouteServerRoutingDatabase, all pages. `persisted`'s meaning is undocumented
    (docs/aws-facts.md#are-routes-persisted)."""

    routes: tuple[Route, ...] = ()
    persisted: bool = False
    unread: tuple[str, ...] = ()
    """The rows that cannot be read and are left out, in words."""
    odd: tuple[str, ...] = ()
    """Members that are left out of `routes`, in words."""
    doubts: dict[str, str] = field(default_factory=dict)
    """Prefix to why nobody can tell who owns it: the row that may be in the FIB cannot be read. An empty
    prefix stands for a row that does not say which it is of."""
    incomplete: dict[str, str] = field(default_factory=dict)
    """Prefix to why one of its rows is not read, or not as a whole, in the FIB or not; an empty prefix stands
    for a row that does not say which it is of."""

    def in_fib(self, prefixes: Collection[str]) -> tuple[Route, ...]:
        """Returns the rows of these prefixes that are in the FIB."""
        return tuple(r for r in self.routes if r.prefix in prefixes and r.status is RouteStatus.IN_FIB)

    def next_hops(self, prefixes: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Returns the in-FIB next hops of each prefix, sorted; none for a prefix that is not in the FIB."""
        return {prefix: tuple(sorted({r.next_hop for r in self.in_fib({prefix})})) for prefix in prefixes}


@dataclass(frozen=True, slots=True)
class Holder:
    """Where an Elastic IP is now, as DescribeAddresses says."""

    network_interface_id: str
    private_ip: str
    association_id: str


@dataclass(frozen=True, slots=True)
class ElasticIp:
    """One DescribeAddresses entry."""

    allocation_id: str
    public_ip: str
    holder: Holder | None = None
    tags: tuple[tuple[str, str], ...] = ()
    border_group: str | None = None
    service_managed: str | None = None
    """The AWS service that manages it, if one does (docs/aws-facts.md#service-managed-addresses)."""


@dataclass(frozen=True, slots=True)
class PrivateAddress:
    """One private IPv4 address of an interface and the public address behind it, if any.

    `allocation_id` is None for an auto-assigned public address: AssociateAddress on a primary address
    releases that one for good (docs/aws-facts.md#auto-assigned-addresses).
    """

    private_ip: str
    public_ip: str | None = None
    allocation_id: str | None = None


@dataclass(frozen=True, slots=True)
class NetworkInterface:
    """One DescribeNetworkInterfaces entry; `instance_id` is None while it is not attached."""

    network_interface_id: str
    subnet_id: str
    instance_id: str | None
    attachment: str | None = None
    addresses: tuple[PrivateAddress, ...] = ()
    ipv6: tuple[str, ...] = ()
    source_dest_check: bool | None = False
    """None where AWS does not show it."""
    tags: tuple[tuple[str, str], ...] = ()
    device_index: int | None = None
    """Its place in its instance."""
    owner: str | None = None
    """The account that it belongs to; whoever owns a shared VPC sees the interfaces of others in it."""
    group_ids: tuple[str, ...] | None = None
    """Its security groups; None where they cannot be read."""
    service: str | None = None
    """The AWS service or provider that manages it, if one does (API_NetworkInterface)."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """What AWS's answers were about and nobody can read, each with the reason: unknown, not absent."""

    elastic_ips: dict[str, str] = field(default_factory=dict)
    """By allocation."""
    interfaces: dict[str, str] = field(default_factory=dict)
    instances: dict[str, str] = field(default_factory=dict)
    peers: dict[str, str] = field(default_factory=dict)
    """By the peer's address; an empty one stands for a peer that does not show its own."""

    @property
    def words(self) -> tuple[str, ...]:
        parts = (self.elastic_ips, self.interfaces, self.instances, self.peers)
        return tuple(dict.fromkeys(words for part in parts for words in part.values()))


@dataclass(frozen=True, slots=True)
class Observation:
    """One look's reading of AWS for one topology.

    A mapping that lacks a declared ID means that AWS does not know it (any more), unless `unknown` names it;
    None means that the read failed, with the reason in `failed`. The peers and the addresses are never None,
    and a routing database is None only where there is none to read: without them there is nothing to decide,
    so a read of them that fails raises.
    """

    database: RoutingDatabase | None
    """None for a topology without a route server; `failover.routeserver.route_server_source` tells the two
    apart."""
    peers: tuple[Peer, ...]
    elastic_ips: dict[str, ElasticIp]
    """The declared ones; where the interfaces could not be read, also those of others on the targets."""
    interfaces: dict[str, NetworkInterface] | None
    instance_states: dict[str, str] | None
    overrides: tuple[Override, ...] = ()
    failed: tuple[str, ...] = ()
    """What could not be read of what the topology names."""
    unread: tuple[str, ...] = ()
    """Rows and members that were left out, whatever they are about, in words."""
    unknown: Unknown = Unknown()
    """What was left out of what the topology names."""
