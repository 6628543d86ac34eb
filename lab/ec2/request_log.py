"""Every EC2 request that the emulator met: who, what, when, with which outcome."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

KEPT = 50_000  # a lab may stay up for days
_SECRET = {"UserData"}


class RequestLog:
    """Thread-safe. ``start`` and ``end`` are seconds of the lab's clock; ``end`` and ``outcome`` are None
    while under way; ``outcome`` is OK or the error code."""

    def __init__(self) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._sequence = 0
        self._lock = threading.Lock()

    def begin(self, action: str, caller: str, params: Mapping[str, Any], start: float) -> dict[str, Any]:
        with self._lock:
            self._sequence += 1
            entry: dict[str, Any] = {
                "sequence": self._sequence,
                "action": action,
                "caller": caller,
                "params": {key: _plain(value) for key, value in params.items() if key not in _SECRET},
                "start": start,
                "end": None,
                "outcome": None,
            }
            self._entries.append(entry)
            return entry

    def finish(self, entry: dict[str, Any], end: float, outcome: str) -> None:
        with self._lock:
            entry["end"] = end
            entry["outcome"] = outcome

    def since(self, sequence: int = 0) -> list[dict[str, Any]]:
        """Requests with a higher sequence number, in order of arrival."""
        with self._lock:
            return [dict(entry) for entry in self._entries if entry["sequence"] > sequence]

    def clear(self) -> None:
        """Forget all; the sequence goes on."""
        with self._lock:
            self._entries.clear()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)
