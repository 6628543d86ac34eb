"""Says every reason in other words, and writes down what Tandem did without its words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from itertools import count
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

from lab.ec2.inprocess import LabEC2
from tandem.adapters import ec2
from tandem.errors import TandemError
from tandem.words import provisioning
from tandem.words.catalogue import FAMILIES
from tandem.words.render import Entry, fields
from tests import stack as stacks
from tests.crashing import Killed, OneThread
from tests.forks import run_in_copy
from tests.stack import Stack

WORDS = ("reason", "reports", "summary", "remediation", "why", "message", "hash", "audit", "ClientToken")
"""Members that are words, hashes over words, and what is random in each run."""


@contextmanager
def reworded(number: int = 0) -> Iterator[None]:
    """Every reason is a number, its code and its facts, the last one first: no part of a sentence stays."""
    with ExitStack() as until_over:
        for words in (*FAMILIES.values(), provisioning.ENTRIES):
            others = {code: _other(number, code, entry) for code, entry in words.items()}
            until_over.enter_context(mock.patch.dict(words, others))
        yield


def _other(number: int, code: str, entry: Entry) -> Entry:
    facts = [f"{{{name}}}" for name in reversed(fields(entry.text))]
    text = " ".join([f"{number} {code.upper()}", *facts])
    right = " ".join([f"{number} NOT {code.upper()}", *(f"{{{name}}}" for name in fields(entry.right))])
    return replace(entry, text=text, right=right, advice=tuple(f"See {code}" for _ in entry.advice))


@contextmanager
def other_words() -> Iterator[None]:
    """Each invocation has words of its own: what compares those of two looks finds that they differ."""
    real, numbers = Stack.invoke, count(1)

    def invoke(s: Stack, event: dict[str, Any]) -> None:
        with reworded(next(numbers)):
            real(s, event)

    with mock.patch.object(Stack, "invoke", invoke):
        yield


@contextmanager
def one_thread() -> Iterator[None]:
    """The function makes its calls one after another, so that two runs make them in the same order."""
    thread, real = OneThread(), stacks.load_failover

    def load(lab: LabEC2) -> ModuleType:
        app = real(lab)
        single(app)
        return app

    with (
        mock.patch.object(ec2, "_pool", return_value=thread),
        mock.patch("tests.stack.load_failover", load),
        mock.patch("tests.storm.test_storm.load_failover", load),
    ):
        yield


def single(app: ModuleType) -> None:
    """Makes a failover function use one thread, and number its looks."""
    numbers = count(1)
    vars(app)["world"] = replace(app.world, side=OneThread())
    vars(app)["uuid4"] = lambda: SimpleNamespace(hex=f"{next(numbers):08x}")


def in_both_words(s: Stack, story: Callable[[Stack], object]) -> tuple[list[Any], list[Any]]:
    """Returns what Tandem did in a story, in today's words and in others, each in a copy of this world."""

    def played() -> list[Any]:
        with one_thread(), suppress(TandemError, Killed):
            single(s.app)
            story(s)
        return deeds(s)

    def played_in_other_words() -> list[Any]:
        with other_words():
            return played()

    return run_in_copy(played), run_in_copy(played_in_other_words)


def deeds(s: Stack) -> list[Any]:
    """Returns EC2's calls, the audit records and the events in order, without their words."""
    calls = [(c["action"], c["outcome"], c["start"], _bare(c["params"])) for c in s.calls()]
    records = [_bare(record.body) for record in s.audit()]
    events = [(e["detail-type"], _bare(e["detail"])) for e in s.events()]
    return [*calls, *records, *events]


def _bare(value: Any) -> Any:
    match value:
        case dict():
            return {name: _bare(member) for name, member in value.items() if name not in WORDS}
        case list():
            return [_bare(member) for member in value]
    return value
