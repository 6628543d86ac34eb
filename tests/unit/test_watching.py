"""The watch says at once, and until a look has seen it, that a next hop changed."""

from __future__ import annotations

from concurrent import futures
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem.errors import StateUnavailableError, TemporaryError
from tandem.failover.settling import seen_next_hops
from tandem.failover.watch import EVERY_SECONDS, Turn, changed, interval, watch
from tandem.model import Observation, Route, RouteStatus, RoutingDatabase
from tests.contracts import assert_meets_schema
from tests.samples import ROUTE_SERVER, bare_record, record

BEGIN = datetime(2026, 11, 21, 3, 58, tzinfo=UTC)
DEFAULT = "0.0.0.0/0"
FW1, FW2 = "10.0.1.10", "10.0.2.10"

prefixes = st.sampled_from([DEFAULT, "10.20.0.0/16", "10.20.1.0/24", "2001:db8::/32"])
hops = st.sampled_from([FW1, FW2, "10.0.9.9", "2001:db8::1"])
routes = st.builds(
    Route,
    prefix=prefixes,
    next_hop=hops,
    status=st.sampled_from(list(RouteStatus)),
    peer_id=st.sampled_from(["rsp-1", "rsp-2"]),
)
databases = st.lists(routes, max_size=12).map(lambda rows: RoutingDatabase(tuple(rows)))
tracked = st.lists(prefixes, unique=True, max_size=4)
sightings = st.dictionaries(prefixes, st.lists(hops, max_size=3).map(tuple))


def fib(next_hop, prefix=DEFAULT):
    return RoutingDatabase(
        (Route(prefix, next_hop, RouteStatus.IN_FIB, "rsp-0f1000000000000a1", ("65001",), 7),)
    )


Seen = dict[str, dict[str, tuple[str, ...]]]


@dataclass
class Watched:
    """A world on a clock of its own: route servers, and what the last looks saw."""

    databases: dict[str, RoutingDatabase | Exception] = field(
        default_factory=lambda: {ROUTE_SERVER: fib(FW1)}
    )
    seen: Seen | Exception = field(default_factory=lambda: Seen(edge={DEFAULT: (FW1,)}))
    lasts: float = 900.0
    at: datetime = BEGIN
    read_seconds: float = 0.0
    reads: list[tuple[str, float]] = field(default_factory=list)
    hung: dict[str, float] = field(default_factory=dict)
    """Route servers whose first read gives no answer, and until when."""
    waits: int = 0

    def __post_init__(self):
        self.answer = {server: Event() for server in self.hung}

    def now(self):
        return self.at

    def sleep(self, seconds):
        self.at += timedelta(seconds=seconds)

    def elapsed(self):
        return (self.at - BEGIN).total_seconds()

    def read(self, server):
        self.reads.append((server, self.elapsed()))
        self.at += timedelta(seconds=self.read_seconds)
        if server in self.answer:
            self.answer[server].wait()
        found = self.databases[server]
        if isinstance(found, Exception):
            raise found
        return found

    def look(self):
        if isinstance(self.seen, Exception):
            raise self.seen
        return self.seen

    def wait(self, reads, seconds):
        """For all answers or so many seconds of this world's time: whatever does not hang answers."""
        self.waits += 1
        left, end = set(reads), self.elapsed() + seconds
        while left:
            while len(left) > len(self.hung):
                left = futures.wait(left, return_when=futures.FIRST_COMPLETED).not_done
            if left:
                until, server = min((until, server) for server, until in self.hung.items())
                self.at = BEGIN + timedelta(seconds=min(end, until))
                if until > end:
                    return
                del self.hung[server]
                self.answer[server].set()

    def turns(self, *records):
        """Each turn with the seconds at which it ended."""
        left = lambda: self.lasts - self.elapsed()  # noqa: E731
        try:
            for turn in watch(records or (record(),), self.read, self.look, self, left, self.wait):
                yield self.elapsed(), turn
        finally:
            for answer in self.answer.values():
                answer.set()


def told(turns):
    """When which topology was told of which next hop."""
    return [(at, e.detail["topology"], e.detail["next_hop"]) for at, turn in turns for e in turn.events]


@given(tracked, databases)
def test_the_watch_and_the_look_read_a_database_alike(tracking, database):
    group = replace(record().topology.groups[0], prefixes=tuple(tracking))
    topology = replace(record().topology, groups=(group,))
    observation = Observation(database, (), {}, None, None)
    assert database.next_hops(tracking) == seen_next_hops(observation, topology)


@given(tracked, databases)
def test_nothing_changed_once_a_look_has_seen_it(tracking, database):
    assert changed(tracking, database, database.next_hops(tracking)) == ()


@given(tracked, databases, sightings)
def test_exactly_the_prefixes_whose_next_hops_differ_changed(tracking, database, seen):
    now = database.next_hops(tracking)
    expected = [p for p in tracking if p not in seen or set(seen[p]) != set(now[p])]
    assert [change.prefix for change in changed(tracking, database, seen)] == expected


@given(tracked, databases)
def test_where_nobody_ever_looked_every_prefix_is_a_reason_to(tracking, database):
    assert [change.prefix for change in changed(tracking, database, None)] == tracking


@given(st.integers(0, 100_000))
def test_calls_stay_under_four_a_second_however_many_there_are(pages):
    assert interval(pages) >= EVERY_SECONDS
    assert pages / interval(pages) < 4


def test_an_untracked_prefix_and_a_route_that_is_only_known_change_nothing():
    rib = Route(DEFAULT, FW2, RouteStatus.IN_RIB, "rsp-2")
    database = RoutingDatabase((*fib(FW1).routes, rib, *fib(FW2, "10.20.0.0/16").routes))
    assert changed([DEFAULT], database, {DEFAULT: (FW1,)}) == ()


def test_it_reads_every_five_seconds_for_its_minute():
    world = Watched()
    assert [at for at, _ in world.turns()] == [float(at) for at in range(0, 60, 5)]
    assert world.elapsed() <= 60


def test_it_ends_before_the_functions_time_is_up():
    world = Watched(lasts=30.0)
    ends = [at for at, _ in world.turns()]
    assert ends[-1] == 20.0
    assert world.elapsed() <= 20.0


def test_it_reads_at_least_once_however_little_time_there_is():
    assert len(list(Watched(lasts=1.0).turns())) == 1


def test_a_slow_read_delays_the_next_turn_but_adds_none():
    world = Watched(read_seconds=7.0)
    assert [at for at, _ in world.turns()] == [7.0, 14.0, 21.0, 28.0, 35.0, 42.0, 49.0, 56.0, 63.0]


@pytest.mark.parametrize("servers", [1, 15, 40, 170])
def test_many_route_servers_are_read_less_often(servers):
    ids = [f"rs-{n:017x}" for n in range(servers)]
    world = Watched(databases={server: fib(FW1) for server in ids})
    records = [record(f"edge-{n}", route_server_id=server) for n, server in enumerate(ids)]
    world.seen = {r.topology.name: {DEFAULT: (FW1,)} for r in records}
    assert all(turn == Turn() for _, turn in world.turns(*records))
    turns = sorted({at for _, at in world.reads})
    gaps = [later - earlier for earlier, later in pairwise(turns)]
    assert gaps
    assert all(gap >= EVERY_SECONDS and servers / gap <= 3.01 for gap in gaps)


def test_large_databases_count_with_all_their_pages():
    rows = tuple(Route(DEFAULT, FW1, RouteStatus.IN_RIB, f"rsp-{n}") for n in range(39_001))
    world = Watched(databases={ROUTE_SERVER: RoutingDatabase((*fib(FW1).routes, *rows))})
    began = [at for at, _ in world.turns()]
    assert 40 / (began[1] - began[0]) <= 3.01


def test_a_changed_next_hop_is_told_in_the_words_of_the_bus():
    world = Watched({ROUTE_SERVER: fib(FW2)})
    _, turn = next(world.turns())
    (event,) = turn.events
    assert_meets_schema(event)
    assert event.detail == {
        "schema_version": 2,
        "topology": "edge",
        "occurred_at": "2026-11-21T03:58:00.000Z",
        "cause": f"0.0.0.0/0 goes to {FW2}; the last look saw that it went to {FW1}",
        "source": "watch",
        "prefix": DEFAULT,
        "peer_id": "rsp-0f1000000000000a1",
        "change": "next-hop",
        "next_hop": FW2,
        "previous_next_hop": FW1,
        "as_path": ["65001"],
        "med": 7,
    }


@pytest.mark.parametrize(
    ("database", "seen", "cause"),
    [
        (
            RoutingDatabase(),
            {DEFAULT: (FW1,)},
            f"0.0.0.0/0 is not in the FIB; the last look saw that it went to {FW1}",
        ),
        (fib(FW1), {DEFAULT: ()}, f"0.0.0.0/0 goes to {FW1}; the last look saw that it was not in the FIB"),
        (fib(FW1), {}, f"0.0.0.0/0 goes to {FW1}, and nobody has looked yet"),
        (RoutingDatabase(), None, "0.0.0.0/0 is not in the FIB, and nobody has looked yet"),
        (
            RoutingDatabase(doubts={DEFAULT: "odd"}),
            {DEFAULT: (FW1,)},
            f"0.0.0.0/0 cannot be read (odd); the last look saw that it went to {FW1}",
        ),
        (
            RoutingDatabase(doubts={"": "odd"}),
            None,
            "0.0.0.0/0 cannot be read (odd), and nobody has looked yet",
        ),
        (
            replace(fib(FW2), doubts={"": "odd"}),
            {DEFAULT: (FW1,)},
            f"0.0.0.0/0 goes to {FW2}; the last look saw that it went to {FW1}",
        ),
    ],
)
def test_every_kind_of_change_has_its_words_and_meets_the_schema(database, seen, cause):
    world = Watched({ROUTE_SERVER: database}, {} if seen is None else {"edge": seen})
    _, turn = next(world.turns())
    (event,) = turn.events
    assert_meets_schema(event)
    assert event.detail["cause"] == cause


def test_a_change_is_told_once_and_again_every_half_minute_while_no_look_saw_it():
    world = Watched({ROUTE_SERVER: fib(FW2)})
    assert told(world.turns()) == [(0.0, "edge", FW2), (30.0, "edge", FW2)]


def test_a_change_that_a_look_has_seen_is_told_no_more():
    world = Watched({ROUTE_SERVER: fib(FW2)})
    heard = []
    for at, turn in world.turns():
        heard += told([(at, turn)])
        world.seen = {"edge": {DEFAULT: (FW2,)}}
    assert heard == [(0.0, "edge", FW2)]


def test_each_flap_is_told_at_once():
    world = Watched()
    heard = []
    for at, turn in world.turns():
        heard += told([(at, turn)])
        world.databases[ROUTE_SERVER] = fib(FW1 if (at // 5) % 2 else FW2)
    assert heard == [(float(at), "edge", FW2) for at in range(5, 60, 10)]


def test_a_change_of_a_change_is_told_at_once():
    world = Watched({ROUTE_SERVER: fib(FW2)})
    heard = []
    for at, turn in world.turns():
        heard += told([(at, turn)])
        world.databases[ROUTE_SERVER] = fib(FW2 if at < 10 else "10.0.9.9")
    assert heard == [(0.0, "edge", FW2), (15.0, "edge", "10.0.9.9"), (45.0, "edge", "10.0.9.9")]


def test_one_sick_route_server_does_not_stop_the_others():
    sick = "rs-0b0b0b0b0b0b0b0b0"
    error = TemporaryError("GetRouteServerRoutingDatabase: InternalError")
    world = Watched({sick: error, ROUTE_SERVER: fib(FW2)})
    turns = list(world.turns(record("ill", route_server_id=sick), record()))
    assert told(turns) == [(0.0, "edge", FW2), (30.0, "edge", FW2)]
    assert [turn.failed for _, turn in turns] == [((sick, error),)] * 12


SICK = "rs-0b0b0b0b0b0b0b0b0"


def hanging(seconds: float, lasts: float = 90.0) -> Watched:
    """One route server gives no answer for so long; the other one's next hop changed."""
    return Watched({SICK: fib(FW2), ROUTE_SERVER: fib(FW2)}, lasts=lasts, hung={SICK: seconds})


def watched(world):
    return world.turns(record("ill", route_server_id=SICK), record())


def test_a_route_server_that_hangs_delays_nobody_and_counts_when_it_answers():
    world = hanging(24.0)
    turns = list(watched(world))
    assert told(turns) == [
        (0.5, "edge", FW2),
        (24.0, "ill", FW2),
        (30.0, "edge", FW2),
        (50.0, "ill", FW2),
    ]
    assert [at for server, at in world.reads if server == ROUTE_SERVER] == [
        float(at) for at in range(0, 60, 5)
    ]


def test_a_read_that_is_under_way_is_not_begun_again_and_is_told_each_turn():
    world = hanging(24.0)
    turns = list(watched(world))
    assert [at for server, at in world.reads if server == SICK] == [0.0, *map(float, range(25, 60, 5))]
    failed = [(at, what, str(error)) for at, turn in turns for what, error in turn.failed]
    why = "no answer within 5 s: the read goes on, and no second one is begun"
    assert failed == [(at, SICK, why) for at in (5.0, 10.0, 15.0, 20.0)]


@pytest.mark.parametrize("lasts", [90.0, 62.0, 30.0, 11.0, 1.0])
def test_a_read_that_never_answers_keeps_no_invocation_beyond_its_time(lasts):
    world = hanging(float("inf"), lasts)
    turns = list(watched(world))
    assert told(turns)[0] == (0.5, "edge", FW2)
    assert SICK in dict(turns[-1][1].failed)
    assert world.elapsed() <= max(0.5, lasts - 2.0)
    assert world.waits <= 2 * lasts + 2


def test_a_read_that_ends_after_the_last_turn_is_waited_for():
    world = hanging(70.0)
    list(watched(world))
    assert world.elapsed() == 70.0
    assert world.hung == {}


def test_while_the_state_table_is_away_what_it_said_last_counts():
    world = Watched()
    turns = world.turns()
    assert next(turns)[1] == Turn()
    away = world.seen = StateUnavailableError("DynamoDB did not answer")
    assert next(turns)[1] == Turn((), (("the state table", away),))
    world.databases[ROUTE_SERVER] = fib(FW2)
    assert [e.detail["next_hop"] for e in next(turns)[1].events] == [FW2]


def test_topologies_of_one_route_server_share_its_reads():
    world = Watched()
    turns = list(world.turns(record(), record("twin")))
    assert len(world.reads) == len(turns)
    assert told(turns)[0] == (0.0, "twin", FW1)


def test_a_topology_without_route_server_or_prefixes_is_not_watched():
    unborn = bare_record()
    server = replace(unborn.topology.route_server, route_server_id=None)
    unborn = replace(unborn, topology=replace(unborn.topology, route_server=server))
    idle = replace(record(), topology=replace(record().topology, groups=()))
    world = Watched()
    assert list(world.turns(unborn, idle)) == []
    assert world.reads == []
