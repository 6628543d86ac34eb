"""Storms go the same whatever the words are."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.forks import run_in_copy
from tests.rewording import deeds, one_thread, other_words
from tests.storm.test_storm import Storm
from tests.tiers import prove

SEEDS, STEPS = 3, 30


class Wordless(Storm):
    """A storm that writes down what Tandem did, and does not read what it says."""

    done: ClassVar[list[list[Any]]] = []

    def check_outcome(self) -> None:
        self.done.append(deeds(self.s))


def blown(*, otherwise: bool) -> list[list[Any]]:
    """Returns what Tandem did in each of some storms, the same ones each time."""
    these = settings(
        max_examples=SEEDS,
        stateful_step_count=STEPS,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    with one_thread(), other_words() if otherwise else nullcontext():
        run_state_machine_as_test(Wordless, settings=these)
    return Wordless.done


@prove
def test_a_storm_goes_the_same_whatever_the_words() -> None:
    today = run_in_copy(lambda: blown(otherwise=False))
    other = run_in_copy(lambda: blown(otherwise=True))
    assert other == today
    assert len(today) == SEEDS
    assert sum(map(len, today)) > 300
