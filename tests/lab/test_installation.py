"""From the FIB into route tables: what is installed, and what is rejected with which reason."""

import ipaddress

import pytest

from lab.ec2.errors import LeverError
from lab.ec2.timings import REASONS, Rejection


def rejected(reason):
    return ("rejected", REASONS[reason])


def test_a_propagated_route_is_marked_and_points_to_the_interface_of_its_next_hop(at_edge):
    table = at_edge.route_tables["protected"]
    assert at_edge.installation() == {table: ("installed", None)}
    assert at_edge.propagated() == {"0.0.0.0/0": ("10.0.1.10", at_edge.interfaces["fw1"], "active")}
    found = at_edge.ec2.describe_route_tables(
        Filters=[{"Name": "route.instance-id", "Values": [at_edge.instances["fw1"]]}]
    )
    assert [row["RouteTableId"] for row in found["RouteTables"]] == [table]


def test_the_next_hop_may_be_another_address_than_the_speakers(at_edge):
    at_edge.levers.advertise("fw1", "192.0.2.0/24", next_hop="10.0.2.20")
    assert at_edge.propagated()["192.0.2.0/24"] == ("10.0.2.20", at_edge.interfaces["fw2"], "active")


def test_an_unknown_next_hop_is_rejected_though_it_wins(at_edge):
    at_edge.levers.advertise("fw1", "0.0.0.0/0", next_hop="10.0.1.99")
    assert at_edge.owner() == "10.0.1.99"
    assert set(at_edge.installation().values()) == {rejected(Rejection.NEXT_HOP)}
    assert at_edge.propagated() == {}


def test_a_next_hop_that_appears_later_is_installed(at_edge):
    at_edge.levers.advertise("fw1", "192.0.2.0/24", next_hop="10.0.2.77")
    at_edge.ec2.assign_private_ip_addresses(
        NetworkInterfaceId=at_edge.interfaces["fw2"], PrivateIpAddresses=["10.0.2.77"]
    )
    assert at_edge.propagated()["192.0.2.0/24"][1] == at_edge.interfaces["fw2"]


def test_an_ipv6_route_resolves_by_ipv6_address(at_edge):
    vpc = at_edge.ec2.associate_vpc_cidr_block(VpcId=at_edge.vpc_id, AmazonProvidedIpv6CidrBlock=True)
    block = vpc["Ipv6CidrBlockAssociation"]["Ipv6CidrBlock"].replace("/56", "/64")
    at_edge.ec2.associate_subnet_cidr_block(SubnetId=at_edge.subnets["az1"], Ipv6CidrBlock=block)
    address = str(ipaddress.ip_network(block)[16])
    at_edge.ec2.assign_ipv6_addresses(NetworkInterfaceId=at_edge.interfaces["fw1"], Ipv6Addresses=[address])
    at_edge.levers.advertise("fw1", "2001:db8::/32", next_hop=address)
    assert at_edge.propagated()["2001:db8::/32"] == (address, at_edge.interfaces["fw1"], "active")


def test_a_static_route_of_the_same_prefix_beats_the_propagated_one(at_edge):
    table = at_edge.route_tables["protected"]
    at_edge.ec2.create_route(
        RouteTableId=table,
        DestinationCidrBlock="0.0.0.0/0",
        NetworkInterfaceId=at_edge.interfaces["fw2"],
    )
    assert at_edge.installation() == {table: rejected(Rejection.STATIC_ROUTE)}
    assert at_edge.propagated() == {}
    at_edge.ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    assert at_edge.installation() == {table: ("installed", None)}


def test_one_table_may_take_what_another_rejects(at_edge):
    public = at_edge.route_tables["public"]
    at_edge.ec2.enable_route_server_propagation(RouteServerId=at_edge.route_server_id, RouteTableId=public)
    assert at_edge.installation() == {
        at_edge.route_tables["protected"]: ("installed", None),
        public: rejected(Rejection.STATIC_ROUTE),
    }


def test_a_gateway_table_takes_the_vpc_and_its_subnets_only(at_edge):
    table = at_edge.ec2.create_route_table(VpcId=at_edge.vpc_id)["RouteTable"]["RouteTableId"]
    at_edge.world["route_tables"]["gateway"] = table
    at_edge.ec2.associate_route_table(RouteTableId=table, GatewayId=at_edge.internet_gateway_id)
    at_edge.ec2.enable_route_server_propagation(RouteServerId=at_edge.route_server_id, RouteTableId=table)
    for prefix in ("10.0.11.0/24", "10.0.0.0/16", "10.0.11.0/25"):
        at_edge.levers.advertise("fw1", prefix)
    assert set(at_edge.propagated("gateway")) == {"10.0.11.0/24", "10.0.0.0/16"}
    for prefix in ("0.0.0.0/0", "10.0.11.0/25"):
        assert at_edge.installation(prefix)[table] == rejected(Rejection.GATEWAY_DESTINATION)
    protected = at_edge.route_tables["protected"]
    assert at_edge.installation("10.0.0.0/16")[protected] == rejected(Rejection.STATIC_ROUTE)
    shown = at_edge.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    assert [row["Origin"] for row in shown if row["DestinationCidrBlock"] == "10.0.0.0/16"] == [
        "Advertisement"
    ]


def test_the_route_of_a_stopped_instance_is_a_blackhole(slow_edge):
    slow_edge.levers.withdraw("fw2", "0.0.0.0/0")
    slow_edge.levers.kill("fw1", stop_instance=True)
    assert slow_edge.propagated()["0.0.0.0/0"][2] == "blackhole"
    slow_edge.clock.advance(5)
    assert slow_edge.propagated() == {}


def test_without_propagation_nothing_is_written(at_edge):
    at_edge.ec2.disable_route_server_propagation(
        RouteServerId=at_edge.route_server_id, RouteTableId=at_edge.route_tables["protected"]
    )
    assert at_edge.propagated() == {}
    assert at_edge.installation() == {}
    assert at_edge.owner() == "10.0.1.10"


def test_an_ipv6_prefix_without_an_ipv6_next_hop_is_not_guessed(at_edge):
    with pytest.raises(LeverError, match="IPv6 next_hop"):
        at_edge.levers.advertise("fw1", "2001:db8::/32")


def test_a_static_route_whose_target_does_not_run_is_a_blackhole(at_edge):
    ec2, table = at_edge.ec2, at_edge.route_tables["public"]
    loose = ec2.create_network_interface(SubnetId=at_edge.world["subnets"]["az1"])["NetworkInterface"]
    for prefix, interface in (
        ("203.0.113.0/24", loose["NetworkInterfaceId"]),
        ("192.0.2.0/24", at_edge.interfaces["fw1"]),
    ):
        ec2.create_route(RouteTableId=table, DestinationCidrBlock=prefix, NetworkInterfaceId=interface)
    [shown] = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    states = {route["DestinationCidrBlock"]: route["State"] for route in shown["Routes"]}
    assert states == {
        "10.0.0.0/16": "active",
        "0.0.0.0/0": "active",
        "203.0.113.0/24": "blackhole",
        "192.0.2.0/24": "active",
    }


def test_a_table_shows_the_virtual_private_gateway_that_it_is_associated_with(at_edge):
    ec2, table = at_edge.ec2, at_edge.route_tables["protected"]
    gateway = ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    ec2.attach_vpn_gateway(VpcId=at_edge.vpc_id, VpnGatewayId=gateway)
    ec2.associate_route_table(RouteTableId=table, GatewayId=gateway)
    [shown] = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    assert [a["GatewayId"] for a in shown["Associations"] if "GatewayId" in a] == [gateway]
    assert at_edge.installation() == {table: rejected(Rejection.UNSUPPORTED_TABLE)}
