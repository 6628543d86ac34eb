"""The second door: CloudFormation's requests, written down first, brought to their end by whoever comes by.

Level-triggered like the rest: Lambda's retry, the event of a stored topology and the schedule all go on from
what is written down. An answer is decided once, then sent, then forgotten with its URL.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from tandem.doors import applying
from tandem.doors.answers import Answer, Noted, Status, answer_due, body, failed, refused, succeeded
from tandem.doors.applying import Application, Stored
from tandem.doors.customresource import OnDelete, Request, RequestType, property_problems
from tandem.errors import ConfigurationError, TemporaryError
from tandem.problems import Problem
from tandem.provisioning import ports, provisioner, refreshing
from tandem.provisioning.provisioner import Run, Stack
from tandem.provisioning.refreshing import shared
from tandem.record import TopologyRecord
from tandem.validation.document import normalise

T = TypeVar("T")

PATIENCE = timedelta(minutes=2)
"""With what is away for a moment; the rest is for Lambda's retry and the schedule."""

PAUSE_SECONDS = 5.0
OWN_TIME = timedelta(minutes=5)
"""So long a new request belongs to its own invocation and its retries; then the schedule takes it up."""

KEPT = timedelta(days=1)
"""How long an answered request is remembered: Lambda may deliver one twice, within an hour or so."""

GIVEN_UP = timedelta(hours=2)
"""CloudFormation waits one hour; past this an answer that nobody takes is not tried again."""

MOST_CHARACTERS = 300_000
"""Of a request's properties: an item of DynamoDB holds 400 KB."""


class Requests(Protocol):
    """The requests that are written down. Raises StateUnavailableError."""

    def note(self, request: Request, now: datetime) -> Noted: ...

    def list(self) -> tuple[Noted, ...]: ...

    def accept(self, noted: Noted, version: int, *, is_maker: bool = False) -> Noted: ...

    def decide(self, noted: Noted, answer: Answer) -> Noted: ...

    def close(self, noted: Noted, now: datetime) -> None: ...

    def drop(self, noted: Noted) -> None: ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What the second door needs beside the first one's world and the provisioner's."""

    requests: Requests
    respond: Callable[[str, bytes], str | None]
    """Sends an answer; why it was refused for good, if it was. Raises TemporaryError."""
    door: applying.World
    stack: Stack
    world: ports.World
    run: Callable[[str], None]
    """One run of the provisioner over the topology of that name. Raises TemporaryError."""
    tell: Callable[[Request, Answer, str | None], None]
    """Hears of each answer, and why CloudFormation refused it, if it did."""


def serve(request: Request, desk: Desk) -> str | None:
    """A new request, or one delivered again. Why the rest of it is left to the schedule, if it is.

    Raises TemporaryError only where it can neither be written down nor answered.
    """
    if len(json.dumps(request.properties)) + len(json.dumps(request.old_properties)) > MOST_CHARACTERS:
        _send(request, failed(request, f"more than {MOST_CHARACTERS} characters of properties"), desk)
        return None
    try:
        noted = _patiently(lambda: desk.requests.note(request, desk.world.clock.now()), desk)
    except (ConfigurationError, TemporaryError) as error:
        _send(request, failed(request, f"nothing was stored: {error}"), desk)
        return None
    try:
        _patiently(lambda: _begin(noted, desk), desk)
    except TemporaryError as error:
        return str(error)
    return None


def settle(desk: Desk, topology: str | None = None) -> None:
    """After runs of the provisioner: answers what is at its end, of one topology or of all. With all of them
    it also takes up what its own invocation did not get to. One sick request keeps no other waiting.

    Raises TemporaryError, after each had its turn.
    """
    with ExitStack() as every:
        for noted in reversed(desk.requests.list()):
            every.callback(_settle, noted, topology, desk)


def _settle(noted: Noted, topology: str | None, desk: Desk) -> None:
    now = desk.world.clock.now()
    if noted.answered_at is not None:
        if now - noted.answered_at >= KEPT:
            desk.requests.drop(noted)
        return
    if topology not in (None, noted.request.topology):
        return
    if not noted.is_begun:
        if topology is not None or now - noted.received_at < OWN_TIME:
            return
        noted, _ = _attempt(noted, desk)
    _end(noted, desk)


def _begin(noted: Noted, desk: Desk) -> None:
    if noted.answered_at is not None:
        return
    stored = False
    if not noted.is_begun:
        noted, stored = _attempt(noted, desk)
    if noted.answer is None and not stored and noted.request.topology is not None:
        desk.run(noted.request.topology)  # what is stored anew gets its run by the event on the bus
    _end(noted, desk)


def _attempt(noted: Noted, desk: Desk) -> tuple[Noted, bool]:
    """Does what the request asks; whether it stored a new version. What can never work is its answer."""
    request = noted.request
    if noted.is_over_budget(desk.world.clock.now()):
        return desk.requests.decide(noted, failed(request, "Tandem could not begin in time")), False
    earlier = _supersede(noted, desk)
    try:
        if request.type is RequestType.DELETE:
            return _delete(noted, desk), False
        if _takes_back(request, earlier):
            return desk.requests.decide(noted, succeeded(request)), False
        return _store(noted, desk)
    except ConfigurationError as error:
        return desk.requests.decide(noted, failed(request, str(error))), False


def _supersede(noted: Noted, desk: Desk) -> Noted | None:
    """CloudFormation asks one thing of a resource at a time: a later request ends the earlier ones. The last
    of them."""
    earlier = [
        other
        for other in desk.requests.list()
        if other.request.door == noted.request.door
        and other.request.key != noted.request.key
        and (other.answered_at is not None or other.received_at < noted.received_at)
    ]
    for other in earlier:
        if other.answer is None:
            _end(desk.requests.decide(other, failed(other.request, "a later request took its place")), desk)
    return earlier[-1] if earlier else None


def _takes_back(request: Request, earlier: Noted | None) -> bool:
    """The rollback of an update that was refused asks for what is in force: nothing is to be judged, and
    nothing to be done, even where today it would be refused as well."""
    if earlier is None or not earlier.is_refused or earlier.request.type is not RequestType.UPDATE:
        return False
    return request.type is RequestType.UPDATE and request.properties == earlier.request.old_properties


def _store(noted: Noted, desk: Desk) -> tuple[Noted, bool]:
    request, document = noted.request, noted.request.properties.get("Topology")
    application = Application(
        document,
        door=request.door,
        take_over=request.takes_over,
        allow_interruption=request.allows_interruption,
    )
    problems = list(property_problems(request.properties))
    if problems:
        problems += applying.check(application, desk.door).problems if isinstance(document, dict) else ()
        return _refuse(noted, problems, desk), False
    before = desk.door.store.list().of(request.topology or "")
    if before is not None and before.door == request.door and _is_stored(request, before):
        return desk.requests.accept(noted, before.version), False
    verdict = applying.apply(application, desk.door)
    if verdict.problems:
        return _refuse(noted, list(verdict.problems), desk), False
    is_new = before is None or verdict.version != before.version
    return desk.requests.accept(noted, verdict.version, is_maker=before is None), is_new


def _is_stored(request: Request, record: TopologyRecord) -> bool:
    """What is in force already is not judged again: a rollback to it has to succeed."""
    same = normalise(request.properties.get("Topology")) == record.topology.document
    is_enough = request.allows_interruption <= record.allow_interruption
    return bool(same and is_enough and not record.is_leaving)


def _refuse(noted: Noted, problems: list[Problem], desk: Desk) -> Noted:
    return desk.requests.decide(noted, refused(noted.request, problems))


def _delete(noted: Noted, desk: Desk) -> Noted:
    """A topology that is not there, or is another door's, is none of this resource's: its create failed, or
    somebody took it over. That deletes in peace."""
    request, stored = noted.request, desk.door.store.list()
    record = stored.of(request.topology or "")
    if record is None or record.door != request.door:
        return desk.requests.decide(noted, succeeded(request))
    run = _retire(record, request.on_delete, stored, desk)
    if run is None:
        return desk.requests.accept(noted, record.version)
    answer = failed(request, f"not deleted: {run.failure}") if run.failure else succeeded(request)
    return desk.requests.decide(noted, answer)


def _retire(record: TopologyRecord, on_delete: OnDelete, stored: Stored, desk: Desk) -> Run | None:
    """Forgets a topology; None where what Tandem created for it goes first, with the runs that follow.

    Raises TemporaryError.
    """
    others = [other for other in stored.records if other is not record]
    if on_delete is OnDelete.DELETE and record.topology.manage:
        needed = shared(record, others)
        if needed is not None:
            return Run(record, failure=needed)
        refreshing.leave(record, desk.world)
        return None
    return provisioner.forget(record, others, desk.stack, desk.world)


def _end(noted: Noted, desk: Desk) -> None:
    """Answers a request that is at its end, and forgets its URL. Sends the same again where a run was cut."""
    request, now = noted.request, desk.world.clock.now()
    if noted.answer is None:
        record = desk.door.store.list().of(request.topology or "")
        answer = answer_due(noted, record, now)
        if answer is None:
            return
        noted = desk.requests.decide(noted, answer)
    if noted.answer is None or noted.answered_at is not None:
        return
    if now - noted.received_at < GIVEN_UP:
        _send(request, noted.answer, desk)
    _clear(noted, noted.answer, desk)
    desk.requests.close(noted, now)


def _clear(noted: Noted, answer: Answer, desk: Desk) -> None:
    """A replacement that failed leaves nothing: CloudFormation never heard of its physical ID, and goes back
    to the old topology."""
    request = noted.request
    if answer.status is Status.SUCCESS or not noted.is_maker or not request.replaces:
        return
    stored = desk.door.store.list()
    record = stored.of(request.topology or "")
    if record is not None and record.door == request.door and record.version == noted.version:
        run = _retire(record, request.on_delete, stored, desk)
        if run is not None and run.failure:
            raise TemporaryError(f"{record.topology.name} is not forgotten yet: {run.failure}")


def _send(request: Request, answer: Answer, desk: Desk) -> None:
    desk.tell(request, answer, desk.respond(request.url, body(request, answer)))


def _patiently(call: Callable[[], T], desk: Desk) -> T:
    """Tries again what may work in a moment. Raises TemporaryError."""
    deadline = desk.world.clock.now() + PATIENCE
    while True:
        try:
            return call()
        except TemporaryError:
            if desk.world.clock.now() >= deadline:
                raise
            desk.world.clock.sleep(PAUSE_SECONDS)
