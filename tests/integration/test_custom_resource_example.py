"""examples/stack.yaml, played as CloudFormation would: its resources made in EC2, its topology asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from samtranslator.yaml_helper import yaml_parse

from lab.ec2.scenario import network
from lab.ec2.scenario_routing import register
from tandem.requests.customresource import RESOURCE_TYPE
from tests.cloudformation import Story, cloudformation, resolved
from tests.managing import QUICK, Managed
from tests.provisioning import provisioner

STACK = Path(__file__).parents[2] / "examples" / "stack.yaml"
IMAGE = "ami-12c6146b"
"""One that moto has."""


def _security_group(ec2: Any, wanted: Any) -> dict[str, str]:
    made = ec2.create_security_group(
        GroupName="firewalls", Description=wanted["GroupDescription"], VpcId=wanted["VpcId"]
    )
    return {"": made["GroupId"]}


def _interface(ec2: Any, wanted: Any) -> dict[str, str]:
    made = ec2.create_network_interface(
        SubnetId=wanted["SubnetId"],
        Groups=wanted["GroupSet"],
        PrivateIpAddresses=wanted["PrivateIpAddresses"],
        TagSpecifications=[{"ResourceType": "network-interface", "Tags": wanted["Tags"]}],
    )["NetworkInterface"]["NetworkInterfaceId"]
    ec2.modify_network_interface_attribute(
        NetworkInterfaceId=made, SourceDestCheck={"Value": wanted["SourceDestCheck"]}
    )
    return {"": made}


def _instance(ec2: Any, wanted: Any) -> dict[str, str]:
    interfaces = [i | {"DeviceIndex": int(i["DeviceIndex"])} for i in wanted["NetworkInterfaces"]]
    made = ec2.run_instances(
        ImageId=wanted["ImageId"],
        InstanceType=wanted["InstanceType"],
        MinCount=1,
        MaxCount=1,
        NetworkInterfaces=interfaces,
    )
    return {"": made["Instances"][0]["InstanceId"]}


def _elastic_ip(ec2: Any, wanted: Any) -> dict[str, str]:
    tags = [{"ResourceType": "elastic-ip", "Tags": wanted["Tags"]}]
    made = ec2.allocate_address(Domain=wanted["Domain"], TagSpecifications=tags)
    return {"": made["PublicIp"], ".AllocationId": made["AllocationId"]}


MAKERS: dict[str, Callable[[Any, Any], dict[str, str]]] = {
    "AWS::EC2::SecurityGroup": _security_group,
    "AWS::EC2::NetworkInterface": _interface,
    "AWS::EC2::Instance": _instance,
    "AWS::EC2::EIP": _elastic_ip,
}


def _deployed(ec2: Any, levers: Any, **_: Any) -> dict[str, Any]:
    """Returns what the template says is there already, then its resources; the properties of the topology."""
    template, there = yaml_parse(STACK.read_text(encoding="utf-8")), network(ec2)
    values = {name: p["Default"] for name, p in template["Parameters"].items() if "Default" in p} | {
        "VpcId": there["vpc_id"],
        "Subnet1": there["subnets"]["az1"],
        "Subnet2": there["subnets"]["az2"],
        "RouteTable": there["route_tables"]["protected"],
        "ImageId": IMAGE,
        "Mode": "enforce",
    }
    assert set(values) >= set(template["Parameters"]), "a parameter that nobody has given"
    for name, resource in template["Resources"].items():
        if resource["Type"] != RESOURCE_TYPE:
            made = MAKERS[resource["Type"]](ec2, resolved(resource["Properties"], values))
            values |= {f"{name}{attribute}": value for attribute, value in made.items()}
    instances = {"fw1": values["Firewall1"], "fw2": values["Firewall2"]}
    register(levers, {"instances": instances}, bfd=True)
    return {"properties": resolved(template["Resources"]["Topology"]["Properties"], values), "values": values}


@pytest.fixture
def story():
    with (
        provisioner(build=_deployed, timings=QUICK, made=Managed) as tandem,
        cloudformation() as stacks,
    ):
        yield Story(tandem, stacks)


def test_the_example_stack_is_created_as_it_stands_and_its_deletion_leaves_nothing(story: Story) -> None:
    tandem, properties = story.tandem, dict(story.tandem.ids["properties"])
    assert isinstance(tandem, Managed)
    answer = story.succeed(story.create(properties))
    template = yaml_parse(STACK.read_text(encoding="utf-8"))
    known = {f"Topology.{name}": value for name, value in answer["Data"].items()}
    outputs = resolved(template["Outputs"], {"ElasticIp": "", **known})
    dialled = {at for n in (1, 2) for at in outputs[f"Firewall{n}Dials"]["Value"]["Fn::Join"][1]}
    assert dialled == {e["EniAddress"] for e in tandem.endpoints()}
    tandem.settle(120)
    assert {p["BgpStatus"]["Status"] for p in tandem.peers()} == {"up"}
    server = {"RouteServerId": answer["Data"]["RouteServerId"]}
    (owner,) = [
        row["NextHopIp"]
        for row in boto3.client("ec2").get_route_server_routing_database(**server)["Routes"]
        if row["RouteStatus"] == "in-fib"
    ]
    assert owner == story.tandem.ids["values"]["Address1"]
    tandem.refresh()
    assert (tandem.changes, tandem.record().provisioned.warnings) == ([], ())

    story.invoke(story.delete(properties))
    for _ in range(20):
        story.schedule(1)
    assert tandem.record() is None
    assert tandem.everything() == []
