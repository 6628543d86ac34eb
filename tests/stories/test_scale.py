"""Many addresses, groups and topologies: what grows with them, and what must not."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.stack import Stack, edge_document, stack

READ_BUCKET_REFILL = 20
"""Calls a second that EC2 gives to one read API (facts §1.7, §8.3)."""

SHARE = 1 / 5
TOPOLOGIES = 50


@pytest.fixture
def edge():
    with stack() as s:
        yield s


def test_a_hundred_addresses_under_ec2s_token_bucket(edge: Stack) -> None:
    edge.add_addresses(96)
    edge.store()
    edge.levers.fault(action="AssociateAddress", throttle={"capacity": 50, "refill": 5})
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.forget_calls()
    edge.sweep()
    assert edge.are_all_with("fw2")
    calls = edge.calls("AssociateAddress")
    assert len(calls) == 100
    assert {c["outcome"] for c in calls} == {"OK"}
    first = [e["allocation_id"] for e in edge.ids["elastic_ips"].values()][:50]
    assert {c["params"]["AllocationId"] for c in calls[:50]} == set(first)
    assert edge.kinds() == ["intent", "outcome"]


def test_a_bucket_that_is_empty_already_delays_and_loses_nothing(edge: Stack) -> None:
    edge.add_addresses(16)
    edge.store()
    edge.levers.fault(action="AssociateAddress", throttle={"capacity": 5, "refill": 5})
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.sweep()
    assert edge.are_all_with("fw2")


def reads(s: Stack) -> Counter[str]:
    return Counter(c["action"] for c in s.calls())


def test_a_sweep_costs_the_same_reads_however_many_groups_and_addresses(edge: Stack) -> None:
    edge.sweep()
    one = reads(edge)
    edge.add_addresses(36)
    addresses = edge_document(edge.ids)["groups"][0]["elastic_ips"]
    edge.store(
        groups=[
            {"name": f"g{n}", "prefixes": ["0.0.0.0/0"], "elastic_ips": addresses[n * 10 : n * 10 + 10]}
            for n in range(4)
        ]
    )
    edge.forget_calls()
    edge.sweep()
    assert reads(edge) == one
    assert set(one.values()) == {1}


def test_fifty_topologies_take_a_fifth_of_any_read_bucket_at_the_most(edge: Stack) -> None:
    for number in range(TOPOLOGIES):
        edge.store(name=f"edge-{number}")
    edge.forget_calls()
    for number in range(TOPOLOGIES):
        edge.sweep(f"edge-{number}")
    a_minute = READ_BUCKET_REFILL * 60 * SHARE
    assert set(reads(edge).values()) == {TOPOLOGIES}
    assert reads(edge).most_common(1)[0][1] <= a_minute
