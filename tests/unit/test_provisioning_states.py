"""Route servers, endpoints and peers in every state that AWS shows: what is planned, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tandem.model import Status
from tandem.provisioning.managesteps import CreateEndpoint, CreatePeer
from tandem.words.provisioning import said
from tests.routing import Run, built, wanted
from tests.topologies import SUBNET, set_at, words_of


@pytest.fixture(scope="module")
def world() -> Run:
    return built()


@pytest.mark.parametrize("state", ["pending", "modifying", "deleting", "deleted"])
def test_route_servers_in_any_state(world: Run, state: str) -> None:
    run = Run(world.aws.copy(), world.desired)
    if state in ("deleting", "deleted"):
        run.aws.shown = replace(
            run.aws.shown, associations=(), endpoints=(), peers=(), propagations=(), routes=()
        )
    run.aws.shown = replace(run.aws.shown, servers=(replace(run.aws.shown.servers[0], state=state),))
    assert not any(s.is_ready for s in run.plan() if not state.startswith("delet"))
    assert run.converge() == ()
    assert len([s for s in run.aws.shown.servers if s.state == "available"]) == 1


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
        assert any("no capacity" in words_of(s.planned) for s in run.plan())
    if state == "failing":
        run.aws.endpoint(replace(endpoint, state="failed"))
    assert run.converge() == ()
    tokens = [c.token for c in run.aws.calls if isinstance(c, CreateEndpoint)]
    assert len(set(tokens)) == len(tokens)


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
    assert run.converge() == ()


def failing(run: Run, endpoint: str, turns: int = 40) -> None:
    """Turns in which AWS fails the peers at this endpoint each time, for want of capacity."""
    for _ in range(turns):
        for peer in run.aws.shown.peers:
            if dict(peer.tags)["tandem:endpoint"] == endpoint and peer.state in ("pending", "available"):
                failed = replace(peer, state="failed", bgp=Status.DOWN, failure_reason="no capacity")
                run.aws.peer(failed)
        run.aws.converge()
        turn(run)


def failing_with_its_endpoint(run: Run, endpoint: str, turns: int = 40) -> None:
    for _ in range(turns):
        for there in run.aws.shown.endpoints:
            is_meant = dict(there.tags)["tandem:endpoint"] == endpoint
            if is_meant and there.state in ("pending", "available"):
                run.aws.endpoint(replace(there, state="failed", failure_reason="no capacity"))
        failing(run, endpoint, 1)


def turn(run: Run) -> None:
    for step in run.begin():
        run.aws.carry_out(step.do)
        run.desired = replace(run.desired, failed=(*run.desired.failed, step.reason))
    run.aws.settle()


@pytest.mark.parametrize(
    ("fail", "kind", "path"),
    [
        (failing, CreatePeer, "appliances.fw2.peers.az2-b"),
        (failing_with_its_endpoint, CreateEndpoint, "route_server.endpoints.az2-b"),
    ],
)
def test_what_aws_fails_each_time_is_given_up_with_its_reason(
    world: Run, fail: Callable[[Run, str], None], kind: type[CreatePeer | CreateEndpoint], path: str
) -> None:
    run = Run(world.aws.copy(), world.desired)
    before = len(run.aws.calls)
    fail(run, "az2-b")
    assert len([c for c in run.aws.calls[before:] if isinstance(c, kind)]) == 2, "the third had been there"
    refused = [s.refused for s in run.plan() if isinstance(s.do, kind)]
    assert [p.path for p in refused if p] == [path]
    assert refused[0] is not None
    assert "failed (no capacity), 3 times by now" in said(refused[0]).what
    run.desired = replace(run.desired, failed=())
    assert run.converge() == (), "a newer version of the document"


def test_an_endpoint_that_fails_alone_in_its_subnet_is_not_made_beside_its_failed_ones() -> None:
    run = built(set_at(wanted(), "route_server.endpoints.az2-b", f"{SUBNET}3"))
    before = len(run.aws.calls)
    failing_with_its_endpoint(run, "az2-b")
    assert len([c for c in run.aws.calls[before:] if isinstance(c, CreateEndpoint)]) == 2


def test_what_people_delete_again_and_again_is_made_again_and_again(world: Run) -> None:
    run = Run(world.aws.copy(), world.desired)
    for _ in range(6):
        run.aws.shown = replace(run.aws.shown, peers=run.aws.shown.peers[:-1])
        for _ in range(3):
            turn(run)
        assert run.plan() == ()
