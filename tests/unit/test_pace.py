"""A run over many topologies leaves EC2's buckets to failover."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from tandem.compliance.pace import CALLS_A_SECOND, paced


class Time:
    """A clock on which only sleeping takes time."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 21, 3, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def run(calls_of_each: list[int], *, lasting: float = 0.0, before: int = 0) -> list[float]:
    """Returns the second at which each item begins."""
    clock, counted = Time(), Counter({"DescribeSubnets": before})
    began, starts = clock.now(), []

    def take(calls: int) -> None:
        starts.append((clock.now() - began).total_seconds())
        counted["DescribeSubnets"] += calls
        counted["DescribeVpcs"] += 1
        clock.sleep(lasting)

    for _ in paced(calls_of_each, take, lambda: counted, clock):
        pass
    return starts


def test_the_commonest_action_sets_the_pace() -> None:
    assert run([5, 5, 5]) == [0.0, 5 / CALLS_A_SECOND, 10 / CALLS_A_SECOND]
    assert run([40, 1, 1]) == [0.0, 10.0, 10.25]


def test_what_the_reads_last_counts_and_slow_ones_wait_for_nothing() -> None:
    assert run([4, 4, 4], lasting=0.5) == [0.0, 1.0, 2.0]
    assert run([4, 4, 4], lasting=3.0) == [0.0, 3.0, 6.0]


def test_what_was_called_before_the_run_does_not_count() -> None:
    assert run([4, 4], before=1000) == [0.0, 1.0]
    assert run([]) == []
