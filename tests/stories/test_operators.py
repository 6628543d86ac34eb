"""Tests what operators order: paused, pinned, forced, and a dry run."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tandem.adapters import clients
from tests.crashing import Killed, hooks
from tests.judging import moved, reasons, told
from tests.stack import MOVING, Stack

UNTIL = "2026-01-02T00:00:00+00:00"
ONCE = ["intent", "outcome"]
FOLLOWED = ["moving 4 Elastic IPs to fw2", "moved 4 Elastic IPs to fw2"]
WENT_BACK = ["moving 4 Elastic IPs to fw1", "moved 4 Elastic IPs to fw1"]


def test_paused(edge: Stack) -> None:
    """Whatever happens, nothing moves until it is resumed."""
    edge.override(action="paused", until=UNTIL)
    edge.levers.kill(name="fw1")
    edge.live(120)
    assert edge.are_all_with("fw1")
    assert edge.calls(*MOVING) == []
    assert edge.kinds() == ["hold"]
    assert reasons(edge)[-1].startswith("paused by kim")
    edge.override()
    edge.live(60)
    assert edge.are_all_with("fw2")
    assert len(moved(edge)) == 4
    assert edge.kinds() == ["hold", *ONCE, "hold-ended"]
    held, *followed = told(edge)
    assert held == "OUTAGE: fw1 is dead, a pause keeps 4 Elastic IPs on it"
    assert followed == [*FOLLOWED, "hold ended"]


def test_paused_between_the_decision_and_the_first_call(edge: Stack) -> None:
    """While the intent is written; the override is read again immediately before the calls."""
    events = clients.dynamodb().meta.events

    def pauses(**_: object) -> None:
        events.unregister("before-call.dynamodb.PutItem", pauses)
        edge.override(action="paused", until=UNTIL)

    events.register("before-call.dynamodb.PutItem", pauses)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()
    assert edge.are_all_with("fw1")
    assert edge.calls(*MOVING) == []
    assert edge.kinds() == [*ONCE, "hold"]
    assert reasons(edge)[-1].startswith("paused by kim")
    edge.override()
    edge.sweep()
    assert edge.are_all_with("fw2")
    assert len(moved(edge)) == 4


def test_pinned(edge: Stack) -> None:
    """To the standby, against the route; released, the addresses go back to it."""
    edge.override(action="pinned", appliance="fw2", until=UNTIL)
    edge.live(60)
    assert edge.are_all_with("fw2")
    edge.override()
    edge.live(120)
    assert edge.are_all_with("fw1")
    assert len(moved(edge)) == 8
    assert edge.kinds() == [*ONCE, "override", *ONCE, "override"]
    assert edge.audit()[0].body["groups"]["internet-edge"]["reason"].startswith("fw2 is pinned")
    lifted = "Tandem edge: unpinned to fw2, somebody deleted or replaced the pin of kim (a test)"
    assert told(edge) == [*FOLLOWED, "Tandem edge: pinned to fw2, a test", *WENT_BACK, lifted]


def test_pinned_to_a_dead_appliance(edge: Stack) -> None:
    edge.levers.kill(name="fw2")
    edge.live(5)
    edge.override(action="pinned", appliance="fw2", until=UNTIL)
    edge.live(120)
    assert edge.are_all_with("fw1")
    assert edge.calls(*MOVING) == []
    assert edge.kinds() == ["hold", "override"]
    assert "but fw2 has no session with BGP up" in reasons(edge)[-1]
    held, pinned = told(edge)
    assert held.startswith("HOLD, pinned to fw2 by kim")
    assert pinned == "Tandem edge: pinned to fw2, a test"


def test_forced(edge: Stack) -> None:
    """A pin that asks for no session; whose word it was is recorded with the move."""
    edge.levers.kill(name="fw2")
    edge.live(5)
    edge.override(action="pinned", appliance="fw2", until=UNTIL, forced=True)
    edge.live(120)
    assert edge.are_all_with("fw2")
    assert len(moved(edge)) == 4
    assert edge.kinds() == [*ONCE, "override"]
    (report,) = edge.audit()[0].body["groups"]["internet-edge"]["reports"]
    assert report.startswith("pinned to fw2 by kim")
    assert report.endswith("forced: no session is asked for")
    assert told(edge) == [*FOLLOWED, "Tandem edge: pinned to fw2, a test"]


def test_a_pin_that_moves_nothing_is_told_and_so_is_its_end(edge: Stack) -> None:
    """To where everything is: no decision speaks of it, until the route moves and the addresses do not."""
    until = edge.clock.now() + timedelta(minutes=5)
    edge.override(action="pinned", appliance="fw1", until=until.isoformat())
    edge.live(180)
    assert told(edge) == ["Tandem edge: pinned to fw1, a test"]
    edge.live(180)
    assert told(edge) == ["Tandem edge: unpinned to fw1, the pin expired (a test)"]
    assert edge.kinds() == ["override"] * 2


@pytest.mark.parametrize("until", [UNTIL, "2026-01-02T00:00:00.123456+00:00"])
def test_a_pin_whose_look_dies_as_it_notifies_is_recorded_and_notified_once(edge: Stack, until: str) -> None:
    """Only the audit trail knows of it then; so it does of the pin's end."""

    def dies(call: str) -> None:
        if call == "PutEvents":
            raise Killed

    edge.override(action="pinned", appliance="fw1", until=until)
    for change in ("pinned to fw1, a test", "unpinned to fw1, somebody deleted or replaced the pin of kim"):
        with pytest.raises(Killed), hooks(before=dies):
            edge.sweep()
        edge.clock.sleep(40)
        edge.sweep()
        (subject,) = told(edge)
        assert subject.startswith(f"Tandem edge: {change}")
        edge.override()
        edge.clock.sleep(10)
    assert edge.kinds() == ["override"] * 2


def test_dry_run_decides_and_tells_and_moves_nothing(edge: Stack) -> None:
    edge.store(mode="dry-run")
    edge.levers.kill(name="fw1")
    edge.live(180)
    assert edge.are_all_with("fw1")
    assert [c["outcome"] for c in edge.calls("AssociateAddress")] == ["DryRunOperation"] * 4
    assert edge.kinds() == ["hold"]
    assert told(edge) == ["OUTAGE: fw1 is dead, a dry run keeps 4 Elastic IPs on it"]
