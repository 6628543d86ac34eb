"""`tandem discover` over emulated AWS: what it prints is what `tandem apply` takes, and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from typer.testing import CliRunner, Result

from cli.discovery.reads import _public
from cli.main import app
from tandem.adapters import rows, vpcrows
from tandem.topology.shape import validate
from tests.provisioning import RECORDERS, Provisioner, changing, provisioner
from tests.shared_worlds import begins_in

GONE = "vpc-0fffffffffffffff1"


@pytest.fixture
@begins_in(provisioner)
def tandem() -> Iterator[Provisioner]:
    with provisioner() as made:
        yield made


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(app, ["discover", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_the_edge_is_discovered_as_the_example(tandem: Provisioner) -> None:
    result = run("--vpc", tandem.ids["vpc_id"])
    assert result.exit_code == 0
    found = yaml.safe_load(result.output)
    assert validate(found) == []
    assert found == tandem.document(mode="dry-run")
    assert "To decide" not in result.output


def test_applying_what_is_discovered_changes_nothing(tandem: Provisioner) -> None:
    found = yaml.safe_load(run("--vpc", tandem.ids["vpc_id"]).output)
    assert tandem.check(found)["problems"] == []
    tandem.apply(tandem.document(mode="dry-run"))
    assert tandem.check(found)["changes"] == []


def test_discovering_reads_and_nothing_else(tandem: Provisioner) -> None:
    calls: list[str] = []
    RECORDERS.append((calls, None))
    run("--vpc", tandem.ids["vpc_id"])
    RECORDERS.clear()
    assert "ec2:GetRouteServerRoutingDatabase" in calls
    assert changing(calls) == []


def test_what_is_discovered_after_a_failover_is_for_the_new_owner(tandem: Provisioner) -> None:
    tandem.lab.levers.kill("fw1")
    tandem.settle()
    result = run("--vpc", tandem.ids["vpc_id"])
    assert yaml.safe_load(result.output)["groups"][0]["elastic_ips"] == []
    assert result.output.count("it is on fw1, which owns no route now") == 4
    assert "only fw2 advertises 0.0.0.0/0" in result.output


ROUTES = {
    "an internet gateway": True,
    "the main table's internet gateway": True,
    "an internet gateway that is gone": False,
    "a NAT gateway": False,
    "a virtual private gateway": False,
}


@pytest.mark.parametrize(("way", "is_public"), ROUTES.items(), ids=ROUTES)
def test_a_subnet_is_public_where_its_route_table_leads_to_an_internet_gateway(
    way: str, is_public: bool
) -> None:
    route = {
        "an internet gateway": {"GatewayId": "igw-0a1b2c3d4e5f60001", "State": "active"},
        "the main table's internet gateway": {"GatewayId": "igw-0a1b2c3d4e5f60001", "State": "active"},
        "an internet gateway that is gone": {"GatewayId": "igw-0a1b2c3d4e5f60001", "State": "blackhole"},
        "a NAT gateway": {"NatGatewayId": "nat-0a1b2c3d4e5f60001", "State": "active"},
        "a virtual private gateway": {"GatewayId": "vgw-0a1b2c3d4e5f60001", "State": "active"},
    }[way]
    through: dict[str, object] = {"Main": True} if "main" in way else {"Main": False, "SubnetId": "subnet-1"}
    inner: dict[str, object] = {"Main": False, "SubnetId": "subnet-2"}
    known = {"RouteTableId": "rtb-1", "VpcId": "vpc-1"}
    answer: list[Any] = [
        {
            **known,
            "Routes": [{"GatewayId": "local"}, {"DestinationCidrBlock": "0.0.0.0/0", **route}],
            "Associations": [through],
        },
        {
            **known,
            "Routes": [{"GatewayId": "local"}],
            "Associations": [inner, {"GatewayId": "igw-0a1b2c3d4e5f60001"}],
        },
    ]
    tables = rows.read_rows(answer, vpcrows.ROUTE_TABLE).whole()
    assert _public(tables, ["subnet-1", "subnet-2"]) == ({"subnet-1"} if is_public else set())


def test_a_pair_with_the_same_address_in_each_of_two_subnets_is_discovered(tandem: Provisioner) -> None:
    """As Fortinet's templates wire it; the private side is one that no internet gateway is beside."""
    ec2 = boto3.client("ec2")
    vpc_id = tandem.ids["vpc_id"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc_id)
    table = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    cluster = ec2.allocate_address(Domain="vpc")["AllocationId"]
    inner, outer = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"], {}
    for subnet_id in tandem.ids["subnets"].values():
        _use(ec2, inner, subnet_id)
    for number, name in enumerate(("fw1", "fw2"), start=1):
        zone = ec2.describe_subnets(SubnetIds=[tandem.ids["subnets"][f"az{number}"]])["Subnets"][0]
        subnet = ec2.create_subnet(
            VpcId=vpc_id, CidrBlock=f"10.0.4{number}.0/24", AvailabilityZone=zone["AvailabilityZone"]
        )["Subnet"]["SubnetId"]
        _use(ec2, table, subnet)
        outer[name] = ec2.create_network_interface(SubnetId=subnet, PrivateIpAddress=f"10.0.4{number}.10")[
            "NetworkInterface"
        ]["NetworkInterfaceId"]
        ec2.attach_network_interface(
            NetworkInterfaceId=outer[name], InstanceId=tandem.ids["instances"][name], DeviceIndex=1
        )
    ec2.associate_address(AllocationId=cluster, NetworkInterfaceId=outer["fw1"])
    found = yaml.safe_load(run("--vpc", vpc_id).output)
    targets = {e["allocation_id"]: e["targets"] for e in found["groups"][0]["elastic_ips"]}
    assert targets[cluster] == {
        name: {"network_interface": outer[name], "private_ip": f"10.0.4{number}.10"}
        for number, name in enumerate(("fw1", "fw2"), start=1)
    }


def _use(ec2: Any, table: str, subnet_id: str) -> None:
    """The subnet's route table, whichever it had."""
    used = {"Name": "association.subnet-id", "Values": [subnet_id]}
    for present in ec2.describe_route_tables(Filters=[used])["RouteTables"]:
        for association in present["Associations"]:
            if association.get("SubnetId") == subnet_id:
                ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet_id)


def test_a_vpc_without_a_route_server_says_so(tandem: Provisioner) -> None:
    result = run("--vpc", GONE)
    assert result.exit_code == 1
    assert f"{GONE} has no route server" in result.stderr


def test_of_several_route_servers_one_has_to_be_named(tandem: Provisioner) -> None:
    ec2 = boto3.client("ec2")
    second = ec2.create_route_server(AmazonSideAsn=65010)["RouteServer"]["RouteServerId"]
    tandem.settle()
    ec2.associate_route_server(RouteServerId=second, VpcId=tandem.ids["vpc_id"])
    tandem.settle()
    vague = run("--vpc", tandem.ids["vpc_id"])
    assert vague.exit_code == 1
    assert "has 2 route servers" in vague.stderr
    assert second in vague.stderr
    named = run("--vpc", tandem.ids["vpc_id"], "--route-server", tandem.ids["route_server_id"])
    assert yaml.safe_load(named.output)["route_server"]["id"] == tandem.ids["route_server_id"]
    empty = run("--vpc", tandem.ids["vpc_id"], "--route-server", second)
    assert empty.exit_code == 1
    assert f"{second} has no peer that could be declared" in empty.stderr
    wrong = run("--vpc", tandem.ids["vpc_id"], "--route-server", "rs-0fffffffffffffff1")
    assert "is not associated with" in wrong.stderr


def test_a_refusal_of_aws_is_told_with_its_code(tandem: Provisioner) -> None:
    tandem.lab.levers.fault("DescribeRouteServers", error="UnauthorizedOperation")
    result = run("--vpc", tandem.ids["vpc_id"])
    assert result.exit_code == 4
    assert "UnauthorizedOperation" in result.stderr


def test_a_region_without_route_server_is_one_clear_error(tandem: Provisioner) -> None:
    tandem.lab.levers.fault("DescribeRouteServers", error="InvalidAction")
    result = run("--vpc", tandem.ids["vpc_id"])
    assert "Amazon VPC Route Server is not available in this Region" in result.stderr


def test_a_line_feed_in_a_tag_ends_no_comment(tandem: Provisioner) -> None:
    ec2 = boto3.client("ec2")
    instance_id = tandem.ids["instances"]["fw1"]
    ec2.create_tags(Resources=[instance_id], Tags=[{"Key": "Name", "Value": "fw1\nmode: enforce"}])
    tandem.lab.levers.withdraw("fw2", "0.0.0.0/0")
    tandem.settle()
    found = yaml.safe_load(run("--vpc", tandem.ids["vpc_id"]).output)
    assert found["mode"] == "dry-run"
    assert list(found["appliances"]) == ["fw1-mode-enforce", "fw2"]


def test_the_estimate_of_a_file_needs_no_aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "client", None)
    file = Path(__file__).parents[2] / "examples" / "edge.yaml"
    result = CliRunner().invoke(app, ["estimate", str(file)])
    assert result.exit_code == 0
    assert "Route Server endpoints: $2,190.00" in result.output
    assert "peer logs: under $0.01" in result.output
    assert "traffic" in result.output
    bad = tmp_path / "bad.yaml"
    bad.write_text(json.dumps({"tandem": 1}))
    assert CliRunner().invoke(app, ["estimate", str(bad)]).exit_code == 1
