"""Tests that what somebody else made is adopted with its owner's consent, and never removed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tandem.provisioning.managesteps import SetTags
from tests.routing import Run, adopted, built, desired, keepalive, wanted
from tests.topologies import set_at


@pytest.fixture(scope="module")
def world() -> Run:
    return built()


def test_adopting_is_tagging_and_nothing_else(world: Run) -> None:
    run = adopted(world)
    assert {type(s.do) for s in run.plan()} == {SetTags}
    assert run.converge() == ()


def test_without_consent_every_resource_is_named(world: Run) -> None:
    steps = adopted(world, consent=False).plan()
    shown = world.aws.shown
    named = [s.refused.untagged for s in steps if s.refused]
    assert len(named) == len(shown.servers) + len(shown.endpoints) + len(shown.peers)
    assert not any(s.is_ready for s in steps)


def test_what_was_adopted_is_replaced_but_never_removed(world: Run) -> None:
    run = adopted(world)
    run.converge()
    made = set_at(wanted(), "route_server.endpoints.az2-b", ...)
    made = set_at(made, "appliances.fw2.peers.az2-b", ...)
    run.desired = replace(run.desired, topology=desired(made).topology)
    assert run.plan() == ()
    run.desired = replace(run.desired, topology=desired(keepalive(made)).topology)
    assert run.converge() == ()
    assert len([e for e in run.aws.shown.endpoints if e.state == "available"]) == 4
