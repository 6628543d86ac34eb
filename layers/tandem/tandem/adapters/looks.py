"""The `look` records of the state table: the lease of a topology's looks, with their memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from tandem.adapters import clients
from tandem.adapters.leases import KEPT, LeaseStore
from tandem.adapters.tables import all_of, with_second_try
from tandem.state.lease import Lease
from tandem.state.memory import Memory, dump, load, not_after

_KIND = "look"


class LookStore:
    """Holds the lease and the memory of each topology's looks, in one record and so in one write."""

    def __init__(self, table: str, damaged: Callable[[str, str], object] = lambda _name, _why: None) -> None:
        """`damaged` is called with the look-again mark that cannot be read, and why."""
        self._table = table
        self._leases = LeaseStore(table, _KIND, damaged)

    def acquire(
        self, topology: str, owner: str, now: datetime, signals: Sequence[Mapping[str, Any]] = ()
    ) -> tuple[Lease, Memory] | None:
        """Returns the lease and the memory; None if another has it, which then looks again.

        Raises StateUnavailableError; TemporaryError if others kept coming in between.
        """
        taken = self._leases.acquire(topology, owner, now, signals)
        if taken is None:
            return None
        lease, kept = taken
        if kept is None:
            is_lost = not lease.taken_over and lease.epoch > 1
            return _damaged(lease, "its memory is missing; it starts empty" if is_lost else None), Memory()
        memory, damage = load(kept)
        memory, ahead = not_after(memory, now)
        return _damaged(lease, damage, ahead), memory

    def fence(self, lease: Lease, memory: Memory, now: datetime) -> Lease:
        """Proves the epoch and renews the lease in one write, with the moves that are about to begin.

        Raises LeaseLostError if another took over, StateUnavailableError.
        """
        return self._leases.fence(lease, now, dump(memory))

    def release(self, lease: Lease, memory: Memory) -> bool:
        """Ends the lease. False if somebody asked to look again meanwhile: then the lease is kept.

        Raises LeaseLostError, StateUnavailableError.
        """
        return self._leases.release(lease, dump(memory))

    def again(
        self, lease: Lease, memory: Memory, now: datetime
    ) -> tuple[Lease, tuple[Mapping[str, Any], ...]]:
        """Takes the look-again mark: returns the renewed lease and the signals in the mark."""
        return self._leases.again(lease, now, dump(memory))

    def let_go(self, lease: Lease, memory: Memory) -> None:
        """Ends the lease whatever is marked; the caller asks the bus for a look."""
        self._leases.let_go(lease, dump(memory))

    def memory(self, topology: str) -> Memory | None:
        """Returns what the last look at a topology remembered; None where nobody has looked at it."""
        key = {"kind": {"S": _KIND}, "id": {"S": topology}}
        found = with_second_try(
            lambda: clients.dynamodb().get_item(TableName=self._table, Key=key, ConsistentRead=True)
        )
        return load(found["Item"].get(KEPT, {}).get("S"))[0] if "Item" in found else None

    def next_hops(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """Returns what the last look at each topology saw in the FIB: tracked prefix to next hops."""
        items = all_of(clients.dynamodb(), self._table, _KIND)
        return {item["id"]["S"]: load(item.get(KEPT, {}).get("S"))[0].next_hops for item in items}


def _damaged(lease: Lease, *wrong: str | None) -> Lease:
    return replace(lease, damage=(*lease.damage, *(why for why in wrong if why)))
