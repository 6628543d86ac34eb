"""Rules of routes in states that no healthy world shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tandem.compliance.packetfilters import Filters
from tandem.compliance.rule import RuleVerdict
from tandem.compliance.rules import otherroutes, targets
from tandem.compliance.snapshot import NotRead, Snapshot
from tandem.model import Observation, RoutingDatabase
from tandem.topology.inventory import ADVERTISED, BY_GATEWAY, LOCAL, MADE, TableRoute
from tests.topologies import PROTECTED, PUBLIC, declared, inventory

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
DEFAULT, LIST = "0.0.0.0/0", "pl-0a1b2c3d4e5f60001"
HERE = TableRoute("10.0.0.0/16", "local", "active", LOCAL)
PROPAGATED = TableRoute(DEFAULT, "eni-0a1b2c3d4e5f60001", "active", ADVERTISED)
PASS, FAIL, UNKNOWN = RuleVerdict.PASS, RuleVerdict.FAIL, RuleVerdict.UNKNOWN


def snapshot(table_id: str, *routes: TableRoute, entries: tuple[str, ...] | None = ()) -> Snapshot:
    around = inventory()
    table = replace(around.route_tables[table_id], routes=(HERE, *routes))
    topology = declared()
    server = replace(topology.route_server, propagate_to=(PROTECTED,))
    lists = NotRead("EC2 throttles") if entries is None else Filters(prefix_lists={LIST: entries})
    nothing = Observation(RoutingDatabase(), (), {}, interfaces=None, instance_states=None)
    return Snapshot(
        replace(topology, route_server=server),
        NOW,
        observation=nothing,
        inventory=replace(around, route_tables=around.route_tables | {table_id: table}),
        filters=lists,
    )


@pytest.mark.parametrize(
    ("route", "verdict"),
    [
        (TableRoute(DEFAULT, "igw-0a1b2c3d", "active", MADE), PASS),
        (TableRoute("198.51.100.0/24", "igw-0a1b2c3d", "active", MADE), PASS),
        (TableRoute(LIST, "igw-0a1b2c3d", "active", MADE), PASS),
        (TableRoute(DEFAULT, "igw-0a1b2c3d", "blackhole", MADE), FAIL),
        (TableRoute(DEFAULT, "igw-0a1b2c3d", "filtered", MADE), UNKNOWN),
        (TableRoute("::/0", "igw-0a1b2c3d", "active", MADE), FAIL),
        (TableRoute(DEFAULT, "nat-0a1b2c3d", "active", MADE), FAIL),
        (TableRoute(DEFAULT, "vpce-0a1b2c3d", "active", MADE), UNKNOWN),
        (PROPAGATED, FAIL),
    ],
    ids=lambda value: f"{value.destination} {value.target} {value.state}" if hasattr(value, "state") else "",
)
def test_a_targets_subnet_leads_to_the_internet(route: TableRoute, verdict: RuleVerdict) -> None:
    found = list(targets.internet_routes(snapshot(PUBLIC, route)))
    assert {result.verdict for result in found} == {verdict}


def test_a_table_that_cannot_be_read_leads_nobody_knows_where() -> None:
    seen = snapshot(PUBLIC, TableRoute(DEFAULT, "igw-0a1b2c3d", "active", MADE))
    around = replace(inventory(), route_tables={}, unknown={"rtb-0a1b2c3d4e5f60009": "no VPC ID"})
    found = list(targets.internet_routes(replace(seen, inventory=around)))
    assert {result.verdict for result in found} == {UNKNOWN}


@pytest.mark.parametrize(
    ("entries", "verdict"), [((DEFAULT,), FAIL), (("198.51.100.0/24",), PASS), (None, UNKNOWN)]
)
def test_a_route_to_a_prefix_list_shadows_what_is_in_it(
    entries: tuple[str, ...] | None, verdict: RuleVerdict
) -> None:
    route = TableRoute(LIST, "tgw-0a1b2c3d", "active", MADE)
    [found] = otherroutes.not_shadowed(snapshot(PROTECTED, PROPAGATED, route, entries=entries))
    assert found.verdict is verdict
    if verdict is UNKNOWN:
        assert LIST in str(dict(found.reason.facts)["why"])


@pytest.mark.parametrize(
    ("destination", "target", "origin", "verdict"),
    [
        ("198.51.100.0/24", "tgw-0a1b2c3d", MADE, FAIL),
        ("198.51.100.0/24", "vgw-0a1b2c3d", BY_GATEWAY, FAIL),
        ("198.51.100.0/24", "eni-0a1b2c3d4e5f60002", ADVERTISED, FAIL),
        ("198.51.100.0/24", "eni-0a1b2c3d4e5f60001", ADVERTISED, PASS),
        ("192.168.7.0/24", "tgw-0a1b2c3d", MADE, PASS),
        ("10.0.1.0/24", "eni-0a1b2c3d4e5f60009", MADE, PASS),
        (LIST, "tgw-0a1b2c3d", MADE, FAIL),
        (LIST, "vpce-0a1b2c3d", MADE, PASS),
    ],
)
def test_a_part_of_a_tracked_prefix_is_bypassed(
    destination: str, target: str, origin: str, verdict: RuleVerdict
) -> None:
    route = TableRoute(destination, target, "active", origin)
    entries = ("198.51.100.0/25",)
    [found] = otherroutes.not_bypassed(snapshot(PROTECTED, PROPAGATED, route, entries=entries))
    assert found.verdict is verdict
    assert found.resource == (PROTECTED if verdict is PASS else f"{PROTECTED} {destination}")
