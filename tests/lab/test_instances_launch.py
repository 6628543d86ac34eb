"""Tests that what is said of an instance's interfaces at launch and later decides what its end takes
along.
"""

import pytest

from tests.lab.support import refused


def launched(world, **interface):
    """An instance whose primary interface is described at launch: (instance ID, interface ID)."""
    described = {"DeviceIndex": 0, "SubnetId": world.subnets["az1"], **interface}
    made = world.ec2.run_instances(
        ImageId="ami-12c6146b", MinCount=1, MaxCount=1, NetworkInterfaces=[described]
    )["Instances"][0]
    return made["InstanceId"], made["NetworkInterfaces"][0]["NetworkInterfaceId"]


def interface_of(world, interface):
    (row,) = world.ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"]
    return row


def with_elastic_ip(world, interface):
    world.ec2.associate_address(
        AllocationId=world.elastic_ips["eip1"]["allocation_id"], NetworkInterfaceId=interface
    )


def test_an_interface_that_is_to_stay_outlives_its_instance_with_its_elastic_ip(at_edge):
    instance, interface = launched(at_edge, DeleteOnTermination=False)
    with_elastic_ip(at_edge, interface)
    assert interface_of(at_edge, interface)["Attachment"]["DeleteOnTermination"] is False
    at_edge.ec2.terminate_instances(InstanceIds=[instance])
    left = interface_of(at_edge, interface)
    assert left["Status"] == "available"
    assert "Attachment" not in left
    assert at_edge.address()["NetworkInterfaceId"] == interface


@pytest.mark.parametrize("said", [{}, {"DeleteOnTermination": True}])
def test_an_interface_made_at_launch_goes_with_its_instance_otherwise(at_edge, said):
    instance, interface = launched(at_edge, **said)
    with_elastic_ip(at_edge, interface)
    assert interface_of(at_edge, interface)["Attachment"]["DeleteOnTermination"] is True
    at_edge.ec2.terminate_instances(InstanceIds=[instance])
    with refused("InvalidNetworkInterfaceID.NotFound"):
        interface_of(at_edge, interface)
    assert "AssociationId" not in at_edge.address()


def test_an_existing_interface_given_at_launch_stays(at_edge):
    made = at_edge.ec2.create_network_interface(SubnetId=at_edge.subnets["az1"])["NetworkInterface"]
    instance, interface = (
        at_edge.ec2.run_instances(
            ImageId="ami-12c6146b",
            MinCount=1,
            MaxCount=1,
            NetworkInterfaces=[{"DeviceIndex": 0, "NetworkInterfaceId": made["NetworkInterfaceId"]}],
        )["Instances"][0]["InstanceId"],
        made["NetworkInterfaceId"],
    )
    at_edge.ec2.terminate_instances(InstanceIds=[instance])
    assert interface_of(at_edge, interface)["Status"] == "available"


def test_to_delete_an_existing_interface_cannot_be_asked_at_launch(at_edge):
    made = at_edge.ec2.create_network_interface(SubnetId=at_edge.subnets["az1"])["NetworkInterface"]
    described = {
        "DeviceIndex": 0,
        "NetworkInterfaceId": made["NetworkInterfaceId"],
        "DeleteOnTermination": True,
    }
    with refused("InvalidParameterCombination"):
        at_edge.ec2.run_instances(
            ImageId="ami-12c6146b", MinCount=1, MaxCount=1, NetworkInterfaces=[described]
        )


@pytest.mark.parametrize("stays", [True, False])
def test_what_the_end_takes_along_can_be_changed_later(at_edge, stays):
    instance, interface = launched(at_edge, DeleteOnTermination=stays)
    attachment = interface_of(at_edge, interface)["Attachment"]["AttachmentId"]
    at_edge.ec2.modify_network_interface_attribute(
        NetworkInterfaceId=interface,
        Attachment={"AttachmentId": attachment, "DeleteOnTermination": not stays},
    )
    assert interface_of(at_edge, interface)["Attachment"]["DeleteOnTermination"] is not stays
    at_edge.ec2.terminate_instances(InstanceIds=[instance])
    left = [
        row["NetworkInterfaceId"] for row in at_edge.ec2.describe_network_interfaces()["NetworkInterfaces"]
    ]
    assert (interface in left) is stays


def test_the_attachment_to_change_must_be_that_of_the_interface(at_edge):
    _, interface = launched(at_edge)
    _, other = launched(at_edge)
    with refused("InvalidAttachmentID.NotFound"):
        at_edge.ec2.modify_network_interface_attribute(
            NetworkInterfaceId=interface,
            Attachment={
                "AttachmentId": interface_of(at_edge, other)["Attachment"]["AttachmentId"],
                "DeleteOnTermination": False,
            },
        )


def flags(world, instance, interface):
    """Returns True if source and destination are checked, by each read that shows it."""
    shown = world.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    asked = {"InstanceId": instance, "Attribute": "sourceDestCheck"}
    of_interface = {"NetworkInterfaceId": interface, "Attribute": "sourceDestCheck"}
    return {
        shown["SourceDestCheck"],
        shown["NetworkInterfaces"][0]["SourceDestCheck"],
        world.ec2.describe_instance_attribute(**asked)["SourceDestCheck"]["Value"],
        world.ec2.describe_network_interface_attribute(**of_interface)["SourceDestCheck"]["Value"],
        interface_of(world, interface)["SourceDestCheck"],
    }


def test_the_source_and_destination_check_is_one_flag_of_instance_and_primary_interface(at_edge):
    instance, interface = launched(at_edge)
    assert flags(at_edge, instance, interface) == {True}
    at_edge.ec2.modify_instance_attribute(InstanceId=instance, SourceDestCheck={"Value": False})
    assert flags(at_edge, instance, interface) == {False}
    at_edge.ec2.modify_network_interface_attribute(
        NetworkInterfaceId=interface, SourceDestCheck={"Value": True}
    )
    assert flags(at_edge, instance, interface) == {True}
    at_edge.ec2.modify_instance_attribute(InstanceId=instance, Attribute="sourceDestCheck", Value="false")
    assert flags(at_edge, instance, interface) == {False}


def test_with_several_interfaces_the_check_is_changed_at_the_interface_only(at_edge):
    instance, interface = launched(at_edge)
    second = at_edge.ec2.create_network_interface(SubnetId=at_edge.subnets["az1"])["NetworkInterface"]
    at_edge.ec2.attach_network_interface(
        NetworkInterfaceId=second["NetworkInterfaceId"], InstanceId=instance, DeviceIndex=1
    )
    with refused("InvalidInstanceID"):
        at_edge.ec2.modify_instance_attribute(InstanceId=instance, SourceDestCheck={"Value": False})
    at_edge.ec2.modify_network_interface_attribute(
        NetworkInterfaceId=second["NetworkInterfaceId"], SourceDestCheck={"Value": False}
    )
    assert interface_of(at_edge, interface)["SourceDestCheck"] is True


def test_the_flag_of_the_instance_survives_its_end(at_edge):
    instance, _ = launched(at_edge)
    at_edge.ec2.modify_instance_attribute(InstanceId=instance, SourceDestCheck={"Value": False})
    at_edge.ec2.terminate_instances(InstanceIds=[instance])
    shown = at_edge.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert shown["State"]["Name"] == "terminated"
