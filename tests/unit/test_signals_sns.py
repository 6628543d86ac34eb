"""Messages of a route server's topic become signals, whatever their form."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tandem.model import Status
from tandem.signals.signal import Origin, Protocol, SignalKind, parse_sns
from tests.samples import ENDPOINT, PEER, TOPIC, sample, session_attributes, sns_record

AT = datetime(2026, 11, 21, 3, 58, 31, tzinfo=UTC)


@pytest.mark.parametrize("protocol", Protocol)
@pytest.mark.parametrize(("status", "words"), [(Status.DOWN, "went down"), (Status.UP, "came up")])
def test_a_session_message_says_what_happened_to_whom_and_when(protocol, status, words):
    signal = parse_sns(sample(f"sns-{protocol}-{status}")["Records"][0])
    assert (signal.kind, signal.protocol, signal.status, signal.peer_id) == (
        SignalKind.SESSION,
        protocol,
        status,
        PEER,
    )
    assert signal.cause == f"{protocol.upper()} of {PEER} {words}"
    assert (signal.occurred_at, signal.topic_arn, signal.origin, signal.known) == (
        AT,
        TOPIC,
        Origin.SNS,
        True,
    )


def test_the_list_of_peers_reads_the_same_in_either_form():
    forms = [
        parse_sns(sample(f"sns-endpoint-maintenance-{form}")["Records"][0])
        for form in ("string", "string-array")
    ]
    assert forms[0] == forms[1]
    assert forms[0].kind is SignalKind.MAINTENANCE
    assert (forms[0].endpoint_id, forms[0].peer_ids) == (ENDPOINT, (PEER,))


@pytest.mark.parametrize("brackets", ["[{}]", "{}"])
def test_the_documented_templates_are_read_with_and_without_their_brackets(brackets):
    text = f"BGP for Route Server Peer {brackets.format(PEER)} is now {brackets.format('DOWN')}."
    assert parse_sns(sns_record(text)).status is Status.DOWN
    work = f"Route Server Endpoint {brackets.format(ENDPOINT)} is now undergoing maintenance. BFD and BGP …"
    assert parse_sns(sns_record(work)).endpoint_id == ENDPOINT


def test_attributes_win_over_the_text():
    text = f"BGP for Route Server Peer {PEER} is now UP."
    signal = parse_sns(sns_record(text, **session_attributes(Protocol.BGP, PEER, Status.DOWN)))
    assert signal.status is Status.DOWN


@pytest.mark.parametrize(
    "broken",
    [
        {"newBgpStatus": "SIDEWAYS"},
        {"routeServerPeerId": "peer number one"},
        {"newBgpStatus": ""},
        {"eventCode": "route_server_peer_bgp_status_change"},
    ],
)
def test_a_broken_attribute_falls_back_to_the_text_and_then_to_a_look(broken):
    attributes = session_attributes(Protocol.BGP, PEER, Status.DOWN) | broken
    assert (
        parse_sns(sns_record(f"BGP for Route Server Peer {PEER} is now DOWN.", **attributes)).peer_id == PEER
    )
    unknown = parse_sns(sns_record("no words that anybody knows", **attributes))
    assert (unknown.kind, unknown.known, unknown.topic_arn) == (SignalKind.LOOK, False, TOPIC)


@pytest.mark.parametrize(
    "text",
    [
        f"BGP for Route Server Peer {PEER} is no longer UP.",
        f"BGP for Route Server Peer {PEER} is now UPGRADED.",
        f"OSPF for Route Server Peer {PEER} is now DOWN.",
        f"Route Server Endpoint {ENDPOINT} is not undergoing maintenance.",
    ],
)
def test_text_that_only_resembles_the_templates_is_unknown_not_misread(text):
    signal = parse_sns(sns_record(text))
    assert (signal.kind, signal.known) == (SignalKind.LOOK, False)


def test_an_unknown_shape_is_a_look_that_says_so_and_keeps_its_topic():
    signal = parse_sns(sample("sns-unknown-shape")["Records"][0])
    assert (signal.kind, signal.known, signal.topic_arn) == (SignalKind.LOOK, False, TOPIC)
    assert "unknown shape (ROUTE_SERVER_SOMETHING_NEW)" in signal.cause
    assert TOPIC in signal.cause


def test_without_its_own_time_a_message_has_that_of_its_publication():
    signal = parse_sns(sns_record(f"BFD for Route Server Peer {PEER} is now DOWN."))
    assert signal.occurred_at == datetime(2026, 11, 21, 3, 58, 31, 912_000, UTC)


def test_a_huge_text_is_read_at_its_beginning_only():
    assert (
        parse_sns(sns_record("BGP " * 60_000 + f"for Route Server Peer {PEER} is now DOWN.")).known is False
    )
