"""An episode is a time in which something is wrong. It is notified once it lasts, and once it is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

GRACE = timedelta(minutes=3)
"""What begins or ends and is undone within this time is not told. BGP's usual hold time is no longer (180 s),
and with a sweep a minute three looks in a row then see the same."""


class Change(StrEnum):
    """An episode was notified to begin, or to end."""

    OPENED = "opened"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Episode:
    """Something has not been as it should be since a look first saw it."""

    since: datetime
    counts_from: datetime
    """When its time of grace began: later than `since` where something else was told for it until then."""
    about: str = ""
    """The part of the topology that it is about: what is declared anew has all its time again."""
    told: bool = False
    over_since: datetime | None = None
    """When a look first saw it over, of an episode that was told."""


@dataclass(frozen=True, slots=True)
class Sight:
    """A look judges one thing."""

    is_bad: bool | None
    """None if that cannot be known now."""
    grace: timedelta
    about: str
    counts: bool = True
    """False while something else is told for it, such as a hold."""


def step(
    before: Episode | None, sight: Sight, now: datetime, *, may_tell: bool
) -> tuple[Episode | None, Change | None]:
    """Returns the episode after this look, None if there is none, and the change to notify.

    Invariant: `opened` and `resolved` alternate, `opened` first. What cannot be known changes nothing.
    """
    if sight.is_bad is None:
        return before, None
    if sight.is_bad:
        return _goes_on(before, sight, now, may_tell=may_tell)
    if before is None or not before.told:
        return None, None
    over_since = min(before.over_since or now, now)
    if may_tell and now - over_since >= GRACE:
        return None, Change.RESOLVED
    return replace(before, over_since=over_since), None


def _goes_on(
    before: Episode | None, sight: Sight, now: datetime, *, may_tell: bool
) -> tuple[Episode, Change | None]:
    if before is None or (not before.told and before.about != sight.about):
        before = Episode(now, now, sight.about)
    if before.told:
        return replace(before, over_since=None), None
    if not sight.counts:
        return replace(before, counts_from=now), None
    if may_tell and now - before.counts_from >= sight.grace:
        return replace(before, told=True), Change.OPENED
    return before, None


def forget(before: Episode | None, *, may_tell: bool) -> tuple[Episode | None, Change | None]:
    """Returns the same for a thing that is not judged any more: an episode that was notified ends."""
    if before is None or not before.told:
        return None, None
    return (None, Change.RESOLVED) if may_tell else (before, None)


def without_future(episodes: Mapping[str, Episode], now: datetime) -> dict[str, Episode]:
    """Returns the episodes without times from the future: a clock that was wrong delays no notification."""
    return {
        key: replace(
            e,
            since=min(e.since, now),
            counts_from=min(e.counts_from, now),
            over_since=min(e.over_since, now) if e.over_since else None,
        )
        for key, e in episodes.items()
    }
