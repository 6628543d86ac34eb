"""DynamoDB as Tandem uses it: errors told apart by what the caller does next."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError

from tandem.errors import ConfigurationError, StateUnavailableError

T = TypeVar("T")

CONDITION_FAILED = "ConditionalCheckFailedException"
NOT_RETRYABLE = frozenset(
    {"AccessDeniedException", "ResourceNotFoundException", "UnrecognizedClientException"}
)


def answered(call: Callable[[], T]) -> T:
    """Runs one call. A failed condition, or an expression that the item does not allow, stays a ClientError.

    The client makes a single attempt, so that a table that is away costs one time-out. What fails at once is
    tried a second time: a connection that was dropped while the environment was frozen, or an internal error.
    So every write has to bear being done twice.

    Raises StateUnavailableError where the table does not answer, ConfigurationError where it never will.
    """
    try:
        return _tried_again(call)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in (CONDITION_FAILED, "ValidationException"):
            raise
        words = f"DynamoDB {error.operation_name}: {code}: {error.response['Error']['Message']}"
        if code in NOT_RETRYABLE:
            raise ConfigurationError(words) from error
        raise StateUnavailableError(words) from error
    except BotoCoreError as error:
        raise StateUnavailableError(f"DynamoDB did not answer: {error}") from error


def _tried_again(call: Callable[[], T]) -> T:
    try:
        return call()
    except ConnectionClosedError:
        return call()
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) < 500:
            raise
        return call()


def condition_failed(error: ClientError) -> bool:
    return error.response["Error"]["Code"] == CONDITION_FAILED
