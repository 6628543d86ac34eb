"""A hold as people hear of it: on what evidence, what to do, that it still lasts, and that it is over."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from tandem.adapters import clients
from tandem.adapters.looks import LookStore
from tandem.events import DetailType, Event, from_envelope
from tandem.failover.holds import REPEAT
from tests.contracts import assert_meets_schema, message_of
from tests.crashing import hooks
from tests.judging import moved, told
from tests.samples import sample
from tests.stack import Stack, edge_document

UNTIL = "2026-01-02T00:00:00+00:00"
ONCE = ["intent", "outcome"]
FOLLOWED = ["moving 4 Elastic IPs to fw2", "moved 4 Elastic IPs to fw2"]


def details(edge: Stack, detail_type: str) -> list[dict[str, Any]]:
    """The details of such events since the last time, each as its schema says."""
    found = [from_envelope(e) for e in edge.events() if e["detail-type"] == detail_type]
    for event in found:
        assert event is not None
        assert_meets_schema(event)
    return [event.detail for event in found if event]


def message(edge: Stack, detail_type: str) -> Any:
    (envelope,) = [e for e in edge.events() if e["detail-type"] == detail_type]
    event = from_envelope(envelope)
    assert event is not None
    return message_of(event)


def test_a_total_outage_is_told_with_every_session_and_what_to_do(edge: Stack) -> None:
    edge.sweep()
    edge.clock.sleep(60)
    edge.levers.kill(name="fw1", stop_instance=True)
    edge.levers.kill(name="fw2")
    edge.clock.sleep(10)
    edge.delivered = len(edge.published)
    edge.sweep()
    text = message(edge, "Failover Decision").text
    for name in ("fw1", "fw2"):
        assert f"Sessions of {name}:" in text
    assert text.count("BGP down, BFD down, first seen in this state at ") == 4
    stopped = edge.ids["instances"]["fw1"]
    assert f"  {stopped} is stopped" in text
    assert "What to do: find out why no appliance advertises the prefix." in text
    assert "the reason names" not in text


def test_a_hold_that_ends_without_a_move_is_told_like_its_beginning(edge: Stack) -> None:
    """The alert that it raised closes: same group, severity, action and thread."""
    edge.override(action="paused", until=UNTIL)
    edge.sweep()
    begun = message(edge, "Failover Decision")
    edge.override()
    edge.clock.sleep(60)
    edge.sweep()
    ended = message(edge, "Hold Ended")
    kinds = {begun.attributes.pop("detail_type"), ended.attributes.pop("detail_type")}
    assert kinds == {"Failover Decision", "Hold Ended"}
    assert ended.attributes == begun.attributes
    assert "hold ended after 60 s" in ended.subject
    assert "The last reason was: paused by kim" in ended.text
    assert "The reason is gone: every Elastic IP" in ended.text


def test_a_hold_ends_with_its_group_and_the_message_says_so(edge: Stack) -> None:
    """The group gets another name in the document, and its addresses are where nobody wants them."""
    edge.override("internet-edge", action="paused", until=UNTIL)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(10)
    edge.sweep()
    (group,) = edge_document(edge.ids)["groups"]
    edge.store(groups=[group | {"name": "renamed"}], mode="dry-run")
    edge.events()
    edge.clock.sleep(60)
    edge.sweep()
    ended = message(edge, "Hold Ended").text
    assert "The topology does not declare this group any more, so nothing is held for it." in ended
    assert "every Elastic IP" not in ended
    assert edge.audit()[-2].body["ended"]["internet-edge"]["ended_by"] == "undeclared"


@pytest.mark.parametrize(
    ("by", "cause"),
    [("move", "Tandem moved"), ("in-place", "where it belongs"), ("look", "a look found nothing to hold")],
)
def test_each_end_of_a_hold_has_its_sentence(by: str, cause: str) -> None:
    """`look` is in records of an older version."""
    ended = Event(DetailType.HOLD_ENDED, {**sample("hold-ended")["detail"], "ended_by": by})
    assert_meets_schema(ended)
    assert cause in message_of(ended).text


def test_a_hold_after_the_end_of_another_in_the_same_look_has_a_thread_of_its_own(edge: Stack) -> None:
    """Three looks under one lease: signals come as the first two notify, and so does another order."""
    orders: list[dict[str, str]] = [{}, {"action": "paused", "until": UNTIL}]

    def after(call: str) -> None:
        if call == "PutEvents" and orders:
            edge.override(**orders.pop(0))
            LookStore("tandem-state").acquire("edge", "another", edge.clock.now(), [{"kind": "look"}])

    edge.override(action="paused", until=UNTIL)
    with hooks(after=after):
        edge.sweep()
    first, ended, second = (record.body for record in edge.audit())
    assert edge.kinds() == ["hold", "hold-ended", "hold"]
    assert first["threads"] == ended["threads"] == {"internet-edge": first["decision_id"]}
    assert second["threads"] == {"internet-edge": second["decision_id"]}


def test_the_end_has_the_gravest_severity_of_the_hold(edge: Stack) -> None:
    """Paused while all is well, then the holder dies: who was paged hears that it is over."""
    edge.override(action="paused", until=UNTIL)
    edge.sweep()
    edge.levers.kill(name="fw1")
    edge.live(10)
    quiet, grave = details(edge, "Failover Decision")
    assert (quiet["severity"], grave["severity"]) == ("info", "critical")
    assert grave["thread"] == quiet["thread"] == quiet["decision_id"]
    assert "4 Elastic IPs would move to fw2 now: fw1 has no session with BGP up" in grave["reports"]
    edge.override()
    edge.sweep()
    (ended,) = details(edge, "Hold Ended")
    assert (ended["severity"], ended["thread"]) == ("critical", quiet["thread"])
    assert (ended["ended_by"], ended["began_at"]) == ("move", quiet["occurred_at"])


@pytest.mark.parametrize("by", ["dry-run", "pause"])
def test_what_a_persons_word_keeps_on_a_dead_appliance_is_told_again(edge: Stack, by: str) -> None:
    if by == "dry-run":
        edge.store(mode="dry-run")
    else:
        edge.override(action="paused", until=UNTIL)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(5)
    edge.delivered = len(edge.published)
    edge.sweep()
    edge.clock.sleep(60)
    edge.sweep()
    (first,) = details(edge, "Failover Decision")
    assert first["severity"] == "critical"
    edge.clock.sleep(REPEAT.total_seconds() - 60)
    edge.sweep()
    (again,) = details(edge, "Failover Decision")
    assert (again["severity"], again["since"]) == ("critical", first["occurred_at"])
    edge.clock.sleep(60)
    edge.sweep()
    assert details(edge, "Failover Decision") == []


def test_a_critical_hold_that_is_nobodys_word_is_notified_once(edge: Stack) -> None:
    """Both are dead: nobody's order keeps the addresses, and nobody can end the hold by lifting it."""
    for name in ("fw1", "fw2"):
        edge.levers.kill(name=name)
    edge.clock.sleep(10)
    edge.sweep()
    (first,) = details(edge, "Failover Decision")
    assert (first["action"], first["severity"]) == ("hold", "critical")
    for _ in range(2):
        edge.clock.sleep(REPEAT.total_seconds() + 1)
        edge.sweep()
    assert details(edge, "Failover Decision") == []


def test_a_dry_run_whose_holder_is_alive_is_no_alarm(edge: Stack) -> None:
    edge.store(mode="dry-run")
    edge.levers.advertise(name="fw1", prefix="0.0.0.0/0", as_path=[65001] * 3)
    edge.levers.advertise(name="fw2", prefix="0.0.0.0/0", as_path=[65002])
    edge.clock.sleep(10)
    edge.sweep()
    edge.clock.sleep(REPEAT.total_seconds() + 1)
    edge.sweep()
    (only,) = details(edge, "Failover Decision")
    assert (only["action"], only["severity"]) == ("move", "info")


def test_a_dry_run_of_addresses_that_nobody_has_is_no_alarm(edge: Stack) -> None:
    edge.store(mode="dry-run")
    for address in boto3.client("ec2").describe_addresses()["Addresses"]:
        boto3.client("ec2").disassociate_address(AssociationId=address["AssociationId"])
    edge.clock.sleep(10)
    edge.sweep()
    (only,) = details(edge, "Failover Decision")
    assert (only["action"], only["severity"]) == ("move", "info")


def test_a_hold_ends_with_the_move_that_ended_it_though_the_look_goes_on(edge: Stack) -> None:
    """The route comes back with fw2, and at once fw1 is preferred again: the look waits out the damping."""
    for name in ("fw1", "fw2"):
        edge.levers.kill(name=name)
    edge.live(60)
    taken = 0

    def flaps(**_: object) -> None:
        nonlocal taken
        taken += 1
        if taken == 4:
            edge.levers.restore(name="fw1")

    events = clients.ec2_moves().meta.events
    events.register("after-call.ec2.AssociateAddress", flaps)
    edge.levers.restore(name="fw2")
    edge.live(30)
    events.unregister("after-call.ec2.AssociateAddress", flaps)
    edge.live(60)
    assert edge.are_all_with("fw1")
    assert len(moved(edge)) == 8
    assert edge.kinds() == ["hold", *ONCE, "hold-ended", *ONCE]
    outcome, ended = edge.audit()[2].body, edge.audit()[3].body
    assert (ended["decision_id"], ended["groups"]) == (outcome["decision_id"], ["internet-edge"])
    assert ended["ended"]["internet-edge"]["ended_by"] == "move"


def test_what_is_tried_again_within_the_look_is_one_message(edge: Stack) -> None:
    """EC2 takes two of the four at first; the message of the end has all of them."""
    edge.levers.fault(action="AssociateAddress", error="IncorrectInstanceState", count=2)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.delivered = len(edge.published)
    edge.sweep()
    assert edge.are_all_with("fw2")
    assert edge.kinds() == ONCE * 2
    events = edge.events()
    assert [e["detail-type"] for e in events] == ["Failover Decision", "Failover Completed"]
    decided, completed = (e["detail"] for e in events)
    assert {a["outcome"] for a in completed["addresses"]} == {"verified"}
    assert len(completed["addresses"]) == 4
    assert completed["thread"] == decided["thread"] == decided["decision_id"]
    assert completed["stages"]["signal_at"] is not None


def test_what_stays_unmoved_is_told_once_the_look_is_over(edge: Stack) -> None:
    edge.levers.fault(action="AssociateAddress", error="IncorrectInstanceState")
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.delivered = len(edge.published)
    edge.sweep()
    messages = told(edge)
    assert messages[:2] == [FOLLOWED[0], "FAILED, 4 of 4 Elastic IPs not moved to fw2"]
    assert len([m for m in messages if not m.startswith("OUTAGE")]) == 2
    edge.levers.faults_clear()
    edge.sweep()
    assert told(edge) == [FOLLOWED[1], "hold ended"]


def of_the_release_before(edge: Stack) -> None:
    """Takes from the memory what version 0.1.0 did not keep: the codes of what stands."""
    key = {"kind": {"S": "look"}, "id": {"S": "edge"}}
    table = clients.dynamodb()
    memory = json.loads(table.get_item(TableName="tandem-state", Key=key)["Item"]["memory"]["S"])
    for standing in memory["standing"].values():
        assert standing.pop("codes")
    table.update_item(
        TableName="tandem-state",
        Key=key,
        UpdateExpression="SET memory = :memory",
        ExpressionAttributeValues={":memory": {"S": json.dumps(memory)}},
    )


def test_a_hold_of_the_release_before_is_not_notified_again_and_its_change_is(edge: Stack) -> None:
    edge.levers.kill(name="fw1")
    edge.levers.kill(name="fw2")
    edge.live(60)
    assert len(told(edge)) == 1
    of_the_release_before(edge)
    edge.sweep()
    assert told(edge) == []
    edge.override(action="paused", until=UNTIL)
    edge.sweep()
    (changed,) = told(edge)
    assert changed.startswith("OUTAGE: fw1 is dead with 4 Elastic IPs: paused by kim")


def test_a_failed_move_of_the_release_before_is_retried_without_a_notification(edge: Stack) -> None:
    edge.levers.fault(action="AssociateAddress", error="UnauthorizedOperation")
    edge.levers.kill(name="fw1")
    edge.live(150)
    assert told(edge)[:2] == [FOLLOWED[0], "FAILED, 4 of 4 Elastic IPs not moved to fw2"]
    of_the_release_before(edge)
    edge.live(61)
    assert told(edge) == []
    edge.levers.faults_clear()
    edge.live(61)
    assert told(edge) == [FOLLOWED[1], "hold ended"]


def test_the_release_before_finds_in_the_memory_what_it_wrote_there_itself(edge: Stack) -> None:
    """It compares action and words, and reads over what it does not know."""
    edge.override(action="paused", until=UNTIL)
    edge.sweep()
    key = {"kind": {"S": "look"}, "id": {"S": "edge"}}
    item = clients.dynamodb().get_item(TableName="tandem-state", Key=key)["Item"]
    standing = json.loads(item["memory"]["S"])["standing"]["internet-edge"]
    (hold,) = edge.audit()
    assert standing["reason"] == hold.body["groups"]["internet-edge"]["reason"]
    assert standing["action"] == "hold"
    assert standing.keys() - {"codes", "changes"} == {
        "action",
        "reason",
        "since",
        "severity",
        "notified_at",
        "thread",
    }


def test_the_line_of_metrics_names_the_codes_of_the_holds(
    edge: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside the count, not as a dimension of it: that would be a metric for each code."""
    edge.override(action="paused", until=UNTIL)
    edge.sweep()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    (line,) = (found for found in lines if found.get("Holds") == [1.0])
    assert line["hold_codes_edge"] == ["paused"]
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["service"]]
