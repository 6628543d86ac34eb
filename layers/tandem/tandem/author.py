"""Records who asked for a change, as far as Tandem can know."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST = 500
"""Characters of a name that are kept."""


@dataclass(frozen=True, slots=True)
class Author:
    """Names who asked. A function that is invoked directly does not know who invoked it. So the name is the
    caller's own word, and the request ID leads to the invocation in CloudTrail (docs/security.md).
    """

    stated_by: str | None = None
    request_id: str | None = None


NOBODY = Author()
"""Tandem itself, or a caller that names nobody."""


def stated(raw: object) -> str | None:
    """Returns the name in an order; None where there is no text."""
    if not isinstance(raw, str) or not raw.strip():
        return None
    return raw[:LONGEST].encode(errors="replace").decode()  # no event takes what is no Unicode
