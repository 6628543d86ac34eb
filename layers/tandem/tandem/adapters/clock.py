"""The time of day, and waiting for it."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """Tells real time; tests have a virtual clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
