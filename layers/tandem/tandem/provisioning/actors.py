"""Finds out in CloudTrail's event history who changed what differs from the topology. Pure but for its
questions.

The history holds the management events of 90 days, without any trail, each some minutes late (AWS CloudTrail
User Guide, view-cloudtrail-events). What it does not tell stays unknown: nothing waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from tandem.errors import CallFailedError, TemporaryError
from tandem.signals.calls import Call

if TYPE_CHECKING:
    from tandem.ports import Clock

MOST_QUESTIONS = 6
"""In one run of the provisioner."""

TAGGING = ("DeleteTags", "CreateTags")
_OUR_TAGS = "tandem:"

PAUSE_SECONDS = 0.6
"""Between two of them: an account has two a second in a Region, for all its users (API_LookupEvents)."""

_KEPT = timedelta(days=90)


class History(Protocol):
    """Reads CloudTrail's event history. Raises CallFailedError, TemporaryError."""

    def calls(self, name: str, since: datetime) -> tuple[Call, ...]: ...


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Holds what can have caused a difference: calls of one of these names, the likelier first."""

    names: tuple[str, ...] = ()
    resources: tuple[frozenset[str], ...] = ()
    """The call names all IDs of one of these sets. Several sets are several resources."""
    words: tuple[str, ...] = ()
    """One of them is in the request, where any are given; in lower case."""

    def matches(self, call: Call, ids: frozenset[str]) -> bool:
        """A call on tags counts only where it names one that Tandem reads."""
        words = (_OUR_TAGS,) if call.name in TAGGING else self.words
        return ids <= call.resource_ids and (not words or any(word in call.request for word in words))


class Frugal:
    """The history for one run: each name is asked for once, a few names in all, and after the first failure
    nothing. Raises nothing."""

    def __init__(self, history: History, clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self._answers: dict[str, tuple[datetime, tuple[Call, ...]]] = {}
        self._left = MOST_QUESTIONS
        self.trouble: str | None = None
        """Why nothing is asked any more, where a question failed."""

    def calls(self, name: str, since: datetime) -> tuple[Call, ...]:
        asked, answer = self._answers.get(name, (None, ()))
        if asked is not None and asked <= since:
            return tuple(call for call in answer if call.at >= since)
        if not self._left or self.trouble is not None:
            return ()
        if self._left < MOST_QUESTIONS:
            self._clock.sleep(PAUSE_SECONDS)
        self._left -= 1
        try:
            answer = tuple(call for call in self._history.calls(name, since) if call.at >= since)
        except (CallFailedError, TemporaryError) as error:
            self.trouble = str(error)
            return ()
        self._answers[name] = since, answer
        return answer


def actor(
    suspicion: Suspicion, since: datetime | None, role: str, history: History, now: datetime
) -> str | None:
    """Returns the ARN of whoever made the newest call that can have done it, after `since`.

    None where that is not known, where it was a session of `role`, the provisioner's own, or where several
    did it.
    """
    if since is None:
        return None
    # CloudTrail tells whole seconds
    earliest = max(since, now - _KEPT).replace(microsecond=0)
    for name in suspicion.names if suspicion.resources else ():
        newest = _newest(suspicion, history.calls(name, earliest))
        found = {call.actor for call in newest if call.role != role}
        if newest:
            return found.pop() if len(found) == 1 else None
    return None


def _newest(suspicion: Suspicion, calls: tuple[Call, ...]) -> list[Call]:
    """Returns the newest of each resource; the history has the newest first (API_LookupEvents)."""
    found = (
        next((call for call in calls if suspicion.matches(call, ids)), None) for ids in suspicion.resources
    )
    return [call for call in found if call is not None]
