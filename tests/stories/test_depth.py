"""Round trips, counted: two to associated, three to verified. How long they take is another matter."""

from __future__ import annotations

from typing import Any

import pytest

from lab.ec2.clock import RealClock
from lab.ec2.depth import concurrency, depth
from lab.ec2.timings import Timings
from tandem.adapters import ec2reads
from tests.stack import Stack, edge_document, stack

LATENCY_S = 0.4
BUCKET = {"capacity": 50, "refill": 5}
"""EC2's token bucket of AssociateAddress (docs/aws-facts.md#throttling)."""


class Rounds(RealClock):
    """Requests that are begun side by side are answered together, however slowly the machine begins them:
    each answer waits until nothing has been asked for the latency."""

    def __init__(self) -> None:
        super().__init__()
        self._due = 0.0

    def sleep(self, duration_s: float) -> None:
        self._due = max(self._due, self.seconds() + duration_s)
        while (left := self._due - self.seconds()) > 0:
            super().sleep(left)


@pytest.fixture
def slow_edge():
    """fw1 is dead, the route is with fw2, and EC2 takes its time to answer."""
    with stack(timings=Timings.instant(), clock=Rounds()) as s:
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


def fail_over(s: Stack, addresses: int) -> list[dict[str, Any]]:
    """The calls that move so many addresses away from fw1, under EC2's token bucket."""
    s.levers.faults_clear()
    s.levers.restore(name="fw1")
    s.add_addresses(max(0, addresses - len(s.ids["elastic_ips"])))
    specs = edge_document(s.ids)["groups"][0]["elastic_ips"][:addresses]
    s.store(groups=[{"name": "internet-edge", "prefixes": ["0.0.0.0/0"], "elastic_ips": specs}])
    s.levers.kill(name="fw1")
    s.levers.fault(action="*", latency_s=LATENCY_S)
    s.levers.fault(action="AssociateAddress", latency_s=LATENCY_S, throttle=BUCKET)
    s.forget_calls()
    s.sweep()
    moved = s.calls("AssociateAddress")
    assert {c["params"]["AllocationId"] for c in moved} == {spec["allocation_id"] for spec in specs}
    assert [c["outcome"] for c in moved] == ["OK"] * addresses
    assert list(s.holders().values()).count("fw2") == addresses
    return moved


@pytest.mark.parametrize("addresses", [1, 5, 25, 50])
def test_two_round_trips_to_associated_and_three_to_verified(slow_edge: Stack, addresses: int) -> None:
    moved = fail_over(slow_edge, addresses)
    assert concurrency(moved) == addresses
    assert depth(until(slow_edge, "AssociateAddress")) == 2
    assert depth(until(slow_edge, "DescribeAddresses", nth=1)) == 3


def test_what_is_over_ec2s_burst_is_two_round_trips_more(slow_edge: Stack) -> None:
    """It goes by a reading of its own."""
    fail_over(slow_edge, 51)
    assert depth(until(slow_edge, "AssociateAddress")) == 4
    assert depth(until(slow_edge, "DescribeAddresses", nth=2)) == 5


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
    monkeypatch.setattr(ec2reads, "PAGE", 5)
    slow_edge.sweep()
    pages = [c for c in slow_edge.calls() if c["action"] == "GetRouteServerRoutingDatabase"]
    assert len(pages) >= 2
    assert depth([c for c in slow_edge.calls() if c["end"] <= pages[1]["end"]]) == 2
