"""One winner per prefix: shortest AS path, lowest MED, then the tie-break."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.ec2.best_path import Path, canonical, choose, rank
from lab.ec2.timings import TieBreak

PREFIXES = ["0.0.0.0/0", "10.20.0.0/16", "2001:db8::/32"]


@st.composite
def tables(draw):
    """A RIB: at most one path per peer and prefix."""
    paths: list[Path] = []
    for number in range(draw(st.integers(1, 6))):
        paths.extend(
            Path(
                prefix=prefix,
                as_path=tuple(["65001"] * draw(st.integers(1, 4))),
                med=draw(st.integers(0, 2)),
                next_hop="10.0.1.10",
                peer_id=f"rsp-{number}",
                endpoint_id="rse-1",
                peer_address=f"10.0.{draw(st.integers(1, 3))}.10",
                endpoint_address=f"10.0.9.{draw(st.integers(1, 20))}",
                learned=draw(st.integers(1, 9)),
            )
            for prefix in sorted(draw(st.sets(st.sampled_from(PREFIXES))))
        )
    return paths


@given(tables(), st.sampled_from(TieBreak))
def test_every_prefix_has_exactly_one_winner_that_is_in_the_rib(paths, tie_break):
    fib = choose(paths, tie_break)
    assert set(fib) == {path.prefix for path in paths}
    assert all(winner in paths and winner.prefix == prefix for prefix, winner in fib.items())


@given(tables(), st.sampled_from(TieBreak))
def test_nobody_beats_the_winner(paths, tie_break):
    fib = choose(paths, tie_break)
    for path in paths:
        winner = fib[path.prefix]
        assert (len(winner.as_path), winner.med) <= (len(path.as_path), path.med)
        assert rank(winner, tie_break) <= rank(path, tie_break)


@given(tables(), st.sampled_from(TieBreak), st.randoms(use_true_random=False))
def test_the_order_in_the_rib_does_not_matter(paths, tie_break, chance: random.Random):
    shuffled = paths.copy()
    chance.shuffle(shuffled)
    assert choose(shuffled, tie_break) == choose(paths, tie_break)


@given(tables(), st.sampled_from(TieBreak))
def test_a_loser_that_leaves_changes_nothing(paths, tie_break):
    fib = choose(paths, tie_break)
    for path in paths:
        if path is not fib[path.prefix]:
            assert choose([other for other in paths if other is not path], tie_break) == fib


@pytest.mark.parametrize("prefix", ["10.0.0.1/8", "nonsense", "10.0.0.0/33"])
def test_a_prefix_with_host_bits_is_no_prefix(prefix):
    with pytest.raises(ValueError):
        canonical(prefix)
