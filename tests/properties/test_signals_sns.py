"""Whatever a message of a route server's topic looks like, it becomes a signal."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tandem.model import Status
from tandem.signals.signal import Protocol, SignalKind, parse_sns
from tests.samples import session_attributes, sns_record
from tests.strategies import hexadecimal, json_values

peers = hexadecimal.map(lambda text: f"rsp-{text}")
endpoints = hexadecimal.map(lambda text: f"rse-{text}")
protocols = st.sampled_from(list(Protocol))
statuses = st.sampled_from(list(Status))


@given(endpoints, st.lists(peers, max_size=5))
def test_every_form_of_a_list_gives_the_same_signal(endpoint, affected):
    forms = [json.dumps(affected), ",".join(affected), f"[{', '.join(affected)}]", " ".join(affected)]
    signals = {
        parse_sns(
            sns_record(
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
    of_text = parse_sns(sns_record(text, timestamp="2026-11-21T03:58:31Z"))
    of_attributes = parse_sns(sns_record("", **session_attributes(protocol, peer, status)))
    assert of_text == of_attributes


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
