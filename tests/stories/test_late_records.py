"""Audit records that the table did not take: they come late, whole, and once."""

from __future__ import annotations

import pytest
from botocore.exceptions import ConnectTimeoutError

from tandem.adapters import clients
from tandem.errors import StateUnavailableError
from tests.crashing import table_away
from tests.judging import moved
from tests.stack import Stack


def test_an_outcome_that_comes_late_closes_its_intent_once(edge: Stack) -> None:
    """The table goes away between the intent and the outcome, and is back for the next look."""
    events, records = clients.dynamodb().meta.events, 0

    def gone(**_: object) -> None:
        nonlocal records
        records += 1
        if records > 1:
            raise ConnectTimeoutError(endpoint_url="dynamodb")

    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    events.register("before-call.dynamodb.PutItem", gone)
    with pytest.raises(StateUnavailableError):
        edge.sweep()
    events.unregister("before-call.dynamodb.PutItem", gone)
    edge.delivered = len(edge.published)
    edge.live(120)
    assert edge.are_all_with("fw2")
    assert len(moved(edge)) == 4
    assert edge.kinds() == ["intent", "outcome"]
    assert edge.audit()[1].body["late"] is True


def test_a_late_record_waits_for_as_long_as_the_table_is_away(edge: Stack) -> None:
    """It can be read again, but not written: the record is kept for the look after that."""
    edge.sweep()
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    with table_away(), pytest.raises(StateUnavailableError):
        edge.sweep()
    with table_away("PutItem"), pytest.raises(StateUnavailableError):
        edge.sweep()
    edge.sweep()
    assert edge.are_all_with("fw2")
    assert len(moved(edge)) == 4
    assert edge.kinds() == ["intent", "outcome"]
    assert all(record.body["late"] for record in edge.audit())


def test_what_moved_without_the_table_has_a_thread_and_the_times_of_its_sessions(edge: Stack) -> None:
    """The table goes away with the intent, so the look has read when each session was first seen so."""
    edge.sweep()
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    with table_away("PutItem"), pytest.raises(StateUnavailableError):
        edge.sweep()
    edge.sweep()
    intent, outcome = (record.body for record in edge.audit())
    assert intent["threads"] == outcome["threads"] == {"internet-edge": outcome["threads"]["internet-edge"]}
    sessions = [s for peers in intent["evidence"]["sessions"].values() for s in peers.values()]
    assert all(s["since"] for s in sessions)
