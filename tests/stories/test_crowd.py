"""Fifty invocations at once: one of them looks, the others leave word."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider
from botocore.client import BaseClient

from lab.ec2.clock import RealClock
from lab.ec2.timings import Timings
from tandem.adapters import clients
from tests.stack import Stack, stack

CROWD = 50


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch):
    """Yields what threads of one process share and fifty Lambda environments do not: the metrics not
    written yet, and the time that one invocation has left. DynamoDB does one thing at a time to an item;
    moto in threads does not unless it is told.
    """
    metrics = threading.RLock()
    for name in ("add_metric", "flush_metrics"):
        monkeypatch.setattr(
            AmazonCloudWatchEMFProvider, name, _in_turn(metrics, AmazonCloudWatchEMFProvider, name)
        )
    monkeypatch.setattr(clients, "within", lambda seconds_left: nullcontext())
    tables, call = threading.Lock(), BaseClient._make_api_call  # type: ignore[attr-defined]

    def table_in_turn(self: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        with tables if self.meta.service_model.service_name == "dynamodb" else nullcontext():
            return call(self, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", table_in_turn)
    with stack(timings=Timings.instant(), clock=RealClock()) as s:
        yield s


def _in_turn(lock: AbstractContextManager[Any], owner: type, name: str) -> Callable[..., Any]:
    """The method, which waits while another thread is in it."""
    method = getattr(owner, name)

    def in_turn(*args: Any, **kwargs: Any) -> Any:
        with lock:
            return method(*args, **kwargs)

    return in_turn


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
