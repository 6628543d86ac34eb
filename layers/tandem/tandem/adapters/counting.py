"""Counts the calls of a client by action, each attempt by itself."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botocore.client import BaseClient


def counting(client: BaseClient) -> Counter[str]:
    """Returns a counter that the client's calls fill from now on."""
    counted: Counter[str] = Counter()

    def count(operation_name: str, **_: object) -> None:
        counted[operation_name] += 1  # a Counter loses nothing that matters if two threads meet here

    client.meta.events.register("request-created", count)
    return counted
