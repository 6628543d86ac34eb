"""What every producer of an event on Tandem's bus has to keep."""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator

from tandem.events import Event, schema


def assert_meets_schema(event: Event) -> None:
    """The event, as it comes out of JSON at the other end, is what its schema says."""
    wire = json.loads(json.dumps(event.detail))
    problems = [
        f"{'/'.join(str(step) for step in error.path) or 'detail'}: {error.message}"
        for error in Draft202012Validator(schema(event.detail_type)).iter_errors(wire)
    ]
    assert not problems, f"{event.detail_type}: {problems}"
