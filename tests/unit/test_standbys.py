"""Tests which appliance could take over, and for how long one that could not is nobody's news."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tandem.audit import Record
from tandem.failover.recall import recalled
from tandem.failover.standbys import LONG_GRACE, judge
from tandem.failover.vitality import Scene, cannot_take_over, declared_as, is_active, some_down
from tandem.model import Liveness, Observation, Peer, RouteStatus, RoutingDatabase, Unknown
from tandem.state.episodes import GRACE, Episode
from tandem.state.memory import Memory
from tandem.topology.document import Topology
from tests.pure import (
    ADDRESS,
    DOWN,
    ENDPOINTS,
    INSTANCE,
    NOW,
    observation,
    peer,
    route,
    route_server,
    topology,
    with_database,
)

EDGE = topology()
WELL = observation("fw1", "fw1")
UNREAD = "the peer rsp-x cannot be read (KeyError)"


def fw2(*sessions: Peer, of: Observation = WELL, state: str | None = "running") -> Observation:
    """fw1 is well and active; fw2 has these sessions, on an instance in this state (None: gone)."""
    own = tuple(peer("fw1", e) for e in ENDPOINTS["fw1"])
    states = {INSTANCE["fw1"]: "running"} | ({INSTANCE["fw2"]: state} if state else {})
    return replace(of, peers=own + sessions, instance_states=states)


A, B = (peer("fw2", e) for e in ENDPOINTS["fw2"])
LOST = replace(A, bgp=DOWN, bfd=DOWN), replace(B, bgp=DOWN, bfd=DOWN)
BFD_LOST = replace(A, bfd=DOWN), replace(B, bfd=DOWN)
LEARNED = replace(route("fw2"), status=RouteStatus.IN_RIB, peer_id=A.peer_id)
WITH_ROUTE = replace(WELL, database=RoutingDatabase((route("fw1"), LEARNED)))
WITH_ODD_ROW = replace(with_database(WELL, unread=("a row",)), unread=("a row",))


@pytest.mark.parametrize(
    ("observed", "dead"),
    [
        (fw2(A, B), False),
        (fw2(A, LOST[1]), False),
        (fw2(*LOST), True),
        (fw2(), True),
        (fw2(A, B, state="stopped"), True),
        (fw2(A, B, state=None), True),
        (replace(fw2(A, B), instance_states=None), False),
        (replace(fw2(*LOST), instance_states=None), True),
        (replace(fw2(A, B, state=None), unknown=Unknown(instances={INSTANCE["fw2"]: UNREAD})), False),
        (replace(fw2(*LOST, state=None), unknown=Unknown(instances={INSTANCE["fw2"]: UNREAD})), True),
        (fw2(replace(LOST[0], state="pending"), LOST[1]), None),
        (fw2(replace(LOST[0], state="pending"), LOST[1], state="stopped"), True),
        (fw2(replace(LOST[0], state="failed"), LOST[1]), True),
        (replace(fw2(*LOST), unread=(UNREAD,), unknown=Unknown(peers={ADDRESS["fw2"]: UNREAD})), None),
        (replace(fw2(*LOST), unread=(UNREAD,)), True),
        (replace(fw2(A, LOST[1]), unread=(UNREAD,), unknown=Unknown(peers={ADDRESS["fw2"]: UNREAD})), False),
        (fw2(*BFD_LOST), True),
        (fw2(*BFD_LOST, of=WITH_ROUTE), False),
        (fw2(*BFD_LOST, of=WITH_ODD_ROW), False),
        (fw2(replace(A, bfd=None), LOST[1]), False),
    ],
    ids=[
        "both up",
        "one of two up",
        "none up",
        "no peer",
        "stopped",
        "gone",
        "up, instance unread",
        "down, instance unread",
        "up, its own instance unread",
        "down, its own instance unread",
        "being made",
        "being made, stopped",
        "failed peer",
        "unread session",
        "unread stranger",
        "unread beside one up",
        "BFD down, no route",
        "BFD down, a route",
        "BFD down, unread row",
        "no BFD status",
    ],
)
def test_whether_an_appliance_could_take_over(observed: Observation, dead: bool | None) -> None:
    assert cannot_take_over(EDGE.appliances["fw2"], route_server(observed)) is dead


def seen(
    memory: Memory, observed: Observation, at: timedelta, of: Topology = EDGE
) -> tuple[Memory, list[str]]:
    memory, found = judge(of, observed, memory, NOW + at, may_tell=True)
    return memory, [f"{f.change} {f.key}" for f in found]


def told_after(began: Observation, then: Observation) -> timedelta | None:
    """Returns how long `then` lasts until it is told, looked at every ten seconds, after one look at
    `began`.
    """
    memory, _ = seen(Memory(), began, timedelta(0))
    for number in range(1, 400):
        memory, found = seen(memory, then, timedelta(seconds=10 * number))
        if found:
            return timedelta(seconds=10 * (number - 1))
    return None


@pytest.mark.parametrize(
    ("began", "then", "after"),
    [
        (fw2(A, B), fw2(*LOST), GRACE),
        (fw2(A, B), fw2(A, B, state="stopped"), GRACE),
        (fw2(A, B), fw2(A, LOST[1]), LONG_GRACE),
        (fw2(*LOST), fw2(*LOST), LONG_GRACE),
        (fw2(), fw2(*LOST), LONG_GRACE),
        (fw2(A, B), replace(fw2(*LOST), peers=()), None),
        (
            fw2(A, B),
            replace(fw2(*LOST), unread=(UNREAD,), unknown=Unknown(peers={ADDRESS["fw2"]: UNREAD})),
            None,
        ),
    ],
    ids=["dead", "stopped", "one of two", "never up", "made, and never up", "both dead", "unknown"],
)
def test_how_long_it_lasts_before_it_is_told(
    began: Observation, then: Observation, after: timedelta | None
) -> None:
    told = told_after(began, then)
    if told is not None and cannot_take_over(EDGE.appliances["fw2"], route_server(began)):
        told += timedelta(seconds=10)
    assert told == after


def test_an_active_appliance_that_cannot_take_over_is_a_move_or_a_hold() -> None:
    of_fw1 = tuple(replace(peer("fw1", e), bgp=DOWN, bfd=DOWN) for e in ENDPOINTS["fw1"])
    assert told_after(WELL, replace(WELL, peers=(*of_fw1, A, B))) is None


def test_an_appliance_of_another_instance_has_all_its_time_again() -> None:
    other = replace(
        EDGE, appliances={**EDGE.appliances, "fw2": replace(EDGE.appliances["fw2"], instance_id="i-0other")}
    )
    memory, _ = seen(Memory(), fw2(A, B), timedelta(0))
    memory, _ = seen(memory, fw2(*LOST), timedelta(minutes=1))
    started = replace(fw2(*LOST), instance_states={**(WELL.instance_states or {}), "i-0other": "running"})
    memory, found = seen(memory, started, timedelta(minutes=5), other)
    assert found == []
    memory, found = seen(memory, started, timedelta(minutes=35), other)
    assert found == ["opened standby-alive fw2"]


@pytest.mark.parametrize(
    ("observed", "instance"),
    [
        (fw2(*LOST), (INSTANCE["fw2"], "running")),
        (fw2(*LOST, state=None), (INSTANCE["fw2"], "gone")),
        (
            replace(fw2(*LOST, state=None), unknown=Unknown(instances={INSTANCE["fw2"]: UNREAD})),
            (INSTANCE["fw2"], None),
        ),
    ],
    ids=["running", "gone", "unread"],
)
def test_a_finding_names_the_instance_and_its_state(
    observed: Observation, instance: tuple[str, str | None]
) -> None:
    memory, _ = seen(Memory(), fw2(A, B), timedelta(0))
    memory, _ = seen(memory, observed, timedelta(minutes=1))
    _, (found,) = judge(EDGE, observed, memory, NOW + timedelta(minutes=5), may_tell=True)
    assert found.instance == instance


def changed(**of: object) -> Topology:
    """The topology with fw2 declared otherwise."""
    return replace(EDGE, appliances={**EDGE.appliances, "fw2": replace(EDGE.appliances["fw2"], **of)})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "other",
    [
        changed(asn=65099),
        changed(liveness=Liveness.BGP_KEEPALIVE),
        changed(peers=(("az2-a", "10.0.2.99"),)),
        replace(EDGE, route_server=replace(EDGE.route_server, route_server_id="rs-0other")),
    ],
    ids=["ASN", "liveness", "sessions", "route server"],
)
def test_what_is_declared_otherwise_has_to_come_up_anew(other: Topology) -> None:
    assert declared_as(EDGE, EDGE.appliances["fw2"]) != declared_as(other, other.appliances["fw2"])


def test_the_owner_is_active_without_addresses_and_so_is_who_has_them_without_the_route() -> None:
    nobodys = observation("fw1", None)
    assert [is_active(n, Scene(route_server(nobodys), Memory())) for n in ("fw1", "fw2")] == [True, False]
    without_route = replace(observation("fw1", "fw2"), database=RoutingDatabase())
    assert [is_active(n, Scene(route_server(without_route), Memory())) for n in ("fw1", "fw2")] == [
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("sessions", "down"),
    [
        ((A, B), False),
        ((A, LOST[1]), True),
        ((A, replace(LOST[1], state="pending")), None),
        ((replace(LOST[0], state="pending"), LOST[1]), True),
    ],
    ids=["both up", "one down", "one pending", "one pending, one down"],
)
def test_a_session_that_aws_still_sets_up_is_not_down(sessions: tuple[Peer, ...], down: bool | None) -> None:
    assert some_down(EDGE.appliances["fw2"], route_server(fw2(*sessions))) is down


def test_an_appliance_that_left_the_document_is_forgotten() -> None:
    memory, _ = seen(Memory(), fw2(A, B), timedelta(0))
    alone = replace(EDGE, appliances={"fw1": EDGE.appliances["fw1"]})
    memory, _ = seen(memory, fw2(A, B), timedelta(seconds=10), alone)
    assert set(memory.seen_up) == {"fw1"}


KEY = "standby-alive fw2"


def record(number: int, status: str, minutes: int) -> Record:
    since = (NOW + timedelta(minutes=minutes)).isoformat()
    body = {"kind": "finding", "findings": {KEY: {"status": status, "since": since}}}
    return Record("failover#edge", number, "", "", body)


def test_the_newest_record_says_what_was_notified() -> None:
    opened, resolved = record(1, "opened", -9), record(2, "resolved", -5)
    assert recalled(Memory(), (resolved, opened)).episodes == {}
    assert recalled(Memory(), (record(3, "opened", -2), resolved, opened)).episodes[KEY].told
    told = recalled(Memory(), (opened,))
    assert recalled(told, (resolved, opened)).episodes == {}


@pytest.mark.parametrize("known", [-12, -3])
def test_an_episode_began_when_the_first_of_memory_and_trail_says(known: int) -> None:
    at = NOW + timedelta(minutes=known)
    memory = replace(Memory(), episodes={KEY: Episode(at, at)})
    since = recalled(memory, (record(1, "opened", -9),)).episodes[KEY].since
    assert since == NOW + timedelta(minutes=min(known, -9))


def test_a_rule_of_another_version_ends_without_a_finding() -> None:
    long_ago = NOW - timedelta(hours=1)
    memory = Memory(episodes={"applause fw2": Episode(long_ago, long_ago, told=True)})
    after, found = judge(EDGE, fw2(A, B), memory, NOW, may_tell=True)
    assert found == ()
    assert "applause fw2" not in after.episodes
