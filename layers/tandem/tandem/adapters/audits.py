"""The audit table: append only, one sequence per writer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tandem.adapters import clients
from tandem.adapters.tables import answered, condition_failed
from tandem.audit import Head, Record, canonical, following
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
        """Writes the next record; the new head. Another writer's record is continued, never replaced."""
        for _ in range(ATTEMPTS):
            record = following(head, sequence, body)
            if self._put(record):
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
            "body": {"S": canonical(record.body)},
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
        body=_body(item.get("body", {}).get("S", "")),
    )


def _body(text: str) -> Mapping[str, Any]:
    """A body that somebody damaged reads as what it is: text that matches no hash."""
    try:
        body = json.loads(text)
    except ValueError:
        return {"damaged": text}
    return body if isinstance(body, dict) else {"damaged": text}
