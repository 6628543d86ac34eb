"""Outcomes of one try and the next are one message; what belongs to something else stays by itself."""

from __future__ import annotations

from typing import Any

import pytest

from tandem.audit import Head
from tandem.failover.news import damage_of, events_of, gathered
from tandem.failover.settling import seen_sessions
from tandem.model import Status
from tandem.state.memory import SessionSeen
from tests.contracts import assert_meets_schema
from tests.pure import NOW, after, observation


def head(number: int) -> Head:
    return Head("failover#edge", number, "0" * 64)


def outcome(number: int, owner: str = "fw2", received: str = "30", **outcomes: str) -> tuple[Head, Any]:
    """An outcome record: what became of each Elastic IP, by its name."""
    place = {"network_interface": "eni-1", "private_ip": "10.0.2.20", "appliance": owner}
    received_at = f"2026-11-21T03:58:{received}.000Z"
    stages = dict.fromkeys(["leased_at", "associated_at", "verified_at"])
    stages |= dict.fromkeys(["signal_at", "received_at", "observed_at", "decided_at"], received_at)
    body = {
        "kind": "outcome",
        "at": f"2026-11-21T03:58:4{number}.000Z",
        "decision_id": f"edge-1-{number}",
        "topology": "edge",
        "addresses": [
            {
                "group": "internet-edge",
                "allocation_id": name,
                "public_ip": None,
                "from": None,
                "to": place,
                "outcome": became,
                "error": None,
                "associated_ms": 100 if became == "verified" else None,
                "verified_ms": 200 if became == "verified" else None,
            }
            for name, became in outcomes.items()
        ],
        "stages": stages,
        "threads": {"internet-edge": "edge-1-1"},
        "tell": ["internet-edge"],
    }
    return head(number), body


def test_a_second_try_and_the_first_are_one_message():
    first = outcome(2, a="verified", b="failed")
    second = outcome(4, received="35", b="verified")
    one = gathered(first, [first, second])
    assert one.heads == (first[0], second[0])
    (event,) = events_of(one.body, one.head)
    assert_meets_schema(event)
    assert event.detail_type == "Failover Completed"
    assert [a["allocation_id"] for a in event.detail["addresses"]] == ["a", "b"]
    assert [a["verified_ms"] for a in event.detail["addresses"]] == [200, 5200]
    assert event.detail["stages"]["received_at"] == "2026-11-21T03:58:30.000Z"
    assert event.detail["stages"]["verified_at"] == "2026-11-21T03:58:35.200Z"
    assert event.detail["audit"]["number"] == 4


@pytest.mark.parametrize(
    "other",
    [
        outcome(4, owner="fw1", a="verified"),
        (head(4), {**outcome(4, a="verified")[1], "threads": {"internet-edge": "edge-1-3"}}),
        (head(4), {**outcome(4, a="verified")[1], "kind": "hold"}),
    ],
)
def test_what_is_about_something_else_is_told_by_itself(other):
    first = outcome(2, a="failed")
    assert gathered(first, [first, other]).heads == (first[0],)


def test_what_is_damaged_for_the_next_try_is_damaged():
    number, body = outcome(2, a="verified", b="verified")
    assert damage_of(body, number) is None
    assert damage_of({**body, "addresses": [body["addresses"][0], {**body["addresses"][1], "to": 7}]}, number)
    assert damage_of({**body, "addresses": 7}, number)


def test_an_outcome_of_an_older_version_is_told_by_itself():
    number, body = outcome(2, a="verified")
    del body["threads"]
    one = gathered((number, body), [(number, body), outcome(4, a="verified")])
    assert one.heads == (number,)
    (event,) = events_of(one.body, one.head)
    assert "thread" not in event.detail


def test_a_session_keeps_its_time_until_it_shows_something_else():
    seen = seen_sessions({}, observation(), NOW)
    assert {s.since for s in seen.values()} == {NOW}
    later = seen_sessions(seen, observation(alive=("fw1",)), after(60))
    for shown in observation(alive=("fw1",)).peers:
        is_same = shown.bgp is Status.UP
        assert later[shown.peer_id].since == (NOW if is_same else after(60))


def test_a_peer_that_is_gone_is_forgotten():
    known = {"rsp-gone": SessionSeen("up", "up", NOW)}
    assert "rsp-gone" not in seen_sessions(known, observation(), after(60))
