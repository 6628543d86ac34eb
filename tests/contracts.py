"""Holds events and messages against what their readers take."""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator

from tandem.events import Event, schema
from tandem.words.notification import Notification, notification

SNS_MOST = 262_144
"""Bytes of a message that SNS takes, attributes included."""


def assert_meets_schema(event: Event) -> None:
    """The event, as it comes out of JSON at the other end, is what its schema says."""
    wire = json.loads(json.dumps(event.detail))
    problems = [
        f"{'/'.join(str(step) for step in error.path) or 'detail'}: {error.message}"
        for error in Draft202012Validator(schema(event.detail_type)).iter_errors(wire)
    ]
    assert not problems, f"{event.detail_type}: {problems}"


def message_of(event: Event) -> Notification:
    """Returns what people are told of an event that they are told of."""
    message = notification(event)
    assert message is not None
    return message
