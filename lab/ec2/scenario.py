"""Worlds built through the normal EC2 API, for tests and demonstrations."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from lab.ec2.scenario_routing import (
    APPLIANCES,
    HasRegister,
    build_peers,
    build_route_server,
    ready,
    register,
    tags_on,
    wait,
)

CIDR = "10.0.0.0/16"
ELASTIC_IPS = ("eip1", "eip2", "eip3", "eip4")


def edge(
    ec2: Any,
    levers: HasRegister,
    *,
    stack: str = "tandem",
    sleep: Callable[[float], None] = time.sleep,
    persist_minutes: int | None = None,
    sns: bool = True,
    liveness: str = "bfd",
    associated: bool = True,
) -> dict[str, Any]:
    """An internet edge with a firewall per zone, all sessions up: fw1 owns 0.0.0.0/0, fw2 prepends.

    ``sleep`` waits between looks (a virtual clock's ``sleep`` in tests). Each of the four Elastic IPs has a
    private address on both firewalls (10.0.1.20-23, 10.0.2.20-23) and, with ``associated``, is on fw1.
    Returns IDs by name::

        vpc_id, internet_gateway_id, route_server_id, sns_topic_arn, stack
        subnets         {az1, az2, protected1, protected2}
        route_tables    {public, protected}
        instances       {fw1, fw2}
        interfaces      {fw1, fw2}
        security_group
        endpoints       {az1-a, az1-b, az2-a, az2-b} -> {id, address, subnet_id}
        peers           {fw1: {az1-a: rsp-…, az1-b: …}, fw2: {az2-a, az2-b}}
        peer_addresses  {fw1: 10.0.1.10, fw2: 10.0.2.10}
        elastic_ips     {eip1..eip4} -> {allocation_id, public_ip, targets: {fw1: private IP, fw2: private
        IP}}"""
    world = network(ec2, stack)
    world["stack"] = stack
    _appliances(ec2, world, stack)
    _elastic_ips(ec2, world, stack, associated)
    build_route_server(ec2, world, sleep, persist_minutes, sns)
    build_peers(ec2, world, sleep, liveness)
    register(levers, world, bfd=liveness == "bfd")
    wait(sleep, "all sessions up and 0.0.0.0/0 installed", lambda: ready(ec2, world))
    return world


def appliances_only(
    ec2: Any,
    levers: HasRegister,
    *,
    stack: str = "tandem",
    sleep: Callable[[float], None] = time.sleep,
    liveness: str = "bfd",
    associated: bool = True,
    prefix: str = "",
) -> dict[str, Any]:
    """The same edge before there is any route server: what a provisioner starts from.

    The firewalls dial in wherever a peer has their address and ASN; ``prefix`` sets their levers' names apart
    from those of another scenario. The same IDs by name as `edge` returns, without route server, endpoints
    and peers."""
    del sleep
    world = network(ec2, stack)
    world["stack"] = stack
    _appliances(ec2, world, stack)
    _elastic_ips(ec2, world, stack, associated)
    register(levers, world, bfd=liveness == "bfd", prefix=prefix)
    return world


def network(ec2: Any, stack: str = "tandem") -> dict[str, Any]:
    """The VPC of the edge, before there is anything in it: IDs by name, as `edge` returns them.

    What a route server enters has the owner's tag; the appliances' own route table has not.
    """
    consent = {"tandem__stack": stack}
    vpc_id = ec2.create_vpc(CidrBlock=CIDR, TagSpecifications=tags_on("vpc", "edge", **consent))["Vpc"][
        "VpcId"
    ]
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
    subnets = {}
    for name, block, zone in (
        ("az1", "10.0.1.0/24", zones[0]),
        ("az2", "10.0.2.0/24", zones[1]),
        ("protected1", "10.0.11.0/24", zones[0]),
        ("protected2", "10.0.12.0/24", zones[1]),
    ):
        subnet = ec2.create_subnet(
            VpcId=vpc_id,
            CidrBlock=block,
            AvailabilityZone=zone,
            TagSpecifications=tags_on("subnet", name, **consent),
        )
        subnets[name] = subnet["Subnet"]["SubnetId"]
    gateway = ec2.create_internet_gateway(TagSpecifications=tags_on("internet-gateway", "edge"))
    gateway_id = gateway["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)
    tables = {}
    for name, members in (("public", ("az1", "az2")), ("protected", ("protected1", "protected2"))):
        tags = tags_on("route-table", name, **(consent if name == "protected" else {}))
        table = ec2.create_route_table(VpcId=vpc_id, TagSpecifications=tags)
        tables[name] = table["RouteTable"]["RouteTableId"]
        for member in members:
            ec2.associate_route_table(RouteTableId=tables[name], SubnetId=subnets[member])
    ec2.create_route(RouteTableId=tables["public"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway_id)
    return {
        "vpc_id": vpc_id,
        "internet_gateway_id": gateway_id,
        "subnets": subnets,
        "route_tables": tables,
    }


def _appliances(ec2: Any, world: dict[str, Any], stack: str) -> None:
    world["instances"], world["interfaces"], world["peer_addresses"] = {}, {}, {}
    group_id = world["security_group"] = _group(ec2, world["vpc_id"])
    for number, name in enumerate(APPLIANCES, start=1):
        address = f"10.0.{number}.10"
        run = ec2.run_instances(
            ImageId="ami-12c6146b",
            InstanceType="c5.large",
            MinCount=1,
            MaxCount=1,
            SubnetId=world["subnets"][f"az{number}"],
            PrivateIpAddress=address,
            SecurityGroupIds=[group_id],
            TagSpecifications=tags_on("instance", name),
        )
        instance = run["Instances"][0]
        interface_id = instance["NetworkInterfaces"][0]["NetworkInterfaceId"]
        ec2.assign_private_ip_addresses(
            NetworkInterfaceId=interface_id,
            PrivateIpAddresses=[f"10.0.{number}.{20 + index}" for index in range(len(ELASTIC_IPS))],
        )
        ec2.modify_network_interface_attribute(
            NetworkInterfaceId=interface_id, SourceDestCheck={"Value": False}
        )
        ec2.create_tags(
            Resources=[interface_id],
            Tags=[{"Key": "Name", "Value": name}, {"Key": "tandem:stack", "Value": stack}],
        )
        world["instances"][name] = instance["InstanceId"]
        world["interfaces"][name] = interface_id
        world["peer_addresses"][name] = address


def _group(ec2: Any, vpc_id: str) -> str:
    """The appliances' security group: everything from the VPC, as a router needs it."""
    created = ec2.create_security_group(GroupName="appliances", Description="appliances", VpcId=vpc_id)
    ec2.authorize_security_group_ingress(
        GroupId=created["GroupId"], IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": CIDR}]}]
    )
    return str(created["GroupId"])


def _elastic_ips(ec2: Any, world: dict[str, Any], stack: str, associated: bool) -> None:
    world["elastic_ips"] = {}
    for index, name in enumerate(ELASTIC_IPS):
        allocated = ec2.allocate_address(
            Domain="vpc", TagSpecifications=tags_on("elastic-ip", name, tandem__stack=stack)
        )
        targets = {
            appliance: f"10.0.{number}.{20 + index}" for number, appliance in enumerate(APPLIANCES, start=1)
        }
        world["elastic_ips"][name] = {
            "allocation_id": allocated["AllocationId"],
            "public_ip": allocated["PublicIp"],
            "targets": targets,
        }
        if associated:
            ec2.associate_address(
                AllocationId=allocated["AllocationId"],
                NetworkInterfaceId=world["interfaces"]["fw1"],
                PrivateIpAddress=targets["fw1"],
            )
