"""DynamoDB as Tandem uses it: errors told apart by what the caller does next."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from tandem.errors import ConfigurationError, StateUnavailableError

T = TypeVar("T")

CONDITION_FAILED = "ConditionalCheckFailedException"
NOT_RETRYABLE = frozenset(
    {"AccessDeniedException", "ResourceNotFoundException", "UnrecognizedClientException"}
)


def answered(call: Callable[[], T]) -> T:
    """Runs one call. A failed condition, or an expression that the item does not allow, stays a ClientError.

    Raises StateUnavailableError where the table does not answer, ConfigurationError where it never will.
    """
    try:
        return call()
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


def condition_failed(error: ClientError) -> bool:
    return error.response["Error"]["Code"] == CONDITION_FAILED
