"""Whatever wakes a function, it has a cause."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tandem.signals.intake import parse
from tandem.signals.signal import Origin
from tests.strategies import json_values


@given(
    st.sampled_from(["Look", "Peer State Change", "Route Change", "Endpoint Maintenance"]),
    st.dictionaries(
        st.sampled_from(
            ["cause", "topology", "occurred_at", "peer_id", "protocol", "status", "peer_ids", "prefix"]
        ),
        json_values,
    ),
)
def test_a_damaged_event_of_ours_is_still_a_reason_to_look(detail_type, detail):
    (signal,) = parse({"source": "tandem", "detail-type": detail_type, "detail": detail})
    assert (signal.origin, bool(signal.cause)) == (Origin.BUS, True)


@given(
    st.dictionaries(
        st.sampled_from(["Records", "awslogs", "source", "detail-type", "detail", "x"]), json_values
    )
)
def test_no_event_whatever_crashes_the_entry(anything):
    for signal in parse(anything):
        assert signal.cause
