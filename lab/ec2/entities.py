"""The Route Server resources and the appliances that speak to them. State, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from lab.ec2.best_path import Path
from lab.ec2.clock import Event


class State(StrEnum):
    """States of route servers, endpoints, peers, associations and propagations (docs/aws-facts.md#states)."""

    PENDING = "pending"
    AVAILABLE = "available"
    MODIFYING = "modifying"
    DELETING = "deleting"
    DELETED = "deleted"
    FAILED = "failed"
    DELETE_FAILED = "delete-failed"
    ASSOCIATING = "associating"
    ASSOCIATED = "associated"
    DISASSOCIATING = "disassociating"


class PersistState(StrEnum):
    ENABLING = "enabling"
    ENABLED = "enabled"
    RESETTING = "resetting"
    DISABLING = "disabling"
    DISABLED = "disabled"
    MODIFYING = "modifying"


class Liveness(StrEnum):
    BFD = "bfd"
    KEEPALIVE = "bgp-keepalive"


@dataclass(frozen=True, slots=True)
class Installation:
    """Says how a FIB route fared in one route table; ``reason`` is set when rejected."""

    route_table_id: str
    installed: bool
    reason: str | None = None


@dataclass(slots=True)
class Deletable:
    """``blocks`` stays true for a while after ``deleted``: the parent sees the child longer than describes do
    (docs/aws-facts.md#optimistic-describes)."""

    id: str
    state: State = field(default=State.PENDING, kw_only=True)
    blocks: bool = field(default=True, kw_only=True)
    failure_reason: str | None = field(default=None, kw_only=True)


@dataclass(slots=True)
class RouteServer(Deletable):
    asn: int
    sns: bool = False
    topic_arn: str | None = None
    persist: PersistState = PersistState.DISABLED
    persist_minutes: int | None = None
    vpc_id: str | None = None
    association: State | None = None
    propagations: dict[str, State] = field(default_factory=dict)  # by route table
    fib: dict[str, Path] = field(default_factory=dict)  # by prefix
    installations: dict[str, list[Installation]] = field(default_factory=dict)  # by prefix
    # routes are held although, or shortly after, all sessions ended (docs/aws-facts.md#persistence)
    persisting: bool = False
    stale: set[tuple[str, str]] = field(default_factory=set)  # (peer, prefix) held, not relearned yet
    unpersist: Event | None = None
    convergence: Event | None = None


@dataclass(slots=True)
class Endpoint(Deletable):
    route_server_id: str
    subnet_id: str
    vpc_id: str
    eni_id: str
    address: str
    maintenances: int = 0  # under way


@dataclass(slots=True)
class Peer(Deletable):
    endpoint_id: str
    route_server_id: str
    subnet_id: str
    vpc_id: str
    endpoint_eni_id: str
    endpoint_address: str
    address: str
    asn: int
    liveness: Liveness
    bgp: bool = False
    bfd: bool = False
    rib: dict[str, Path] = field(default_factory=dict)  # what it advertised, by prefix
    withheld: bool = False  # BFD went down beside BGP: what it advertised is not in the RIB
    held_down: set[str] = field(default_factory=set)  # "bgp", "bfd": by a lever
    dialing: Event | None = None
    silence: Event | None = None  # fires when the silence of a dead appliance is noticed

    @property
    def paths(self) -> dict[str, Path]:
        """Its part of the route server's RIB."""
        return {} if self.withheld else self.rib


@dataclass(frozen=True, slots=True)
class Route:
    """Holds what an appliance advertises. ``next_hop`` None: the address that it speaks from, per peer.
    ``toward`` has, by route server, the AS paths that differ there, as policies per neighbour make them.
    """

    prefix: str
    as_path: tuple[str, ...]
    med: int = 0
    next_hop: str | None = None
    toward: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(slots=True)
class Appliance:
    """A BGP speaker on an instance. It can speak while it is alive and its instance runs."""

    name: str
    instance_id: str
    asn: int
    routes: dict[str, Route]
    bfd: bool = True
    alive: bool = True
