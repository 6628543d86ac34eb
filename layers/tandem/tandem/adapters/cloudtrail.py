"""CloudTrail's event history: who made which call. It needs no trail; a call shows up some minutes later."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, cast

from botocore.config import Config
from botocore.parsers import ResponseParserError

from tandem.adapters import clients
from tandem.adapters.calls import called
from tandem.errors import TemporaryError
from tandem.signals.calls import Call, calls_of

if TYPE_CHECKING:
    from mypy_boto3_cloudtrail import CloudTrailClient

_ASIDE = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 1},
    max_pool_connections=1,
)
"""3 s at the worst, once a run: it is good to know, and a repair waits for it."""

_MOST = 50
"""Events in one answer; there is one answer a question."""


@cache
def client() -> CloudTrailClient:
    """Creates the client when it is first needed: hardly ever."""
    return cast("CloudTrailClient", clients.made("cloudtrail", _ASIDE))


def calls(name: str, since: datetime) -> tuple[Call, ...]:
    """Returns the newest calls of that name which AWS carried out, newest first.

    Raises CallFailedError, TemporaryError.
    """
    return calls_of(records(name, since))


def records(name: str, since: datetime) -> tuple[str, ...]:
    """Returns CloudTrail's newest records of calls of that name, the newest first.

    Raises CallFailedError, TemporaryError.
    """
    try:
        found = called(
            name,
            lambda: client().lookup_events(
                LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}],
                StartTime=since,
                MaxResults=_MOST,
            ),
        )
    except ResponseParserError as error:
        raise TemporaryError(f"no answer about {name}: {error}") from error
    events = found.get("Events")
    if not isinstance(events, list):
        raise TemporaryError(f"CloudTrail answered LookupEvents about {name} without Events")
    return tuple(_record(event) for event in events)


def _record(event: object) -> str:
    """Returns the record in an event; an empty text where there is none that can be read."""
    record = event.get("CloudTrailEvent") if isinstance(event, dict) else None
    return record if isinstance(record, str) else ""
