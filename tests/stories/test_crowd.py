"""Fifty invocations at once: one of them looks, the others leave word."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.client import BaseClient

from lab.ec2.clock import RealClock
from lab.ec2.timings import Timings
from tests.stack import Stack, stack

CROWD = 50


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch):
    """DynamoDB does one thing at a time to an item; moto in threads does not unless it is told."""
    lock, call = threading.Lock(), BaseClient._make_api_call  # type: ignore[attr-defined]

    def in_turn(self: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        if self.meta.service_model.service_name != "dynamodb":
            return call(self, operation, parameters)
        with lock:
            return call(self, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", in_turn)
    with stack(timings=Timings.instant(), clock=RealClock()) as s:
        yield s


def test_fifty_invocations_make_one_call_for_each_address_and_one_decision(crowded: Stack) -> None:
    crowded.levers.kill(name="fw1")
    with ThreadPoolExecutor(CROWD) as invocations:
        for done in [invocations.submit(crowded.sweep) for _ in range(CROWD)]:
            done.result()
    assert crowded.are_all_with("fw2")
    moved = [c["params"]["AllocationId"] for c in crowded.calls("AssociateAddress")]
    assert sorted(moved) == sorted(e["allocation_id"] for e in crowded.ids["elastic_ips"].values())
    assert crowded.kinds() == ["intent", "outcome"]


def test_the_route_that_changes_under_a_crowd_is_followed_before_the_last_one_leaves(crowded: Stack) -> None:
    crowded.levers.withdraw(name="fw1", prefix="0.0.0.0/0")
    crowded.levers.fault(action="AssociateAddress", latency_s=0.5)
    with ThreadPoolExecutor(CROWD) as invocations:
        first = invocations.submit(crowded.sweep)
        while not crowded.calls("AssociateAddress"):
            threading.Event().wait(0.01)
        crowded.levers.kill(name="fw2")
        crowded.levers.advertise(name="fw1", prefix="0.0.0.0/0", as_path=[65001])
        others = [invocations.submit(crowded.sweep) for _ in range(CROWD - 1)]
        for done in (first, *others):
            done.result()
    assert crowded.are_all_with("fw1")
