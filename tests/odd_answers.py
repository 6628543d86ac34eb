"""EC2's answers, recorded from a world and given again with one member changed."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import local
from types import SimpleNamespace
from typing import Any

from tandem.adapters import clients

Path = tuple[str | int, ...]
Answers = dict[tuple[str, str], dict[str, Any]]

DROPPED = object()
"""The change that leaves a member out."""

ODD: tuple[object, ...] = (DROPPED, None, 17, "odd", "", [], [None], {})
"""What stands in the place of a member, one after the other."""


@contextmanager
def recording() -> Iterator[Answers]:
    """Collects what EC2 answers the failover path's client meanwhile, by operation and request."""
    answers: Answers = {}
    asked = local()

    def before(model: Any, params: dict[str, Any], **_: object) -> None:
        asked.key = _key(model, params)

    def after(parsed: dict[str, Any], **_: object) -> None:
        answers[asked.key] = copy.deepcopy(parsed)

    with _hooks(before, after):
        yield answers


@dataclass
class Replay:
    """Answers instead of EC2, one of them changed; `asked` names what was asked and is not recorded."""

    answers: Answers
    odd: tuple[tuple[str, str], Path, object] | None = None
    strange: list[str] = field(default_factory=list)

    def answer(self, model: Any, params: dict[str, Any], **_: object) -> tuple[Any, dict[str, Any]]:
        key = _key(model, params)
        if key not in self.answers:
            self.strange.append(model.name)
            return SimpleNamespace(status_code=200), {}
        if self.odd is None or self.odd[0] != key:
            return SimpleNamespace(status_code=200), self.answers[key]
        parsed = copy.deepcopy(self.answers[key])
        _change(parsed, *self.odd[1:])
        return SimpleNamespace(status_code=200), parsed


@contextmanager
def replaying(answers: Answers) -> Iterator[Replay]:
    """Answers from the record meanwhile."""
    replay, before = Replay(answers), copy.deepcopy(answers)
    with _hooks(replay.answer, None):
        yield replay
    if answers != before:
        raise AssertionError("whoever read an answer changed it")


def members(answer: object, path: Path = ()) -> Iterator[Path]:
    """Finds every member of an answer, at any depth, rows among them."""
    items: list[tuple[str | int, object]] = []
    if isinstance(answer, dict):
        items = [(key, value) for key, value in answer.items() if key != "ResponseMetadata"]
    elif isinstance(answer, list):
        items = list(enumerate(answer))
    for key, value in items:
        yield (*path, key)
        yield from members(value, (*path, key))


def _change(parsed: dict[str, Any], path: Path, value: object) -> None:
    place: Any = parsed
    for key in path[:-1]:
        place = place[key]
    if value is DROPPED:
        del place[path[-1]]
    else:
        place[path[-1]] = copy.deepcopy(value)


def _key(model: Any, params: dict[str, Any]) -> tuple[str, str]:
    return model.name, json.dumps(params["body"], sort_keys=True, default=str)


@contextmanager
def _hooks(before: Any, after: Any) -> Iterator[None]:
    events = clients.ec2().meta.events
    pairs = [("before-call.ec2", before), ("after-call.ec2", after)]
    pairs = [(name, hook) for name, hook in pairs if hook is not None]
    for name, hook in pairs:
        events.register(name, hook)
    try:
        yield
    finally:
        for name, hook in pairs:
            events.unregister(name, hook)
