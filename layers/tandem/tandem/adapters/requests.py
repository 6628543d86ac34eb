"""The `request` records of the state table: what CloudFormation asked, until and shortly after its answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from tandem.adapters.tables import answered, condition_failed
from tandem.doors.answers import Answer, Noted, Previous, Status
from tandem.doors.customresource import Request, RequestType
from tandem.errors import TemporaryError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KIND = "request"


class RequestStore:
    """One record a request. What is decided about it is decided once."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def note(self, request: Request, now: datetime) -> Noted:
        """Writes the request down, or finds it as it is there already. Raises StateUnavailableError."""
        asked = {
            "type": request.type,
            "request_id": request.request_id,
            "stack_id": request.stack_id,
            "logical_id": request.logical_id,
            "properties": request.properties,
            "old_properties": request.old_properties,
            "physical_id": request.physical_id,
        }
        item = {
            **_key(request),
            "asked": {"S": json.dumps(asked)},
            "url": {"S": request.url},
            "received_at": _ms(now),
        }
        try:
            answered(
                lambda: self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(id)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            )
        except ClientError as error:
            return _noted(_shown(error))
        return _noted(item)

    def list(self) -> tuple[Noted, ...]:
        """All of them, the oldest first. Raises StateUnavailableError."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="kind = :kind",
            ExpressionAttributeValues={":kind": {"S": KIND}},
            ConsistentRead=True,
        )
        found = answered(lambda: [_noted(item) for page in pages for item in page["Items"]])
        return tuple(sorted(found, key=lambda noted: noted.received_at))

    def prepare(self, noted: Noted) -> Noted:
        """Records what is about to be done, or finds it decided. Raises StateUnavailableError."""
        previous = None if noted.previous is None else asdict(noted.previous)
        plan = {"meant": noted.meant, "is_maker": noted.is_maker, "previous": previous}
        return self._set(noted, "prepared", {"S": json.dumps(plan)})

    def accept(self, noted: Noted, version: int) -> Noted:
        """Records the version that it has stored, or finds it decided. Raises StateUnavailableError."""
        return self._set(noted, "version", {"N": str(version)})

    def decide(self, noted: Noted, answer: Answer) -> Noted:
        """Decides the answer, or finds the one that was decided before. Raises StateUnavailableError."""
        return self._set(noted, "answer", {"S": json.dumps(asdict(answer))})

    def close(self, noted: Noted, now: datetime) -> None:
        """Forgets the URL: it was answered. Raises StateUnavailableError."""
        self._update(noted, "SET answered_at = :now REMOVE #url", "attribute_exists(id)", {":now": _ms(now)})

    def drop(self, noted: Noted) -> None:
        """Raises StateUnavailableError."""
        answered(lambda: self._client.delete_item(TableName=self._table, Key=_key(noted.request)))

    def _set(self, noted: Noted, name: str, value: dict[str, Any]) -> Noted:
        """While it has no answer."""
        return self._update(noted, f"SET {name} = :new", "attribute_not_exists(answer)", {":new": value})

    def _update(self, noted: Noted, update: str, condition: str, values: Mapping[str, Any]) -> Noted:
        names = {"ExpressionAttributeNames": {"#url": "url"}} if "#url" in update else {}
        try:
            done = answered(
                lambda: self._client.update_item(
                    TableName=self._table,
                    Key=_key(noted.request),
                    UpdateExpression=update,
                    ConditionExpression=f"attribute_exists(id) AND {condition}",
                    ExpressionAttributeValues=values,
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **names,  # type: ignore[arg-type]
                )
            )
        except ClientError as error:
            return _noted(_shown(error))
        return _noted(done["Attributes"])


def _key(request: Request) -> dict[str, Any]:
    return {"kind": {"S": KIND}, "id": {"S": request.key}}


def _ms(at: datetime) -> dict[str, str]:
    return {"N": str(round(at.timestamp() * 1000))}


def _time(item: Mapping[str, Any], name: str) -> datetime:
    return datetime.fromtimestamp(int(item[name]["N"]) / 1000, UTC)


def _shown(error: ClientError) -> dict[str, Any]:
    """The record as it was where the condition did not hold. Raises TemporaryError where it is gone."""
    if not condition_failed(error):
        raise error
    shown = cast(Mapping[str, Any], error.response).get("Item")
    if not shown:
        raise TemporaryError("a request of CloudFormation was forgotten meanwhile") from error
    return dict(shown)


def _noted(item: Mapping[str, Any]) -> Noted:
    asked = json.loads(item["asked"]["S"])
    answer = json.loads(item["answer"]["S"]) if "answer" in item else None
    plan = json.loads(item["prepared"]["S"]) if "prepared" in item else {}
    previous = plan.get("previous")
    return Noted(
        request=Request(
            type=RequestType(asked.pop("type")), url=item["url"]["S"] if "url" in item else "", **asked
        ),
        received_at=_time(item, "received_at"),
        version=int(item["version"]["N"]) if "version" in item else 0,
        meant=plan.get("meant"),
        is_maker=plan.get("is_maker", False),
        previous=None if previous is None else Previous(**previous),
        answer=None if answer is None else Answer(**answer | {"status": Status(answer["status"])}),
        answered_at=_time(item, "answered_at") if "answered_at" in item else None,
    )
