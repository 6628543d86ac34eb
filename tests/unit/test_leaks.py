"""Route leaks: an appliance advertises a prefix that its `allowed_prefixes` leaves out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tandem.signals.leaks import NAMED, LeakCode, leaks
from tandem.signals.peerlogs import parse_peer_logs
from tandem.state.record import TopologyRecord
from tests.peerlog import AT_MS, delivery, line, prefixes, route
from tests.samples import PEER, record

FW1_SECOND, FW2 = "rsp-0f1000000000000b1", "rsp-0f2000000000000a2"


def found(*lines: str, stored: TopologyRecord | None = None):
    return leaks(parse_peer_logs(delivery(*lines)), stored or record())


def allowing(*allowed: str) -> TopologyRecord:
    """The edge, where fw1 may advertise no more than this."""
    stored = record()
    fw1 = replace(stored.topology.appliances["fw1"], allowed_prefixes=allowed)
    appliances = {**stored.topology.appliances, "fw1": fw1}
    return replace(stored, topology=replace(stored.topology, appliances=appliances))


def test_a_prefix_that_is_not_allowed_is_a_leak_of_its_peer():
    (leak,) = found(route("10.99.0.0/16"))
    assert (leak.code, leak.peer_id, leak.appliance) == (LeakCode.PREFIX_NOT_ALLOWED, PEER, "fw1")
    assert (leak.prefixes, leak.count) == (("10.99.0.0/16",), 1)
    assert leak.reason == "fw1 advertises 10.99.0.0/16, which is not in its allowed_prefixes"


def test_an_allowed_prefix_is_none():
    assert found(route("0.0.0.0/0"), route("0.0.0.0/0", "UPDATED")) == ()


@pytest.mark.parametrize("status", ["ADVERTISED", "UPDATED"])
def test_whatever_announces_a_prefix_counts(status):
    assert len(found(route("10.99.0.0/16", status))) == 1


def test_a_withdrawal_is_none():
    assert found(route("10.99.0.0/16", "WITHDRAWN")) == ()


def test_a_leak_that_is_withdrawn_in_the_same_batch_was_one():
    assert len(found(route("10.99.0.0/16"), route("10.99.0.0/16", "WITHDRAWN"))) == 1


def test_sessions_and_what_cannot_be_read_are_none():
    assert found(line(), line(status="SIDEWAYS"), "no JSON", route("10.0.0.1/8"), route(["10.0.0.0/8"])) == ()


def test_without_a_list_everything_is_allowed():
    assert found(route("10.99.0.0/16", peer_id=FW2)) == ()


def test_an_empty_list_allows_nothing():
    (leak,) = found(route("0.0.0.0/0"), stored=allowing())
    assert leak.prefixes == ("0.0.0.0/0",)


@pytest.mark.parametrize("advertised", ["10.20.1.0/24", "10.0.0.0/8", "10.20.0.0/15", "10.20.0.0/32"])
def test_allowed_is_the_prefix_exactly_and_no_longer_or_shorter_one(advertised):
    (leak,) = found(route(advertised), stored=allowing("10.20.0.0/16"))
    assert leak.prefixes == (advertised,)


@pytest.mark.parametrize(
    ("allowed", "advertised"),
    [
        ("2001:db8::/32", "2001:DB8:0::/32"),
        ("10.20.0.0/16", "10.20.0.0/255.255.0.0"),
        ("10.20.0.1/32", "10.20.0.1"),
        ("::/0", "0::/0"),
    ],
)
def test_one_prefix_in_two_spellings_is_one(allowed, advertised):
    assert found(route(advertised), stored=allowing(allowed)) == ()


def test_the_ipv4_default_route_does_not_allow_the_ipv6_one():
    (leak,) = found(route("::/0"), stored=allowing("0.0.0.0/0"))
    assert leak.prefixes == ("::/0",)


def test_a_batch_makes_one_leak_for_each_peer():
    peers = (PEER, FW1_SECOND)
    lines = [route(prefix, peer_id=peer) for prefix in prefixes(3) for peer in peers]
    assert [(leak.peer_id, leak.count) for leak in found(*lines)] == [(PEER, 3), (FW1_SECOND, 3)]


def test_copies_and_updates_of_one_prefix_are_counted_once():
    lines = [route("10.99.0.0/16"), route("10.99.0.0/16"), route("10.99.0.0/16", "UPDATED")]
    (leak,) = found(*lines)
    assert (leak.prefixes, leak.count) == (("10.99.0.0/16",), 1)


def test_ten_prefixes_are_named_in_their_order_and_all_are_counted():
    (leak,) = found(*[route(prefix) for prefix in prefixes(300)[::-1]])
    assert leak.prefixes == tuple(prefixes(NAMED))
    assert (NAMED, leak.count) == (10, 300)
    assert leak.reason == "fw1 advertises 300 prefixes that are not in its allowed_prefixes"


def test_prefixes_are_in_the_order_of_numbers_ipv4_first():
    lines = [route(prefix) for prefix in ("2001:db8::/32", "10.0.0.0/8", "9.0.0.0/8", "10.0.0.0/16")]
    (leak,) = found(*lines)
    assert leak.prefixes == ("9.0.0.0/8", "10.0.0.0/8", "10.0.0.0/16", "2001:db8::/32")


def test_it_happened_when_the_first_of_them_was_announced():
    moments = [AT_MS + 3000, AT_MS + 1000, AT_MS + 2000]
    (leak,) = found(*[route(p, at_ms=at) for p, at in zip(prefixes(3), moments, strict=True)])
    (first,) = parse_peer_logs(delivery(line()))
    assert first.occurred_at is not None
    assert leak.occurred_at == first.occurred_at + timedelta(seconds=1)


def test_a_leak_without_a_time_has_none():
    untimed = line("RouteStatus", "ADVERTISED", {"prefix": "10.99.0.0/16"}, event_timestamp="soon")
    (leak,) = found(untimed)
    assert leak.occurred_at is None
    (leak,) = found(untimed, route("10.98.0.0/16"))
    assert leak.occurred_at is not None


def test_a_peer_of_nobody_leaks_nothing():
    assert found(route("10.99.0.0/16", peer_id="rsp-0ffffffffffffffff")) == ()
    assert found(route("10.99.0.0/16"), stored=record(peers=None)) == ()


def test_a_peer_whose_appliance_has_left_the_document_leaks_nothing():
    assert found(route("10.99.0.0/16"), stored=record(peers={PEER: "fw0"})) == ()
