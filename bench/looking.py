"""(b) Own time of a look at a converged topology, beside the five reads that it cannot avoid."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from bench.function import Failover, sweep
from bench.world import World

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

ADDRESSES = 4
WARM_UP, REPEATS, SLOW_REPEATS = 5, 60, 3


def measure(world: World, function: Failover) -> dict[str, Any]:
    """Looks and bare reads in turn, so that whatever else the machine does befalls both."""
    holder = _holder(world)
    world.gather(holder)
    world.store(world.document("bench", ADDRESSES))
    reads = _bare_reads(world)
    timed: dict[str, list[tuple[float, float]]] = {"look": [], "reads": []}
    for number in range(WARM_UP + REPEATS):
        pairs = {"look": _timed(lambda: function.invoke(sweep("bench"))), "reads": _timed(reads)}
        if number >= WARM_UP:
            for name, pair in pairs.items():
                timed[name].append(pair)
    if function.reports[-1].moved or any(d.action != "no-change" for d in function.reports[-1].decisions):
        raise RuntimeError(f"the topology was not converged: {function.reports[-1]}")
    return {
        f"{name}_{what}_ms": [round(pair[index] * 1000, 2) for pair in pairs]
        for name, pairs in timed.items()
        for index, what in enumerate(("wall", "cpu"))
    }


def calls(world: World, function: Failover) -> dict[str, Any]:
    """What one look at a converged topology asks of AWS, and how long it takes with EC2's latency."""
    world.slow()
    took = []
    for _ in range(SLOW_REPEATS):
        function.table_calls.clear()
        before = world.last_request()
        took.append(_timed(lambda: function.invoke(sweep("bench")))[0])
    ec2 = Counter(r["action"] for r in world.levers.requests(before))
    world.levers.faults_clear()
    tables = Counter(call.operation for call in function.table_calls)
    return {
        "look_s": [round(s, 4) for s in took],
        "ec2": dict(ec2),
        "dynamodb": dict(tables),
        "read_units": sum(call.read_units for call in function.table_calls),
    }


def _bare_reads(world: World) -> Callable[[], None]:
    """The same five reads at once, over a client with the same settings; all pages, nothing else."""
    ec2: EC2Client = boto3.client("ec2", config=Config(max_pool_connections=50))
    pool = ThreadPoolExecutor(5)
    instances = list(world.ids["instances"].values())
    allocations = [a.allocation_id for a in world.addresses[:ADDRESSES]]
    here: list[Callable[[], object]] = [
        lambda: ec2.get_route_server_routing_database(RouteServerId=world.route_server_id, MaxResults=1000),
        ec2.describe_route_server_peers,
        lambda: ec2.describe_addresses(Filters=[{"Name": "allocation-id", "Values": allocations}]),
        lambda: ec2.describe_network_interfaces(
            Filters=[{"Name": "attachment.instance-id", "Values": instances}]
        ),
        lambda: ec2.describe_instances(Filters=[{"Name": "instance-id", "Values": instances}]),
    ]

    def read() -> None:
        for future in [pool.submit(call) for call in here]:
            future.result()

    return read


def _holder(world: World) -> str:
    """The appliance that owns the route at the moment."""
    routes = world.ec2.get_route_server_routing_database(RouteServerId=world.route_server_id)["Routes"]
    owner = next(r["NextHopIp"] for r in routes if r["RouteStatus"] == "in-fib")
    return str(next(name for name, address in world.ids["peer_addresses"].items() if address == owner))


def _timed(run: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the clock, and of this process's own CPU time."""
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - cpu
