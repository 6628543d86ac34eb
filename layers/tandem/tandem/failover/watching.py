"""The watch: what the routing databases show now against what the last look at each topology saw."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from tandem.errors import StateUnavailableError
from tandem.events import DetailType, Event, event
from tandem.intake import route_server_of
from tandem.model import Route, RouteStatus, RoutingDatabase
from tandem.ports import Clock
from tandem.record import TopologyRecord
from tandem.signals import RouteEvent

NextHops = Mapping[str, tuple[str, ...]]

STAY_SECONDS = 60.0
"""The schedule wakes the watch every minute; the next one takes over then."""

EVERY_SECONDS = 5.0
CALL_SECONDS = 1 / 3
"""What one call is worth: 3 a second. With a sweep of 60 topologies a minute that is a fifth of EC2's refill
(facts §1.7)."""

RESERVE_SECONDS = 10.0
"""No turn begins with less time left. A read that takes longer (24 s at the worst, adapters/clients.py) is
cut off by the time-out, which is an error like a failed read; a time-out of 90 s has room for every one."""

PAGE_ROWS = 1000
"""Rows to a page of the routing database, as asked for (facts §1.4)."""

TELL_AGAIN_SECONDS = 30.0
"""As long as a look may take to settle and to note what it saw (design §5)."""

WORKERS = 10


@dataclass(frozen=True, slots=True)
class Change:
    """A tracked prefix's in-FIB next hops are not those that the last look saw (None: nobody looked)."""

    prefix: str
    seen: tuple[str, ...] | None
    routes: tuple[Route, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """One reading of every route server: what is to be put on the bus, and what could not be read."""

    events: tuple[Event, ...] = ()
    failed: tuple[tuple[str, BaseException], ...] = ()


def next_hops(prefixes: Iterable[str], database: RoutingDatabase) -> dict[str, tuple[str, ...]]:
    """The in-FIB next hops of each tracked prefix, sorted; none for a prefix that is not in the FIB."""
    return {prefix: tuple(sorted({r.next_hop for r in _in_fib(prefix, database)})) for prefix in prefixes}


def changed(prefixes: Iterable[str], database: RoutingDatabase, seen: NextHops | None) -> tuple[Change, ...]:
    """The tracked prefixes whose next hops differ from what was seen; all where nobody ever looked."""
    known = seen or {}
    return tuple(
        Change(prefix, known.get(prefix), _in_fib(prefix, database))
        for prefix, hops in next_hops(prefixes, database).items()
        if known.get(prefix) is None or set(known[prefix]) != set(hops)
    )


def interval(pages: int) -> float:
    """Seconds from one turn to the next: reading so many pages a turn stays at 3 calls a second."""
    return max(EVERY_SECONDS, pages * CALL_SECONDS)


def watch(
    records: Collection[TopologyRecord],
    read: Callable[[str], RoutingDatabase],
    seen: Callable[[], Mapping[str, NextHops]],
    clock: Clock,
    seconds_left: Callable[[], float],
) -> Iterator[Turn]:
    """Turns for a minute, or until the function's time is nearly up; the first one always.

    A route server that cannot be read is in the turn's `failed`; the others go on. While the state table does
    not answer, what it said last counts.
    """
    servers = _by_route_server(records)
    watched = _Watched()
    started = clock.now()
    with ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="watch") as pool:
        while servers:
            began = clock.now()
            reads = {server: pool.submit(read, server) for server in servers}
            yield watched.turn(servers, reads, seen, began)
            after = interval(watched.pages)
            wait = max(0.0, after - (clock.now() - began).total_seconds())
            if (clock.now() - started).total_seconds() + wait >= STAY_SECONDS:
                return
            if seconds_left() - wait < RESERVE_SECONDS:
                return
            clock.sleep(wait)


class _Watched:
    """What one invocation remembers from turn to turn."""

    def __init__(self) -> None:
        self.pages = 1
        self._seen: Mapping[str, NextHops] = {}
        self._told: dict[str, dict[str, tuple[frozenset[str], datetime]]] = {}

    def turn(
        self,
        servers: Mapping[str, Collection[TopologyRecord]],
        reads: Mapping[str, Future[RoutingDatabase]],
        seen: Callable[[], Mapping[str, NextHops]],
        now: datetime,
    ) -> Turn:
        failed: list[tuple[str, BaseException]] = []
        try:
            self._seen = seen()
        except StateUnavailableError as error:
            failed.append(("the state table", error))
        events: list[Event] = []
        self.pages = 0
        for server, reading in reads.items():
            sick = reading.exception()
            if sick is not None:
                failed.append((server, sick))
                self.pages += 1
                continue
            database = reading.result()
            self.pages += 1 + max(0, len(database.routes) - 1) // PAGE_ROWS
            for record in servers[server]:
                events += self._changes(record, database, now)
        return Turn(tuple(events), tuple(failed))

    def _changes(self, record: TopologyRecord, database: RoutingDatabase, now: datetime) -> list[Event]:
        """A change is told at once, and again while it stays: its event or its look may have been lost."""
        name = record.topology.name
        before, self._told[name] = self._told.get(name, {}), {}
        events = []
        for change in changed(tracked(record), database, self._seen.get(name)):
            hops = frozenset(route.next_hop for route in change.routes)
            told = before.get(change.prefix)
            if told is None or told[0] != hops or (now - told[1]).total_seconds() >= TELL_AGAIN_SECONDS:
                events.append(_event(name, change, now))
                told = hops, now
            self._told[name][change.prefix] = told
        return events


def tracked(record: TopologyRecord) -> tuple[str, ...]:
    """Every prefix that a group of the topology tracks, once."""
    return tuple(dict.fromkeys(prefix for group in record.topology.groups for prefix in group.prefixes))


def _by_route_server(records: Iterable[TopologyRecord]) -> dict[str, list[TopologyRecord]]:
    """The topologies of each route server; one without a route server yet has nothing to watch."""
    servers: dict[str, list[TopologyRecord]] = {}
    for record in records:
        server = route_server_of(record)
        if server is not None and tracked(record):
            servers.setdefault(server, []).append(record)
    return servers


def _in_fib(prefix: str, database: RoutingDatabase) -> tuple[Route, ...]:
    return tuple(r for r in database.routes if (r.prefix, r.status) == (prefix, RouteStatus.IN_FIB))


def _event(topology: str, change: Change, now: datetime) -> Event:
    route = next(iter(change.routes), None)
    return event(
        DetailType.ROUTE_CHANGE,
        topology=topology,
        occurred_at=now,
        cause=_cause(change),
        source="watch",
        prefix=change.prefix,
        peer_id=route.peer_id if route else None,
        change=RouteEvent.NEXT_HOP,
        next_hop=route.next_hop if route else None,
        previous_next_hop=next(iter(change.seen or ()), None),
        as_path=list(route.as_path) if route else [],
        med=route.med if route else None,
    )


def _cause(change: Change) -> str:
    hops = sorted({route.next_hop for route in change.routes})
    now = f"goes to {' and '.join(hops)}" if hops else "is not in the FIB"
    if change.seen is None:
        return f"{change.prefix} {now}, and nobody has looked yet"
    before = f"went to {' and '.join(change.seen)}" if change.seen else "was not in the FIB"
    return f"{change.prefix} {now}; the last look saw that it {before}"
