"""Decides what answer CloudFormation gets to a request, and when, in no more bytes than it takes."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from tandem.reasons.documents import ProblemCode
from tandem.reasons.reason import reason
from tandem.requests.applying import only_changes_mode, origin_of
from tandem.requests.customresource import Request, RequestType
from tandem.state.record import Provisioned, TopologyRecord
from tandem.topology.problems import Problem
from tandem.topology.shape import normalise
from tandem.words.provisioning import line_of, sentence_of

MOST_BYTES = 4096
"""Of a whole response body (CloudFormation's user guide)."""

_SUPERSEDED_UNCODED = "a later request took its place"
"""How release 0.1.0, whose answers have no code, said that a request was superseded."""


class AnswerStatus(StrEnum):
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Answer:
    """Holds the one answer to a request."""

    status: AnswerStatus
    physical_id: str
    reason: str = ""
    data: dict[str, str] = field(default_factory=dict)
    """What `Fn::GetAtt` gives."""
    code: str | None = None
    """Which failure it is, where that matters later; None where release 0.1.0 wrote it."""


@dataclass(frozen=True, slots=True)
class Previous:
    """Holds a topology as it was before another door took it over."""

    door: str
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Noted:
    """Holds a request that was written down; whoever comes by brings it to its end.

    `meant`, `is_maker` and `previous` are written down before anything is done: whoever goes on after a
    killed run has to know.
    """

    request: Request
    received_at: datetime
    meant: str | None = None
    """The topology that a Delete is about, where its physical ID does not name it."""
    is_maker: bool = False
    """Whether there was no such topology before: only that is taken away where the request fails."""
    previous: Previous | None = None
    """What it takes over from another door."""
    version: int = 0
    """Of the topology that it stored; 0 where it has stored none."""
    answer: Answer | None = None
    """Decided once, before it is sent, so that no second run can say anything else."""
    answered_at: datetime | None = None

    @property
    def topology(self) -> str | None:
        """Returns the name of the topology that it is about; None where it is about none."""
        return self.meant or self.request.topology

    @property
    def is_begun(self) -> bool:
        """Returns True if what it asks was done, or refused."""
        return self.version > 0 or self.answer is not None

    @property
    def is_failed(self) -> bool:
        return self.answer is not None and self.answer.status is AnswerStatus.FAILED

    @property
    def is_refused(self) -> bool:
        """Returns True if it failed and left what was stored as it was."""
        return self.version == 0 and self.is_failed

    @property
    def is_superseded(self) -> bool:
        if self.answer is None:
            return False
        if self.answer.code is None:
            return self.answer.reason == _SUPERSEDED_UNCODED
        return self.answer.code == ProblemCode.REQUEST_SUPERSEDED

    def was_open(self, at: datetime) -> bool:
        """Returns True if CloudFormation had no answer yet."""
        return self.is_superseded or self.answered_at is None or self.answered_at >= at

    def is_over_budget(self, now: datetime) -> bool:
        return now - self.received_at >= self.request.budget


def succeeded(request: Request, record: TopologyRecord | None = None) -> Answer:
    return Answer(AnswerStatus.SUCCESS, request.new_physical_id, data=_data_of(record) if record else {})


def failed_answer(request: Request, words: str) -> Answer:
    return Answer(AnswerStatus.FAILED, request.failed_physical_id, words, code="")


def superseded_answer(request: Request) -> Answer:
    """Returns the answer to a request after which the same resource asked for something else."""
    why = reason(ProblemCode.REQUEST_SUPERSEDED, request.logical_id)
    return replace(failed_answer(request, sentence_of(why)), code=str(why.code))


def refused(request: Request, problems: Sequence[Problem]) -> Answer:
    """Answers with every problem, or as many as fit."""

    def saying(shown: int) -> Answer:
        return failed_answer(request, _refusal_words(problems, shown))

    def fits(shown: int) -> bool:
        return len(_body(request, saying(shown))) <= MOST_BYTES

    return saying(max(1, _most(len(problems), fits)))


def _refusal_words(problems: Sequence[Problem], shown: int) -> str:
    count, left = len(problems), len(problems) - shown
    head = "the topology has 1 problem" if count == 1 else f"the topology has {count} problems"
    listed = " | ".join(line_of(problem) for problem in problems[:shown])
    more = f" | and {left} more: tandem validate lists them all" if left else ""
    return f"{head}: {listed}{more}; nothing was stored"


def answer_due(noted: Noted, record: TopologyRecord | None, now: datetime) -> Answer | None:
    """Returns the answer to a request that was accepted, from its topology as it is stored now; None
    while it is not at its end. Success is the answer only for what is stored and provisioned; a change of
    nothing but the mode is done once it is stored.
    """
    request = noted.request
    if request.type is RequestType.DELETE:
        return _delete_due(noted, record, now)
    if record is None:
        return failed_answer(request, f"the topology {request.topology} was deleted meanwhile")
    # a success would tell CloudFormation that it manages what another door has taken over
    if record.door != request.door:
        taken = f"the topology {request.topology} was taken over by {origin_of(record)} meanwhile"
        return failed_answer(request, taken)
    # the document in force is not the one that the template asks for
    if record.version != noted.version:
        changed = f"version {record.version} is stored now, not version {noted.version}"
        return failed_answer(request, f"the topology {request.topology} was changed meanwhile: {changed}")
    found = record.provisioned
    is_done = found is not None and found.version == noted.version and not found.pending
    failure = found.failure if found is not None and is_done else None
    # a change of the mode is a brake: it works at once and waits for no resource
    if _changes_mode(request) or (is_done and not failure):
        return succeeded(request, record)
    # an answer in time lets CloudFormation roll back with a reason (docs/aws-facts.md#custom-resources)
    if not is_done and noted.is_over_budget(now):
        failure = _too_long(noted, found)
    return failed_answer(request, failure) if failure else None


def _changes_mode(request: Request) -> bool:
    old, new = (normalise(p.get("Topology")) for p in (request.old_properties, request.properties))
    return isinstance(old, dict) and isinstance(new, dict) and only_changes_mode(old, new)


def _delete_due(noted: Noted, record: TopologyRecord | None, now: datetime) -> Answer | None:
    """Returns the answer of a topology whose resources go before it does."""
    request = noted.request
    if record is None or record.door != request.door:
        return succeeded(request)
    found = record.provisioned
    if record.is_leaving and found is not None and found.failure and not found.pending:
        return failed_answer(request, f"not deleted: {found.failure}")
    return failed_answer(request, _too_long(noted, found)) if noted.is_over_budget(now) else None


def _data_of(record: TopologyRecord) -> dict[str, str]:
    """Returns the data for `Fn::GetAtt`: everything is a text."""
    found = record.provisioned or Provisioned(record.topology.route_server.route_server_id or "")
    addresses = {f"EndpointAddresses.{name}": at for name, at in (found.endpoint_addresses or {}).items()}
    return {"RouteServerId": found.route_server_id, "Version": str(record.version), **addresses}


def response_body(request: Request, answer: Answer) -> bytes:
    """Returns the response, cut to what CloudFormation takes."""
    whole = _body(request, answer)
    if len(whole) <= MOST_BYTES:
        return whole
    fields = list(answer.data.items())

    def cut(characters: int, count: int) -> Answer:
        dots = "" if characters >= len(answer.reason) else "…"
        return replace(answer, reason=answer.reason[:characters] + dots, data=dict(fields[:count]))

    def fits(characters: int, count: int) -> bool:
        return len(_body(request, cut(characters, count))) <= MOST_BYTES

    characters = _most(len(answer.reason), lambda n: fits(n, 0))
    return _body(request, cut(characters, _most(len(fields), lambda n: fits(characters, n))))


def _most(highest: int, fits: Callable[[int], bool]) -> int:
    """Returns the highest number that fits, where each below one that fits does too; 0 where none does."""
    return bisect_left(range(1, highest + 1), True, key=lambda n: not fits(n))


def _body(request: Request, answer: Answer) -> bytes:
    fields = {
        "Status": answer.status.value,
        "RequestId": request.request_id,
        "StackId": request.stack_id,
        "LogicalResourceId": request.logical_id,
        "PhysicalResourceId": answer.physical_id,
        **({"Reason": answer.reason} if answer.reason else {}),
        **({"Data": answer.data} if answer.data else {}),
    }
    return json.dumps(fields).encode()


def _too_long(noted: Noted, found: Provisioned | None) -> str:
    minutes = noted.request.budget.total_seconds() / 60
    waiting = "; ".join(found.pending) if found and found.pending else "a run of the provisioner"
    why = f"; the last run failed: {found.failure}" if found and found.failure else ""
    return f"not ready after {minutes:.2g} minutes; it waits for: {waiting}{why}"
