"""People are told of everything that was decided and done, also where the bus, the table or a look fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from tandem.adapters import clients
from tandem.adapters.audits import AuditTable
from tandem.errors import StateUnavailableError, TemporaryError
from tandem.failover import news
from tests.crashing import Killed, meanwhile, table_away
from tests.judging import moved, told
from tests.stack import Stack

FOLLOWED = ["moving 4 Elastic IPs to fw2", "moved 4 Elastic IPs to fw2"]
WENT_BACK = ["moving 4 Elastic IPs to fw1", "moved 4 Elastic IPs to fw1"]
PAUSED = "OUTAGE: fw1 is dead, a pause keeps 4 Elastic IPs on it"
UNTIL = "2026-01-02T00:00:00+00:00"


@contextmanager
def bus_away(most: int = 1000) -> Iterator[None]:
    """EventBridge does not answer: so many times at most."""
    unanswered = 0

    def gone(**_: object) -> None:
        nonlocal unanswered
        if unanswered < most:
            unanswered += 1
            raise ConnectTimeoutError(endpoint_url="events")

    bus = clients.events().meta.events
    bus.register("before-call.events", gone)
    yield
    bus.unregister("before-call.events", gone)


def die(edge: Stack) -> None:
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.delivered = len(edge.published)


def sweeps(edge: Stack, count: int) -> None:
    for _ in range(count):
        edge.clock.sleep(60)
        edge.sweep()


def test_a_move_that_the_bus_did_not_take_is_told_by_the_next_look(edge: Stack) -> None:
    """That it begins is no news by then."""
    die(edge)
    with bus_away():
        with pytest.raises(TemporaryError, match="EventBridge"):
            edge.sweep()
        assert edge.are_all_with("fw2")
        with pytest.raises(TemporaryError, match="EventBridge"):
            edge.sweep()
    assert told(edge) == []
    sweeps(edge, 3)
    assert told(edge) == FOLLOWED[1:]
    assert len(moved(edge)) == 4


def test_a_hold_that_the_bus_did_not_take_is_told_while_it_stands(edge: Stack) -> None:
    edge.override(action="paused", until=UNTIL)
    die(edge)
    with bus_away(), pytest.raises(TemporaryError):
        edge.sweep()
    sweeps(edge, 3)
    (message,) = told(edge)
    assert message.startswith(PAUSED)
    assert edge.kinds() == ["hold"]


def test_a_hold_that_is_over_by_then_is_no_news(edge: Stack) -> None:
    edge.override(action="paused", until=UNTIL)
    die(edge)
    with bus_away():
        with pytest.raises(TemporaryError):
            edge.sweep()
        edge.override()
        with pytest.raises(TemporaryError):
            edge.sweep()
    sweeps(edge, 2)
    assert told(edge) == FOLLOWED[1:]


def test_of_a_hold_that_was_told_the_end_is_told_where_its_change_was_not(edge: Stack) -> None:
    """The bus does not take that the pause lasts longer; the hold was told when it began."""
    edge.override(action="paused", until=UNTIL)
    edge.sweep()
    assert len(told(edge)) == 1
    with bus_away():
        for order in ({"action": "paused", "until": "2026-01-03T00:00:00+00:00"}, {}):
            edge.override(**order)
            with pytest.raises(TemporaryError):
                edge.sweep()
    edge.sweep()
    assert told(edge) == ["hold ended"]


def test_a_bus_that_answers_again_within_the_look_is_told_all_of_it(edge: Stack) -> None:
    die(edge)
    with bus_away(most=2):
        edge.sweep()
    assert told(edge) == FOLLOWED


def test_a_bus_that_is_away_keeps_no_second_try_waiting(edge: Stack) -> None:
    edge.levers.fault(action="AssociateAddress", error="IncorrectInstanceState", count=4)
    die(edge)
    with bus_away(), pytest.raises(TemporaryError, match="EventBridge"):
        edge.sweep()
    assert edge.are_all_with("fw2")


def test_a_bug_in_a_notification_keeps_no_move_waiting_and_fails_the_look(
    edge: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not taken for a damaged record, which would be left out unseen."""

    def bug(_: object) -> None:
        raise KeyError("a bug")

    die(edge)
    with monkeypatch.context() as patched:
        patched.setattr(news, "utc", bug)
        with pytest.raises(KeyError, match="a bug"):
            edge.sweep()
    assert edge.are_all_with("fw2")
    assert edge.kinds() == ["intent", "outcome"]


@pytest.mark.parametrize(
    ("kind", "why"),
    [("applause", "this version knows no records of kind 'applause'"), ("finding", "KeyError: 'topology'")],
)
def test_a_record_that_cannot_be_notified_is_logged_and_left_out(
    edge: Stack, caplog: pytest.LogCaptureFixture, kind: str, why: str
) -> None:
    """A newer version wrote it, or somebody damaged it; what follows is notified."""
    edge.app.logger.setLevel("WARNING")
    edge.sweep()
    AuditTable("tandem-audit").append(None, "failover#edge", {"kind": kind, "tell": ["internet-edge"]})
    die(edge)
    edge.sweep()
    (line,) = [vars(r) for r in caplog.records if r.msg == "a record cannot be notified"]
    assert (line["record"], line["why"]) == (1, why)
    assert told(edge) == FOLLOWED


def test_what_a_killed_look_had_moved_is_told_by_the_next_one(edge: Stack) -> None:
    """It dies between its moves and their outcome: "moving" is told, and must not stay the last word."""
    die(edge)
    written = 0

    def kill(**_: object) -> None:
        nonlocal written
        written += 1
        if written == 2:
            raise Killed

    table = clients.dynamodb().meta.events
    table.register("before-call.dynamodb.PutItem", kill)
    with pytest.raises(Killed):
        edge.sweep()
    table.unregister("before-call.dynamodb.PutItem", kill)
    sweeps(edge, 3)
    assert told(edge) == FOLLOWED
    assert [record.body.get("outcome") for record in edge.audit()] == [None, "unknown"]


@pytest.mark.parametrize("call", range(1, 24))
def test_wherever_a_look_is_killed_the_last_word_is_true(edge: Stack, call: int) -> None:
    def kill() -> None:
        raise Killed

    die(edge)
    with suppress(Killed), meanwhile(call, kill):
        edge.sweep()
    sweeps(edge, 3)
    assert edge.are_all_with("fw2")
    messages = told(edge)
    assert messages[-1] == FOLLOWED[1]
    assert messages.count(FOLLOWED[1]) <= 2, "twice where it is killed between telling and remembering that"


def test_without_the_table_people_are_told_at_once_and_once(edge: Stack) -> None:
    edge.sweep()
    die(edge)
    with table_away(), pytest.raises(StateUnavailableError):
        edge.sweep()
    assert told(edge) == FOLLOWED
    sweeps(edge, 3)
    assert told(edge) == []
    assert edge.kinds() == ["intent", "outcome"]


@pytest.mark.parametrize(
    ("action", "trouble"),
    [
        ("AssociateAddress", {"error": "IncorrectState", "count": 4}),
        ("DescribeAddresses", {"lag_s": 15}),
    ],
    ids=["refused once", "shown late"],
)
def test_without_the_table_people_are_told_what_came_of_it_in_the_end(
    edge: Stack, action: str, trouble: dict[str, Any]
) -> None:
    edge.sweep()
    edge.levers.fault(action=action, **trouble)
    die(edge)
    with table_away(), pytest.raises(StateUnavailableError):
        edge.sweep()
    assert told(edge) == FOLLOWED
    sweeps(edge, 3)
    assert told(edge) == []


def test_without_the_table_and_the_bus_people_are_told_when_both_are_back(edge: Stack) -> None:
    edge.sweep()
    die(edge)
    with bus_away(), table_away(), pytest.raises(StateUnavailableError):
        edge.sweep()
    assert edge.are_all_with("fw2")
    sweeps(edge, 3)
    assert told(edge) == FOLLOWED[1:]


def test_an_override_that_is_over_keeps_no_failover_from_beginning_without_the_table(edge: Stack) -> None:
    edge.override(action="paused", until="2025-12-31T00:00:00+00:00")
    edge.sweep()
    die(edge)
    with table_away(), pytest.raises(StateUnavailableError):
        edge.sweep()
    assert edge.are_all_with("fw2")
    edge.sweep()
