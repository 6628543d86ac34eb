"""Tests what a topology costs: the arithmetic, what is counted, and the words for what is not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli import estimate as estimating
from cli.estimate import PRICES, Share, Unit, estimate
from tandem.adapters import audits
from tandem.topology.document import Appliance, ElasticIpSpec, Topology
from tests.topologies import topology

EDGE = topology()


def with_endpoints(number: int) -> Topology:
    endpoints = tuple((f"endpoint-{n}", f"subnet-{n:08x}") for n in range(number))
    return replace(EDGE, route_server=replace(EDGE.route_server, endpoints=endpoints))


def with_addresses(number: int) -> Topology:
    specs = tuple(ElasticIpSpec(f"eipalloc-{n:08x}", {}) for n in range(number))
    return replace(EDGE, groups=(replace(EDGE.groups[0], elastic_ips=specs),))


def with_sessions(number: int) -> Topology:
    fw1 = replace(EDGE.appliances["fw1"], peers=tuple((f"e{n}", "10.0.1.10") for n in range(number)))
    return replace(EDGE, appliances={"fw1": fw1})


def dollars(of: Topology, name: str) -> Decimal:
    [item] = [item for item in estimate(of).items if item.name == name]
    return item.dollars


@pytest.mark.parametrize(
    ("name", "a_month"),
    [
        ("Route Server endpoints", "2190.00"),  # 4 x 730 h x $0.75
        ("public IPv4 addresses", "14.600"),  # 4 x 730 h x $0.005
        ("the watch function", "8.7600438"),  # 0.25 GB x 2,628,000 s x $0.0000133334
        ("custom metrics", "6.90"),  # 23 x $0.30
        ("alarms", "3.10"),  # 31 x $0.10
        ("dashboard", "3.00"),
        ("peer logs", "0.002"),  # 4 sessions x 1,000 kB x $0.50 a GB
        ("sweeps: events on the bus", "0.0438"),  # 730 x 60 x $1 a million
    ],
)
def test_the_edge_costs_what_its_parts_cost(name: str, a_month: str) -> None:
    assert dollars(EDGE, name) == Decimal(a_month)


def test_the_whole_is_the_sum_of_its_items_and_of_its_shares() -> None:
    whole = estimate(EDGE)
    assert whole.total == sum(item.dollars for item in whole.items)
    assert whole.total == sum(whole.of(share) for share in Share)
    assert Decimal(2226) < whole.total < Decimal(2229)
    assert whole.of(Share.STACK) + whole.of(Share.TOPOLOGY) < Decimal(24)


@given(st.integers(0, 12), st.integers(0, 12))
def test_more_endpoints_never_cost_less(some: int, more: int) -> None:
    few, many = (estimate(with_endpoints(n)).total for n in (1 + some, 1 + some + more))
    assert many - few == more * estimating.HOURS * PRICES[Unit.ENDPOINT_HOUR].dollars


@given(st.integers(0, 60), st.integers(0, 60))
def test_more_addresses_never_cost_less(some: int, more: int) -> None:
    few, many = (estimate(with_addresses(n)).total for n in (some, some + more))
    addresses = more * estimating.HOURS * PRICES[Unit.PUBLIC_IPV4_HOUR].dollars
    assert addresses <= many - few <= addresses * Decimal("1.01")  # and a little for longer audit records


@given(st.integers(1, 30), st.integers(1, 30))
def test_more_sessions_never_cost_less(some: int, more: int) -> None:
    assert estimate(with_sessions(some)).total < estimate(with_sessions(some + more)).total


def test_only_logged_sessions_cost_logs() -> None:
    silent = replace(EDGE, route_server=replace(EDGE.route_server, peer_logs=False))
    assert dollars(silent, "peer logs") == 0


def test_an_address_in_two_groups_is_one_address() -> None:
    [group] = EDGE.groups
    twice = replace(EDGE, groups=(group, replace(group, name="again")))
    assert dollars(twice, "public IPv4 addresses") == dollars(EDGE, "public IPv4 addresses")


def test_undeclared_endpoints_are_counted_by_their_names_and_said() -> None:
    bare = with_endpoints(0)
    assert dollars(bare, "Route Server endpoints") == dollars(EDGE, "Route Server endpoints")
    assert estimating.NO_ENDPOINTS in estimate(bare).not_counted
    assert estimating.NO_ENDPOINTS not in estimate(EDGE).not_counted


def test_what_two_appliances_share_is_one_endpoint() -> None:
    def sharing(appliance: Appliance) -> Appliance:
        return replace(appliance, peers=(("az1-a", "10.0.1.10"),))

    shared = {name: sharing(appliance) for name, appliance in EDGE.appliances.items()}
    bare = replace(with_endpoints(0), appliances=shared)
    assert dollars(bare, "Route Server endpoints") == Decimal("547.50")


def test_traffic_and_the_free_tier_are_said_not_to_be_in_it() -> None:
    words = " ".join(estimate(EDGE).not_counted)
    for what in ("traffic", "free tier", "appliances", "BYOIP"):
        assert what in words
    assert "BYOIP" not in " ".join(estimate(with_addresses(0)).not_counted)


def test_every_price_is_used_and_says_where_it_is_from() -> None:
    assert {item.unit for item in estimate(EDGE).items} == set(PRICES) == set(Unit)
    assert all(price.dollars > 0 and price.as_of and price.source for price in PRICES.values())


def test_reads_are_counted_by_the_four_kilobytes_that_are_read() -> None:
    assert estimating.look_read_units(EDGE) == 1 + 1 + 13
    assert estimating.read_units_beside_looks(EDGE) == 1 + 1 + 12
    assert dollars(EDGE, "tables: read units") == Decimal(29 * 43_800) / 1_000_000 * Decimal("0.125")
    large = replace(EDGE, document={**EDGE.document, "padding": "x" * 9_000})
    assert estimating.look_read_units(large) == estimating.look_read_units(EDGE) + 2


def test_a_look_reads_as_much_of_the_audit_trail_as_is_counted() -> None:
    assert estimating.AUDIT_RECORDS == audits.RECENT
