"""Instances that are protected, tags that are AWS's own."""

import pytest
from botocore.exceptions import ClientError

from tests.lab.support import refused


def launched(world, zone="az1", **more):
    made = world.ec2.run_instances(
        ImageId="ami-12c6146b", MinCount=1, MaxCount=1, SubnetId=world.subnets[zone], **more
    )
    return made["Instances"][0]["InstanceId"]


def state(world, instance):
    got = world.ec2.describe_instances(InstanceIds=[instance])
    return got["Reservations"][0]["Instances"][0]["State"]["Name"]


def protect(world, instance, attribute, wanted=True):
    world.ec2.modify_instance_attribute(InstanceId=instance, **{attribute: {"Value": wanted}})


def test_termination_protection_refuses_the_end(at_edge):
    instance = at_edge.instances["fw1"]
    protect(at_edge, instance, "DisableApiTermination")
    with refused("OperationNotPermitted") as caught:
        at_edge.ec2.terminate_instances(InstanceIds=[instance])
    assert "'disableApiTermination'" in str(caught.value)
    assert state(at_edge, instance) == "running"
    at_edge.ec2.stop_instances(InstanceIds=[instance])
    protect(at_edge, instance, "DisableApiTermination", wanted=False)
    at_edge.ec2.terminate_instances(InstanceIds=[instance])
    assert state(at_edge, instance) == "terminated"


def test_termination_protection_can_be_asked_for_at_launch(at_edge):
    instance = launched(at_edge, DisableApiTermination=True)
    shown = at_edge.ec2.describe_instance_attribute(InstanceId=instance, Attribute="disableApiTermination")
    assert shown["DisableApiTermination"] == {"Value": True}
    with refused("OperationNotPermitted"):
        at_edge.ec2.terminate_instances(InstanceIds=[instance])


@pytest.mark.parametrize("call", ["stop_instances", "terminate_instances"])
def test_stop_protection_refuses_stop_and_end(at_edge, call):
    """The User Guide: "Stop protection also protects your instance from accidental termination"."""
    instance = launched(at_edge, DisableApiStop=True)
    with refused("OperationNotPermitted") as caught:
        getattr(at_edge.ec2, call)(InstanceIds=[instance])
    assert "'disableApiStop'" in str(caught.value)
    assert state(at_edge, instance) == "running"
    protect(at_edge, instance, "DisableApiStop", wanted=False)
    getattr(at_edge.ec2, call)(InstanceIds=[instance])


def test_a_protected_instance_keeps_those_of_its_zone_and_no_others(at_edge):
    """The example of TerminateInstances' page."""
    a, b = launched(at_edge, "az1"), launched(at_edge, "az1")
    c, d = launched(at_edge, "az2", DisableApiTermination=True), launched(at_edge, "az2")
    with refused("OperationNotPermitted"):
        at_edge.ec2.terminate_instances(InstanceIds=[a, c, b, d])
    assert [state(at_edge, one) for one in (a, b, c, d)] == ["terminated"] * 2 + ["running"] * 2


def test_an_unknown_instance_keeps_all_of_them(at_edge):
    known = launched(at_edge)
    with refused("InvalidInstanceID.NotFound"):
        at_edge.ec2.terminate_instances(InstanceIds=[known, "i-0123456789abcdef0"])
    assert state(at_edge, known) == "running"


def test_the_end_can_be_asked_for_twice(at_edge):
    instance = launched(at_edge)
    at_edge.ec2.terminate_instances(InstanceIds=[instance])
    at_edge.ec2.terminate_instances(InstanceIds=[instance])


def test_a_shutdown_from_within_asks_nobody(at_edge):
    """Protection is about EC2's API, console and command line."""
    protect(at_edge, at_edge.instances["fw1"], "DisableApiStop")
    at_edge.levers.instance("fw1", "stopped")
    assert state(at_edge, at_edge.instances["fw1"]) == "stopped"


RESERVED = [{"Key": "aws:cloudformation:stack-name", "Value": "x"}]


def tags(world, resource):
    got = world.ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [resource]}])
    return {tag["Key"]: tag["Value"] for tag in got["Tags"]}


def test_nobody_gives_a_tag_that_is_reserved_for_aws(at_edge):
    before = tags(at_edge, at_edge.interfaces["fw1"])
    with refused("InvalidParameterValue") as caught:
        at_edge.ec2.create_tags(
            Resources=[at_edge.interfaces["fw1"]], Tags=[{"Key": "a", "Value": ""}, *RESERVED]
        )
    assert "aws:cloudformation:stack-name" in str(caught.value)
    assert tags(at_edge, at_edge.interfaces["fw1"]) == before


@pytest.mark.parametrize(
    ("call", "kind", "params"),
    [
        ("create_route_server", "route-server", {"AmazonSideAsn": 65000}),
        ("allocate_address", "elastic-ip", {"Domain": "vpc"}),
        ("run_instances", "instance", {"ImageId": "ami-12c6146b", "MinCount": 1, "MaxCount": 1}),
        ("create_vpc", "vpc", {"CidrBlock": "10.0.0.0/16"}),
    ],
)
def test_nothing_is_made_with_such_a_tag(ec2, call, kind, params):
    with refused("InvalidParameterValue"):
        getattr(ec2, call)(TagSpecifications=[{"ResourceType": kind, "Tags": RESERVED}], **params)
    assert ec2.describe_route_servers()["RouteServers"] == []
    assert ec2.describe_addresses()["Addresses"] == []
    assert ec2.describe_instances()["Reservations"] == []


def test_a_tag_of_aws_stays(at_edge, lab):
    """CloudFormation's, say."""
    interface = at_edge.interfaces["fw1"]
    at_edge.levers.region.backend.create_tags([interface], {"aws:cloudformation:stack-name": "x"})
    with refused("InvalidParameterValue"):
        at_edge.ec2.delete_tags(Resources=[interface], Tags=[{"Key": "aws:cloudformation:stack-name"}])
    at_edge.ec2.delete_tags(Resources=[interface])
    assert tags(at_edge, interface) == {"aws:cloudformation:stack-name": "x"}


def test_tags_go_by_key_by_key_and_value_or_all_at_once(at_edge):
    interface = at_edge.interfaces["fw1"]
    given = [{"Key": key, "Value": "1"} for key in ("a", "b", "c")]
    at_edge.ec2.create_tags(Resources=[interface], Tags=given)
    at_edge.ec2.delete_tags(Resources=[interface], Tags=[{"Key": "a"}, {"Key": "b", "Value": "2"}])
    assert {"b", "c"} <= set(tags(at_edge, interface))
    assert "a" not in tags(at_edge, interface)
    at_edge.ec2.delete_tags(Resources=[interface])
    assert tags(at_edge, interface) == {}


def test_the_prefix_alone_is_reserved(at_edge):
    at_edge.ec2.create_tags(Resources=[at_edge.interfaces["fw1"]], Tags=[{"Key": "aws", "Value": "x"}])
    with pytest.raises(ClientError):
        at_edge.ec2.create_tags(Resources=[at_edge.interfaces["fw1"]], Tags=[{"Key": "aws:", "Value": "x"}])
