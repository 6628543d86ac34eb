"""Records of every kind that nobody can read: left out or mended, reported, and in nobody's way."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tandem.adapters import clients
from tandem.adapters.topologies import TopologyStore
from tandem.audit import MOST, Head, problems
from tandem.topology.document import parse_topology
from tests.cloudformation import PHYSICAL, Story, custom_resource
from tests.judging import reasons
from tests.managing import Managed
from tests.provisioning import Provisioner, provisioner, watching
from tests.shared_worlds import begins_in
from tests.stack import MOVING, Stack, stack
from tests.stories.test_managing_between import at_rest

DEEP = "[" * 100_000
STATE, AUDIT = "tandem-state", "tandem-audit"


@pytest.fixture
@begins_in(stack)
def edge() -> Iterator[Stack]:
    with stack() as s:
        yield s


@pytest.fixture
@begins_in(at_rest)
def there() -> Iterator[Managed]:
    with at_rest() as tandem:
        tandem.app.logger.setLevel("ERROR")
        yield tandem


@pytest.fixture
@begins_in(watching)
def watched() -> Iterator[Provisioner]:
    with watching() as tandem:
        tandem.app.logger.setLevel("ERROR")
        yield tandem


@pytest.fixture
@begins_in(provisioner)
def story() -> Iterator[Story]:
    with custom_resource() as made:
        made.tandem.app.logger.setLevel("ERROR")
        yield made


def counted(capsys: pytest.CaptureFixture[str], name: str) -> float:
    """Returns how often a metric was counted since the last time."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    return sum(sum(line.get(name, [0])) for line in lines)


def said(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(str(vars(r).get("why")) for r in caplog.records if r.msg.endswith("damaged"))


def stored(kind: str, name: str) -> dict[str, Any]:
    return boto3.client("dynamodb").get_item(
        TableName=STATE, Key={"kind": {"S": kind}, "id": {"S": name}}, ConsistentRead=True
    )["Item"]


def lay(item: dict[str, Any], **attributes: dict[str, Any] | None) -> None:
    """Overwrites attributes of a record, or takes them away."""
    changed = {name: value for name, value in {**item, **attributes}.items() if value is not None}
    boto3.client("dynamodb").put_item(TableName=AUDIT if "sequence" in item else STATE, Item=changed)


def kill_fw1_and_sweep(edge: Stack) -> None:
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()


# the times of what was provisioned


def another_asn(tandem: Managed) -> None:
    """In the document alone: nobody configures the appliance, so a run waits."""
    wanted = tandem.wanted()
    wanted["appliances"]["fw1"]["asn"] = 65011
    assert tandem.apply(wanted)["problems"] == []
    tandem.refresh()
    tandem.settle(60)


def provisioned_with(tandem: Provisioner, **members: Any) -> None:
    item = stored("topology", "edge")
    known = json.loads(item["provisioned"]["S"])
    lay(item, provisioned={"S": json.dumps({**known, **members})})


SINCE = [
    ("soon", "is not a valid time"),
    (5, "is not a valid time"),
    ([], "is not a valid time"),
    ("0001-01-01T00:00:00+14:00", "is not a valid time"),
    ("2026-13-01T00:00:00Z", "is not a valid time"),
    (DEEP, "is not a valid time"),
]


@pytest.mark.parametrize(("since", "why"), SINCE, ids=lambda value: str(value)[:30])
def test_a_damaged_time_of_waiting_is_repaired_and_reported_and_the_others_get_their_turn(
    there: Managed, capsys, caplog, since: Any, why: str
) -> None:
    another_asn(there)
    transit = there.other(manage=False)
    transit["route_server"]["id"] = there.record().provisioned.route_server_id
    there.app.store.put(parse_topology(transit), "cli", None)
    provisioned_with(there, waits_since=since)
    capsys.readouterr()
    there.refresh()
    assert counted(capsys, "DamagedTopology") == 1
    assert f"`provisioned.waits_since`: it {why}" in said(caplog)
    transit = there.record("transit")
    assert transit.provisioned is not None
    assert transit.provisioned.version == 1
    assert there.record().repaired is None
    assert there.record().provisioned.waits_since <= there.lab.clock.now()
    caplog.clear()
    there.refresh()
    assert said(caplog) == ""


def test_a_time_of_waiting_without_a_zone_is_utc(there: Managed, caplog) -> None:
    another_asn(there)
    since = there.record().provisioned.waits_since
    provisioned_with(there, waits_since=since.replace(tzinfo=None).isoformat())
    there.refresh()
    assert there.record().provisioned.waits_since == since
    assert said(caplog) == ""


def test_a_time_of_waiting_that_is_still_to_come_counts_as_now(there: Managed) -> None:
    another_asn(there)
    provisioned_with(there, waits_since="2126-01-01T00:00:00Z")
    there.refresh()
    assert there.record().provisioned.waits_since <= there.lab.clock.now()


def test_a_damaged_time_of_a_topology_at_rest_is_repaired_and_nobody_is_told_anew(
    there: Managed, caplog
) -> None:
    there.refresh()
    there.events()
    provisioned_with(there, waits_since="soon")
    there.refresh()
    assert "`provisioned.waits_since`: it is not a valid time" in said(caplog)
    assert there.events() == []
    assert there.record().repaired is None


def test_a_creation_whose_begin_cannot_be_read_makes_no_second_route_server(there: Managed, caplog) -> None:
    """Where nobody knows whether one was begun just now, nothing that makes one may go by the record."""
    before = there.world()
    provisioned_with(there, server_begun_at="soon")
    there.refresh()
    assert there.ec2_changes() == []
    assert "`provisioned.server_begun_at`: it is not a valid time" in said(caplog)
    assert there.world() == before


# requests

ODD_REQUESTS: dict[str, dict[str, Any]] = {
    "a bare number": {"received_at": {"N": "1"}},
    "nothing": {},
    "a deep request": {"asked": {"S": DEEP}, "received_at": {"N": "1"}, "url": {"S": "https://x"}},
    "a list": {"asked": {"S": "[]"}, "received_at": {"N": "1"}, "url": {"S": "https://x"}},
    "half a request": {"asked": {"S": '{"type": "Create"}'}, "received_at": {"N": "1"}, "url": {"S": "u"}},
}


@pytest.mark.parametrize("odd", ODD_REQUESTS.values(), ids=ODD_REQUESTS)
def test_a_damaged_request_is_left_out_and_counted_and_the_others_are_answered(
    story: Story, capsys, caplog, odd: dict[str, Any]
) -> None:
    lay({"kind": {"S": "request"}, "id": {"S": "x"}, **odd})
    story.succeed(story.create())
    assert "x" in [vars(r).get("record") for r in caplog.records]
    capsys.readouterr()
    story.tandem.refresh()
    assert counted(capsys, "DamagedRecord") == 1
    assert story.succeed(story.delete())["PhysicalResourceId"] == PHYSICAL


def open_create(story: Story) -> tuple[dict[str, Any], dict[str, Any]]:
    """A create that is stored and not answered yet, and its record."""
    event = story.create()
    story.invoke(event)
    assert story.stacks.answer(event) is None
    (item,) = records("request")
    return event, item


def records(kind: str) -> list[dict[str, Any]]:
    found = boto3.client("dynamodb").scan(TableName=STATE)["Items"]
    return [item for item in found if item["kind"]["S"] == kind]


DAMAGED_MEMBERS: dict[str, dict[str, Any]] = {
    "asked": {"asked": {"S": DEEP}},
    "no asked": {"asked": None},
    "another asked": {"asked": {"N": "5"}},
    "received_at": {"received_at": {"N": "1" + "0" * 30}},
    "received in words": {"received_at": {"S": "soon"}},
    "no url": {"url": None},
    "version": {"version": {"S": "three"}},
    "prepared": {"prepared": {"S": "[]"}},
    "a plan of numbers": {"prepared": {"S": '{"meant": 5, "is_maker": "yes", "previous": 5}'}},
    "answered_at": {"answered_at": {"S": "today"}},
    "answer": {"answer": {"S": '{"status": "MAYBE", "physical_id": "x"}'}},
}


@pytest.mark.parametrize("damage", DAMAGED_MEMBERS.values(), ids=DAMAGED_MEMBERS)
def test_a_request_that_comes_again_mends_its_damaged_record(story: Story, damage: dict[str, Any]) -> None:
    event, item = open_create(story)
    lay(item, **damage)
    story.tandem.refresh()
    assert story.stacks.answer(event) is None
    story.invoke(event)
    story.tandem.deliver()
    answer = story.stacks.answer(event)
    assert answer is not None
    assert answer["Status"] == "SUCCESS"
    assert story.stored.version == 1


def test_an_answer_that_was_decided_outlives_the_damage_beside_it(story: Story) -> None:
    event, item = open_create(story)
    answer = {"status": "FAILED", "physical_id": PHYSICAL, "reason": "decided before", "data": {}}
    lay(item, received_at={"S": "soon"}, answer={"S": json.dumps(answer)})
    story.invoke(event)
    assert story.stacks.answer(event)["Reason"] == "decided before"  # type: ignore[index]


def test_a_request_that_is_damaged_while_it_is_served_is_mended_by_the_next_try(story: Story) -> None:
    requests = story.tandem.app.requests
    real, waiting = requests.accept, [records]

    def accept(noted: Any, version: int) -> Any:
        if waiting:
            lay(waiting.pop()("request")[0], received_at={"S": "soon"})
        return real(noted, version)

    vars(requests)["accept"] = accept
    event = story.create()
    story.invoke(event)
    story.tandem.deliver()
    story.tandem.refresh()
    answer = story.stacks.answer(event)
    assert answer is not None
    assert answer["Status"] == "SUCCESS"


def test_text_that_is_no_unicode_in_a_request_is_refused_and_answered(story: Story) -> None:
    odd = story.properties(mode="\ud800")
    assert "mode" in story.fail(story.create(odd))


# topologies


@pytest.mark.parametrize("member", ["document", "provisioned"])
@pytest.mark.parametrize("text", [DEEP, '{"a":' * 70_000, "9" * 5000, '"\\ud800"'], ids=lambda t: t[:8])
def test_a_topology_that_cannot_be_read_stops_no_other(
    watched: Provisioner, capsys, caplog, member: str, text: str
) -> None:
    assert watched.apply(watched.other())["problems"] == []
    lay(stored("topology", "edge"), **{member: {"S": text}})
    capsys.readouterr()
    watched.refresh()
    assert counted(capsys, "DamagedTopology") == 1
    assert "the stored topology edge is damaged" in said(caplog)
    assert watched.record("transit").provisioned.version == 1
    for function in ("signals", "failover", "watch"):
        found = function_store(function).list()
        assert set(found.damaged) == {"edge"}
        assert [r.topology.name for r in found.looked_at if r.topology.name == "transit"] == ["transit"]


def function_store(name: str) -> Any:
    return TopologyStore(clients.dynamodb(), STATE)


@pytest.mark.parametrize("text", [DEEP, "[" * 900 + "]" * 900], ids=["too deep", "deep"])
def test_a_deep_record_of_a_topology_keeps_no_other_from_failing_over(edge: Stack, text: str) -> None:
    edge.store(name="aa", groups=[])
    item = stored("topology", "aa")
    lay(item, document={"S": item["document"]["S"][:-1] + f', "x": {text}' + "}"})
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.invoke({"tandem": "sweep"})
    assert edge.are_all_with("fw2")


ODD_DOCUMENTS: dict[str, dict[str, Any]] = {
    "a route server that is a list": {"route_server": {"id": ["rs-1"]}},
    "a mode for manage": {"manage": "no"},
    "a text for tables": {"route_server": {"id": "rs-1", "propagate_to": "rtb-1"}},
    "a number for a group": {"groups": [{"name": 5, "prefixes": ["0.0.0.0/0"]}]},
    "an instance that is a mapping": {"appliances": {"fw1": {"instance_id": {}, "asn": 1, "peers": {}}}},
}


@pytest.mark.parametrize("odd", ODD_DOCUMENTS.values(), ids=ODD_DOCUMENTS)
def test_a_document_of_the_wrong_types_is_damaged(edge: Stack, odd: dict[str, Any]) -> None:
    edge.store(name="aa", groups=[])
    item = stored("topology", "aa")
    lay(item, document={"S": json.dumps({**json.loads(item["document"]["S"]), **odd})})
    assert set(function_store("failover").list().damaged) == {"aa"}
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.invoke({"tandem": "sweep"})
    assert edge.are_all_with("fw2")


# the audit trail


def trail(edge: Stack) -> dict[str, Any]:
    """The newest of two records."""
    edge.levers.withdraw(name="fw1", prefix="0.0.0.0/0")
    edge.clock.sleep(3)
    edge.sweep()
    edge.levers.advertise(name="fw1", prefix="0.0.0.0/0")
    edge.clock.sleep(60)
    edge.sweep()
    edge.clock.sleep(300)
    assert edge.are_all_with("fw1")
    items = boto3.client("dynamodb").query(
        TableName=AUDIT,
        KeyConditionExpression="#s = :s",
        ExpressionAttributeNames={"#s": "sequence"},
        ExpressionAttributeValues={":s": {"S": "failover#edge"}},
        ScanIndexForward=False,
    )["Items"]
    return items[0]


BOMB = gzip.compress(b'{"kind":"hold","x":"' + b"a" * (8 * MOST) + b'"}')

ODD_RECORDS: dict[str, dict[str, Any]] = {
    "a body that unpacks without end": {"body": {"B": BOMB}},
    "an outcome that notifies nobody": {"body": {"S": '{"kind": "outcome", "decision_id": "d"}'}},
    "an outcome of another type": {"body": {"S": '{"kind": "outcome", "decision_id": "d", "tell": [[]]}'}},
    "a deep body": {"body": {"S": DEEP}},
    "a body of another type": {"body": {"M": {"kind": {"S": "intent"}}}},
    "a body without Unicode": {"body": {"S": '{"decision_id": "\\ud800", "kind": "intent"}'}},
    "no hash": {"hash": None},
    "a hash of another type": {"hash": {"L": []}},
    "a hash that is none": {"hash": {"S": "x" * 300_000}},
    "no previous": {"previous": None},
    "a previous of another type": {"previous": {"N": "5"}},
    "a fraction": {"number": {"N": "2.5"}},
    "a huge number": {"number": {"N": "1" + "0" * 31}},
    "a negative number": {"number": {"N": "-3"}},
    "odd groups to tell": {"body": {"S": '{"kind": "hold", "tell": 5}'}},
    "odd groups in it": {"body": {"S": '{"kind": "hold", "tell": [[5], {}]}'}},
    "an odd intent": {
        "body": {"S": '{"kind": "intent", "decision_id": [1], "groups": {"a": {"addresses": 5}}}'}
    },
}


@pytest.mark.parametrize("odd", ODD_RECORDS.values(), ids=ODD_RECORDS)
def test_a_damaged_audit_record_stops_no_failover_and_the_trail_goes_on(
    edge: Stack, odd: dict[str, Any]
) -> None:
    newest = trail(edge)
    before = int(newest["number"]["N"])
    lay(newest, **odd)
    kill_fw1_and_sweep(edge)
    assert edge.are_all_with("fw2")
    found = edge.app.world.audit.recent("failover#edge")
    added = [r for r in found if r.number > before]
    assert [r.body["kind"] for r in reversed(added)][-2:] == ["intent", "outcome"]
    since = Head("failover#edge", added[-1].number, added[-1].hash)
    assert problems(tuple(reversed(added)), first=since) == ()


def test_a_damaged_audit_record_is_reported(edge: Stack, capsys, caplog) -> None:
    lay(trail(edge), body={"S": DEEP})
    capsys.readouterr()
    kill_fw1_and_sweep(edge)
    assert counted(capsys, "RepairedState") == 1
    assert "the audit record failover#edge" in said(caplog)


def test_a_trail_that_cannot_be_read_counts_as_away_and_its_records_come_late(edge: Stack) -> None:
    """Fractions alone: nobody can say what comes next. Dead holders move; the records follow."""
    edge.sweep()
    key = {"sequence": {"S": "failover#edge"}}
    body = {"previous": {"S": "0" * 64}, "hash": {"S": "0" * 64}, "body": {"S": "{}"}}
    for number in range(30):
        lay({**key, "number": {"N": f"{900 + number}.5"}, **body})
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    with pytest.raises(Exception, match="failover#edge cannot be read"):
        edge.sweep()
    assert edge.are_all_with("fw2")
    for number in range(30):
        boto3.client("dynamodb").delete_item(
            TableName=AUDIT, Key={**key, "number": {"N": f"{900 + number}.5"}}
        )
    edge.sweep()
    assert edge.kinds() == ["intent", "outcome"]
    assert all(record.body["late"] for record in edge.audit())


# overrides

LATER = "2027-01-01T00:00:00Z"
LONG = "x" * 390_000


def long_overrides(edge: Stack, count: int = 3) -> None:
    """Pins of groups that sort before the real one, each nearly as large as a record may be."""
    for number in range(count):
        edge.override(f"a{number}", action="pinned", appliance="fw1", until=LATER, note=LONG)


def test_a_pause_behind_a_page_of_overrides_holds(edge: Stack) -> None:
    long_overrides(edge)
    edge.override("internet-edge", action="paused", until=LATER)
    kill_fw1_and_sweep(edge)
    assert edge.calls(*MOVING) == []
    (reason,) = reasons(edge)
    assert reason.startswith("paused by kim")


class Later:
    """Lets the first page of a query through and fails the others."""

    def __call__(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if b"ExclusiveStartKey" in params["body"]:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, model.name)


def test_a_page_of_overrides_that_cannot_be_read_holds_and_is_reported(edge: Stack, capsys, caplog) -> None:
    long_overrides(edge)
    clients.dynamodb().meta.events.register("before-call.dynamodb.Query", Later())
    kill_fw1_and_sweep(edge)
    assert edge.calls(*MOVING) == []
    (reason,) = reasons(edge)
    assert "a page of the override records of edge could not be read" in reason
    assert counted(capsys, "RepairedState") == 1


def test_the_overrides_of_a_topology_with_a_longer_name_are_not_its_own(edge: Stack) -> None:
    """They are not even read: what they hold costs it no page."""
    key = {"kind": {"S": "override"}}
    for name in ("edge2", "edge-a", "edg", "edge2#internet-edge"):
        lay({**key, "id": {"S": name}, "action": {"S": "paused"}, "until": {"S": LATER}})
    edge.override("internet-edge", action="pinned", appliance="fw2", until=LATER)
    asked: list[dict[str, Any]] = []
    clients.dynamodb().meta.events.register(
        "after-call.dynamodb.Query", lambda parsed, **_: asked.append(parsed)
    )
    found = edge.app.world.overrides.of("edge")
    assert [(o.group, o.appliance) for o in found] == [("internet-edge", "fw2")]
    assert [page["ScannedCount"] for page in asked] == [1]
    edge.override("internet-edge")
    kill_fw1_and_sweep(edge)
    assert edge.are_all_with("fw2")


PIN = {"action": "pinned", "appliance": "fw1", "until": LATER}


@pytest.mark.parametrize(
    "odd",
    [
        {"appliance": {"N": "1"}},
        {"appliance": None},
        {"action": {"S": "frozen"}},
        {"action": None},
        {"until": {"S": "soon"}},
        {"until": {"N": "5"}},
        {"forced": {"S": "true"}},
        {"who": {"L": []}},
        {"why": {"S": ""}},
    ],
    ids=json.dumps,
)
def test_an_override_that_cannot_be_read_holds_and_says_how_to_mend_it(
    edge: Stack, capsys, odd: dict[str, Any]
) -> None:
    edge.override(**PIN)
    lay(stored("override", "edge"), **odd)
    kill_fw1_and_sweep(edge)
    assert edge.calls(*MOVING) == []
    (reason,) = reasons(edge)
    assert "the override record edge is damaged" in reason
    assert reason.endswith("fix or delete it)")
    assert counted(capsys, "RepairedState") == 1


def test_a_damaged_override_whose_end_has_passed_is_over(edge: Stack) -> None:
    edge.override(action="frozen", until="2025-01-01T00:00:00Z")
    kill_fw1_and_sweep(edge)
    assert edge.are_all_with("fw2")


def test_a_long_reason_of_a_pause_is_cut_and_holds(edge: Stack) -> None:
    edge.override(action="paused", until=LATER)
    lay(stored("override", "edge"), why={"S": LONG[::2]}, who={"S": LONG[::2]})
    kill_fw1_and_sweep(edge)
    edge.sweep()
    assert edge.calls(*MOVING) == []
    (reason,) = reasons(edge)
    assert len(reason) < 2000


# the memory of the looks


def test_what_is_damaged_in_a_memory_takes_no_damping_along(edge: Stack) -> None:
    """Told of no damage before, fw1 would have its addresses taken away at once."""
    edge.levers.withdraw(name="fw1", prefix="0.0.0.0/0")
    edge.clock.sleep(3)
    edge.sweep()
    assert edge.are_all_with("fw2")
    item = stored("look", "edge")
    memory = json.loads(item["memory"]["S"])
    lay(item, memory={"S": json.dumps({**memory, "heard": 5, "standing": {"a": 1}, "next_hops": []})})
    edge.levers.advertise(name="fw1", prefix="0.0.0.0/0")
    edge.clock.sleep(1)
    began = edge.clock.now()
    edge.sweep()
    assert edge.are_all_with("fw1")
    assert (edge.clock.now() - began).total_seconds() >= 1
