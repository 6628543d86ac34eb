"""Tests that what Route Server or an instance stands on cannot be pulled away, and there is always a way
to the end.
"""

import pytest

from lab.ec2 import Behaviour, DeletedTable, LeverError, lab_ec2
from lab.ec2.scenario import edge
from tests.lab.support import Edge, refused


@pytest.fixture
def endpoint_interface(at_edge):
    rows = at_edge.ec2.describe_route_server_endpoints()["RouteServerEndpoints"]
    return rows[0]["EniId"]


def test_a_subnet_with_an_endpoint_cannot_be_deleted(at_edge):
    with refused("DependencyViolation"):
        at_edge.ec2.delete_subnet(SubnetId=at_edge.subnets["az1"])
    rows = at_edge.ec2.describe_route_server_endpoints()["RouteServerEndpoints"]
    assert {row["SubnetId"] for row in rows} == {at_edge.subnets["az1"], at_edge.subnets["az2"]}


def test_a_subnet_can_be_deleted_once_nothing_is_in_it(at_edge):
    subnet = at_edge.ec2.create_subnet(VpcId=at_edge.vpc_id, CidrBlock="10.0.77.0/24")["Subnet"]["SubnetId"]
    interface = at_edge.ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]
    with refused("DependencyViolation"):
        at_edge.ec2.delete_subnet(SubnetId=subnet)
    at_edge.ec2.delete_network_interface(NetworkInterfaceId=interface["NetworkInterfaceId"])
    at_edge.ec2.delete_subnet(SubnetId=subnet)
    with refused("InvalidSubnetID.NotFound"):
        at_edge.ec2.delete_subnet(SubnetId=subnet)


def associate(world, interface):
    address = world.elastic_ips["eip1"]["allocation_id"]
    world.ec2.associate_address(AllocationId=address, NetworkInterfaceId=interface)


CHANGES = {
    "associate": associate,
    "assign": lambda world, interface: world.ec2.assign_private_ip_addresses(
        NetworkInterfaceId=interface, SecondaryPrivateIpAddressCount=1
    ),
    "unassign": lambda world, interface: world.ec2.unassign_private_ip_addresses(
        NetworkInterfaceId=interface, PrivateIpAddresses=["10.0.1.99"]
    ),
    "assign ipv6": lambda world, interface: world.ec2.assign_ipv6_addresses(
        NetworkInterfaceId=interface, Ipv6Addresses=["2001:db8::1"]
    ),
    "unassign ipv6": lambda world, interface: world.ec2.unassign_ipv6_addresses(
        NetworkInterfaceId=interface, Ipv6Addresses=["2001:db8::1"]
    ),
    "attach": lambda world, interface: world.ec2.attach_network_interface(
        NetworkInterfaceId=interface, InstanceId=world.instances["fw1"], DeviceIndex=1
    ),
    "modify": lambda world, interface: world.ec2.modify_network_interface_attribute(
        NetworkInterfaceId=interface, SourceDestCheck={"Value": False}
    ),
    "launch": lambda world, interface: world.ec2.run_instances(
        ImageId="ami-12c6146b",
        MinCount=1,
        MaxCount=1,
        NetworkInterfaces=[{"DeviceIndex": 0, "NetworkInterfaceId": interface}],
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_interface_of_an_endpoint_is_not_the_accounts_to_change(at_edge, endpoint_interface, change):
    def shown():
        got = at_edge.ec2.describe_network_interfaces(NetworkInterfaceIds=[endpoint_interface])
        return got["NetworkInterfaces"]

    before = shown()
    with refused("AuthFailure"):
        CHANGES[change](at_edge, endpoint_interface)
    assert shown() == before


def test_the_code_of_that_refusal_can_be_another():
    with lab_ec2(behaviour=Behaviour(managed_interface_code="OperationNotPermitted")) as lab:
        world = Edge(lab, edge(lab.client(), lab.levers, sleep=lab.clock.sleep))
        rows = world.ec2.describe_route_server_endpoints()["RouteServerEndpoints"]
        with refused("OperationNotPermitted"):
            associate(world, rows[0]["EniId"])


def test_a_stranger_cannot_do_it_either(at_edge, endpoint_interface):
    address = at_edge.elastic_ips["eip1"]["allocation_id"]
    with pytest.raises(LeverError, match="AuthFailure"):
        at_edge.levers.associate_as_stranger(address, endpoint_interface, "10.0.1.254")


def test_the_interface_of_an_endpoint_can_be_tagged(at_edge, endpoint_interface):
    """The User Guide: "you can add or remove tags"."""
    at_edge.ec2.create_tags(Resources=[endpoint_interface], Tags=[{"Key": "a", "Value": "b"}])
    got = at_edge.ec2.describe_network_interfaces(NetworkInterfaceIds=[endpoint_interface])
    assert {"Key": "a", "Value": "b"} in got["NetworkInterfaces"][0]["TagSet"]


def test_a_vpc_with_a_route_server_or_a_gateway_cannot_be_deleted(ec2, lab):
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    server = ec2.create_route_server(AmazonSideAsn=65000)["RouteServer"]["RouteServerId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.associate_route_server(RouteServerId=server, VpcId=vpc)
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    with refused("DependencyViolation"):
        ec2.delete_vpc(VpcId=vpc)
    ec2.disassociate_route_server(RouteServerId=server, VpcId=vpc)
    with refused("DependencyViolation"):
        ec2.delete_vpc(VpcId=vpc)
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_vpc(VpcId=vpc)
    assert vpc not in [row["VpcId"] for row in ec2.describe_vpcs()["Vpcs"]]


def test_a_gateway_with_elastic_ips_behind_it_cannot_be_detached(at_edge):
    where = {"InternetGatewayId": at_edge.internet_gateway_id, "VpcId": at_edge.vpc_id}
    with refused("DependencyViolation"):
        at_edge.ec2.detach_internet_gateway(**where)
    for name in at_edge.elastic_ips:
        at_edge.ec2.disassociate_address(AssociationId=at_edge.address(name)["AssociationId"])
    at_edge.ec2.detach_internet_gateway(**where)


def test_the_main_route_table_cannot_be_deleted(at_edge):
    found = at_edge.ec2.describe_route_tables(
        Filters=[
            {"Name": "vpc-id", "Values": [at_edge.vpc_id]},
            {"Name": "association.main", "Values": ["true"]},
        ]
    )["RouteTables"]
    (main,) = found
    with refused("DependencyViolation"):
        at_edge.ec2.delete_route_table(RouteTableId=main["RouteTableId"])


@pytest.fixture
def propagating():
    """By what DeleteRouteTable does: EC2, a route server, and a table of no subnet to which it propagates."""
    opened = []

    def make(deleted_table):
        context = lab_ec2(behaviour=Behaviour(deleted_table=deleted_table))
        lab = context.__enter__()
        opened.append(context)
        world = edge(lab.client(), lab.levers, sleep=lab.clock.sleep)
        ec2, server = lab.client(), world["route_server_id"]
        table = ec2.create_route_table(VpcId=world["vpc_id"])["RouteTable"]["RouteTableId"]
        ec2.enable_route_server_propagation(RouteServerId=server, RouteTableId=table)
        return ec2, server, table

    yield make
    for context in reversed(opened):
        context.__exit__(None, None, None)


def propagations(ec2, server):
    got = ec2.get_route_server_propagations(RouteServerId=server)
    return [row["RouteTableId"] for row in got["RouteServerPropagations"]]


def test_a_deleted_table_ends_its_propagation(propagating):
    ec2, server, table = propagating(DeletedTable.ENDS)
    ec2.delete_route_table(RouteTableId=table)
    assert table not in propagations(ec2, server)
    with refused("InvalidRouteTableID.NotFound"):
        ec2.disable_route_server_propagation(RouteServerId=server, RouteTableId=table)


def test_a_propagation_may_keep_its_table(propagating):
    ec2, server, table = propagating(DeletedTable.REFUSED)
    with refused("DependencyViolation"):
        ec2.delete_route_table(RouteTableId=table)
    ec2.disable_route_server_propagation(RouteServerId=server, RouteTableId=table)
    ec2.delete_route_table(RouteTableId=table)


def test_a_propagation_may_outlive_its_table_until_it_is_disabled(propagating):
    ec2, server, table = propagating(DeletedTable.LEAVES)
    ec2.delete_route_table(RouteTableId=table)
    assert table in propagations(ec2, server)
    ec2.disable_route_server_propagation(RouteServerId=server, RouteTableId=table)
    assert table not in propagations(ec2, server)


@pytest.mark.parametrize("deleted_table", [d for d in DeletedTable if d is not DeletedTable.HOLDS])
def test_there_is_a_way_to_the_end_unless_the_lab_is_told_that_there_is_none(propagating, deleted_table):
    """Disable what is there, as far as that can be, delete the table, disassociate."""
    ec2, server, table = propagating(deleted_table)
    if deleted_table is not DeletedTable.REFUSED:
        ec2.delete_route_table(RouteTableId=table)
    for left in propagations(ec2, server):
        if left != table or deleted_table is not DeletedTable.FORGETS:
            ec2.disable_route_server_propagation(RouteServerId=server, RouteTableId=left)
    for row in ec2.describe_route_server_peers()["RouteServerPeers"]:
        ec2.delete_route_server_peer(RouteServerPeerId=row["RouteServerPeerId"])
    for row in ec2.describe_route_server_endpoints()["RouteServerEndpoints"]:
        ec2.delete_route_server_endpoint(RouteServerEndpointId=row["RouteServerEndpointId"])
    vpc = ec2.get_route_server_associations(RouteServerId=server)["RouteServerAssociations"][0]["VpcId"]
    ec2.disassociate_route_server(RouteServerId=server, VpcId=vpc)
    ec2.delete_route_server(RouteServerId=server)
