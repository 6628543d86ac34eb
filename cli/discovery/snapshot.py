"""Holds what AWS shows of one route server and everything around it, for `discover`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tandem.errors import ConfigurationError
from tandem.model import ElasticIp, NetworkInterface, Peer, RoutingDatabase
from tandem.topology.inventory import RouteServerReading, Subnet

LONGEST_NAME = 40


class UndiscoverableError(ConfigurationError):
    """Nothing exists that a topology could describe; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Holds one reading: `interfaces` of the instances behind the peers, `elastic_ips` that they have."""

    vpc_id: str
    reading: RouteServerReading
    database: RoutingDatabase
    propagated_to: tuple[str, ...] = ()
    subnets: dict[str, Subnet] = field(default_factory=dict)
    interfaces: tuple[NetworkInterface, ...] = ()
    instance_names: dict[str, str] = field(default_factory=dict)
    """The Name tag of each instance that has one."""
    elastic_ips: tuple[ElasticIp, ...] = ()
    public_subnets: frozenset[str] | None = None
    """The subnets whose route table leads to an internet gateway; None if nobody knows."""

    @property
    def route_server_id(self) -> str:
        return self.reading.server.route_server_id


@dataclass(frozen=True, slots=True)
class Device:
    """Holds an appliance with a name, and the sessions that fit one declaration, by endpoint name."""

    name: str
    instance_id: str | None
    peers: dict[str, Peer]
    addresses: frozenset[str]
    """Every next hop that means it."""
    interfaces: tuple[NetworkInterface, ...] = ()


def free_name(wished: Iterable[str], taken: Iterable[str]) -> str:
    """Returns the first wish that nobody has as a name; the last wish with a number if all are taken."""
    used, name = set(taken), ""
    for wish in wished:
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", wish).strip("-_")[:LONGEST_NAME]
        if name and name not in used:
            return name
    numbered = (f"{name[: LONGEST_NAME - 4]}-{number}" for number in range(2, 1000))
    return next(candidate for candidate in numbered if candidate not in used)
