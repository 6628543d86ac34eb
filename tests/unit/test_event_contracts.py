"""Each event has one schema and a sample, and whoever produces it keeps the schema."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tandem.audit import Head, RecordKind, canonical, following
from tandem.episodes import Change
from tandem.events import SCHEMAS, DetailType, Event, from_envelope, schema
from tandem.failover import news, telling
from tandem.failover.decision import Action, AddressDecision, GroupDecision, Severity
from tandem.failover.moves import Move, Moved, Outcome, Refusal
from tandem.failover.standbys import Finding
from tandem.failover.standbywords import Rule
from tandem.intake import SWEEP, forward, parse
from tandem.model import ElasticIp, Holder, Liveness, Peer, Status
from tandem.notification import notification
from tandem.provisioning import telling as provisioning_telling
from tandem.provisioning.watchsteps import CallFailedError
from tandem.record import Provisioned
from tandem.signals import Signal, SignalKind
from tandem.topology import Target
from tests.contracts import assert_meets_schema
from tests.samples import ROUTE_SERVER, names, ours, record, sample

NOW = datetime(2026, 11, 21, 3, 58, 32, 500_000, UTC)
ENVELOPE = {"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"}
RAW = [name for name in names() if name not in ours()]
PUBLIC_IP = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d./])")


ACTIONS = st.sampled_from(list(Action))
MOVED_AT = NOW + timedelta(milliseconds=250)
PLACES = st.none() | st.builds(Holder, st.just("eni-1"), st.just("10.0.1.20"), st.just("eipassoc-1"))
TARGETS = st.builds(Target, st.just("eni-2"), st.just("10.0.2.20"))
NAMES = st.none() | st.sampled_from(["fw1", "fw2"])
WORDS = st.text(min_size=1)
DECISIONS = st.builds(
    GroupDecision,
    group=st.just("internet-edge"),
    action=st.sampled_from([Action.MOVE, Action.HOLD]),
    owner=NAMES,
    reason=WORDS,
    severity=st.sampled_from(list(Severity)),
    addresses=st.lists(
        st.builds(
            AddressDecision,
            allocation_id=st.just("eipalloc-1"),
            action=ACTIONS,
            reason=WORDS,
            public_ip=st.none() | st.just("192.0.2.10"),
            holder=PLACES,
            holder_appliance=NAMES,
            owner=NAMES,
            target=st.none() | TARGETS,
        ),
        max_size=3,
    ).map(tuple),
    reports=st.lists(WORDS, max_size=2).map(tuple),
)
MOVED = st.builds(
    Moved,
    move=st.builds(
        Move,
        group=st.just("internet-edge"),
        owner=st.just("fw2"),
        allocation_id=st.just("eipalloc-1"),
        public_ip=st.sampled_from(["", "192.0.2.10"]),
        source=PLACES,
        source_appliance=NAMES,
        target=TARGETS,
        allow_reassociation=st.booleans(),
    ),
    outcome=st.sampled_from(list(Outcome)),
    refusal=st.none() | st.builds(Refusal, WORDS, st.text(), st.booleans()),
    associated_at=st.none() | st.just(MOVED_AT),
    verified_at=st.none() | st.just(MOVED_AT),
)
STAGES = st.builds(
    telling.Stages,
    signal_at=st.none() | st.just(NOW),
    **dict.fromkeys(["received_at", "leased_at", "observed_at", "decided_at"], st.just(NOW)),
)
HEAD = Head("failover#edge", 17, "0" * 64)


def objects(node: Any) -> Iterator[dict[str, Any]]:
    """Every object that a schema describes."""
    if isinstance(node, dict):
        if "properties" in node:
            yield node
        for value in node.values():
            yield from objects(value)
    elif isinstance(node, list):
        for value in node:
            yield from objects(value)


def test_each_detail_type_has_one_schema_and_no_schema_is_without():
    stored = {path.name for path in SCHEMAS.iterdir()} - {"topology.schema.json"}
    assert stored == {detail_type.file_name for detail_type in DetailType}


def test_each_detail_type_has_a_sample_of_its_name_and_no_sample_is_of_another():
    assert {detail_type.file_name.removesuffix(".json") for detail_type in DetailType} <= set(ours())
    assert {sample(name)["detail-type"] for name in ours()} == set(DetailType)


@pytest.mark.parametrize("detail_type", DetailType)
def test_a_schema_is_valid_closed_and_explains_every_field(detail_type):
    body = schema(detail_type)
    Draft202012Validator.check_schema(body)
    assert body["title"] == detail_type
    for described in objects(body):
        assert described["additionalProperties"] is False
        assert all(field.get("description") for field in described["properties"].values())


@pytest.mark.parametrize("name", ours())
def test_a_sample_meets_its_schema(name):
    event = from_envelope(sample(name))
    assert event is not None
    assert_meets_schema(event)


@pytest.mark.parametrize("name", ours())
def test_a_schema_refuses_a_field_too_many_and_each_required_field_missing(name):
    envelope = sample(name)
    body = schema(DetailType(envelope["detail-type"]))
    validator = Draft202012Validator(body)
    assert not validator.is_valid({**envelope["detail"], "surplus": 1})
    for required in body["required"]:
        detail = copy.deepcopy(envelope["detail"])
        del detail[required]
        assert not validator.is_valid(detail), required


@pytest.mark.parametrize("name", [n for n in names() if "source" in sample(n)])
def test_a_sample_is_a_whole_envelope_of_the_documentation_account(name):
    envelope = sample(name)
    assert set(envelope) == ENVELOPE
    assert envelope["account"] == "123456789012"


@pytest.mark.parametrize("name", names())
def test_a_sample_names_only_private_and_documentation_addresses(name):
    named = PUBLIC_IP.findall(str(sample(name)))
    assert all(address.startswith(("10.", "192.0.2.")) for address in named)


@pytest.mark.parametrize("name", RAW)
def test_every_raw_record_becomes_events_that_meet_their_schemas(name):
    signals = parse(sample(name))
    events = forward(signals, [record()], NOW).events
    assert bool(events) == (name not in {"health-backup-copy", "peer-log-control-message"})
    for event in events:
        assert_meets_schema(event)


def test_the_sweep_meets_the_schema_of_a_look():
    (event,) = forward(parse(SWEEP), [record()], NOW).events
    assert (event.detail_type, event.detail["requested_by"]) == (DetailType.LOOK, "sweep")
    assert_meets_schema(event)


@pytest.mark.parametrize(
    "envelope",
    [
        {},
        {"source": "tandem", "detail-type": "Look"},
        {"source": "tandem", "detail-type": "Look", "detail": "text"},
        {"source": "tandem", "detail-type": "Coffee Break", "detail": {}},
        {"source": "tandem", "detail-type": ["Look"], "detail": {}},
        {"source": "somebody.else", "detail-type": "Look", "detail": {}},
    ],
)
def test_what_is_not_ours_is_no_event(envelope):
    assert from_envelope(envelope) is None


def test_an_event_survives_the_bus():
    event = from_envelope(sample("look"))
    assert event == Event(DetailType.LOOK, sample("look")["detail"])


def stored(kind: RecordKind, **fields: Any) -> dict[str, Any]:
    """A record's body, as a later look reads it from the table."""
    body = telling.body(kind, NOW, "edge-1-1", record().topology, tell=["internet-edge"], **fields)
    read: dict[str, Any] = json.loads(canonical(body))
    return read


def decided(decision: GroupDecision, kind: RecordKind, signal: Signal | None = None) -> dict[str, Any]:
    detail = telling.signal_detail([signal] if signal else [])
    groups = {decision.group: telling.decision_detail(decision)}
    return stored(kind, signal=detail, groups=groups)


@given(DECISIONS, st.sampled_from(list(SignalKind)), st.none() | st.just(NOW), st.none() | st.just(HEAD))
def test_whatever_is_decided_meets_the_schema_of_a_decision(decision, kind, at, head):
    body = decided(decision, RecordKind.HOLD, Signal(kind, "BGP of rsp-1 went down", at))
    (event,) = news.events_of(body, head)
    assert event.detail_type is DetailType.FAILOVER_DECISION
    assert_meets_schema(event)


FINDINGS = st.builds(
    Finding,
    rule=st.sampled_from(list(Rule)),
    name=st.just("fw2"),
    change=st.sampled_from(list(Change)),
    since=st.just(NOW),
    summary=WORDS,
    remediation=WORDS,
    severity=st.sampled_from(list(Severity)),
    sessions=st.lists(
        st.builds(
            Peer,
            *map(st.just, ("rsp-1", "rse-1", "rs-1", "10.0.2.10", "available")),
            st.just(65002),
            st.sampled_from(list(Liveness)),
            st.sampled_from(list(Status)),
            st.none() | st.sampled_from(list(Status)),
        ),
        max_size=3,
    ).map(tuple),
    instance=st.none() | st.tuples(st.just("i-1"), st.none() | st.just("stopped")),
)


@given(FINDINGS, st.none() | st.just(HEAD))
def test_whatever_a_rule_finds_meets_the_schema_of_a_finding_and_has_words(finding, head):
    detail = {finding.key: telling.finding_detail(finding)}
    body = telling.body(
        RecordKind.FINDING, NOW, "edge-1-1", record().topology, findings=detail, tell=list(detail)
    )
    (event,) = news.events_of(json.loads(canonical(body)), head)
    assert event.detail_type is DetailType.COMPLIANCE_FINDING
    assert_meets_schema(event)
    message = notification(event)
    assert message is not None
    assert message.attributes["action"] == finding.change


@given(st.lists(MOVED, min_size=1, max_size=3).map(tuple), STAGES)
def test_whatever_became_of_moves_meets_the_schema_of_its_outcome(moved, stages):
    addresses = [telling.moved_detail(m, stages.received_at) for m in moved]
    body = stored(RecordKind.OUTCOME, addresses=addresses, stages=telling.stages_detail(stages, moved))
    (event,) = news.events_of(body, HEAD)
    verified = all(m.outcome is Outcome.VERIFIED for m in moved)
    assert event.detail_type is (DetailType.FAILOVER_COMPLETED if verified else DetailType.FAILOVER_FAILED)
    assert_meets_schema(event)


@given(DECISIONS, st.booleans())
def test_what_a_dead_look_is_found_to_have_done_is_told_where_it_is_done(decision, is_there):
    moving = [a for a in decision.addresses if a.action is Action.MOVE]
    assume(all(a.target and a.owner for a in moving))
    place = Holder("eni-2", "10.0.2.20", "eipassoc-2") if is_there else None
    found = {a.allocation_id: ElasticIp(a.allocation_id, "192.0.2.10", place) for a in decision.addresses}
    intent = following(None, "failover#edge", decided(decision, RecordKind.INTENT))
    body = json.loads(canonical(telling.closing(intent, found, record().topology, NOW)))
    events = news.events_of(body, HEAD)
    assert len(events) == (1 if moving and is_there else 0)
    for event in events:
        assert event.detail_type is DetailType.FAILOVER_COMPLETED
        assert_meets_schema(event)


@pytest.mark.parametrize(
    "body", [{}, {"tell": 7}, {"tell": ["a"]}, {"kind": "outcome", "tell": ["a"], "addresses": []}]
)
def test_a_record_that_somebody_damaged_tells_nothing(body):
    assert news.events_of(body, HEAD) == ()
    intent = following(None, "failover#edge", body)
    assert telling.closing(intent, {}, record().topology, NOW)["tell"] == []


@pytest.mark.parametrize("change", ["stored", "deleted"])
def test_a_stored_or_deleted_topology_meets_its_schema(change):
    assert_meets_schema(provisioning_telling.topology_change(record(), change, NOW))


@pytest.mark.parametrize("failure", [None, CallFailedError("CreateTopic", "AccessDenied", "no")])
def test_a_provisioning_outcome_meets_its_schema(failure):
    found = Provisioned(ROUTE_SERVER, failure="it is not there", warnings=("a stranger peers with it",))
    assert_meets_schema(provisioning_telling.completed(record(), found, ("subscribed",), NOW))
    assert_meets_schema(provisioning_telling.failed(record(), found, (), failure, NOW))
