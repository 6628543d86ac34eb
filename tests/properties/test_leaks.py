"""Tests what holds of peer log deliveries, whatever a peer advertises and in whatever order it is
logged.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tandem.events import DetailType, Event
from tandem.signals.intake import Forwarding, forward, parse
from tandem.state.record import TopologyRecord
from tests.contracts import assert_meets_schema
from tests.peerlog import AT_MS, delivery, line, route
from tests.samples import PEER, PEERS, record

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
PREFIXES = ("0.0.0.0/0", "0.0.0.0/1", "10.20.0.0/16", "10.20.1.0/24", "::/0", "2001:db8::/32")
SPELLED = {"2001:db8::/32": "2001:DB8:0::/32", "10.20.0.0/16": "10.20.0.0/255.255.0.0"}
peers = st.sampled_from([*PEERS, "rsp-0ffffffffffffffff"])
announced = st.tuples(
    st.sampled_from(PREFIXES),
    st.sampled_from(["ADVERTISED", "UPDATED", "WITHDRAWN"]),
    peers,
    st.integers(AT_MS, AT_MS + 3),
)
batches = st.lists(announced, max_size=25)
lists = st.none() | st.lists(st.sampled_from(PREFIXES), unique=True, max_size=4).map(tuple)
tracked = st.lists(st.sampled_from(PREFIXES), unique=True, min_size=1, max_size=3).map(tuple)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(), st.lists, max_leaves=6
)


def stored(name: str, allowed: Any, prefixes: tuple[str, ...]) -> TopologyRecord:
    """A topology whose fw1 may advertise what is allowed, and that tracks these prefixes."""
    found = record(name)
    (group,) = found.topology.groups
    fw1 = replace(found.topology.appliances["fw1"], allowed_prefixes=allowed)
    appliances = {**found.topology.appliances, "fw1": fw1}
    groups = (replace(group, prefixes=prefixes),)
    return replace(found, topology=replace(found.topology, appliances=appliances, groups=groups))


records = st.tuples(
    st.builds(stored, st.just("one"), lists, tracked), st.builds(stored, st.just("two"), lists, tracked)
)


def of(found: Forwarding, detail_type: DetailType) -> list[Event]:
    return [event for event in found.events if event.detail_type is detail_type]


def heard(batch: list[tuple[str, str, str, int]], topologies: tuple[TopologyRecord, ...]) -> Forwarding:
    lines = [route(SPELLED.get(p, p), status, peer, at) for p, status, peer, at in batch]
    return forward(parse(delivery(*lines)), topologies, NOW)


@given(batches, records)
def test_leaks_are_exactly_what_is_announced_and_not_allowed(batch, topologies) -> None:
    expected = {
        (topology.topology.name, peer, prefix)
        for topology in topologies
        for prefix, status, peer, _ in batch
        if status != "WITHDRAWN" and PEERS.get(peer) == "fw1"
        for allowed in [topology.topology.appliances["fw1"].allowed_prefixes]
        if allowed is not None and prefix not in allowed
    }
    events = of(heard(batch, topologies), DetailType.ROUTE_LEAK)
    said = [event.detail for event in events]
    assert {(d["topology"], d["peer_id"], prefix) for d in said for prefix in d["prefixes"]} == expected
    assert sum(detail["count"] for detail in said) == len(expected)
    assert len({(detail["topology"], detail["peer_id"]) for detail in said}) == len(said)
    for event in events:
        assert_meets_schema(event)


@given(batches, records)
def test_route_changes_are_one_for_each_topology_and_tracked_prefix(batch, topologies) -> None:
    expected = {
        (topology.topology.name, prefix)
        for topology in topologies
        for prefix, _, peer, _ in batch
        if peer in PEERS and prefix in topology.topology.groups[0].prefixes
    }
    found = heard(batch, topologies)
    made = of(found, DetailType.ROUTE_CHANGE)
    assert sorted((e.detail["topology"], e.detail["prefix"]) for e in made) == sorted(expected)
    wanted = {prefix for topology in topologies for prefix in topology.topology.groups[0].prefixes}
    assert found.untracked == sum(peer in PEERS and prefix not in wanted for prefix, _, peer, _ in batch)
    assert len(found.refused) == sum(peer not in PEERS for _, _, peer, _ in batch)


@given(batches, records, st.randoms(use_true_random=False))
def test_neither_the_order_nor_copies_of_records_change_what_is_leaked(batch, topologies, random) -> None:
    again = batch + random.sample(batch, len(batch) // 2)
    random.shuffle(again)

    def leaked(some: list[tuple[str, str, str, int]]) -> list[str]:
        return sorted(str(event.detail) for event in of(heard(some, topologies), DetailType.ROUTE_LEAK))

    assert leaked(again) == leaked(batch)


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["prefix", "asPath", "med", "nextHopIp"]), json_values), max_size=5
    )
)
def test_whatever_a_record_says_the_others_are_judged_and_every_event_is_sound(messages) -> None:
    odd = [line("RouteStatus", "ADVERTISED", message) for message in messages]
    found = forward(parse(delivery(*odd, route("10.99.0.0/16"), *odd)), [record()], NOW)
    (leak,) = [event for event in of(found, DetailType.ROUTE_LEAK) if event.detail["peer_id"] == PEER]
    assert "10.99.0.0/16" in leak.detail["prefixes"] or leak.detail["count"] > len(leak.detail["prefixes"])
    for event in found.events:
        assert_meets_schema(event)
        str(event.detail).encode()
