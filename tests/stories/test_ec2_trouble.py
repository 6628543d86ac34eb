"""EC2 refuses, throttles or does not answer: what is tried again by itself, and what people hear of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from tandem.adapters import clients
from tandem.errors import TemporaryError
from tests.judging import moved, told
from tests.stack import MOVING, Stack

FOLLOWED = ["moving 4 Elastic IPs to fw2", "moved 4 Elastic IPs to fw2"]
ONCE = ["intent", "outcome"]


@pytest.mark.parametrize("code", ["InternalError", "UnauthorizedOperation"])
def test_ec2_refuses_every_associate_address_for_five_minutes(edge: Stack, code: str) -> None:
    """Then the addresses follow without anybody's help; told once that it failed, once that it is done."""
    edge.levers.fault(action="AssociateAddress", error=code)
    edge.levers.kill(name="fw1")
    edge.clock.after(300, edge.levers.faults_clear)
    works_from = edge.clock.seconds() + 300
    edge.live(270)
    assert edge.are_all_with("fw1")
    edge.live(120)
    assert edge.are_all_with("fw2")
    assert sorted(moved(edge)) == ["eip1", "eip2", "eip3", "eip4"]
    taken = [c["start"] for c in edge.calls("AssociateAddress") if c["outcome"] == "OK"]
    assert works_from <= min(taken) <= max(taken) <= works_from + 62
    assert edge.kinds()[-1] == "hold-ended"
    messages = told(edge)
    assert [m for m in messages if m.startswith("FAILED")] == ["FAILED, 4 of 4 Elastic IPs not moved to fw2"]
    assert messages[0] == FOLLOWED[0]
    assert messages[-2:] == [FOLLOWED[1], "hold ended"]
    assert messages.count(FOLLOWED[1]) == 1


def test_a_transient_refusal_is_tried_again_for_as_long_as_a_look_settles(edge: Stack) -> None:
    edge.levers.fault(action="AssociateAddress", error="IncorrectInstanceState")
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.clock.after(21, edge.levers.faults_clear)
    edge.sweep()
    assert edge.are_all_with("fw2")


def test_a_transient_refusal_is_tried_again_within_the_invocation(edge: Stack) -> None:
    edge.levers.fault(action="AssociateAddress", error="IncorrectInstanceState", count=2)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()
    assert edge.are_all_with("fw2")
    assert sorted(moved(edge)) == ["eip1", "eip2", "eip3", "eip4"]


def test_reads_that_fail_are_tried_again_within_the_invocation(edge: Stack) -> None:
    edge.levers.fault(action="DescribeAddresses", error="RequestLimitExceeded", count=4)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()
    assert edge.are_all_with("fw2")
    assert edge.kinds() == ONCE
    assert told(edge) == FOLLOWED


def test_a_readiness_read_that_fails_once_is_no_hold(edge: Stack) -> None:
    edge.levers.withdraw(name="fw1", prefix="0.0.0.0/0")
    edge.clock.sleep(3)
    edge.levers.fault(action="DescribeInstances", error="InternalError", count=3)
    edge.sweep()
    assert edge.are_all_with("fw2")
    assert "hold" not in edge.kinds()


def test_a_readiness_read_that_keeps_failing_costs_a_converged_look_nothing(edge: Stack) -> None:
    edge.levers.fault(action="DescribeInstances", error="UnauthorizedOperation")
    began = edge.clock.now()
    edge.sweep()
    assert edge.clock.now() - began < timedelta(seconds=1)
    assert edge.audit() == []


def test_reads_that_keep_failing_raise_and_leave_no_lease(edge: Stack) -> None:
    edge.levers.fault(action="GetRouteServerRoutingDatabase", error="InternalError")
    with pytest.raises(TemporaryError, match="GetRouteServerRoutingDatabase"):
        edge.sweep()
    assert edge.calls(*MOVING) == []
    edge.levers.faults_clear()
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()
    assert edge.are_all_with("fw2")


def test_after_a_refusal_the_next_failover_is_told_like_any_other(edge: Stack) -> None:
    edge.levers.fault(action="AssociateAddress", error="UnauthorizedOperation", count=1)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()
    assert len(moved(edge)) == 3
    assert told(edge)[:2] == [FOLLOWED[0], "FAILED, 1 of 4 Elastic IPs not moved to fw2"]
    edge.levers.restore(name="fw1")
    edge.clock.sleep(20)
    edge.sweep()
    assert edge.are_all_with("fw1")
    assert told(edge) == ["moving 3 Elastic IPs to fw1", "moved 3 Elastic IPs to fw1", "hold ended"]


def says(action: str, words: Callable[[int], str]) -> None:
    """EC2 refuses an action in these words, by the number of the refusal."""
    numbers = count()

    def refused(parsed: dict[str, Any], **_: object) -> None:
        if "Error" in parsed:
            parsed["Error"]["Message"] = words(next(numbers))

    for client in (clients.ec2(), clients.ec2_moves()):
        client.meta.events.register(f"after-call.ec2.{action}", refused)


def encoded(number: int) -> str:
    return f"You may not do this. Encoded authorization failure message: {number:08}{'x' * 700}"


def test_a_refusal_is_the_same_each_time_whatever_is_encoded_in_it(edge: Stack) -> None:
    edge.levers.fault(action="AssociateAddress", error="UnauthorizedOperation")
    says("AssociateAddress", encoded)
    edge.levers.kill(name="fw1")
    edge.live(240)
    assert len(told(edge)) <= 3
    errors = [a["error"] for r in edge.audit() for a in r.body.get("addresses", ())]
    assert errors[0] == {"code": "UnauthorizedOperation", "message": "You may not do this."}


def test_a_read_that_is_refused_is_one_hold_whatever_is_encoded_in_the_refusal(edge: Stack) -> None:
    edge.levers.withdraw(name="fw1", prefix="0.0.0.0/0")
    edge.clock.sleep(3)
    edge.levers.fault(action="DescribeInstances", error="UnauthorizedOperation")
    says("DescribeInstances", encoded)
    edge.live(240)
    assert edge.are_all_with("fw1")
    (held,) = told(edge)
    assert held.startswith("HOLD")


def test_what_a_refusal_tells_has_an_end(edge: Stack) -> None:
    edge.levers.fault(action="AssociateAddress", error="UnauthorizedOperation")
    says("AssociateAddress", lambda _: "x" * 1000)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()
    errors = [a["error"]["message"] for r in edge.audit() for a in r.body.get("addresses", ())]
    assert {len(message) for message in errors} == {300}
