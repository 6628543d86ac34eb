"""Reads that moto answers in one piece come in pages, within EC2's bounds."""

import pytest
from botocore.config import Config

from tests.lab.support import refused

READS = {
    "describe_route_tables": ("RouteTables", "RouteTableId", 100),
    "describe_subnets": ("Subnets", "SubnetId", 1000),
    "describe_vpcs": ("Vpcs", "VpcId", 1000),
    "describe_internet_gateways": ("InternetGateways", "InternetGatewayId", 1000),
    "describe_instances": ("Reservations", "ReservationId", 1000),
    "describe_network_interfaces": ("NetworkInterfaces", "NetworkInterfaceId", 1000),
}


@pytest.fixture
def crowded(ec2):
    """Seven of everything, and what a VPC brings along."""
    for number in range(7):
        vpc = ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.{number}.1.0/24")["Subnet"]["SubnetId"]
        ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, SubnetId=subnet)
        ec2.create_internet_gateway()
    return ec2


@pytest.fixture
def unchecked(lab):
    return lab.client(config=Config(retries={"total_max_attempts": 1}, parameter_validation=False))


@pytest.mark.parametrize("read", READS)
def test_pages_together_are_the_whole(crowded, read):
    key, name, _ = READS[read]
    whole = [row[name] for row in getattr(crowded, read)()[key]]
    assert len(whole) >= 7
    pages = list(crowded.get_paginator(read).paginate(PaginationConfig={"PageSize": 5}))
    assert [len(page[key]) for page in pages[:-1]] == [5] * (len(pages) - 1)
    assert [row[name] for page in pages for row in page[key]] == whole


@pytest.mark.parametrize("read", READS)
def test_a_page_has_bounds(crowded, unchecked, read):
    key, _, most = READS[read]
    for size in (4, most + 1, 0, -1):
        with refused("InvalidParameterValue"):
            getattr(unchecked, read)(MaxResults=size)
    assert getattr(crowded, read)(MaxResults=most)[key]


@pytest.mark.parametrize("read", READS)
def test_a_foreign_token_is_refused(crowded, read):
    with refused("InvalidParameterValue"):
        getattr(crowded, read)(MaxResults=5, NextToken="bm9uc2Vuc2U=")


def test_filters_come_before_pages(crowded):
    vpc = crowded.describe_vpcs()["Vpcs"][-1]["VpcId"]
    where = [{"Name": "vpc-id", "Values": [vpc]}]
    got = crowded.describe_route_tables(Filters=where, MaxResults=5)
    assert [row["VpcId"] for row in got["RouteTables"]] == [vpc]
    assert "NextToken" not in got


def test_tags_come_in_pages(crowded):
    vpcs = [row["VpcId"] for row in crowded.describe_vpcs()["Vpcs"]]
    crowded.create_tags(Resources=vpcs[:7], Tags=[{"Key": "a", "Value": "b"}])
    pages = crowded.get_paginator("describe_tags").paginate(PaginationConfig={"PageSize": 5})
    assert sum(len(page["Tags"]) for page in pages) >= 7
