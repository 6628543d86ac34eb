"""examples/stack.yaml: a template that CloudFormation takes, around a topology that Tandem takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import ManualArgs, lint
from samtranslator.yaml_helper import yaml_parse

from tandem.requests.customresource import RESOURCE_TYPE, property_problems
from tandem.topology.shape import validate
from tests.cloudformation import resolved, texts

STACK = Path(__file__).parents[2] / "examples" / "stack.yaml"
IDS = {
    "VpcId": "vpc-0a1b2c3d4e5f60001",
    "Subnet1": "subnet-0a1b2c3d4e5f60001",
    "Subnet2": "subnet-0a1b2c3d4e5f60002",
    "RouteTable": "rtb-0a1b2c3d4e5f60001",
    "Firewall1": "i-0a1b2c3d4e5f60001",
    "Firewall2": "i-0a1b2c3d4e5f60002",
    "Interface1": "eni-0a1b2c3d4e5f60001",
    "Interface2": "eni-0a1b2c3d4e5f60002",
    "ElasticIp.AllocationId": "eipalloc-0a1b2c3d4e5f60001",
}


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml_parse(STACK.read_text(encoding="utf-8"))
    return parsed


@pytest.fixture(scope="module")
def properties(template: dict[str, Any]) -> dict[str, Any]:
    """As CloudFormation passes them: references resolved, every scalar a text."""
    (resource,) = (r for r in template["Resources"].values() if r["Type"] == RESOURCE_TYPE)
    values = IDS | {name: p["Default"] for name, p in template["Parameters"].items() if "Default" in p}
    found: dict[str, Any] = texts(resolved(resource["Properties"], values))
    return found


def test_cloudformation_takes_it() -> None:
    assert lint(STACK.read_text(encoding="utf-8"), config=ManualArgs(regions=["us-east-1"])) == []


def test_tandem_takes_its_topology(properties: dict[str, Any]) -> None:
    assert list(property_problems(properties)) == []
    assert validate(properties["Topology"]) == []


def test_it_imports_what_tandems_template_exports(template: dict[str, Any]) -> None:
    tandem = yaml_parse((STACK.parents[1] / "template.yaml").read_text(encoding="utf-8"))
    exported = tandem["Outputs"]["ServiceToken"]["Export"]["Name"]["Fn::Sub"]
    imported = template["Resources"]["Topology"]["Properties"]["ServiceToken"]["Fn::ImportValue"]["Fn::Sub"]
    assert exported.replace("AWS::StackName", "TandemStack") == imported


def test_everything_that_tandem_moves_carries_its_owners_consent(template: dict[str, Any]) -> None:
    moved = ("AWS::EC2::EIP", "AWS::EC2::NetworkInterface")
    for name, resource in template["Resources"].items():
        if resource["Type"] in moved:
            assert {"Key": "tandem:stack", "Value": {"Ref": "TandemStack"}} in resource["Properties"][
                "Tags"
            ], name
    assert not any(r["Type"] == "AWS::EC2::EIPAssociation" for r in template["Resources"].values())
