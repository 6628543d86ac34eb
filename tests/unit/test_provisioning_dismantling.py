"""The way back takes what Tandem created, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tandem.model import Status
from tandem.provisioning.dismantling import dismantling_plan
from tests.routing import Run, adopted, built


@pytest.fixture(scope="module")
def world() -> Run:
    return built()


def taken_away(run: Run, turns: int = 30) -> None:
    for _ in range(turns):
        for step in [s for s in dismantling_plan(run.desired, run.aws.shown) if s.is_ready]:
            run.aws.carry_out(step.do)
        run.aws.settle()


def test_the_way_back_leaves_nothing_that_was_created(world: Run) -> None:
    run = Run(world.aws.copy(), world.desired)
    taken_away(run)
    assert dismantling_plan(run.desired, run.aws.shown) == ()
    assert run.aws.shown.peers == ()
    assert {s.state for s in run.aws.shown.servers} == {"deleted"}
    assert {e.state for e in run.aws.shown.endpoints} == {"deleted"}


def test_the_way_back_takes_nothing_that_was_adopted(world: Run) -> None:
    run = adopted(world)
    run.converge()
    assert dismantling_plan(run.desired, run.aws.shown) == ()


def test_the_way_back_stops_at_what_somebody_else_has_put_there(world: Run) -> None:
    run = Run(world.aws.copy(), world.desired)
    stranger = replace(run.aws.shown.peers[0], peer_id="rsp-0stranger", peer_address="10.0.1.99", tags=())
    stranger = replace(stranger, bgp=Status.DOWN)
    run.aws.shown = replace(run.aws.shown, peers=(*run.aws.shown.peers, stranger))
    taken_away(run)
    left = dismantling_plan(run.desired, run.aws.shown)
    assert "rsp-0stranger" in " ".join(str(s.refused) for s in left)
    assert [p.peer_id for p in run.aws.shown.peers] == ["rsp-0stranger"]
    assert {s.state for s in run.aws.shown.servers} == {"available"}
