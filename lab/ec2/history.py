"""Past answers of the reads that can be made to lag (EC2 is eventually consistent:
docs/aws-facts.md#eventual-consistency)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

Views = Mapping[str, Any]


class History:
    """Snapshots by time. Kept only while some read lags: the first one is taken when the lag is set."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._views: list[Views] = []
        self.kept_s = 0.0

    def record(self, now: float, views: Views) -> None:
        if self._views and self._views[-1] == views:
            return
        self._times.append(now)
        self._views.append(views)
        first = max(0, bisect_right(self._times, now - self.kept_s) - 1)
        del self._times[:first], self._views[:first]

    def at(self, time: float) -> Views | None:
        """Returns what was true then, or the oldest that is known; None when nothing was recorded."""
        if not self._views:
            return None
        return self._views[max(0, bisect_right(self._times, time) - 1)]
