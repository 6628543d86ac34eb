"""An episode is notified once it has lasted, and once it is over: each rule of its steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tandem.state.episodes import GRACE, Change, Episode, Sight, forget, step, without_future

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)
SECOND = timedelta(seconds=1)

BAD = Sight(is_bad=True, grace=GRACE, about="fw1")
GOOD = Sight(is_bad=False, grace=GRACE, about="fw1")
UNKNOWN = Sight(is_bad=None, grace=GRACE, about="fw1")
HELD = Sight(is_bad=True, grace=GRACE, about="fw1", counts=False)

YOUNG = Episode(NOW - GRACE + SECOND, NOW - GRACE + SECOND, "fw1")
RIPE = Episode(NOW - GRACE, NOW - GRACE, "fw1")
OPEN = Episode(LONG_AGO, LONG_AGO, "fw1", told=True)


def ending(since: timedelta) -> Episode:
    return Episode(LONG_AGO, LONG_AGO, "fw1", told=True, over_since=NOW - since)


@pytest.mark.parametrize(
    ("before", "sight", "after", "change"),
    [
        (None, GOOD, None, None),
        (None, BAD, Episode(NOW, NOW, "fw1"), None),
        (YOUNG, BAD, YOUNG, None),
        (RIPE, BAD, Episode(RIPE.since, RIPE.counts_from, "fw1", told=True), Change.OPENED),
        (OPEN, BAD, OPEN, None),
        # what is over before it was notified is forgotten
        (YOUNG, GOOD, None, None),
        (RIPE, GOOD, None, None),
        # the end needs the time of grace in a row
        (OPEN, GOOD, ending(timedelta(0)), None),
        (ending(GRACE - SECOND), GOOD, ending(GRACE - SECOND), None),
        (ending(GRACE), GOOD, None, Change.RESOLVED),
        (ending(GRACE), BAD, OPEN, None),
        # what cannot be known changes nothing
        (None, UNKNOWN, None, None),
        (RIPE, UNKNOWN, RIPE, None),
        (ending(GRACE), UNKNOWN, ending(GRACE), None),
        # while something else is notified for it, the time of grace has not begun
        (RIPE, HELD, Episode(RIPE.since, NOW, "fw1"), None),
        (OPEN, HELD, OPEN, None),
        # what is declared anew has all its time again; what was notified stays so
        (Episode(LONG_AGO, LONG_AGO, "fw0"), BAD, Episode(NOW, NOW, "fw1"), None),
        (
            Episode(LONG_AGO, LONG_AGO, "fw0", told=True),
            BAD,
            Episode(LONG_AGO, LONG_AGO, "fw0", told=True),
            None,
        ),
        # a time from the future counts as now
        (ending(-GRACE), GOOD, ending(timedelta(0)), None),
    ],
)
def test_a_step(before: Episode | None, sight: Sight, after: Episode | None, change: Change | None) -> None:
    assert step(before, sight, NOW, may_tell=True) == (after, change)


@pytest.mark.parametrize("before", [RIPE, ending(GRACE)])
def test_a_look_that_may_not_notify_leaves_it_to_the_next(before: Episode) -> None:
    sight = GOOD if before.told else BAD
    assert step(before, sight, NOW, may_tell=False) == (before, None)


@pytest.mark.parametrize(
    ("before", "may_tell", "after"),
    [
        (None, True, (None, None)),
        (RIPE, True, (None, None)),
        (OPEN, True, (None, Change.RESOLVED)),
        (OPEN, False, (OPEN, None)),
    ],
)
def test_what_is_not_judged_any_more_ends(
    before: Episode | None, after: tuple[Episode | None, Change | None], *, may_tell: bool
) -> None:
    assert forget(before, may_tell=may_tell) == after


def test_no_time_is_from_the_future() -> None:
    ahead = NOW + GRACE
    kept = without_future({"a": Episode(ahead, ahead, over_since=ahead), "b": OPEN}, NOW)
    assert kept == {"a": Episode(NOW, NOW, over_since=NOW), "b": OPEN}
