"""Every example is a document that validates, means what it says, and costs what can be told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli import document
from cli.estimate import Share, estimate
from tandem.model import Liveness
from tandem.topology.document import Topology, parse_topology
from tandem.topology.shape import normalise, validate

FOLDER = Path(__file__).parents[2] / "examples"
TEMPLATES = {"stack"}
"""Not a topology: a CloudFormation template that holds one."""

FILES = sorted(path for path in FOLDER.glob("*.yaml") if path.stem not in TEMPLATES)
WATCHED = {"byoip", "edge"}


def load(name: str) -> Topology:
    return parse_topology(normalise(document.load(FOLDER / f"{name}.yaml").value))


def test_there_are_the_examples_that_the_documentation_names() -> None:
    assert {path.stem for path in FILES} == {
        "az-affinity-1",
        "az-affinity-2",
        "byoip",
        "edge",
        "floating-prefix",
        "ingress-inspection",
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_validates_and_is_named_as_its_file(path: Path) -> None:
    found = document.load(path)
    assert found.problems == ()
    assert validate(found.value) == []
    topology = parse_topology(normalise(found.value))
    assert topology.name == path.stem
    assert topology.manage is (path.stem not in WATCHED)
    assert (topology.route_server.route_server_id is None) is topology.manage


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_can_be_estimated(path: Path) -> None:
    topology = load(path.stem)
    endpoints = len(topology.route_server.endpoints)
    assert estimate(topology).of(Share.ROUTE_SERVER) >= endpoints * 547


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_bfd_only_where_no_session_crosses_a_zone(path: Path) -> None:
    """AWS does not say whether BFD works there; the placeholders' last digit is the zone, as the addresses'
    third number is."""
    topology = load(path.stem)
    subnets = dict(topology.route_server.endpoints)
    for appliance in topology.appliances.values():
        crossing = any(subnets[e][-1] != address.split(".")[2] for e, address in appliance.peers)
        assert (appliance.liveness is Liveness.BFD) is not crossing


def test_the_zones_share_their_firewalls_and_nothing_else() -> None:
    first, second = load("az-affinity-1"), load("az-affinity-2")
    assert set(first.instance_ids) == set(second.instance_ids)
    assert not set(first.route_server.propagate_to) & set(second.route_server.propagate_to)
    assert next(iter(first.appliances)) == "fw1"
    assert next(iter(second.appliances)) == "fw2"


def test_ingress_inspection_has_four_sessions_each() -> None:
    appliances = load("ingress-inspection").appliances.values()
    assert [len(appliance.peers) for appliance in appliances] == [4, 4]


@pytest.mark.parametrize("daemon", ["FRR", "BIRD 2", "GoBGP", "FortiOS", "VyOS"])
def test_the_configurations_of_the_appliances_page_are_for_the_edges_first_firewall(daemon: str) -> None:
    page = (FOLDER.parent / "docs" / "appliances.md").read_text(encoding="utf-8")
    section = page.split(f"\n## {daemon}\n")[1].split("\n## ")[0]
    configured = "\n".join(section.split("```")[1::2])
    edge = load("edge")
    fw1 = edge.appliances["fw1"]
    addresses = set(re.findall(r"\b10\.\d+\.\d+\.\d+", configured))
    assert addresses == {*fw1.peer_addresses, "10.0.1.4", "10.0.1.5"}
    assert {int(asn) for asn in re.findall(r"\b65\d{3}\b", configured)} == {
        fw1.asn,
        edge.route_server.amazon_side_asn,
    }
