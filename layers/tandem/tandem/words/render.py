"""Makes the sentence of a reason from its code's template: the only place that does."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from string import Formatter
from typing import Any

from tandem.reasons.reason import Reason

OPTIONAL = re.compile(r"\[([^][|]*)(?:\|([^][]*))?\]")
NOUN = re.compile(r"[a-z ]{2,}")


@dataclass(frozen=True, slots=True)
class Entry:
    """What there is to say of one code."""

    text: str
    """A template: `{name}` is a fact, `{subject}` the subject. A part in brackets is left out where one of
    its facts is None, empty or false; what follows a `|` in it stands there then. `{name:?}` only decides
    that. `{name:endpoint}` counts: 2 endpoints. `{name:json}` is in quotes. `{name:and}` joins several with
    "and". `{name:right}` is what would be right instead, of a fact that is a reason.
    """
    meaning: str
    """One sentence for docs/reasons.md."""
    advice: tuple[str, ...] = ()
    """Lines that say what to do."""
    page: str | None = None
    """AWS's page on which it rests."""
    right: str = ""
    """A template: what would be right instead."""


Entries = dict[StrEnum, Entry]


class _Words(Formatter):
    """Formats each kind of fact: a reason as its sentence, several of anything as a list."""

    def __init__(self, entries: Mapping[Any, Entry]) -> None:
        self._entries = entries

    def format_field(self, value: Any, spec: str) -> str:  # noqa: ANN401 - one for each kind of fact
        if spec in ("?", "json"):
            return "" if spec == "?" else json.dumps(value)
        match value:
            case Reason():
                return (render_right if spec == "right" else render)(value, self._entries)
            case tuple() | list():
                joint = "; " if any(isinstance(member, Reason) for member in value) else ", "
                joint, inner = (" and ", "") if spec == "and" else (joint, spec)
                return joint.join(self.format_field(member, inner) for member in value)
            case datetime():
                return f"{value:{spec or '%Y-%m-%d %H:%M:%S'}} UTC"
            case int() if NOUN.fullmatch(spec):
                return f"{value} {spec}{'' if value == 1 else 's'}"
        return str(format(value, spec))


def render(reason: Reason, entries: Mapping[Any, Entry]) -> str:
    """Returns the sentence of a reason. Raises KeyError where the template names a fact that it lacks."""
    return _filled(entries[reason.code].text, reason, entries)


def render_right(reason: Reason, entries: Mapping[Any, Entry]) -> str:
    """Returns what would be right instead. Raises KeyError where the template names a fact that it lacks."""
    return _filled(entries[reason.code].right, reason, entries)


def _filled(template: str, reason: Reason, entries: Mapping[Any, Entry]) -> str:
    words, facts = _Words(entries), {"subject": reason.subject, **dict(reason.facts)}

    def part(found: re.Match[str]) -> str:
        is_said = all(facts[name] not in (None, "", (), [], False) for name in fields(found[1]))
        return found[1] if is_said else found[2] or ""

    return words.vformat(OPTIONAL.sub(part, template), (), facts)


def fields(template: str) -> tuple[str, ...]:
    """Returns the names of the facts in a template."""
    return tuple(name for _, name, _, _ in Formatter().parse(template) if name)
