"""The worst case of every AWS call, from its real time-outs; and the sums, against those of the functions."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any
from unittest import mock

import pytest
from botocore.retries.standard import ExponentialBackoff, RetryContext

from tandem.adapters import bus, clients
from tandem.failover import settling
from tandem.failover import watch as watching
from tandem.state import lease
from tests.stack import ENVIRONMENT
from tests.template.rendering import ROOT, Stack

SIGNALS_TOPOLOGIES = 30
"""As many as a sweep puts on the bus with every call at its worst; with more, Lambda tries again."""


def worst(config: Any) -> float:
    """Every attempt times out, and botocore waits as long as it ever does in between."""
    backoff = ExponentialBackoff(random=lambda: 1.0)
    attempts: int = config.retries["total_max_attempts"]
    waits = [backoff.delay_amount(RetryContext(attempt_number=n)) for n in range(1, attempts)]
    return float(attempts * (config.connect_timeout + config.read_timeout) + sum(waits))


def timeout(stack: Stack, function: str) -> int:
    return int(stack.of("AWS::Lambda::Function")[f"{function}Function"]["Timeout"])


@pytest.fixture(scope="module")
def left_over() -> float:
    with mock.patch.dict(os.environ, ENVIRONMENT):
        sys.modules.pop("functions.failover.app", None)
        return float(importlib.import_module("functions.failover.app").LEFT_OVER.total_seconds())


@pytest.mark.parametrize(
    ("config", "seconds"),
    [
        (clients.READS, clients.READ_SECONDS),
        (clients.MOVES, clients.MOVE_SECONDS),
        (clients.TABLES, clients.TRY_SECONDS),
        (clients.BUS, clients.BUS_SECONDS),
    ],
    ids=["reads", "moves", "tables", "bus"],
)
def test_what_is_said_of_a_call_is_what_its_time_outs_add_up_to(config: Any, seconds: float) -> None:
    assert config.retries["mode"] == "standard"
    assert worst(config) == seconds


@pytest.mark.parametrize(
    ("client", "config"),
    [
        (clients.ec2, clients.READS),
        (clients.ec2_moves, clients.MOVES),
        (clients.dynamodb, clients.TABLES),
        (clients.events, clients.BUS),
        (clients.sns, clients.READS),
    ],
    ids=["ec2", "ec2_moves", "dynamodb", "events", "sns"],
)
def test_every_client_has_the_time_outs_that_are_counted(client, config: Any) -> None:
    with mock.patch.dict(os.environ, ENVIRONMENT):
        client.cache_clear()
        has = client().meta.config
        client.cache_clear()
    assert (has.connect_timeout, has.read_timeout) == (config.connect_timeout, config.read_timeout)
    assert has.retries == config.retries


def test_a_table_is_tried_twice_and_a_move_ends_under_its_lease() -> None:
    assert clients.TABLE_SECONDS == 2 * clients.TRY_SECONDS
    assert lease.ENOUGH.total_seconds() > clients.MOVE_SECONDS
    assert lease.LEASE.total_seconds() > clients.READ_SECONDS


def test_a_look_has_the_time_that_it_may_need(stack: Stack, left_over: float) -> None:
    """A read that fails for as long as a look settles, then the whole of a turn, then all that may follow.

    What follows is counted in `tests/stories/test_last_moment.py`.
    """
    topology_and_lease = 3 * clients.TABLE_SECONDS
    reading = 2 * clients.READ_SECONDS  # the addresses on the targets follow the interfaces
    turn = reading + 4 * clients.TABLE_SECONDS  # lease, intent, override, epoch
    before = topology_and_lease + settling.SETTLE_SECONDS + turn
    assert before + left_over <= timeout(stack, "Failover")


def test_what_is_said_of_the_time_is_so(stack: Stack, left_over: float) -> None:
    lines = (ROOT / "template.yaml").read_text(encoding="utf-8").splitlines()
    (said,) = [line for line in lines if "functions/failover/app.py keeps" in line]
    assert f"Timeout: {timeout(stack, 'Failover')} " in said
    assert f"keeps {left_over:g} s" in said
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert f"function has {timeout(stack, 'Failover')} s." in page
    assert f"in the last {left_over:g} s" in page


def test_the_other_functions_have_the_time_of_their_calls_at_their_worst(stack: Stack) -> None:
    batches = -(-SIGNALS_TOPOLOGIES // bus.MOST_ENTRIES)
    assert clients.TABLE_SECONDS + batches * clients.BUS_SECONDS <= timeout(stack, "Signals")
    assert timeout(stack, "Notifier") >= clients.READ_SECONDS
    turn = clients.READ_SECONDS + clients.TABLE_SECONDS
    assert watching.STAY_SECONDS + turn <= timeout(stack, "Watch")
