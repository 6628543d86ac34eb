"""A reason is a code with facts. What Tandem does depends on codes, never on their words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from tandem.events import iso

Identity = tuple[str, str]
"""The code and the subject of a reason."""

Identities = Mapping[str, tuple[str, ...]]
"""Codes, each with its subjects in order. Two decisions with the same ones are the same decision."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Says why something is so. Two reasons with the same code and subject are the same reason."""

    code: str
    """A member of one of the enums beside this module, or its value where it was read."""
    subject: str
    """The AWS ID or the declared name that it is about."""
    facts: tuple[tuple[str, Any], ...] = ()
    """Names and values: text, numbers, times, other reasons, tuples of these, or None."""

    @property
    def identity(self) -> Identity:
        return str(self.code), self.subject

    def as_dict(self) -> dict[str, Any]:
        """Returns JSON for events and audit records."""
        facts = {name: _json(value) for name, value in self.facts}
        return {"code": str(self.code), "subject": self.subject, "facts": facts}


def reason(code: StrEnum, subject: str, /, **facts: Any) -> Reason:  # noqa: ANN401 - what `Reason.facts` may hold
    """Makes a reason. The facts are those that the code's template in `tandem.words` names."""
    return Reason(code, subject, tuple(facts.items()))


def identity_of(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Returns the identity of several reasons, from the code and the subject of each."""
    found: dict[str, set[str]] = {}
    for code, subject in pairs:
        found.setdefault(str(code), set()).add(subject)
    return {code: tuple(sorted(found[code])) for code in sorted(found)}


def _json(value: Any) -> Any:  # noqa: ANN401 - see `Reason.facts`
    match value:
        case Reason():
            return value.as_dict()
        case datetime():
            return iso(value)
        case tuple():
            return [_json(member) for member in value]
    return value
