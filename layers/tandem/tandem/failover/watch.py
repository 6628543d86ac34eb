"""The watch: what the routing databases show now against what the last look at each topology saw."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass
from datetime import datetime, timedelta

from tandem.errors import StateUnavailableError, TemporaryError
from tandem.events import DetailType, Event, event
from tandem.model import Route, RoutingDatabase
from tandem.ports import Clock
from tandem.signals.intake import route_server_of
from tandem.signals.signal import RouteEvent
from tandem.state.record import TopologyRecord

NextHops = Mapping[str, tuple[str, ...]]
Reads = Collection[Future[RoutingDatabase]]
Wait = Callable[[Reads, float], object]

STAY_SECONDS = 60.0
"""The schedule wakes the watch every minute; the next one takes over then."""

EVERY_SECONDS = 5.0
CALL_SECONDS = 1 / 3
"""What one call is worth: 3 a second. With a sweep of 60 topologies a minute that is a fifth of EC2's refill
(docs/aws-facts.md#throttling)."""

_TOGETHER_SECONDS = 0.5
"""A turn waits so long for all answers, tells those that came, and waits so long again for the others."""

_RESERVE_SECONDS = 10.0
"""No turn begins or goes on with less time left: ten events take 7 s at the worst (adapters/clients.py)."""

_LEAVE_SECONDS = 2.0
"""What the invocation keeps for itself. A read that is still under way then (24 s a page at the worst, see
adapters/clients.py) is left behind: it only reads. A time-out of 90 s has room for every read of one page."""

_PAGE_ROWS = 1000
"""Rows to a page of the routing database, as asked for (docs/aws-facts.md#paging)."""

_TELL_AGAIN_SECONDS = 30.0
"""As long as a look may take to settle and to note what it saw (docs/adr/0003-what-settles-a-look.md)."""

_WORKERS = 10


@dataclass(frozen=True, slots=True)
class FibChange:
    """A tracked prefix's in-FIB next hops are not those that the last look saw (None: nobody looked)."""

    prefix: str
    seen: tuple[str, ...] | None
    routes: tuple[Route, ...]
    doubt: str | None = None
    """Why nobody can tell whether it is in the FIB, where no row can be read that is."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn, or a part of it, read: what is to be put on the bus, and what could not be read."""

    events: tuple[Event, ...] = ()
    failed: tuple[tuple[str, BaseException], ...] = ()


def changed(
    prefixes: Iterable[str], database: RoutingDatabase, seen: NextHops | None
) -> tuple[FibChange, ...]:
    """The tracked prefixes whose next hops differ from what was seen; all where nobody ever looked."""
    known, doubts = seen or {}, database.doubts
    return tuple(
        FibChange(prefix, known.get(prefix), database.in_fib({prefix}), doubts.get(prefix) or doubts.get(""))
        for prefix, hops in database.next_hops(prefixes).items()
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
    wait: Wait = wait_for,
) -> Iterator[Turn]:
    """Turns for a minute, or until the function's time is nearly up; the first one always.

    A route server that cannot be read, or does not answer within its turn, is in `failed`; the others do not
    wait for it. A read that outlasts its turn is not begun again: its answer counts when it comes. While the
    state table does not answer, what it said last counts.
    """
    servers = _by_route_server(records)
    watched = _Watched(servers)
    reads: dict[str, Future[RoutingDatabase]] = {}
    started = clock.now()
    pool = ThreadPoolExecutor(max_workers=_WORKERS, thread_name_prefix="watch")
    try:
        while servers:
            began = clock.now()
            reads |= {server: pool.submit(read, server) for server in servers if server not in reads}
            while True:
                _await_all(reads.values(), clock, wait)
                answered = {s: reads.pop(s) for s in servers if s in reads and reads[s].done()}
                if answered:
                    yield watched.turn(answered, seen, began)
                spent = (clock.now() - began).total_seconds()
                pause = max(0.0, interval(watched.pages()) - spent)
                if not reads or not pause or seconds_left() < _RESERVE_SECONDS:
                    break
            if reads:
                yield Turn(failed=tuple((server, _no_answer(spent)) for server in reads))
            if (clock.now() - started).total_seconds() + pause >= STAY_SECONDS:
                return
            if seconds_left() - pause < _RESERVE_SECONDS:
                return
            clock.sleep(pause)
    finally:
        wait(reads.values(), max(0.0, seconds_left() - _LEAVE_SECONDS))
        pool.shutdown(wait=False, cancel_futures=True)


class _Watched:
    """What one invocation remembers from turn to turn."""

    def __init__(self, servers: Mapping[str, Collection[TopologyRecord]]) -> None:
        self._servers = servers
        self._pages: dict[str, int] = {}
        self._seen: Mapping[str, NextHops] = {}
        self._told: dict[str, dict[str, tuple[frozenset[str], datetime]]] = {}

    def pages(self) -> int:
        """What reading every route server once takes, as far as is known."""
        return sum(self._pages.get(server, 1) for server in self._servers)

    def turn(
        self,
        answered: Mapping[str, Future[RoutingDatabase]],
        seen: Callable[[], Mapping[str, NextHops]],
        now: datetime,
    ) -> Turn:
        failed: list[tuple[str, BaseException]] = []
        try:
            self._seen = seen()
        except StateUnavailableError as error:
            failed.append(("the state table", error))
        events: list[Event] = []
        for server, reading in answered.items():
            sick = reading.exception()
            if sick is not None:
                failed.append((server, sick))
                continue
            database = reading.result()
            self._pages[server] = 1 + max(0, len(database.routes) - 1) // _PAGE_ROWS
            for record in self._servers[server]:
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
            if told is None or told[0] != hops or (now - told[1]).total_seconds() >= _TELL_AGAIN_SECONDS:
                events.append(_event(name, change, now))
                told = hops, now
            self._told[name][change.prefix] = told
        return events


def _await_all(reads: Reads, clock: Clock, wait: Wait) -> None:
    """Until every read is done, or the time for that is over by the clock."""
    until = clock.now() + timedelta(seconds=_TOGETHER_SECONDS)
    while (left := (until - clock.now()).total_seconds()) > 0 and not all(r.done() for r in reads):
        wait(reads, left)


def _no_answer(seconds: float) -> TemporaryError:
    return TemporaryError(f"no answer within {seconds:.0f} s: the read goes on, and no second one is begun")


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


def _event(topology: str, change: FibChange, now: datetime) -> Event:
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


def _cause(change: FibChange) -> str:
    hops = sorted({route.next_hop for route in change.routes})
    absent = f"cannot be read ({change.doubt})" if change.doubt else "is not in the FIB"
    now = f"goes to {' and '.join(hops)}" if hops else absent
    if change.seen is None:
        return f"{change.prefix} {now}, and nobody has looked yet"
    before = f"went to {' and '.join(change.seen)}" if change.seen else "was not in the FIB"
    return f"{change.prefix} {now}; the last look saw that it {before}"
