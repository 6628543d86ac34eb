"""Does what CloudFormation asks: a topology is stored, kept, given back to whose it was, or goes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from tandem.author import Author
from tandem.errors import ConfigurationError, TemporaryError
from tandem.provisioning import ports, provisioner, refreshing
from tandem.provisioning.listening import Stack
from tandem.provisioning.provisioner import ProvisioningRun
from tandem.provisioning.refreshing import shared
from tandem.requests import applying
from tandem.requests.answers import Answer, Noted, Previous, failed_answer, refused, succeeded
from tandem.requests.answerurl import AnswerUrls
from tandem.requests.applying import Application, StoredTopologies
from tandem.requests.customresource import OnDelete, Request, RequestType, property_problems
from tandem.state.record import TopologyRecord
from tandem.topology.document import parse_topology
from tandem.topology.problems import Problem
from tandem.topology.shape import normalise

MOST_CHARACTERS = 300_000
"""Of a request's properties, and of the topology that it takes over: an item of DynamoDB holds 400 KB."""


class Requests(Protocol):
    """Holds the requests that are written down. Raises StateUnavailableError."""

    def note(self, request: Request, now: datetime) -> Noted: ...

    def list(self) -> tuple[Noted, ...]: ...

    def prepare(self, noted: Noted) -> Noted: ...

    def accept(self, noted: Noted, version: int) -> Noted: ...

    def decide(self, noted: Noted, answer: Answer) -> Noted: ...

    def close(self, noted: Noted, now: datetime) -> None: ...

    def drop(self, noted: Noted) -> None: ...


@dataclass(frozen=True, slots=True)
class Desk:
    """Holds what the second door needs beside the first one's world and the provisioner's."""

    requests: Requests
    respond: Callable[[str, bytes], str | None]
    """Sends an answer; why it was refused for good, if it was. Raises TemporaryError."""
    door: applying.DoorPorts
    stack: Stack
    world: ports.ProvisionerPorts
    run: Callable[[str], None]
    """One run of the provisioner over the topology of that name. Raises TemporaryError."""
    tell: Callable[[Request, Answer, str | None], None]
    """Hears of each answer, and why CloudFormation refused it, if it did."""
    urls: AnswerUrls
    misdirected: Callable[[Request, str], None]
    """Notifies people of a request that is not answered, because of its URL: its stack waits for an hour."""


def fulfil(noted: Noted, earlier: tuple[Noted, ...], desk: Desk) -> tuple[Noted, bool]:
    """Does what the request asks, after the `earlier` ones of its door; whether it stored a new version.

    Raises ConfigurationError for what can never work, TemporaryError.
    """
    request, last = noted.request, earlier[-1] if earlier else None
    if request.type is RequestType.DELETE:
        return _delete(noted, earlier, desk), False
    before = desk.door.store.list().of(request.topology or "")
    if _takes_back(request, last, before):
        return desk.requests.decide(noted, succeeded(request, before)), False
    return _store(noted, last, before, desk)


def undo(noted: Noted, desk: Desk) -> None:
    """Takes back what a request has stored of which CloudFormation knows nothing. Raises TemporaryError."""
    stored = desk.door.store.list()
    record = stored.of(noted.topology or "")
    if record is None or record.door != noted.request.door or noted.version not in (0, record.version):
        return
    if noted.is_maker:
        run = _retire(record, noted.request.on_delete, stored, desk)
        if run is not None and run.failure:
            raise TemporaryError(f"{record.topology.name} is not forgotten yet: {run.failure}")
    elif noted.previous is not None:
        _give_back(record, noted.previous, desk)


def is_needed(noted: Noted, every: tuple[Noted, ...], desk: Desk) -> bool:
    """Returns True if what a failed Create has stored is there still, and nothing has succeeded since: the
    Delete that follows has to know of it.
    """
    if noted.request.type is not RequestType.CREATE or not noted.is_failed:
        return False
    later = [o for o in every if o.request.door == noted.request.door and o.received_at > noted.received_at]
    if any(other.answer is not None and not other.is_failed for other in later):
        return False
    record = desk.door.store.list().of(noted.topology or "")
    return record is not None and record.door == noted.request.door


def _takes_back(request: Request, last: Noted | None, before: TopologyRecord | None) -> bool:
    """The rollback of an update that was refused asks for what is in force: nothing is to be judged, and
    nothing to be done, even where today it would be refused as well."""
    if last is None or last.is_superseded or not last.is_refused or before is None:
        return False
    if last.request.type is not RequestType.UPDATE or request.type is not RequestType.UPDATE:
        return False
    is_in_force = before.door != request.door or _is_stored(request, before)
    return is_in_force and request.properties == last.request.old_properties


def _store(noted: Noted, last: Noted | None, before: TopologyRecord | None, desk: Desk) -> tuple[Noted, bool]:
    request, document = noted.request, noted.request.properties.get("Topology")
    version = 0 if before is None else before.version
    application = Application(
        document,
        door=request.door,
        take_over=request.takes_over,
        seen=version,
        allow_interruption=request.allows_interruption,
        by=_author(request.door),
    )
    problems = list(property_problems(request.properties))
    if problems:
        problems += applying.check(application, desk.door).problems if isinstance(document, dict) else ()
        return _refuse(noted, problems, desk), False
    if before is not None and before.door == request.door and _is_stored(request, before):
        return _keep(noted, last, before, desk)
    noted = desk.requests.prepare(_prepared(noted, before))
    if noted.answer is not None:
        return noted, False
    verdict = applying.apply(application, desk.door)
    if verdict.problems and verdict.topology is not None and verdict.version != version:
        raise TemporaryError(f"version {verdict.version} of {request.topology} was stored meanwhile")
    if verdict.problems:
        return _refuse(noted, list(verdict.problems), desk), False
    is_new = verdict.version != version
    noted = desk.requests.accept(noted, verdict.version)
    if noted.is_superseded:
        undo(replace(noted, version=verdict.version), desk)
    return noted, is_new


def _keep(noted: Noted, last: Noted | None, before: TopologyRecord, desk: Desk) -> tuple[Noted, bool]:
    """Keeps what is in force already, without judging it again: a rollback to it has to succeed. It is
    stored anew where the request before may be storing something else at this moment: that finds another
    version then.
    """
    if last is None or not last.is_superseded or last.version:
        return desk.requests.accept(noted, before.version), False
    allowed = before.may_interrupt
    by = _author(before.door)
    record = applying.store(
        before.topology, before.door, before, desk.door, by=by, allow_interruption=allowed
    )
    return desk.requests.accept(noted, record.version), True


def _is_stored(request: Request, record: TopologyRecord) -> bool:
    same = normalise(request.properties.get("Topology")) == record.topology.document
    is_enough = request.allows_interruption <= record.allow_interruption
    return bool(same and is_enough and not record.is_leaving)


def _prepared(noted: Noted, before: TopologyRecord | None) -> Noted:
    """Prepares a request with what exists before: nothing, or another door's topology that is taken over."""
    if before is not None and before.door == noted.request.door:
        return noted
    if before is None or not noted.request.takes_over:
        return replace(noted, is_maker=before is None, previous=None)
    document = before.topology.document
    if len(json.dumps(document)) + len(json.dumps(noted.request.properties)) > MOST_CHARACTERS:
        raise ConfigurationError(f"the topology to be taken over has more than {MOST_CHARACTERS} characters")
    return replace(noted, is_maker=False, previous=Previous(before.door, document))


def _refuse(noted: Noted, problems: list[Problem], desk: Desk) -> Noted:
    return desk.requests.decide(noted, refused(noted.request, problems))


def _delete(noted: Noted, earlier: tuple[Noted, ...], desk: Desk) -> Noted:
    """A topology that is not there, or is another door's, is none of this resource's: its create failed, or
    somebody took it over. That deletes in peace."""
    request, stored = noted.request, desk.door.store.list()
    creates = _creates(earlier)
    last = creates[-1] if creates else None
    # nobody knows the physical ID of such a Delete (docs/aws-facts.md#custom-resources); the Create names
    # the topology
    if last is not None and _is_unheard(last, noted):
        noted = desk.requests.prepare(replace(noted, meant=last.request.topology))
    name = noted.topology or ""
    # a damaged record may be this resource's: forgetting it unread could leave its route server behind
    if name in stored.damaged and not (last is not None and last.is_refused and noted.meant is None):
        return desk.requests.decide(noted, failed_answer(request, f"not deleted: {stored.damaged[name]}"))
    record = stored.of(name)
    # success, since a rollback would hang on a failed Delete
    if record is None or record.door != request.door:
        return desk.requests.decide(noted, succeeded(request))
    is_created = noted.meant is None and any(not create.is_failed for create in creates)
    taken = [create.previous for create in creates if create.previous and create.topology == name]
    # the stack took the topology over and failed: its former owner gets it back
    if taken and not is_created:
        _give_back(record, taken[-1], desk)
        return desk.requests.decide(noted, succeeded(request))
    run = _retire(record, request.on_delete, stored, desk)
    # the resources go with later runs, which also send the answer
    if run is None:
        return desk.requests.accept(noted, record.version)
    answer = failed_answer(request, f"not deleted: {run.failure}") if run.failure else succeeded(request)
    return desk.requests.decide(noted, answer)


def _creates(earlier: tuple[Noted, ...]) -> list[Noted]:
    """Returns the creates since the last Delete that succeeded."""
    found: list[Noted] = []
    for other in earlier:
        if other.request.type is RequestType.CREATE:
            found.append(other)
        elif other.request.type is RequestType.DELETE and not other.is_failed:
            found = []
    return found


def _is_unheard(create: Noted, noted: Noted) -> bool:
    """Returns True if a Delete is about a Create whose answer CloudFormation did not take: where a stack
    rolls back before it has one, its Delete has a physical ID of CloudFormation's own making, and an answer
    in between changes nothing (seen by others; AWS documents none of it).
    """
    request = noted.request
    return request.is_of_unknown_id and (request.is_of_generated_id or create.was_open(noted.received_at))


def _give_back(record: TopologyRecord, previous: Previous, desk: Desk) -> None:
    """Gives the topology back to whose it was, as it was before it was taken over."""
    applying.store(
        parse_topology(previous.document), previous.door, record, desk.door, by=_author(record.door)
    )


def _retire(
    record: TopologyRecord, on_delete: OnDelete, stored: StoredTopologies, desk: Desk
) -> ProvisioningRun | None:
    """Forgets a topology; None where what Tandem created for it goes first, with the runs that follow.

    Raises TemporaryError.
    """
    others = [other for other in stored.records if other is not record]
    if on_delete is OnDelete.DELETE and record.topology.manage:
        needed = shared(record, others)
        if needed is not None:
            return ProvisioningRun(record, reason=(needed,))
        refreshing.leave(record, desk.world, _author(record.door))
        return None
    return provisioner.unwatch_and_forget(record, others, desk.stack, desk.world, _author(record.door))


def _author(door: str) -> Author:
    """Names the stack as the author: CloudTrail's events of CloudFormation say who changed it."""
    return Author(f"the CloudFormation stack {door.partition('#')[0]}")
