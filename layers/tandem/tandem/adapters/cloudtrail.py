"""CloudTrail's event history: who made which call. It needs no trail; a call shows up some minutes later."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, cast

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
"""Events in one answer."""

MOST_PAGES = 5
"""Answers about one name that `pages` asks for."""


@cache
def client() -> CloudTrailClient:
    """Creates the client when it is first needed: hardly ever."""
    return cast("CloudTrailClient", clients.made("cloudtrail", _ASIDE))


def calls(name: str, since: datetime) -> tuple[Call, ...]:
    """Returns the newest calls of that name which AWS carried out, newest first.

    Raises CallFailedError, TemporaryError.
    """
    records, _ = _page(name, since)
    return calls_of(records)


def pages(name: str, since: datetime) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Yields CloudTrail's records of calls of that name, the newest first, and each time if there are more.

    It asks when the next page is taken, so the caller keeps the pace. Raises CallFailedError, TemporaryError.
    """
    token: object = None
    for _ in range(MOST_PAGES):
        records, token = _page(name, since, **({"NextToken": token} if token else {}))
        yield records, bool(token)
        if not token or not isinstance(token, str):
            return


def _page(name: str, since: datetime, **page: Any) -> tuple[tuple[str, ...], object]:  # noqa: ANN401 - as boto3 has it
    try:
        found = called(
            name,
            lambda: client().lookup_events(
                LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}],
                StartTime=since,
                MaxResults=_MOST,
                **page,
            ),
        )
    except ResponseParserError as error:
        raise TemporaryError(f"no answer about {name}: {error}") from error
    events = found.get("Events")
    if not isinstance(events, list):
        raise TemporaryError(f"CloudTrail answered LookupEvents about {name} without Events")
    return tuple(_record(event) for event in events), found.get("NextToken")


def _record(event: object) -> str:
    """Returns the record in an event; an empty text where there is none that can be read."""
    record = event.get("CloudTrailEvent") if isinstance(event, dict) else None
    return record if isinstance(record, str) else ""
