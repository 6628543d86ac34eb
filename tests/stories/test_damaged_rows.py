"""Rows of EC2's answers that nobody can read: others go on; what they may hide is not guessed."""

from __future__ import annotations

from typing import Any

import pytest

from tandem.adapters import clients, ec2, ec2reads
from tandem.errors import ConfigurationError
from tests.judging import told
from tests.stack import MOVING, Stack

ROUTE = {"Prefix": "10.9.0.0/16", "NextHopIp": "10.0.1.10", "RouteStatus": "in-fib"}
STRANGE: tuple[dict[str, Any], ...] = (
    {"RouteStatus": "in-fib-pending"},
    {"Prefix": "10.9.0.1/16"},
    {"Prefix": "default"},
    {"NextHopIp": ""},
    {"RouteInstallationDetails": [{"RouteTableId": "rtb-1", "RouteInstallationStatus": "pending"}]},
)


def shown(members: str, change: Any) -> None:
    """EC2's answers with the list `members` are changed on their way."""

    def changed(parsed: dict[str, Any], **_: object) -> None:
        if members in parsed:
            change(parsed[members])

    clients.ec2().meta.events.register("after-call.ec2", changed)


def kill_fw1(edge: Stack) -> None:
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()


@pytest.mark.parametrize("strange", STRANGE, ids=str)
def test_a_strange_route_of_an_untracked_prefix_is_left_out_and_said(
    edge: Stack, capsys, caplog, strange: dict[str, Any]
) -> None:
    shown("Routes", lambda rows: rows.append({**ROUTE, **strange}))
    kill_fw1(edge)
    assert edge.are_all_with("fw2")
    assert caplog.messages.count("row left out") == 1
    assert '"UnreadRows":[1.0]' in capsys.readouterr().out.replace(" ", "")


def test_a_strange_route_of_an_untracked_prefix_keeps_no_hold_waiting(edge: Stack) -> None:
    edge.override(action="paused", until="2027-01-01T00:00:00Z")
    shown("Routes", lambda rows: rows.append({**ROUTE, **STRANGE[0]}))
    began = edge.clock.now()
    edge.sweep()
    assert (edge.clock.now() - began).total_seconds() < 1


def test_what_may_be_in_the_fib_and_cannot_be_read_moves_nothing(edge: Stack) -> None:
    """The tracked prefix is fw2's by then, in a status that nobody knows."""

    def pending(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row["RouteStatus"] = "in-fib-pending" if row["RouteStatus"] == "in-fib" else row["RouteStatus"]

    shown("Routes", pending)
    kill_fw1(edge)
    assert edge.calls(*MOVING) == []
    evidence = edge.audit()[-1].body["evidence"]
    assert any("0.0.0.0/0 may be in the FIB: " in words for words in evidence["failed_reads"])
    (held,) = told(edge)
    assert held.startswith("OUTAGE: fw1 is dead with 4 Elastic IPs: a route to")


def test_a_second_route_in_the_fib_that_cannot_be_read_moves_nothing(edge: Stack) -> None:
    row = {**ROUTE, "Prefix": "0.0.0.0/0", "NextHopIp": ""}
    shown("Routes", lambda rows: rows.append(row))
    kill_fw1(edge)
    assert edge.calls(*MOVING) == []


@pytest.mark.parametrize("status", ["in-rib", "in-rib-stale"])
def test_a_strange_route_beside_the_one_in_the_fib_does_not_matter(edge: Stack, status: str) -> None:
    tracked = {**ROUTE, "Prefix": "0.0.0.0/0", "RouteStatus": status, "NextHopIp": ""}
    shown("Routes", lambda rows: rows.append(tracked))
    assert ec2.observe(edge.record.topology).failed == ()
    kill_fw1(edge)
    assert edge.are_all_with("fw2")


def test_a_strange_peer_is_neither_a_session_nor_a_death_and_is_said(edge: Stack, caplog) -> None:
    def renamed(rows: list[dict[str, Any]]) -> None:
        rows[0]["BgpStatus"] = {"Status": "idle"}
        rows.append({**rows[0], "RouteServerPeerId": "rsp-2", "PeerAddress": ""})

    shown("RouteServerPeers", renamed)
    seen = ec2.observe(edge.record.topology)
    assert (len(seen.peers), len(seen.unread), len(seen.failed)) == (3, 2, 2)
    kill_fw1(edge)
    assert edge.are_all_with("fw2")
    assert caplog.messages.count("row left out") == 2


@pytest.mark.parametrize("read", [ec2reads.whole_routing_database, lambda id_: ec2reads.peers(id_).whole()])
def test_whoever_changes_route_servers_goes_by_no_part_of_an_answer(edge: Stack, read: Any) -> None:
    """What is left out would look deleted."""
    shown("Routes", lambda rows: rows[0].update(RouteStatus="new"))
    shown("RouteServerPeers", lambda rows: rows[0]["BgpOptions"].update(PeerLivenessDetection="new"))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read(edge.ids["route_server_id"])
