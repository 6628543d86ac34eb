"""`tandem compliance` over emulated AWS: without a stack, with nothing but reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from cli.main import app
from tandem.adapters import clients
from tests.complying import healthy_document
from tests.provisioning import RECORDERS, Provisioner, changing, provisioner
from tests.shared_worlds import begins_in
from tests.template.rendering import ROOT, render
from tests.template.test_authority import granted

DEFAULT = "0.0.0.0/0"


@pytest.fixture
@begins_in(provisioner)
def tandem() -> Iterator[Provisioner]:
    with provisioner() as made:
        yield made


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(app, ["compliance", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def written(folder: Path, document: dict[str, Any]) -> Path:
    path = folder / "edge.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


def test_a_healthy_vpc_passes_without_a_stack(tandem: Provisioner) -> None:
    result = run("--vpc", tandem.ids["vpc_id"])
    assert result.exit_code == 0, result.output
    assert "LOW  failback-wanted" in result.output
    assert "CRITICAL" not in result.output
    assert run("--vpc", tandem.ids["vpc_id"], "--fail-on", "low").exit_code == 1
    assert "waiver-current: the rule does not apply here: there is no declaration" in result.output


def test_what_would_fail_is_said_with_what_to_do(tandem: Provisioner) -> None:
    tandem.lab.levers.withdraw("fw2", DEFAULT)
    tandem.settle()
    result = run("--vpc", tandem.ids["vpc_id"])
    assert result.exit_code == 1
    assert "CRITICAL  standby-advertises" in result.output
    assert "fw2 does not advertise 0.0.0.0/0, so it cannot take over." in result.output
    assert "What to do: Advertise 0.0.0.0/0 from fw2" in result.output


def test_a_document_is_judged_with_the_places_in_it(tandem: Provisioner, tmp_path: Path) -> None:
    document = healthy_document(tandem.ids)
    del document["appliances"]["fw2"]["next_hops"]  # this edge has no such address
    path = written(tmp_path, document)
    before = run("--file", str(path))
    assert before.exit_code == 0, before.output
    table, server = tandem.ids["route_tables"]["protected"], tandem.ids["route_server_id"]
    tandem.lab.client().disable_route_server_propagation(RouteServerId=server, RouteTableId=table)
    tandem.settle()
    result = run("--file", str(path))
    assert result.exit_code == 1
    [place] = [line for line in result.output.splitlines() if "edge.yaml" in line]
    assert place.strip().endswith(": route_server.propagate_to[0]")


def test_it_reads_and_nothing_else(tandem: Provisioner) -> None:
    calls: list[str] = []
    RECORDERS.append((calls, None))
    run("--vpc", tandem.ids["vpc_id"])
    RECORDERS.clear()
    assert "ec2:GetRouteServerRoutingDatabase" in calls
    assert changing(calls) == []


def test_the_policy_of_the_page_allows_what_it_calls_and_no_more_than_the_function_may(
    tandem: Provisioner,
) -> None:
    [statement] = json.loads((ROOT / "docs" / "compliance-read-only.json").read_text())["Statement"]
    calls: list[str] = []
    RECORDERS.append((calls, None))
    run("--vpc", tandem.ids["vpc_id"])
    RECORDERS.clear()
    assert {call for call in calls if call.startswith("ec2:")} <= set(statement["Action"])
    held = {action for who, action, _ in granted(render()) if who == "ComplianceRole"}
    assert set(statement["Action"]) == {action for action in held if action.startswith("ec2:")}


def test_the_json_has_each_result_with_its_code(tandem: Provisioner) -> None:
    found = json.loads(run("--vpc", tandem.ids["vpc_id"], "--format", "json").output)
    assert {one["verdict"] for one in found["findings"]} <= {"pass", "not-applicable", "fail"}
    assert all(one["reason"]["code"] for one in found["findings"])


@pytest.mark.parametrize("action", ["GetRouteServerRoutingDatabase", "DescribeRouteServerPeers"])
def test_a_read_that_is_denied_is_unknown_and_names_the_permission(
    tandem: Provisioner, tmp_path: Path, action: str
) -> None:
    path = written(tmp_path, healthy_document(tandem.ids))
    tandem.lab.levers.fault(action, error="UnauthorizedOperation", count=1000)
    result = run("--file", str(path))
    assert result.exit_code == 1
    assert f"the missing permission is ec2:{action}" in result.output


def test_without_credentials_it_says_so_and_nothing_else(
    tandem: Provisioner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, healthy_document(tandem.ids))
    monkeypatch.setattr(type(clients.session()), "get_credentials", lambda _: None)
    for what in (("--file", str(path)), ("--vpc", tandem.ids["vpc_id"])):
        result = run(*what)
        assert result.exit_code == 4
        assert "no AWS credentials" in result.output
        assert len(result.output.splitlines()) < 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say what to judge"),
        (("--vpc", "vpc-0a1b2c3d4e5f60001", "--file", "x.yaml"), "say what to judge"),
        (("--vpc", "edge"), "the ID of a VPC"),
        (("--file", "x.yaml", "--route-server", "rs-0fffffffffffffff9"), "--route-server goes with --vpc"),
        (("--file", "nowhere.yaml"), "nowhere.yaml"),
        (("--vpc", "vpc-0fffffffffffffff1"), "has no route server"),
    ],
)
def test_a_mistake_is_answered_with_what_would_be_right(
    tandem: Provisioner, arguments: tuple[str, ...], said: str
) -> None:
    result = run(*arguments)
    assert result.exit_code in (1, 2)
    assert said in result.output
