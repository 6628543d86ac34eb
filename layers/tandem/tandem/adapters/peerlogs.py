"""CloudWatch Logs: what the peers' logs said lately of their sessions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tandem.adapters import clients
from tandem.adapters.calls import called
from tandem.compliance.snapshot import SessionChange, SessionChanges
from tandem.errors import TemporaryError
from tandem.signals.peerlogs import signal_of
from tandem.signals.signal import Signal, SignalKind

if TYPE_CHECKING:
    from mypy_boto3_logs.type_defs import FilterLogEventsResponseTypeDef

SESSIONS = '{ ($.type = "BGPStatus") || ($.type = "BFDStatus") }'
"""All peers of the stack log into one group; of its records only those of sessions are read."""

_MOST_PAGES = 5
"""Of 10,000 records or 1 MB each (API_FilterLogEvents); the call has a quota of its own, some 5 a second."""


def session_changes(log_group: str, now: datetime, lasting: timedelta) -> SessionChanges:
    """Returns the changes of so long.

    Raises CallFailedError for what AWS refuses, TemporaryError where it does not answer or there are too
    many records.
    """
    changes: list[SessionChange] = []
    unread: list[str] = []
    more: dict[str, Any] = {}
    for _ in range(_MOST_PAGES):
        page = _page(log_group, now - lasting, now, more)
        for event in page.get("events", ()):
            signal = signal_of(str(event.get("message", "")))
            change = _change(signal)
            if change is not None:
                changes.append(change)
            elif not signal.known or signal.kind is SignalKind.SESSION:
                unread.append(signal.cause)
        if not page.get("nextToken"):
            return SessionChanges(tuple(changes), tuple(unread))
        more = {"nextToken": page["nextToken"]}
    raise TemporaryError(
        f"{log_group} has more than {_MOST_PAGES} pages of sessions' changes of the last hour"
    )


def _page(
    log_group: str, begin: datetime, end: datetime, more: dict[str, Any]
) -> FilterLogEventsResponseTypeDef:
    return called(
        log_group,
        lambda: clients.logs().filter_log_events(
            logGroupName=log_group,
            startTime=_ms(begin),
            endTime=_ms(end),
            filterPattern=SESSIONS,
            **more,
        ),
    )


def _change(signal: Signal) -> SessionChange | None:
    """Returns None for a record of something else, and for one that lacks what a change has."""
    if signal.kind is not SignalKind.SESSION:
        return None
    if not (signal.peer_id and signal.protocol and signal.status and signal.occurred_at):
        return None
    at = signal.occurred_at
    return SessionChange(signal.peer_id, signal.protocol.value, signal.status.value, at)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
