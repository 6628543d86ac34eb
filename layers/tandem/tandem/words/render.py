"""Makes the sentence of a reason from its code's template: the only place that does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from string import Formatter
from typing import Any

from tandem.reasons.reason import Reason

OPTIONAL = re.compile(r"\[(?:(\w+)([?!]))?([^][]*)\]")


@dataclass(frozen=True, slots=True)
class Entry:
    """What there is to say of one code."""

    text: str
    """A template: `{name}` is a fact, `{subject}` the subject. A part in brackets is left out where one of
    its facts is None or empty; `[name?part]` stands only where that fact is true, `[name!part]` where not.
    `{number:one|many}` is a word and not the number, `{several:; }` a list with another separator.
    """
    meaning: str
    """One sentence for docs/reasons.md."""
    advice: tuple[str, ...] = ()
    """Lines that say what to do, templates like the text."""
    page: str | None = None
    """AWS's page on which it rests."""


def render(reason: Reason, entries: Mapping[StrEnum, Entry]) -> str:
    """Returns the sentence of a reason. Raises KeyError where the template names a fact that it lacks."""
    return fill(entries[reason.code].text, reason, entries)


def sentences(reasons: Iterable[Reason], entries: Mapping[StrEnum, Entry]) -> str:
    """Returns several reasons as one text; what is in parentheses belongs to the one before."""
    words = ""
    for one in reasons:
        text = render(one, entries)
        joint = "" if not words else " " if text.startswith("(") else "; "
        words += joint + text
    return words


def fill(template: str, reason: Reason, entries: Mapping[StrEnum, Entry]) -> str:
    """Returns a template with the facts of a reason."""
    facts = dict(reason.facts)
    facts["subject"] = reason.subject
    return "".join(
        literal + (_word(facts[name], spec, entries) if name else "")
        for part in _parts(template)
        if _stands(part, facts)
        for literal, name, spec in part.fields
    )


def fields(*templates: str) -> tuple[str, ...]:
    """Returns the names of the facts in templates, each once."""
    parts = [part for template in templates for part in _parts(template)]
    names = (name for part in parts for name in (part.flag, *(name for _, name, _ in part.fields)))
    return tuple(dict.fromkeys(name for name in names if name))


@dataclass(frozen=True, slots=True)
class _Part:
    fields: tuple[tuple[str, str, str], ...]
    """Literal text, the fact after it (or nothing) and how it is written."""
    flag: str = ""
    sign: str = ""
    is_optional: bool = False


@cache
def _parts(template: str) -> tuple[_Part, ...]:
    return tuple(_split(template))


def _split(template: str) -> Iterator[_Part]:
    at = 0
    for found in OPTIONAL.finditer(template):
        yield _Part(_fields(template[at : found.start()]))
        yield _Part(_fields(found[3]), found[1] or "", found[2] or "", is_optional=True)
        at = found.end()
    yield _Part(_fields(template[at:]))


def _fields(text: str) -> tuple[tuple[str, str, str], ...]:
    return tuple((literal, name or "", spec or "") for literal, name, spec, _ in Formatter().parse(text))


def _stands(part: _Part, facts: Mapping[str, Any]) -> bool:
    if part.flag:
        return bool(facts[part.flag]) is (part.sign == "?")
    return not part.is_optional or all(
        facts[name] not in (None, "", ()) for _, name, _ in part.fields if name
    )


def _word(value: Any, spec: str, entries: Mapping[StrEnum, Entry]) -> str:  # noqa: ANN401 - see `Reason.facts`
    """Writes each kind of fact: a reason as its sentence, several of anything as a list."""
    match value:
        case Reason():
            return render(value, entries)
        case tuple():
            joint = spec or ("; " if any(isinstance(member, Reason) for member in value) else ", ")
            return joint.join(_word(member, "", entries) for member in value)
        case datetime():
            return f"{value:{spec or '%Y-%m-%d %H:%M:%S'}} UTC"
        case int() if "|" in spec:
            one, _, many = spec.partition("|")
            return one if value == 1 else many
    return str(format(value, spec))
