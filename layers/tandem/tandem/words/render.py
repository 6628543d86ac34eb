"""Makes the sentence of a reason from its code's template: the only place that does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from string import Formatter
from typing import Any

from tandem.reasons.reason import Reason

_TEXT = r"((?:\{[^{}]*\}|[^][{}|])*)"
OPTIONAL = re.compile(rf"\[(?:(\w+)([?!]))?{_TEXT}(?:\|{_TEXT})?\]")
_NOUN = re.compile(r"[a-z ]{2,}")


@dataclass(frozen=True, slots=True)
class Entry:
    """Holds what there is to say of one code."""

    text: str
    """A template: `{name}` is a fact, `{subject}` the subject. A part in brackets is left out where one of
    its facts is None, empty or false; what follows a `|` in it stands there then. `[name?part]` stands only
    where that fact is true, `[name!part]` where not; `{name:?}` only decides that.

    `{number:one|many}` is a word and not the number, `{number:endpoint}` counts: 2 endpoints. `{name:json}`
    is in quotes. `{several:; }` is a list with another separator, `{several:and}` joins it with "and".
    `{name:right}` is what would be right instead, of a fact that is a reason.
    """
    meaning: str
    """One sentence for docs/reasons.md."""
    advice: tuple[str, ...] = ()
    """Lines that say what to do, templates like the text."""
    page: str | None = None
    """AWS's page on which it rests."""
    right: str = ""
    """A template: what would be right instead."""


Entries = dict[Any, Entry]
"""Codes, each with what there is to say of it."""


def render(reason: Reason, entries: Mapping[Any, Entry]) -> str:
    """Returns the sentence of a reason. Raises KeyError where the template names a fact that it lacks."""
    return fill(entries[reason.code].text, reason, entries)


def render_right(reason: Reason, entries: Mapping[Any, Entry]) -> str:
    """Returns what would be right instead. Raises KeyError where the template names a fact that it lacks."""
    return fill(entries[reason.code].right, reason, entries)


def sentences(reasons: Iterable[Reason], entries: Mapping[Any, Entry]) -> str:
    """Returns several reasons as one text; what is in parentheses belongs to the one before."""
    words = ""
    for one in reasons:
        text = render(one, entries)
        joint = "" if not words else " " if text.startswith("(") else "; "
        words += joint + text
    return words


def fill(template: str, reason: Reason, entries: Mapping[Any, Entry]) -> str:
    """Returns a template with the facts of a reason."""
    facts = dict(reason.facts)
    facts["subject"] = reason.subject
    return "".join(
        literal + (_word(facts[name], spec, entries) if name else "")
        for part in _parts(template)
        for literal, name, spec in (part.fields if _stands(part, facts) else part.otherwise)
    )


def fields(*templates: str) -> tuple[str, ...]:
    """Returns the names of the facts in templates, each once."""
    parts = [part for template in templates for part in _parts(template)]
    names = (name for p in parts for name in (p.flag, *(n for _, n, _ in (*p.fields, *p.otherwise))))
    return tuple(dict.fromkeys(name for name in names if name))


_Fields = tuple[tuple[str, str, str], ...]
"""Literal text, the fact after it (or nothing) and how it is written."""


@dataclass(frozen=True, slots=True)
class _Part:
    fields: _Fields
    flag: str = ""
    sign: str = ""
    otherwise: _Fields = ()
    is_optional: bool = False


@cache
def _parts(template: str) -> tuple[_Part, ...]:
    return tuple(_split(template))


def _split(template: str) -> Iterator[_Part]:
    at = 0
    for found in OPTIONAL.finditer(template):
        yield _Part(_fields(template[at : found.start()]))
        flag, sign, text, otherwise = (group or "" for group in found.groups())
        yield _Part(_fields(text), flag, sign, _fields(otherwise), is_optional=True)
        at = found.end()
    yield _Part(_fields(template[at:]))


def _fields(text: str) -> _Fields:
    return tuple((literal, name or "", spec or "") for literal, name, spec, _ in Formatter().parse(text))


def _stands(part: _Part, facts: Mapping[str, Any]) -> bool:
    if part.flag:
        return bool(facts[part.flag]) is (part.sign == "?")
    return not part.is_optional or not any(_is_absent(facts[name]) for _, name, _ in part.fields if name)


def _is_absent(value: object) -> bool:
    return value is None or value is False or value in ("", (), [])


def _word(value: Any, spec: str, entries: Mapping[Any, Entry]) -> str:  # noqa: ANN401 - see `Reason.facts`
    """Writes each kind of fact: a reason as its sentence, several of anything as a list."""
    if spec in ("?", "json"):
        return "" if spec == "?" else json.dumps(value)
    match value:
        case Reason():
            return (render_right if spec == "right" else render)(value, entries)
        case tuple() | list():
            return _list(value, spec, entries)
        case datetime():
            return f"{value:{spec or '%Y-%m-%d %H:%M:%S'}} UTC"
        case int() if "|" in spec:
            one, _, many = spec.partition("|")
            return one if value == 1 else many
    if isinstance(value, int) and _NOUN.fullmatch(spec):
        spec, value = "", f"{value} {spec}{'' if value == 1 else 's'}"
    return str(format(value, spec))


def _list(values: Iterable[Any], spec: str, entries: Mapping[Any, Entry]) -> str:
    """Joins several of anything: by the spec if it is punctuation or "and", else each is written by it."""
    members = list(values)
    joint = "; " if any(isinstance(member, Reason) for member in members) else ", "
    if spec == "and":
        joint, spec = " and ", ""
    elif spec and not any(letter.isalpha() for letter in spec):
        joint, spec = spec, ""
    return joint.join(_word(member, spec, entries) for member in members)
