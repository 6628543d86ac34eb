"""The audit table: append only, one sequence per writer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tandem.adapters import clients
from tandem.adapters.tables import answered, condition_failed
from tandem.audit import Head, Record, canonical, following, packed, shortened, unpacked
from tandem.errors import StateUnavailableError

RECENT = 20
"""Records read to find an open intent: whoever comes next closes it before writing anything else."""

ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class AuditTable:
    """Sequences of records; the table's policy allows PutItem and Query, nothing that rewrites."""

    table: str

    def recent(self, sequence: str, count: int = RECENT) -> tuple[Record, ...]:
        """The newest records, newest first."""
        page = answered(
            lambda: clients.dynamodb().query(
                TableName=self.table,
                KeyConditionExpression="#s = :s",
                ExpressionAttributeNames={"#s": "sequence"},
                ExpressionAttributeValues={":s": {"S": sequence}},
                ScanIndexForward=False,
                ConsistentRead=True,
                Limit=count,
            )
        )
        return tuple(_record(item) for item in page["Items"])

    def append(self, head: Head | None, sequence: str, body: Mapping[str, Any]) -> Head:
        """Writes the next record; the new head. Another writer's record is continued, never replaced.

        A body that DynamoDB refuses is shortened: a record keeps no move waiting.
        Raises StateUnavailableError, ConfigurationError.
        """
        for _ in range(ATTEMPTS):
            record = following(head, sequence, body)
            try:
                is_written = self._put(record)
            except ClientError as error:
                if "truncated" in body:
                    raise StateUnavailableError(f"{sequence}: the record is refused: {error}") from error
                body = shortened(body)
                continue
            if is_written:
                return record.head
            newest = self.recent(sequence, 1)
            if newest and newest[0].hash == record.hash:
                return record.head
            head = newest[0].head if newest else None
        raise StateUnavailableError(
            f"{sequence}: {ATTEMPTS} other records came first; the audit record is not written"
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
            answered(
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


def _record(item: Mapping[str, Any]) -> Record:
    return Record(
        sequence=item["sequence"]["S"],
        number=int(item["number"]["N"]),
        previous=item.get("previous", {}).get("S", ""),
        hash=item.get("hash", {}).get("S", ""),
        body=_body(item.get("body", {})),
    )


def _stored(body: str | bytes) -> dict[str, Any]:
    return {"S": body} if isinstance(body, str) else {"B": body}


def _body(stored: Mapping[str, Any]) -> Mapping[str, Any]:
    """A body that somebody damaged reads as what it is: text that matches no hash."""
    try:
        body = json.loads(unpacked(stored.get("S") or stored.get("B") or ""))
    except ValueError:
        return {"damaged": str(stored)}
    return body if isinstance(body, dict) else {"damaged": str(stored)}
