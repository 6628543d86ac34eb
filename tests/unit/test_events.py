"""Times and the common part of every event."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem.events import DetailType, event, iso, parse_iso

zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(1970, 1, 3), datetime(9998, 12, 30), timezones=zones)  # noqa: DTZ001


def test_times_are_utc_with_milliseconds():
    assert iso(datetime(2026, 11, 21, 3, 58, 31, 123_999, UTC)) == "2026-11-21T03:58:31.123Z"
    assert (
        iso(datetime(2026, 11, 21, 4, 58, 31, tzinfo=timezone(timedelta(hours=1))))
        == "2026-11-21T03:58:31.000Z"
    )


@given(times)
def test_a_time_comes_back_to_the_millisecond(moment):
    back = parse_iso(iso(moment))
    assert timedelta() <= moment - back < timedelta(milliseconds=1)
    assert back.utcoffset() == timedelta()


@given(times, times)
def test_the_texts_are_in_the_order_of_the_times(one, other):
    assert (iso(one) <= iso(other)) or one > other


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-02-17T15:55:00Z", datetime(2025, 2, 17, 15, 55, tzinfo=UTC)),
        ("2019-10-02T17:04:40.989+0000", datetime(2019, 10, 2, 17, 4, 40, 989_000, UTC)),
        ("2019-01-02T12:45:07.000Z", datetime(2019, 1, 2, 12, 45, 7, tzinfo=UTC)),
    ],
)
def test_every_form_that_aws_uses_is_read(text, moment):
    assert parse_iso(text) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-21T03:58:31", "2026-11-21"])
def test_what_names_no_moment_is_refused(text):
    with pytest.raises(ValueError):
        parse_iso(text)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="without a zone"):
        iso(datetime(2026, 11, 21))  # noqa: DTZ001


@pytest.mark.parametrize("group", [None, "internet-edge"])
def test_every_event_carries_version_topology_and_time_and_a_group_where_there_is_one(group):
    moment = datetime(2026, 11, 21, tzinfo=UTC)
    made = event(DetailType.LOOK, topology="edge", group=group, occurred_at=moment, cause="a test")
    expected = {
        "schema_version": 2,
        "topology": "edge",
        "occurred_at": "2026-11-21T00:00:00.000Z",
        "cause": "a test",
    }
    assert made.detail == (expected if group is None else {**expected, "group": group})
