"""Holds what the account has around a topology, read once: what the third pass of cross-checks judges."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address, ip_network

from tandem.errors import ConfigurationError
from tandem.model import ElasticIp, NetworkInterface, Peer, RouteServer
from tandem.place import Place
from tandem.reasons.documents import ProblemCode
from tandem.topology.problems import Problem, problem_at

ADVERTISED, MADE = "Advertisement", "CreateRoute"
"""Origins of a route that a route server wrote, and of one that somebody made
(https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html)."""

LOCAL = "CreateRouteTable"
"""The origin of a route that came with the table: a local one."""

BY_GATEWAY = "EnableVgwRoutePropagation"
"""The origin of a route that a virtual private gateway propagates."""

PREFIX_LIST = "pl-"
"""How the ID of a prefix list begins."""


class RegionWithoutRouteServerError(ConfigurationError):
    """The Region has no Route Server (docs/aws-facts.md#regions)."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Holds one DescribeRouteServerEndpoints entry."""

    endpoint_id: str
    route_server_id: str
    subnet_id: str
    state: str
    address: str | None = None
    """What the appliance dials; known when the endpoint is available (docs/aws-facts.md#who-dials)."""
    tags: tuple[tuple[str, str], ...] = ()
    failure_reason: str | None = None
    interface_id: str | None = None


@dataclass(frozen=True, slots=True)
class Subnet:
    """Holds one DescribeSubnets entry."""

    subnet_id: str
    vpc_id: str
    prefix: str | None = None
    """Its IPv4 block; None where it has none, being for IPv6 only."""
    border_group: str | None = None
    """The network border group of its zone."""
    zone: str = ""

    def has(self, address: str) -> bool:
        return self.prefix is not None and ip_address(address) in ip_network(self.prefix)

    def offset(self, address: str) -> int | None:
        """Returns how far into the subnet's IPv4 block an address is; None where it has no such block."""
        if self.prefix is None:
            return None
        return int(ip_address(address)) - int(ip_network(self.prefix).network_address)


@dataclass(frozen=True, slots=True)
class TableRoute:
    """One route of a DescribeRouteTables entry."""

    destination: str
    """A prefix, or the ID of a prefix list."""
    target: str
    """The gateway's or interface's ID; empty where the route shows none that is known."""
    state: str
    """`active`, `blackhole`, or what AWS adds; empty where it shows none."""
    origin: str
    """`Advertisement` for what a route server wrote (docs/aws-facts.md#advertised-routes), `CreateRoute` for
    what somebody made, or another one of API_Route; empty where AWS shows none."""
    firewall: str | None = None
    """The ARN of an internet gateway firewall on this route."""


@dataclass(frozen=True, slots=True)
class RouteTable:
    """Holds one DescribeRouteTables entry: what it is associated with."""

    route_table_id: str
    vpc_id: str
    main: bool = False
    subnet_ids: tuple[str, ...] = ()
    gateway_ids: tuple[str, ...] = ()
    ipv4_routes: int = 0
    """Those that no route server wrote."""
    ipv6_routes: int = 0
    static_routes: tuple[tuple[str, str], ...] = ()
    """Destination and target of each route that somebody made."""
    leads_to_internet: bool = False
    """Whether a route of it leads to an internet gateway that is there."""
    routes: tuple[TableRoute, ...] = ()
    """Every route that can be read, in AWS's order."""


@dataclass(frozen=True, slots=True)
class RouteServerReading:
    """Holds a route server with its endpoints and peers: pending ones count, tombstones do not
    (docs/aws-facts.md#pending-peers).
    """

    server: RouteServer
    endpoints: tuple[Endpoint, ...] = ()
    peers: tuple[Peer, ...] = ()
    broken: tuple[Endpoint, ...] = ()
    """Endpoints that AWS shows in another state, and not on their way out: failed ones."""
    gone_peers: tuple[str, ...] = field(default=(), compare=False)
    """IDs of peers that AWS lists as deleted or failed."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """Holds one reading of AWS for the third pass. An ID that a mapping lacks is not known there, unless
    `unknown` names it.
    """

    place: Place
    stack: str
    reading: RouteServerReading | None
    route_server_ids: tuple[str, ...] = ()
    """Every route server of the account and Region."""
    vpc_ids: tuple[str, ...] = ()
    """The VPCs that the route server is associated with."""
    vpc_prefixes: tuple[str, ...] = ()
    vpc_route_servers: tuple[RouteServer, ...] = ()
    """Those of the VPC in which a managed topology that names none would get one."""
    propagated_to: tuple[str, ...] = ()
    """The route tables that the route server propagates to now."""
    route_tables: dict[str, RouteTable] = field(default_factory=dict)
    subnets: dict[str, Subnet] = field(default_factory=dict)
    interfaces: dict[str, NetworkInterface] = field(default_factory=dict)
    instance_states: dict[str, str] = field(default_factory=dict)
    elastic_ips: dict[str, ElasticIp] = field(default_factory=dict)
    consents: dict[str, str | None] = field(default_factory=dict)
    """The owner's tag on each VPC, subnet and route table that a managed route server enters, or None."""
    unknown: dict[str, str] = field(default_factory=dict)
    """ID to why nobody can read what AWS shows of it: it is unknown, and not absent."""
    incomplete: dict[str, str] = field(default_factory=dict)
    """ID to which member of what AWS shows of it nobody can read."""

    def unreadable(self, where: str, id_: str) -> Problem:
        """The problem that nobody can read what AWS shows of a declared ID."""
        return problem_at(where, ProblemCode.UNREADABLE, id_, why=self.unknown[id_])

    def interfaces_of(self, instance_id: str | None) -> tuple[NetworkInterface, ...]:
        return tuple(i for i in self.interfaces.values() if instance_id and i.instance_id == instance_id)

    def has_lost(self, instance_id: str | None) -> bool:
        """True if the instance does not exist any more, or is listed as terminated."""
        if instance_id is None or instance_id in self.unknown:
            return False
        return self.instance_states.get(instance_id) in (None, "terminated")

    def interface_with(self, address: str) -> NetworkInterface | None:
        return next((i for i in self.interfaces.values() if _has(i, address)), None)

    def route_table_of(self, subnet_id: str) -> RouteTable | None:
        """Returns the subnet's own route table, else the main one of its VPC."""
        own = next((table for table in self.route_tables.values() if subnet_id in table.subnet_ids), None)
        subnet = self.subnets.get(subnet_id)
        mains = (t for t in self.route_tables.values() if t.main and subnet and t.vpc_id == subnet.vpc_id)
        return own or next(mains, None)


def _has(interface: NetworkInterface, address: str) -> bool:
    if isinstance(ip_address(address), IPv4Address):
        return any(own.private_ip == address for own in interface.addresses)
    return address in interface.ipv6
