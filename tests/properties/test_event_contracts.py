"""Whatever is decided or done, its event keeps its schema."""

from __future__ import annotations

import json
from datetime import timedelta
from enum import StrEnum
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from tandem.audit import RecordKind, canonical, following
from tandem.events import DetailType
from tandem.failover import news, telling
from tandem.failover.decision import Action, AddressDecision, GroupDecision, Severity
from tandem.failover.moves import Move, Moved, MoveKind, Outcome, Refusal
from tandem.failover.standbyreasons import StandbyRule
from tandem.failover.standbys import StandbyFinding
from tandem.model import ElasticIp, Holder, Liveness, Peer, Status
from tandem.reasons.failover import FindingCode
from tandem.reasons.reason import Reason
from tandem.signals.signal import Signal, SignalKind
from tandem.state.episodes import Change
from tandem.topology.document import Target
from tandem.words.failover_reasons import ENTRIES
from tandem.words.notification import notification
from tandem.words.render import fields
from tests.contracts import assert_meets_schema
from tests.pure import NOW
from tests.samples import HEAD, record

ACTIONS = st.sampled_from(list(Action))
MOVED_AT = NOW + timedelta(milliseconds=250)
PLACES = st.none() | st.builds(Holder, st.just("eni-1"), st.just("10.0.1.20"), st.just("eipassoc-1"))
TARGETS = st.builds(Target, st.just("eni-2"), st.just("10.0.2.20"))
NAMES = st.none() | st.sampled_from(["fw1", "fw2"])
WORDS = st.text(min_size=1)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "until": st.just(NOW),
    **dict.fromkeys(["count", "down"], st.integers(0, 3)),
    **dict.fromkeys(["errors", "owners"], st.tuples(WORDS)),
    **dict.fromkeys(["was_up", "forced", "none_read"], st.booleans()),
    **dict.fromkeys(["errors", "inside", "owners", "peers"], st.lists(WORDS, max_size=2).map(tuple)),
}


def facts_of(code: StrEnum) -> st.SearchStrategy[Reason]:
    """Returns reasons with this code, and any facts that its words name."""
    names = fields(ENTRIES[code].text, *ENTRIES[code].advice)
    facts = st.fixed_dictionaries({name: VALUES.get(name, WORDS) for name in names if name != "subject"})
    return st.builds(Reason, st.just(code), WORDS, facts.map(lambda found: tuple(found.items())))


REASON = st.one_of(*map(facts_of, ENTRIES))
REASONS = st.lists(REASON, min_size=1, max_size=2).map(tuple)
DECISIONS = st.builds(
    GroupDecision,
    group=st.just("internet-edge"),
    action=st.sampled_from([Action.MOVE, Action.HOLD]),
    owner=NAMES,
    reasons=REASONS,
    severity=st.sampled_from(list(Severity)),
    addresses=st.lists(
        st.builds(
            AddressDecision,
            allocation_id=st.just("eipalloc-1"),
            action=ACTIONS,
            reasons=REASONS,
            public_ip=st.none() | st.just("192.0.2.10"),
            holder=PLACES,
            holder_appliance=NAMES,
            owner=NAMES,
            target=st.none() | TARGETS,
        ),
        max_size=3,
    ).map(tuple),
    reports=st.just(()) | REASONS,
)
MOVED = st.builds(
    Moved,
    move=st.builds(
        Move,
        group=st.just("internet-edge"),
        owner=st.just("fw2"),
        kind=st.sampled_from(list(MoveKind)),
        subject=st.just("eipalloc-1"),
        public_ip=st.sampled_from(["", "192.0.2.10"]),
        source=PLACES,
        source_appliance=NAMES,
        target=TARGETS,
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
    StandbyFinding,
    rule=st.sampled_from(list(StandbyRule)),
    name=st.just("fw2"),
    change=st.sampled_from(list(Change)),
    since=st.just(NOW),
    why=st.one_of(*map(facts_of, FindingCode)),
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
