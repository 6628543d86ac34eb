"""(a) From signal to associated and to verified, by Tandem and by the baselines, with EC2 taking its time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from bench import baselines
from bench.baselines import Order, Took
from bench.function import Failover
from bench.world import World
from lab.ec2.depth import depth
from lab.ec2.signals import session_message

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

SIZES = (1, 5, 25, 50)
TANDEM, FLOOR = "tandem", "floor"
BASELINES: dict[str, Callable[[EC2Client, Order], Took]] = {
    FLOOR: baselines.floor,
    "one-after-another": baselines.one_after_another,
    "describing-each": baselines.describing_each,
    "disassociating-first": baselines.disassociating_first,
}
REPEATS = {
    TANDEM: {1: 5, 5: 5, 25: 5, 50: 5},
    FLOOR: {1: 5, 5: 5, 25: 5, 50: 5},
    "one-after-another": {1: 3, 5: 3, 25: 2, 50: 1},
    "describing-each": {1: 2, 5: 2, 25: 1},
    "disassociating-first": {1: 2, 5: 2, 25: 1, 50: 1},
}
"""Fewer where one takes long: those are sums of waits, and hardly vary."""


VERIFYING = "DescribeAddresses"


def measure(world: World, function: Failover, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """One row for each way and size. Every failure goes the other way than the one before."""
    clients: dict[str, EC2Client] = dict.fromkeys(BASELINES, boto3.client("ec2"))
    clients[FLOOR] = boto3.client("ec2", config=Config(max_pool_connections=baselines.AT_ONCE))
    rows, holder = [], "fw1"
    for size in SIZES:
        world.gather(holder)
        for way, repeats in REPEATS.items():
            took: list[Took] = []
            before = 0
            for _ in range(repeats.get(size, 0)):
                owner = world.fail(holder)
                before = world.last_request()
                took.append(_once(way, size, holder, owner, world, function, clients.get(way)))
                holder = owner
            if took:
                rows.append(_row(way, size, took, world.levers.requests(before)))
                say(f"{size} addresses, {way}: {took[-1].associated:.2f} s")
    world.levers.faults_clear()
    return rows


def _once(
    way: str, size: int, holder: str, owner: str, world: World, function: Failover, ec2: EC2Client | None
) -> Took:
    """One failover from `holder` to `owner`."""
    world.store(world.document("bench", size))
    private_ips = {a.allocation_id: a.targets[owner] for a in world.addresses[:size]}
    order = Order(world.route_server_id, world.interface(owner), private_ips)
    peer_id = next(iter(world.ids["peers"][holder].values()))
    world.slow()
    if ec2 is not None:
        return BASELINES[way](ec2, order)
    started = datetime.now(UTC)
    function.invoke(_bfd_down(world.ids["sns_topic_arn"], peer_id))
    moved = function.reports[-1].moved
    verified = [m.verified_at for m in moved if m.verified_at]
    if len(verified) != size:
        raise RuntimeError(f"{len(verified)} of {size} moved: {function.reports[-1].decisions}")
    associated = [m.associated_at for m in moved if m.associated_at]
    return Took(*((max(moments) - started).total_seconds() for moments in (associated, verified)))


def _bfd_down(topic_arn: str, peer_id: str) -> dict[str, Any]:
    """The SNS message that BFD of a peer went down, as Lambda gets it."""
    message, attributes = session_message("bfd", peer_id, False, datetime.now(UTC))
    lambdas = {name: {"Type": a["DataType"], "Value": a["StringValue"]} for name, a in attributes.items()}
    sns = {"TopicArn": topic_arn, "Message": message, "MessageAttributes": lambdas}
    return {"Records": [{"EventSource": "aws:sns", "Sns": sns}]}


def _row(way: str, size: int, took: Sequence[Took], requests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The depths are those of the last repeat."""
    moving = max(r["end"] for r in requests if r["action"] == "AssociateAddress")
    reading = min(r["end"] for r in requests if r["action"] == VERIFYING and r["start"] >= moving)
    return {
        "way": way,
        "addresses": size,
        "associated_s": [round(t.associated, 4) for t in took],
        "verified_s": [round(t.verified, 4) for t in took],
        "depth_associated": depth([r for r in requests if r["end"] <= moving]),
        "depth_verified": depth([r for r in requests if r["end"] <= reading]),
    }
