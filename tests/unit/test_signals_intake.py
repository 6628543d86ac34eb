"""What wakes a function is told apart, and reaches exactly the topologies that it concerns."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tandem.events import DetailType
from tandem.intake import SWEEP, concerns, forward, named, parse
from tandem.model import Status
from tandem.signals import Protocol, SignalKind, parse_bus
from tests.samples import ENDPOINT, INSTANCE, PEER, ROUTE_SERVER, bare_record, names, ours, record, sample

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
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


def test_an_event_of_no_known_source_is_unknown_and_looks_where_it_names_something():
    (signal,) = parse({"instance": INSTANCE})
    assert (signal.known, signal.resource_ids) == (False, frozenset({INSTANCE}))
    assert [e.detail_type for e in forward([signal], [record()], NOW).events] == [DetailType.LOOK]
