"""The managed examples from nothing: the provisioner builds what each document says, and is at rest then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest

from lab.ec2.timings import Timings
from tests.managing import tags
from tests.provisioning import Provisioner, provisioner
from tests.worlds import EXAMPLES, Peering, dial, surroundings

MANAGED = ("floating-prefix", "ingress-inspection", "az-affinity")


@contextmanager
def provisioned(name: str) -> Iterator[tuple[Provisioner, list[dict[str, Any]]]]:
    """An example whose documents were applied and have converged."""

    def build(ec2: Any, *_: Any, **__: Any) -> dict[str, Any]:
        return {"documents": surroundings(ec2, EXAMPLES[name])}

    with provisioner(build=build, timings=Timings.lab()) as tandem:
        documents = tandem.ids["documents"]
        for document in documents:
            answer = tandem.apply(document)
            assert answer["problems"] == []
        for _ in range(20):
            tandem.settle(60)
            tandem.refresh()
            if not any(tandem.record(d["name"]).provisioned.pending for d in documents):
                break
        yield tandem, documents


def sessions(route_server_id: str) -> dict[tuple[str, str], tuple[int, str]]:
    """Endpoint name and appliance address of each available peer, with ASN and liveness."""
    ec2 = boto3.client("ec2")
    endpoints = ec2.describe_route_server_endpoints()["RouteServerEndpoints"]
    names = {e["RouteServerEndpointId"]: tags(dict(e))["tandem:endpoint"] for e in endpoints}
    return {
        (names[p["RouteServerEndpointId"]], p["PeerAddress"]): (
            p["BgpOptions"]["PeerAsn"],
            p["BgpOptions"]["PeerLivenessDetection"],
        )
        for p in ec2.describe_route_server_peers()["RouteServerPeers"]
        if p["RouteServerId"] == route_server_id and p["State"] == "available"
    }


@pytest.mark.parametrize("name", MANAGED)
def test_each_managed_example_is_built_as_it_is_written_and_then_at_rest(name: str) -> None:
    with provisioned(name) as (tandem, documents):
        servers = {d["name"]: tandem.record(d["name"]).provisioned.route_server_id for d in documents}
        assert len(set(servers.values())) == len(documents)
        for document in documents:
            assert sessions(servers[document["name"]]) == {
                (endpoint, address): (appliance["asn"], appliance["liveness"])
                for appliance in document["appliances"].values()
                for endpoint, address in appliance["peers"].items()
            }
            tables = boto3.client("ec2").get_route_server_propagations(
                RouteServerId=servers[document["name"]]
            )["RouteServerPropagations"]
            assert {t["RouteTableId"] for t in tables} == set(document["route_server"]["propagate_to"])
        tandem.refresh()
        assert tandem.changes == []


@pytest.mark.parametrize("name", MANAGED)
def test_routes_reach_the_tables_once_the_appliances_dial(name: str) -> None:
    with provisioned(name) as (tandem, documents):
        records = {d["name"]: tandem.record(d["name"]).provisioned for d in documents}
        peerings = {n: Peering(str(p.route_server_id), str(p.sns_topic_arn), {}) for n, p in records.items()}
        dial(tandem.lab.levers, documents, peerings)
        tandem.settle()
        for document in documents:
            database = boto3.client("ec2").get_route_server_routing_database(
                RouteServerId=peerings[document["name"]].route_server_id
            )
            first = next(iter(document["appliances"].values()))
            chosen = {r["NextHopIp"] for r in database["Routes"] if r["RouteStatus"] == "in-fib"}
            assert chosen == {next(iter(first["peers"].values()))}
