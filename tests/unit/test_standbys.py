"""Which appliance could take over, and for how long one that could not is nobody's news."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tandem.episodes import GRACE
from tandem.failover.standbys import LONG_GRACE, judge
from tandem.failover.vitality import is_dead
from tandem.memory import Memory
from tandem.model import Observation, Peer, RouteStatus, RoutingDatabase, Unknown
from tandem.topology import Topology
from tests.pure import ADDRESS, DOWN, ENDPOINTS, INSTANCE, NOW, observation, peer, route, topology

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
WITH_ROUTE = replace(WELL, database=RoutingDatabase((*WELL.database.routes, LEARNED)))
WITH_ODD_ROW = replace(WELL, database=replace(WELL.database, unread=("a row",)), unread=("a row",))


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
    assert is_dead(EDGE.appliances["fw2"], observed) is dead


def seen(
    memory: Memory, observed: Observation, at: timedelta, of: Topology = EDGE
) -> tuple[Memory, list[str]]:
    memory, found = judge(of, observed, memory, NOW + at, may_tell=True)
    return memory, [f"{f.change} {f.key}" for f in found]


def told_after(began: Observation, then: Observation) -> timedelta | None:
    """How long `then` lasts until it is told, looked at every ten seconds, after one look at `began`."""
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
    if told is not None and is_dead(EDGE.appliances["fw2"], began):
        told += timedelta(seconds=10)
    assert told == after


def test_an_active_appliance_that_is_dead_is_a_move_or_a_hold() -> None:
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
