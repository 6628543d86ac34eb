"""What the picture of a topology shows, as plain values: no words, no coordinates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby

from tandem.compliance.rule import RuleSeverity
from tandem.model import Status


@dataclass(frozen=True, slots=True)
class Mark:
    """Stands where something is wrong. The list of findings has the same number."""

    number: int
    severity: RuleSeverity
    is_unknown: bool = False
    """True if nobody can say whether the rule passes."""


@dataclass(frozen=True, slots=True)
class DrawnSession:
    """One BGP session. What could not be read is None."""

    endpoint_id: str
    peer_id: str | None = None
    bgp: Status | None = None
    bfd: Status | None = None
    is_bfd: bool = False
    """True if the peer uses BFD."""
    state: str | None = None
    """As AWS says it; None if there is no such peer, or it could not be read."""


@dataclass(frozen=True, slots=True)
class DrawnElasticIp:
    """An Elastic IP where it is now."""

    allocation_id: str
    public_ip: str | None
    private_ip: str | None = None


@dataclass(frozen=True, slots=True)
class DrawnAppliance:
    """A declared appliance with what it has now."""

    name: str
    asn: int
    instance_id: str | None = None
    instance_state: str | None = None
    owns: tuple[str, ...] = ()
    """Tracked prefixes whose chosen path leads to it."""
    is_silent: bool = False
    sessions: tuple[DrawnSession, ...] = ()
    missing: int = 0
    """Declared sessions of which AWS shows none."""
    elastic_ips: tuple[DrawnElasticIp, ...] = ()
    is_read: bool = True
    """False if nobody knows what it has."""


@dataclass(frozen=True, slots=True)
class DrawnEndpoint:
    """A route server endpoint."""

    endpoint_id: str
    name: str | None = None
    address: str | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class DrawnSubnet:
    """A subnet with what stands in it; its ID is None for what is in a subnet that nobody knows."""

    subnet_id: str | None
    zone: str | None
    prefix: str | None = None
    endpoints: tuple[DrawnEndpoint, ...] = ()
    appliances: tuple[DrawnAppliance, ...] = ()


class Installation(StrEnum):
    """A route table has the route of a tracked prefix, or not."""

    INSTALLED = "installed"
    REJECTED = "rejected"
    MISSING = "missing"
    STATIC = "static"
    """A route that somebody made for the same prefix."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DrawnRoute:
    """One route in a route table."""

    prefix: str
    installation: Installation
    to: str | None = None
    """The owner's name, its next hop, or a static route's target."""


@dataclass(frozen=True, slots=True)
class DrawnRouteTable:
    """A route table into which the route server propagates."""

    table_id: str
    subnets: int | None
    rows: tuple[DrawnRoute, ...]
    is_declared: bool = True


@dataclass(frozen=True, slots=True)
class PictureScene:
    """One topology as AWS shows it, with a mark at everything that is wrong."""

    name: str
    vpc_id: str | None
    route_server_id: str | None
    route_server_state: str | None
    asn: int | None
    subnets: tuple[DrawnSubnet, ...]
    tables: tuple[DrawnRouteTable, ...]
    stray: tuple[tuple[str | None, tuple[DrawnElasticIp, ...]], ...] = ()
    """Elastic IPs that no declared appliance has, by their interface; None: nobody has them."""
    unread: tuple[str, ...] = ()
    """What could not be read, in AWS's words."""
    marks: dict[str, tuple[Mark, ...]] = field(default_factory=dict)
    """By what is drawn: an ID, a name, `table prefix`; an empty text stands for the whole topology."""

    def marked(self, *keys: str | None) -> tuple[Mark, ...]:
        """Returns the marks of several names of one thing, the worst first."""
        found = {mark for key in keys if key for mark in self.marks.get(key, ())}
        return tuple(sorted(found, key=lambda mark: mark.number))

    @property
    def elastic_ips(self) -> int:
        """How many there are."""
        on = sum(len(a.elastic_ips) for subnet in self.subnets for a in subnet.appliances)
        return on + sum(len(addresses) for _, addresses in self.stray)


def subnets_by_zone(subnets: Iterable[DrawnSubnet]) -> list[tuple[str | None, list[DrawnSubnet]]]:
    """Groups subnets, which are in the order of their zones."""
    return [(zone, list(found)) for zone, found in groupby(subnets, key=lambda subnet: subnet.zone)]
