# ruff: noqa: ANN401 - what it reads may be anything
"""Decodes stored records, whoever wrote them: each reader yields a value, or why the record is damaged.

Nothing else decides which exceptions of reading mean damage, how deep JSON may be nested and what a time is.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import UTC, datetime
from functools import cache, partial
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

_T = TypeVar("_T")

DAMAGE = (
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    OSError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    zlib.error,
)
"""What reading raises where the record is at fault. ValueError includes JSON and Unicode; EOFError and
OSError come from gzip, OSError also from `fromtimestamp`."""

DEEPEST = 100
"""Levels of JSON; Tandem's own records have eight. Whatever walks through a value gives up at some 1,000."""

LARGEST = 10**15
"""Of versions, revisions and audit numbers: nothing is counted as far as that."""

SHOWN = 200
_LONE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class Damaged:
    """A value cannot be read, because of `why`."""

    why: str


def read(reader: Callable[[], _T]) -> _T | Damaged:
    """Returns what the reader returns, or why it cannot be read."""
    try:
        return reader()
    except DAMAGE as error:
        return Damaged(cut(str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"))


def cut(words: str, most: int = SHOWN) -> str:
    """Shortens words of a record for a log line, an event and an audit record."""
    return words if len(words) <= most else f"{words[:most]}…"


def text(item: Mapping[str, Any], name: str) -> str:
    """Reads a member of a DynamoDB item that is text and not empty. Raises ValueError, like all below."""
    found = _member(item, name, "S")
    if not isinstance(found, str) or not found:
        raise ValueError(f"`{name}` is not a string, or is empty")
    return _unicode(found)


def flag(item: Mapping[str, Any], name: str) -> bool:
    """Reads a member that is true or false; a missing one is false."""
    found = _member(item, name, "BOOL") if name in item else False
    if not isinstance(found, bool):
        raise ValueError(f"`{name}` is neither true nor false")
    return found


def number(item: Mapping[str, Any], name: str) -> int:
    """Reads a whole number from 0 to LARGEST."""
    found = str(_member(item, name, "N"))
    is_whole = found.isascii() and found.isdecimal() and len(found) <= len(str(LARGEST))
    if not is_whole or int(found) > LARGEST:
        raise ValueError(f"`{name}` is not a valid whole number")
    return int(found)


def ms_time(item: Mapping[str, Any], name: str) -> datetime:
    """Reads a time in milliseconds since 1970."""
    found = read(lambda: datetime.fromtimestamp(float(str(_member(item, name, "N"))) / 1000, UTC))
    if isinstance(found, Damaged):
        raise ValueError(f"`{name}` is not a valid time")
    return found


def json_of(item: Mapping[str, Any], name: str) -> Any:
    """Reads a member that is JSON."""
    source = text(item, name)
    found = read(lambda: parsed(source))
    if isinstance(found, Damaged):
        raise ValueError(f"`{name}` is not JSON: {found.why}")
    return found


def parsed(source: str) -> Any:
    """Returns the value of JSON text. Refuses what JSON does not have (NaN), what is no Unicode (it could be
    neither stored, hashed nor sent), and what is nested too deep.
    """
    value = json.loads(_unicode(source), parse_constant=_no_constant)
    if _LONE_SURROGATE.search(source):
        _unicode(json.dumps(value, ensure_ascii=False))
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEEPEST + 1):
        if not level:
            return value
        inner = (v for outer in level for v in (outer.values() if isinstance(outer, dict) else outer))
        level = [v for v in inner if isinstance(v, dict | list)]
    raise ValueError(f"it is nested more than {DEEPEST} deep")


def written(value: object) -> str:
    """Returns JSON for a record, which `parsed` and `shaped` read back; `?` stands for what is no Unicode."""
    found = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=datetime.isoformat)
    return found.encode(errors="replace").decode()


def utc(source: object) -> datetime:
    """Returns the time of an ISO 8601 text. One without a zone is UTC: Tandem writes each time with its
    zone, so a person left it out, in an `until`; AWS and Tandem show people UTC everywhere.
    """
    found = read(lambda: _aware(datetime.fromisoformat(str(source))).astimezone(UTC))
    if not isinstance(source, str) or isinstance(found, Damaged):
        raise ValueError("it is not a valid time; an example is 2026-01-31T18:00:00Z")
    return found


def shaped(kind: type[_T], raw: object) -> _T:
    """Makes a dataclass of a JSON object, by its annotations. Any version of Tandem may have written it:
    unknown members are left out, missing ones have their default. Raises ValueError, which names the member.
    """
    return cast(_T, fitted(kind, raw, ""))


def fitted(kind: Any, raw: Any, name: str) -> Any:  # noqa: PLR0911 - one for each sort of annotation
    """Returns a JSON value as its annotation says; one that is so already stays. Raises ValueError."""
    origin, inner = _parts(kind)
    if kind is Any or (type(raw) is kind and not is_dataclass(kind)):
        return raw
    # records know no other unions than `X | None`
    if origin in (Union, UnionType):
        (other,) = (one for one in inner if one is not NoneType)
        return None if raw is None else fitted(other, raw, name)
    if origin is tuple and isinstance(raw, list | tuple):
        kinds = inner[:1] * len(raw) if inner[-1] is Ellipsis else inner
        return tuple(fitted(one, value, name) for one, value in zip(kinds, raw, strict=True))
    if origin is dict and isinstance(raw, dict):
        return {key: fitted(inner[1], value, name) for key, value in raw.items()}
    if is_dataclass(kind) and isinstance(raw, dict | kind):
        return _filled(kind, raw, name)
    if kind is datetime:
        return _named(name, lambda: utc(raw))
    # a StrEnum refuses a value that this version does not know
    if isinstance(raw, str) and isinstance(kind, type) and issubclass(kind, str):
        return _named(name, lambda: kind(raw))
    raise ValueError(f"`{cut(name)}` has the wrong type" if name else "it has the wrong type")


def partly(kind: Any, raw: Any, name: str = "") -> tuple[dict[str, Any], dict[str, str]]:
    """Returns the members of a dataclass that can be read, and why each of the others cannot."""
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    known = raw if isinstance(raw, dict) else {f.name: getattr(raw, f.name) for f in fields(raw)}
    for member, annotation, is_needed in _members(kind):
        where = f"{name}.{member}" if name else member
        if member in known:
            found = read(partial(fitted, annotation, known[member], where))
            if isinstance(found, Damaged):
                wrong[member] = found.why
            else:
                values[member] = found
        elif is_needed:
            wrong[member] = f"`{where}` is missing"
    return values, wrong


def _filled(kind: Any, raw: Any, name: str) -> Any:
    values, wrong = partly(kind, raw, name)
    if wrong:
        raise ValueError("; ".join(wrong.values()))
    return kind(**values)


@cache
def _members(kind: Any) -> tuple[tuple[str, Any, bool], ...]:
    """Returns each member with its annotation, and whether it has no default."""
    hints = get_type_hints(kind)
    return tuple(
        (f.name, hints[f.name], f.default is MISSING and f.default_factory is MISSING) for f in fields(kind)
    )


@cache
def _parts(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    return get_origin(kind), get_args(kind)


def _named(name: str, reader: Callable[[], _T]) -> _T:
    found = read(reader)
    if isinstance(found, Damaged):
        raise ValueError(f"`{cut(name)}`: {found.why}")
    return found


def _member(item: Mapping[str, Any], name: str, kind: str) -> object:
    if name not in item:
        raise ValueError(f"`{name}` is missing")
    entry = item[name]
    return entry.get(kind) if isinstance(entry, Mapping) else None


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _unicode(source: str) -> str:
    source.encode()
    return source


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
