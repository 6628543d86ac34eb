"""An appliance advertises what it may not: from its peer's log to the message that people get."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import pytest

from tandem.adapters import clients
from tandem.adapters.topologies import TopologyStore
from tandem.state.record import Provisioned
from tests.functions import Inbox, cold_start, fresh_service
from tests.peerlog import delivery
from tests.shared_worlds import begins_in
from tests.stack import WAKING, Context, Stack, edge_document, stack

PEOPLE = "arn:aws:sns:us-east-1:123456789012:people"


@dataclass
class Listening:
    """The edge with the functions that hear a peer log and tell people."""

    edge: Stack
    inbox: Inbox
    heard: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)
    """All that came on the bus."""

    def store(self, *allowed: str) -> None:
        """Stores the edge; fw1 may advertise these prefixes, fw2 any."""
        document = edge_document(self.edge.ids)
        document["appliances"]["fw1"]["allowed_prefixes"] = list(allowed)
        self.edge.store(**document)
        store = TopologyStore(clients.dynamodb(), "tandem-state")
        (stored,) = store.list().records
        ids = self.edge.ids
        peers = {peer: name for name, some in ids["peers"].items() for peer in some.values()}
        found = Provisioned(ids["route_server_id"], ids["sns_topic_arn"], peers=peers)
        store.set_provisioned(stored, found)

    def hear(self, copies: int = 1) -> list[dict[str, Any]]:
        """Hands what the peers have logged since the last time to `signals`, a delivery for each peer as
        CloudWatch Logs does, and its events to whom the rules lead them. The events."""
        self.edge.clock.sleep(60)
        logs = self.edge.lab.recorded.logs
        new, self.heard = logs[self.heard :], len(logs)
        for peer in dict.fromkeys(peer for peer, _ in new):
            lines = [json.dumps(record) for one, record in new if one == peer]
            for _ in range(copies):
                self._run("signals", delivery(*lines))
        put = self.edge.events()
        for event in put:
            if event["detail-type"] in WAKING:
                self.edge.invoke(event)
            else:
                self._run("notifier", event)
        self.events += put
        return put

    def _run(self, function: str, event: dict[str, Any]) -> None:
        with mock.patch.dict(os.environ, fresh_service() | {"TANDEM_NOTIFICATION_TOPIC": PEOPLE}):
            cold_start(function).handler(event, Context(function))


@pytest.fixture
@begins_in(stack)
def listening() -> Iterator[Listening]:
    with stack() as edge:
        topic = clients.sns().create_topic(Name="people")["TopicArn"]
        found = Listening(edge, Inbox(topic, "inbox"))
        found.heard = len(edge.lab.recorded.logs)
        found.store("0.0.0.0/0")
        yield found


def test_a_leaked_prefix_is_one_message_for_each_peer_that_has_it(listening: Listening) -> None:
    listening.edge.levers.advertise("fw1", "10.99.0.0/16")
    events = listening.hear()
    assert [e["detail-type"] for e in events] == ["Route Leak", "Route Leak"]
    messages = listening.inbox.read()
    peers = sorted(listening.edge.ids["peers"]["fw1"].values())
    assert sorted(line for m in messages for line in m["Message"].splitlines() if "The peer is" in line) == [
        f"The peer is {peer}." for peer in peers
    ]
    for message in messages:
        assert message["Subject"] == (
            "Tandem edge: route leak, fw1 advertises 10.99.0.0/16, which is not in its allowed_prefixes"
        )
        assert message["MessageAttributes"]["action"]["Value"] == "leak"


def test_a_full_table_is_one_message_of_ten_prefixes_and_their_number(listening: Listening) -> None:
    for number in range(60):
        listening.edge.levers.advertise("fw1", f"100.64.{number}.0/24")
    listening.hear()
    messages = listening.inbox.read()
    assert len(messages) == len(listening.edge.ids["peers"]["fw1"])
    for message in messages:
        named = [line for line in message["Message"].splitlines() if line.startswith("  100.64.")]
        assert named == [f"  100.64.{number}.0/24" for number in range(10)]
        assert "First 10 of 60 prefixes:" in message["Message"]


def test_a_leak_that_lasts_is_not_told_again_and_one_that_comes_back_is(listening: Listening) -> None:
    listening.edge.levers.advertise("fw1", "10.99.0.0/16")
    assert len(listening.hear()) == 2
    listening.edge.live(120)
    assert [e for e in listening.hear() if e["detail-type"] == "Route Leak"] == []
    listening.edge.levers.withdraw("fw1", "10.99.0.0/16")
    assert listening.hear() == []
    listening.edge.levers.advertise("fw1", "10.99.0.0/16")
    assert len(listening.hear()) == 2


def test_an_appliance_without_a_list_may_advertise_everything(listening: Listening) -> None:
    listening.edge.levers.advertise("fw2", "10.99.0.0/16")
    assert listening.hear() == []
    assert listening.inbox.read() == []


def test_the_document_that_allows_it_ends_the_messages(listening: Listening) -> None:
    listening.edge.levers.advertise("fw1", "10.99.0.0/16")
    assert len(listening.hear()) == 2
    listening.store("0.0.0.0/0", "10.99.0.0/16")
    listening.edge.levers.advertise("fw1", "10.99.0.0/16", med=7)
    assert listening.hear() == []


def test_a_leak_moves_nothing_and_failover_goes_on_beside_it(listening: Listening) -> None:
    listening.edge.levers.advertise("fw1", "10.99.0.0/16")
    listening.hear()
    assert listening.edge.kinds() == []
    assert listening.edge.are_all_with("fw1")
    listening.edge.levers.withdraw("fw1", "0.0.0.0/0")
    events = listening.hear()
    assert {e["detail-type"] for e in events} == {"Route Change"}
    assert listening.edge.are_all_with("fw2")


def test_a_delivery_that_comes_twice_says_the_same_twice(listening: Listening) -> None:
    """Logs come at least once, and no list of leaks is kept."""
    listening.edge.levers.advertise("fw1", "10.99.0.0/16")
    details = [json.dumps(event["detail"]) for event in listening.hear(copies=2)]
    assert (len(details), len(set(details))) == (4, 2)
