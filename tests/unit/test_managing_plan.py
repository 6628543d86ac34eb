"""The plan of what is managed: it reaches every document from every state, and never strands an owner."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tandem.model import Status
from tandem.provisioning.dismantling import dismantling_plan
from tandem.provisioning.managed import Observed
from tandem.provisioning.manageplan import plan
from tandem.provisioning.managesteps import CreateEndpoint, CreatePeer, DeletePeer, ModifyRouteServer, SetTags
from tandem.tags import OWNER_TAG
from tests.routing import Run, built, desired, wanted
from tests.topologies import set_at

AZ1, AZ2 = "subnet-0a1b2c3d4e5f60001", "subnet-0a1b2c3d4e5f60002"


@pytest.fixture(scope="module")
def world() -> Run:
    return built()


def towards(world: Run, made: dict[str, Any], **more: Any) -> Run:
    return Run(world.aws.copy(), replace(world.desired, topology=desired(made).topology, **more))


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


FIELDS: dict[str, tuple[tuple[str, object], ...]] = {
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
        ("route_server.endpoints.az1-a", AZ2),
        ("route_server.endpoints.az2-a", AZ1),
    ),
    "an endpoint renamed": (
        ("route_server.endpoints.az1-b", ...),
        ("route_server.endpoints.az1-z", AZ1),
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
    "an appliance renamed": (("appliances.fw1", ...), ("appliances.edge1", None)),
    "the standby gone": (("appliances.fw2", ...),),
}


def changed(name: str) -> dict[str, Any]:
    made = wanted()
    for path, value in FIELDS[name]:
        new = wanted()["appliances"]["fw1"] if name == "an appliance renamed" and value is None else value
        made = set_at(made, path, new)
    if name in ("an appliance renamed", "the standby gone"):
        made["groups"][0]["elastic_ips"] = []
    return made


@pytest.mark.parametrize("name", FIELDS)
def test_every_change_reaches_the_new_document_and_the_owner_keeps_a_session(world: Run, name: str) -> None:
    run = started(world, name)
    assert drive(run) == ()
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


def started(world: Run, name: str) -> Run:
    """Towards the changed document; the appliances speak from their old and their new addresses."""
    run = towards(world, changed(name))
    for appliance in run.desired.topology.appliances.values():
        for address in appliance.peer_addresses:
            known = run.aws.speaks.get((address, appliance.asn))
            run.aws.speaks[address, appliance.asn] = known or appliance.name
            if known is None and appliance.name not in run.aws.preference:
                run.aws.preference = (appliance.name, *run.aws.preference)
    return run


def drive(run: Run, turns: int = 60) -> tuple[Any, ...]:
    """Turns with the invariant checked after each single call."""
    for _ in range(turns):
        if not run.plan():
            return ()
        owner = run.aws.owner
        for step in [s for s in run.plan() if s.is_ready]:
            run.aws.carry_out(step.do)
            assert owner is None or run.aws.owner == owner, step.planned
        before = run.aws.shown
        run.aws.settle()
        run.desired = replace(
            run.desired,
            propagated=tuple({*run.desired.propagated, *(t for t, _ in run.aws.shown.propagations)}),
        )
        if run.aws.shown == before and not [s for s in run.plan() if s.is_ready]:
            return run.plan()
    raise AssertionError([s.planned for s in run.plan()])


@pytest.mark.parametrize("name", FIELDS)
def test_cut_after_any_call_the_rest_leads_to_the_same_end(world: Run, name: str) -> None:
    whole = started(world, name)
    drive(whole)
    calls = len(whole.aws.calls) - len(world.aws.calls)
    for cut in range(calls):
        run = started(world, name)
        cut_after(run, cut)
        assert drive(run) == ()
        assert shape(run) == shape(whole)


def cut_after(run: Run, calls: int) -> None:
    """Makes so many calls and dies; then everything that was begun arrives, or not."""
    for _ in range(60):
        for step in [s for s in run.plan() if s.is_ready]:
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
    run = towards(world, made)
    left = drive(run)
    refused = [s.refused for s in left if s.refused]
    assert {p.path for p in refused} == {where}
    assert run.aws.owner == "fw1"


def single() -> dict[str, Any]:
    """Each appliance with one session: AWS leaves no other way than to interrupt."""
    made = wanted()
    made["appliances"]["fw1"]["peers"] = {"az1-a": "10.0.1.10"}
    made["appliances"]["fw2"]["peers"] = {"az2-a": "10.0.2.10"}
    return made


def keepalive(made: dict[str, Any]) -> dict[str, Any]:
    for appliance in made["appliances"].values():
        appliance["liveness"] = "bgp-keepalive"
    return made


def test_the_last_session_of_an_owner_is_not_taken_down_unasked() -> None:
    world = built(single())
    run = towards(world, keepalive(single()))
    left = drive(run)
    assert run.aws.owner == "fw1"
    assert [s.refused is not None for s in left if isinstance(s.do, DeletePeer)] == [True]
    assert any(p.liveness == "bgp-keepalive" for p in run.aws.shown.peers), "the standby's was replaced"


def test_with_leave_the_standby_comes_first_and_takes_over() -> None:
    world = built(single())
    run = towards(world, keepalive(single()), may_interrupt=True)
    order, owners = [], []
    for _ in range(20):
        for step in [s for s in run.plan() if s.is_ready]:
            run.aws.carry_out(step.do)
            order += [step.do.appliance] if isinstance(step.do, DeletePeer) else []
            owners.append(run.aws.owner)
        run.aws.settle()
    assert order == ["fw2", "fw1"]
    assert None not in owners
    assert run.plan() == ()


def test_a_new_session_that_does_not_come_up_keeps_the_old_one(world: Run) -> None:
    run = towards(world, set_at(wanted(), "appliances.fw1.asn", 65011))
    left = drive(run)
    assert run.aws.owner == "fw1"
    assert len([p for p in run.aws.shown.peers if p.bgp is Status.UP]) == 3
    assert any("fw1's session" in str(s.waits_for) for s in left)


def test_nobody_is_taken_down_while_the_routes_cannot_be_read(world: Run) -> None:
    run = towards(world, keepalive(single()))
    run.aws.shown = replace(run.aws.shown, routes=None)
    ended = [s for s in run.plan() if isinstance(s.do, DeletePeer) and s.is_ready]
    live = {p.peer_id for p in run.aws.shown.peers} - {s.do.about for s in ended}
    for address in ("10.0.1.10", "10.0.2.10"):
        assert any(p.peer_address == address for p in run.aws.shown.peers if p.peer_id in live)


@pytest.mark.parametrize("state", ["pending", "available", "deleting", "failing", "failed"])
def test_peers_in_any_state(world: Run, state: str) -> None:
    run = Run(world.aws.copy(), world.desired)
    peer = replace(run.aws.shown.peers[3], state=state, bgp=Status.DOWN, failure_reason="why")
    run.aws.peer(peer)
    made = [s for s in run.plan() if isinstance(s.do, CreatePeer)]
    assert bool(made) is (state in ("deleting", "failing", "failed"))
    assert not any(s.is_ready for s in made), "endpoint and address are taken until it is gone"
    if state == "failing":
        run.aws.peer(replace(peer, state="failed"))
    assert drive(run) == ()


@pytest.mark.parametrize(
    "state", ["pending", "available", "deleting", "deleted", "failing", "failed", "delete-failed"]
)
def test_endpoints_in_any_state(world: Run, state: str) -> None:
    run = Run(world.aws.copy(), world.desired)
    endpoint = next(e for e in run.aws.shown.endpoints if dict(e.tags)["tandem:endpoint"] == "az2-b")
    gone = [p for p in run.aws.shown.peers if p.endpoint_id != endpoint.endpoint_id]
    run.aws.shown = replace(run.aws.shown, peers=tuple(gone))
    run.aws.converge()
    run.aws.endpoint(replace(endpoint, state=state, failure_reason="no capacity"))
    made = [s for s in run.plan() if isinstance(s.do, CreateEndpoint)]
    assert bool(made) is (state in ("deleting", "deleted", "failed", "delete-failed"))
    if state in ("failed", "delete-failed", "failing"):
        assert any("no capacity" in s.planned for s in run.plan())
    if state == "failing":
        run.aws.endpoint(replace(endpoint, state="failed"))
    assert drive(run) == ()
    tokens = [c.token for c in run.aws.calls if isinstance(c, CreateEndpoint)]
    assert len(set(tokens)) == len(tokens)


@pytest.mark.parametrize("state", ["pending", "modifying", "deleting", "deleted"])
def test_route_servers_in_any_state(world: Run, state: str) -> None:
    run = Run(world.aws.copy(), world.desired)
    if state in ("deleting", "deleted"):
        run.aws.shown = replace(
            run.aws.shown, associations=(), endpoints=(), peers=(), propagations=(), routes=()
        )
    run.aws.shown = replace(run.aws.shown, servers=(replace(run.aws.shown.servers[0], state=state),))
    assert not any(s.is_ready for s in run.plan() if not state.startswith("delet"))
    assert drive(run) == ()
    assert len([s for s in run.aws.shown.servers if s.state == "available"]) == 1


def test_one_modification_at_a_time_and_nothing_beside_it(world: Run) -> None:
    made = set_at(wanted(), "route_server.persist_routes", 2)
    made = set_at(made, "route_server.sns_notifications", False)
    made = set_at(made, "route_server.propagate_to", ["rtb-0a1b2c3d4e5f60002"])
    ready = [s for s in towards(world, made).plan() if s.is_ready]
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
    for step in drive(run):
        assert step.refused is not None or step.waits_for is not None, step.planned
    if dead is None:
        assert run.plan() == () or any(s.refused for s in run.plan())


WORLD = built()


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
        for step in [s for s in run.plan() if s.is_ready]:
            if calls == 0:
                return
            owner = run.aws.owner
            run.aws.carry_out(step.do)
            assert owner is None or run.aws.owner == owner, step.planned
            calls -= 1
        run.aws.settle()


def test_a_session_that_is_up_but_advertises_nothing_yet_replaces_nobody(world: Run) -> None:
    run = towards(world, keepalive(wanted()))
    first, second = [p for p in run.aws.shown.peers if p.peer_address == "10.0.1.10"]
    assert run.aws.shown.routes is not None
    learned = tuple(r for r in run.aws.shown.routes if r.peer_id != second.peer_id)
    run.aws.shown = replace(run.aws.shown, routes=learned)
    ending = {s.do.about: s for s in run.plan() if isinstance(s.do, DeletePeer)}
    assert not ending[first.peer_id].is_ready
    assert "to advertise 0.0.0.0/0" in str(ending[first.peer_id].waits_for)


def test_the_plan_names_the_standby_first(world: Run) -> None:
    ending = [s.do for s in towards(world, keepalive(wanted())).plan() if isinstance(s.do, DeletePeer)]
    assert [d.appliance for d in ending] == ["fw2", "fw2", "fw1", "fw1"]


# ---- what was there before, and the way back


def adopted(world: Run, *, consent: bool = True) -> Run:
    """The same world, made by somebody else: adopted from then on."""
    owners = ((OWNER_TAG, "tandem"),) if consent else ()
    run = Run(world.aws.copy(), world.desired)
    shown = run.aws.shown
    names = {e.endpoint_id: dict(e.tags)["tandem:endpoint"] for e in shown.endpoints}
    run.aws.shown = replace(
        shown,
        servers=tuple(replace(s, tags=owners) for s in shown.servers),
        endpoints=tuple(replace(e, tags=(*owners, ("Name", names[e.endpoint_id]))) for e in shown.endpoints),
        peers=tuple(replace(p, tags=owners) for p in shown.peers),
    )
    run.desired = replace(run.desired, adopts=shown.servers[0].route_server_id, former={}, propagated=())
    return run


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
    assert drive(run) == ()
    assert len([e for e in run.aws.shown.endpoints if e.state == "available"]) == 4


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
