"""The second door: CloudFormation's requests, written down first, brought to their end by whoever comes by.

Level-triggered like the rest: Lambda's retry, the event of a stored topology and the schedule all go on from
what is written down. An answer is decided once, then sent, then forgotten with its URL.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import TypeVar, cast

from tandem.errors import ConfigurationError, TandemError, TemporaryError
from tandem.requests.answers import Answer, Noted, answer_due, failed_answer, response_body, superseded_answer
from tandem.requests.customresource import Request
from tandem.requests.fulfilling import MOST_CHARACTERS, Desk, fulfil, is_needed, undo

_T = TypeVar("_T")

_PATIENCE = timedelta(minutes=2)
"""With what is away for a moment; the rest is for Lambda's retry and the schedule."""

_PAUSE_SECONDS = 5.0

TRIES = 3
"""Of an invocation at a request at which Tandem itself fails."""

_MOST_AT_ONCE = 20
"""Answers that go out side by side, once a run."""

_OWN_TIME = timedelta(minutes=5)
"""So long a new request belongs to its own invocation and its retries; then the schedule takes it up."""

_KEPT = timedelta(days=1)
"""How long an answered request is remembered: Lambda may deliver one twice, within an hour or so."""

_GIVEN_UP = timedelta(hours=2)
"""CloudFormation waits one hour; past this an answer that nobody takes is not tried again."""


def serve(request: Request, desk: Desk) -> str | None:
    """Serves a new request, or one delivered again. Returns why the rest is left to the schedule, if it is.

    One that cannot be answered does nothing: CloudFormation would roll back what it knows nothing of.
    Raises TemporaryError only where it can neither be written down nor answered.
    """
    if _is_misdirected(request, desk):
        return None
    if len(json.dumps(request.properties)) + len(json.dumps(request.old_properties)) > MOST_CHARACTERS:
        _send(
            request,
            failed_answer(request, f"the properties have more than {MOST_CHARACTERS} characters"),
            desk,
        )
        return None
    try:
        _patiently(lambda: _noted(request, desk), desk)
    except Exception as error:  # noqa: BLE001 - CloudFormation waits an hour for whoever does not answer
        _send(request, failed_answer(request, f"nothing was stored: {_in_words(error)}"), desk)
        return None
    for left in reversed(range(TRIES)):
        try:
            _patiently(lambda: _begin(_noted(request, desk), desk), desk)
            break
        except TemporaryError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - the same
            if not left:
                noted = desk.requests.decide(_noted(request, desk), _given_up(request, error))
                _end(noted, desk)
                break
            desk.world.clock.sleep(_PAUSE_SECONDS)
    return None


def _given_up(request: Request, error: Exception) -> Answer:
    """Returns the answer to a request at which Tandem itself fails: a later try would fail too."""
    return failed_answer(request, f"Tandem failed with an internal error: {_in_words(error)}")


def _in_words(error: Exception) -> str:
    return str(error) if isinstance(error, TandemError) else f"{type(error).__name__}: {error}"


def _noted(request: Request, desk: Desk) -> Noted:
    """Returns the request as it is now: a later request may have ended it meanwhile."""
    return desk.requests.note(request, desk.world.clock.now())


def settle(desk: Desk, topology: str | None = None) -> None:
    """After runs of the provisioner: answers what is at its end, of one topology or of all. With all of them
    it also takes up what its own invocation did not get to. One sick request keeps no other waiting.

    Answers go out side by side, so that one which nobody takes costs its own time only; what is left over
    goes out with the next run.

    Raises TemporaryError, after each had its turn.
    """
    found = desk.requests.list()
    ended: list[Noted] = []
    failures: list[str] = []

    def tried(noted: Noted, call: Callable[[], Noted | None]) -> None:
        try:
            result = call()
        except Exception as error:  # noqa: BLE001 - it is this request's failure alone
            failures.append(f"{noted.request}: {_in_words(error)}")
        else:
            ended.extend([] if result is None else [result])

    for noted in found:
        tried(noted, partial(_settle, noted, found, topology, desk))
    with ThreadPoolExecutor(max_workers=_MOST_AT_ONCE) as side:
        sending = [(noted, side.submit(_sent, noted, desk)) for noted in ended[:_MOST_AT_ONCE]]
    for noted, sent in sending:
        tried(noted, partial(_closed, noted, sent, desk))
    if failures:
        raise TemporaryError("; ".join(failures))


def _settle(noted: Noted, every: tuple[Noted, ...], topology: str | None, desk: Desk) -> Noted | None:
    """Does for a request what is due; the request where its answer is to be sent."""
    now = desk.world.clock.now()
    if noted.answered_at is not None:
        if now - noted.answered_at >= _KEPT and not is_needed(noted, every, desk):
            desk.requests.drop(noted)
        return None
    if topology not in (None, noted.topology):
        return None
    if not noted.is_begun:
        if topology is not None or now - noted.received_at < _OWN_TIME:
            return None
        try:
            noted, _ = _attempt(noted, desk)
        except TemporaryError:
            raise
        except Exception as error:  # noqa: BLE001 - its own invocation has tried it three times
            noted = desk.requests.decide(noted, _given_up(noted.request, error))
    return _expected(noted, desk)


def _begin(noted: Noted, desk: Desk) -> None:
    if noted.answered_at is not None:
        return
    stored = False
    if not noted.is_begun:
        noted, stored = _attempt(noted, desk)
    if noted.answer is None and not stored and noted.topology is not None:
        desk.run(noted.topology)  # what is stored anew gets its run by the event on the bus
    _end(noted, desk)


def _attempt(noted: Noted, desk: Desk) -> tuple[Noted, bool]:
    """Does what the request asks; whether it stored a new version. What can never work is its answer."""
    request = noted.request
    if noted.is_over_budget(desk.world.clock.now()):
        return desk.requests.decide(
            noted, failed_answer(request, "Tandem could not begin the request in time; nothing was stored")
        ), False
    try:
        return fulfil(noted, _supersede(noted, desk), desk)
    except ConfigurationError as error:
        return desk.requests.decide(noted, failed_answer(request, str(error))), False


def _supersede(noted: Noted, desk: Desk) -> tuple[Noted, ...]:
    """CloudFormation asks one thing of a resource at a time: a later request ends the earlier ones. All of
    these, the oldest first."""
    earlier = [
        other
        for other in desk.requests.list()
        if other.request.door == noted.request.door
        and other.request.key != noted.request.key
        and (other.answered_at is not None or other.received_at < noted.received_at)
    ]
    for number, other in enumerate(earlier):
        if other.answer is None:
            earlier[number] = desk.requests.decide(other, superseded_answer(other.request))
            _end(earlier[number], desk)
    return tuple(earlier)


def _end(noted: Noted, desk: Desk) -> None:
    """Answers a request that is at its end, and forgets its URL. Sends the same again where a run was cut."""
    due = _expected(noted, desk)
    if due is not None and due.answer is not None:
        desk.tell(due.request, due.answer, _sent(due, desk))
        _close(due, desk)


def _expected(noted: Noted, desk: Desk) -> Noted | None:
    """Returns the request with the answer that is to be sent. One that nobody waits for is closed."""
    due = _decided(noted, desk)
    if due is None or _is_expected(due, desk):
        return due
    _close(due, desk)
    return None


def _decided(noted: Noted, desk: Desk) -> Noted | None:
    """Returns the request with its answer, where that is to be sent."""
    request, now = noted.request, desk.world.clock.now()
    if noted.answer is None:
        name, stored = noted.topology or "", desk.door.store.list()
        damage = stored.damaged.get(name)
        answer = failed_answer(request, damage) if damage else answer_due(noted, stored.of(name), now)
        if answer is None:
            return None
        noted = desk.requests.decide(noted, answer)
    return None if noted.answer is None or noted.answered_at is not None else noted


def _is_expected(noted: Noted, desk: Desk) -> bool:
    """Returns True if somebody waits for the answer, at a URL of CloudFormation's."""
    is_late = desk.world.clock.now() - noted.received_at >= _GIVEN_UP
    return not is_late and not _is_misdirected(noted.request, desk)


def _sent(noted: Noted, desk: Desk) -> str | None:
    """Sends the answer. It runs beside others, and so neither logs nor counts. Raises TemporaryError."""
    return desk.respond(noted.request.url, response_body(noted.request, cast(Answer, noted.answer)))


def _closed(noted: Noted, sent: Future[str | None], desk: Desk) -> None:
    """Raises TemporaryError where nobody took the answer."""
    desk.tell(noted.request, cast(Answer, noted.answer), sent.result())
    _close(noted, desk)


def _close(noted: Noted, desk: Desk) -> None:
    request = noted.request
    if noted.is_failed and request.replaces:
        undo(noted, desk)  # CloudFormation never heard of its physical ID, and goes back to the old topology
    desk.requests.close(noted, desk.world.clock.now())


def _is_misdirected(request: Request, desk: Desk) -> bool:
    why = desk.urls.refusal(request.url)
    if why is not None:
        desk.misdirected(request, why)
    return why is not None


def _send(request: Request, answer: Answer, desk: Desk) -> None:
    if not _is_misdirected(request, desk):
        desk.tell(request, answer, desk.respond(request.url, response_body(request, answer)))


def _patiently(call: Callable[[], _T], desk: Desk) -> _T:
    """Tries again what may work in a moment. Raises TemporaryError."""
    deadline = desk.world.clock.now() + _PATIENCE
    while True:
        try:
            return call()
        except TemporaryError:
            if desk.world.clock.now() >= deadline:
                raise
            desk.world.clock.sleep(_PAUSE_SECONDS)
