"""Holds what is wrong with a topology document: one shape for every pass. `tandem.words` says it to
people.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from tandem.reasons.documents import ProblemCode
from tandem.reasons.provisioning import ProvisioningCode
from tandem.reasons.reason import Identity, Reason, reason

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")
USABLE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_LAST_STEP = re.compile(r"(?:(?:^|\.)[A-Za-z0-9_-]+|\[[0-9]+\]|\[\"(?:[^\"\\]|\\.)*\"\])\Z")
WHOLE = "the document"


_UNTAGGED = frozenset({ProblemCode.OWNER_TAG_MISSING, ProvisioningCode.ADOPTION_WITHOUT_TAG})
"""Codes of a resource that only lacks its owner's tag."""

CONSENT = _UNTAGGED | {ProblemCode.OWNER_TAG_OF_OTHER_STACK, ProblemCode.OWNER_TAG_MISSPELLED}

_GONE = frozenset(
    {
        ProblemCode.INSTANCE_UNKNOWN,
        ProblemCode.INSTANCE_TERMINATED,
        ProblemCode.INTERFACE_UNKNOWN,
        ProblemCode.INTERFACE_GONE_WITH_INSTANCE,
        ProblemCode.INTERFACE_DETACHED_FROM_LOST,
    }
)
"""Codes of a resource that is gone, where nothing else is wrong: AWS forgets what it still shows."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Holds one thing that is wrong: a place in the document, and the reason."""

    path: str
    reason: Reason
    """Its subject is an AWS ID or a declared name; the path itself where it is about that place."""

    cause: str | None = None
    """The path of the problem that this one follows from, if that is among the problems."""

    @property
    def code(self) -> str:
        return self.reason.code

    @property
    def subject(self) -> str:
        return self.reason.subject

    @property
    def untagged(self) -> str | None:
        """Returns the ID of a resource that only lacks its owner's tag: `tandem apply` offers to write it."""
        return self.subject if self.code in _UNTAGGED else None

    @property
    def gone(self) -> str | None:
        """Returns the ID of a resource that is gone, whatever AWS still shows of it."""
        return self.subject if self.code in _GONE else None

    @property
    def identity(self) -> Identity:
        """Returns a key that stays the same as long as it is the same problem."""
        return ("gone", self.subject) if self.gone else self.reason.identity

    @property
    def kind(self) -> object:
        """Returns one key for problems with one cause: one resource is gone, or one mistake is in several
        places.
        """
        is_of_place = self.subject == self.path
        return self.gone or (self.code, None if is_of_place else self.subject, self.reason.facts)

    def caused_by(self, path: str | None) -> Problem:
        """Returns the same problem as one that follows from another."""
        return replace(self, cause=path)

    @property
    def ids(self) -> tuple[str, ...]:
        """Returns the AWS IDs that it is about: its subject, and its facts whose names end so."""
        named = (value for name, value in self.reason.facts if name.endswith("_id") and value)
        return tuple(dict.fromkeys((*((self.subject,) if self.subject != self.path else ()), *named)))


def problem_at(
    path: str,
    code: StrEnum,
    subject: str | None = None,
    /,
    **facts: Any,  # noqa: ANN401 - see `Reason.facts`
) -> Problem:
    """Makes a problem. Without a subject it is about the place itself."""
    return Problem(path, reason(code, path if subject is None else subject, **facts))


def by_cause(problems: Iterable[Problem]) -> list[tuple[Problem, ...]]:
    """Groups the problems that have one cause."""
    found: dict[object, list[Problem]] = {}
    for problem in problems:
        found.setdefault(problem.kind, []).append(problem)
    return [tuple(together) for together in found.values()]


def path_of(keys: Iterable[object]) -> str:
    """`groups[0].targets.fw1` for the keys and indexes that lead there."""
    path = ""
    for key in keys:
        if isinstance(key, int):
            path += f"[{key}]"
        elif _PLAIN_KEY.fullmatch(str(key)):
            path += f".{key}" if path else str(key)
        else:
            path += f"[{json.dumps(str(key))}]"
    return path or WHOLE


def parent_of(path: str) -> str:
    """Returns the path of what a path's last key or index is in; the whole document is in itself."""
    return _LAST_STEP.sub("", path) or WHOLE


def nearest(name: str, known: Iterable[str], used: Iterable[str] = ()) -> dict[str, Any]:
    """Returns facts: the name that may have been meant instead of `name`, and all that are known there.

    A name that is used already, or cannot be used at all, was not meant.
    """
    names, taken = tuple(known), set(used)
    free = [one for one in names if one not in taken and USABLE_NAME.fullmatch(one)]
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    meant = [*get_close_matches(name, free, n=1), *get_close_matches(snake, free, n=1)]
    return {"close": next(iter(meant), None), "known": names}


def visible(text: str) -> str:
    """Returns a text with an escape for each character that does not show, or that controls a terminal."""
    return "".join(one if one == " " or one.isprintable() else _escape(one) for one in text)


def _escape(character: str) -> str:
    return json.dumps(character)[1:-1] if character.isascii() else f"\\u{ord(character):04x}"
