"""Peer log deliveries become one signal per record (docs/aws-facts.md#peer-log-records)."""

from __future__ import annotations

import base64
import gzip
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem.model import Status
from tandem.signals import peerlogs
from tandem.signals.peerlogs import MOST_BYTES, parse_peer_logs
from tandem.signals.signal import Origin, Protocol, RouteEvent, SignalKind
from tests.peerlog import delivery, line, packed, prefixes, route
from tests.samples import PEER, sample

AT = datetime(2026, 11, 21, 3, 58, 31, 412_000, UTC)
HOP = "10.0.1.10"
VIA = f"0.0.0.0/0 with next hop {HOP}"
ROUTE = {"prefix": "0.0.0.0/0", "asPath": "65001", "med": 0, "nextHopIp": "10.0.1.10"}


def test_sessions_are_read_with_milliseconds():
    bgp, bfd = parse_peer_logs(sample("peer-log-bgp-down"))
    assert [s.protocol for s in (bgp, bfd)] == [Protocol.BGP, Protocol.BFD]
    for signal in (bgp, bfd):
        assert (signal.kind, signal.status, signal.peer_id) == (SignalKind.SESSION, Status.DOWN, PEER)
        assert (signal.occurred_at, signal.origin, signal.known) == (AT, Origin.PEER_LOG, True)


@pytest.mark.parametrize(
    ("name", "event", "cause", "as_path", "med", "next_hop"),
    [
        ("advertised", RouteEvent.ADVERTISED, f"advertised {VIA}", ("65001",), 0, HOP),
        ("updated", RouteEvent.UPDATED, f"updated {VIA}", ("65001",) * 3, 100, HOP),
        ("withdrawn", RouteEvent.WITHDRAWN, "withdrew 0.0.0.0/0", (), None, None),
    ],
)  # fmt: skip
def test_routes_are_read_with_or_without_their_attributes(name, event, cause, as_path, med, next_hop):
    (signal,) = parse_peer_logs(sample(f"peer-log-route-{name}"))
    assert (signal.kind, signal.route_event, signal.prefix) == (SignalKind.ROUTE, event, "0.0.0.0/0")
    assert signal.cause == f"{PEER} {cause}"
    assert (signal.as_path, signal.med, signal.next_hop) == (as_path, med, next_hop)


def test_prefixes_and_next_hops_come_in_one_spelling():
    wide = {"prefix": "2001:DB8:0::/32", "nextHopIp": "2001:db8:0:0::1"}
    (signal,) = parse_peer_logs(delivery(line("RouteStatus", "ADVERTISED", wide)))
    assert (signal.prefix, signal.next_hop) == ("2001:db8::/32", "2001:db8::1")


def test_control_messages_say_nothing():
    assert parse_peer_logs(sample("peer-log-control-message")) == ()


@pytest.mark.parametrize(
    "bad",
    [
        "this line is no JSON",
        "[]",
        "null",
        line(kind="RouteStatus", status="DAMPENED", message=ROUTE),
        line(kind="RouteStatus", status="ADVERTISED", message=None),
        line(kind="RouteStatus", status="ADVERTISED", message={"prefix": "not a prefix"}),
        line(kind="RouteStatus", status="ADVERTISED", message={**ROUTE, "nextHopIp": "nowhere"}),
        line(kind="OspfStatus"),
        line(status="SIDEWAYS"),
        line(resource_arn="arn:aws:ec2:us-east-1:123456789012:instance/i-1"),
        "[" * 100_000,
    ],
)
def test_a_line_of_unknown_shape_is_a_look_and_spares_the_others(bad):
    before, unknown, after = parse_peer_logs(delivery(line(), bad, line(status="UP")))
    assert [before.status, after.status] == [Status.DOWN, Status.UP]
    assert (unknown.kind, unknown.known, unknown.origin) == (SignalKind.LOOK, False, Origin.PEER_LOG)
    assert unknown.peer_id == (PEER if PEER in bad else None)


@pytest.mark.parametrize(
    "prefix",
    ["10.0.0.1/8", "fe80::%eth0/64", f"fe80::%{'x' * 300_000}/64", "10.0.0.0/33", "10.0.0.0/" + "1" * 5000,
     [], ["10.0.0.0/8"], {"10.0.0.0/8": 1}, True, 10, "9" * 300_000],
)  # fmt: skip
def test_a_prefix_that_is_none_is_an_unknown_shape_of_few_words(prefix):
    (signal,) = parse_peer_logs(delivery(route(prefix)))
    assert (signal.kind, signal.known, signal.prefix) == (SignalKind.LOOK, False, None)
    assert len(signal.cause) < 300


def test_ten_thousand_prefixes_in_one_record_are_one_unknown_shape():
    (signal,) = parse_peer_logs(delivery(route(prefixes(10_000))))
    assert (signal.known, len(signal.cause) < 300) == (False, True)


@pytest.mark.parametrize("path", ["65001 " * 50_000, "\ud800", "65001 \ud83d", {"a": 1}, [65001], "AS65001"])
def test_an_as_path_that_is_none_costs_only_the_path(path):
    (signal,) = parse_peer_logs(delivery(route("0.0.0.0/0", asPath=path)))
    assert (signal.kind, signal.prefix, signal.as_path) == (SignalKind.ROUTE, "0.0.0.0/0", ())


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("", ()),
        (None, ()),
        ("65001,65002", ("65001", "65002")),
        ("4200000001 {65001,65002}", ("4200000001", "{65001", "65002}")),
        ("65001 " * 1000, ("65001",) * 1000),
    ],
)
def test_an_as_path_is_read_as_far_as_bgp_goes(path, read):
    (signal,) = parse_peer_logs(delivery(route("0.0.0.0/0", asPath=path)))
    assert signal.as_path == read


def test_a_peer_with_an_absurd_id_is_no_peer():
    (signal,) = parse_peer_logs(delivery(line(peer_id="rsp-" + "a" * 300_000)))
    assert (signal.known, signal.peer_id, len(signal.cause) < 300) == (False, None, True)


@pytest.mark.parametrize("when", [None, "soon", 1.5, 10**30, -(10**30)])
def test_a_time_that_is_none_costs_only_the_time(when):
    (signal,) = parse_peer_logs(delivery(line(event_timestamp=when)))
    assert (signal.kind, signal.occurred_at) == (SignalKind.SESSION, None)


@pytest.mark.parametrize(
    "payload",
    [
        {"awslogs": None},
        {"awslogs": {}},
        {"awslogs": {"data": "*** no base64 ***"}},
        {"awslogs": {"data": base64.b64encode(b"no gzip").decode()}},
        {"awslogs": {"data": base64.b64encode(gzip.compress(b"no json")).decode()}},
        {"awslogs": {"data": base64.b64encode(gzip.compress(b"[" * 100_000)).decode()}},
        {"awslogs": {"data": base64.b64encode(gzip.compress(b"{}")[:-6]).decode()}},
        packed([]),
        packed({"messageType": "DATA_MESSAGE"}),
        packed({"messageType": "NEWS", "logEvents": []}),
    ],
)
def test_a_delivery_that_cannot_be_read_is_one_look(payload):
    (signal,) = parse_peer_logs(payload)
    assert (signal.kind, signal.known, signal.peer_id) == (SignalKind.LOOK, False, None)


def zipped(text: bytes, mtime: int = 0) -> dict[str, Any]:
    return {"awslogs": {"data": base64.b64encode(gzip.compress(text, mtime=mtime)).decode()}}


def test_a_delivery_that_unpacks_to_much_more_than_is_read_is_not_unpacked():
    size = 3 * MOST_BYTES
    body = b'{"messageType": "DATA_MESSAGE", "logEvents": [], "x": "' + b"a" * size + b'"}'
    payload = zipped(body)
    assert len(payload["awslogs"]["data"]) < 1_000_000
    del body
    tracemalloc.start()
    (signal,) = parse_peer_logs(payload)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (signal.kind, signal.known, signal.peer_id) == (SignalKind.LOOK, False, None)
    assert peak < 2.5 * MOST_BYTES


@pytest.mark.parametrize("cut", [1, 4, 8])
def test_a_delivery_whose_checksum_is_cut_off_is_not_believed(cut):
    whole = gzip.compress(b'{"messageType": "CONTROL_MESSAGE"}')
    payloads = [{"awslogs": {"data": base64.b64encode(some).decode()}} for some in (whole, whole[:-cut])]
    assert [len(parse_peer_logs(payload)) for payload in payloads] == [0, 1]


@pytest.mark.parametrize(("more", "known"), [(0, True), (1, False)])
def test_sixteen_megabytes_are_read_and_not_one_byte_more(more, known):
    body = b'{"messageType": "CONTROL_MESSAGE", "x": "'
    payload = zipped(body + b"a" * (MOST_BYTES - len(body) - 2 + more) + b'"}')
    assert (parse_peer_logs(payload) == ()) is known


@pytest.mark.parametrize(("count", "known"), [(50, True), (51, False)])
def test_more_records_than_a_delivery_can_hold_are_one_unknown_shape(count, known, monkeypatch):
    monkeypatch.setattr(peerlogs, "MOST_RECORDS", 50)
    found = parse_peer_logs(packed({"messageType": "DATA_MESSAGE", "logEvents": [0] * count}))
    assert len(found) == (count if known else 1)


@given(st.lists(st.text(), max_size=8))
def test_every_line_gives_exactly_one_signal(lines):
    assert len(parse_peer_logs(delivery(*lines))) == len(lines)
