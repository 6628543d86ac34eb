"""Makes the sentence of a reason from its code's template: the only place that does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from string import Formatter
from typing import Any

from tandem.reasons.reason import Reason

OPTIONAL = re.compile(r"\[([^][]*)\]")


@dataclass(frozen=True, slots=True)
class Entry:
    """What there is to say of one code."""

    text: str
    """A template: `{name}` is a fact, `{subject}` the subject. A part in brackets is left out where one of
    its facts is None or empty.
    """
    meaning: str
    """One sentence for docs/reasons.md."""
    advice: tuple[str, ...] = ()
    """Lines that say what to do."""
    page: str | None = None
    """AWS's page on which it rests."""


class _Words(Formatter):
    """Formats each kind of fact: a reason as its sentence, several of anything as a list."""

    def __init__(self, entries: Mapping[StrEnum, Entry]) -> None:
        self._entries = entries

    def format_field(self, value: Any, spec: str) -> str:  # noqa: ANN401 - see `Reason.facts`
        match value:
            case Reason():
                return render(value, self._entries)
            case tuple():
                joint = "; " if any(isinstance(member, Reason) for member in value) else ", "
                return joint.join(self.format_field(member, spec) for member in value)
            case datetime():
                return f"{value:{spec or '%Y-%m-%d %H:%M:%S'}} UTC"
        return str(format(value, spec))


def render(reason: Reason, entries: Mapping[StrEnum, Entry]) -> str:
    """Returns the sentence of a reason. Raises KeyError where the template names a fact that it lacks."""
    words, facts = _Words(entries), {"subject": reason.subject, **dict(reason.facts)}

    def part(found: re.Match[str]) -> str:
        names = fields(found[1])
        return found[1] if all(facts[name] not in (None, "", (), False) for name in names) else ""

    return words.vformat(OPTIONAL.sub(part, entries[reason.code].text), (), facts)


def fields(template: str) -> tuple[str, ...]:
    """Returns the names of the facts in a template."""
    return tuple(name for _, name, _, _ in Formatter().parse(template) if name)
