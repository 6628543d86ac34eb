"""The way back takes what Tandem created, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tandem.errors import CallFailedError
from tandem.model import Status
from tandem.provisioning.dismantling import dismantling_plan
from tandem.provisioning.manageapply import is_gone
from tandem.provisioning.managesteps import (
    Action,
    AssociateVpc,
    DeletePeer,
    DisablePropagation,
    DisassociateVpc,
    EnablePropagation,
)
from tandem.provisioning.stored import steps_of
from tandem.state.record import Provisioned, TopologyRecord
from tests.routing import Run, adopted, built
from tests.topologies import words_of


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


@pytest.mark.parametrize(
    ("action", "code", "expected"),
    [
        (DisablePropagation("rs-1", "rtb-1"), "InvalidRouteTableID.NotFound", True),
        (DisassociateVpc("rs-1", "vpc-1"), "InvalidVpcID.NotFound", True),
        (EnablePropagation("rs-1", "rtb-1"), "InvalidRouteTableID.NotFound", False),
        (AssociateVpc("rs-1", "vpc-1"), "InvalidVpcID.NotFound", False),
        (DisassociateVpc("rs-1", "vpc-1"), "DependencyViolation", False),
        (DeletePeer("rsp-1", "fw1"), "InvalidRouteServerPeerId.NotFound", False),
    ],
)
def test_only_what_leads_to_something_that_is_gone_counts_as_taken_away(
    action: Action, code: str, expected: bool
) -> None:
    assert is_gone(action, CallFailedError("a call", code, "no more")) is expected


def test_what_leads_to_something_that_is_gone_is_in_no_plan_any_more(world: Run) -> None:
    (table,) = [table for table, _ in world.aws.shown.propagations]
    record = TopologyRecord(world.desired.topology, 1, "cli", Provisioned("rs-1", leaving=1))
    gone = replace(world.desired, gone=(table,))
    steps = steps_of(record, gone, world.aws.shown)
    assert any(isinstance(step.do, DisassociateVpc) for step in steps)
    assert not any(table in words_of(step.planned) for step in steps)
