"""The sessions that a plan replaces: whoever owns the route keeps one, or is asked first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tandem.model import Status
from tandem.provisioning.managesteps import DeletePeer
from tests.routing import Run, built, keepalive, wanted
from tests.sessions import down, ending, learned, sessions, single
from tests.topologies import Edit, edited, set_at, words_of


@pytest.fixture(scope="module")
def world() -> Run:
    return built()


def test_the_last_session_of_an_owner_is_not_taken_down_unasked() -> None:
    world = built(single())
    run = world.towards(keepalive(single()))
    left = run.converge()
    assert run.aws.owner == "fw1"
    assert [s.refused is not None for s in left if isinstance(s.do, DeletePeer)] == [True]
    assert any(p.liveness == "bgp-keepalive" for p in run.aws.shown.peers), "the standby's was replaced"


def test_with_leave_the_standby_comes_first_and_takes_over() -> None:
    world = built(single())
    run = world.towards(keepalive(single()), may_interrupt=True)
    order, owners = [], []
    for _ in range(20):
        for step in run.begin():
            run.aws.carry_out(step.do)
            order += [step.do.appliance] if isinstance(step.do, DeletePeer) else []
            owners.append(run.aws.owner)
        run.aws.settle()
    assert order == ["fw2", "fw1"]
    assert None not in owners
    assert run.plan() == ()


def test_the_plan_names_the_standby_first(world: Run) -> None:
    ending = [s.do for s in world.towards(keepalive(wanted())).plan() if isinstance(s.do, DeletePeer)]
    assert [d.appliance for d in ending] == ["fw2", "fw2", "fw1", "fw1"]


def test_a_new_session_that_does_not_come_up_keeps_the_old_one(world: Run) -> None:
    run = world.towards(set_at(wanted(), "appliances.fw1.asn", 65011))
    left = run.converge()
    assert run.aws.owner == "fw1"
    assert len([p for p in run.aws.shown.peers if p.bgp is Status.UP]) == 3
    assert any("fw1's session" in words_of(s.waits_for) for s in left)


def test_a_session_that_is_up_but_advertises_nothing_yet_replaces_nobody(world: Run) -> None:
    run = world.towards(keepalive(wanted()))
    first, second = [p for p in run.aws.shown.peers if p.peer_address == "10.0.1.10"]
    assert run.aws.shown.routes is not None
    learned = tuple(r for r in run.aws.shown.routes if r.peer_id != second.peer_id)
    run.aws.shown = replace(run.aws.shown, routes=learned)
    ending = {s.do.about: s for s in run.plan() if isinstance(s.do, DeletePeer)}
    assert not ending[first.peer_id].is_ready
    assert "to advertise 0.0.0.0/0" in words_of(ending[first.peer_id].waits_for)


def test_nobody_is_taken_down_while_the_routes_cannot_be_read(world: Run) -> None:
    run = world.towards(keepalive(single()))
    run.aws.shown = replace(run.aws.shown, routes=None)
    ended = [s for s in run.plan() if isinstance(s.do, DeletePeer) and s.is_ready]
    live = {p.peer_id for p in run.aws.shown.peers} - {s.do.about for s in ended}
    for address in ("10.0.1.10", "10.0.2.10"):
        assert any(p.peer_address == address for p in run.aws.shown.peers if p.peer_id in live)


LESS: tuple[Edit, ...] = (
    ("appliances.fw1.liveness", "bgp-keepalive"),
    ("appliances.fw1.peers.az1-b", ...),
)


@pytest.mark.parametrize("more", [(), (("appliances.fw2.liveness", "bgp-keepalive"),)])
def test_an_owner_that_loses_a_session_keeps_it_until_the_others_are_replaced(
    world: Run, more: tuple[Edit, ...]
) -> None:
    run = world.towards(edited(wanted(), *LESS, *more))
    assert [s for s in run.plan() if s.refused] == []
    assert run.converge() == ()
    assert run.aws.owner == "fw1"


def test_a_spare_session_of_the_owner_that_is_down_for_a_moment_is_still_needed(world: Run) -> None:
    run = world.towards(edited(wanted(), *LESS))
    first, spare = sessions(run, "10.0.1.10")
    down(run, spare)
    learned(run, (first, "10.0.1.10"))
    assert spare not in ending(run)
    run.aws.settle()
    assert run.converge() == ()


def test_a_standby_loses_its_sessions_one_after_the_other(world: Run) -> None:
    run = world.towards(set_at(wanted(), "appliances.fw2.liveness", "bgp-keepalive"))
    for _ in range(12):
        for step in run.begin():
            run.aws.carry_out(step.do)
        there = [p for p in run.aws.shown.peers if p.peer_address == "10.0.2.10"]
        assert any(p.state == "available" for p in there)
        run.aws.settle()
    assert run.plan() == ()


def test_what_is_told_of_a_standbys_session_is_true(world: Run) -> None:
    run = world.towards(set_at(wanted(), "appliances.fw2.liveness", "bgp-keepalive"))
    first, second = [s for s in run.plan() if isinstance(s.do, DeletePeer)]
    assert words_of(first.interrupts) == "one of fw2's sessions; another one stays"
    assert words_of(second.waits_for) == "fw2's session at az2-a to be available"
    alone = built(single()).towards(set_at(single(), "appliances.fw2.liveness", "bgp-keepalive"))
    (only,) = [s for s in alone.plan() if isinstance(s.do, DeletePeer)]
    assert words_of(only.interrupts) == "one of fw2's sessions, the only one that is live"
