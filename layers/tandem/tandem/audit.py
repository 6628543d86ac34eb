"""The audit trail: sequences of records, each with the hash of the one before, so that a rewrite shows."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import pairwise
from typing import Any

from tandem.state.decoding import read, shaped

_LONG = 100_000
"""Characters of a body from which on it is stored compressed: DynamoDB takes no item over 400 KB."""

_SCALAR = 1000
"""Characters of a member that a shortened body keeps."""

GENESIS = "0" * 64

UNKNOWN_OUTCOME = "unknown"
"""Outcome of an intent whose writer died or stalls: the next look closes it."""

"""What the first record of a sequence names as the one before."""


class RecordKind(StrEnum):
    """`intent` is written before the first mutating call, `outcome` after the last. `finding` is written when
    what people should know beside the moves begins or ends, `override` when an operator's pin does.
    """

    INTENT = "intent"
    OUTCOME = "outcome"
    HOLD = "hold"
    HOLD_ENDED = "hold-ended"
    FINDING = "finding"
    OVERRIDE = "override"


@dataclass(frozen=True, slots=True)
class Head:
    """Holds the end of a sequence; it goes into every notification, so that a cut tail shows."""

    sequence: str
    number: int
    hash: str

    def as_dict(self) -> dict[str, Any]:
        return {"sequence": self.sequence, "number": self.number, "hash": self.hash}


@dataclass(frozen=True, slots=True)
class Record:
    """Holds one record. `body` is JSON; its `kind` is a RecordKind."""

    sequence: str
    number: int
    previous: str
    hash: str
    body: Mapping[str, Any]
    text: str = ""
    """The body as it is stored, which is what the hash is over; empty where it cannot be unpacked."""

    @property
    def head(self) -> Head:
        return Head(self.sequence, self.number, self.hash)

    @property
    def tell(self) -> tuple[str, ...]:
        return told_groups(self.body)


_GZIP = 16 + zlib.MAX_WBITS

MOST = 8_000_000
"""Bytes of a body; what Tandem writes is less by far. A look reads twenty of them in 1,024 MB of memory."""


def canonical(body: Mapping[str, Any]) -> str:
    """Returns the one spelling of a body that is hashed and stored."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def told_groups(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the groups of which a record notifies people; none where somebody damaged that."""
    groups = body.get("tell")
    return tuple(g for g in groups if isinstance(g, str)) if isinstance(groups, list) else ()


def packed(text: str) -> str | bytes:
    """Returns a canonical body as it is stored: as it is, or compressed by gzip where it is long."""
    return gzip.compress(text.encode(), mtime=0) if len(text) > _LONG else text


def unpacked(stored: str | bytes) -> str:
    """Returns the canonical body. Raises one of `decoding.DAMAGE` for what cannot be unpacked."""
    if isinstance(stored, str):
        return stored
    unpacking = zlib.decompressobj(_GZIP)
    data = unpacking.decompress(stored, MOST + 1)
    if len(data) > MOST or not unpacking.eof:
        raise ValueError(f"unpacks to more than {MOST} bytes, or to no end")
    return data.decode()


def shortened(body: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what is left of a body that DynamoDB refuses: its short members, and in `truncated` the names
    of the others.
    """
    short = {k: v for k, v in body.items() if not isinstance(v, list | dict) and len(str(v)) <= _SCALAR}
    return short | {"truncated": sorted(body.keys() - short.keys())}


def digest(sequence: str, number: int, previous: str, body: str) -> str:
    """Returns SHA-256 over the record's place, the one before and the canonical body, one to a line."""
    return hashlib.sha256(f"{sequence}\n{number}\n{previous}\n{body}".encode()).hexdigest()


def following(head: Head | None, sequence: str, body: Mapping[str, Any]) -> Record:
    """Returns the next record of a sequence whose head is `head`; None where the sequence is empty."""
    number = head.number + 1 if head else 1
    previous = head.hash if head else GENESIS
    text = canonical(body)
    return Record(sequence, number, previous, digest(sequence, number, previous, text), body, text)


def problems(
    records: Sequence[Record], *, first: Head | None = None, heads: Iterable[Head] = ()
) -> tuple[str, ...]:
    """Returns what is wrong with a sequence's records in order; empty where nothing was changed, cut out or
    put in.

    They are to begin with #1, or with the record that `first` names. The chain alone shows neither a cut tail
    nor a sequence that was replaced whole: `heads` does, from where the writer of the table does not reach
    (`heads_in`, over the log of all events or the notifications that people have).
    """
    found = [
        f"{r.sequence} #{r.number}: its content does not match its hash"
        for r in records
        if r.text != canonical(r.body) or digest(r.sequence, r.number, r.previous, r.text) != r.hash
    ]
    for before, after in pairwise(records):
        if after.sequence != before.sequence or after.number <= before.number:
            found.append(
                f"{after.sequence} #{after.number}: it stands behind {before.sequence} #{before.number}"
            )
        elif after.number != before.number + 1:
            found.append(f"{after.sequence}: #{before.number + 1} to #{after.number - 1} are missing")
        elif after.previous != before.hash:
            found.append(f"{after.sequence} #{after.number}: it does not continue #{before.number}")
    return (*found, *_beginning(records, first), *_against(records, first, heads))


def _beginning(records: Sequence[Record], first: Head | None) -> Iterator[str]:
    if first is not None:
        if not records or records[0].head != first:
            yield f"{first.sequence}: it does not begin with the stated #{first.number}"
    elif records and records[0].number > 1:
        yield f"{records[0].sequence}: #1 to #{records[0].number - 1} are missing"
    elif records and records[0].previous != GENESIS:
        yield f"{records[0].sequence} #1: it does not begin the sequence"


def _against(records: Sequence[Record], first: Head | None, heads: Iterable[Head]) -> Iterator[str]:
    """Heads before a stated first are not judged: their records may have expired."""
    there = {record.number: record.hash for record in records}
    sequence = records[0].sequence if records else first.sequence if first else None
    for head in dict.fromkeys(heads):
        if sequence not in (None, head.sequence) or (first is not None and head.number < first.number):
            continue
        if head.number not in there:
            yield f"{head.sequence}: #{head.number} is missing, and an event names it"
        elif there[head.number] != head.hash:
            yield f"{head.sequence} #{head.number}: an event names another record"


def heads_in(details: Iterable[Mapping[str, Any]]) -> tuple[Head, ...]:
    """Returns the heads in the details of events or notifications, each once; damaged ones are none."""
    audits = [detail.get("audit") for detail in details]
    found = (read(partial(shaped, Head, audit)) for audit in audits if isinstance(audit, dict))
    return tuple(dict.fromkeys(head for head in found if isinstance(head, Head)))


def is_closed(body: Mapping[str, Any], newest_first: Iterable[Record]) -> bool:
    """True if the body only closes an intent whose writer died, and a record closes it already: a look that
    stalled may come to that after the next one.
    """
    return body.get("outcome") == UNKNOWN_OUTCOME and any(
        (r.body.get("kind"), r.body.get("decision_id")) == (RecordKind.OUTCOME, body.get("decision_id"))
        for r in newest_first
    )


def open_intent(newest_first: Iterable[Record]) -> Record | None:
    """Returns the last intent, if no outcome names it yet: its writer died, or stalls."""
    closed: set[str] = set()
    for record in newest_first:
        decision_id = str(record.body.get("decision_id"))
        if record.body.get("kind") == RecordKind.OUTCOME:
            closed.add(decision_id)
        elif record.body.get("kind") == RecordKind.INTENT:
            return None if decision_id in closed else record
    return None
