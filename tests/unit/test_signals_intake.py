"""Tests that what wakes a function is told apart, and reaches exactly the topologies that it concerns."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime

import pytest

from tandem.events import DetailType
from tandem.model import Status
from tandem.signals.intake import SWEEP, concerns, forward, named, parse
from tandem.signals.signal import Protocol, SignalKind, parse_bus
from tandem.state.record import TopologyRecord
from tests.peerlog import AT_MS, delivery, line, prefixes, route
from tests.samples import ENDPOINT, INSTANCE, PEER, ROUTE_SERVER, bare_record, names, ours, record, sample

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
FW2 = "rsp-0f2000000000000a2"
"""A peer of fw2, which may advertise everything."""
STRANGER = record(
    "other",
    sns_topic_arn="arn:aws:sns:us-east-1:123456789012:other",
    peers={},
    route_server_id="rs-0b0b0b0b0b0b0b0b0",
)


def forwarded(name, *records):
    return forward(parse(sample(name)), records or [record()], NOW)


def with_addresses(document_record, addresses):
    group = replace(document_record.topology.groups[0], elastic_ips=addresses)
    return replace(document_record, topology=replace(document_record.topology, groups=(group,)))


@pytest.mark.parametrize(
    ("name", "detail_type", "expected"),
    [
        ("sns-bgp-down", DetailType.PEER_STATE_CHANGE,
         {"peer_id": PEER, "protocol": "bgp", "status": "down", "appliance": "fw1", "source": "sns",
          "endpoint_id": None, "occurred_at": "2026-11-21T03:58:31.000Z",
          "cause": f"BGP of {PEER} went down"}),
        ("sns-bfd-up", DetailType.PEER_STATE_CHANGE, {"protocol": "bfd", "status": "up"}),
        ("sns-endpoint-maintenance-string", DetailType.ENDPOINT_MAINTENANCE,
         {"endpoint_id": ENDPOINT, "peer_ids": [PEER]}),
        ("sns-unknown-shape", DetailType.LOOK, {"requested_by": "signals"}),
        ("peer-log-route-updated", DetailType.ROUTE_CHANGE,
         {"change": "updated", "prefix": "0.0.0.0/0", "next_hop": "10.0.1.10", "med": 100,
          "source": "peer-log", "as_path": ["65001"] * 3, "previous_next_hop": None, "peer_id": PEER}),
        ("peer-log-route-withdrawn", DetailType.ROUTE_CHANGE, {"change": "withdrawn", "next_hop": None}),
        ("ec2-instance-stopping", DetailType.LOOK, {"cause": f"instance {INSTANCE} is stopping"}),
        ("cloudtrail-associate-address", DetailType.LOOK, {"occurred_at": "2026-11-21T09:12:11.000Z"}),
        ("cloudtrail-disassociate-address", DetailType.LOOK, {}),
        ("health-instance-retirement", DetailType.LOOK, {}),
        ("cloudwatch-alarm", DetailType.LOOK, {}),
    ],
)  # fmt: skip
def test_each_raw_record_becomes_its_event(name, detail_type, expected):
    (event,) = forwarded(name).events
    assert event.detail_type is detail_type
    assert event.detail["topology"] == "edge"
    assert {key: event.detail[key] for key in expected} == expected


def test_a_record_without_a_time_happened_now():
    (event,) = forwarded("peer-log-unknown-shape").events
    assert event.detail["occurred_at"] == "2026-11-21T04:00:00.000Z"


@pytest.mark.parametrize("name", [n for n in names() if n not in ours()])
def test_a_topology_that_names_nothing_of_it_hears_nothing(name):
    lonely = with_addresses(STRANGER, ())
    lonely = replace(
        lonely,
        topology=replace(
            lonely.topology,
            appliances={},
            route_server=replace(lonely.topology.route_server, route_server_id=None),
        ),
        provisioned=replace(lonely.provisioned, endpoint_ids=()),
    )
    heard = forwarded(name, lonely).events
    # A log record without a peer may be anybody's: the log group is the stack's own.
    assert bool(heard) == (name == "peer-log-unknown-shape")


def test_an_event_goes_to_each_topology_concerned():
    twin = record("twin")
    events = forwarded("sns-bgp-down", record(), twin, STRANGER).events
    assert [event.detail["topology"] for event in events] == ["edge", "twin"]


@pytest.mark.parametrize("name", ["sns-bgp-down", "sns-unknown-shape", "peer-log-bgp-down"])
@pytest.mark.parametrize("stored", [[], [bare_record()], [STRANGER]])
def test_a_message_that_no_stored_topology_knows_is_refused(name, stored):
    found = forward(parse(sample(name)), stored, NOW)
    assert found.events == ()
    assert len(found.refused) == len(parse(sample(name)))


def test_a_message_without_a_topic_is_refused_even_where_a_topology_has_none():
    anonymous = sample("sns-bgp-down")
    del anonymous["Records"][0]["Sns"]["TopicArn"]
    assert forward(parse(anonymous), [record(sns_topic_arn=None)], NOW).events == ()


def test_everyday_events_about_other_resources_are_not_refused_messages():
    found = forward(parse(sample("ec2-instance-stopping")), [], NOW)
    assert (found.events, found.refused) == ((), ())


def test_unknown_shapes_are_counted_and_still_cause_a_look():
    found = forwarded("sns-unknown-shape")
    assert len(found.unknown) == 1
    assert [event.detail_type for event in found.events] == [DetailType.LOOK]


def test_many_reasons_to_look_at_one_topology_are_one_look():
    assert len(parse(sample("peer-log-unknown-shape"))) == 2
    found = forwarded("peer-log-unknown-shape", record(), record("twin"))
    assert [event.detail["topology"] for event in found.events] == ["edge", "twin"]
    assert len(found.unknown) == 2


def logged(*lines: str, stored: tuple[TopologyRecord, ...] = ()):
    """Returns what becomes of a peer log delivery of these lines."""
    return forward(parse(delivery(*lines)), stored or (record(),), NOW)


def tracking(name: str, *tracked: str) -> TopologyRecord:
    """A topology of the same peers that tracks these prefixes."""
    found = record(name)
    (group,) = found.topology.groups
    return replace(found, topology=replace(found.topology, groups=(replace(group, prefixes=tracked),)))


def of(found, detail_type: DetailType):
    return [event.detail for event in found.events if event.detail_type is detail_type]


def test_a_prefix_that_no_group_tracks_is_counted_and_not_forwarded():
    found = logged(*[route(prefix, peer_id=FW2) for prefix in prefixes(300)])
    assert (found.events, found.refused, found.unknown, found.untracked) == ((), (), (), 300)


@pytest.mark.parametrize("status", ["ADVERTISED", "UPDATED", "WITHDRAWN"])
def test_whatever_happens_to_a_tracked_prefix_is_forwarded(status):
    found = logged(route("0.0.0.0/0", status))
    assert [detail["prefix"] for detail in of(found, DetailType.ROUTE_CHANGE)] == ["0.0.0.0/0"]
    assert found.untracked == 0


def test_tracked_is_the_prefix_exactly():
    found = logged(*[route(p, peer_id=FW2) for p in ("0.0.0.0/1", "128.0.0.0/1", "::/0")])
    assert (found.events, found.untracked) == ((), 3)


def test_what_one_topology_tracks_is_not_counted_for_the_other():
    stored = (tracking("one", "10.20.0.0/16"), tracking("two", "10.30.0.0/16"))
    found = logged(*[route(p, peer_id=FW2) for p in ("10.20.0.0/16", "10.40.0.0/16")], stored=stored)
    assert [(e.detail["topology"], e.detail["prefix"]) for e in found.events] == [("one", "10.20.0.0/16")]
    assert found.untracked == 1


def test_a_batch_makes_one_route_change_for_each_topology_and_prefix():
    lines = [
        route(prefix, status, peer_id)
        for prefix in ("10.20.0.0/16", "10.30.0.0/16")
        for status in ("ADVERTISED", "UPDATED", "WITHDRAWN", "ADVERTISED")
        for peer_id in (FW2, "rsp-0f2000000000000b2")
    ]
    stored = (tracking("one", "10.20.0.0/16", "10.30.0.0/16"), tracking("two", "10.30.0.0/16"))
    found = logged(*lines, stored=stored)
    assert sorted((d["topology"], d["prefix"]) for d in of(found, DetailType.ROUTE_CHANGE)) == [
        ("one", "10.20.0.0/16"),
        ("one", "10.30.0.0/16"),
        ("two", "10.30.0.0/16"),
    ]


def test_of_several_changes_of_a_prefix_the_newest_is_forwarded_in_whatever_order_they_come():
    """Records come in any order (docs/aws-facts.md#log-subscriptions)."""
    lines = [route("0.0.0.0/0", at_ms=AT_MS + 1000 * n, med=n) for n in (1, 3, 0, 2)]
    for some in (lines, lines[::-1]):
        (detail,) = of(logged(*some), DetailType.ROUTE_CHANGE)
        assert detail["med"] == 3


def test_of_two_changes_at_the_same_moment_the_later_line_is_forwarded():
    (detail,) = of(logged(route("0.0.0.0/0", med=1), route("0.0.0.0/0", med=2)), DetailType.ROUTE_CHANGE)
    assert detail["med"] == 2


def test_a_change_without_a_time_never_stands_for_one_that_has_one():
    untimed = line("RouteStatus", "WITHDRAWN", {"prefix": "0.0.0.0/0"}, event_timestamp=None)
    for lines in ((route("0.0.0.0/0"), untimed), (untimed, route("0.0.0.0/0"))):
        (detail,) = of(logged(*lines), DetailType.ROUTE_CHANGE)
        assert detail["change"] == "advertised"


def test_copies_of_a_session_record_are_one_event_and_each_change_is_its_own():
    down, up = line(), line(status="UP", event_timestamp=AT_MS + 1000)
    found = logged(down, down, up, down)
    assert [d["status"] for d in of(found, DetailType.PEER_STATE_CHANGE)] == ["down", "up"]


def test_a_route_that_the_watch_saw_is_forwarded_whatever_is_tracked():
    """The watch reads what is tracked itself; the document may have changed since."""
    envelope = sample("route-change")
    envelope["detail"]["prefix"] = "10.99.0.0/16"
    found = forward(parse(envelope), [record()], NOW)
    assert len(found.events) == 1
    assert found.untracked == 0


def test_a_leak_is_judged_before_it_is_dropped():
    found = logged(*[route(prefix) for prefix in prefixes(300)])
    assert found.untracked == 300
    (event,) = found.events
    assert event.detail_type is DetailType.ROUTE_LEAK
    assert event.detail == {
        "schema_version": 2,
        "topology": "edge",
        "occurred_at": "2026-11-21T03:58:31.412Z",
        "code": "prefix-not-allowed",
        "reason": "fw1 advertises 300 prefixes that are not in its allowed_prefixes",
        "appliance": "fw1",
        "peer_id": PEER,
        "prefixes": prefixes(10),
        "count": 300,
    }


def test_a_tracked_prefix_that_is_not_allowed_is_a_change_and_a_leak():
    stored = tracking("edge", "10.99.0.0/16")
    kinds = [event.detail_type for event in logged(route("10.99.0.0/16"), stored=(stored,)).events]
    assert kinds == [DetailType.ROUTE_CHANGE, DetailType.ROUTE_LEAK]


def test_each_topology_judges_by_its_own_list():
    strict, open_ = record("strict"), record("open")
    fw1 = replace(open_.topology.appliances["fw1"], allowed_prefixes=None)
    appliances = {**open_.topology.appliances, "fw1": fw1}
    open_ = replace(open_, topology=replace(open_.topology, appliances=appliances))
    found = logged(route("10.99.0.0/16"), stored=(strict, open_))
    assert [event.detail["topology"] for event in found.events] == ["strict"]


def test_a_leak_without_a_time_happened_now():
    untimed = line("RouteStatus", "UPDATED", {"prefix": "10.99.0.0/16"}, event_timestamp=None)
    (event,) = logged(untimed).events
    assert event.detail["occurred_at"] == "2026-11-21T04:00:00.000Z"


def test_nothing_is_judged_of_a_topology_that_is_being_deleted():
    found = logged(route("10.99.0.0/16"), stored=(record(leaving=3),))
    assert (found.events, len(found.refused)) == ((), 1)


def test_a_disassociation_names_no_address_so_all_who_have_some_look():
    """The association's ID changes with each move, so no topology can name it."""
    empty = with_addresses(record("empty"), ())
    events = forwarded("cloudtrail-disassociate-address", record(), STRANGER, empty).events
    assert [event.detail["topology"] for event in events] == ["edge", "other"]


def test_an_association_of_somebody_elses_address_concerns_nobody():
    event = sample("cloudtrail-associate-address")
    event["detail"]["requestParameters"]["allocationId"] = "eipalloc-0ffffffffffffff99"
    assert forward(parse(event), [record()], NOW).events == ()


def test_the_sweep_asks_for_one_look_at_each_topology_that_has_a_route_server():
    manage = bare_record()
    unborn = replace(
        manage,
        topology=replace(
            manage.topology,
            name="unborn",
            route_server=replace(manage.topology.route_server, route_server_id=None),
        ),
    )
    events = forward(parse(SWEEP), [record(), unborn, STRANGER], NOW).events
    assert [(e.detail["topology"], e.detail["requested_by"]) for e in events] == [
        ("edge", "sweep"),
        ("other", "sweep"),
    ]


def test_all_ids_of_a_topology_count():
    ids = named(record())
    assert {
        ROUTE_SERVER,
        ENDPOINT,
        PEER,
        INSTANCE,
        "eipalloc-0c000000000000001",
        "eni-0a2000000000000e2",
    } <= ids
    assert ROUTE_SERVER in named(bare_record())


@pytest.mark.parametrize("name", ours())
def test_our_events_wake_a_look_only_if_they_are_a_reason_to(name):
    signal = parse_bus(sample(name))
    kinds = {
        "Peer State Change": SignalKind.SESSION,
        "Route Change": SignalKind.ROUTE,
        "Endpoint Maintenance": SignalKind.MAINTENANCE,
        "Look": SignalKind.LOOK,
    }
    expected = kinds.get(sample(name)["detail-type"])
    assert (signal.kind if signal else None) == expected
    assert parse(sample(name)) == (() if signal is None else (signal,))


def test_a_signal_survives_the_bus():
    signal = parse_bus(sample("peer-state-change"))
    assert signal is not None
    assert (signal.topology, signal.peer_id, signal.protocol, signal.status, signal.cause) == (
        "edge", PEER, Protocol.BGP, Status.DOWN, f"BGP of {PEER} went down",
    )  # fmt: skip
    assert signal.occurred_at == datetime(2026, 11, 21, 3, 58, 31, tzinfo=UTC)
    assert concerns(signal, record())
    assert not concerns(signal, record("twin"))


@pytest.mark.parametrize(
    "name", ["sns-bgp-down", "peer-log-route-withdrawn", "look", "ec2-instance-stopping"]
)
def test_a_topology_that_is_being_deleted_or_has_no_route_server_yet_is_let_be(name: str) -> None:
    signals = parse(sample(name))
    assert any(concerns(signal, record()) for signal in signals)
    for nothing_to_look_at in (record(leaving=3), record(route_server_id="")):
        nameless = replace(nothing_to_look_at.topology.route_server, route_server_id=None)
        topology = replace(nothing_to_look_at.topology, route_server=nameless)
        assert not any(concerns(signal, replace(nothing_to_look_at, topology=topology)) for signal in signals)
    assert any(concerns(signal, record(leaving=2)) for signal in signals)


@pytest.mark.parametrize(
    "detail",
    [{"topology": "\ud800"}, {"cause": "a \ud800"}, {"peer_id": "\udfff"}, {"peer_ids": ["\ud800"]},
     {"prefix": "\ud800"}, {"next_hop": "\ud800"}, {"endpoint_id": "\ud800"}],
)  # fmt: skip
def test_no_text_of_a_signal_holds_a_lone_surrogate(detail):
    (signal,) = parse({"source": "tandem", "detail-type": "Route Change", "detail": detail})
    assert repr(asdict(signal)).count("ud800") == repr(asdict(signal)).count("udfff") == 0
    assert "?" in repr(asdict(signal))


def test_an_event_of_no_known_source_is_unknown_and_looks_where_it_names_something():
    (signal,) = parse({"instance": INSTANCE})
    assert (signal.known, signal.resource_ids) == (False, frozenset({INSTANCE}))
    assert [e.detail_type for e in forward([signal], [record()], NOW).events] == [DetailType.LOOK]
