"""Tests how many round trips one after another, how many at once."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from lab.ec2 import concurrency, depth


def log(*spans):
    return [{"sequence": n, "start": start, "end": end} for n, (start, end) in enumerate(spans, 1)]


def test_parallel_requests_are_one_deep():
    assert depth(log((0, 1), (0, 1), (0.5, 1.5))) == 1
    assert concurrency(log((0, 1), (0, 1), (0.5, 1.5))) == 3


def test_one_after_another_adds_up():
    assert depth(log((0, 1), (1, 2), (2, 3))) == 3
    assert concurrency(log((0, 1), (1, 2), (2, 3))) == 1


def test_read_move_verify():
    reads, writes, verify = [(0, 0.25)] * 4, [(0.3, 0.7)] * 50, [(0.7, 0.95)]
    assert depth(log(*reads, *writes, *verify)) == 3


def test_what_is_under_way_does_not_count():
    assert depth([{"sequence": 1, "start": 0, "end": None}]) == 0
    assert depth([]) == concurrency([]) == 0


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 5)), max_size=8))
def test_depth_is_the_longest_chain(spans):
    spans = [(start, start + length) for start, length in spans]
    longest = max(
        (
            len(chain)
            for size in range(len(spans) + 1)
            for chain in itertools.combinations(sorted(spans), size)
            if all(before[1] <= after[0] for before, after in itertools.pairwise(chain))
        ),
        default=0,
    )
    assert depth(log(*spans)) == longest
