"""DynamoDB away during a failover: the table makes failover orderly, not possible."""

from __future__ import annotations

import pytest

from tandem.adapters import clients
from tandem.errors import StateUnavailableError
from tests.crashing import table_away
from tests.stack import MOVING, Stack, stack


@pytest.fixture
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
    with table_away(), pytest.raises(StateUnavailableError):
        edge.sweep()
    assert edge.calls(*MOVING) == []


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
