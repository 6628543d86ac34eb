"""Calls whose refusal is told to people: which call, AWS's code and words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from tandem.errors import TemporaryError
from tandem.provisioning.watchsteps import CallFailedError

T = TypeVar("T")


def called(about: str, call: Callable[[], T]) -> T:
    """Runs one call. Raises CallFailedError for what AWS refuses, TemporaryError where it does not answer."""
    try:
        return call()
    except ClientError as error:
        refusal = error.response["Error"]
        raise CallFailedError(
            f"{error.operation_name} for {about}", refusal["Code"], refusal.get("Message", "")
        ) from error
    except BotoCoreError as error:
        raise TemporaryError(f"no answer about {about}: {error}") from error
