"""Messages of a route server's topic become signals, whatever their form (facts §5)."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem.model import Status
from tandem.signals import Origin, Protocol, SignalKind, parse_sns
from tests.samples import ENDPOINT, PEER, TOPIC, sample

AT = datetime(2026, 11, 21, 3, 58, 31, tzinfo=UTC)

hexadecimal = st.text("0123456789abcdef", min_size=17, max_size=17)
peers = hexadecimal.map(lambda text: f"rsp-{text}")
endpoints = hexadecimal.map(lambda text: f"rse-{text}")
protocols = st.sampled_from(list(Protocol))
statuses = st.sampled_from(list(Status))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def record(text="", topic=TOPIC, **attributes):
    return {
        "EventSource": "aws:sns",
        "Sns": {
            "TopicArn": topic,
            "Timestamp": "2026-11-21T03:58:31.912Z",
            "Message": text,
            "MessageAttributes": {k: {"Type": "String", "Value": v} for k, v in attributes.items()},
        },
    }


def session_attributes(protocol, peer, status):
    return {
        "timestamp": "2026-11-21T03:58:31Z",
        "eventCode": f"ROUTE_SERVER_PEER_{protocol.upper()}_STATUS_CHANGE",
        "routeServerPeerId": peer,
        f"new{protocol.capitalize()}Status": status.upper(),
    }


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


@given(endpoints, st.lists(peers, max_size=5))
def test_every_form_of_a_list_gives_the_same_signal(endpoint, affected):
    forms = [json.dumps(affected), ",".join(affected), f"[{', '.join(affected)}]", " ".join(affected)]
    signals = {
        parse_sns(
            record(
                eventCode="ROUTE_SERVER_ENDPOINT_MAINTENANCE",
                routeServerEndpointId=endpoint,
                affectedRouteServerPeerIds=form,
            )
        )
        for form in forms
    }
    assert {(s.kind, s.endpoint_id, s.peer_ids) for s in signals} == {
        (SignalKind.MAINTENANCE, endpoint, tuple(affected))
    }


@given(protocols, peers, statuses)
def test_text_alone_gives_the_same_signal_as_attributes(protocol, peer, status):
    text = f"{protocol.upper()} for Route Server Peer {peer} is now {status.upper()}."
    of_text = parse_sns(record(text, timestamp="2026-11-21T03:58:31Z"))
    of_attributes = parse_sns(record("", **session_attributes(protocol, peer, status)))
    assert of_text == of_attributes


@pytest.mark.parametrize("brackets", ["[{}]", "{}"])
def test_the_documented_templates_are_read_with_and_without_their_brackets(brackets):
    text = f"BGP for Route Server Peer {brackets.format(PEER)} is now {brackets.format('DOWN')}."
    assert parse_sns(record(text)).status is Status.DOWN
    work = f"Route Server Endpoint {brackets.format(ENDPOINT)} is now undergoing maintenance. BFD and BGP …"
    assert parse_sns(record(work)).endpoint_id == ENDPOINT


def test_attributes_win_over_the_text():
    text = f"BGP for Route Server Peer {PEER} is now UP."
    signal = parse_sns(record(text, **session_attributes(Protocol.BGP, PEER, Status.DOWN)))
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
    assert parse_sns(record(f"BGP for Route Server Peer {PEER} is now DOWN.", **attributes)).peer_id == PEER
    unknown = parse_sns(record("no words that anybody knows", **attributes))
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
    signal = parse_sns(record(text))
    assert (signal.kind, signal.known) == (SignalKind.LOOK, False)


def test_an_unknown_shape_is_a_look_that_says_so_and_keeps_its_topic():
    signal = parse_sns(sample("sns-unknown-shape")["Records"][0])
    assert (signal.kind, signal.known, signal.topic_arn) == (SignalKind.LOOK, False, TOPIC)
    assert "unknown shape (ROUTE_SERVER_SOMETHING_NEW)" in signal.cause
    assert TOPIC in signal.cause


def test_without_its_own_time_a_message_has_that_of_its_publication():
    signal = parse_sns(record(f"BFD for Route Server Peer {PEER} is now DOWN."))
    assert signal.occurred_at == datetime(2026, 11, 21, 3, 58, 31, 912_000, UTC)


@given(st.dictionaries(st.text() | st.just("Sns"), json_values))
def test_no_record_whatever_crashes_the_parser(anything):
    assert parse_sns(anything).cause


@given(
    st.fixed_dictionaries(
        {
            "Sns": st.dictionaries(
                st.sampled_from(["Message", "MessageAttributes", "TopicArn", "Timestamp"]), json_values
            )
            | st.fixed_dictionaries(
                {
                    "MessageAttributes": st.dictionaries(
                        st.sampled_from(["eventCode", "timestamp", "routeServerPeerId", "newBgpStatus"]),
                        json_values | st.fixed_dictionaries({"Value": json_values}),
                    )
                }
            )
        }
    )
)
def test_no_message_whatever_crashes_the_parser(anything):
    assert parse_sns(anything).cause


def test_a_huge_text_is_read_at_its_beginning_only():
    assert parse_sns(record("BGP " * 60_000 + f"for Route Server Peer {PEER} is now DOWN.")).known is False
