"""MaxResults and NextToken."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Container, Mapping, Sequence
from typing import Any

from lab.ec2.errors import invalid_parameter

DEFAULT_PAGE = 1000  # not documented for Route Server (docs/aws-facts.md#paging)


def page(
    rows: Sequence[Any], params: Mapping[str, Any], least: int = 5, most: int = 1000
) -> tuple[list[Any], str | None]:
    """One page and the token of the next. Refuses a MaxResults outside its range (docs/aws-facts.md#paging)
    and a foreign token."""
    size = checked_size(params.get("MaxResults"), least, most)
    start = _offset(params.get("NextToken"))
    end = start + int(size or DEFAULT_PAGE)
    token = base64.urlsafe_b64encode(f"from:{end}".encode()).decode() if end < len(rows) else None
    return list(rows[start:end]), token


def checked_size(size: int | None, least: int = 5, most: int = 1000) -> int | None:
    if size is not None and not least <= int(size) <= most:
        raise invalid_parameter(
            f"Value ({size}) for parameter maxResults is invalid. Give {least} to {most}."
        )
    return size


def known_token(token: str | None, known: Container[str]) -> None:
    """For reads whose token is the ID of the row before."""
    if token and token not in known:
        raise invalid_parameter("Unable to parse pagination token")


def _offset(token: str | None) -> int:
    if not token:
        return 0
    try:
        marker, number = base64.urlsafe_b64decode(token.encode()).decode().split(":")
        if marker == "from":
            return int(number)
    except (ValueError, binascii.Error) as error:
        raise invalid_parameter("Unable to parse pagination token") from error
    raise invalid_parameter("Unable to parse pagination token")
