"""Whatever an event of AWS holds, its IDs are found, and it becomes a look or nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tandem.signals.awsevents import identifiers, parse_aws
from tests.strategies import hexadecimal, json_values


@given(json_values)
def test_no_value_whatever_crashes_identifiers(anything):
    assert isinstance(identifiers(anything), frozenset)


@given(json_values, st.sampled_from(["i", "eni", "eipalloc", "rsp"]), hexadecimal, st.booleans())
def test_an_id_is_found_wherever_it_hides(anything, prefix, number, as_key):
    name = f"{prefix}-{number}"
    hidden = {name: anything} if as_key else [anything, {"deep": [[f"on {name}."]]}]
    assert name in identifiers(hidden)


@given(
    st.dictionaries(st.sampled_from(["source", "detail-type", "detail", "time", "resources"]), json_values)
)
def test_no_event_whatever_crashes_the_parser(anything):
    signal = parse_aws(anything)
    assert signal is None or signal.cause
