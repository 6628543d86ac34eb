"""What people are told: short, true, and enough to act on at 3 a.m."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem.events import DetailType, Event, from_envelope
from tandem.notification import DETAIL_MOST, SUBJECT_MOST, TOLD, notification, subject
from tests.contracts import assert_meets_schema
from tests.samples import ours, sample

SNS_MOST = 262_144
HASH = "9" * 64

words = st.text(min_size=1)
sentences = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=200)
names = st.from_regex(r"[a-z][a-z0-9-]{0,30}", fullmatch=True)
optional = st.none() | words
moments = st.sampled_from(
    ["2026-11-21T03:58:31.000Z", "2026-11-21T03:58:32.604Z", "2026-12-01T00:00:00.999Z"]
)
places = st.none() | st.fixed_dictionaries(
    {"network_interface": names, "private_ip": names, "appliance": st.none() | names}
)
audits = st.none() | st.fixed_dictionaries(
    {"sequence": names, "number": st.integers(1, 10**9), "hash": st.just(HASH)}
)
severities = st.sampled_from(["info", "warning", "critical"])
common = {"schema_version": st.just(1), "topology": names, "occurred_at": moments}
grouped = {**common, "group": names}
address = {"allocation_id": names, "public_ip": st.none() | names, "from": places, "to": places}
decisions = st.fixed_dictionaries(
    {
        **grouped,
        "decision_id": names,
        "action": st.sampled_from(["move", "hold"]),
        "mode": st.sampled_from(["dry-run", "enforce"]),
        "owner": st.none() | names,
        "reason": words,
        "severity": severities,
        "addresses": st.lists(
            st.fixed_dictionaries(
                {**address, "action": st.sampled_from(["move", "hold", "no-change"]), "reason": words}
            ),
            max_size=5,
        ),
        "reports": st.lists(words, max_size=3),
        "signal": st.fixed_dictionaries(
            {
                "kind": st.sampled_from(["session", "route", "maintenance", "look"]),
                "cause": words,
                "occurred_at": st.none() | moments,
            }
        ),
        "audit": audits,
    }
)
outcomes = st.fixed_dictionaries(
    {
        **grouped,
        "decision_id": names,
        "owner": st.none() | names,
        "addresses": st.lists(
            st.fixed_dictionaries(
                {
                    **address,
                    "outcome": st.sampled_from(["verified", "failed", "unverified", "not-begun"]),
                    "error": st.none() | st.fixed_dictionaries({"code": words, "message": st.text()}),
                    "associated_ms": st.none() | st.integers(),
                    "verified_ms": st.none() | st.integers(),
                }
            ),
            min_size=1,
            max_size=5,
        ),
        "stages": st.fixed_dictionaries(
            {
                "signal_at": st.none() | moments,
                "received_at": moments,
                "leased_at": st.none() | moments,
                "observed_at": moments,
                "decided_at": moments,
                "associated_at": st.none() | moments,
                "verified_at": st.none() | moments,
            }
        ),
        "audit": audits,
    }
)
others: dict[DetailType, dict[str, st.SearchStrategy[Any]]] = {
    DetailType.DRIFT_DETECTED: {
        "resource_id": words, "summary": words, "severity": severities, "expected": optional,
        "observed": optional, "concerns": st.lists(words), "actor": optional,
    },
    DetailType.ROUTE_LEAK: {
        "code": st.just("prefix-not-allowed"), "reason": words, "appliance": names, "peer_id": names,
        "prefixes": st.lists(words, min_size=1, max_size=10), "count": st.integers(1),
    },
    DetailType.PROVISIONING_COMPLETED: {
        "version": st.integers(1), "route_server_id": names, "sns_topic_arn": optional,
        "endpoint_ids": st.lists(names), "peers": st.dictionaries(names, names), "steps": st.lists(words),
        "sessions": st.lists(words),
        "warnings": st.lists(words),
    },
    DetailType.PROVISIONING_FAILED: {
        "version": st.integers(1), "route_server_id": optional, "reason": words, "steps": st.lists(words),
        "error": st.none() | st.fixed_dictionaries({"code": words, "message": st.text()}),
    },
    DetailType.COMPLIANCE_FINDING: {
        "rule": words, "status": st.sampled_from(["opened", "resolved"]), "severity": severities,
        "resource_id": optional, "summary": words, "remediation": words,
    },
    DetailType.OVERRIDE_CHANGED: {
        "change": st.sampled_from(["paused", "resumed", "pinned", "unpinned"]), "forced": st.booleans(),
        "appliance": st.none() | names, "until": st.none() | moments, "who": words, "why": words,
    },
}  # fmt: skip
events = st.one_of(
    decisions.map(lambda detail: Event(DetailType.FAILOVER_DECISION, detail)),
    outcomes.map(lambda detail: Event(DetailType.FAILOVER_COMPLETED, detail)),
    outcomes.map(lambda detail: Event(DetailType.FAILOVER_FAILED, detail)),
    *(
        st.builds(Event, st.just(kind), st.fixed_dictionaries({**common, **fields}))
        for kind, fields in others.items()
    ),
)


def told(event):
    message = notification(event)
    assert message is not None
    return message


def of(name):
    event = from_envelope(sample(name))
    assert event is not None
    return told(event)


@given(events)
def test_whatever_happened_can_be_told_and_sent(event):
    assert_meets_schema(event)
    message = told(event)
    assert 0 < len(message.subject) <= SUBJECT_MOST < 100
    assert message.subject.startswith(f"Tandem {event.detail['topology']}")
    assert all(" " <= character <= "~" for character in message.subject)
    assert all(c.isprintable() or c == "\n" for c in message.text)
    assert all(message.attributes.values())
    assert len(message.attributes) + 1 <= 10, (
        "SQS takes ten attributes with raw delivery (SNS, message attributes)"
    )
    sent = len(message.text.encode()) + len(message.detail or "") + 2_000
    assert sent < SNS_MOST
    assert message.detail is not None
    assert json.loads(message.detail) == event.detail


@given(decisions, sentences, st.lists(sentences, max_size=3))
def test_the_reason_and_every_report_are_always_in_the_text(detail, reason, reports):
    message = told(Event(DetailType.FAILOVER_DECISION, {**detail, "reason": reason, "reports": reports}))
    assert f"Why: {reason}" in message.text
    assert all(f"Note: {report}" in message.text for report in reports)


@given(st.text())
def test_a_subject_is_one_line_of_ascii_whatever_it_is_made_of(text):
    made = subject(text)
    assert len(made) < 100
    assert made.isascii()
    assert made.isprintable()
    assert "  " not in made


def test_a_long_subject_keeps_its_beginning():
    assert subject("x" * 99) == "x" * 99
    assert subject("x" * 100) == "x" * 96 + "..."


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
        "What to do: nothing yet. The outcome follows in a message of its own.",
        "",
        "Decided at 2026-11-21 03:58:33.019 UTC, decision edge-42-1.",
    ]


def test_a_hold_says_what_is_in_the_way_and_how_to_see_more():
    message = of("failover-decision-hold")
    assert message.subject.startswith(
        "Tandem edge/internet-edge: HOLD, eipalloc-0c000000000000002: 10.0.2.21 on"
    )
    assert (message.attributes["severity"], message.attributes["action"]) == ("critical", "hold")
    lines = message.text.splitlines()
    assert lines[0] == "Tandem holds: it does not move 1 of 2 Elastic IPs of internet-edge (topology edge)."
    assert "Note: BFD is down beside BGP up on rsp-0f2000000000000b2." in lines
    assert (
        "  192.0.2.10 (eipalloc-0c000000000000001): stays with fw2 (eni-0a2000000000000e2 10.0.2.20): "
        "it is where fw2 wants it."
    ) in lines
    assert (
        "  aws ec2 describe-addresses --allocation-ids eipalloc-0c000000000000001 eipalloc-0c000000000000002"
    ) in lines
    assert any(line.startswith("What to do: put right what the reason names.") for line in lines)


def test_a_dry_run_says_that_nothing_is_moved():
    message = of("failover-decision-dry-run")
    assert message.subject == "Tandem edge/internet-edge: would move 2 Elastic IPs to fw2 (dry-run)"
    assert "The topology is in dry-run: nothing is moved." in message.text
    assert "set `mode: enforce`" in message.text


def test_an_outcome_says_how_long_each_stage_took():
    message = of("failover-completed")
    assert message.subject == "Tandem edge/internet-edge: moved 2 Elastic IPs to fw2 in 1.1 s"
    assert (
        "Times: the event 2026-11-21 03:58:31.000 UTC, received +1.604 s, lease +0.013 s, AWS read +0.385 s, "
        "decided +0.017 s, associated +0.447 s, verified +0.265 s, 2.731 s in all."
    ) in message.text.splitlines()


def test_times_begin_with_the_first_stage_that_is_known():
    event = sample("failover-completed")
    event["detail"]["stages"] |= {"signal_at": None, "leased_at": None}
    made = from_envelope(event)
    assert made is not None
    assert "Times: received 2026-11-21 03:58:32.604 UTC, AWS read +0.398 s, " in told(made).text


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
    assert told(made).subject == f"Tandem edge/internet-edge: {what} fw2"
    assert ("EC2 took the move of 1 of 2 Elastic IPs" in told(made).text) is (error is None)


def test_a_decision_made_while_the_audit_table_is_away_says_so():
    event = sample("failover-decision")
    event["detail"]["audit"] = None
    made = from_envelope(event)
    assert made is not None
    assert told(made).text.endswith("Audit: the record follows when the audit table answers again.\n")


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
    message = told(made)
    assert message.attributes["severity"] == severity
    assert says in message.text


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
        "The first 10 of 12:",
    ]
    assert lines[4:14] == [f"  100.64.{n}.0/24" for n in range(10)]
    assert lines[15].startswith("What to do: stop fw1 from advertising this, or add it to `allowed_prefixes`")
    assert lines[-1] == "Advertised at 2026-11-21 03:58:31.412 UTC."


def test_a_leak_that_is_named_whole_is_not_called_the_first_of_it():
    event = sample("route-leak")
    event["detail"] |= {"prefixes": ["10.99.0.0/16"], "count": 1}
    made = from_envelope(event)
    assert made is not None
    assert told(made).text.splitlines()[3:5] == ["Advertised:", "  10.99.0.0/16"]


def test_a_resolved_finding_is_good_news():
    event = sample("compliance-finding")
    event["detail"]["status"] = "resolved"
    made = from_envelope(event)
    assert made is not None
    message = told(made)
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
    message = told(made)
    assert len(json.dumps(made.detail)) > DETAIL_MOST
    assert message.detail is None
    assert "  and 275 more" in message.text
    assert len(message.text.encode()) < SNS_MOST - DETAIL_MOST
