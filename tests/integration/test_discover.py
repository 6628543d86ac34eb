"""`tandem discover` over emulated AWS: what it prints is what `tandem apply` takes, and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import yaml
from typer.testing import CliRunner, Result

from cli.main import app
from tandem.validation.document import validate
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
