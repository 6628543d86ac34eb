"""Tests what people get: short, true, and enough to act on at 3 a.m."""

from __future__ import annotations

import copy
import json

import pytest

from tandem.events import DetailType, Event, from_envelope
from tandem.reasons.failover import FindingCode, HoldCode
from tandem.reasons.reason import reason
from tandem.words.failover_reasons import ENTRIES
from tandem.words.notification import DETAIL_MOST, TOLD, notification, subject
from tandem.words.render import fill, sentences
from tests.contracts import SNS_MOST, assert_meets_schema, message_of
from tests.samples import ours, sample


def of(name):
    event = from_envelope(sample(name))
    assert event is not None
    return message_of(event)


def test_a_long_subject_keeps_its_beginning():
    assert subject("x" * 99) == "x" * 99
    assert subject("x" * 100) == "x" * 96 + "..."


@pytest.mark.parametrize("length", range(60, 96))
def test_a_subject_is_never_cut_inside_an_id_or_an_address(length):
    words = ["x" * length, "eipalloc-0c000000000000002:", "198.51.100.7", "eni-0a2000000000000e2"]
    kept = subject(" ".join(words * 2)).removesuffix("...").split()
    assert all(word in {w.rstrip(":") for w in words} | set(words) for word in kept)


@pytest.mark.parametrize("code", HoldCode)
def test_each_hold_says_what_to_do_about_this_very_hold(code):
    event = sample("failover-decision-hold")
    event["detail"]["code"] = event["detail"]["addresses"][1]["code"] = code
    made = from_envelope(event)
    assert made is not None
    assert_meets_schema(made)
    text = message_of(made).text
    assert f"What to do: {ENTRIES[code].advice[0]}" in text
    assert "the reason names.\n" not in text


def test_a_hold_for_two_reasons_has_advice_for_both():
    event = sample("failover-decision-hold")
    event["detail"]["addresses"][0] |= {"action": "hold", "code": "damped"}
    made = from_envelope(event)
    assert made is not None
    text = message_of(made).text
    assert f"What to do: {ENTRIES[HoldCode.TARGET_OCCUPIED].advice[0]}" in text
    assert f"And: {ENTRIES[HoldCode.DAMPED].advice[0]}" in text


def test_a_hold_of_an_older_version_is_told_too():
    event = sample("failover-decision-hold")
    for name in ("code", "thread", "since", "appliances", "sessions", "instances"):
        del event["detail"][name]
    for address in event["detail"]["addresses"]:
        del address["code"]
    made = from_envelope(event)
    assert made is not None
    assert_meets_schema(made)
    assert "What to do: correct the problem that the reason names." in message_of(made).text


def test_a_hold_that_is_told_again_says_since_when():
    event = sample("failover-decision-hold")
    event["detail"]["since"] = "2026-11-21T03:43:33.019Z"
    made = from_envelope(event)
    assert made is not None
    assert "The hold began at 2026-11-21 03:43:33.019 UTC." in message_of(made).text
    assert "The hold began at" not in of("failover-decision-hold").text


def test_the_end_of_a_hold_reaches_whom_its_beginning_reached():
    ended, begun = of("hold-ended"), of("failover-decision-hold")
    assert ended.attributes | {"detail_type": ""} == begun.attributes | {"detail_type": ""}
    assert ended.subject == "Tandem edge/internet-edge: hold ended after 458 s"
    assert "Tandem moved the Elastic IPs. A separate message reports the result." in ended.text


def test_who_pulls_the_brake_is_in_the_message():
    message = of("topology-change-brake")
    assert message.subject == "Tandem edge: mode enforce -> dry-run"
    assert message.attributes["severity"] == "warning"
    lines = message.text.splitlines()
    assert (
        "Changed by: arn:aws:sts::123456789012:assumed-role/network/kim (stated by the caller, not verified)."
        in lines
    )
    assert "Request ID: 5d2a8a0e-2d1c-4b9e-8f3a-3c0b7a1d6e42, through cli." in lines
    assert any(line.startswith("From now on Tandem does not move its Elastic IPs") for line in lines)


def test_a_deleted_topology_is_told_as_one_that_nobody_moves_any_more():
    message = of("topology-change-deleted")
    assert message.subject == "Tandem edge: was deleted"
    assert message.attributes["severity"] == "warning"
    assert "apply its document again" in message.text


def test_a_release_of_the_brake_and_a_new_version_are_information():
    assert of("topology-change").subject == "Tandem edge: mode dry-run -> enforce"
    assert of("topology-change").attributes["severity"] == "info"
    event = sample("topology-change")
    for name in ("mode", "previous_mode", "stated_by", "request_id"):
        del event["detail"][name]
    made = from_envelope(event)
    assert made is not None
    assert_meets_schema(made)
    assert message_of(made).subject == "Tandem edge: version 3 was stored"


def test_sessions_are_repeated_only_where_there_is_something_to_dial_anew():
    event = sample("provisioning-completed")
    assert "The appliances must open these BGP sessions:" in of("provisioning-completed").text
    event["detail"]["dial"] = []
    made = from_envelope(event)
    assert made is not None
    assert "dial" not in message_of(made).text


@pytest.mark.parametrize("detail_type", sorted(set(DetailType) - TOLD))
def test_people_are_not_told_of_what_only_machines_need(detail_type):
    assert notification(Event(detail_type, {"topology": "edge"})) is None


@pytest.mark.parametrize("detail_type", sorted(TOLD))
def test_people_are_told_of_every_decision_outcome_finding_and_override(detail_type):
    assert of(detail_type.file_name.removesuffix(".json")).attributes["detail_type"] == detail_type


@pytest.mark.parametrize("name", [n for n in ours() if "audit" in sample(n)["detail"]])
def test_the_head_of_the_audit_sequence_is_in_every_text_that_has_one(name):
    audit = sample(name)["detail"]["audit"]
    text = of(name).text
    assert text.endswith(f"Audit: {audit['sequence']}, record {audit['number']}, hash {audit['hash']}.\n")


def test_a_move_as_people_read_it():
    message = of("failover-decision")
    assert message.subject == "Tandem edge/internet-edge: moving 2 Elastic IPs to fw2"
    assert message.attributes == {
        "detail_type": "Failover Decision",
        "topology": "edge",
        "group": "internet-edge",
        "severity": "info",
        "action": "move",
        "thread": "edge-42-1",
    }
    fw1, fw2 = "fw1 (eni-0a1000000000000e1 10.0.1.2", "fw2 (eni-0a2000000000000e2 10.0.2.2"
    assert message.text.splitlines()[:11] == [
        "Tandem is moving 2 of 2 Elastic IPs of internet-edge (topology edge) to fw2.",
        "",
        "Why: fw2 owns the route; fw1 has no session with BGP up.",
        "Woken by: BGP of rsp-0f1000000000000a1 went down, 2026-11-21 03:58:31.000 UTC.",
        "",
        f"  192.0.2.10 (eipalloc-0c000000000000001): {fw1}0) -> {fw2}0)",
        f"  192.0.2.11 (eipalloc-0c000000000000002): {fw1}1) -> {fw2}1)",
        "",
        "What to do: nothing yet. A separate message reports the result.",
        "",
        "Decided at 2026-11-21 03:58:33.019 UTC, decision edge-42-1.",
    ]


def test_a_hold_says_what_is_in_the_way_and_how_to_see_more():
    message = of("failover-decision-hold")
    assert message.subject == (
        "Tandem edge/internet-edge: OUTAGE: fw1 is dead with 192.0.2.11: 10.0.2.21 on..."
    )
    assert (message.attributes["severity"], message.attributes["action"]) == ("critical", "hold")
    lines = message.text.splitlines()
    whole = "1 of 2 Elastic IPs of internet-edge (topology edge)"
    assert lines[0] == (
        f"OUTAGE since 2026-11-21 03:58:32.981 UTC: fw1 is dead and has {whole}. "
        "Connections through them fail. Tandem holds: it does not move them."
    )
    assert "Note: BFD is down beside BGP up on rsp-0f2000000000000b2." in lines
    assert (
        "  192.0.2.10 (eipalloc-0c000000000000001): stays with fw2 (eni-0a2000000000000e2 10.0.2.20): "
        "it is at the target declared for fw2."
    ) in lines
    assert (
        "  aws ec2 describe-addresses --allocation-ids eipalloc-0c000000000000001 eipalloc-0c000000000000002 "
        "eipalloc-0c000000000000009"
    ) in lines
    assert any(line.startswith("What to do: move the other Elastic IP off that private IP") for line in lines)
    assert "Sessions of fw1:" in lines
    assert (
        "  rsp-0f2000000000000b2: BGP up, BFD down, first seen in this state at 2026-11-20 22:40:10.004 UTC"
        in lines
    )
    assert "  i-0a1000000000000f1 is stopped" in lines


def test_a_dry_run_says_that_nothing_is_moved():
    message = of("failover-decision-dry-run")
    assert message.subject == "Tandem edge/internet-edge: would move 2 Elastic IPs to fw2 (dry-run)"
    assert "The topology is in dry-run: nothing is moved." in message.text
    assert "set `mode: enforce`" in message.text


def test_an_outcome_says_how_long_each_stage_took():
    message = of("failover-completed")
    assert message.subject == "Tandem edge/internet-edge: moved 2 Elastic IPs to fw2 in 2.7 s"
    assert (
        "Times: the event 2026-11-21 03:58:31.000 UTC, received +1.604 s, lease +0.013 s, AWS read +0.385 s, "
        "decided +0.017 s, associated +0.447 s, verified +0.265 s, 2.731 s in all."
    ) in message.text.splitlines()


def test_times_begin_with_the_first_stage_that_is_known():
    event = sample("failover-completed")
    event["detail"]["stages"] |= {"signal_at": None, "leased_at": None}
    made = from_envelope(event)
    assert made is not None
    assert "Times: received 2026-11-21 03:58:32.604 UTC, AWS read +0.398 s, " in message_of(made).text


def test_a_failure_names_the_error_first_and_gives_the_command_to_do_it_by_hand():
    message = of("failover-failed")
    assert message.subject == "Tandem edge/internet-edge: FAILED, 1 of 2 Elastic IPs not moved to fw2"
    assert message.attributes["severity"] == "critical"
    lines = message.text.splitlines()
    assert lines[2].startswith(
        "  192.0.2.11 (eipalloc-0c000000000000002): failed (InvalidNetworkInterfaceID.NotFound: "
    )
    (command,) = (line for line in lines if "aws ec2 associate-address" in line)
    assert command == (
        "  aws ec2 associate-address --allocation-id eipalloc-0c000000000000002 "
        "--network-interface-id eni-0a2000000000000e2 --private-ip-address 10.0.2.21"
    )


@pytest.mark.parametrize("error", [None, {"code": "NoAnswer", "message": "Read timeout"}])
def test_what_ec2_took_and_does_not_show_has_not_failed(error):
    event = sample("failover-failed")
    event["detail"]["addresses"][1] |= {"outcome": "unverified", "error": error}
    made = from_envelope(event)
    assert made is not None
    what = "FAILED, 1 of 2 Elastic IPs not moved to" if error else "NOT SHOWN YET, 1 of 2 Elastic IPs at"
    assert message_of(made).subject == f"Tandem edge/internet-edge: {what} fw2"
    assert ("EC2 took the move of 1 of 2 Elastic IPs" in message_of(made).text) is (error is None)


def test_a_decision_made_while_the_audit_table_is_away_says_so():
    event = sample("failover-decision")
    event["detail"]["audit"] = None
    made = from_envelope(event)
    assert made is not None
    assert message_of(made).text.endswith("Audit: the record follows when the audit table answers again.\n")


@pytest.mark.parametrize(
    ("change", "severity", "says"),
    [
        ("paused", "warning", "Until then the Elastic IPs do not follow the route."),
        ("pinned", "warning", "It ends by itself at 2026-11-22 22:00:00.000 UTC."),
        ("resumed", "info", "The Elastic IPs follow the route again."),
        ("unpinned", "info", "The Elastic IPs follow the route again."),
    ],
)
def test_an_override_says_whether_the_addresses_follow(change, severity, says):
    event = sample("override-changed")
    event["detail"]["change"] = change
    made = from_envelope(event)
    assert made is not None
    message = message_of(made)
    assert message.attributes["severity"] == severity
    assert says in message.text


def test_an_override_says_who_set_it_as_the_statement_of_its_record():
    lines = of("override-changed").text.splitlines()
    who = "arn:aws:sts::123456789012:assumed-role/NetworkAdmin/alice"
    assert lines[0] == "Override: internet-edge (topology edge) was pinned to fw1."
    assert f"The override record states that it was set by {who} (not verified)." in lines
    assert "Why, as the record states: firmware upgrade of fw2." in lines


def test_drift_that_tandem_leaves_alone_says_how_to_undo_it():
    lines = of("drift-detected").text.splitlines()
    who = "arn:aws:sts::123456789012:assumed-role/NetworkAdmin/alice"
    assert lines[2:7] == [
        f"Changed by: {who}.",
        "",
        "What to do: undo the change in AWS, with the tool that manages the resource: Tandem does not do it.",
        "If the change was meant, write it into the topology and run tandem apply.",
        f"In the topology, right would be: {sample('drift-detected')['detail']['expected']}.",
    ]


def test_drift_that_tandem_repairs_says_what_is_and_what_should_be():
    event = sample("drift-detected")
    event["detail"] |= {"code": "session-without-peer", "expected": "the peer of fw1", "observed": None}
    made = from_envelope(event)
    assert made is not None
    assert_meets_schema(made)
    lines = message_of(made).text.splitlines()
    assert lines[2:4] == ["It should be: the peer of fw1.", "It is: absent."]
    assert any(line.startswith("What to do: nothing if Tandem is going to repair it") for line in lines)


def test_a_route_leak_names_appliance_peer_ten_prefixes_and_how_many_there_are():
    message = of("route-leak")
    reason = "fw1 advertises 12 prefixes that are not in its allowed_prefixes"
    assert message.subject == f"Tandem edge: route leak, {reason}"
    assert (message.attributes["severity"], message.attributes["action"]) == ("warning", "leak")
    lines = message.text.splitlines()
    assert lines[:4] == [
        f"Route leak in topology edge: {reason}.",
        "The peer is rsp-0f1000000000000a1.",
        "",
        "First 10 of 12 prefixes:",
    ]
    assert lines[4:14] == [f"  100.64.{n}.0/24" for n in range(10)]
    assert lines[15].startswith("What to do: stop fw1 from advertising this, or add it to `allowed_prefixes`")
    assert lines[-1] == "Advertised at 2026-11-21 03:58:31.412 UTC."


def test_a_leak_that_is_named_whole_is_not_called_the_first_of_it():
    event = sample("route-leak")
    event["detail"] |= {"prefixes": ["10.99.0.0/16"], "count": 1}
    made = from_envelope(event)
    assert made is not None
    assert message_of(made).text.splitlines()[3:5] == ["Prefixes:", "  10.99.0.0/16"]


def test_a_resolved_finding_is_good_news():
    event = sample("compliance-finding")
    event["detail"]["status"] = "resolved"
    made = from_envelope(event)
    assert made is not None
    message = message_of(made)
    assert message.subject.startswith("Tandem edge/internet-edge: resolved, ")
    assert (message.attributes["severity"], message.attributes["action"]) == ("info", "resolved")
    assert "What to do" not in message.text


def test_hundreds_of_addresses_still_make_a_message_that_sns_takes():
    event = sample("failover-decision-hold")
    one = event["detail"]["addresses"][1]
    one["reason"] = "r" * 2_000
    event["detail"]["addresses"] = [copy.deepcopy(one) for _ in range(300)]
    event["detail"]["reason"] = "; ".join(one["reason"] for _ in range(300))
    made = from_envelope(event)
    assert made is not None
    message = message_of(made)
    assert len(json.dumps(made.detail)) > DETAIL_MOST
    assert message.detail is None
    assert "  and 275 more" in message.text
    assert len(message.text.encode()) < SNS_MOST - DETAIL_MOST


@pytest.mark.parametrize("code", ["target-not-ready", "unreadable", "not-moved"])
def test_a_hold_of_schema_version_1_has_the_advice_of_its_code(code):
    event = sample("failover-decision-hold")
    event["detail"] |= {"schema_version": 1, "code": code}
    for name in ("reasons", "report_reasons"):
        del event["detail"][name]
    for address in event["detail"]["addresses"]:
        address.pop("reasons", None)
    event["detail"]["addresses"][1]["code"] = code
    made = from_envelope(event)
    assert made is not None
    assert_meets_schema(made)
    assert "What to do: correct the problem" not in message_of(made).text


@pytest.mark.parametrize("name", [n for n in ours() if "reasons" in sample(n)["detail"]])
def test_the_sentence_of_a_sample_is_what_its_code_and_facts_make(name):
    detail = sample(name)["detail"]
    codes = {str(code): code for code in ENTRIES}

    def words(reasons):
        made = [reason(codes[r["code"]], r["subject"], **_facts(r["facts"])) for r in reasons]
        return sentences(made, ENTRIES)

    if detail["reasons"]:
        assert words(detail["reasons"]) in detail.get("reason", detail.get("summary"))
    for address in detail.get("addresses", []):
        assert words(address.get("reasons", detail["reasons"])) == address["reason"]
    assert [words([one]) for one in detail.get("report_reasons", [])] == detail.get("reports", [])


def _facts(facts):
    return {name: _fact(value) for name, value in facts.items()}


def _fact(value):
    if isinstance(value, dict):
        codes = {str(code): code for code in ENTRIES}
        return reason(codes[value["code"]], value["subject"], **_facts(value["facts"]))
    return tuple(map(_fact, value)) if isinstance(value, list) else value


HELD = {
    "allocation_id": "eipalloc-0c000000000000003",
    "public_ip": "192.0.2.12",
    "from": {"network_interface": "eni-0a1000000000000e1", "private_ip": "10.0.1.22", "appliance": "fw1"},
    "reason": "eni-0a2000000000000e2 does not have the private IP 10.0.2.22",
    "code": "target-lacks-private-ip",
}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("failover-completed", "moved 2 of 3 Elastic IPs to fw2; 192.0.2.12 is held"),
        ("failover-failed", "FAILED, 1 of 2 Elastic IPs not moved to fw2; 1 more is held"),
    ],
)
def test_an_outcome_says_what_is_held_beside_it_and_reaches_whom_the_move_reached(name, says):
    event = sample(name)
    event["detail"] |= {"held": [HELD], "severity": "critical"}
    made = from_envelope(event)
    assert made is not None
    assert_meets_schema(made)
    message = message_of(made)
    assert says in message.subject
    assert message.attributes["severity"] == "critical"
    assert "  192.0.2.12 (eipalloc-0c000000000000003) is held: it stays with fw1 (eni-0a1" in message.text


def test_the_end_of_a_hold_says_how_often_its_reason_changed():
    assert "The last reason was: " in of("hold-ended").text
    assert "changed" not in of("hold-ended").text
    event = sample("hold-ended")
    event["detail"]["changes"] = 2
    made = from_envelope(event)
    assert made is not None
    assert_meets_schema(made)
    assert "The reason changed 2 times during the hold; earlier messages have the others." in (
        message_of(made).text
    )


def test_a_moved_address_of_an_event_of_the_release_before_is_with_its_new_holder():
    """Its `from` is the old one."""
    event = sample("failover-decision-hold")
    event["detail"]["addresses"][0] |= {"code": "moved", "reason": "moved and verified", "from": HELD["from"]}
    made = from_envelope(event)
    assert made is not None
    assert "is now with fw2 (eni-0a2000000000000e2 10.0.2.20): moved and verified." in message_of(made).text


def test_who_starts_a_dead_standby_is_told_that_the_addresses_may_follow_it():
    why = reason(FindingCode.STANDBY_INSTANCE_NOT_RUNNING, "fw1", instance="i-1", state="stopped", only=None)
    (line,) = ENTRIES[why.code].advice
    assert fill(line, why, ENTRIES).endswith(
        "If fw1 has the better route when it is back, the Elastic IPs follow it at once"
    )
