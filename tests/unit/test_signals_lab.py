"""Tests that what the emulated Route Server says is what the parsers read: neither may drift from the
other.
"""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from lab.ec2.signals import instance_state_event, log_record, maintenance_message, session_message
from tandem.model import Status
from tandem.signals.awsevents import parse_aws
from tandem.signals.peerlogs import parse_peer_logs
from tandem.signals.signal import Protocol, RouteEvent, SignalKind, parse_sns
from tests.samples import ENDPOINT, INSTANCE, PEER, TOPIC

AT = datetime(2026, 11, 21, 3, 58, 31, 123_000, UTC)
ARN = f"arn:aws:ec2:us-east-1:123456789012:route-server-peer/{PEER}"


def delivered(message):
    """As SNS hands a message to a function."""
    text, attributes = message
    handed = {name: {"Type": "String", "Value": a["StringValue"]} for name, a in attributes.items()}
    return parse_sns({"Sns": {"TopicArn": TOPIC, "Message": text, "MessageAttributes": handed}})


def logged(record):
    batch = {"messageType": "DATA_MESSAGE", "logEvents": [{"message": json.dumps(record)}]}
    data = base64.b64encode(gzip.compress(json.dumps(batch).encode())).decode()
    (signal,) = parse_peer_logs({"awslogs": {"data": data}})
    return signal


@given(st.sampled_from(list(Protocol)), st.booleans())
def test_sessions(protocol, up):
    for signal in (
        delivered(session_message(protocol, PEER, up, AT)),
        logged(log_record(ARN, AT, f"{protocol.upper()}Status", "UP" if up else "DOWN", None)),
    ):
        assert (signal.kind, signal.known) == (SignalKind.SESSION, True)
        assert (signal.peer_id, signal.protocol, signal.status) == (
            PEER,
            protocol,
            Status.UP if up else Status.DOWN,
        )


@given(st.booleans())
def test_maintenance(as_array):
    signal = delivered(maintenance_message(ENDPOINT, [PEER, "rsp-0f1000000000000b1"], AT, as_array))
    assert (signal.kind, signal.endpoint_id) == (SignalKind.MAINTENANCE, ENDPOINT)
    assert signal.peer_ids == (PEER, "rsp-0f1000000000000b1")


@given(st.sampled_from([RouteEvent.ADVERTISED, RouteEvent.UPDATED, RouteEvent.WITHDRAWN]))
def test_routes(change):
    message = {"prefix": "0.0.0.0/0", "asPath": "65001 65001", "med": 5, "nextHopIp": "10.0.1.10"}
    signal = logged(log_record(ARN, AT, "RouteStatus", change.upper(), message))
    assert (signal.kind, signal.route_event, signal.occurred_at) == (SignalKind.ROUTE, change, AT)
    assert (signal.as_path, signal.med, signal.next_hop) == (("65001", "65001"), 5, "10.0.1.10")


def test_instances():
    signal = parse_aws(instance_state_event(INSTANCE, "stopped", AT, "123456789012", "us-east-1"))
    assert signal is not None
    assert (signal.cause, INSTANCE in signal.resource_ids) == (f"instance {INSTANCE} is stopped", True)
