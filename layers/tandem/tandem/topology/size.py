"""Before the first pass over a topology document: whether it is small enough to be judged at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from tandem.reasons.documents import ProblemCode
from tandem.topology.problems import WHOLE, Problem, problem_at

MOST_VALUES = 20_000
"""Of a document, each mapping, list and scalar counted. 2,000 Elastic IPs with two targets have fewer."""

_MOST_CHARACTERS = 300_000
"""Of a document as JSON: DynamoDB takes no item over 400 KB, and the record holds more than the document."""

_DEEPEST = 50
"""Levels of a document; a topology has eight."""


def excess(document: object) -> Problem | None:
    """Returns the problem of a document that is too large or too deep to be judged."""
    values = characters = 0
    level: list[object] = [document]
    for _ in range(_DEEPEST):
        values += len(level)
        characters += sum(_characters(value) for value in level)
        if values > MOST_VALUES:
            return problem_at(WHOLE, ProblemCode.TOO_MANY_VALUES, most=MOST_VALUES)
        if characters > _MOST_CHARACTERS:
            return problem_at(WHOLE, ProblemCode.TOO_MANY_CHARACTERS, most=_MOST_CHARACTERS)
        level = list(islice(_inside(level), MOST_VALUES + 1))
        if not level:
            return None
    return problem_at(WHOLE, ProblemCode.TOO_DEEP, most=_DEEPEST)


def _inside(level: Iterable[object]) -> Iterator[object]:
    for value in level:
        if isinstance(value, dict):
            yield from value.values()
        elif isinstance(value, list):
            yield from value


def _characters(value: object) -> int:
    """Returns at least as many as it has in JSON, but for what is inside of it."""
    if isinstance(value, dict):
        return sum(len(str(key)) + 3 for key in value)
    return len(value) + 2 if isinstance(value, str) else 4
