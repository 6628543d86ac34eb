"""Interfaces: filters, pages, addresses that exist once."""

import pytest

from lab.ec2 import UnknownAwsBehaviour
from tests.lab.support import refused


def found(world, name, *values):
    got = world.ec2.describe_network_interfaces(Filters=[{"Name": name, "Values": list(values)}])
    return {row["NetworkInterfaceId"] for row in got["NetworkInterfaces"]}


def test_filters(at_edge):
    fw1, fw2 = at_edge.interfaces["fw1"], at_edge.interfaces["fw2"]
    eip = at_edge.address()
    for name, value in (
        ("attachment.instance-id", at_edge.instances["fw1"]),
        ("network-interface-id", fw1),
        ("addresses.private-ip-address", "10.0.1.20"),
        ("addresses.private-ip-address", "10.0.1.10"),
        ("private-ip-address", "10.0.1.10"),
        ("addresses.association.public-ip", eip["PublicIp"]),
        ("addresses.association.allocation-id", eip["AllocationId"]),
        ("tag:Name", "fw1"),
    ):
        assert found(at_edge, name, value) == {fw1}, name
    assert found(at_edge, "tag:tandem:stack", "tandem") == {fw1, fw2}
    assert found(at_edge, "attachment.instance-id", *at_edge.instances.values()) == {fw1, fw2}
    assert found(at_edge, "private-ip-address", "10.0.1.20") == set(), "a secondary address"
    assert found(at_edge, "source-dest-check", "false") == {fw1, fw2}
    assert len(found(at_edge, "requester-managed", "true")) == 4, "the endpoints"
    with refused("InvalidParameterValue"):
        found(at_edge, "colour", "blue")


def test_pages(at_edge):
    pages = list(
        at_edge.ec2.get_paginator("describe_network_interfaces").paginate(PaginationConfig={"PageSize": 5})
    )
    assert [len(page["NetworkInterfaces"]) for page in pages] == [5, 1]


def test_an_address_is_on_one_interface(at_edge):
    with refused("Resource.AlreadyAssigned"):
        at_edge.ec2.assign_private_ip_addresses(
            NetworkInterfaceId=at_edge.interfaces["fw2"], PrivateIpAddresses=["10.0.1.20"]
        )
    with refused("InvalidIPAddress.InUse"):
        at_edge.ec2.create_network_interface(SubnetId=at_edge.subnets["az1"], PrivateIpAddress="10.0.1.20")
    with refused("InvalidParameterValue"):
        at_edge.ec2.assign_private_ip_addresses(
            NetworkInterfaceId=at_edge.interfaces["fw2"], PrivateIpAddresses=["192.0.2.1"]
        )


def test_an_elastic_ip_leaves_with_its_private_address(at_edge):
    at_edge.ec2.unassign_private_ip_addresses(
        NetworkInterfaceId=at_edge.interfaces["fw1"], PrivateIpAddresses=["10.0.1.20"]
    )
    assert "AssociationId" not in at_edge.address("eip1")
    assert "AssociationId" in at_edge.address("eip2")
    with refused("InvalidParameterValue"):
        at_edge.ec2.unassign_private_ip_addresses(
            NetworkInterfaceId=at_edge.interfaces["fw1"], PrivateIpAddresses=["10.0.1.10"]
        )


def test_assigning_answers_with_what_is_new(at_edge):
    got = at_edge.ec2.assign_private_ip_addresses(
        NetworkInterfaceId=at_edge.interfaces["fw2"], SecondaryPrivateIpAddressCount=2
    )
    assert len(got["AssignedPrivateIpAddresses"]) == 2
    assert at_edge.endpoints["az2-a"]["address"] not in {
        item["PrivateIpAddress"] for item in got["AssignedPrivateIpAddresses"]
    }


def test_moving_a_private_address_is_not_guessed(at_edge):
    with pytest.raises(UnknownAwsBehaviour):
        at_edge.ec2.assign_private_ip_addresses(
            NetworkInterfaceId=at_edge.interfaces["fw2"],
            PrivateIpAddresses=["10.0.2.99"],
            AllowReassignment=True,
        )


def test_only_a_second_interface_is_detached_and_its_elastic_ip_stays(at_edge):
    made = at_edge.ec2.create_network_interface(SubnetId=at_edge.subnets["az1"], PrivateIpAddress="10.0.1.30")
    second = made["NetworkInterface"]["NetworkInterfaceId"]
    where = {"NetworkInterfaceId": second, "InstanceId": at_edge.instances["fw1"], "DeviceIndex": 1}
    attachment = at_edge.ec2.attach_network_interface(**where)["AttachmentId"]
    with refused("InvalidNetworkInterface.InUse"):
        at_edge.ec2.attach_network_interface(**where)
    allocation = at_edge.elastic_ips["eip1"]["allocation_id"]
    at_edge.ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=second)
    at_edge.ec2.detach_network_interface(AttachmentId=attachment)
    assert at_edge.address("eip1")["NetworkInterfaceId"] == second
    shown = at_edge.ec2.describe_network_interfaces(NetworkInterfaceIds=[at_edge.interfaces["fw1"]])
    primary = shown["NetworkInterfaces"][0]["Attachment"]["AttachmentId"]
    with refused("OperationNotPermitted"):
        at_edge.ec2.detach_network_interface(AttachmentId=primary)
