"""Reads the rows of EC2's answers. Only here is said what a missing, null, odd or unknown member means.

A row that lacks what it is known by, or says of it what nobody can read, is unread: named, and left out. A
member that no rule depends on is left out of its row alone, and named as well. Nothing is guessed, and no
oddity of one row is an error of the others. EC2 leaves out of its XML what has no value, so a missing list
inside a row is an empty one; a member that is null counts as missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from tandem.errors import ConfigurationError
from tandem.topology.document import canonical_prefix

_T = TypeVar("_T")

Row = Mapping[str, Any]
Odd = list[str]
"""Members that are left out of a row which can be read without them, in words."""

UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)
"""What reading a row raises where AWS shows it otherwise than it documents."""

_DELETED = "deleted"
"""AWS shows what is deleted for a while, and does not say with which members: it may be left out."""

_LONGEST_WHY = 200
"""Characters of what is wrong with a row."""


@dataclass(frozen=True, slots=True)
class Unread:
    """One row could not be read."""

    about: str
    """Its ID, or whatever its kind is known by; empty where nobody can tell."""
    words: str
    row: Row


@dataclass(frozen=True, slots=True)
class Rows(Generic[_T]):
    """An answer holds rows that could be read, and rows that could not."""

    found: tuple[_T, ...] = ()
    unread: tuple[Unread, ...] = ()
    odd: tuple[str, ...] = ()
    """Members that are left out of rows in `found`, in words."""
    incomplete: tuple[tuple[str, str], ...] = ()
    """What each row of `odd` is about, with the same words."""

    def __add__(self, other: Rows[_T]) -> Rows[_T]:
        return Rows(
            self.found + other.found,
            self.unread + other.unread,
            self.odd + other.odd,
            self.incomplete + other.incomplete,
        )

    @property
    def words(self) -> tuple[str, ...]:
        """Says what is left out, row by row."""
        return (*(row.words for row in self.unread), *self.odd)

    def whole(self) -> tuple[_T, ...]:
        """Returns all rows, for a caller that must not use a part of them. Raises ConfigurationError."""
        if self.unread:
            raise ConfigurationError(self.unread[0].words)
        return self.found

    def unknown(self, asked: Iterable[str], found: Iterable[str]) -> dict[str, str]:
        """Returns why each unread row is unknown, by its ID.

        A row without an ID stands for every one of those that were asked for and not found.
        """
        told = {row.about: row.words for row in reversed(self.unread)}
        there, anonymous = set(found), told.pop("", None)
        if anonymous is not None:
            told = {**{id_: anonymous for id_ in asked if id_ not in there}, **told}
        return told


def read_rows(rows: Iterable[Any], kind: Kind[_T]) -> Rows[_T]:
    """Reads each of the rows by itself."""
    found: list[_T] = []
    unread: list[Unread] = []
    incomplete: list[tuple[str, str]] = []
    for row in rows:
        known = row if isinstance(row, Mapping) else {}
        about, left_out = known.get(kind.key), Odd()
        about = about if isinstance(about, str) else ""
        which = f"{kind.name} {about or '<unknown>'}"
        which += f" ({known.get(kind.id) or 'unknown ID'})" if kind.id else ""
        try:
            found.append(kind.read(known, left_out))
        except UNREADABLE as error:
            if known.get("State") == _DELETED:
                continue
            unread.append(Unread(about, f"{which} cannot be read ({_why(error)})", known))
        ignored = "has a member that cannot be read and is ignored"
        incomplete += [(about, f"{which} {ignored} ({why})") for why in left_out]
    return Rows(tuple(found), tuple(unread), tuple(words for _, words in incomplete), tuple(incomplete))


@dataclass(frozen=True, slots=True)
class Kind(Generic[_T]):
    """A kind of row has a name, a member that identifies it, and a reader."""

    name: str
    key: str
    read: Callable[[Row, Odd], _T]
    id: str = ""
    """The member with its ID, where it is known by something else."""


def _typed(row: Row, name: str, kind: type[_T]) -> _T:
    """Reads a member of exactly this type; a text is not empty. Raises KeyError, ValueError."""
    value = row[name]
    if type(value) is not kind or value == "":
        raise ValueError(f"{name} is {value!r}")
    return value


text = partial(_typed, kind=str)
number = partial(_typed, kind=int)
flag = partial(_typed, kind=bool)
part: Callable[[Row, str], Row] = partial(_typed, kind=dict)


def _list_members(row: Row, name: str, kind: type[_T]) -> list[_T]:
    """Reads a list of such members. EC2 leaves out an empty one. Raises ValueError."""
    found = _typed(row, name, list) if has(row, name) else []
    if not all(type(one) is kind for one in found):
        raise ValueError(f"{name} is {found!r}")
    return found


texts = partial(_list_members, kind=str)
parts: Callable[[Row, str], Sequence[Row]] = partial(_list_members, kind=dict)


def has(row: Row, name: str) -> bool:
    """Returns True if AWS shows a value: the SDK reads an empty XML element as an empty text."""
    return row.get(name) not in (None, "")


def given(row: Row, name: str, reader: Callable[[Row, str], _T]) -> _T | None:
    """Reads a member that AWS may leave out: returns None then. Raises where it cannot be read."""
    return reader(row, name) if has(row, name) else None


def prefix_of(row: Row, name: str) -> str:
    return canonical_prefix(text(row, name))


def tags(row: Row, name: str) -> tuple[tuple[str, str], ...]:
    """Reads tags; one without a value has an empty one."""
    return tuple((text(tag, "Key"), given(tag, "Value", text) or "") for tag in parts(row, name))


def beside(row: Row, name: str, reader: Callable[[Row, str], _T], odd: Odd) -> _T | None:
    """Reads a member that no decision depends on. Where it cannot, returns None and adds to `odd`."""
    if not has(row, name):
        return None
    try:
        return reader(row, name)
    except UNREADABLE as error:
        odd.append(_why(error))
        return None


def _why(error: Exception) -> str:
    why = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
    return why[:_LONGEST_WHY]
