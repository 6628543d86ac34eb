"""Whatever happens to a standby: no decision depends on it, and people are told at most once an episode."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tandem.audit import Record, RecordKind, following
from tandem.failover.deciding import decide
from tandem.failover.recall import recalled
from tandem.failover.standbys import StandbyFinding, judge
from tandem.failover.telling import finding_detail
from tandem.model import Observation, Unknown
from tandem.state.episodes import GRACE, Change, Episode
from tandem.state.memory import Memory, dump, load, not_after
from tandem.topology.document import Standby, Topology
from tests.properties.test_decision import ADDRESSES, declared, memories, observations
from tests.pure import ADDRESS, DOWN, ENDPOINTS, INSTANCE, NOW, UP, observation, peer, topology

KEYS = [
    f"{rule} {name}" for rule in ("standby-alive", "sessions-up", "unknown") for name in (*ADDRESS, "fw9")
]
TIMES = st.integers(-10_000, 10_000).map(lambda seconds: NOW + timedelta(seconds=seconds))
EPISODES = st.dictionaries(
    st.sampled_from(KEYS),
    st.builds(Episode, TIMES, TIMES, st.text(max_size=3), st.booleans(), st.none() | TIMES),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(KEYS), inner),
    max_leaves=8,
)


def called_silent(whole: Topology) -> Topology:
    return replace(
        whole,
        appliances={n: replace(a, standby=Standby.SILENT) for n, a in whole.appliances.items()},
    )


@given(declared, observations(), memories(), EPISODES)
def test_no_decision_depends_on_what_is_known_of_a_standby(
    whole: Topology, observed: Observation, memory: Memory, episodes: dict[str, Episode]
) -> None:
    knowing = replace(memory, episodes=episodes, seen_up={"fw1": "x"})
    wanted = decide(whole, observed, memory, NOW)
    assert decide(whole, observed, knowing, NOW) == wanted
    assert decide(called_silent(whole), observed, knowing, NOW) == wanted
    judged, _ = judge(whole, observed, knowing, NOW, may_tell=True)
    assert decide(whole, observed, judged, NOW) == wanted
    assert judged == replace(knowing, episodes=judged.episodes, seen_up=judged.seen_up)


@given(declared, observations(), memories(), EPISODES, st.booleans())
def test_whatever_is_remembered_can_be_stored_and_read(
    whole: Topology, observed: Observation, memory: Memory, episodes: dict[str, Episode], may_tell: bool
) -> None:
    knowing, _ = not_after(replace(memory, episodes=episodes), NOW)
    judged, found = judge(whole, observed, knowing, NOW, may_tell=may_tell)
    assert load(dump(judged)) == (judged, None)
    assert all(finding_detail(f)["summary"] and finding_detail(f)["remediation"] for f in found)
    assert all(f.since <= NOW for f in found)
    assert may_tell or found == ()


@given(memories(), JSON, JSON)
def test_damaged_episodes_take_no_move_along(memory: Memory, episodes: Any, seen_up: Any) -> None:
    stored = json.loads(dump(memory)) | {"episodes": episodes, "seen_up": seen_up}
    read, damage = load(json.dumps(stored))
    assert replace(read, episodes={}, seen_up={}) == memory
    assert damage is None or "its memory was damaged" in damage


def seen(bgp: tuple[bool, ...], running: bool) -> Observation:
    """fw1 is active and well; this is fw2."""
    of_fw2 = tuple(peer("fw2", e, UP if up else DOWN) for e, up in zip(ENDPOINTS["fw2"], bgp, strict=True))
    of_fw1 = tuple(peer("fw1", e, UP) for e in ENDPOINTS["fw1"])
    states = {INSTANCE["fw1"]: "running", INSTANCE["fw2"]: "running" if running else "stopped"}
    clear = observation("fw1", "fw1", addresses=ADDRESSES)
    return replace(clear, peers=of_fw1 + of_fw2, instance_states=states)


WORLDS = st.sampled_from(["up", "down", "stopped", "half", "unknown"])
SIGHTS = {
    "up": seen((True, True), True),
    "down": seen((False, False), True),
    "stopped": seen((True, True), False),
    "half": seen((True, False), True),
    "unknown": replace(
        seen((False, False), True), unknown=Unknown(peers={ADDRESS["fw2"]: "the peer cannot be read"})
    ),
}
LOOKS = st.lists(
    st.tuples(
        WORLDS,
        st.sampled_from([5, 60, 60, 90, 200, 2000]),
        st.sampled_from(["tells", "tells", "tells", "moves", "dies", "damaged"]),
    ),
    max_size=40,
)


def recorded(trail: list[Record], found: tuple[StandbyFinding, ...]) -> None:
    body = {"kind": RecordKind.FINDING, "findings": {f.key: finding_detail(f) for f in found}}
    trail.append(following(trail[-1].head if trail else None, "failover#edge", json.loads(json.dumps(body))))


@given(LOOKS, st.booleans())
def test_opened_and_resolved_alternate_whatever_comes(
    looks: list[tuple[str, int, str]], is_silent: bool
) -> None:
    """Also where a look dies once it has recorded, or its memory is damaged; and never within the grace."""
    whole = called_silent(topology(ADDRESSES)) if is_silent else topology(ADDRESSES)
    memory, now, trail = Memory(), NOW, list[Record]()
    told: dict[str, list[tuple[Change, Any]]] = {}
    well = NOW
    for world, seconds, how in looks:
        now += timedelta(seconds=seconds)
        memory = recalled(Memory() if how == "damaged" else memory, trail[::-1][:20])
        if world in ("up", "half") and how != "dies":
            well = now
        judged, found = judge(whole, SIGHTS[world], memory, now, may_tell=how != "moves")
        for f in found:
            told.setdefault(f.key, []).append((f.change, now))
            if f.key == "standby-alive fw2" and f.change is Change.OPENED:
                assert now - well >= GRACE
        if found:
            recorded(trail, found)
        if how != "dies":
            memory = judged
    assert not is_silent or told == {}
    for changes in told.values():
        assert [c for c, _ in changes] == [Change.OPENED, Change.RESOLVED] * (len(changes) // 2) + [
            Change.OPENED
        ] * (len(changes) % 2)


@given(st.integers(1, 60), st.integers(5, 60))
def test_what_lasts_is_told_exactly_once(minutes: int, every: int) -> None:
    memory, findings = Memory(), 0
    memory, _ = judge(topology(ADDRESSES), SIGHTS["up"], memory, NOW, may_tell=True)
    for second in range(0, minutes * 60 + 1, every):
        now = NOW + timedelta(seconds=1 + second)
        memory, found = judge(topology(ADDRESSES), SIGHTS["down"], memory, now, may_tell=True)
        findings += len(found)
    assert findings == int(any(s >= 180 for s in range(0, minutes * 60 + 1, every)))
