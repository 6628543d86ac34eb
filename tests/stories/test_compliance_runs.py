"""Compliance runs by its clock: what lasts is notified once, and once when it is over; nothing gets lost."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import replace
from types import ModuleType
from typing import Any

import boto3
import pytest

from tandem.adapters import clients, snapshots
from tandem.compliance.tracking import Tracked
from tandem.errors import TandemError, TemporaryError
from tandem.events import from_envelope
from tandem.state.episodes import Episode
from tandem.words.notification import notification
from tests.breakages import another_topology_fills_the_table, associated_again
from tests.complying import DEAD_LETTERS, PEER_LOGS, healthy
from tests.contracts import assert_meets_schema
from tests.crashing import Killed
from tests.shared_worlds import begins_in
from tests.stack import Context, Stack, VirtualTime, stack
from tests.tiers import first_now, prove

DEFAULT = "0.0.0.0/0"
PART = "203.0.113.0/24"
BUCKET = "reports"
FIVE_MINUTES = 300.0
DAY = 86400.0


@pytest.fixture
@begins_in(stack)
def edge() -> Iterator[Stack]:
    with healthy() as s:
        s.events()
        yield s


@pytest.fixture
def compliance(edge: Stack, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Returns a fresh compliance function, as a cold start makes it, on the lab's time."""
    monkeypatch.setenv("TANDEM_REPORT_BUCKET", BUCKET)
    monkeypatch.setenv("TANDEM_PEER_LOG_GROUP", PEER_LOGS)
    url = edge.queues.get_queue_url(QueueName=DEAD_LETTERS)["QueueUrl"]
    monkeypatch.setenv("TANDEM_QUEUES", f"failover={url}")
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    sys.modules.pop("functions.compliance.app", None)
    app = importlib.import_module("functions.compliance.app")
    vars(app)["clock"] = VirtualTime(edge.lab)
    return app


def bypass(edge: Stack) -> None:
    """Somebody adds a static route for a part of a tracked prefix: one finding, of one rule."""
    table, gateway = edge.ids["route_tables"]["protected"], edge.ids["internet_gateway_id"]
    edge.lab.client().create_route(RouteTableId=table, DestinationCidrBlock=PART, GatewayId=gateway)


def repair(edge: Stack) -> None:
    table = edge.ids["route_tables"]["protected"]
    edge.lab.client().delete_route(RouteTableId=table, DestinationCidrBlock=PART)


def runs(
    edge: Stack, app: ModuleType, times: int = 1, rules: str = "fast", seconds: float = FIVE_MINUTES
) -> list[dict[str, Any]]:
    """Runs the function every five minutes; returns the details of what came on the bus."""
    for _ in range(times):
        edge.clock.sleep(seconds)
        with suppress(TandemError):  # what a test breaks may break a look too
            edge.sweep()
            edge.watch()
        app.handler({"rules": rules}, Context("compliance", milliseconds=600_000))
    return found(edge)


def found(edge: Stack) -> list[dict[str, Any]]:
    put = [from_envelope(event) for event in edge.events()]
    ours = [event for event in put if event and event.detail_type.startswith("Compliance")]
    for event in ours:
        assert_meets_schema(event)
        assert notification(event)
    return [event.detail for event in ours]


def report(edge: Stack) -> dict[str, Any]:
    body = boto3.client("s3").get_object(Bucket=BUCKET, Key="compliance/edge/latest.json")["Body"]
    found: dict[str, Any] = json.loads(body.read())
    return found


def keys() -> list[str]:
    return [o["Key"] for o in boto3.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", ())]


def test_what_lasts_is_notified_once_and_once_when_it_is_over(edge: Stack, compliance: ModuleType) -> None:
    assert runs(edge, compliance) == []
    bypass(edge)
    assert runs(edge, compliance) == []
    [opened] = runs(edge, compliance)
    assert (opened["rule"], opened["status"], opened["resource_id"]) == (
        "route-not-bypassed",
        "opened",
        f"{edge.ids['route_tables']['protected']} {PART}",
    )
    assert "has a static route for 203.0.113.0/24" in opened["summary"]
    assert runs(edge, compliance, 2) == []
    repair(edge)
    [resolved] = runs(edge, compliance, 2)
    assert (resolved["rule"], resolved["status"]) == ("route-not-bypassed", "resolved")
    assert runs(edge, compliance) == []


def test_a_call_that_another_made_opens_in_the_first_run_and_once(
    edge: Stack, compliance: ModuleType
) -> None:
    """Nobody can wait for the second run: by then the call is a day older."""
    runs(edge, compliance, rules="all")
    allocation_id = associated_again(edge, "alice")
    [opened, _] = runs(edge, compliance, rules="all")
    assert (opened["rule"], opened["status"], opened["resource_id"]) == ("one-mover", "opened", allocation_id)
    [digest] = runs(edge, compliance, rules="all", seconds=DAY)
    assert [one["rule"] for one in digest["findings"]] == ["one-mover"]


def test_the_accounts_history_is_read_once_for_all_topologies(edge: Stack, compliance: ModuleType) -> None:
    another_topology_fills_the_table(edge)
    edge.forget_calls()
    runs(edge, compliance, rules="all")
    asked = [call for call in edge.calls() if call["action"] == "LookupEvents"]
    assert len(asked) == len(snapshots.CHANGES)
    edge.forget_calls()
    runs(edge, compliance)
    assert [call for call in edge.calls() if call["action"] == "LookupEvents"] == []


@prove
def test_a_failover_between_two_runs_opens_nothing(edge: Stack, compliance: ModuleType) -> None:
    runs(edge, compliance)
    edge.clock.sleep(FIVE_MINUTES - 10)
    edge.levers.shutdown("fw1")
    edge.clock.sleep(10)
    compliance.handler({"rules": "fast"}, Context("compliance"))
    edge.levers.restore("fw1")
    edge.live(60)
    assert runs(edge, compliance, 2) == []


def test_all_rules_give_a_digest_and_a_report_with_a_date(edge: Stack, compliance: ModuleType) -> None:
    edge.levers.withdraw("fw2", DEFAULT)
    edge.sweep()
    edge.watch()
    edge.events()
    compliance.handler({"rules": "all"}, Context("compliance", milliseconds=600_000))
    [digest] = found(edge)
    assert [one["rule"] for one in digest["findings"]] == ["standby-advertises", *["single-failure"] * 2]
    assert digest["counts"]["fail"] == 3
    failing = [one for one in report(edge)["findings"] if one["verdict"] == "fail"]
    assert [one["rule"] for one in failing] == ["standby-advertises", *["single-failure"] * 2]
    dated = [key for key in keys() if key.startswith("dated/edge/2")]
    assert [key.rpartition(".")[2] for key in dated] == ["html", "json"]
    assert sorted({*keys()} - {*dated}) == ["compliance/edge/latest.html", "compliance/edge/latest.json"]


@prove
def test_what_changed_is_in_the_latest_report(edge: Stack, compliance: ModuleType) -> None:
    runs(edge, compliance)
    assert keys() == []
    bypass(edge)
    runs(edge, compliance, 2)
    assert "compliance/edge/latest.json" in keys()


def test_what_the_bus_does_not_take_comes_with_the_next_run(
    edge: Stack, compliance: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    bypass(edge)
    runs(edge, compliance)

    def away(*_: object, **__: object) -> None:
        raise TemporaryError("EventBridge does not answer")

    with monkeypatch.context() as broken:
        broken.setattr(type(compliance.bus), "put", away)
        with pytest.raises(TemporaryError, match="topology edge: EventBridge does not answer"):
            runs(edge, compliance)
    [opened] = runs(edge, compliance)
    assert opened["status"] == "opened"
    assert runs(edge, compliance, 2) == []


@pytest.mark.parametrize("at", first_now(range(5)))
def test_a_run_that_dies_anywhere_loses_no_notification(edge: Stack, compliance: ModuleType, at: int) -> None:
    """It dies before one of its writes and messages; the next run says what it did not get to say."""
    bypass(edge)
    runs(edge, compliance)
    left = iter(range(at))

    def dies(params: dict[str, Any], **_: Any) -> None:
        if next(left, None) is None:
            raise Killed

    watched = (
        (clients.dynamodb(), "before-call.dynamodb.UpdateItem"),
        (clients.events(), "before-call.events.PutEvents"),
    )
    for client, event in watched:
        client.meta.events.register(event, dies)
    try:
        edge.clock.sleep(FIVE_MINUTES)
        with pytest.raises(Killed) if at < 4 else nullcontext():
            compliance.handler({"rules": "fast"}, Context("compliance"))
    finally:
        for client, event in watched:
            client.meta.events.unregister(event, dies)
    told = [one["status"] for one in found(edge)] + [one["status"] for one in runs(edge, compliance, 2)]
    assert set(told) == {"opened"}
    assert len(told) <= 2  # a run that dies after the bus took it says it again


def test_two_runs_at_once_notify_once(edge: Stack, compliance: ModuleType) -> None:
    bypass(edge)
    runs(edge, compliance)
    edge.clock.sleep(FIVE_MINUTES)
    ran: list[bool] = []

    def the_other_one(params: dict[str, Any], **_: Any) -> None:
        if not ran:
            ran.append(True)
            compliance.handler({"rules": "fast"}, Context("compliance-2"))

    event = "before-call.dynamodb.UpdateItem"
    clients.dynamodb().meta.events.register(event, the_other_one)
    try:
        compliance.handler({"rules": "fast"}, Context("compliance-1"))
    finally:
        clients.dynamodb().meta.events.unregister(event, the_other_one)
    assert [one["status"] for one in found(edge)] == ["opened"]


def test_a_report_that_is_not_written_comes_with_the_next_run(
    edge: Stack, compliance: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    bypass(edge)
    runs(edge, compliance)

    def away(*_: object) -> None:
        raise TemporaryError("S3 does not answer")

    with monkeypatch.context() as broken:
        broken.setattr(type(compliance.reports), "put", away)
        with pytest.raises(TemporaryError, match="topology edge: S3 does not answer"):
            runs(edge, compliance)
    assert [one["status"] for one in found(edge)] == ["opened"]
    assert runs(edge, compliance) == []
    failing = [one["rule"] for one in report(edge)["findings"] if one["verdict"] == "fail"]
    assert "route-not-bypassed" in failing


def test_a_stored_event_that_no_bus_takes_comes_once_and_holds_nothing_up(
    edge: Stack, compliance: ModuleType
) -> None:
    bypass(edge)
    runs(edge, compliance)
    kept = compliance.findings.get("edge", edge.clock.now())
    huge = {"detail_type": "Compliance Finding", "detail": {"topology": "edge", "summary": "x" * 260_000}}
    other = {"detail_type": "Compliance Finding", "detail": {"summary": "x" * 260_000}}
    compliance.findings.put("edge", kept, replace(kept.tracked, unsent=(huge, other)))
    with pytest.raises(TemporaryError, match="more than the 256000 that the bus takes"):
        runs(edge, compliance)
    assert [one["status"] for one in found(edge)] == ["opened"]
    assert runs(edge, compliance, 2) == []


def test_a_record_of_thousands_of_findings_is_stored(edge: Stack, compliance: ModuleType) -> None:
    now = edge.clock.now()
    episodes = {f"target-free eni-{n:017x} 10.0.{n // 250}.{n % 250}": Episode(now, now) for n in range(5000)}
    kept = compliance.findings.get("edge", now)
    written = compliance.findings.put("edge", kept, Tracked(episodes))
    assert written is not None
    assert compliance.findings.get("edge", now) == written
    assert len(written.tracked.episodes) == 5000


SOURCES = ['{"episodes": 7}', "no json", '{"episodes": {"x": {"since": "?"}}}', ""]


@pytest.mark.parametrize("source", first_now(SOURCES))
def test_a_damaged_record_starts_empty(edge: Stack, compliance: ModuleType, source: str) -> None:
    item = {
        "kind": {"S": "finding"},
        "id": {"S": "edge"},
        "tracked": {"S": source or "x"},
        "revision": {"N": "7"},
    }
    if not source:
        item["revision"] = {"S": "seven"}
    clients.dynamodb().put_item(TableName="tandem-state", Item=item)
    bypass(edge)
    assert [one["status"] for one in runs(edge, compliance, 3)] == ["opened"]


@pytest.mark.parametrize("revision", first_now(["-1", "1.5", "1E+37", "10000000000000000"]))
def test_a_record_with_an_odd_revision_is_replaced(
    edge: Stack, compliance: ModuleType, revision: str
) -> None:
    key = {"kind": {"S": "finding"}, "id": {"S": "edge"}}
    item = {**key, "tracked": {"S": "{}"}, "revision": {"N": revision}}
    clients.dynamodb().put_item(TableName="tandem-state", Item=item)
    bypass(edge)
    assert [one["status"] for one in runs(edge, compliance, 3)] == ["opened"]


def test_a_packed_record_that_is_damaged_starts_empty(edge: Stack, compliance: ModuleType) -> None:
    key = {"kind": {"S": "finding"}, "id": {"S": "edge"}}
    item: Any = {**key, "tracked": {"B": b"no zlib"}, "revision": {"N": "7"}}
    clients.dynamodb().put_item(TableName="tandem-state", Item=item)
    assert compliance.findings.get("edge", edge.clock.now()).damage.startswith("`tracked` cannot be unpacked")


def test_what_cannot_be_read_opens_and_ends_nothing(edge: Stack, compliance: ModuleType) -> None:
    bypass(edge)
    assert len(runs(edge, compliance, 2)) == 1
    edge.levers.fault("GetRouteServerRoutingDatabase", error="RequestLimitExceeded", count=1000)
    assert {one["rule"] for one in runs(edge, compliance, 3)} <= {"looked-at-recently", "watched-recently"}
    edge.levers.faults_clear()
    assert runs(edge, compliance) == []


def test_a_damaged_topology_keeps_no_other_waiting(edge: Stack, compliance: ModuleType) -> None:
    clients.dynamodb().put_item(
        TableName="tandem-state",
        Item={
            "kind": {"S": "topology"},
            "id": {"S": "another"},
            "document": {"S": "{"},
            "version": {"N": "1"},
        },
    )
    bypass(edge)
    assert [one["status"] for one in runs(edge, compliance, 2)] == ["opened"]
