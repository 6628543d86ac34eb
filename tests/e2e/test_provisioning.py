"""What is managed, on the deployed stack: an empty VPC gets a Route Server, under the real roles."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.cloud import Cloud
from lab.ec2.scenario import appliances_only
from tests.topologies import document

PATIENCE_SECONDS = 150
TANDEM = Path(sys.executable).with_name("tandem")
NAME = "managed"


def wait(what: str, done: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := done()):
        assert time.monotonic() < deadline, f"after {PATIENCE_SECONDS} s still not: {what}"
        time.sleep(0.5)
    return found


def command(cloud: Cloud, *arguments: str, wanted: object) -> subprocess.CompletedProcess[str]:
    file = cloud.directory / "managed.yaml"
    file.write_text(yaml.safe_dump(wanted), encoding="utf-8")
    return subprocess.run(
        [TANDEM, *arguments, file], env=cloud.environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def ids(cloud: Cloud) -> dict[str, Any]:
    """A second VPC beside the watched one, with appliances and no route server."""
    return appliances_only(cloud.session.client("ec2"), cloud.levers, prefix="managed-")


def wanted(ids: dict[str, Any], liveness: str = "bfd") -> dict[str, Any]:
    made = document() | {"name": NAME, "manage": True}
    made["route_server"] = {
        "vpc_id": ids["vpc_id"],
        "amazon_side_asn": 65000,
        "endpoints": {f"{az}-{n}": ids["subnets"][az] for az in ("az1", "az2") for n in "ab"},
        "propagate_to": [ids["route_tables"]["protected"]],
    }
    for name, appliance in made["appliances"].items():
        appliance |= {"instance_id": ids["instances"][name], "liveness": liveness}
    elastic_ips = ids["elastic_ips"].values()
    for spec, elastic_ip in zip(made["groups"][0]["elastic_ips"], elastic_ips, strict=True):
        spec["allocation_id"] = elastic_ip["allocation_id"]
        for name, target in spec["targets"].items():
            target["network_interface"] = ids["interfaces"][name]
    return made


def server(cloud: Cloud, ids: dict[str, Any]) -> dict[str, Any]:
    """The managed route server as the lab shows it; empty where there is none."""
    return next((s for s in cloud.levers.world()["route_servers"] if s["vpc_id"] == ids["vpc_id"]), {})


def up(cloud: Cloud, ids: dict[str, Any], liveness: str) -> bool:
    peers = [p for p in server(cloud, ids).get("peers", ()) if p["state"] == "available"]
    return len(peers) == 4 and all((p["bgp"], p["liveness"]) == ("up", liveness) for p in peers)


def has_ended(cloud: Cloud) -> bool:
    found = cloud.state("topology", NAME).get("provisioned", {}).get("S", "")
    return '"pending":[]' in found


def test_an_empty_vpc_gets_what_the_document_says_under_the_deployed_role(
    cloud: Cloud, ids: dict[str, Any]
) -> None:
    before = cloud.levers.requests()[-1]["sequence"]
    said = command(cloud, "plan", wanted=wanted(ids))
    assert said.returncode == 0, said.stdout + said.stderr
    assert "1. create the route server (ASN 65000)" in said.stdout
    assert server(cloud, ids) == {}
    applied = command(cloud, "apply", "--yes", wanted=wanted(ids))
    assert applied.returncode == 0, applied.stdout + applied.stderr
    wait("all sessions up", lambda: up(cloud, ids, "bfd"))
    wait("the run has ended", lambda: has_ended(cloud))
    refused = [r for r in cloud.levers.requests(before) if r["outcome"] == "UnauthorizedOperation"]
    assert refused == []
    assert server(cloud, ids)["owners"] == {"0.0.0.0/0": "managed-fw1"}
    again = cloud.levers.requests()[-1]["sequence"]
    cloud.invoke("ProvisionerFunction", {"action": "refresh", "topology": NAME})
    changed = [
        r["action"] for r in cloud.levers.requests(again) if r["action"].startswith(("Create", "Delete"))
    ]
    assert changed == []


def test_another_liveness_is_reached_without_taking_the_route_from_its_owner(
    cloud: Cloud, ids: dict[str, Any]
) -> None:
    wait("all sessions up", lambda: up(cloud, ids, "bfd"))
    owners = []

    def reached() -> bool:
        owners.append(server(cloud, ids)["owners"].get("0.0.0.0/0"))
        return up(cloud, ids, "bgp-keepalive")

    applied = command(cloud, "apply", "--yes", wanted=wanted(ids, "bgp-keepalive"))
    assert applied.returncode == 0, applied.stdout + applied.stderr
    wait("every peer is another one", reached)
    assert set(owners) == {"managed-fw1"}


def test_the_addresses_follow_the_route_of_a_managed_route_server(cloud: Cloud, ids: dict[str, Any]) -> None:
    wait("the run has ended", lambda: has_ended(cloud))
    cloud.levers.kill("managed-fw1")
    ours = {address["allocation_id"] for address in ids["elastic_ips"].values()}

    def moved() -> bool:
        held = [a for a in cloud.levers.world()["elastic_ips"] if a["allocation_id"] in ours]
        return {a["appliance"] for a in held} == {"managed-fw2"}

    wait("managed-fw2 has every address", moved)


def test_another_stacks_resources_are_out_of_the_roles_reach(cloud: Cloud, ids: dict[str, Any]) -> None:
    """A peer that loses Tandem's tag cannot be deleted by Tandem any more, whatever the document says."""
    wait("the run has ended", lambda: has_ended(cloud))
    victim = next(p["id"] for p in server(cloud, ids)["peers"] if p["endpoint"] and p["state"] == "available")
    ec2 = cloud.session.client("ec2")
    ec2.create_tags(Resources=[victim], Tags=[{"Key": "tandem:managed-by", "Value": "another"}])
    smaller = wanted(ids, "bgp-keepalive")
    for appliance in smaller["appliances"].values():
        appliance["peers"].popitem()
    command(cloud, "apply", "--yes", wanted=smaller)
    time.sleep(5)
    assert victim in {p["id"] for p in server(cloud, ids)["peers"] if p["state"] == "available"}
