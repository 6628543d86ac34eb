"""A message names the signal that caused the move, and no hold is notified that only a lag of AWS makes."""

from __future__ import annotations

from tests.judging import told
from tests.stack import Stack


def test_a_signal_from_before_everything_was_in_place_is_no_cause(edge: Stack) -> None:
    """A log record or an old message may come minutes late, and wake the look that finds the failure."""
    edge.sweep()
    edge.clock.sleep(120)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    old = edge.published[0]
    edge.deliver_one(0)
    assert edge.are_all_with("fw2")
    decided, completed = (e["detail"] for e in edge.events())
    assert old.message not in decided["signal"]["cause"]
    assert decided["signal"]["occurred_at"] is None
    assert completed["stages"]["signal_at"] is None


def test_a_signal_of_the_failure_is_its_cause_though_a_look_found_all_in_place_just_then(edge: Stack) -> None:
    edge.sweep()
    for action in ("GetRouteServerRoutingDatabase", "DescribeRouteServerPeers"):
        edge.levers.fault(action=action, lag_s=2)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(1.5)
    edge.sweep()
    edge.delivered = len(edge.published) - 1
    edge.run(6)
    assert edge.are_all_with("fw2")
    (decided, *_) = (e["detail"] for e in edge.events())
    assert "went down" in decided["signal"]["cause"]


def test_a_routing_database_that_lags_behind_the_sessions_is_no_hold(edge: Stack) -> None:
    """Nobody signalled the look: the sweep came while the sessions were down and the FIB showed the past."""
    edge.sweep()
    edge.events()
    edge.levers.fault(action="GetRouteServerRoutingDatabase", lag_s=4)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(2)
    edge.sweep()
    assert edge.are_all_with("fw2")
    assert [message.partition(",")[0] for message in told(edge)] == [
        "moving 4 Elastic IPs to fw2",
        "moved 4 Elastic IPs to fw2",
    ]
