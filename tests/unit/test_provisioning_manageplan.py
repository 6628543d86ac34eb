"""The plan of what is managed reaches every document from every other one, and never strands an owner."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from tandem.provisioning.managed import Observed
from tandem.provisioning.manageplan import plan
from tandem.provisioning.managesteps import ModifyRouteServer, SetTags
from tandem.tags import OWNER_TAG
from tests.managed_edits import FIELDS, speaking, started
from tests.routing import Run, built, desired, wanted
from tests.topologies import edited, set_at, words_of


@pytest.fixture(scope="module")
def world() -> Run:
    return built()


def test_the_whole_way_is_planned_before_anything_is_there() -> None:
    steps = plan(desired(wanted()), Observed())
    kinds = list(dict.fromkeys(type(step.do).__name__ for step in steps))
    assert kinds == ["CreateRouteServer", "AssociateVpc", "CreateEndpoint", "EnablePropagation", "CreatePeer"]
    assert [step.is_ready for step in steps] == [True] + [False] * 10
    assert all(words_of(said) for step in steps for said in (step.reason, step.planned, step.done))


def test_what_is_reached_is_at_rest(world: Run) -> None:
    assert world.plan() == ()


def test_everything_that_is_made_says_whose_it_is_and_nothing_says_the_owners_tag(world: Run) -> None:
    shown = world.aws.shown
    rows = [r.tags for r in shown.servers] + [r.tags for r in shown.endpoints] + [r.tags for r in shown.peers]
    for tags in map(dict, rows):
        assert (tags["tandem:managed-by"], tags["tandem:topology"]) == ("tandem", "edge")
        assert OWNER_TAG not in tags


@pytest.mark.parametrize("name", FIELDS)
def test_every_change_reaches_the_new_document_and_the_owner_keeps_a_session(world: Run, name: str) -> None:
    run = started(world, name)
    assert run.converge() == ()
    there = {
        (dict(e.tags)["tandem:endpoint"], e.subnet_id)
        for e in run.aws.shown.endpoints
        if e.state != "deleted"
    }
    assert there == set(run.desired.topology.route_server.endpoints)
    sessions = sorted((p.peer_address, p.asn, p.liveness) for p in run.aws.shown.peers)
    wanted_sessions = [
        (address, a.asn, a.liveness)
        for a in run.desired.topology.appliances.values()
        for _, address in a.peers
    ]
    assert sessions == sorted(wanted_sessions)
    assert {t for t, _ in run.aws.shown.propagations} == set(run.desired.topology.route_server.propagate_to)


REPLACED = ("the owner's liveness", "the standby's liveness", "both livenesses")
MOVED = (
    "an endpoint less",
    "an endpoint elsewhere",
    "endpoints swapped",
    "an endpoint renamed",
    "the owner's address",
    "the standby's address",
    "one address of the owner",
    "a session less",
    "a session more",
    "the owner's instance",
    "next hops",
)


@pytest.mark.parametrize(("replaced", "moved"), list(product(REPLACED, MOVED)))
def test_sessions_that_are_replaced_and_moved_at_once_are_reached_and_the_owner_keeps_one(
    world: Run, replaced: str, moved: str
) -> None:
    run = speaking(world.towards(edited(wanted(), *FIELDS[replaced], *FIELDS[moved])))
    assert run.converge() == ()


@pytest.mark.parametrize("name", FIELDS)
def test_cut_after_any_call_the_rest_leads_to_the_same_end(world: Run, name: str) -> None:
    whole = started(world, name)
    whole.converge()
    calls = len(whole.aws.calls) - len(world.aws.calls)
    for cut in range(calls):
        run = started(world, name)
        cut_after(run, cut)
        assert run.converge() == ()
        assert shape(run) == shape(whole)


def cut_after(run: Run, calls: int) -> None:
    """Makes so many calls and dies; then everything that was begun arrives, or not."""
    for _ in range(60):
        for step in run.begin():
            if calls == 0:
                if len(run.aws.calls) % 2:
                    run.aws.settle()
                return
            run.aws.carry_out(step.do)
            calls -= 1
        run.aws.settle()


def shape(run: Run) -> tuple[Any, ...]:
    at = {e.endpoint_id: dict(e.tags)["tandem:endpoint"] for e in run.aws.shown.endpoints}
    return (
        sorted((at[p.endpoint_id], p.peer_address, p.asn, p.liveness, p.state) for p in run.aws.shown.peers),
        sorted(
            (at[e.endpoint_id], e.subnet_id, e.state) for e in run.aws.shown.endpoints if e.state != "deleted"
        ),
        len([s for s in run.aws.shown.servers if s.state != "deleted"]),
    )


REFUSED = {
    "the route server's ASN": ("route_server.amazon_side_asn", 64999, "route_server.amazon_side_asn"),
    "the VPC": ("route_server.vpc_id", "vpc-0a1b2c3d4e5f6000f", "route_server.vpc_id"),
    "the owner gone": ("appliances.fw1", ..., "appliances.fw1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_aws_does_not_allow_is_refused_with_its_path(world: Run, name: str) -> None:
    path, value, where = REFUSED[name]
    made = set_at(wanted(), path, value)
    made["groups"][0]["elastic_ips"] = []
    run = world.towards(made)
    left = run.converge()
    refused = [s.refused for s in left if s.refused]
    assert {p.path for p in refused} == {where}
    assert run.aws.owner == "fw1"


def test_one_modification_at_a_time_and_nothing_beside_it(world: Run) -> None:
    made = set_at(wanted(), "route_server.persist_routes", 2)
    made = set_at(made, "route_server.sns_notifications", False)
    made = set_at(made, "route_server.propagate_to", ["rtb-0a1b2c3d4e5f60002"])
    ready = [s for s in world.towards(made).plan() if s.is_ready]
    assert [type(s.do) for s in ready] == [ModifyRouteServer]


def test_strangers_on_the_route_server_stay(world: Run) -> None:
    run = Run(world.aws.copy(), world.desired)
    peer = replace(run.aws.shown.peers[0], peer_id="rsp-0stranger", peer_address="10.0.1.99", tags=())
    endpoint = replace(
        run.aws.shown.endpoints[0], endpoint_id="rse-0stranger", subnet_id="subnet-0x", tags=()
    )
    run.aws.shown = replace(
        run.aws.shown,
        peers=(*run.aws.shown.peers, peer),
        endpoints=(*run.aws.shown.endpoints, endpoint),
        propagations=(*run.aws.shown.propagations, ("rtb-0stranger", "available")),
    )
    assert run.plan() == ()


def test_a_renamed_endpoint_is_tagged_not_replaced(world: Run) -> None:
    run = started(world, "an endpoint renamed")
    kinds = {type(s.do) for s in run.plan() if s.is_ready}
    assert kinds == {SetTags}
