"""Takes one topology after the other, so that what the rules read leaves EC2's buckets to failover.

EC2 has a bucket for each action, and failover reads by the same ones (docs/aws-facts.md#throttling).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from tandem.ports import Clock

T = TypeVar("T")
R = TypeVar("R")

CALLS_A_SECOND = 4.0
"""Of one action, on average: a fifth of EC2's refill."""


def paced(
    items: Iterable[T], take: Callable[[T], R], calls: Callable[[], Mapping[str, int]], clock: Clock
) -> Iterator[R]:
    """Yields what `take` makes of each item, the next one no sooner than its calls allow.

    `calls` counts what was called since the beginning, by action. The reads of one item come at once; the
    pause after them is as long as those of the commonest action are worth.
    """
    began = clock.now()
    before = dict(calls())
    is_first = True
    for item in items:
        if not is_first:
            spent = (clock.now() - began).total_seconds()
            clock.sleep(max(0.0, _worth(before, calls()) - spent))
        is_first = False
        yield take(item)


def _worth(before: Mapping[str, int], now: Mapping[str, int]) -> float:
    """Returns the seconds that the calls of the commonest action are worth."""
    return max((count - before.get(action, 0) for action, count in now.items()), default=0) / CALLS_A_SECOND
