"""Tests that what docs/operating.md says of pausing, pinning and resuming does that."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tandem.adapters import clients
from tests.shared_worlds import begins_in
from tests.stack import Stack, stack

PAGE = (Path(__file__).parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")
PAUSE, PIN = (json.loads(item) for item in re.findall(r"put-item .*--item '(.+)'", PAGE))
(RESUME,) = (json.loads(key) for key in re.findall(r"delete-item .*--key '(.+)'", PAGE))


@pytest.fixture
@begins_in(stack)
def edge() -> Iterator[Stack]:
    with stack() as s:
        yield s


def put(edge: Stack, item: dict[str, Any]) -> None:
    until = (edge.clock.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    clients.dynamodb().put_item(TableName="tandem-state", Item={**item, "until": {"S": until}})


def test_the_pause_holds_and_the_deletion_ends_it(edge: Stack) -> None:
    put(edge, PAUSE)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()
    assert edge.are_all_with("fw1")
    clients.dynamodb().delete_item(TableName="tandem-state", Key=RESUME)
    edge.sweep()
    assert edge.are_all_with("fw2")


def test_the_pin_moves_the_addresses_to_the_appliance_and_the_deletion_back_to_the_route(edge: Stack) -> None:
    put(edge, {**PIN, "appliance": {"S": "fw2"}})
    edge.sweep()
    assert edge.are_all_with("fw2")
    clients.dynamodb().delete_item(TableName="tandem-state", Key=RESUME)
    edge.clock.sleep(61)
    edge.sweep()
    assert edge.are_all_with("fw1")
