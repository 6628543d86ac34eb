"""Finds out in CloudTrail's event history who changed what differs from the topology. Pure but for its
questions.

The history holds the management events of 90 days, without any trail, each some minutes late (AWS CloudTrail
User Guide, view-cloudtrail-events). What it does not tell stays unknown: nothing waits for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from tandem.errors import CallFailedError, TemporaryError
from tandem.signals.awsevents import identifiers
from tandem.signals.signal import members, moment

if TYPE_CHECKING:
    from tandem.ports import Clock

MOST_QUESTIONS = 6
"""In one run of the provisioner."""

TAGGING = ("DeleteTags", "CreateTags")
_OUR_TAGS = "tandem:"

_PAUSE_SECONDS = 0.6
"""Between two of them: an account has two a second in a Region, for all its users (API_LookupEvents)."""

_KEPT = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Call:
    """Holds one call that AWS carried out, as CloudTrail recorded it."""

    name: str
    at: datetime
    actor: str
    """The caller's ARN; where there is none, the AWS service that called."""
    role: str | None
    """The role whose session called."""
    resource_ids: frozenset[str]
    """Those that the request names; `resources` of the event is usually empty
    (docs/aws-facts.md#cloudtrail-resources)."""
    request: str
    """The request's parameters as JSON, in lower case: AWS documents no shape for those of Route Server."""


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
            self._clock.sleep(_PAUSE_SECONDS)
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


def calls_of(records: Iterable[str]) -> tuple[Call, ...]:
    """Returns the calls in CloudTrail records, in their order; those that were refused changed nothing."""
    found = (_call(record) for record in records)
    return tuple(call for call in found if call is not None)


def _call(record: str) -> Call | None:
    """Returns the call; None for one that was refused or cannot be read."""
    try:
        event = members(json.loads(record))
    except ValueError:
        return None
    who, at = members(event.get("userIdentity")), moment(event.get("eventTime"))
    name, caller = event.get("eventName"), who.get("arn") or who.get("invokedBy")
    if at is None or event.get("errorCode") or not isinstance(name, str) or not isinstance(caller, str):
        return None
    request = event.get("requestParameters")
    issuer = members(members(who.get("sessionContext")).get("sessionIssuer"))
    return Call(
        name=name,
        at=at,
        actor=caller,
        role=_role(caller) or issuer.get("userName"),
        resource_ids=identifiers(request),
        request=json.dumps(request).lower(),
    )


def _role(arn: str) -> str | None:
    """Returns the role's name in `arn:aws:sts::123456789012:assumed-role/name/session`."""
    kind, _, rest = arn.rpartition(":")[2].partition("/")
    return rest.partition("/")[0] if kind == "assumed-role" else None
