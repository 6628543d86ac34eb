"""EC2 carries a move out and does not say so, or says so and does not show it: people are told the truth."""

from __future__ import annotations

from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from tandem.adapters import clients
from tests.judging import moved, told
from tests.stack import Stack, edge_document

FOLLOWED = ["moving 4 Elastic IPs to fw2", "moved 4 Elastic IPs to fw2"]
ONCE = ["intent", "outcome"]
LOSSES: list[dict[str, Any]] = [{"break_s": 5}, {"error": "InternalError"}, {"error": "Unavailable"}]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("count", [1, 4])
def test_a_move_whose_answer_is_lost_is_read_back_like_any_other(
    edge: Stack, loss: dict[str, Any], count: int
) -> None:
    edge.levers.fault(action="AssociateAddress", lost_answer=True, count=count, **loss)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()
    assert edge.are_all_with("fw2")
    assert len(edge.calls("AssociateAddress")) == 4
    assert edge.kinds() == ONCE
    outcome = edge.audit()[-1].body
    assert outcome["outcome"] == "verified"
    lost = [a for a in outcome["addresses"] if a["error"]]
    assert len(lost) == count
    assert {a["associated_ms"] for a in lost} == {None}
    assert {a["error"]["code"] for a in lost} == {loss.get("error", "NoAnswer")}
    assert told(edge) == FOLLOWED


@pytest.mark.parametrize(
    ("code", "outcome"),
    [("RequestLimitExceeded", "failed"), ("AuthFailure", "failed"), ("InternalError", "unverified")],
)
def test_only_a_server_error_leaves_open_whether_ec2_moved(edge: Stack, code: str, outcome: str) -> None:
    """A call that is throttled was not begun, although that is a 503 as well."""
    edge.levers.fault(action="AssociateAddress", error=code)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()
    addresses = [a for r in edge.audit() for a in r.body.get("addresses", ())]
    assert {(a["outcome"], a["error"]["code"]) for a in addresses} == {(outcome, code)}
    assert told(edge)[:2] == [FOLLOWED[0], "FAILED, 4 of 4 Elastic IPs not moved to fw2"]


def test_moves_whose_answers_are_all_lost_damp_the_next_one(edge: Stack) -> None:
    edge.levers.fault(action="AssociateAddress", lost_answer=True, count=4, error="InternalError")
    edge.levers.withdraw(name="fw1", prefix="0.0.0.0/0")
    edge.clock.sleep(1)
    edge.sweep()
    assert edge.are_all_with("fw2")
    edge.levers.advertise(name="fw1", prefix="0.0.0.0/0", as_path=[65001])
    edge.clock.sleep(1)
    edge.sweep()
    assert edge.are_all_with("fw1")
    begun = [call["start"] for call in edge.calls("AssociateAddress")]
    assert len(begun) == 8
    assert begun[4] - begun[3] >= 5


def test_an_answer_lost_while_describes_lag_is_told_when_it_shows(edge: Stack) -> None:
    """Not shown by the time that the turn reads it back, shown to the next turn."""
    edge.levers.fault(action="AssociateAddress", lost_answer=True, error="InternalError", count=4)
    edge.levers.fault(action="DescribeAddresses", lag_s=1.5)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()
    assert edge.are_all_with("fw2")
    assert len(edge.calls("AssociateAddress")) == 4
    assert edge.kinds() == ONCE
    assert told(edge) == FOLLOWED


def test_a_move_that_ec2_failed_is_tried_again_at_once(edge: Stack) -> None:
    """What may have been taken keeps a failover waiting for no longer than reading back."""
    edge.levers.fault(action="AssociateAddress", error="InternalError", count=1)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()
    assert edge.are_all_with("fw2")
    begun = [call["start"] for call in edge.calls("AssociateAddress")]
    assert len(begun) == 5
    assert begun[4] - begun[0] < 3
    assert told(edge) == FOLLOWED


def test_addresses_that_show_late_are_moved_once_and_told_once(edge: Stack) -> None:
    """EC2 took the moves: what DescribeAddresses does not show for 15 s has not failed."""
    edge.levers.fault(action="DescribeAddresses", lag_s=15)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()
    assert len(edge.calls("AssociateAddress")) == 4
    assert edge.are_all_with("fw2")
    assert edge.kinds() == ONCE
    assert edge.audit()[-1].body["outcome"] == "verified"
    assert told(edge) == FOLLOWED


def test_addresses_that_show_too_late_are_said_to_be_taken_and_not_to_have_failed(edge: Stack) -> None:
    edge.levers.fault(action="DescribeAddresses", lag_s=45)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()
    assert len(edge.calls("AssociateAddress")) == 4
    assert edge.kinds() == [*ONCE, "hold"]
    assert {a["outcome"] for a in edge.audit()[1].body["addresses"]} == {"unverified"}
    moving, taken, held = told(edge)
    assert [moving, taken] == [FOLLOWED[0], "NOT SHOWN YET, 4 of 4 Elastic IPs at fw2"]
    assert held.startswith("HOLD, ")
    edge.clock.sleep(30)
    edge.sweep()
    assert edge.are_all_with("fw2")
    assert len(edge.calls("AssociateAddress")) == 4
    assert edge.kinds() == [*ONCE, "hold", "hold-ended"]
    assert told(edge) == ["hold ended"]


def test_a_mover_that_takes_an_address_before_it_shows_is_answered(edge: Stack) -> None:
    """It is shown elsewhere than it was: that is no lag, and the address goes where it belongs."""
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    first = edge.ids["elastic_ips"]["eip1"]
    edge.levers.fault(action="DescribeAddresses", lag_s=15)
    edge.clock.after(
        2,
        lambda: edge.levers.associate_as_stranger(
            allocation_id=first["allocation_id"],
            network_interface_id=edge.ids["interfaces"]["fw1"],
            private_ip="10.0.1.23",
        ),
    )
    edge.sweep()
    edge.levers.faults_clear()
    edge.clock.sleep(60)
    edge.sweep()
    assert edge.are_all_with("fw2")


def test_what_ec2_refused_one_group_damps_nothing_of_it(edge: Stack) -> None:
    """Another group was moved meanwhile, and is damped; this one has something to put right and does so."""
    addresses = edge_document(edge.ids)["groups"][0]["elastic_ips"]
    names = {"north": addresses[:2], "south": addresses[2:]}
    edge.store(groups=[{"name": n, "prefixes": ["0.0.0.0/0"], "elastic_ips": a} for n, a in names.items()])
    refused, moves = edge.ids["elastic_ips"]["eip3"]["allocation_id"], clients.ec2_moves().meta.events

    def refuses(params: dict[str, Any], **_: object) -> None:
        if params["body"]["AllocationId"] == refused:
            refusal = {"Error": {"Code": "AuthFailure"}, "ResponseMetadata": {}}
            raise ClientError(cast(Any, refusal), "AssociateAddress")

    edge.levers.associate_as_stranger(
        allocation_id=edge.ids["elastic_ips"]["eip4"]["allocation_id"],
        network_interface_id=edge.ids["interfaces"]["fw2"],
        private_ip="10.0.2.23",
    )
    moves.register("before-call.ec2.AssociateAddress", refuses)
    edge.levers.withdraw(name="fw1", prefix="0.0.0.0/0")
    edge.clock.sleep(1)
    edge.sweep()
    assert edge.holders() == {"eip1": "fw2", "eip2": "fw2", "eip3": "fw1", "eip4": "fw2"}
    moves.unregister("before-call.ec2.AssociateAddress", refuses)
    edge.levers.advertise(name="fw1", prefix="0.0.0.0/0", as_path=[65001])
    edge.clock.sleep(1)
    edge.forget_calls()
    edge.sweep()
    assert edge.are_all_with("fw1")
    assert moved(edge)[0] == "eip4"
