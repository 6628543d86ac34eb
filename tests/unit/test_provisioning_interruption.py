"""Tests whose session may end: never the last live one that carries a tracked prefix, whoever can
tell or not.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tandem.model import Liveness, Status
from tandem.provisioning.managesteps import DeletePeer
from tandem.words.provisioning import said
from tests.routing import Run, built, keepalive, wanted
from tests.sessions import OWNER, STANDBY, down, ending, learned, sessions, single
from tests.topologies import edited, set_at, words_of


@pytest.fixture(scope="module")
def world() -> Run:
    return built()


@pytest.mark.parametrize("may_interrupt", [False, True])
def test_the_one_session_that_carries_the_prefix_stays_while_the_routes_cannot_be_read(
    world: Run, may_interrupt: bool
) -> None:
    """The owner's other session was replaced: it has BGP up, and perhaps advertises nothing yet."""
    run = world.towards(keepalive(wanted()), may_interrupt=may_interrupt)
    fresh, old = sessions(run, OWNER)
    for peer in run.aws.shown.peers:
        if peer.peer_id != old:
            run.aws.peer(replace(peer, liveness=Liveness.BGP_KEEPALIVE))
    learned(run, (old, OWNER))
    assert ending(run) == []
    run.aws.shown = replace(run.aws.shown, routes=None)
    assert ending(run) == []
    learned(run, (old, OWNER), (fresh, OWNER))
    assert ending(run) == [old]


def test_leave_to_interrupt_is_no_leave_to_guess() -> None:
    world = built(single())
    run = world.towards(keepalive(single()), may_interrupt=True)
    run.aws.shown = replace(run.aws.shown, routes=None)
    assert ending(run) == []
    waits = [words_of(s.waits_for) for s in run.plan() if isinstance(s.do, DeletePeer)]
    assert waits == ["readable routes: the routing database cannot be read"] * 2
    run.aws.converge()
    assert ending(run) == sessions(run, STANDBY), "the standby comes first"


def test_a_session_that_carries_anothers_next_hop_is_not_the_last_to_go(world: Run) -> None:
    run = world.towards(set_at(wanted(), "appliances.fw2.liveness", "bgp-keepalive"))
    first, second = sessions(run, STANDBY)
    learned(run, (second, OWNER))
    assert ending(run) == [first]
    learned(run, (first, OWNER), (second, OWNER))
    assert len(ending(run)) == 1


def test_a_worse_route_to_somebody_else_is_no_second_carrier() -> None:
    """Without this session the prefix would go to the other appliance, and its owner would lose it."""
    world = built(single())
    run = world.towards(set_at(single(), "appliances.fw2.liveness", "bgp-keepalive"))
    (carrier,), (own,) = sessions(run, STANDBY), sessions(run, OWNER)
    learned(run, (carrier, OWNER), (own, STANDBY))
    (step,) = [s for s in run.plan() if isinstance(s.do, DeletePeer)]
    assert step.do.about == carrier != own
    assert step.refused is not None
    assert "which carries for fw1 0.0.0.0/0" in said(step.refused).what


def test_routes_that_outlive_their_sessions_hold_the_owners_peers(world: Run) -> None:
    run = world.towards(set_at(wanted(), "appliances.fw1.liveness", "bgp-keepalive"))
    first, second = sessions(run, OWNER)
    down(run, first, second)
    assert ending(run) == []
    assert all(
        "fw1 to have BGP up" in words_of(s.waits_for) for s in run.plan() if isinstance(s.do, DeletePeer)
    )
    run.aws.peer(replace(next(p for p in run.aws.shown.peers if p.peer_id == first), bgp=Status.UP))
    assert ending(run) == [second], "the other one is up and carries it"


def test_routes_that_outlive_their_sessions_hold_no_peer_for_ever(world: Run) -> None:
    made = set_at(wanted(), "appliances.fw1.liveness", "bgp-keepalive")
    run = world.towards(made)
    down(run, *sessions(run, OWNER))
    run.aws.converge()
    assert run.aws.owner == "fw2"
    assert ending(run) == sessions(run, OWNER), "another one has the prefix"
    allowed = world.towards(made, may_interrupt=True)
    down(allowed, *sessions(allowed, OWNER))
    assert ending(allowed) == sessions(allowed, OWNER), "with leave, and the standby up"


def test_an_owner_keeps_a_session_of_its_own_though_another_carries_its_prefix() -> None:
    world = built(single())
    run = world.towards(set_at(single(), "appliances.fw1.liveness", "bgp-keepalive"))
    (own,), (carrier,) = sessions(run, OWNER), sessions(run, STANDBY)
    learned(run, (own, OWNER), (carrier, OWNER))
    assert [s.refused is not None for s in run.plan() if isinstance(s.do, DeletePeer)] == [True]


def test_a_route_that_outlives_the_session_that_carried_it_for_another_holds_that_one(world: Run) -> None:
    run = world.towards(set_at(wanted(), "appliances.fw2.liveness", "bgp-keepalive"))
    first, second = sessions(run, STANDBY)
    down(run, first, second)
    learned(run, (first, OWNER))
    assert ending(run) == [second]


def test_a_failed_peer_never_comes_back_and_holds_nothing(world: Run) -> None:
    run = world.towards(edited(wanted(), ("appliances.fw1.peers.az1-b", ...)))
    for peer in run.aws.shown.peers:
        if peer.peer_address == OWNER:
            run.aws.peer(replace(peer, state="failed", bgp=Status.DOWN))
    assert ending(run) == sessions(run, OWNER)


def test_nothing_is_ended_while_every_session_is_down_and_the_routes_cannot_be_read(world: Run) -> None:
    run = world.towards(keepalive(wanted()))
    down(run, *(p.peer_id for p in run.aws.shown.peers))
    run.aws.shown = replace(run.aws.shown, routes=None)
    assert ending(run) == []
