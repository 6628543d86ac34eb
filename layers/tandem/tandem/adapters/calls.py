"""Calls to AWS: what its SDK raises, as errors that say what the caller does next. One place for all services
but DynamoDB, whose time-outs mean something else (`tables`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from tandem.errors import (
    THROTTLED_CODES,
    CallFailedError,
    PassingError,
    RefusedError,
    TemporaryError,
    passes,
)

_T = TypeVar("_T")

_LONGEST_WORDS = 300
"""Characters of AWS's own words that are told."""

_ENCODED = "Encoded authorization failure message"
"""What follows in a refusal is for DecodeAuthorizationMessage of STS, and differs from call to call."""


def called(about: str, call: Callable[[], _T]) -> _T:
    """Runs one call; what the client retries by itself it has retried.

    Raises RefusedError for what AWS refuses, PassingError for what it refuses for now, and TemporaryError
    where it does not answer.
    """
    try:
        return call()
    except ClientError as error:
        raise failure(about, error) from error
    except BotoCoreError as error:
        raise TemporaryError(f"no answer about {about}: {error}") from error
    except (ResponseParserError, ValueError) as error:
        raise TemporaryError(f"AWS's answer about {about} cannot be read: {error}") from error


def failure(about: str, error: ClientError) -> CallFailedError:
    """Returns AWS's refusal as one of ours."""
    refusal = error.response.get("Error", {})
    code, words = refusal.get("Code", "an unknown code"), refusal.get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    kind = PassingError if passes(code, status) else RefusedError
    told = words.partition(_ENCODED)[0].strip()[:_LONGEST_WORDS]
    return kind(f"{error.operation_name} for {about}", code, told)


def may_be_done(error: ClientError) -> bool:
    """Returns True if AWS may have carried out what it answered with an error.

    A server error does not say how far AWS came. A throttled call, answered with 503 too, was not begun.
    """
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 and error.response["Error"]["Code"] not in THROTTLED_CODES
