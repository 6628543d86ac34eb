"""Round trips, counted: two to associated, three to verified. How long they take is another matter."""

from __future__ import annotations

from typing import Any

import pytest

from lab.ec2.clock import RealClock
from lab.ec2.depth import concurrency, depth
from lab.ec2.timings import Timings
from tandem.adapters import ec2
from tests.stack import Stack, stack

LATENCY_S = 0.4
"""Long beside what a busy machine needs to begin the calls of one round, so that rounds cannot blur."""


@pytest.fixture
def slow_edge():
    """fw1 is dead, the route is with fw2, and EC2 takes its time to answer."""
    with stack(timings=Timings.instant(), clock=RealClock()) as s:
        s.levers.kill(name="fw1")
        s.levers.fault(action="*", latency_s=LATENCY_S)
        s.forget_calls()
        yield s


def until(s: Stack, action: str, nth: int = 0) -> list[dict[str, Any]]:
    """The requests up to the end of the last one of an action; of its `nth` round for reads that repeat."""
    calls = s.calls()
    rounds = [c for c in calls if c["action"] == action]
    end = rounds[nth]["end"] if nth else max(c["end"] for c in rounds)
    return [c for c in calls if c["end"] <= end]


def test_two_round_trips_to_associated_and_three_to_verified(slow_edge: Stack) -> None:
    slow_edge.sweep()
    assert slow_edge.are_all_with("fw2")
    associated = until(slow_edge, "AssociateAddress")
    assert depth(associated) == 2
    assert concurrency([c for c in associated if c["action"] == "AssociateAddress"]) == 4
    assert depth(until(slow_edge, "DescribeAddresses", nth=1)) == 3


def test_a_look_at_a_converged_topology_is_one_round_trip(slow_edge: Stack) -> None:
    slow_edge.sweep()
    slow_edge.forget_calls()
    slow_edge.sweep()
    assert depth(slow_edge.calls()) == 1
    assert {c["action"] for c in slow_edge.calls()} == {
        "DescribeAddresses",
        "DescribeInstances",
        "DescribeNetworkInterfaces",
        "DescribeRouteServerPeers",
        "GetRouteServerRoutingDatabase",
    }


def test_a_further_page_of_the_routing_database_is_one_round_trip_more(slow_edge: Stack, monkeypatch) -> None:
    slow_edge.levers.restore(name="fw1")
    for number in range(4):
        slow_edge.levers.advertise(name="fw1", prefix=f"10.{number}.0.0/16")
    slow_edge.forget_calls()
    monkeypatch.setattr(ec2, "PAGE", 5)
    slow_edge.sweep()
    pages = [c for c in slow_edge.calls() if c["action"] == "GetRouteServerRoutingDatabase"]
    assert len(pages) >= 2
    assert depth([c for c in slow_edge.calls() if c["end"] <= pages[1]["end"]]) == 2
