"""What is wrong with a topology document: one shape for every pass, in words that a person can act on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")
LAST_STEP = re.compile(r"(?:(?:^|\.)[A-Za-z0-9_-]+|\[[0-9]+\]|\[\"(?:[^\"\\]|\\.)*\"\])\Z")
WHOLE = "the document"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, what, and what would be right instead."""

    path: str
    what: str
    right: str
    untagged: str | None = None
    """The ID of a resource that only lacks its owner's tag: `tandem apply` offers to write it."""

    gone: str | None = None
    """The ID of the resource that is gone, where nothing else is wrong: AWS forgets what it still shows."""

    cause: str | None = None
    """The path of the problem that this one follows from, if that is among the problems."""

    @property
    def identity(self) -> str:
        """The same as long as it is the same problem."""
        return f"{self.path}: {self.gone} is gone" if self.gone else str(self)

    def __str__(self) -> str:
        return f"{self.path}: {self.what}; right would be: {self.right}"


def by_cause(problems: Iterable[Problem]) -> list[tuple[Problem, ...]]:
    """Groups the problems that have one cause: the same resource is gone, or the words are the same."""
    found: dict[str, list[Problem]] = {}
    for problem in problems:
        found.setdefault(problem.gone or problem.what, []).append(problem)
    return [tuple(together) for together in found.values()]


def folded(problems: Iterable[Problem]) -> list[tuple[Problem, ...]]:
    """Groups the problems of a document, each group's cause first: what follows from another problem, what is
    about one resource that is gone, and what is the same mistake in several places. The order stays.
    """
    every = list(problems)
    roots = {problem.path: problem for problem in every if problem.cause is None}

    def cause_of(problem: Problem) -> Problem:
        return roots.get(problem.cause, problem) if problem.cause else problem

    found: dict[object, list[Problem]] = {}
    for problem in every:
        cause = cause_of(problem)
        found.setdefault(cause.gone or (cause.what, cause.right), []).append(problem)
    return [tuple(sorted(group, key=lambda p: cause_of(p) is not p)) for group in found.values()]


def path_of(keys: Iterable[object]) -> str:
    """`groups[0].targets.fw1` for the keys and indexes that lead there."""
    path = ""
    for key in keys:
        if isinstance(key, int):
            path += f"[{key}]"
        elif PLAIN_KEY.fullmatch(str(key)):
            path += f".{key}" if path else str(key)
        else:
            path += f"[{json.dumps(str(key))}]"
    return path or WHOLE


def parent_of(path: str) -> str:
    """The path of what a path's last key or index is in; the whole document is in itself."""
    return LAST_STEP.sub("", path) or WHOLE


def nearest(name: str, known: Iterable[str]) -> str:
    """What may have been meant instead of `name`, and everything that is known there."""
    names = list(known)
    if not names:
        return "nothing: none is declared"
    close = get_close_matches(name, names, n=1)
    return (f"{close[0]}? " if close else "") + f"known here: {', '.join(names)}"
