"""Tandem's EventBridge bus."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from tandem.adapters import clients
from tandem.errors import ConfigurationError, TemporaryError
from tandem.events import SOURCE, Event

if TYPE_CHECKING:
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef, PutEventsResponseTypeDef

MOST_ENTRIES = 10
MOST_BYTES = 256_000
"""Of one request, and so of one event. PutEvents itself takes 1 MiB by now; SNS, where decisions go on to
people, takes 256 KiB unless a topic says otherwise."""


class EventsRefusedError(TemporaryError):
    """EventBridge took a request but not each of its entries; `failed` are those that are not on the bus."""

    def __init__(self, failed: tuple[Event, ...], code: str) -> None:
        super().__init__(f"EventBridge did not take {len(failed)} events ({code})")
        self.failed = failed


@dataclass(frozen=True, slots=True)
class EventBus:
    """Puts events on the bus with this name. EventBridge drops them without an error if the bus does not
    exist.
    """

    name: str

    def put(self, *events: Event) -> None:
        """Puts the events in order, ten and 256 kB a request.

        Raises TemporaryError where EventBridge does not answer or refuses a request. EventsRefusedError where
        entries failed, and ConfigurationError for an event that no bus takes: both only after all the others
        are on the bus.
        """
        failed: list[Event] = []
        codes: set[str] = set()
        fitting = [event for event in events if _size(event) <= MOST_BYTES]
        for batch in _batches(fitting):
            answer = self._put(batch)
            if answer["FailedEntryCount"]:
                pairs = zip(batch, answer["Entries"], strict=True)
                failed += [event for event, entry in pairs if "ErrorCode" in entry]
                codes |= {entry.get("ErrorCode", "") for entry in answer["Entries"]} - {""}
        if failed:
            raise EventsRefusedError(tuple(failed), ", ".join(sorted(codes)))
        if len(fitting) < len(events):
            too_large = max(events, key=_size)
            topology = too_large.detail.get("topology")
            raise ConfigurationError(
                f"a {too_large.detail_type} of {topology} has {_size(too_large)} bytes, "
                f"more than the {MOST_BYTES} that the bus takes: split the topology's groups"
            )

    def _put(self, batch: list[Event]) -> PutEventsResponseTypeDef:
        try:
            return clients.events().put_events(Entries=[self._entry(event) for event in batch])
        except (BotoCoreError, ClientError) as error:
            raise TemporaryError(f"EventBridge did not take {len(batch)} events: {error}") from error

    def _entry(self, event: Event) -> PutEventsRequestEntryTypeDef:
        return {
            "EventBusName": self.name,
            "Source": SOURCE,
            "DetailType": event.detail_type,
            "Detail": _json(event),
        }


def _batches(events: Iterable[Event]) -> Iterator[list[Event]]:
    batch: list[Event] = []
    used = 0
    for event in events:
        if batch and (len(batch) == MOST_ENTRIES or used + _size(event) > MOST_BYTES):
            yield batch
            batch, used = [], 0
        batch.append(event)
        used += _size(event)
    if batch:
        yield batch


def _size(event: Event) -> int:
    """Returns the size as EventBridge counts it: source, detail-type and detail, in UTF-8."""
    return len(SOURCE) + len(event.detail_type) + len(_json(event).encode())


def _json(event: Event) -> str:
    return json.dumps(event.detail, separators=(",", ":"), ensure_ascii=False)
