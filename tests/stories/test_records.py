"""Tests which stored topologies an invocation reads, and what it says of damaged and of unknown ones."""

from __future__ import annotations

import json

import pytest

from tandem.adapters import clients
from tests.shared_worlds import begins_in
from tests.stack import Stack, stack


@pytest.fixture
@begins_in(stack)
def edge():
    with stack() as s:
        yield s


def damage(name: str) -> None:
    """Overwrites a stored topology as a careless hand would."""
    item = {"kind": {"S": "topology"}, "id": {"S": name}, "document": {"S": "{"}, "version": {"N": "1"}}
    clients.dynamodb().put_item(TableName="tandem-state", Item=item)


def metrics(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    """Returns what the last invocation counted."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"_aws"')]
    return {name: sum(values) for name, values in lines[-1].items() if isinstance(values, list)}


def test_a_damaged_topology_is_reported_and_stops_nobody(edge: Stack, capsys) -> None:
    edge.store(name="other")
    damage("other")
    edge.sweep("other")
    assert metrics(capsys)["RepairedState"] == 1
    assert edge.calls() == []
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()
    counted = metrics(capsys)
    assert (counted["RepairedState"], counted["LooksStarted"]) == (0, 1)
    assert edge.are_all_with("fw2")


def test_a_message_says_of_every_damaged_topology_and_moves_the_others(edge: Stack, capsys) -> None:
    edge.store(name="other")
    damage("other")
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.deliver(most=1)
    assert metrics(capsys)["RepairedState"] == 1
    assert edge.are_all_with("fw2")


@pytest.mark.parametrize("name", ["nobody", "Edge", "edge/x"])
def test_a_name_that_nobody_stored_is_nothing_to_look_at(edge: Stack, capsys, name: str) -> None:
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep(name)
    counted = metrics(capsys)
    assert (counted["RefusedMessage"], counted["UnknownSignal"]) == (0, 0)
    assert "LooksStarted" not in counted
    assert edge.calls() == []


def test_an_event_of_ours_that_is_no_signal_reads_nothing(edge: Stack) -> None:
    edge.invoke({"source": "tandem", "detail-type": "Failover Decision", "detail": {"topology": "edge"}})
    edge.invoke({"source": "tandem", "detail-type": "Look", "detail": {"schema_version": 1}})
    assert edge.calls() == []


def test_the_sweep_that_names_none_looks_at_all(edge: Stack, capsys) -> None:
    edge.store(name="other")
    edge.invoke({"tandem": "sweep"})
    assert metrics(capsys)["LooksStarted"] == 2
