"""AssociateAddress as AWS has it now (docs/aws-facts.md#reassociation), and what the describes show of it."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.ec2 import Behaviour, lab_ec2
from lab.ec2.errors import UnknownAwsBehaviour
from tests.lab.support import refused

BOSTON = "us-east-1-bos-1"
NAMES = ["eip1", "eip2", "eip3", "eip4"]


def associate(world, name, appliance, ip, **more):
    return world.ec2.associate_address(
        AllocationId=world.elastic_ips[name]["allocation_id"],
        NetworkInterfaceId=world.interfaces[appliance],
        PrivateIpAddress=ip,
        **more,
    )["AssociationId"]


def shown_on(world, appliance):
    """Private address: public address, as the interface shows it."""
    (row,) = world.ec2.describe_network_interfaces(NetworkInterfaceIds=[world.interfaces[appliance]])[
        "NetworkInterfaces"
    ]
    return {
        item["PrivateIpAddress"]: item["Association"]["PublicIp"]
        for item in row["PrivateIpAddresses"]
        if "Association" in item
    }


def test_one_call_moves_an_address(at_edge):
    before = at_edge.address()
    made = associate(at_edge, "eip1", "fw2", "10.0.2.20")
    after = at_edge.address()
    assert made == after["AssociationId"] != before["AssociationId"]
    assert (after["NetworkInterfaceId"], after["PrivateIpAddress"], after["InstanceId"]) == (
        at_edge.interfaces["fw2"],
        "10.0.2.20",
        at_edge.instances["fw2"],
    )
    assert after["PublicIp"] not in shown_on(at_edge, "fw1").values()
    assert shown_on(at_edge, "fw2") == {"10.0.2.20": after["PublicIp"]}


def test_the_instance_shows_it_too(at_edge):
    associate(at_edge, "eip1", "fw2", "10.0.2.21")
    got = at_edge.ec2.describe_instances(InstanceIds=[at_edge.instances["fw2"]])
    (interface,) = got["Reservations"][0]["Instances"][0]["NetworkInterfaces"]
    associated = {
        item["PrivateIpAddress"]: item["Association"]["PublicIp"]
        for item in interface["PrivateIpAddresses"]
        if "Association" in item
    }
    assert associated == {"10.0.2.21": at_edge.address()["PublicIp"]}
    assert "Association" not in interface, "the primary address has none"


def test_repeating_keeps_the_association(at_edge):
    made = associate(at_edge, "eip1", "fw2", "10.0.2.20")
    assert associate(at_edge, "eip1", "fw2", "10.0.2.20") == made
    assert associate(at_edge, "eip1", "fw2", "10.0.2.20", AllowReassociation=False) == made


def test_allow_reassociation_false_fails_if_it_is_somewhere(at_edge):
    with refused("Resource.AlreadyAssociated"):
        associate(at_edge, "eip1", "fw2", "10.0.2.20", AllowReassociation=False)
    with refused("Resource.AlreadyAssociated"):
        associate(at_edge, "eip1", "fw1", "10.0.1.10", AllowReassociation=False)
    at_edge.ec2.disassociate_address(AssociationId=at_edge.address()["AssociationId"])
    associate(at_edge, "eip1", "fw2", "10.0.2.20", AllowReassociation=False)


def test_the_private_address_must_be_on_the_interface(at_edge):
    before = at_edge.address()
    with refused("InvalidParameterValue"):
        associate(at_edge, "eip1", "fw2", "10.0.1.20")
    assert at_edge.address() == before


def test_another_address_there_is_displaced_silently(at_edge):
    associate(at_edge, "eip1", "fw1", "10.0.1.21")
    assert at_edge.address("eip1")["PrivateIpAddress"] == "10.0.1.21"
    displaced = at_edge.address("eip2")
    assert "AssociationId" not in displaced
    assert "NetworkInterfaceId" not in displaced
    assert displaced["AllocationId"], "it stays allocated"


def test_without_a_private_address_the_primary_is_meant(at_edge):
    at_edge.ec2.associate_address(
        AllocationId=at_edge.elastic_ips["eip1"]["allocation_id"],
        InstanceId=at_edge.instances["fw2"],
    )
    assert at_edge.address()["PrivateIpAddress"] == "10.0.2.10"


def test_an_instance_with_two_interfaces_must_be_addressed_by_interface(at_edge):
    extra = at_edge.ec2.create_network_interface(SubnetId=at_edge.subnets["az2"])["NetworkInterface"]
    at_edge.ec2.attach_network_interface(
        NetworkInterfaceId=extra["NetworkInterfaceId"],
        InstanceId=at_edge.instances["fw2"],
        DeviceIndex=1,
    )
    with refused("InvalidInstanceID"):
        at_edge.ec2.associate_address(
            AllocationId=at_edge.elastic_ips["eip1"]["allocation_id"],
            InstanceId=at_edge.instances["fw2"],
        )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"AllocationId": "eipalloc-0123456789abcdef0"}, "InvalidAllocationID.NotFound"),
        ({"NetworkInterfaceId": "eni-0123456789abcdef0"}, "InvalidNetworkInterfaceID.NotFound"),
        ({"AllocationId": None}, "MissingParameter"),
        ({"NetworkInterfaceId": None}, "MissingParameter"),
        ({"InstanceId": "i-0123456789abcdef0"}, "InvalidParameterCombination"),
    ],
)
def test_what_is_not_there_is_refused(at_edge, change, code):
    params = {
        "AllocationId": at_edge.elastic_ips["eip1"]["allocation_id"],
        "NetworkInterfaceId": at_edge.interfaces["fw2"],
        **change,
    }
    with refused(code):
        at_edge.ec2.associate_address(**{key: value for key, value in params.items() if value})


def test_without_an_internet_gateway_there_is_no_way_in(at_edge):
    for name in at_edge.elastic_ips:
        at_edge.ec2.disassociate_address(AssociationId=at_edge.address(name)["AssociationId"])
    at_edge.ec2.detach_internet_gateway(InternetGatewayId=at_edge.internet_gateway_id, VpcId=at_edge.vpc_id)
    with refused("Gateway.NotAttached"):
        associate(at_edge, "eip1", "fw2", "10.0.2.20")


def launch(ec2, count=1):
    """Instances with an auto-assigned public address, and an Elastic IP."""
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    made = ec2.run_instances(ImageId="ami-12c6146b", MinCount=count, MaxCount=count, SubnetId=subnet)
    interfaces = [item["NetworkInterfaces"][0]["NetworkInterfaceId"] for item in made["Instances"]]
    return interfaces, ec2.allocate_address(Domain="vpc")["AllocationId"]


def public(ec2, interface):
    (row,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"]
    return row.get("Association", {}).get("PublicIp")


def test_an_auto_assigned_address_is_lost_for_good():
    with lab_ec2(behaviour=Behaviour(require_internet_gateway=False)) as lab:
        ec2 = lab.client()
        (one, two), allocation = launch(ec2, count=2)
        auto = public(ec2, one)
        assert auto is not None
        ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=one)
        elastic = ec2.describe_addresses()["Addresses"][0]["PublicIp"]
        assert public(ec2, one) == elastic != auto
        ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=two)
        assert public(ec2, two) == elastic
        assert public(ec2, one) not in {elastic, auto, None}, "a new one is assigned"


def test_an_elastic_ip_on_a_secondary_address_leaves_the_auto_assigned_one():
    with lab_ec2(behaviour=Behaviour(require_internet_gateway=False)) as lab:
        ec2 = lab.client()
        (interface,), allocation = launch(ec2)
        auto = public(ec2, interface)
        ec2.assign_private_ip_addresses(NetworkInterfaceId=interface, PrivateIpAddresses=["10.0.1.99"])
        ec2.associate_address(
            AllocationId=allocation, NetworkInterfaceId=interface, PrivateIpAddress="10.0.1.99"
        )
        assert public(ec2, interface) == auto


def test_disassociating_is_idempotent_but_not_for_what_a_move_ended(at_edge):
    moved = at_edge.address()["AssociationId"]
    associate(at_edge, "eip1", "fw2", "10.0.2.20")
    with refused("InvalidAssociationID.NotFound"):
        at_edge.ec2.disassociate_address(AssociationId=moved)
    ended = at_edge.address()["AssociationId"]
    at_edge.ec2.disassociate_address(AssociationId=ended)
    at_edge.ec2.disassociate_address(AssociationId=ended)
    assert "NetworkInterfaceId" not in at_edge.address()


def test_an_address_in_use_is_not_released(at_edge):
    with refused("InvalidIPAddress.InUse"):
        at_edge.ec2.release_address(AllocationId=at_edge.elastic_ips["eip1"]["allocation_id"])


def test_filters(at_edge):
    one = at_edge.address("eip1")

    def found(name, *values):
        got = at_edge.ec2.describe_addresses(Filters=[{"Name": name, "Values": list(values)}])
        return {row["AllocationId"] for row in got["Addresses"]}

    alone = {one["AllocationId"]}
    for name, member in (
        ("allocation-id", "AllocationId"),
        ("association-id", "AssociationId"),
        ("private-ip-address", "PrivateIpAddress"),
        ("public-ip", "PublicIp"),
    ):
        assert found(name, one[member]) == alone, name
    assert found("tag:Name", "eip1", "eip9") == alone
    everything = {item["allocation_id"] for item in at_edge.elastic_ips.values()}
    assert found("network-interface-id", at_edge.interfaces["fw1"]) == everything
    assert found("instance-id", at_edge.instances["fw1"]) == everything
    assert found("tag:tandem:stack", "tandem") == everything
    assert found("private-ip-address", "10.0.1.10") == set()
    with refused("InvalidParameterValue"):
        found("colour", "blue")


moves = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(["fw1", "fw2"]), st.sampled_from([10, 20, 21, 22, 23])),
    max_size=12,
)


@given(moves)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_moves_no_two_addresses_share_a_place_and_all_describes_agree(at_edge, steps):
    for name, appliance, last in steps:
        associate(at_edge, name, appliance, f"10.0.{appliance[-1]}.{last}")
    rows = at_edge.ec2.describe_addresses()["Addresses"]
    held = [row for row in rows if "NetworkInterfaceId" in row]
    places = {(row["NetworkInterfaceId"], row["PrivateIpAddress"]) for row in held}
    assert len(places) == len(held)
    for appliance in ("fw1", "fw2"):
        assert shown_on(at_edge, appliance) == {
            row["PrivateIpAddress"]: row["PublicIp"]
            for row in held
            if row["NetworkInterfaceId"] == at_edge.interfaces[appliance]
        }
    if steps:
        name, appliance, last = steps[-1]
        assert at_edge.address(name)["PrivateIpAddress"] == f"10.0.{appliance[-1]}.{last}"


def test_an_address_is_of_the_regions_network_border_group_unless_it_is_told(at_edge):
    ec2 = at_edge.ec2
    made = [ec2.allocate_address(Domain="vpc", **named) for named in ({}, {"NetworkBorderGroup": BOSTON})]
    assert [a["NetworkBorderGroup"] for a in made] == ["us-east-1", BOSTON]
    shown = ec2.describe_addresses(AllocationIds=[a["AllocationId"] for a in made])["Addresses"]
    assert {a["NetworkBorderGroup"] for a in shown} == {"us-east-1", BOSTON}
    zones = ec2.describe_availability_zones(Filters=[{"Name": "zone-name", "Values": ["us-east-1a"]}])
    assert [z["NetworkBorderGroup"] for z in zones["AvailabilityZones"]] == ["us-east-1"]
    with pytest.raises(UnknownAwsBehaviour, match="network border group"):
        ec2.associate_address(
            AllocationId=made[1]["AllocationId"], NetworkInterfaceId=at_edge.interfaces["fw1"]
        )
