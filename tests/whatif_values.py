"""Worlds as plain values for what-if: two or three appliances that advertise, and where everything is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tandem.compliance.whatif.failures import Places
from tandem.model import (
    InstallationStatus,
    Observation,
    PrivateAddress,
    Route,
    RouteInstallation,
    RouteServer,
    RouteStatus,
)
from tandem.topology.document import Topology
from tandem.topology.inventory import Endpoint, Subnet
from tests.pure import (
    ADDRESS,
    ENDPOINTS,
    TABLE,
    database_of,
    interface,
    observation,
    target,
    topology,
    with_interface,
)

GROUP = "us-east-1"
ZONE = {"fw1": "us-east-1a", "fw2": "us-east-1b"}
INSTALLED = (RouteInstallation(TABLE, InstallationStatus.INSTALLED),)
PATH = {"fw1": ("65001",), "fw2": ("65002", "65002")}
THREE = {"fw1": ("65001",), "fw2": ("65002", "65002"), "fw3": ("65003", "65003")}


def rows(
    paths: dict[str, tuple[str, ...]] = PATH,
    winner: str | None = "fw1",
    *,
    meds: Mapping[str, int] | None = None,
    prefix: str = "0.0.0.0/0",
) -> tuple[Route, ...]:
    """Each appliance advertises the prefix in each of its sessions; the first row of the winner is chosen."""
    found = []
    for name, as_path in paths.items():
        for endpoint in ENDPOINTS[name]:
            is_chosen = name == winner and endpoint == ENDPOINTS[name][0]
            found.append(
                Route(
                    prefix,
                    ADDRESS[name],
                    RouteStatus.IN_FIB if is_chosen else RouteStatus.IN_RIB,
                    f"rsp-{endpoint}",
                    as_path,
                    (meds or {}).get(name, 0),
                    INSTALLED if is_chosen else (),
                )
            )
    return tuple(found)


def world(routes: tuple[Route, ...] | None = None, holder: str | None = "fw1", **more: Any) -> Observation:
    seen = observation("fw1", holder, routes=rows() if routes is None else routes, **more)
    addresses = {id_: replace(a, border_group=GROUP) for id_, a in seen.elastic_ips.items()}
    return replace(seen, elastic_ips=addresses)


def places(persist: str | None = "disabled") -> Places:
    return Places(
        endpoints={
            e: Endpoint(e, "rs-0edge", f"subnet-{name}", "available", f"10.0.{name[-1]}.{100 + n}")
            for name, each in ENDPOINTS.items()
            for n, e in enumerate(each)
        },
        subnets={
            f"subnet-{name}": Subnet(
                f"subnet-{name}", "vpc-0edge", f"10.0.{name[-1]}.0/24", GROUP, ZONE[name]
            )
            for name in ADDRESS
        },
        server=RouteServer("rs-0edge", "available", 65000, persist_state=persist),
    )


def of_three(
    paths: Mapping[str, tuple[str, ...]], meds: Mapping[str, int]
) -> tuple[Topology, Observation, Places]:
    """A third appliance with a session of its own, as good a standby as fw2."""
    declared, seen, where = topology(), world(rows({n: paths[n] for n in ADDRESS}, meds=meds)), places()
    fw2 = declared.appliances["fw2"]
    fw3 = replace(fw2, name="fw3", instance_id="i-fw3", asn=65003, peers=(("rse-2a", "10.0.2.30"),))
    third = replace(
        interface("fw2"),
        network_interface_id="eni-fw3",
        instance_id="i-fw3",
        addresses=tuple(PrivateAddress(f"10.0.2.{n}") for n in (30, 31, 32)),
    )
    specs = tuple(
        replace(
            e,
            targets={
                **e.targets,
                "fw3": replace(
                    target("fw2", n), network_interface_id="eni-fw3", private_ip=f"10.0.2.{31 + n}"
                ),
            },
        )
        for n, e in enumerate(declared.groups[0].elastic_ips)
    )
    peer = replace(seen.peers[2], peer_id="rsp-3", peer_address="10.0.2.30", asn=65003)
    route = Route("0.0.0.0/0", "10.0.2.30", RouteStatus.IN_RIB, "rsp-3", paths["fw3"], meds.get("fw3", 0))
    declared = replace(
        declared,
        appliances={**declared.appliances, "fw3": fw3},
        groups=(replace(declared.groups[0], elastic_ips=specs),),
    )
    seen = replace(
        with_interface(seen, third),
        peers=(*seen.peers, peer),
        database=replace(database_of(seen), routes=(*database_of(seen).routes, route)),
        instance_states={**(seen.instance_states or {}), "i-fw3": "running"},
    )
    return declared, seen, where
