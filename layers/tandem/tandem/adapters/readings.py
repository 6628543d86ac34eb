"""Reads parts of a snapshot: each by itself, and one that fails is said, not raised."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tandem.compliance.snapshot import NotRead
from tandem.errors import CallFailedError, TandemError

T = TypeVar("T")

DENIED = frozenset({"UnauthorizedOperation", "AccessDenied", "AccessDeniedException"})
"""AWS's codes for a missing permission (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html)."""


def reading(part: Callable[[], T], service: str = "ec2") -> T | NotRead:
    """Returns the part, or why it could not be read and which permission of the service is missing."""
    try:
        return part()
    except TandemError as error:
        permission = None
        if isinstance(error, CallFailedError) and error.code in DENIED:
            permission = f"{service}:{error.call.partition(' ')[0]}"
        return NotRead(str(error), permission)
