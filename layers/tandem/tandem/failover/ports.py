"""What a look needs of the world; `tandem.adapters` has it from AWS."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any, Protocol

from tandem.audit import Head, Record
from tandem.failover.moves import Accepted, Move, Refusal
from tandem.model import ElasticIp, Observation
from tandem.state.lease import Lease
from tandem.state.memory import Memory
from tandem.state.override import Override
from tandem.topology.document import Topology


class Cloud(Protocol):
    """EC2."""

    def observe(self, topology: Topology, overrides: Callable[[], tuple[Override, ...]]) -> Observation: ...

    def begin(
        self, moves: Sequence[Move], may_begin: Callable[[], bool], now: Callable[[], datetime]
    ) -> list[Future[Accepted | Refusal]]: ...

    def read_back(self, moves: Sequence[Move]) -> dict[str, ElasticIp]: ...


class Looks(Protocol):
    """The look records of the state table."""

    def acquire(
        self, topology: str, owner: str, now: datetime, signals: Sequence[Mapping[str, Any]]
    ) -> tuple[Lease, Memory] | None: ...

    def fence(self, lease: Lease, memory: Memory, now: datetime) -> Lease: ...

    def release(self, lease: Lease, memory: Memory) -> bool: ...

    def again(
        self, lease: Lease, memory: Memory, now: datetime
    ) -> tuple[Lease, tuple[Mapping[str, Any], ...]]: ...

    def let_go(self, lease: Lease, memory: Memory) -> None: ...


class Overrides(Protocol):
    """The override records of the state table."""

    def of(self, topology: str) -> tuple[Override, ...]: ...


class Audit(Protocol):
    """The audit table."""

    def recent(self, sequence: str) -> tuple[Record, ...]: ...

    def append(self, head: Head | None, sequence: str, body: Mapping[str, Any]) -> Head: ...
