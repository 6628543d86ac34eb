"""Reads what a deployed stack says of itself: the state table's records, and its dead-letter queues."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Final

from tandem import __version__
from tandem.adapters import clients
from tandem.adapters.calls import called
from tandem.adapters.heartbeats import Heartbeat
from tandem.adapters.looks import LookStore
from tandem.adapters.overrides import OverrideStore
from tandem.adapters.readings import reading
from tandem.compliance.snapshot import NotRead, Pause, Reading, StackFacts
from tandem.errors import TemporaryError
from tandem.reasons.failover import HoldCode
from tandem.state.memory import Memory
from tandem.state.override import Override, OverrideKind
from tandem.state.record import TopologyRecord

READS = 8
_WAITING: Final = "ApproximateNumberOfMessages"


def read(
    record: TopologyRecord, table: str, queues: Mapping[str, str], version: str = __version__
) -> StackFacts:
    """Reads the stack's records of one topology. `queues` maps the names of dead-letter queues to their URLs.

    Raises nothing that AWS answers: a part that cannot be read is NotRead.
    """
    name = record.topology.name
    with ThreadPoolExecutor(max_workers=READS, thread_name_prefix="stack") as side:
        remembered = side.submit(reading, partial(LookStore(table).memory, name), "dynamodb")
        overrides = side.submit(reading, partial(OverrideStore(table).of, name), "dynamodb")
        beat = side.submit(reading, Heartbeat(table).last, "dynamodb")
        waiting = side.submit(reading, partial(_waiting, queues), "sqs")
        memory = remembered.result()
        return StackFacts(
            looked_at=_looked_at(memory),
            watched_at=beat.result(),
            pauses=_pauses(name, overrides.result(), memory),
            mode_since=record.mode_since,
            dead_letters=waiting.result(),
            version=version,
            tool_version=__version__,
        )


def _looked_at(memory: Memory | NotRead | None) -> Reading[datetime | None]:
    if memory is None or isinstance(memory, NotRead):
        return memory
    return memory.looked_at


def _pauses(
    topology: str, overrides: tuple[Override, ...] | NotRead, memory: Memory | NotRead | None
) -> Reading[tuple[Pause, ...]]:
    """The override records have no time of their own: a pause is as old as the hold that it causes."""
    if isinstance(overrides, NotRead):
        return overrides
    if isinstance(memory, NotRead):
        return memory
    since = {
        group: standing.since
        for group, standing in (memory.standing if memory else {}).items()
        if HoldCode.PAUSED in standing.codes
    }
    return tuple(
        Pause(
            resource=override.group or topology,
            who=override.who,
            why=override.why,
            until=override.until,
            since=since.get(override.group) if override.group else min(since.values(), default=None),
        )
        for override in overrides
        if override.kind is OverrideKind.PAUSED
    )


def _waiting(queues: Mapping[str, str]) -> dict[str, int]:
    """Raises CallFailedError, and TemporaryError where SQS does not answer or shows no number."""
    return {name: _messages(name, url) for name, url in queues.items()}


def _messages(name: str, url: str) -> int:
    answer = called(name, lambda: clients.sqs().get_queue_attributes(QueueUrl=url, AttributeNames=[_WAITING]))
    shown = answer.get("Attributes", {}).get(_WAITING, "")
    if not shown.isdigit():
        raise TemporaryError(f"SQS shows no number of messages of {name}")
    return int(shown)
