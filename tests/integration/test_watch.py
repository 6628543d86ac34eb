"""The watch function over the emulated Route Server: a next hop that changes is on the bus within 5 s."""

from __future__ import annotations

import os
from datetime import timedelta
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from tandem.adapters import clients
from tandem.adapters.heartbeats import Heartbeat
from tandem.errors import ConfigurationError, TemporaryError
from tandem.events import from_envelope, parse_iso
from tests.contracts import assert_meets_schema
from tests.functions import Context, Said, aws, cold_start, damage, fresh_service, store
from tests.samples import record
from tests.shared_worlds import begins_in
from tests.stack import Stack, VirtualTime, stack

READ = "GetRouteServerRoutingDatabase"
FIB_DELAY = timedelta(seconds=2)
"""What the emulated Route Server takes, at the most, to choose the other route (lab/ec2/timings.py)."""


class Scripted(VirtualTime):
    """The lab's time, in which things happen at given seconds from now on."""

    def __init__(self, lab, happenings):
        super().__init__(lab)
        self.began = self.now()
        self._left = sorted(happenings.items())

    def elapsed(self):
        return (self.now() - self.began).total_seconds()

    def sleep(self, seconds):
        until = self.elapsed() + seconds
        while self._left and self._left[0][0] <= until:
            at, happening = self._left.pop(0)
            super().sleep(max(0.0, at - self.elapsed()))
            happening()
        super().sleep(until - self.elapsed())


class Remaining(Context):
    """A context whose time runs out on the lab's clock."""

    def __init__(self, clock, seconds):
        super().__init__()
        self._clock = clock
        self._ends = clock.now() + timedelta(seconds=seconds)

    def get_remaining_time_in_millis(self):
        return int((self._ends - self._clock.now()).total_seconds() * 1000)


class World:
    """A stack, and the watch beside its failover function."""

    def __init__(self, made: Stack):
        self.stack = made

    def watch(self, happenings=None, seconds=90.0):
        """One invocation of a cold function; how many seconds it stayed."""
        app = cold_start("watch")
        app.clock = Scripted(self.stack.lab, happenings or {})
        app.handler({"tandem": "watch"}, Remaining(app.clock, seconds))
        return app.clock.elapsed()

    def route_changes(self):
        """Returns those that are on the bus since the story began, each as its schema says."""
        every = [e for e in self.stack.events() if e["detail-type"] == "Route Change"]
        for envelope in every:
            event = from_envelope(envelope)
            assert event is not None
            assert_meets_schema(event)
        return every


@pytest.fixture
@begins_in(stack)
def world():
    chatty = {"POWERTOOLS_LOG_LEVEL": "INFO", **fresh_service()}
    with stack() as made, mock.patch.dict(os.environ, chatty):
        made.sweep()
        made.forget_calls()
        made.events()
        yield World(made)


def prefer_fw2(world):
    """fw1 makes its route worse while all sessions stay up: a change that no session signal tells."""
    return lambda: world.stack.levers.advertise("fw1", "0.0.0.0/0", as_path=[65001] * 9)


def test_a_world_that_the_last_look_saw_is_watched_in_silence(world, capsys):
    assert 55 <= world.watch() <= 60
    assert world.route_changes() == []
    assert len(world.stack.calls(READ)) == 12
    assert world.stack.calls() == world.stack.calls(READ)
    assert Said(capsys).metric("RouteChanges") == 0


def test_a_graceful_change_is_on_the_bus_within_five_seconds(world, capsys):
    begins = world.stack.clock.now()
    world.watch({21.0: prefer_fw2(world)})
    first, *again = world.route_changes()
    assert (first["detail"]["previous_next_hop"], first["detail"]["next_hop"]) == ("10.0.1.10", "10.0.2.10")
    assert first["detail"]["peer_id"] in world.stack.ids["peers"]["fw2"].values()
    told = parse_iso(first["detail"]["occurred_at"]) - begins
    assert timedelta(seconds=21) <= told <= timedelta(seconds=21 + 5) + FIB_DELAY
    assert len(again) == 1, "nobody looked, so it is told once more"
    assert Said(capsys).metric("RouteChanges") == 2


def test_the_event_makes_failover_move_and_then_the_watch_is_silent(world):
    world.watch({21.0: prefer_fw2(world)})
    (first, *_) = world.route_changes()
    assert world.stack.are_all_with("fw1")
    world.stack.invoke(first)
    world.stack.run(10)
    assert world.stack.are_all_with("fw2")
    world.watch()
    assert world.route_changes() == []


def test_a_withdrawn_route_is_a_change_to_nothing(world):
    def withdraw():
        for name in ("fw1", "fw2"):
            world.stack.levers.withdraw(name, "0.0.0.0/0")

    world.watch({11.0: withdraw})
    first, *_ = world.route_changes()
    assert (first["detail"]["next_hop"], first["detail"]["peer_id"]) == (None, None)
    assert first["detail"]["previous_next_hop"] == "10.0.1.10"


def test_a_topology_that_nobody_has_looked_at_is_asked_for(world):
    clients.dynamodb().delete_item(TableName="tandem-state", Key={"kind": {"S": "look"}, "id": {"S": "edge"}})
    world.watch(seconds=12)
    (event,) = world.route_changes()
    assert event["detail"]["cause"].endswith("and nobody has looked yet")


def test_it_ends_before_its_own_time_is_up(world):
    assert world.watch(seconds=30) <= 20


def test_it_writes_when_it_has_watched_also_after_a_failure(world):
    heartbeat = Heartbeat("tandem-state")
    assert heartbeat.last() is None
    began = world.stack.clock.now()
    world.watch()
    first = heartbeat.last()
    assert first is not None
    assert 0 <= (first - began).total_seconds() < 10
    world.stack.levers.fault(action=READ, error="InternalError")
    with pytest.raises(TemporaryError):
        world.watch()
    second = heartbeat.last()
    assert second is not None
    assert second > first


def test_one_sick_route_server_stops_no_other_and_is_reported_at_the_end(world, capsys):
    store(record("ill", route_server_id="rs-0ffffffffffffffff"))
    with pytest.raises(TemporaryError, match="rs-0ffffffffffffffff"):
        world.watch({21.0: prefer_fw2(world)})
    assert {e["detail"]["topology"] for e in world.route_changes()} == {"edge"}
    said = Said(capsys)
    assert said.metric("WatchReadFailed") == 12
    assert "could not read" in said.messages


def test_a_read_that_fails_for_a_while_costs_only_that_while(world):
    world.stack.levers.fault(READ, error="IncorrectState", count=2)
    with pytest.raises(TemporaryError, match="IncorrectState"):
        world.watch({1.0: prefer_fw2(world)})
    assert world.route_changes()


def test_a_damaged_topology_is_an_error_but_the_others_are_watched(world):
    store(record("bad"))
    damage("bad")
    with pytest.raises(TemporaryError, match="topology bad"):
        world.watch({21.0: prefer_fw2(world)})
    assert {e["detail"]["topology"] for e in world.route_changes()} == {"edge"}


def test_a_state_table_that_goes_away_meanwhile_does_not_blind_the_watch(world):
    def away():
        clients.dynamodb().meta.events.register_first("before-call.dynamodb.Query", unavailable)
        prefer_fw2(world)()

    with pytest.raises(TemporaryError, match="the state table"):
        world.watch({21.0: away})
    assert [e["detail"]["next_hop"] for e in world.route_changes()] == ["10.0.2.10"] * 2


def test_a_bus_that_refuses_for_a_moment_hears_it_again(world, monkeypatch):
    real, calls = clients.events().put_events, []

    def put_events(Entries):  # noqa: N803
        calls.append(Entries)
        if len(calls) > 1:
            return real(Entries=Entries)
        return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure", "ErrorMessage": ""}]}

    monkeypatch.setattr(clients.events(), "put_events", put_events)
    with pytest.raises(TemporaryError, match="InternalFailure"):
        world.watch({1.0: prefer_fw2(world)})
    assert [e["detail"]["next_hop"] for e in world.route_changes()] == ["10.0.2.10"]


def test_without_a_topology_it_ends_at_once(capsys):
    with aws():
        app = cold_start("watch")
        app.handler({"tandem": "watch"}, Context())
        assert Said(capsys).metric("Watched") == 0


def test_a_missing_variable_is_one_clear_configuration_error():
    with aws(TANDEM_BUS_NAME=""), pytest.raises(ConfigurationError, match="TANDEM_BUS_NAME"):
        cold_start("watch")


def unavailable(**_):
    raise ClientError({"Error": {"Code": "InternalServerError", "Message": "try later"}}, "Query")
