"""The `heartbeat` record of the state table: the watch function says that it has watched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tandem.adapters import clients
from tandem.adapters.leaserows import ms
from tandem.adapters.tables import with_second_try
from tandem.state.decoding import Damaged, ms_time, read

KEY: dict[str, Any] = {"kind": {"S": "heartbeat"}, "id": {"S": "watch"}}


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """One record for the whole stack. Nothing but compliance reads it."""

    table: str

    def beat(self, now: datetime) -> None:
        """Raises StateUnavailableError."""
        item = KEY | {"at": ms(now)}
        with_second_try(lambda: clients.dynamodb().put_item(TableName=self.table, Item=item))

    def last(self) -> datetime | None:
        """Returns when it was last written; None where it never was, or cannot be read.

        Raises StateUnavailableError.
        """
        found = with_second_try(
            lambda: clients.dynamodb().get_item(TableName=self.table, Key=KEY, ConsistentRead=True)
        )
        at = read(lambda: ms_time(found.get("Item", {}), "at"))
        return None if isinstance(at, Damaged) else at
