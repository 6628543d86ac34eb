"""The `finding` records of the state table: what compliance runs remember of each topology."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from tandem.adapters import clients
from tandem.adapters.tables import condition_failed, with_second_try
from tandem.compliance.tracking import Kept, Tracked, dump_tracked, load_tracked
from tandem.state.decoding import Damaged, number, read, text

_KIND = "finding"
MOST_PLAIN = 50_000
"""Characters that are stored as text, for a person to read. What is longer is packed: an item has 400 KB."""
MOST_UNPACKED = 16_000_000
"""Bytes that a packed record may have: more than any run writes."""


@dataclass(frozen=True, slots=True)
class FindingStore:
    """One record a topology. Two runs may meet: the one that writes second changes nothing."""

    table: str

    def get(self, topology: str, now: datetime) -> Kept:
        """Raises StateUnavailableError. A damaged record starts empty, and says so."""
        kept = self._read(topology)
        return replace(kept, tracked=kept.tracked.not_after(now))

    def _read(self, topology: str) -> Kept:
        key = {"kind": {"S": _KIND}, "id": {"S": topology}}
        item = with_second_try(
            lambda: clients.dynamodb().get_item(TableName=self.table, Key=key, ConsistentRead=True)
        ).get("Item")
        if item is None:
            return Kept(Tracked())
        revision = read(lambda: number(item, "revision"))
        source = read(lambda: _source(item))
        if isinstance(revision, Damaged):
            return Kept(Tracked(), 0, revision.why, replaces=item.get("revision", {}).get("N"))
        if isinstance(source, Damaged):
            return Kept(Tracked(), revision, source.why)
        tracked, damage = load_tracked(source)
        return Kept(tracked, revision, damage)

    def put(self, topology: str, kept: Kept, tracked: Tracked) -> Kept | None:
        """Returns the record as it is now; None where another run wrote meanwhile.

        Raises StateUnavailableError.
        """
        written = Kept(tracked, kept.revision + 1)
        source = dump_tracked(tracked)
        is_plain = len(source) <= MOST_PLAIN
        value = {"S": source} if is_plain else {"B": zlib.compress(source.encode())}
        values: dict[str, Any] = {
            ":t": value,
            ":new": {"N": str(kept.revision + 1)},
            ":old": {"N": kept.replaces or str(kept.revision)},
        }
        # a record whose revision cannot be read is replaced: nobody can have written it meanwhile
        condition = "attribute_not_exists(revision) OR NOT attribute_type(revision, :n) OR revision = :old"
        try:
            with_second_try(
                lambda: clients.dynamodb().update_item(
                    TableName=self.table,
                    Key={"kind": {"S": _KIND}, "id": {"S": topology}},
                    UpdateExpression="SET tracked = :t, revision = :new",
                    ConditionExpression=condition,
                    ExpressionAttributeValues={**values, ":n": {"S": "N"}},
                )
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            # a write that was with_second_try too late is tried a second time, and then meets itself
            now = self._read(topology)
            return written if now == written else None
        return written


def _source(item: Mapping[str, Any]) -> str:
    """Returns the JSON of a record, packed or not. Raises ValueError."""
    packed = item.get("tracked", {}).get("B")
    if packed is None:
        return text(item, "tracked")
    unpacking = zlib.decompressobj()
    try:
        source = unpacking.decompress(packed, MOST_UNPACKED)
    except zlib.error as error:
        raise ValueError(f"`tracked` cannot be unpacked: {error}") from error
    if unpacking.unconsumed_tail:
        raise ValueError(f"`tracked` has more than {MOST_UNPACKED} bytes")
    return source.decode()
