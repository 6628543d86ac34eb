"""Tests that what happens in the lab is shown in words, in order of time, each once."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lab.ec2.world import world
from lab.levers import Levers
from lab.queues import Notification
from lab.sightings import Sighting, changed, moves, places, visible, watching
from lab.timeline import REPEATS, Timeline, announced, mailed, seen
from tests.lab.support import PATIENCE

EVENTS = Path(__file__).parents[2] / "events"
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def event(name):
    return json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))


def test_what_is_noticed_later_but_in_time_is_shown_in_order():
    timeline = Timeline()
    timeline.add([(at(1.2), "route"), (at(0.9), "session")])
    assert timeline.due(at(1.0)) == [(at(0.9), "session")]
    timeline.add([(at(1.1), "signal")])
    assert timeline.due(at(2.0)) == [(at(1.1), "signal"), (at(1.2), "route")]
    assert timeline.due(at(3.0)) == []


def test_nothing_is_shown_twice_and_nothing_is_left_out():
    timeline = Timeline()
    for _ in range(2):
        timeline.add([(at(1), "one")])
        timeline.due(at(1))
    timeline.add([(at(0.5), "noticed late")])
    timeline.due()
    assert timeline.given == [(at(1), "one"), (at(0.5), "noticed late")]


def test_an_address_moves_and_everything_else_changes():
    sightings = [
        Sighting(at(1), "session fw1 az1-a", "up", "down"),
        Sighting(at(2), "Elastic IP 198.51.100.1", "fw1 10.0.1.20", "fw2 10.0.2.20"),
    ]
    assert seen(sightings) == [
        (at(1), "seen: session fw1 az1-a up → down"),
        (at(2), "moved: 198.51.100.1 fw1 10.0.1.20 → fw2 10.0.2.20"),
    ]


def test_a_decision_is_shown_with_its_reason_and_its_signal():
    detail = event("failover-decision")["detail"]
    words = f"decided: move: {detail['reason']} (signal: BGP of rsp-0f1000000000000a1 went down)"
    assert announced(event("failover-decision")) == [(datetime.fromisoformat(detail["occurred_at"]), words)]


def test_a_decision_in_dry_run_says_that_nothing_moves():
    ((_, words),) = announced(event("failover-decision-dry-run"))
    assert words.startswith("decided: move (dry-run: nothing moves): ")


DRIFT = (
    "groups[0].elastic_ips[0].targets.fw2.private_ip: "
    "10.0.2.20 has another Elastic IP, eipalloc-0c000000000000009 (192.0.2.99)"
)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("failover-failed", "event: Failover Failed"),
        ("topology-change", "event: Topology Change: stored"),
        ("drift-detected", f"event: Drift Detected: {DRIFT}"),
        ("failover-completed", "verified: EC2 shows every address at its new place"),
    ],
)
def test_an_event_is_shown_by_what_says_the_most(name, words):
    assert [shown for _, shown in announced(event(name))] == [words]


@pytest.mark.parametrize("name", sorted(path.stem for path in EVENTS.glob("*.json")))
def test_every_event_of_tandem_has_words_or_repeats_what_is_seen(name):
    found = event(name)
    if found.get("source") == "tandem":
        lines = announced(found)
        assert bool(lines) is (found["detail-type"] not in REPEATS)
        assert all(words.strip() == words and not words.endswith(":") for _, words in lines)


def test_a_message_is_shown_by_its_subject():
    message = Notification(at(0), "Tandem edge: moved", "words", {})
    assert mailed(at(3), message) == (at(3), "message: Tandem edge: moved")


def test_each_address_is_shown_with_its_private_ip(at_edge):
    shown = places(world(at_edge.lab.backend.lab_region))
    assert sorted(who for what, who in shown.items() if what.startswith("Elastic IP")) == [
        f"fw1 10.0.1.{n}" for n in range(20, 24)
    ]


def test_a_route_that_vanishes_is_seen_and_so_is_its_return():
    here, none = {"route 0.0.0.0/0": "fw2"}, dict[str, str]()
    words = [text for _, text in seen([*changed(here, none, at(1)), *changed(none, here, at(2))])]
    assert words == ["seen: route 0.0.0.0/0 fw2 → nobody", "seen: route 0.0.0.0/0 nobody → fw2"]


def test_what_else_vanishes_is_gone():
    assert changed({"peer fw1 az1-a": "deleting"}, {}, at(1)) == [
        Sighting(at(1), "peer fw1 az1-a", "deleting", "gone")
    ]


def test_the_sessions_of_a_terminated_instance_keep_their_name(at_edge):
    at_edge.levers.instance("fw1", "terminated")
    at_edge.clock.sleep(5)
    shown = visible(world(at_edge.lab.backend.lab_region))
    assert shown["session fw1 az1-a"] == "down"
    assert not [what for what in shown if "None" in what]


def test_the_session_of_a_stranger_is_named_by_its_address(at_edge):
    at_edge.ec2.create_route_server_peer(
        RouteServerEndpointId=at_edge.endpoints["az1-a"]["id"],
        PeerAddress="10.0.1.99",
        BgpOptions={"PeerAsn": 65099},
    )
    at_edge.clock.sleep(5)
    assert visible(world(at_edge.lab.backend.lab_region))["session 10.0.1.99 az1-a"] == "down"


def test_a_move_has_the_time_at_which_ec2_made_it(at_edge):
    before = places(world(at_edge.lab.backend.lab_region))
    at_edge.clock.sleep(3)
    at_edge.ec2.associate_address(
        AllocationId=at_edge.elastic_ips["eip1"]["allocation_id"],
        NetworkInterfaceId=at_edge.interfaces["fw2"],
        PrivateIpAddress="10.0.2.20",
        AllowReassociation=True,
    )
    moved = at_edge.clock.now()
    at_edge.clock.sleep(3)
    after = world(at_edge.lab.backend.lab_region)
    (sighting,) = changed(before, places(after), at_edge.clock.now(), moves(after))
    assert sighting.at == moved
    assert (sighting.before, sighting.now) == ("fw1 10.0.1.20", "fw2 10.0.2.20")


class OnlyAWorld(Levers):
    def world(self):
        return {"elastic_ips": []}


def test_a_glance_that_takes_long_says_from_when_on_all_is_seen():
    """Whoever prints what is older than that prints in order."""
    worlds = iter([{"a": "1"}, {"a": "2"}])
    is_seen, may_end = threading.Event(), threading.Event()

    def look(_):
        try:
            return next(worlds)
        except StopIteration:
            is_seen.set()
            may_end.wait(PATIENCE)
            return {"a": "3"}

    with watching(OnlyAWorld(""), look, glance_seconds=0) as sightings:
        assert is_seen.wait(PATIENCE)
        assert [s.now for s in sightings.seen] == ["2"]
        until, later = sightings.until, datetime.now(UTC)
        may_end.set()
    assert until == sightings.seen[0].at < later
    assert all(s.at > until for s in sightings.seen[1:])
