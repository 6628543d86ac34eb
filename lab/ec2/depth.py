"""Describes how a caller spent its round trips, from the request log. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def _spans(requests: Sequence[Mapping[str, Any]]) -> list[tuple[float, float, int]]:
    return [
        (float(request["end"]), float(request["start"]), int(request["sequence"]))
        for request in requests
        if request.get("end") is not None
    ]


def depth(requests: Sequence[Mapping[str, Any]]) -> int:
    """Round-trip depth: the length of the longest chain in which each request starts after the previous
    ended."""
    length = 0
    free_from = float("-inf")
    for end, start, _ in sorted(_spans(requests)):
        if start >= free_from:
            length += 1
            free_from = end
    return length


def concurrency(requests: Sequence[Mapping[str, Any]]) -> int:
    """Returns how many requests were under way at once, at the most."""
    edges = [edge for end, start, _ in _spans(requests) if end > start for edge in ((start, 1), (end, -1))]
    most = current = 0
    for _, change in sorted(edges):
        current += change
        most = max(most, current)
    return most or min(1, len(requests))
