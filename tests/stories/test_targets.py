"""Tests where the Elastic IPs should go: interfaces and instances that are not ready, go away or are
replaced.
"""

from __future__ import annotations

import pytest

from lab.ec2.scenario_routing import tags_on
from tandem.adapters import ec2rows
from tandem.adapters.rows import Row
from tandem.model import PrivateAddress
from tests.judging import moved, reasons, told
from tests.stack import MOVING, Stack, edge_document
from tests.worlds import attach, outside_interfaces

EVERY = ["eip1", "eip2", "eip3", "eip4"]
FOLLOWED = ["moving 4 Elastic IPs to fw2", "moved 4 Elastic IPs to fw2"]
ONCE = ["intent", "outcome"]
INTERFACE_TAGS = tags_on("network-interface", "outside", tandem__stack="tandem")


def test_target_not_ready_then_ready(edge: Stack) -> None:
    """Its private IP is missing: that address holds, the others move."""
    ec2, interface = edge.lab.client(), edge.ids["interfaces"]["fw2"]
    ec2.unassign_private_ip_addresses(NetworkInterfaceId=interface, PrivateIpAddresses=["10.0.2.20"])
    edge.levers.kill(name="fw1")
    edge.live(60)
    assert edge.holders() == dict.fromkeys(EVERY, "fw2") | {"eip1": "fw1"}
    assert "does not have the private IP 10.0.2.20" in reasons(edge)[-1]
    ec2.assign_private_ip_addresses(NetworkInterfaceId=interface, PrivateIpAddresses=["10.0.2.20"])
    edge.live(60)
    assert edge.are_all_with("fw2")
    assert sorted(moved(edge)) == EVERY
    assert edge.kinds() == [*ONCE, "hold", *ONCE, "hold-ended"]
    first, second, held, *followed = told(edge)
    assert first == "moving 3 Elastic IPs to fw2"
    assert second.startswith("moved 3 of 4 Elastic IPs to fw2; 198.51.100.1 is held")
    assert held.startswith("OUTAGE: fw1 is dead with 198.51.100.1: eni-")
    assert followed == ["moving 1 Elastic IP to fw2", "moved 1 Elastic IP to fw2", "hold ended"]


def test_target_with_a_strangers_elastic_ip(edge: Stack) -> None:
    """It is not thrown off; when it leaves, ours follows."""
    ec2 = edge.lab.client()
    strange = ec2.allocate_address(Domain="vpc")["AllocationId"]
    edge.levers.associate_as_stranger(
        allocation_id=strange, network_interface_id=edge.ids["interfaces"]["fw2"], private_ip="10.0.2.21"
    )
    edge.levers.kill(name="fw1")
    edge.live(60)
    assert edge.holders() == dict.fromkeys(EVERY, "fw2") | {"eip2": "fw1"}
    found = ec2.describe_addresses(AllocationIds=[strange])["Addresses"][0]
    assert found["PrivateIpAddress"] == "10.0.2.21"
    assert f"another Elastic IP, {strange}" in reasons(edge)[-1]
    ec2.disassociate_address(AssociationId=found["AssociationId"])
    edge.live(60)
    assert edge.are_all_with("fw2")
    assert sorted(moved(edge)) == EVERY
    assert edge.kinds() == [*ONCE, "hold", *ONCE, "hold-ended"]


def test_target_with_a_strangers_elastic_ip_whose_interface_cannot_be_read(edge: Stack) -> None:
    """The holder is dead: the others move all the same."""
    ec2 = edge.lab.client()
    strange = ec2.allocate_address(Domain="vpc")["AllocationId"]
    edge.levers.associate_as_stranger(
        allocation_id=strange, network_interface_id=edge.ids["interfaces"]["fw2"], private_ip="10.0.2.21"
    )
    edge.levers.fault(action="DescribeNetworkInterfaces", error="UnauthorizedOperation")
    edge.levers.kill(name="fw1")
    edge.live(10)
    (found,) = ec2.describe_addresses(AllocationIds=[strange])["Addresses"]
    assert found.get("PrivateIpAddress") == "10.0.2.21"
    assert sorted(moved(edge)) == ["eip1", "eip3", "eip4"]
    assert f"has another Elastic IP, {strange} (" in reasons(edge)[-1]


@pytest.mark.parametrize("is_whole", [True, False])
def test_target_with_a_strangers_elastic_ip_that_is_unread_alone(
    edge: Stack, monkeypatch: pytest.MonkeyPatch, *, is_whole: bool
) -> None:
    """The target's interface cannot be read, by itself or at all: the addresses say what a move displaces."""
    ec2 = edge.lab.client()
    strange = ec2.allocate_address(Domain="vpc")["AllocationId"]
    edge.levers.associate_as_stranger(
        allocation_id=strange, network_interface_id=edge.ids["interfaces"]["fw2"], private_ip="10.0.2.21"
    )
    read = ec2rows._private_address

    def unreadable(row: Row) -> PrivateAddress:
        # only DescribeNetworkInterfaces shows an allocation
        is_alone = "AllocationId" in (row.get("Association") or {})
        if row["PrivateIpAddress"] == "10.0.2.21" and (is_alone or not is_whole):
            raise ValueError("odd")
        return read(row)

    monkeypatch.setattr(ec2rows, "_private_address", unreadable)
    edge.levers.kill(name="fw1")
    edge.live(10)
    (found,) = ec2.describe_addresses(AllocationIds=[strange])["Addresses"]
    assert found.get("PrivateIpAddress") == "10.0.2.21"
    assert sorted(moved(edge)) == ["eip1", "eip3", "eip4"]
    assert f"has another Elastic IP, {strange}" in reasons(edge)[-1]


def test_target_with_an_auto_assigned_address_whose_interface_cannot_be_read(edge: Stack) -> None:
    """A move would release that address for good: the instance shows it, and the others move."""
    interface = edge.ids["interfaces"]["fw2"]
    edge.lab.backend.enis[interface].public_ip = "203.0.113.77"  # as AWS assigned it at launch
    document = edge_document(edge.ids)
    document["groups"][0]["elastic_ips"][0]["targets"]["fw2"]["private_ip"] = "10.0.2.10"
    edge.store(groups=document["groups"])
    edge.levers.fault(action="DescribeNetworkInterfaces", error="UnauthorizedOperation")
    edge.levers.kill(name="fw1")
    edge.live(10)
    assert edge.lab.backend.enis[interface].public_ip == "203.0.113.77"
    assert sorted(moved(edge)) == EVERY[1:]
    assert "has the auto-assigned public address 203.0.113.77" in reasons(edge)[-1]


def test_interface_detached(edge: Stack) -> None:
    """The standby's; its appliance is alive and owns the route. Attached again, it gets the addresses."""
    attachments = outside_interfaces(edge)
    client = edge.lab.client()
    client.detach_network_interface(AttachmentId=attachments["fw2"])
    edge.live(60)
    assert edge.audit() == []
    edge.levers.kill(name="fw1")
    edge.live(60)
    assert edge.are_all_with("fw1")
    assert edge.calls(*MOVING) == []
    assert f"{edge.ids['interfaces']['fw2']} is not attached to an appliance's instance" in reasons(edge)[-1]
    assert edge.kinds() == ["hold"]
    attach(edge, edge.ids["interfaces"]["fw2"], "fw2")
    edge.live(60)
    assert edge.are_all_with("fw2")
    assert sorted(moved(edge)) == EVERY
    assert edge.kinds() == ["hold", *ONCE, "hold-ended"]
    held, *followed = told(edge)
    assert held.startswith("OUTAGE: fw1 is dead with 4 Elastic IPs: ")
    assert followed == [*FOLLOWED, "hold ended"]


def test_interface_of_the_holder_detached(edge: Stack) -> None:
    """The addresses stay with the route; when it moves, they leave the loose interface."""
    attachments = outside_interfaces(edge)
    edge.lab.client().detach_network_interface(AttachmentId=attachments["fw1"])
    edge.live(60)
    assert edge.are_all_with("fw1")
    assert edge.calls(*MOVING) == []
    edge.levers.kill(name="fw1")
    edge.live(60)
    assert edge.are_all_with("fw2")
    assert sorted(moved(edge)) == EVERY
    assert edge.kinds()[-2:] == ONCE
    assert told(edge)[-2:] == FOLLOWED


def test_instance_stopped(edge: Stack) -> None:
    """The active one's: its sessions end, the route leaves, the addresses follow; back with its start."""
    edge.levers.instance(name="fw1", state="stopped")
    edge.live(60)
    assert edge.are_all_with("fw2")
    edge.levers.instance(name="fw1", state="running")
    edge.live(60)
    assert edge.are_all_with("fw1")
    assert len(moved(edge)) == 8
    assert edge.kinds() == ONCE * 2
    assert told(edge)[:2] == FOLLOWED


def test_target_on_a_stopped_instance(edge: Stack) -> None:
    """Not even a forced pin moves an address there."""
    edge.override(action="pinned", appliance="fw2", until="2026-01-02T00:00:00+00:00", forced=True)
    edge.levers.instance(name="fw2", state="stopped")
    edge.live(60)
    assert edge.are_all_with("fw1")
    assert edge.calls(*MOVING) == []
    assert "which is stopp" in reasons(edge)[-1]


def test_instance_terminated(edge: Stack) -> None:
    """The active one's interface goes with it, and EC2 leaves the addresses with nobody."""
    edge.levers.instance(name="fw1", state="terminated")
    edge.live(60)
    assert edge.are_all_with("fw2")
    assert sorted(set(moved(edge))) == EVERY
    assert edge.kinds()[-2:] == ONCE
    assert {c["outcome"] for c in edge.calls("AssociateAddress")} == {"OK"}
    assert told(edge)[-2:] == FOLLOWED


def test_standby_terminated_before_the_active_one_dies(edge: Stack) -> None:
    interface = edge.ids["interfaces"]["fw2"]
    edge.levers.instance(name="fw2", state="terminated")
    edge.live(5)
    assert edge.audit() == []
    edge.levers.kill(name="fw1")
    edge.live(60)
    assert edge.are_all_with("fw1")
    assert edge.calls(*MOVING) == []
    assert edge.kinds() == ["hold"]
    shown = edge.lab.client().describe_network_interfaces()["NetworkInterfaces"]
    assert interface not in {i["NetworkInterfaceId"] for i in shown}


def replaced(s: Stack, name: str) -> None:
    """A new instance with a new interface takes the place, the addresses and the sessions of a dead one."""
    client, number = s.lab.client(), int(name[-1])
    s.levers.instance(name=name, state="terminated")
    s.clock.sleep(5)
    private_ips = [f"10.0.{number}.{20 + n}" for n in range(4)]
    run = client.run_instances(
        ImageId="ami-12c6146b",
        InstanceType="c5.large",
        MinCount=1,
        MaxCount=1,
        SubnetId=s.ids["subnets"][f"az{number}"],
        PrivateIpAddress=f"10.0.{number}.10",
        TagSpecifications=tags_on("instance", name),
    )["Instances"][0]
    interface = run["NetworkInterfaces"][0]["NetworkInterfaceId"]
    client.assign_private_ip_addresses(NetworkInterfaceId=interface, PrivateIpAddresses=private_ips)
    client.create_tags(Resources=[interface], Tags=INTERFACE_TAGS[0]["Tags"])
    s.ids["instances"][name], s.ids["interfaces"][name] = run["InstanceId"], interface
    path = [65000 + number] * (2 * number - 1)
    s.levers.register(
        name=name,
        instance_id=run["InstanceId"],
        asn=65000 + number,
        routes=[{"prefix": "0.0.0.0/0", "as_path": path}],
    )


def test_instance_replaced(edge: Stack) -> None:
    """A new instance, a new interface; until the document names them, nobody declares the route's owner."""
    replaced(edge, "fw2")
    edge.live(20)
    edge.levers.kill(name="fw1")
    edge.live(60)
    assert edge.are_all_with("fw1")
    assert edge.calls(*MOVING) == []
    assert reasons(edge)[-1] == "0.0.0.0/0 goes to 10.0.2.10, which no declared appliance has"
    edge.store()
    edge.live(60)
    assert edge.are_all_with("fw2")
    assert sorted(moved(edge)) == EVERY
    assert edge.kinds()[-4:] == ["hold", *ONCE, "hold-ended"]
    assert told(edge)[-3:] == [*FOLLOWED, "hold ended"]


def test_active_instance_replaced(edge: Stack) -> None:
    """The addresses wait with the other one, and go to the new interface with the document that names it."""
    edge.levers.instance(name="fw1", state="stopped")
    edge.live(30)
    assert edge.are_all_with("fw2")
    replaced(edge, "fw1")
    edge.live(60)
    assert edge.are_all_with("fw2")
    edge.store()
    edge.live(120)
    assert edge.are_all_with("fw1")
    assert edge.calls(*MOVING) == edge.calls("AssociateAddress")
    assert edge.kinds()[-3:].count("outcome") >= 1
