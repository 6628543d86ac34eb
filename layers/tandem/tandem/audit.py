"""The audit trail: sequences of records, each with the hash of the one before, so that a rewrite shows."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

LONG = 100_000
"""Characters of a body from which on it is stored compressed: DynamoDB takes no item over 400 KB."""

SCALAR = 1000
"""Characters of a member that a shortened body keeps."""

GENESIS = "0" * 64
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
    """The end of a sequence; it goes into every notification, so that a cut tail shows."""

    sequence: str
    number: int
    hash: str

    def as_dict(self) -> dict[str, Any]:
        return {"sequence": self.sequence, "number": self.number, "hash": self.hash}


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `body` is JSON; its `kind` is a RecordKind."""

    sequence: str
    number: int
    previous: str
    hash: str
    body: Mapping[str, Any]

    @property
    def head(self) -> Head:
        return Head(self.sequence, self.number, self.hash)

    @property
    def tell(self) -> tuple[str, ...]:
        """The groups of which people are told; none where somebody damaged that."""
        groups = self.body.get("tell")
        return tuple(g for g in groups if isinstance(g, str)) if isinstance(groups, list) else ()


def canonical(body: Mapping[str, Any]) -> str:
    """The one spelling of a body that is hashed and stored."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def packed(text: str) -> str | bytes:
    """A canonical body as it is stored: as it is, or compressed by gzip where it is long."""
    return gzip.compress(text.encode(), mtime=0) if len(text) > LONG else text


def unpacked(stored: str | bytes) -> str:
    """The canonical body. Raises one of `decoding.DAMAGE` for what cannot be unpacked."""
    return stored if isinstance(stored, str) else gzip.decompress(stored).decode()


def shortened(body: Mapping[str, Any]) -> dict[str, Any]:
    """What is left of a body that DynamoDB refuses: its short members, and in `truncated` the names of the
    others.
    """
    short = {k: v for k, v in body.items() if not isinstance(v, list | dict) and len(str(v)) <= SCALAR}
    return short | {"truncated": sorted(body.keys() - short.keys())}


def digest(sequence: str, number: int, previous: str, body: str) -> str:
    """SHA-256 over where the record stands, the one before and the canonical body, one to a line."""
    return hashlib.sha256(f"{sequence}\n{number}\n{previous}\n{body}".encode()).hexdigest()


def following(head: Head | None, sequence: str, body: Mapping[str, Any]) -> Record:
    """The next record of a sequence whose head is `head`; None where the sequence is empty."""
    number = head.number + 1 if head else 1
    previous = head.hash if head else GENESIS
    return Record(sequence, number, previous, digest(sequence, number, previous, canonical(body)), body)


def problems(records: Sequence[Record]) -> tuple[str, ...]:
    """What is wrong with a run of records in order; empty where nothing was changed, cut out or put in."""
    found = [
        f"{r.sequence} #{r.number}: its content does not match its hash"
        for r in records
        if digest(r.sequence, r.number, r.previous, canonical(r.body)) != r.hash
    ]
    for before, after in pairwise(records):
        if after.number != before.number + 1:
            found.append(f"{after.sequence}: #{before.number + 1} to #{after.number - 1} are missing")
        elif after.previous != before.hash:
            found.append(f"{after.sequence} #{after.number}: it does not continue #{before.number}")
    if records and records[0].number == 1 and records[0].previous != GENESIS:
        found.append(f"{records[0].sequence} #1: it does not begin the sequence")
    return tuple(found)


def open_intent(newest_first: Iterable[Record]) -> Record | None:
    """The last intent, if no outcome names it yet: its writer died, or stalls."""
    closed: set[str] = set()
    for record in newest_first:
        decision_id = str(record.body.get("decision_id"))
        if record.body.get("kind") == RecordKind.OUTCOME:
            closed.add(decision_id)
        elif record.body.get("kind") == RecordKind.INTENT:
            return None if decision_id in closed else record
    return None
