"""Many callers, one world: nothing is lost, torn or stuck."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.ec2 import RealClock, Timings, concurrency, lab_ec2
from lab.ec2.scenario import edge
from tests.lab.support import PATIENCE, Edge


@pytest.fixture
def world():
    with lab_ec2(clock=RealClock(), timings=Timings.instant()) as lab:
        yield Edge(lab, edge(lab.client(), lab.levers, sleep=lab.clock.sleep))


def test_parallel_calls_levers_and_events_leave_one_consistent_world(world):
    def move(number):
        name, appliance = f"eip{number % 4 + 1}", f"fw{number % 2 + 1}"
        world.ec2.associate_address(
            AllocationId=world.elastic_ips[name]["allocation_id"],
            NetworkInterfaceId=world.interfaces[appliance],
            PrivateIpAddress=world.elastic_ips[name]["targets"][appliance],
        )

    def shake(number):
        lever = (world.levers.kill, world.levers.restore)[number % 2]
        lever("fw1")
        world.rows()

    with ThreadPoolExecutor(16) as pool:
        jobs = [pool.submit(job, number) for number in range(120) for job in (move, shake)]
        for job in jobs:
            job.result(timeout=PATIENCE)
    world.levers.restore("fw1")
    for _ in range(500):
        if world.owner() == "10.0.1.10" and len(world.rows()) == 4:
            break
        world.clock.sleep(0.01)
    assert world.owner() == "10.0.1.10"
    assert world.clock.failures == []
    places = [
        (row["NetworkInterfaceId"], row["PrivateIpAddress"])
        for row in world.ec2.describe_addresses()["Addresses"]
    ]
    assert len(set(places)) == 4


def test_latency_is_served_side_by_side(world):
    world.levers.fault("DescribeAddresses", latency_s=1)
    world.lab.lab.requests.clear()
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: world.ec2.describe_addresses(), range(20)))
    assert concurrency(world.lab.lab.requests.since()) >= 8


def test_virtual_time_passes_once_for_those_who_wait_together():
    with lab_ec2() as lab:
        ec2 = lab.client()
        lab.levers.fault("DescribeVpcs", latency_s=1)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: ec2.describe_vpcs(), range(8)))
        assert 1 <= lab.clock.seconds() <= 8
