"""The audit table: append only, one sequence per writer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tandem.adapters import clients
from tandem.adapters.tables import condition_failed, with_second_try
from tandem.audit import Head, Record, canonical, following, is_closed, packed, shortened, unpacked
from tandem.errors import StateUnavailableError
from tandem.state.decoding import LARGEST, Damaged, cut, number, parsed, read, text

RECENT = 20
"""Records read to find an open intent: whoever comes next closes it before writing anything else."""

_ATTEMPTS = 10
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class AuditTable:
    """Sequences of records; the table's policy allows PutItem and Query, nothing that rewrites."""

    table: str
    damaged: Callable[[str, str], object] = lambda _name, _why: None
    """Is told which record cannot be read, and why."""

    def recent(self, sequence: str, count: int = RECENT) -> tuple[Record, ...]:
        """Returns the newest records, newest first. One whose number is none has no place in the sequence,
        and is no head. Raises StateUnavailableError, also where records are there and none has a place.
        """
        page = with_second_try(
            lambda: clients.dynamodb().query(
                TableName=self.table,
                KeyConditionExpression="#s = :s AND #n BETWEEN :first AND :last",
                ExpressionAttributeNames={"#s": "sequence", "#n": "number"},
                ExpressionAttributeValues={
                    ":s": {"S": sequence},
                    ":first": {"N": "1"},
                    ":last": {"N": str(LARGEST)},
                },
                ScanIndexForward=False,
                ConsistentRead=True,
                Limit=count,
            )
        )
        found = tuple(record for item in page["Items"] for record in self._known(item))
        if page["Items"] and not found:
            raise StateUnavailableError(f"{sequence} cannot be read: none of its newest records has a number")
        return found

    def _known(self, item: Mapping[str, Any]) -> Iterator[Record]:
        record, wrong = record_of(item)
        if wrong:
            name = f"audit record {item['sequence']['S']} {item['number']['N']}"
            self.damaged(name, f"the {name} is damaged: {wrong}")
        if record is not None:
            yield record

    def append(self, head: Head | None, sequence: str, body: Mapping[str, Any]) -> Head:
        """Writes the next record; the new head. Another writer's record is continued, never replaced. What
        closes an intent is not written again if another writer has closed it meanwhile.

        A body that DynamoDB refuses is shortened: a record keeps no move waiting.
        Raises StateUnavailableError, ConfigurationError.
        """
        for _ in range(_ATTEMPTS):
            record = following(head, sequence, body)
            if record.number > LARGEST:
                raise StateUnavailableError(f"{sequence}: record {LARGEST} is there: no number is left")
            try:
                is_written = self._put(record)
            except ClientError as error:
                if "truncated" in body:
                    raise StateUnavailableError(f"{sequence}: the record is refused: {error}") from error
                body = shortened(body)
                continue
            if is_written:
                return record.head
            newest = self.recent(sequence)
            if newest and (newest[0].hash == record.hash or is_closed(body, newest)):
                return newest[0].head
            head = newest[0].head if newest else None
        raise StateUnavailableError(
            f"{sequence}: {_ATTEMPTS} other records came first; the audit record is not written"
        )

    def _put(self, record: Record) -> bool:
        item = {
            "sequence": {"S": record.sequence},
            "number": {"N": str(record.number)},
            "previous": {"S": record.previous},
            "hash": {"S": record.hash},
            "body": _stored(packed(canonical(record.body))),
        }
        try:
            with_second_try(
                lambda: clients.dynamodb().put_item(
                    TableName=self.table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(#n)",
                    ExpressionAttributeNames={"#n": "number"},
                )
            )
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True


def record_of(item: Mapping[str, Any]) -> tuple[Record | None, str | None]:
    """Returns a record as far as it can be read, and what is wrong with it; None where its number is none:
    such a one has no place in the sequence. Of any other the place is taken, whatever befell the rest of it.
    """
    place = read(lambda: number(item, "number"))
    if isinstance(place, Damaged):
        return None, f"{place.why}; it is left out"
    wrong: list[str] = []
    previous, own = _hash(item, "previous", wrong), _hash(item, "hash", wrong)
    stored = read(lambda: _stored_text(item.get("body", {})))
    body = stored if isinstance(stored, Damaged) else read(lambda: dict(parsed(stored)))
    if isinstance(body, Damaged):
        wrong.append(f"`body`: {body.why}")
        body = {"damaged": cut(str(item.get("body")))}
    spelled = "" if isinstance(stored, Damaged) else stored
    record = Record(item["sequence"]["S"], place, previous, own, body, spelled)
    return record, "; ".join(wrong) or None


def _stored(body: str | bytes) -> dict[str, Any]:
    return {"S": body} if isinstance(body, str) else {"B": body}


def _hash(item: Mapping[str, Any], name: str, wrong: list[str]) -> str:
    """Returns the hash; empty, which is nobody's hash, if it is none: the next record then shows what is
    broken.
    """
    found = read(lambda: text(item, name))
    if isinstance(found, Damaged) or not _HASH.fullmatch(found):
        wrong.append(f"`{name}` is not a valid SHA-256 hash")
        return ""
    return found


def _stored_text(stored: Mapping[str, Any]) -> str:
    return unpacked(stored["S"] if "S" in stored else stored["B"])
