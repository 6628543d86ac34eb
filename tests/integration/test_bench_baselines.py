"""The scripts that Tandem is compared with do what they say, in no more calls than they need."""

from __future__ import annotations

from collections import Counter

import boto3
import pytest
from botocore.config import Config

from bench import baselines
from bench.baselines import Order
from lab.ec2.depth import depth
from tests.shared_worlds import begins_in
from tests.stack import Stack, stack

READS = {"GetRouteServerRoutingDatabase": 1}


@pytest.fixture
@begins_in(stack)
def edge():
    with stack() as s:
        yield s


def order(s: Stack) -> Order:
    private_ips = {a["allocation_id"]: a["targets"]["fw2"] for a in s.ids["elastic_ips"].values()}
    return Order(s.ids["route_server_id"], s.ids["interfaces"]["fw2"], private_ips)


@pytest.mark.parametrize(
    ("way", "calls"),
    [
        (baselines.one_after_another, {"DescribeAddresses": 2, "AssociateAddress": 4}),
        (baselines.describing_each, {"DescribeAddresses": 6, "AssociateAddress": 4}),
        (
            baselines.disassociating_first,
            {"DescribeAddresses": 2, "AssociateAddress": 4, "DisassociateAddress": 4},
        ),
    ],
)
def test_a_baseline_moves_every_address_one_after_another(edge: Stack, way, calls) -> None:
    way(boto3.client("ec2"), order(edge))
    made = edge.calls()
    assert Counter(c["action"] for c in made) == READS | calls
    assert depth(made) == len(made)
    assert edge.are_all_with("fw2")


def test_the_floor_moves_every_address_and_reads_back_once(edge: Stack) -> None:
    baselines.floor(boto3.client("ec2", config=Config(max_pool_connections=60)), order(edge))
    calls = Counter(c["action"] for c in edge.calls())
    assert (calls["DescribeAddresses"], calls["AssociateAddress"]) == (2, 4)
    assert edge.are_all_with("fw2")


def test_a_baseline_that_did_not_move_everything_is_no_measurement(edge: Stack) -> None:
    edge.levers.fault(action="DescribeAddresses", lag_s=30)
    with pytest.raises(RuntimeError, match="not moved"):
        baselines.one_after_another(boto3.client("ec2"), order(edge))
