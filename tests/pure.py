"""Worlds as plain values: the edge of two firewalls that most tests start from, and ways to bend it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tandem.audit import Record, following
from tandem.failover.decision import AddressDecision, GroupDecision
from tandem.failover.routeserver import RouteServerSource
from tandem.failover.telling import address_detail, decision_detail
from tandem.model import (
    ElasticIp,
    Holder,
    InstallationStatus,
    Liveness,
    NetworkInterface,
    Observation,
    Peer,
    PrivateAddress,
    Route,
    RouteInstallation,
    RouteStatus,
    RoutingDatabase,
    Status,
)
from tandem.topology.document import Appliance, ElasticIpSpec, Group, Mode, RouteServerSpec, Target, Topology

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
ADDRESS = {"fw1": "10.0.1.10", "fw2": "10.0.2.10"}
INTERFACE = {"fw1": "eni-0000000000000fw1", "fw2": "eni-0000000000000fw2"}
INSTANCE = {"fw1": "i-0000000000000fw1", "fw2": "i-0000000000000fw2"}
ENDPOINTS = {"fw1": ("rse-1a", "rse-1b"), "fw2": ("rse-2a", "rse-2b")}
TABLE = "rtb-0protected"
UP, DOWN = Status.UP, Status.DOWN


def said(decision: GroupDecision | AddressDecision) -> str:
    """Returns the reason of a decision as people read it."""
    if isinstance(decision, GroupDecision):
        return str(decision_detail(decision)["reason"])
    return str(address_detail(decision)["reason"])


def noted(decision: GroupDecision) -> list[str]:
    """Returns what a decision reports, as people read it."""
    return list(decision_detail(decision)["reports"])


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def allocation(number: int) -> str:
    return f"eipalloc-{number:017d}"


def target(name: str, number: int) -> Target:
    return Target(INTERFACE[name], f"10.0.{name[-1]}.{20 + number}")


def topology(addresses: int = 2, prefixes: tuple[str, ...] = ("0.0.0.0/0",)) -> Topology:
    appliances = {
        name: Appliance(
            name=name,
            instance_id=INSTANCE[name],
            asn=65000 + int(name[-1]),
            liveness=Liveness.BFD,
            peers=tuple((endpoint, ADDRESS[name]) for endpoint in ENDPOINTS[name]),
        )
        for name in ("fw1", "fw2")
    }
    specs = tuple(
        ElasticIpSpec(allocation(n), {name: target(name, n) for name in appliances}) for n in range(addresses)
    )
    return Topology(
        name="edge",
        mode=Mode.ENFORCE,
        manage=False,
        route_server=RouteServerSpec("rs-0edge"),
        appliances=appliances,
        groups=(Group("internet-edge", prefixes, specs),),
    )


def route(
    owner: str, prefix: str = "0.0.0.0/0", *, next_hop: str | None = None, rejected: str | None = None
) -> Route:
    status = InstallationStatus.REJECTED if rejected else InstallationStatus.INSTALLED
    return Route(
        prefix=prefix,
        next_hop=next_hop or ADDRESS[owner],
        status=RouteStatus.IN_FIB,
        peer_id=f"rsp-{owner}",
        installations=(RouteInstallation(TABLE, status, rejected),),
    )


def peer(name: str, endpoint: str, bgp: Status = UP, bfd: Status | None = UP) -> Peer:
    return Peer(
        f"rsp-{endpoint}",
        endpoint,
        "rs-0edge",
        ADDRESS[name],
        "available",
        65000 + int(name[-1]),
        Liveness.BFD,
        bgp,
        bfd,
    )


def interface(name: str, addresses: int = 2) -> NetworkInterface:
    private = [ADDRESS[name], *(target(name, n).private_ip for n in range(addresses))]
    return NetworkInterface(
        INTERFACE[name],
        f"subnet-{name}",
        INSTANCE[name],
        "attached",
        tuple(PrivateAddress(p) for p in private),
    )


def elastic_ip(number: int, at: Target | None) -> ElasticIp:
    holder = Holder(at.network_interface_id, at.private_ip, f"eipassoc-{number}") if at else None
    return ElasticIp(allocation(number), f"192.0.2.{number}", holder)


def observation(
    owner: str = "fw1",
    holder: str | None = "fw1",
    *,
    alive: tuple[str, ...] = ("fw1", "fw2"),
    addresses: int = 2,
    routes: tuple[Route, ...] | None = None,
) -> Observation:
    """`owner` owns the default route, `holder` has every address, `alive` have all their sessions up."""
    up = {name: UP if name in alive else DOWN for name in ADDRESS}
    return Observation(
        database=RoutingDatabase((route(owner),) if routes is None else routes),
        peers=tuple(peer(name, e, up[name], up[name]) for name in ADDRESS for e in ENDPOINTS[name]),
        elastic_ips={
            allocation(n): elastic_ip(n, target(holder, n) if holder else None) for n in range(addresses)
        },
        interfaces={INTERFACE[name]: interface(name, addresses) for name in ADDRESS},
        instance_states={INSTANCE[name]: "running" for name in ADDRESS},
    )


def with_database(observed: Observation, **changed: Any) -> Observation:
    """Returns what AWS shows with another routing database."""
    return replace(observed, database=replace(observed.database or RoutingDatabase(), **changed))


def database_of(observed: Observation) -> RoutingDatabase:
    """Returns the routing database of an observation that has one."""
    assert observed.database is not None
    return observed.database


def route_server(observed: Observation, declared: Topology | None = None) -> RouteServerSource:
    """Returns what the route server of a topology shows."""
    assert observed.database is not None
    return RouteServerSource(declared or topology(), observed, observed.database)


def with_interface(observed: Observation, changed: NetworkInterface) -> Observation:
    return replace(
        observed, interfaces={**(observed.interfaces or {}), changed.network_interface_id: changed}
    )


def chain(*contents: dict[str, Any]) -> list[Record]:
    """Returns a sequence of the audit trail with these bodies."""
    records: list[Record] = []
    for body in contents:
        records.append(following(records[-1].head if records else None, "failover#edge", body))
    return records
