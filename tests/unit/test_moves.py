"""Moves in EC2's token bucket, and the decisions as they stand afterwards."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tandem.failover.deciding import decide
from tandem.failover.decision import Action, Severity
from tandem.failover.moves import (
    BURST,
    NOT_BEGUN,
    PER_SECOND,
    Accepted,
    Moved,
    MoveKind,
    Outcome,
    Refusal,
    after,
    answered,
    batches,
    moves,
    stopped,
    superseded,
    verified,
)
from tandem.reasons.failover import UnbegunCode
from tandem.state.memory import Memory
from tests.pure import NOW, allocation, elastic_ip, observation, said, target, topology


def planned(addresses: int):
    decisions = decide(topology(addresses), observation("fw2", "fw1", addresses=addresses), Memory(), NOW)
    return decisions, moves(decisions)


_, MANY = planned(130)


@given(st.integers(0, 130))
def test_batches_keep_the_order_and_stay_within_the_bucket(count: int) -> None:
    every = MANY[:count]
    assert len(every) == count
    made = batches(every)
    assert tuple(move for batch in made for move in batch) == every
    assert all(len(batch) <= (PER_SECOND if number else BURST) for number, batch in enumerate(made))
    assert all(batch for batch in made)


def test_a_move_names_what_moves_where_it_is_expected_and_where_it_goes() -> None:
    decisions, (first, _) = planned(2)
    assert (first.kind, first.subject) == (MoveKind.ADDRESS, allocation(0))
    assert target("fw1", 0).has(first.source)
    assert (first.source_appliance, first.owner, first.target) == ("fw1", "fw2", target("fw2", 0))
    free = replace(observation("fw2", "fw1"), elastic_ips={allocation(0): elastic_ip(0, None)})
    (taken, *_) = moves(decide(topology(), free, Memory(), NOW))
    assert taken.subject == first.subject
    assert (taken.source, taken.allow_reassociation) == (None, False)
    # what was decided for another expected place is another call
    assert [m.move for m in superseded((first,), (taken,))] == [first]
    assert superseded((first,), moves(decisions)) == ()


def test_an_answer_is_not_yet_verified() -> None:
    _, (first, _) = planned(2)
    taken = answered(first, Accepted(NOW))
    assert (taken.outcome, taken.associated_at) == (Outcome.UNVERIFIED, NOW)
    assert verified(taken, elastic_ip(0, target("fw1", 0)), NOW).outcome is Outcome.UNVERIFIED
    assert verified(taken, None, NOW).outcome is Outcome.UNVERIFIED
    assert verified(taken, elastic_ip(0, target("fw2", 0)), NOW).outcome is Outcome.VERIFIED
    lost = answered(first, Refusal("NoAnswer", "", transient=True, outcome=Outcome.UNVERIFIED))
    assert verified(lost, elastic_ip(0, target("fw2", 0)), NOW).outcome is Outcome.VERIFIED
    assert (taken.is_unshown, lost.is_unshown) == (True, False)
    refused = answered(first, Refusal("AuthFailure", "not yours", transient=False))
    assert verified(refused, elastic_ip(0, target("fw2", 0)), NOW).outcome is Outcome.FAILED


def test_decisions_after_the_moves() -> None:
    decisions, (first, second) = planned(2)
    whole = after(decisions, (Moved(first, Outcome.VERIFIED), Moved(second, Outcome.VERIFIED)))
    assert whole[0].action is Action.NO_CHANGE
    refusal = Refusal("AuthFailure", "not yours", transient=False)
    part = after(decisions, (Moved(first, Outcome.VERIFIED), Moved(second, Outcome.FAILED, refusal)))
    assert (part[0].action, part[0].severity) == (Action.HOLD, Severity.CRITICAL)
    assert "AuthFailure: not yours" in said(part[0])
    there, left = part[0].addresses
    assert there.holder is not None
    assert there.target is not None
    assert there.holder.private_ip == there.target.private_ip
    assert (there.holder_appliance, left.holder_appliance) == ("fw2", "fw1")
    assert (there.is_stranded, left.is_stranded) == (False, left.dead is not None)
    assert after(decisions, ()) == decisions


def test_what_was_not_begun_is_not_said_to_be_refused() -> None:
    decisions, (first, second) = planned(2)
    late = answered(first, NOT_BEGUN)
    (changed,) = stopped([second], UnbegunCode.OVERRIDE_CHANGED)
    assert [late.outcome, changed.outcome] == [Outcome.NOT_BEGUN] * 2
    assert late.is_open
    assert changed.is_open
    (held,) = after(decisions, (late, changed))
    assert "EC2 refused" not in said(held)
    assert (
        "Tandem did not begin the move: OverrideChanged: an operator changed the override meanwhile"
        in said(held)
    )


def test_a_move_that_failed_is_graver_than_an_address_that_is_damped() -> None:
    first, second = elastic_ip(0, target("fw1", 0)), elastic_ip(1, None)
    shown = {e.allocation_id: e for e in (first, second)}
    memory = Memory().with_move("fw1", NOW, [first.allocation_id])
    memory = memory.with_verified({first.allocation_id: "fw1"})
    decisions = decide(topology(2), replace(observation("fw2", "fw1"), elastic_ips=shown), memory, NOW)
    (move,) = moves(decisions)
    (decision,) = after(decisions, (answered(move, Refusal("AuthFailure", "no", transient=False)),))
    assert [a.code for a in decision.held] == ["damped", "move-refused"]
    assert (decision.severity, decision.code) == (Severity.CRITICAL, "move-refused")
