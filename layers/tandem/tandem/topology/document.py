"""The topology: what a user declares. Parsed from a document that validation has accepted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import Any

from tandem.model import Holder, Liveness


class Mode(StrEnum):
    """Says what is done with a decision: `dry-run` notifies; `enforce` also moves."""

    DRY_RUN = "dry-run"
    ENFORCE = "enforce"


class Standby(StrEnum):
    """Says if an appliance speaks BGP while it is the passive one. No decision depends on it."""

    SPEAKING = "speaking"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class RouteServerSpec:
    """Holds the `route_server` part of the document."""

    route_server_id: str | None
    vpc_id: str | None = None
    amazon_side_asn: int | None = None
    persist_minutes: int | None = None
    sns_notifications: bool = True
    peer_logs: bool = True
    endpoints: tuple[tuple[str, str], ...] = ()
    propagate_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Appliance:
    """Holds a firewall or router. `peers` maps an endpoint's name to the appliance's address there."""

    name: str
    instance_id: str | None
    asn: int
    liveness: Liveness
    peers: tuple[tuple[str, str], ...]
    next_hops: tuple[str, ...] = ()
    allowed_prefixes: tuple[str, ...] | None = None
    standby: Standby = Standby.SPEAKING

    @property
    def peer_addresses(self) -> frozenset[str]:
        return frozenset(address for _, address in self.peers)


@dataclass(frozen=True, slots=True)
class Target:
    """Says where one Elastic IP belongs while one appliance owns the route."""

    network_interface_id: str
    private_ip: str

    def has(self, holder: Holder | None) -> bool:
        """Returns True if the holder of an Elastic IP is here."""
        place = (self.network_interface_id, self.private_ip)
        return holder is not None and (holder.network_interface_id, holder.private_ip) == place


@dataclass(frozen=True, slots=True)
class ElasticIpSpec:
    """Holds an Elastic IP and its target for each appliance, by the appliance's name."""

    allocation_id: str
    targets: dict[str, Target]


@dataclass(frozen=True, slots=True)
class Group:
    """Tracked prefixes and the Elastic IPs that follow them, in order of priority."""

    name: str
    prefixes: tuple[str, ...]
    elastic_ips: tuple[ElasticIpSpec, ...] = ()
    rto_seconds: int | None = None
    """How long its traffic may stay away when the active appliance dies; only compliance goes by it."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """A person accepts what a compliance rule finds for a resource, for a reason and until a day."""

    rule: str
    resource: str
    why: str
    until: date
    """The last day, UTC, on which it holds."""

    def holds(self, at: datetime) -> bool:
        return at.date() <= self.until


@dataclass(frozen=True, slots=True)
class Topology:
    """Holds one route server, its appliances and groups."""

    name: str
    mode: Mode
    manage: bool
    route_server: RouteServerSpec
    appliances: dict[str, Appliance]
    groups: tuple[Group, ...]
    tags: tuple[tuple[str, str], ...] = ()
    """For what Tandem manages, beside its own."""
    waivers: tuple[Waiver, ...] = ()
    version: int = 0
    """Counts what was stored; a decision names the version that it was made from."""
    document: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def allocation_ids(self) -> tuple[str, ...]:
        return tuple(address.allocation_id for group in self.groups for address in group.elastic_ips)

    @property
    def instance_ids(self) -> tuple[str, ...]:
        return tuple(a.instance_id for a in self.appliances.values() if a.instance_id)

    @property
    def target_interface_ids(self) -> tuple[str, ...]:
        """Returns every declared target interface once, in declaration order."""
        return tuple(
            dict.fromkeys(
                target.network_interface_id
                for group in self.groups
                for address in group.elastic_ips
                for target in address.targets.values()
            )
        )


def resolved(topology: Topology, route_server_id: str | None) -> Topology:
    """Returns the topology with the route server that was made for it, where the document names none."""
    if topology.route_server.route_server_id is not None or not route_server_id:
        return topology
    return replace(topology, route_server=replace(topology.route_server, route_server_id=route_server_id))


def canonical_prefix(text: str) -> str:
    """Returns one spelling per prefix, so that `2001:DB8::/32` and `2001:db8::/32` are equal.

    Raises ValueError for what is no prefix, has host bits set or names a scope (`fe80::%eth0/64`), which may
    be any text of any length.
    """
    return str(ip_network(_without_scope(text)))


def canonical_address(text: str) -> str:
    """Returns one spelling per address. Raises ValueError for what is none or names a scope."""
    return str(ip_address(_without_scope(text)))


def _without_scope(text: str) -> str:
    if "%" in text:
        raise ValueError(f"a scope is no part of an address: {text[:60]!r}")
    return text


def parse_topology(document: dict[str, Any], *, version: int = 0) -> Topology:
    """Returns the topology of a document in canonical form (`tandem.topology.shape.normalise` makes one)."""
    server = document["route_server"]
    persist = server.get("persist_routes", "disable")
    return Topology(
        name=document["name"],
        mode=Mode(document.get("mode", Mode.DRY_RUN)),
        manage=document.get("manage", True),
        route_server=RouteServerSpec(
            route_server_id=server.get("id"),
            vpc_id=server.get("vpc_id"),
            amazon_side_asn=server.get("amazon_side_asn"),
            persist_minutes=None if persist == "disable" else persist,
            sns_notifications=server.get("sns_notifications", True),
            peer_logs=server.get("peer_logs", True),
            endpoints=tuple(server.get("endpoints", {}).items()),
            propagate_to=tuple(_listed(server.get("propagate_to", []))),
        ),
        appliances={name: _appliance(name, spec) for name, spec in document["appliances"].items()},
        groups=tuple(_group(spec) for spec in document["groups"]),
        tags=tuple(document.get("tags", {}).items()),
        waivers=tuple(_waiver(spec) for spec in document.get("waivers", ())),
        version=version,
        document=document,
    )


def _listed(value: object) -> list[Any]:
    """Reads a list: a text would pass as a list of its characters."""
    if not isinstance(value, list):
        raise TypeError(f"{type(value).__name__} is no list")
    return value


def _appliance(name: str, spec: dict[str, Any]) -> Appliance:
    allowed = spec.get("allowed_prefixes")
    return Appliance(
        name=name,
        instance_id=spec.get("instance_id"),
        asn=spec["asn"],
        liveness=Liveness(spec.get("liveness", Liveness.BGP_KEEPALIVE)),
        peers=tuple((endpoint, canonical_address(a)) for endpoint, a in spec.get("peers", {}).items()),
        next_hops=tuple(canonical_address(a) for a in spec.get("next_hops", ())),
        allowed_prefixes=None if allowed is None else tuple(canonical_prefix(p) for p in allowed),
        standby=Standby(spec.get("standby", Standby.SPEAKING)),
    )


def _waiver(spec: dict[str, Any]) -> Waiver:
    return Waiver(spec["rule"], spec["resource"], spec["reason"], date.fromisoformat(spec["until"]))


def _group(spec: dict[str, Any]) -> Group:
    return Group(
        name=spec["name"],
        prefixes=tuple(canonical_prefix(prefix) for prefix in spec["prefixes"]),
        elastic_ips=tuple(
            ElasticIpSpec(
                allocation_id=address["allocation_id"],
                targets={
                    name: Target(target["network_interface"], canonical_address(target["private_ip"]))
                    for name, target in address["targets"].items()
                },
            )
            for address in spec.get("elastic_ips", ())
        ),
        rto_seconds=spec.get("rto"),
    )
