"""Calls DynamoDB: its errors are distinguished by what the caller does next."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NotConnectedError

from tandem.errors import StateUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_T = TypeVar("_T")

_CONDITION_FAILED = "ConditionalCheckFailedException"


def with_second_try(call: Callable[[], _T]) -> _T:
    """Runs one call. A failed condition, or an expression that the item does not allow, stays a ClientError.

    The client makes a single attempt; what is not answered, or fails inside DynamoDB, is tried a second time.
    So every write has to bear being done twice. Connections that are open and dead, as after the environment
    was frozen, cost one time-out in all: the second try comes on a new one.

    Raises StateUnavailableError for every other failure. Access that is denied and a table that is not there
    are among them: what can be moved without the table is moved then as well.
    """
    try:
        return _tried_again(call)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in (_CONDITION_FAILED, "ValidationException"):
            raise
        words = f"DynamoDB {error.operation_name}: {code}: {error.response['Error']['Message']}"
        raise StateUnavailableError(words) from error
    except BotoCoreError as error:
        raise StateUnavailableError(f"DynamoDB did not answer: {error}") from error


def all_of(client: DynamoDBClient, table: str, kind: str) -> list[dict[str, Any]]:
    """Returns all records of a kind in the state table, as they are now. Raises StateUnavailableError."""
    pages = client.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="kind = :kind",
        ExpressionAttributeValues={":kind": {"S": kind}},
        ConsistentRead=True,
    )
    return with_second_try(lambda: [dict(item) for page in pages for item in page["Items"]])


def _tried_again(call: Callable[[], _T]) -> _T:
    try:
        return call()
    except (HTTPClientError, NotConnectedError):
        pass
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) < 500:
            raise
    return call()


def condition_failed(error: ClientError) -> bool:
    return error.response["Error"]["Code"] == _CONDITION_FAILED
