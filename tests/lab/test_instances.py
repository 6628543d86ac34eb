"""Instances change state in time and take their interfaces along."""

import pytest

from lab.ec2 import LeverError
from lab.ec2.world import world as described
from tests.lab.support import refused


def state(world, name="fw1"):
    got = world.ec2.describe_instances(InstanceIds=[world.instances[name]])
    return got["Reservations"][0]["Instances"][0]["State"]["Name"]


def test_stopping_and_starting_take_time(slow_edge):
    slow_edge.levers.instance("fw1", "stopped")
    assert state(slow_edge) == "stopping"
    with pytest.raises(LeverError, match="IncorrectInstanceState"):
        slow_edge.levers.restore("fw1")
    slow_edge.clock.advance(1.5)
    assert state(slow_edge) == "stopped"
    slow_edge.levers.instance("fw1", "running")
    assert state(slow_edge) == "pending"
    slow_edge.clock.advance(1.5)
    assert state(slow_edge) == "running"


def test_a_stopped_instance_keeps_its_elastic_ips(at_edge):
    at_edge.levers.instance("fw1", "stopped")
    assert at_edge.address()["InstanceId"] == at_edge.instances["fw1"]


def test_a_terminated_instance_frees_them(at_edge):
    at_edge.levers.instance("fw1", "terminated")
    assert state(at_edge) == "terminated"
    assert "AssociationId" not in at_edge.address()
    with refused("InvalidNetworkInterfaceID.NotFound"):
        at_edge.ec2.describe_network_interfaces(NetworkInterfaceIds=[at_edge.interfaces["fw1"]])
    assert at_edge.owner() == "10.0.2.10"
    with refused("IncorrectInstanceState"):
        at_edge.ec2.start_instances(InstanceIds=[at_edge.instances["fw1"]])
    (seen,) = at_edge.ec2.describe_instances(
        Filters=[{"Name": "instance-state-name", "Values": ["terminated"]}]
    )["Reservations"]
    assert seen["Instances"][0]["InstanceId"] == at_edge.instances["fw1"]


def test_an_interface_made_before_outlives_its_instance(at_edge):
    extra = at_edge.ec2.create_network_interface(SubnetId=at_edge.subnets["az1"])["NetworkInterface"]
    interface = extra["NetworkInterfaceId"]
    at_edge.ec2.attach_network_interface(
        NetworkInterfaceId=interface, InstanceId=at_edge.instances["fw1"], DeviceIndex=1
    )
    at_edge.ec2.associate_address(
        AllocationId=at_edge.elastic_ips["eip1"]["allocation_id"], NetworkInterfaceId=interface
    )
    at_edge.ec2.terminate_instances(InstanceIds=[at_edge.instances["fw1"]])
    (row,) = at_edge.ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"]
    assert row["Status"] == "available"
    address = at_edge.address()
    assert address["NetworkInterfaceId"] == interface
    assert "InstanceId" not in address


def test_asking_for_the_present_state_says_nothing(at_edge):
    at_edge.lab.recorded.events.clear()
    at_edge.levers.instance("fw1", "running")
    assert at_edge.lab.recorded.events == []


def test_an_instance_can_be_named_by_its_id(at_edge):
    at_edge.levers.instance(at_edge.instances["fw2"], "stopped")
    assert state(at_edge, "fw2") == "stopped"


def test_a_new_destination_replaces_the_old_one(slow_edge):
    slow_edge.clock.advance(60)
    slow_edge.lab.recorded.events.clear()
    slow_edge.levers.instance("fw1", "stopped")
    slow_edge.clock.advance(1)
    slow_edge.levers.instance("fw1", "terminated")
    slow_edge.clock.advance(60)
    told = [event["detail"]["state"] for event in slow_edge.lab.recorded.events]
    assert told == ["stopping", "shutting-down", "terminated"]


def alive(world, name="fw1"):
    shown = described(world.lab.backend.lab_region)["appliances"]
    return next(appliance["alive"] for appliance in shown if appliance["name"] == name)


@pytest.mark.parametrize("state", ["terminated", "stopped"])
def test_no_appliance_is_alive_whose_instance_does_not_run(at_edge, state):
    assert alive(at_edge)
    at_edge.levers.instance("fw1", state)
    at_edge.clock.sleep(5)
    assert not alive(at_edge)


def test_what_cannot_be_restored_changes_nothing(at_edge):
    at_edge.levers.kill("fw1")
    at_edge.levers.instance("fw1", "terminated")
    at_edge.clock.sleep(5)
    before = described(at_edge.lab.backend.lab_region)
    with pytest.raises(LeverError, match="IncorrectInstanceState"):
        at_edge.levers.restore("fw1")
    assert described(at_edge.lab.backend.lab_region) == before
    assert not at_edge.lab.backend.lab_region.appliances["fw1"].alive
