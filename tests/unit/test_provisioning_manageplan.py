"""The plan of what is managed reaches every document from every other one, and never strands an owner."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tandem.model import Status
from tandem.provisioning.managed import Observed
from tandem.provisioning.manageplan import plan
from tandem.provisioning.managesteps import ModifyRouteServer, SetTags
from tandem.tags import OWNER_TAG
from tests.routing import Run, built, desired, wanted
from tests.topologies import SUBNET, Edit, edited, set_at

WORLD = built()


@pytest.fixture(scope="module")
def world() -> Run:
    return built()


def test_the_whole_way_is_planned_before_anything_is_there() -> None:
    steps = plan(desired(wanted()), Observed())
    kinds = list(dict.fromkeys(type(step.do).__name__ for step in steps))
    assert kinds == ["CreateRouteServer", "AssociateVpc", "CreateEndpoint", "EnablePropagation", "CreatePeer"]
    assert [step.is_ready for step in steps] == [True] + [False] * 10
    assert all(step.reason and step.planned and step.done for step in steps)


def test_what_is_reached_is_at_rest(world: Run) -> None:
    assert world.plan() == ()


def test_everything_that_is_made_says_whose_it_is_and_nothing_says_the_owners_tag(world: Run) -> None:
    shown = world.aws.shown
    rows = [r.tags for r in shown.servers] + [r.tags for r in shown.endpoints] + [r.tags for r in shown.peers]
    for tags in map(dict, rows):
        assert (tags["tandem:managed-by"], tags["tandem:topology"]) == ("tandem", "edge")
        assert OWNER_TAG not in tags


FIELDS: dict[str, tuple[Edit, ...]] = {
    "persistence": (("route_server.persist_routes", 3),),
    "notifications": (("route_server.sns_notifications", False),),
    "logs": (("route_server.peer_logs", False),),
    "another table": (("route_server.propagate_to", ["rtb-0a1b2c3d4e5f60002"]),),
    "no table": (("route_server.propagate_to", []),),
    "an endpoint less": (
        ("route_server.endpoints.az2-b", ...),
        ("appliances.fw2.peers.az2-b", ...),
    ),
    "an endpoint elsewhere": (("route_server.endpoints.az2-b", "subnet-0a1b2c3d4e5f60003"),),
    "endpoints swapped": (
        ("route_server.endpoints.az1-a", f"{SUBNET}2"),
        ("route_server.endpoints.az2-a", f"{SUBNET}1"),
    ),
    "an endpoint renamed": (
        ("route_server.endpoints.az1-b", ...),
        ("route_server.endpoints.az1-z", f"{SUBNET}1"),
        ("appliances.fw1.peers.az1-b", ...),
        ("appliances.fw1.peers.az1-z", "10.0.1.10"),
    ),
    "the owner's liveness": (("appliances.fw1.liveness", "bgp-keepalive"),),
    "the standby's liveness": (("appliances.fw2.liveness", "bgp-keepalive"),),
    "both livenesses": (
        ("appliances.fw1.liveness", "bgp-keepalive"),
        ("appliances.fw2.liveness", "bgp-keepalive"),
    ),
    "the owner's address": (
        ("appliances.fw1.peers.az1-a", "10.0.1.11"),
        ("appliances.fw1.peers.az1-b", "10.0.1.11"),
    ),
    "the standby's address": (
        ("appliances.fw2.peers.az2-a", "10.0.2.11"),
        ("appliances.fw2.peers.az2-b", "10.0.2.11"),
    ),
    "one address of the owner": (("appliances.fw1.peers.az1-b", "10.0.1.11"),),
    "a session less": (("appliances.fw1.peers.az1-b", ...),),
    "a session more": (("appliances.fw1.peers.az2-a", "10.0.1.10"),),
    "the owner's instance": (("appliances.fw1.instance_id", "i-0a1b2c3d4e5f6000f"),),
    "next hops": (("appliances.fw1.next_hops", ["10.0.1.10"]),),
    "allowed prefixes": (("appliances.fw1.allowed_prefixes", ["0.0.0.0/0"]),),
    "the mode": (("mode", "dry-run"),),
    "a group's name": (("groups.0.name", "other"),),
    "a prefix more": (("groups.0.prefixes.1", "10.20.0.0/16"),),
    "no elastic ips": (("groups.0.elastic_ips", []),),
    "an appliance renamed": (("appliances.fw1", ...), ("appliances.edge1", wanted()["appliances"]["fw1"])),
    "the standby gone": (("appliances.fw2", ...),),
}


def changed(name: str) -> dict[str, Any]:
    made = edited(wanted(), *FIELDS[name])
    if name in ("an appliance renamed", "the standby gone"):
        made["groups"][0]["elastic_ips"] = []
    return made


def started(world: Run, name: str) -> Run:
    """Towards the changed document; the appliances speak from their old and their new addresses."""
    return speaking(world.towards(changed(name)))


def speaking(run: Run) -> Run:
    for appliance in run.desired.topology.appliances.values():
        for address in appliance.peer_addresses:
            known = run.aws.speaks.get((address, appliance.asn))
            run.aws.speaks[address, appliance.asn] = known or appliance.name
            if known is None and appliance.name not in run.aws.preference:
                run.aws.preference = (appliance.name, *run.aws.preference)
    return run


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


DEATHS = st.sampled_from(["fw1", "fw2", None])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(sorted(FIELDS)), min_size=1, max_size=3), DEATHS, st.integers(0, 12))
def test_from_one_document_to_the_next_with_a_dead_appliance_and_a_cut(names, dead, cut) -> None:
    """Documents follow each other before the one before is reached, somebody is dead, a run is cut."""
    run = started(WORLD, names[0])
    for name in names:
        following = started(WORLD, name)
        run.desired = replace(following.desired, propagated=run.desired.propagated)
        run.aws.speaks |= following.aws.speaks
        run.aws.preference = tuple(dict.fromkeys((*following.aws.preference, *run.aws.preference)))
        if dead is not None:
            run.aws.speaks = {k: v for k, v in run.aws.speaks.items() if v != dead}
            kill(run, dead)
        watched_cut(run, cut)
    for step in run.converge():
        assert step.refused is not None or step.waits_for is not None, step.planned
    if dead is None:
        assert run.plan() == () or any(s.refused for s in run.plan())


def kill(run: Run, name: str) -> None:
    """Its sessions go down and never come back."""
    gone = {p.peer_id for p in run.aws.shown.peers if (p.peer_address, p.asn) not in run.aws.speaks}
    run.aws.shown = replace(
        run.aws.shown,
        peers=tuple(replace(p, bgp=Status.DOWN) if p.peer_id in gone else p for p in run.aws.shown.peers),
    )
    assert name not in run.aws.speaks.values()
    run.aws.converge()


def watched_cut(run: Run, calls: int) -> None:
    """So many calls, each with the invariant checked, and then the next document comes."""
    for _ in range(20):
        for step in run.begin():
            if calls == 0:
                return
            owner = run.aws.owner
            run.aws.carry_out(step.do)
            assert owner is None or run.aws.owner == owner, step.planned
            calls -= 1
        run.aws.settle()


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
