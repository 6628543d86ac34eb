"""A standby that is dead is told once, and once when it is back; nothing that is decided depends on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from lab.ec2.timings import Behaviour, BfdDown
from tandem.adapters import clients
from tandem.errors import StateUnavailableError, TemporaryError
from tandem.events import from_envelope
from tandem.words.notification import notification
from tests.crashing import Killed, meanwhile, table_away
from tests.judging import moved, told, whole
from tests.shared_worlds import begins_in
from tests.stack import MOVING, Stack, edge_document, stack
from tests.stories.test_told import bus_away
from tests.tiers import first_now, prove

DEAD = "Tandem edge: warning, fw2 is dead: none of its 2 sessions is up"
BACK = "Tandem edge: resolved, fw2 is back: 2 of its 2 sessions are up"
NEVER = "Tandem edge: warning, fw2 has not come up yet: none of its 2 sessions is up"
MINUTE = 60


@pytest.fixture
@begins_in(stack)
def edge() -> Iterator[Stack]:
    """Looked at once: both appliances were seen alive."""
    with stack() as s:
        s.sweep()
        s.events()
        yield s
        whole(s)


def minutes(s: Stack, count: float) -> None:
    s.live(count * MINUTE)


def silent(ids: dict[str, Any], *names: str) -> dict[str, Any]:
    declared = edge_document(ids)["appliances"]
    return {n: {**spec, "standby": "silent"} if n in names else spec for n, spec in declared.items()}


def test_a_standby_that_is_dead_for_three_minutes_is_told_once_and_once_when_it_is_back(edge: Stack) -> None:
    edge.levers.kill(name="fw2")
    minutes(edge, 2.5)
    assert told(edge) == []
    minutes(edge, 1.5)
    assert told(edge) == [DEAD]
    minutes(edge, 30)
    assert told(edge) == []
    edge.levers.restore(name="fw2")
    minutes(edge, 5)
    assert told(edge) == [BACK]
    minutes(edge, 10)
    assert told(edge) == []
    assert edge.kinds() == ["finding", "finding"]
    assert edge.calls(*MOVING) == []


def test_the_message_says_what_somebody_needs_at_3_a_m(edge: Stack) -> None:
    edge.levers.kill(name="fw2", stop_instance=True)
    minutes(edge, 4)
    text, attributes = messages(edge)[-1]
    assert attributes == {
        "detail_type": "Compliance Finding",
        "topology": "edge",
        "severity": "warning",
        "action": "opened",
    }
    instance = edge.ids["instances"]["fw2"]
    assert f"Instance: {instance} is stopped." in text
    for peer in edge.ids["peers"]["fw2"].values():
        assert f"{peer} (10.0.2.10 at rse-" in text
    assert text.count("BGP down, BFD down") == 2
    assert "Since: 2026-01-01 00:" in text
    assert f"Start {instance}, or replace it" in text
    assert "until then nobody can take over from fw1" in text
    assert "Audit: failover#edge, record 1," in text


@prove
def test_a_standby_that_the_document_calls_silent_bothers_nobody(edge: Stack) -> None:
    edge.store(appliances=silent(edge.ids, "fw1", "fw2"))
    edge.levers.kill(name="fw2")
    minutes(edge, 45)
    edge.levers.restore(name="fw2")
    minutes(edge, 5)
    assert told(edge) == []
    assert edge.audit() == []


@prove
def test_a_silent_standby_takes_over_as_any_other(edge: Stack) -> None:
    edge.store(appliances=silent(edge.ids, "fw1", "fw2"))
    edge.levers.kill(name="fw1")
    minutes(edge, 45)
    assert edge.are_all_with("fw2")
    assert told(edge) == ["moving 4 Elastic IPs to fw2", "moved 4 Elastic IPs to fw2"]


@prove
def test_what_is_back_within_three_minutes_is_not_told(edge: Stack) -> None:
    for _ in range(4):
        edge.levers.kill(name="fw2")
        minutes(edge, 2.5)
        edge.levers.restore(name="fw2")
        minutes(edge, 1)
    assert told(edge) == []
    assert edge.audit() == []


@prove
def test_what_was_told_and_flaps_is_one_episode(edge: Stack) -> None:
    edge.levers.kill(name="fw2")
    minutes(edge, 4)
    for _ in range(4):
        edge.levers.restore(name="fw2")
        minutes(edge, 1)
        edge.levers.kill(name="fw2")
        minutes(edge, 4)
    edge.levers.restore(name="fw2")
    minutes(edge, 5)
    assert told(edge) == [DEAD, BACK]


@prove
def test_a_managed_session_that_never_comes_up_is_told_before_three_quarters_of_an_hour() -> None:
    with stack() as s:
        s.store(manage=True)
        s.levers.kill(name="fw2")
        s.clock.sleep(30)
        s.delivered = len(s.published)
        minutes(s, 25)
        assert told(s) == []
        minutes(s, 20)
        assert told(s) == [NEVER]
        s.levers.restore(name="fw2")
        minutes(s, 5)
        assert told(s) == [BACK]
        whole(s)


@prove
def test_one_session_that_never_comes_up_while_the_other_is_up_is_told(edge: Stack) -> None:
    edge.levers.session(name="fw1", endpoint="az1-a", state="down")
    minutes(edge, 25)
    assert told(edge) == []
    minutes(edge, 20)
    assert told(edge) == ["Tandem edge: warning, 1 of 2 sessions of fw1 is down"]
    edge.levers.session(name="fw1", endpoint="az1-a", state="up")
    minutes(edge, 5)
    assert told(edge) == ["Tandem edge: resolved, all 2 sessions of fw1 are up"]
    assert edge.are_all_with("fw1")


@prove
def test_one_session_of_two_is_down_for_some_minutes(edge: Stack) -> None:
    edge.levers.maintenance(endpoint="az2-a", seconds=20 * MINUTE)
    minutes(edge, 25)
    assert told(edge) == []


@prove
def test_both_dead_is_a_hold_and_nothing_is_told_beside_it(edge: Stack) -> None:
    for name in ("fw1", "fw2"):
        edge.levers.kill(name=name)
    minutes(edge, 45)
    assert told(edge) == ["OUTAGE: fw1 is dead with 4 Elastic IPs: 0.0.0.0/0 is not in the FIB"]


@prove
def test_of_both_that_were_dead_the_one_that_stays_so_is_told_three_minutes_later(edge: Stack) -> None:
    for name in ("fw1", "fw2"):
        edge.levers.kill(name=name)
    minutes(edge, 10)
    edge.levers.restore(name="fw1")
    minutes(edge, 2)
    assert told(edge) == ["OUTAGE: fw1 is dead with 4 Elastic IPs: 0.0.0.0/0 is not in the FIB", "hold ended"]
    minutes(edge, 3)
    assert told(edge) == [DEAD]


@prove
def test_the_active_dies_after_the_standby_and_the_standby_is_told_once(edge: Stack) -> None:
    edge.levers.kill(name="fw2")
    minutes(edge, 5)
    edge.levers.kill(name="fw1")
    minutes(edge, 45)
    assert told(edge) == [DEAD, "OUTAGE: fw1 is dead with 4 Elastic IPs: 0.0.0.0/0 is not in the FIB"]
    edge.levers.restore(name="fw2")
    minutes(edge, 2)
    assert edge.are_all_with("fw2")
    edge.levers.restore(name="fw1")
    minutes(edge, 5)
    assert BACK in told(edge)


@prove
def test_the_appliance_that_died_is_the_standby_after_its_failover(edge: Stack) -> None:
    """The failover itself is told as before; that nobody can take over next is told three minutes later."""
    edge.levers.kill(name="fw1")
    minutes(edge, 2.5)
    assert told(edge) == ["moving 4 Elastic IPs to fw2", "moved 4 Elastic IPs to fw2"]
    minutes(edge, 10)
    (subject,) = told(edge)
    assert subject == DEAD.replace("fw2", "fw1")
    edge.levers.restore(name="fw1")
    minutes(edge, 5)
    assert told(edge) == [
        "moving 4 Elastic IPs to fw1",
        "moved 4 Elastic IPs to fw1",
        BACK.replace("fw2", "fw1"),
    ]


def test_bfd_down_beside_bgp_leaves_a_standby_without_routes() -> None:
    with stack(behaviour=Behaviour(bfd_down=BfdDown.WITHDRAWS)) as s:
        s.sweep()
        for endpoint in s.ids["peers"]["fw2"]:
            s.levers.session(name="fw2", endpoint=endpoint, state="down", protocol="bfd")
        minutes(s, 5)
        (subject,) = told(s)
        assert subject.startswith(
            "Tandem edge: warning, fw2 is dead: BGP is up, but BFD is down and the route server"
        )


@prove
def test_bfd_down_beside_a_route_that_is_there_is_no_death() -> None:
    with stack(behaviour=Behaviour(bfd_down=BfdDown.KEEPS)) as s:
        s.sweep()
        for endpoint in s.ids["peers"]["fw2"]:
            s.levers.session(name="fw2", endpoint=endpoint, state="down", protocol="bfd")
        minutes(s, 45)
        assert told(s) == []


@pytest.mark.parametrize("state", ["stopped", "terminated"])
def test_a_standby_whose_instance_does_not_run(edge: Stack, state: str) -> None:
    edge.levers.instance(name="fw2", state=state)
    minutes(edge, 5)
    (subject,) = told(edge)
    assert subject.startswith(
        f"Tandem edge: warning, fw2 is dead: its instance {edge.ids['instances']['fw2']}"
    )


@pytest.mark.parametrize("changes", [{"mode": "dry-run"}, {"groups": "watched"}], ids=str)
def test_a_dry_run_and_a_group_without_addresses_are_told_too(edge: Stack, changes: dict[str, Any]) -> None:
    if "groups" in changes:
        changes = {"groups": [{"name": "watched", "prefixes": ["0.0.0.0/0"]}]}
    edge.store(**changes)
    edge.levers.kill(name="fw2")
    minutes(edge, 5)
    assert told(edge) == [DEAD]


def test_a_pause_keeps_no_word_back(edge: Stack) -> None:
    edge.override(action="paused", until="2026-01-02T00:00:00+00:00")
    edge.levers.kill(name="fw2")
    minutes(edge, 5)
    assert [s.partition(",")[0] for s in told(edge)] == ["HOLD", "Tandem edge: warning"]


@prove
def test_what_cannot_be_read_is_neither_dead_nor_back(edge: Stack) -> None:
    edge.levers.kill(name="fw2")
    minutes(edge, 4)
    edge.levers.fault(action="DescribeRouteServerPeers", error="InternalError")
    for _ in range(5):
        edge.clock.sleep(MINUTE)
        with suppress(TemporaryError):
            edge.sweep()
    edge.levers.faults_clear()
    minutes(edge, 5)
    assert told(edge) == [DEAD]


@contextmanager
def one_peer_is_unreadable(s: Stack) -> Iterator[None]:
    """AWS shows one session of fw2 in a word that nobody knows."""
    peer = next(iter(s.ids["peers"]["fw2"].values()))

    def bend(parsed: dict[str, Any], **_: object) -> None:
        for row in parsed.get("RouteServerPeers", ()):
            if row["RouteServerPeerId"] == peer:
                row["BgpStatus"] = {"Status": "half-up"}

    events = clients.ec2().meta.events
    events.register("after-call.ec2.DescribeRouteServerPeers", bend)
    yield
    events.unregister("after-call.ec2.DescribeRouteServerPeers", bend)


@prove
def test_a_session_in_a_word_that_nobody_knows_is_no_death(edge: Stack) -> None:
    with one_peer_is_unreadable(edge):
        edge.levers.kill(name="fw2")
        minutes(edge, 10)
        assert told(edge) == []
    minutes(edge, 5)
    assert told(edge) == [DEAD]


@prove
def test_what_the_bus_did_not_take_is_told_by_the_next_look(edge: Stack) -> None:
    edge.levers.kill(name="fw2")
    minutes(edge, 2.5)
    with bus_away():
        for _ in range(2):
            edge.clock.sleep(MINUTE)
            with suppress(TemporaryError):
                edge.sweep()
    assert told(edge) == []
    minutes(edge, 10)
    assert told(edge) == [DEAD]
    assert edge.kinds() == ["finding"]


def test_while_the_table_is_away_nothing_is_lost(edge: Stack) -> None:
    edge.levers.kill(name="fw2")
    minutes(edge, 1)
    with table_away():
        for _ in range(3):
            edge.clock.sleep(MINUTE)
            with suppress(StateUnavailableError):
                edge.sweep()
        assert told(edge) == []
    minutes(edge, 5)
    assert told(edge) == [DEAD]


def test_what_the_trail_did_not_take_is_not_remembered_as_told(edge: Stack) -> None:
    edge.levers.kill(name="fw2")
    minutes(edge, 2.5)
    with table_away("PutItem"):
        for _ in range(2):
            edge.clock.sleep(MINUTE)
            with suppress(StateUnavailableError):
                edge.sweep()
    assert told(edge) == []
    minutes(edge, 2)
    assert told(edge) == [DEAD]


@pytest.mark.parametrize("call", first_now(range(1, 17)))
def test_wherever_the_telling_look_is_killed_people_are_told_and_the_trail_says_so_once(
    edge: Stack, call: int
) -> None:
    def kill() -> None:
        raise Killed

    edge.levers.kill(name="fw2")
    minutes(edge, 2.9)
    edge.clock.sleep(MINUTE)
    with suppress(Killed), meanwhile(call, kill):
        edge.sweep()
    minutes(edge, 5)
    messages = told(edge)
    assert set(messages) == {DEAD}
    assert len(messages) <= 2, "twice where it is killed between telling and remembering that"
    assert edge.kinds() == ["finding"]


def look_record() -> dict[str, Any]:
    key = {"kind": {"S": "look"}, "id": {"S": "edge"}}
    return dict(clients.dynamodb().get_item(TableName="tandem-state", Key=key)["Item"])


def rewrite(change: Callable[[dict[str, Any]], Any]) -> None:
    """Changes the memory in the table, as a careless hand would."""
    item = look_record()
    memory = json.loads(item["memory"]["S"])
    item["memory"] = {"S": json.dumps(change(memory))}
    clients.dynamodb().put_item(TableName="tandem-state", Item=item)


DAMAGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "all of it": lambda _: "x",
    "without episodes": lambda m: {k: v for k, v in m.items() if k != "episodes"},
    "episodes are a number": lambda m: {**m, "episodes": 7},
    "an episode is a text": lambda m: {**m, "episodes": {"standby-alive fw2": "x"}},
    "since the future": lambda m: {**m, "episodes": future(m["episodes"])},
    "who was up": lambda m: {**m, "seen_up": [1]},
}


def future(episodes: dict[str, Any]) -> dict[str, Any]:
    return {k: {**e, "since": "2126-01-01T00:00:00+00:00"} for k, e in episodes.items()}


@prove
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_memory_tells_nothing_twice_and_forgets_no_end(
    edge: Stack, damage: Callable[[dict[str, Any]], Any]
) -> None:
    edge.levers.kill(name="fw2")
    minutes(edge, 4)
    assert told(edge) == [DEAD]
    rewrite(damage)
    minutes(edge, 35)
    assert told(edge) == []
    rewrite(damage)
    edge.levers.restore(name="fw2")
    minutes(edge, 6)
    assert told(edge) == [BACK]


def without_fw2(ids: dict[str, Any]) -> dict[str, Any]:
    document = edge_document(ids)
    for address in document["groups"][0]["elastic_ips"]:
        del address["targets"]["fw2"]
    return {"appliances": {"fw1": document["appliances"]["fw1"]}, "groups": document["groups"]}


@prove
@pytest.mark.parametrize(
    ("change", "end"),
    [
        (without_fw2, "resolved, Tandem no longer checks fw2: the topology does not declare it"),
        (
            lambda ids: {"appliances": silent(ids, "fw2")},
            "resolved, Tandem no longer checks fw2: the topology declares standby: silent",
        ),
    ],
    ids=["gone", "silent"],
)
def test_a_document_that_ends_it_is_the_end_of_it(
    edge: Stack, change: Callable[[dict[str, Any]], dict[str, Any]], end: str
) -> None:
    edge.levers.kill(name="fw2")
    minutes(edge, 4)
    edge.store(**change(edge.ids))
    minutes(edge, 30)
    assert told(edge) == [DEAD, f"Tandem edge: {end}"]


@prove
def test_an_appliance_that_is_declared_anew_has_its_time_to_come_up(edge: Stack) -> None:
    """Another instance or ASN is another appliance: somebody has to configure it first."""
    edge.levers.kill(name="fw2")
    minutes(edge, 2)
    document = edge_document(edge.ids)
    document["appliances"]["fw2"]["asn"] = 65099
    edge.store(**document)
    minutes(edge, 25)
    assert told(edge) == []
    minutes(edge, 10)
    assert told(edge) == [NEVER]


def test_a_change_elsewhere_in_the_document_starts_nothing_anew(edge: Stack) -> None:
    edge.levers.kill(name="fw2")
    minutes(edge, 2)
    edge.store(mode="dry-run")
    minutes(edge, 2)
    assert told(edge) == [DEAD]


def test_a_look_at_a_dead_standby_that_was_told_calls_no_more_than_one_at_a_live_one(edge: Stack) -> None:
    edge.sweep()
    edge.forget_calls()
    edge.sweep()
    alive = sorted(c["action"] for c in edge.calls())
    edge.levers.kill(name="fw2")
    minutes(edge, 5)
    records = len(edge.audit())
    edge.forget_calls()
    edge.sweep()
    assert sorted(c["action"] for c in edge.calls()) == alive
    assert len(edge.audit()) == records


def test_no_look_that_moves_tells_of_a_standby_beside_it(edge: Stack) -> None:
    """Failover makes no call for it; the next look, a minute later, tells it."""
    edge.levers.withdraw("fw1", "0.0.0.0/0")
    edge.clock.sleep(5)
    edge.sweep()
    assert edge.are_all_with("fw2")
    told(edge)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(5)
    edge.sweep()
    edge.clock.sleep(4 * MINUTE)
    edge.levers.associate_as_stranger(
        allocation_id=next(iter(edge.ids["elastic_ips"].values()))["allocation_id"],
        network_interface_id=edge.ids["interfaces"]["fw1"],
        private_ip=next(iter(edge.ids["elastic_ips"].values()))["targets"]["fw1"],
    )
    edge.sweep()
    assert len(moved(edge)) == 5
    assert [r.body["kind"] for r in edge.audit()][-2:] == ["intent", "outcome"]
    minutes(edge, 5)
    assert told(edge)[-1] == DEAD.replace("fw2", "fw1")


def messages(s: Stack) -> list[tuple[str, dict[str, str]]]:
    """Text and attributes of what people are told, without the JSON for machines."""
    said = [notification(e) for e in map(from_envelope, s.events()) if e is not None]
    return [(n.text, n.attributes) for n in said if n is not None]
