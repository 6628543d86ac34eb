"""DynamoDB away during a failover: the table makes failover orderly, not possible."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from tandem.adapters import clients
from tandem.errors import StateUnavailableError, TemporaryError
from tests.crashing import table_away
from tests.shared_worlds import begins_in
from tests.stack import MOVING, Stack, edge_document, stack


@pytest.fixture
@begins_in(stack)
def edge():
    with stack() as s:
        s.sweep()
        yield s


def test_dead_holder_moves_without_the_table_and_the_record_comes_late(edge: Stack) -> None:
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    with table_away(), pytest.raises(StateUnavailableError):
        edge.sweep()
    assert edge.are_all_with("fw2")
    assert edge.audit() == []
    edge.sweep()
    assert edge.kinds() == ["intent", "outcome"]
    assert all(r.body["late"] for r in edge.audit())
    assert len(edge.calls("AssociateAddress")) == 4


def test_each_of_two_moves_of_one_moment_has_its_own_name_and_its_own_end(edge: Stack) -> None:
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    with table_away():
        for _ in range(2):
            with suppress(StateUnavailableError):
                edge.sweep()
            lost = edge.ids["elastic_ips"]["eip1"]["allocation_id"]
            found = edge.lab.client().describe_addresses(AllocationIds=[lost])["Addresses"][0]
            edge.lab.client().disassociate_address(AssociationId=found["AssociationId"])
    edge.sweep()
    intents = [r.body["decision_id"] for r in edge.audit() if r.body["kind"] == "intent"]
    outcomes = [r.body["decision_id"] for r in edge.audit() if r.body["kind"] == "outcome"]
    assert len(set(intents)) == 3
    assert outcomes == intents


@pytest.mark.parametrize("operation", ["UpdateItem", "PutItem", "Query"])
def test_table_that_goes_away_in_mid_look(edge: Stack, operation: str) -> None:
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    with table_away(operation), pytest.raises(StateUnavailableError):
        edge.sweep()
    assert edge.are_all_with("fw2")
    edge.clock.sleep(40)
    edge.sweep()
    assert len(edge.calls("AssociateAddress")) == 4
    assert edge.audit()


def test_live_holder_waits_for_the_table(edge: Stack) -> None:
    edge.levers.withdraw(name="fw1", prefix="0.0.0.0/0")
    edge.clock.sleep(3)
    with table_away(), pytest.raises(StateUnavailableError):
        edge.sweep()
    assert edge.calls(*MOVING) == []


def test_a_fib_that_is_not_clear_waits_for_the_table(edge: Stack) -> None:
    """One of two tracked prefixes is nobody's: with the table, what is with the dead moves all the same."""
    group = edge_document(edge.ids)["groups"][0]
    edge.store(groups=[{**group, "prefixes": [*group["prefixes"], "198.51.100.0/24"]}])
    edge.sweep()
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    with table_away(), pytest.raises(StateUnavailableError):
        edge.sweep()
    assert edge.calls(*MOVING) == []
    edge.sweep()
    assert edge.are_all_with("fw2")


def test_an_override_known_or_forgotten_waits_for_the_table(edge: Stack) -> None:
    edge.override(action="paused", until="2026-01-02T00:00:00+00:00")
    edge.sweep()
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    with table_away(), pytest.raises(StateUnavailableError):
        edge.sweep()
    assert edge.calls(*MOVING) == []
    edge.override()
    edge.clock.sleep(301)
    with table_away(), pytest.raises(StateUnavailableError):
        edge.sweep()
    assert edge.calls(*MOVING) == []


def test_dry_run_moves_nothing_without_the_table_either(edge: Stack) -> None:
    edge.store(mode="dry-run")
    edge.sweep()
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.forget_calls()
    with table_away(), pytest.raises(StateUnavailableError):
        edge.sweep()
    assert edge.calls() == []


def test_a_look_at_another_topology_makes_nobody_forget_this_one(edge: Stack) -> None:
    edge.store(name="other", groups=[])
    edge.sweep("other")
    edge.sweep("nobody")
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    with table_away(), pytest.raises(StateUnavailableError):
        edge.sweep()
    assert edge.are_all_with("fw2")


def test_a_message_finds_the_topology_that_was_looked_at_by_its_name(edge: Stack) -> None:
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    with table_away(), pytest.raises(StateUnavailableError):
        edge.deliver(most=1)
    assert edge.are_all_with("fw2")


def test_what_this_process_never_read_is_tried_again(edge: Stack) -> None:
    """Unknown to this process is not unknown: it must not pass for a topology that nobody stored."""
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.app.world.last_known.records.clear()
    with table_away(), pytest.raises(StateUnavailableError):
        edge.sweep()
    with table_away(), pytest.raises(StateUnavailableError):
        edge.deliver(most=1)
    assert edge.calls(*MOVING) == []


def test_a_topology_that_was_deleted_is_not_moved_for_when_the_table_goes_away(edge: Stack) -> None:
    clients.dynamodb().delete_item(
        TableName="tandem-state", Key={"kind": {"S": "topology"}, "id": {"S": "edge"}}
    )
    edge.sweep()
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    with table_away(), pytest.raises(StateUnavailableError):
        edge.sweep()
    assert edge.calls(*MOVING) == []


def is_dry_run(edge: Stack) -> None:
    edge.store(mode="dry-run")


def is_deleted(edge: Stack) -> None:
    clients.dynamodb().delete_item(TableName="tandem-state", Key=KEY)


def test_table_away_and_describes_lag(edge: Stack) -> None:
    """A signal is ahead of what describes show: the addresses follow while its message is worked on."""
    for action in ("DescribeRouteServerPeers", "GetRouteServerRoutingDatabase"):
        edge.levers.fault(action=action, lag_s=4)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(1.5)
    with table_away(), pytest.raises(StateUnavailableError):
        edge.deliver(most=1)
    assert edge.are_all_with("fw2")
    assert len(edge.calls("AssociateAddress")) == 4
    edge.sweep()
    assert edge.kinds() == ["intent", "outcome"]


@pytest.mark.parametrize("trouble", [{"error": "IncorrectState"}, {"break_s": 5}, {"error": "InternalError"}])
def test_table_away_and_ec2_refuses_once(edge: Stack, trouble: dict[str, Any]) -> None:
    edge.levers.fault(action="AssociateAddress", count=4, **trouble)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    with table_away(), pytest.raises(StateUnavailableError):
        edge.sweep()
    assert edge.are_all_with("fw2")
    assert len(edge.calls("AssociateAddress")) == 8


@pytest.mark.parametrize("action", ["DescribeAddresses", "GetRouteServerRoutingDatabase"])
def test_table_away_and_a_read_fails(edge: Stack, action: str) -> None:
    """Each read is tried three times by the SDK; a second after that it works."""
    edge.levers.fault(action=action, error="InternalError", count=3)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    with table_away(), pytest.raises(StateUnavailableError):
        edge.sweep()
    assert edge.are_all_with("fw2")


def test_table_away_and_answers_are_lost(edge: Stack) -> None:
    """What the next reading shows in its place ends it."""
    edge.levers.fault(action="AssociateAddress", lost_answer=True, error="InternalError", count=4)
    edge.levers.fault(action="DescribeAddresses", lag_s=1.5)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    began = edge.clock.now()
    with table_away(), pytest.raises(StateUnavailableError):
        edge.sweep()
    assert edge.clock.now() - began < timedelta(seconds=5)
    assert edge.are_all_with("fw2")
    assert len(edge.calls("AssociateAddress")) == 4


def test_table_away_and_addresses_show_late(edge: Stack) -> None:
    edge.levers.fault(action="DescribeAddresses", lag_s=15)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    with table_away(), pytest.raises(StateUnavailableError):
        edge.sweep()
    assert edge.are_all_with("fw2")
    assert len(edge.calls("AssociateAddress")) == 4


def test_table_away_and_a_later_batch_cannot_be_read(edge: Stack) -> None:
    """What the first batch did is recorded, and the rest comes."""
    edge.add_addresses(52)
    edge.store()
    edge.sweep()
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    lever = partial(edge.levers.fault, action="GetRouteServerRoutingDatabase", error="InternalError", count=3)
    edge.clock.after(0.5, lever)
    with table_away(), pytest.raises(StateUnavailableError):
        edge.sweep()
    assert edge.are_all_with("fw2")
    edge.sweep()
    assert edge.kinds() == ["intent", "outcome", "intent", "outcome"]


def test_without_the_table_a_reading_that_never_comes_is_given_up(edge: Stack) -> None:
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.levers.fault(action="DescribeAddresses", error="InternalError")
    began = edge.clock.now()
    with table_away(), pytest.raises(TemporaryError, match="DescribeAddresses"):
        edge.deliver(most=1)
    assert timedelta(seconds=25) <= edge.clock.now() - began <= timedelta(seconds=31)


def test_without_the_table_a_signal_that_aws_never_shows_is_given_up(edge: Stack) -> None:
    for action in ("DescribeRouteServerPeers", "GetRouteServerRoutingDatabase"):
        edge.levers.fault(action=action, lag_s=600)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    began = edge.clock.now()
    with table_away(), pytest.raises(StateUnavailableError):
        edge.deliver(most=1)
    assert timedelta(seconds=25) <= edge.clock.now() - began <= timedelta(seconds=31)
    assert edge.calls(*MOVING) == []


def test_an_override_that_comes_of_age_ends_the_moves_without_the_table(edge: Stack) -> None:
    """That there is none is known for five minutes after it was read, not for five and a half."""
    edge.clock.sleep(290)
    edge.levers.fault(action="AssociateAddress", error="IncorrectState")
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    with table_away(), pytest.raises(StateUnavailableError):
        edge.sweep()
    last = max(c["start"] for c in edge.calls("AssociateAddress"))
    assert last - min(c["start"] for c in edge.calls("AssociateAddress")) < 10
    assert edge.are_all_with("fw1")


KEY = {"kind": {"S": "topology"}, "id": {"S": "edge"}}
STOPPED = (is_dry_run, is_deleted, Stack.begin_deletion)


@pytest.mark.parametrize("stopped", STOPPED)
@pytest.mark.parametrize("is_alive", [True, False])
@pytest.mark.parametrize("by_name", [True, False])
def test_an_hour_old_document_moves_nothing(edge: Stack, stopped, is_alive: bool, by_name: bool) -> None:
    """Others served meanwhile; the topology is the only thing that this process cannot read."""
    stopped(edge)
    edge.clock.sleep(3600)
    lose(edge, is_alive=is_alive)
    with table_away("GetItem" if by_name else "Query"), pytest.raises(StateUnavailableError):
        edge.sweep() if by_name else edge.invoke({"tandem": "sweep"})
    assert edge.are_all_with("fw1")


@pytest.mark.parametrize("stopped", STOPPED)
@pytest.mark.parametrize("is_alive", [True, False])
def test_one_time_out_brings_no_old_document_back(edge: Stack, stopped, is_alive: bool) -> None:
    stopped(edge)
    lose(edge, is_alive=is_alive)
    with table_away("GetItem", most=1):
        edge.sweep()
    assert edge.are_all_with("fw1")


@pytest.mark.parametrize("is_alive", [True, False])
def test_one_time_out_keeps_nobody_waiting(edge: Stack, is_alive: bool) -> None:
    lose(edge, is_alive=is_alive)
    with table_away("GetItem", most=1):
        edge.sweep()
    assert edge.are_all_with("fw2")
    assert edge.kinds() == ["intent", "outcome"]


@pytest.mark.parametrize("is_alive", [True, False])
def test_a_lease_makes_no_document_true(edge: Stack, is_alive: bool) -> None:
    """The document is a minute old and cannot be read, all else can: only what is with the dead moves."""
    edge.clock.sleep(60)
    lose(edge, is_alive=is_alive)
    with table_away("GetItem"), pytest.raises(StateUnavailableError):
        edge.sweep()
    assert edge.are_all_with("fw1" if is_alive else "fw2")
    assert edge.audit() == []
    edge.sweep()
    assert edge.are_all_with("fw2")
    assert edge.kinds() == ["intent", "outcome"]
    assert len(edge.calls("AssociateAddress")) == 4


def test_looks_at_the_others_make_no_document_younger(edge: Stack) -> None:
    """The age is the document's own, whatever else was read since."""
    edge.store(name="other", groups=[])
    is_deleted(edge)
    for _ in range(6):
        edge.clock.sleep(60)
        edge.sweep("other")
        with table_away("GetItem"), suppress(StateUnavailableError):
            edge.sweep()
    edge.app.world.last_known.remember("edge", (), edge.app.world.clock.now())
    lose(edge, is_alive=False)
    with table_away("GetItem"), pytest.raises(StateUnavailableError):
        edge.sweep()
    assert edge.are_all_with("fw1")


def lose(edge: Stack, *, is_alive: bool) -> None:
    """The route leads to fw2 by now; fw1 is dead, or alive without it."""
    if is_alive:
        edge.levers.withdraw(name="fw1", prefix="0.0.0.0/0")
    else:
        edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
