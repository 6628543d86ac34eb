"""Whatever is to be told fits into a message that people and machines can read."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tandem.events import DetailType, Event
from tandem.words.notification import SUBJECT_MOST, subject
from tests.contracts import SNS_MOST, assert_meets_schema, message_of

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


@given(events)
def test_whatever_happened_can_be_told_and_sent(event):
    assert_meets_schema(event)
    message = message_of(event)
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
    message = message_of(
        Event(DetailType.FAILOVER_DECISION, {**detail, "reason": reason, "reports": reports})
    )
    assert f"Why: {reason}" in message.text
    assert all(f"Note: {report}" in message.text for report in reports)


@given(st.text())
def test_a_subject_is_one_line_of_ascii_whatever_it_is_made_of(text):
    made = subject(text)
    assert len(made) < 100
    assert made.isascii()
    assert made.isprintable()
    assert "  " not in made
