"""Many addresses, groups and topologies: what grows with them, and what must not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from bench.units import TableCall, counting
from lab.ec2.scenario import appliances_only
from lab.ec2.scenario_routing import build_peers, build_route_server
from tandem.adapters import clients
from tandem.failover.watch import CALL_SECONDS
from tests.shared_worlds import begins_in
from tests.stack import MOVING, Stack, edge_document, stack
from tests.tiers import prove

READ_BUCKET_REFILL = 20
"""Calls a second that EC2 gives to one read API (docs/aws-facts.md#throttling)."""

SHARE = 1 / 5
TOPOLOGIES = 50
SERVERS, GROUPS, ADDRESSES = 6, 4, 20
"""Route servers of their own, and the groups and addresses of each of their topologies."""


@pytest.fixture
@begins_in(stack)
def edge():
    with stack() as s:
        yield s


@prove
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


@pytest.fixture
@begins_in(stack)
def many() -> Iterator[tuple[Stack, list[str]]]:
    """Topologies that each have a route server, groups and Elastic IPs of their own; all converged."""
    with stack() as s:
        names = [f"edge-{number:02}" for number in range(SERVERS)]
        clients.dynamodb().delete_item(
            TableName="tandem-state", Key={"kind": {"S": "topology"}, "id": {"S": "edge"}}
        )
        client = s.lab.client()
        for name in names:
            s.ids = appliances_only(client, s.levers, prefix=f"{name}-", associated=False)
            build_route_server(client, s.ids, s.clock.sleep, None, sns=True)
            build_peers(client, s.ids, s.clock.sleep, "bfd")
            _more_addresses(s)
            specs = edge_document(s.ids)["groups"][0]["elastic_ips"]
            groups = [
                {"name": f"g{n}", "prefixes": ["0.0.0.0/0"], "elastic_ips": specs[n::GROUPS]}
                for n in range(GROUPS)
            ]
            s.store(name=name, groups=groups)
        s.clock.sleep(30)
        s.delivered = len(s.published)
        s.forget_calls()
        yield s, names


def _more_addresses(s: Stack) -> None:
    """Up to so many as a topology has, all of them where they belong."""
    made = [s.lab.backend.allocate_address("vpc") for _ in range(ADDRESSES - len(s.ids["elastic_ips"]))]
    for number, address in enumerate(made):
        targets = {name: f"10.0.{name[-1]}.{40 + number}" for name in ("fw1", "fw2")}
        more = {"allocation_id": address.allocation_id, "public_ip": address.public_ip, "targets": targets}
        s.ids["elastic_ips"][f"more{number}"] = more
    for name, interface in s.ids["interfaces"].items():
        private_ips = [f"10.0.{name[-1]}.{40 + number}" for number in range(len(made))]
        s.lab.client().assign_private_ip_addresses(
            NetworkInterfaceId=interface, PrivateIpAddresses=private_ips
        )
    for address in s.ids["elastic_ips"].values():
        s.levers.associate_as_stranger(
            allocation_id=address["allocation_id"],
            network_interface_id=s.ids["interfaces"]["fw1"],
            private_ip=address["targets"]["fw1"],
        )


def test_a_minute_of_sweep_and_watch_as_ec2_counts_it(many: tuple[Stack, list[str]]) -> None:
    """The watch reads each route server every 5 s; a look reads its own once, whatever hangs on it."""
    s, names = many
    for name in names:
        s.sweep(name)
    swept = reads(s)
    assert set(swept.values()) == {SERVERS}
    assert len({c["params"]["RouteServerId"] for c in s.calls("GetRouteServerRoutingDatabase")}) == SERVERS
    assert s.calls(*MOVING) == []
    s.forget_calls()
    s.watch(milliseconds=90_000)
    assert reads(s) == {"GetRouteServerRoutingDatabase": SERVERS * 12}


@pytest.fixture
def crowded(edge: Stack) -> Stack:
    for number in range(TOPOLOGIES):
        edge.store(name=f"edge-{number}")
    return edge


def test_sweep_and_watch_together_take_a_fifth_of_the_routing_databases_bucket(crowded: Stack) -> None:
    """The watch alone stays at 3 calls a second, however many route servers there are."""
    crowded.forget_calls()
    for number in range(TOPOLOGIES):
        crowded.sweep(f"edge-{number}")
    looks = len(crowded.calls("GetRouteServerRoutingDatabase")) / 60
    assert looks + 1 / CALL_SECONDS <= READ_BUCKET_REFILL * SHARE


def table_calls(s: Stack, name: str) -> list[TableCall]:
    calls = counting(clients.dynamodb().meta.events)
    s.sweep(name)
    return list(calls)


def test_a_look_reads_its_own_topology_and_not_all_fifty(crowded: Stack) -> None:
    calls = table_calls(crowded, "edge-7")
    kinds = Counter(call.operation for call in calls)
    assert kinds == {"GetItem": 1, "Query": 2, "UpdateItem": 2}  # topology; override and audit; lease
    assert sum(call.read_units for call in calls) == 3


def test_a_message_of_a_topic_reads_all_of_them_once(crowded: Stack) -> None:
    """Those whose look begins seconds later read their own again: it may have been stored anew."""
    crowded.levers.kill(name="fw1")
    crowded.clock.sleep(3)
    calls = counting(clients.dynamodb().meta.events)
    assert crowded.deliver(most=1) == 1
    assert (calls[0].operation, calls[0].read_units > 20) == ("Query", True)
    assert sum(c.operation == "GetItem" for c in calls) <= TOPOLOGIES
    assert crowded.are_all_with("fw2")
