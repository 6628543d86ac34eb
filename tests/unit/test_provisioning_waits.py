"""Tests what waits: for AWS, for people, never for itself alone; and what a change of persistence
waits for.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from tandem.model import Status
from tandem.provisioning.managesteps import DeletePeer, ModifyRouteServer, Step
from tandem.words.provisioning import said
from tests.routing import Run, built, wanted
from tests.sessions import down, fail_endpoint, learned, single
from tests.topologies import set_at, words_of

WORLD, SINGLE = built(), built(single())


def copy(world: Run, **more: Any) -> Run:
    return Run(world.aws.copy(), replace(world.desired, **more))


BROKEN = list(product(["failed", "delete-failed"], ["up", "down", "failed"]))


@pytest.mark.parametrize(
    "names", [("az1-a",), ("az1-b",), ("az1-a", "az1-b"), ("az2-a",), ("az2-a", "az2-b")]
)
@pytest.mark.parametrize(("state", "peers"), BROKEN)
def test_a_failed_endpoint_in_a_full_subnet_is_replaced_whatever_its_peers_are(
    names: tuple[str, ...], state: str, peers: str
) -> None:
    run = copy(WORLD)
    gone = [fail_endpoint(run, name, state, peers).endpoint_id for name in names]
    assert run.converge() == ()
    there = {e.endpoint_id: e.state for e in run.aws.shown.endpoints}
    assert [there[i] for i in gone] == ["deleted"] * len(gone)
    assert sorted(there.values()).count("available") == 4
    assert len([p for p in run.aws.shown.peers if p.bgp is Status.UP]) == 4


def test_the_last_session_of_an_owner_on_a_failed_endpoint_wants_leave_and_is_not_waited_for() -> None:
    """Its successor can only be made when the endpoint is gone."""
    run = copy(SINGLE)
    fail_endpoint(run, "az1-a", "failed", "up")
    (step,) = [s for s in run.plan() if isinstance(s.do, DeletePeer)]
    assert step.refused is not None
    assert "last live session of fw1" in said(step.refused).what
    run.desired = replace(run.desired, may_interrupt=True)
    (step,) = [s for s in run.plan() if isinstance(s.do, DeletePeer)]
    assert step.is_ready


def test_the_last_session_on_a_failed_endpoint_waits_for_its_successor_where_there_is_room() -> None:
    run = built(set_at(single(), "route_server.endpoints.az1-b", "subnet-0a1b2c3d4e5f60003"))
    fail_endpoint(run, "az1-a", "failed", "up")
    (step,) = [s for s in run.plan() if isinstance(s.do, DeletePeer)]
    assert step.refused is None
    assert "fw1's session at az1-a to have BGP up and to advertise 0.0.0.0/0" in words_of(step.waits_for)
    assert run.converge() == ()


def by_hand(world: Run, minutes: int = 5) -> Run:
    """Somebody has switched persistence on."""
    run = copy(world)
    server = replace(run.aws.shown.servers[0], persist_state="enabled", persist_minutes=minutes)
    run.aws.shown = replace(run.aws.shown, servers=(server,))
    return run


def all_down(run: Run) -> Run:
    rows = [(p.peer_id, p.peer_address) for p in run.aws.shown.peers]
    down(run, *(peer_id for peer_id, _ in rows))
    learned(run, *rows)
    return run


def change(run: Run) -> Step:
    (step,) = [s for s in run.plan() if isinstance(s.do, ModifyRouteServer) and s.do.persist]
    return step


@pytest.mark.parametrize("minutes", ["disable", 1])
def test_persistence_is_not_changed_while_a_prefix_lives_on_it_alone(minutes: str | int) -> None:
    run = by_hand(WORLD).towards(set_at(wanted(), "route_server.persist_routes", minutes))
    assert change(run).is_ready, "every session is up"
    all_down(run)
    assert "fw1 to have BGP up: 0.0.0.0/0 is in the FIB" in words_of(change(run).waits_for)
    run.aws.peer(replace(run.aws.shown.peers[-1], bgp=Status.UP))
    assert not change(run).is_ready, "the standby's session carries another's"
    run.aws.peer(replace(run.aws.shown.peers[0], bgp=Status.UP))
    assert change(run).is_ready


@pytest.mark.parametrize("may_interrupt", [False, True])
def test_persistence_is_not_changed_while_the_routes_cannot_be_read(may_interrupt: bool) -> None:
    run = by_hand(copy(WORLD, may_interrupt=may_interrupt))
    run.aws.shown = replace(run.aws.shown, routes=None)
    assert "the routing database cannot be read" in words_of(change(run).waits_for)


def test_leave_to_interrupt_ends_the_wait_of_persistence() -> None:
    run = all_down(by_hand(copy(WORLD, may_interrupt=True)))
    assert change(run).is_ready


def test_persistence_that_protects_is_switched_on_at_once() -> None:
    run = all_down(WORLD.towards(set_at(wanted(), "route_server.persist_routes", 3)))
    assert change(run).is_ready


def test_persistence_that_waits_keeps_nothing_else_waiting() -> None:
    made = set_at(wanted(), "route_server.sns_notifications", False)
    run = all_down(
        by_hand(WORLD).towards(set_at(made, "route_server.propagate_to", ["rtb-0a1b2c3d4e5f60002"]))
    )
    ready = [s for s in run.plan() if s.is_ready]
    assert [s.do for s in ready] == [
        ModifyRouteServer(run.aws.shown.servers[0].route_server_id, notifies=False)
    ]
    run.aws.carry_out(ready[0].do)
    run.aws.settle()
    all_down(run)
    assert {type(s.do).__name__ for s in run.plan() if s.is_ready} == {"EnablePropagation"}
