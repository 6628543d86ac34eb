"""Stories of runs that are killed, refused, answered late or never, or that two make at once."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from tandem.adapters import managing
from tandem.errors import TemporaryError
from tandem.topology.document import parse_topology
from tandem.topology.shape import normalise
from tests.crashing import Killed
from tests.managing import Managed, managed
from tests.provisioning import RECORDERS, types
from tests.shared_worlds import begins_in
from tests.topologies import set_at


@pytest.fixture
@begins_in(managed)
def empty():
    with managed() as tandem:
        yield tandem


MADE = ("CreateRouteServer", "AssociateRouteServer", *["CreateRouteServerEndpoint"] * 4)
MADE = (*MADE, "EnableRouteServerPropagation", *["CreateRouteServerPeer"] * 4)


@pytest.mark.parametrize("number", range(len(MADE)), ids=lambda n: f"{n}-{MADE[n]}")
@begins_in(managed)
def test_killed_right_after_any_call_that_makes_something_nothing_is_made_twice(number: int) -> None:
    with managed() as tandem:
        tandem.apply(tandem.wanted())
        blown = burning(number + 1)
        with pytest.raises(Killed):
            tandem.refresh()
        RECORDERS.clear()
        blown.stop()
        cold_start(tandem)
        tandem.settle(60)
        tandem.refresh()
        tandem.converge()
        assert (len(tandem.servers()), len(tandem.endpoints()), len(tandem.peers())) == (1, 4, 4)
        assert tandem.world()["states"] == {"available"}
        tandem.refresh()
        assert tandem.changes == []


def burning(number: int) -> Any:
    """The process dies when the answer to the n-th call that makes something arrives."""
    made = 0
    real = managing.carry_out

    def carry_out(action: object) -> None:
        nonlocal made
        real(action)  # type: ignore[arg-type]
        made += 1
        if made == number:
            raise Killed

    patched = mock.patch.object(managing, "carry_out", carry_out)
    patched.start()
    return patched


def cold_start(tandem: Managed) -> None:
    """Another process, to which the lease of the dead one is somebody else's."""
    vars(tandem.app)["OWNER"] = "another"


def test_killed_at_one_call_after_the_other_it_still_comes_to_the_end(empty: Managed) -> None:
    """Every invocation dies one changing call later than the one before it: calls of every service."""
    empty.apply(empty.wanted())
    for kill_at in range(1, 60):
        vars(empty.app)["OWNER"] = f"process-{kill_at}"
        try:
            empty.invoke({"action": "refresh"}, kill_at=kill_at)
        except Killed:
            empty.settle(60)
        else:
            break
    empty.converge()
    assert (len(empty.servers()), len(empty.endpoints()), len(empty.peers())) == (1, 4, 4)
    empty.settle(60)
    empty.refresh()
    assert empty.delivered() == {p["RouteServerPeerId"] for p in empty.peers()}


def test_a_call_that_aws_refuses_is_told_with_code_and_words(empty: Managed) -> None:
    empty.lab.levers.fault("CreateRouteServerEndpoint", error="UnauthorizedOperation")
    empty.apply(empty.wanted())
    empty.events()
    empty.refresh()
    failed = [e["detail"] for e in empty.events() if e["detail-type"] == "Provisioning Failed"]
    assert failed[0]["error"]["code"] == "UnauthorizedOperation"
    assert "CreateRouteServerEndpoint" in failed[0]["reason"]
    assert empty.record().provisioned.pending == ()
    empty.lab.levers.faults_clear()
    empty.refresh()
    empty.converge()
    assert empty.world()["states"] == {"available"}


def test_incorrect_state_is_waited_out(empty: Managed) -> None:
    empty.lab.levers.fault("CreateRouteServerPeer", error="IncorrectState", count=5)
    empty.run()
    assert len(empty.peers()) == 4
    assert "Provisioning Failed" not in types(empty.events())


def test_reads_that_lag_make_nothing_twice(empty: Managed) -> None:
    for read in ("DescribeRouteServers", "DescribeRouteServerEndpoints", "DescribeRouteServerPeers"):
        empty.lab.levers.fault(read, lag_s=20.0)
    empty.run()
    empty.lab.levers.faults_clear()
    assert (len(empty.servers()), len(empty.endpoints()), len(empty.peers())) == (1, 4, 4)
    made = [c for c in empty.every_call if c.startswith("ec2:Create")]
    assert len(made) == 9


def test_a_call_that_is_never_answered_is_looked_at_before_it_is_repeated(empty: Managed) -> None:
    empty.lab.levers.fault("CreateRouteServerPeer", break_s=5.0, count=2)
    empty.run()
    assert len(empty.peers()) == 4
    assert empty.world()["states"] == {"available"}


def test_a_run_leaves_alone_what_another_one_is_at(empty: Managed) -> None:
    empty.apply(empty.wanted())
    held = empty.app.leases.acquire("edge", "another", empty.app.clock.now(), ())
    assert held is not None
    empty.refresh()
    assert empty.ec2_changes() == []
    empty.settle(60)
    empty.refresh()
    assert "CreateRouteServer" in empty.ec2_changes()


def test_a_lease_that_was_lost_ends_the_run_before_its_next_call(empty: Managed) -> None:
    empty.apply(empty.wanted())
    real = managing.carry_out
    stolen: list[Any] = []

    def carry_out(action: object) -> None:
        real(action)  # type: ignore[arg-type]
        if not stolen:
            empty.settle(60)
            stolen.append(empty.app.leases.acquire("edge", "another", empty.app.clock.now(), ()))

    with mock.patch.object(managing, "carry_out", carry_out), pytest.raises(TemporaryError, match="epoch"):
        empty.refresh()
    assert empty.ec2_changes() == ["CreateRouteServer"]


def test_a_document_that_is_applied_meanwhile_is_what_the_run_ends_with(empty: Managed) -> None:
    empty.apply(empty.wanted())
    real = managing.carry_out
    stored: list[Any] = []

    def carry_out(action: object) -> None:
        real(action)  # type: ignore[arg-type]
        if not stored:
            smaller = set_at(empty.wanted(), "appliances.fw2.peers.az2-b", ...)
            stored.append(smaller)
            topology = parse_topology(normalise(set_at(smaller, "route_server.endpoints.az2-b", ...)))
            empty.app.store.put(topology, "cli", empty.record())

    with mock.patch.object(managing, "carry_out", carry_out):
        empty.refresh()
    empty.converge()
    assert len(empty.peers()) == len(empty.endpoints()) == 3
    assert empty.record().provisioned.version == 2


def test_a_document_that_changes_while_aws_shows_no_route_server_yet_makes_no_second_one(
    empty: Managed,
) -> None:
    empty.lab.levers.fault("DescribeRouteServers", lag_s=20.0)
    empty.apply(empty.wanted())
    real = managing.carry_out
    other = set_at(empty.wanted(), "route_server.persist_routes", 2)
    stored: list[Any] = []

    def carry_out(action: object) -> None:
        real(action)  # type: ignore[arg-type]
        if not stored:
            stored.append(empty.app.store.put(parse_topology(normalise(other)), "cli", empty.record()))

    with mock.patch.object(managing, "carry_out", carry_out):
        empty.refresh()
    empty.converge()
    empty.lab.levers.faults_clear()
    empty.settle(60)
    empty.refresh()
    assert len(empty.servers()) == 1
    assert empty.world()["persist"] == ("enabled", 2)


def test_a_route_server_that_aws_refused_is_asked_for_again(empty: Managed) -> None:
    empty.lab.levers.fault("CreateRouteServer", error="UnauthorizedOperation")
    empty.apply(empty.wanted())
    empty.refresh()
    assert empty.servers() == []
    empty.lab.levers.faults_clear()
    empty.refresh()
    assert empty.ec2_changes()[0] == "CreateRouteServer"
    empty.converge()
    assert len(empty.servers()) == 1
