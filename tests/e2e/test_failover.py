"""The main job on the deployed stack: real template, real roles, real HTTP between the parts."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from mypy_boto3_ec2.type_defs import TagTypeDef

from lab.cloud import Cloud
from lab.example import topology
from lab.sightings import visible
from tandem.audit import open_intent, problems
from tests.tiers import smoke

PATIENCE_SECONDS = 180
TRAIL = "failover#edge"
TANDEM = Path(sys.executable).with_name("tandem")
MOVING = {"AssociateAddress", "DisassociateAddress"}


def wait(what: str, done: Callable[[], Any], *, every_s: float = 0.1) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := done()):
        assert time.monotonic() < deadline, f"after {PATIENCE_SECONDS} s still not: {what}"
        time.sleep(every_s)
    return found


def apply(cloud: Cloud, document: object) -> subprocess.CompletedProcess[str]:
    file = cloud.directory / "topology.yaml"
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return subprocess.run(
        [TANDEM, "apply", file, "--yes"], env=cloud.environment, capture_output=True, text=True, check=False
    )


def holders(cloud: Cloud) -> set[str]:
    return {who for what, who in visible(cloud.levers.world()).items() if what.startswith("Elastic IP")}


def is_quiet(cloud: Cloud) -> bool:
    return "lease_until" not in cloud.state("look", "edge")


def forget_moves(cloud: Cloud) -> None:
    """Removes the memory of moves: one test's moves must not damp those of the next."""
    key: dict[str, Any] = {"kind": {"S": "look"}, "id": {"S": "edge"}}
    table = cloud.session.client("dynamodb")
    table.update_item(TableName=cloud.outputs["StateTable"], Key=key, UpdateExpression="REMOVE memory")


def sweep(cloud: Cloud) -> None:
    cloud.invoke("SignalsFunction", {"tandem": "sweep"})


@pytest.fixture(scope="module")
def edge(cloud: Cloud) -> Cloud:
    """The edge topology, applied and watched."""
    applied = apply(cloud, topology(cloud.scenario))
    assert applied.returncode == 0, applied.stdout + applied.stderr
    wait("provisioned", lambda: "provisioned" in cloud.state("topology", "edge"))
    return cloud


@pytest.fixture(autouse=True)
def _as_it_was(edge: Cloud):
    """Every test begins and ends with fw1 alive and in possession."""
    yield
    edge.levers.faults_clear()
    wait("no look under way", lambda: is_quiet(edge))
    forget_moves(edge)
    for name in ("fw1", "fw2"):
        edge.levers.restore(name)
    wait("fw1 owns the route", lambda: visible(edge.levers.world())["route 0.0.0.0/0"] == "fw1")
    wait("no look under way", lambda: is_quiet(edge))
    sweep(edge)
    wait("fw1 has every address", lambda: holders(edge) == {"fw1"})
    wait("no look under way", lambda: is_quiet(edge))


def requests_since(cloud: Cloud) -> Callable[[], list[dict[str, Any]]]:
    last = max(r["sequence"] for r in cloud.levers.requests())
    return lambda: cloud.levers.requests(last)


@smoke
def test_the_addresses_follow_the_route_and_the_trail_proves_it(edge: Cloud) -> None:
    people, since = edge.notifications(), requests_since(edge)
    edge.levers.kill("fw1")
    wait("fw2 has every address", lambda: holders(edge) == {"fw2"})
    told: list[str] = []

    def is_told() -> bool:
        told.extend(n.attributes["detail_type"] for n in people.receive())
        return "Failover Completed" in told

    wait("people are told", is_told)
    wait("no look under way", lambda: is_quiet(edge))
    assert len([r for r in since() if r["action"] in MOVING]) == 4
    records = edge.audit(TRAIL)
    assert problems(records) == ()
    assert open_intent(reversed(records)) is None
    holds = [str(r.body["groups"]) for r in records if r.body["kind"] == "hold"]
    assert all(
        "the route is out of date" in held for held in holds
    )  # a sweep may come before the route has moved
    assert [a["outcome"] for a in records[-1].body["addresses"]] == ["verified"] * 4
    logs = edge.session.client("logs")
    logged = logs.filter_log_events(logGroupName=edge.outputs["EventLogGroup"])["events"]
    assert "Failover Completed" in {json.loads(line["message"])["detail-type"] for line in logged}


def test_a_graceful_withdraw_is_seen_by_the_watch(edge: Cloud) -> None:
    """No session changes: nothing but the watch, or the minute's sweep, can tell."""
    edge.levers.withdraw("fw1", "0.0.0.0/0")
    try:
        wait("fw2 has every address", lambda: holders(edge) == {"fw2"})
    finally:
        edge.levers.advertise("fw1", "0.0.0.0/0", [65001])


def test_the_function_killed_in_mid_failover_leaves_the_rest_to_the_next_sweep(edge: Cloud) -> None:
    edge.levers.fault("AssociateAddress", latency_s=3.0)
    since = requests_since(edge)
    edge.levers.kill("fw1")
    wait("the moves are on their way", lambda: any(r["action"] == "AssociateAddress" for r in since()))
    for worker in edge.workers("FailoverFunction"):
        worker.kill()
    edge.levers.faults_clear()
    wait("fw2 has every address", lambda: holders(edge) == {"fw2"})

    def is_closed() -> bool:
        sweep(edge)
        return open_intent(reversed(edge.audit(TRAIL))) is None

    wait("the open intent is closed", is_closed, every_s=2)
    assert any(r.body.get("outcome") == "unknown" for r in edge.audit(TRAIL))
    assert problems(edge.audit(TRAIL)) == ()


def test_a_connection_that_is_accepted_and_never_answered_costs_one_time_out(edge: Cloud) -> None:
    """Of a read and of a move: the second attempt, or the next turn, goes through."""
    edge.levers.fault("GetRouteServerRoutingDatabase", break_s=30, count=1)
    edge.levers.fault("AssociateAddress", break_s=30, count=1)
    since = requests_since(edge)
    edge.levers.kill("fw1")
    wait("fw2 has every address", lambda: holders(edge) == {"fw2"})
    wait("no look under way", lambda: is_quiet(edge))
    broken = Counter(r["action"] for r in since() if r["outcome"] in (None, "Broken"))
    assert broken == {"GetRouteServerRoutingDatabase": 1, "AssociateAddress": 1}
    assert problems(edge.audit(TRAIL)) == ()


def test_failover_may_move_nothing_that_its_owner_has_not_tagged(edge: Cloud) -> None:
    address = next(iter(edge.scenario["elastic_ips"].values()))
    ec2 = edge.session.client("ec2")
    tag: list[TagTypeDef] = [{"Key": "tandem:stack", "Value": "tandem"}]
    ec2.delete_tags(Resources=[address["allocation_id"]], Tags=tag)
    since = requests_since(edge)
    try:
        edge.levers.kill("fw1")
        wait("the others moved", lambda: holders(edge) == {"fw1", "fw2"})
        refused = wait("EC2 refused", lambda: [r for r in since() if r["outcome"] == "UnauthorizedOperation"])
        assert {r["params"]["AllocationId"] for r in refused} == {address["allocation_id"]}
    finally:
        ec2.create_tags(Resources=[address["allocation_id"]], Tags=tag)


@smoke
def test_a_topology_with_problems_is_refused_whole_and_the_stored_one_stays(edge: Cloud) -> None:
    before = edge.state("topology", "edge")
    document = topology(edge.scenario)
    document["appliances"]["fw1"]["asn"] = 65000
    document["groups"][0]["prefixes"] = ["10.0.0.1/8"]
    document["colour"] = "blue"
    refused = apply(edge, document)
    assert refused.returncode == 1
    for words in ("appliances.fw1.asn", "groups[0].prefixes[0]", "colour"):
        assert words in refused.stdout + refused.stderr
    assert edge.state("topology", "edge")["document"] == before["document"]


@smoke
def test_a_message_from_a_topic_that_no_topology_knows_reads_and_moves_nothing(edge: Cloud) -> None:
    """The same message from the route server's own topic causes a look."""
    other, own = "arn:aws:sns:us-east-1:123456789012:other", edge.scenario["sns_topic_arn"]

    def reads(topic: str) -> bool:
        since = requests_since(edge)
        notification = {"TopicArn": topic, "Message": "hello"}
        edge.invoke("FailoverFunction", {"Records": [{"EventSource": "aws:sns", "Sns": notification}]})
        return any(r["action"] == "DescribeInstances" for r in since())

    assert reads(own)
    assert not all(reads(other) for _ in range(5))  # a sweep may read meanwhile, but not each time


def test_what_a_function_fails_on_reaches_its_queue(edge: Cloud) -> None:
    """An asynchronous invocation that keeps failing: EC2 does not answer the reads."""
    edge.levers.fault("GetRouteServerRoutingDatabase", error="UnauthorizedOperation")
    detail = {
        "schema_version": 1,
        "topology": "edge",
        "occurred_at": "2026-11-21T03:00:00.000Z",
        "cause": "a test",
        "requested_by": "operator",
    }
    event = {"source": "tandem", "detail-type": "Look", "detail": detail}
    edge.session.client("lambda").invoke(
        FunctionName=edge.outputs["FailoverFunction"],
        InvocationType="Event",
        Payload=json.dumps(event).encode(),
    )
    sqs = edge.session.client("sqs")
    queue = edge.resources["FailoverQueue"]

    def failed() -> list[dict[str, Any]]:
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        bodies = [json.loads(message["Body"]) for message in found]
        return [b for b in bodies if b.get("requestPayload", {}).get("detail", {}).get("cause") == "a test"]

    (record,) = wait("the failure is in the queue", failed)
    assert "UnauthorizedOperation" in json.dumps(record["responsePayload"])
