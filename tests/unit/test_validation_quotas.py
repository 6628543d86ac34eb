"""Quotas that depend on what is there already: said before anything is made, with both numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tandem.model import Liveness, Peer, RouteServer, Status
from tandem.topology.document import Topology, parse_topology
from tandem.topology.inventory import Endpoint, Inventory
from tandem.topology.shape import normalise, validate
from tandem.topology.worldchecks import worldcheck
from tandem.words.provisioning import said
from tests.topologies import (
    PROTECTED,
    declared,
    document,
    edited,
    in_words,
    inventory,
    topology,
    warning_words,
)

RAISED = "are allowed unless AWS has raised the quota"


def managed(**route_server: Any) -> Topology:
    watched = topology(manage=True)
    return replace(watched, route_server=replace(watched.route_server, route_server_id=None, **route_server))


def servers(number: int, *tags: tuple[str, str]) -> tuple[RouteServer, ...]:
    return tuple(RouteServer(f"rs-{n:08x}", "available", 65000, tags=tags) for n in range(number))


def quotas(of: Topology, shown: Inventory) -> list[str]:
    return [words for words in warning_words(of, shown) if RAISED in words]


def stranger(number: int) -> Peer:
    return Peer(
        f"rsp-{number:08x}", "rse-1", "rs-1", f"10.0.3.{number}", "available", 65009, Liveness.BFD, Status.UP
    )


@pytest.mark.parametrize(("there", "warned"), [(4, False), (5, True)])
def test_a_sixth_route_server_of_a_vpc(there: int, warned: bool) -> None:
    shown = replace(inventory(), reading=None, vpc_route_servers=servers(there))
    found = quotas(managed(), shown)
    assert ["would have 6 route servers, and 5 are allowed" in words for words in found] == [True] * warned


def test_the_topologys_own_route_server_is_no_further_one() -> None:
    own = (*servers(4), replace(servers(1, ("tandem:topology", "edge"))[0], route_server_id="rs-0own0own"))
    assert quotas(managed(), replace(inventory(), vpc_route_servers=own)) == []


def test_watching_needs_no_further_route_server() -> None:
    assert quotas(topology(), replace(inventory(), vpc_route_servers=servers(9))) == []


@pytest.mark.parametrize(("others", "warned"), [(6, False), (7, True)])
def test_endpoints_beside_the_declared_ones_stay_and_count(others: int, warned: bool) -> None:
    shown = inventory()
    assert shown.reading is not None
    more = tuple(Endpoint(f"rse-{n:08x}", "rs-1", f"subnet-{n // 2:08x}", "available") for n in range(others))
    reading = replace(shown.reading, endpoints=(*shown.reading.endpoints[:3], *more))
    adopting = topology(manage=True)
    found = quotas(adopting, replace(shown, reading=reading))
    assert ["would have 11 endpoints, and 10 are allowed" in words for words in found] == [True] * warned


@pytest.mark.parametrize(("more", "warned"), [(6, False), (7, True)])
def test_endpoints_to_be_made_beyond_what_aws_allows_unasked_are_a_warning(more: int, warned: bool) -> None:
    subnets = ((f"route_server.endpoints.more{n}", f"subnet-0a1b2c3d4e5f601{n:02}") for n in range(more))
    wanted = edited({**document(), "manage": True}, *subnets)
    assert in_words(validate(wanted)) == []
    shown = replace(inventory(), reading=None)
    found = quotas(parse_topology(normalise(wanted)), shown)
    assert ["would have 11 endpoints, and 10 are allowed" in words for words in found] == [True] * warned
    assert quotas(parse_topology(normalise(wanted | {"manage": False})), shown) == []


@pytest.mark.parametrize(("more", "warned"), [(18, False), (19, True)])
def test_peers_to_be_made_beyond_what_aws_allows_unasked_are_a_warning(more: int, warned: bool) -> None:
    wanted: dict[str, Any] = {**document(), "manage": True}
    wanted["appliances"]["fw2"]["peers"]["az1-a"] = "10.0.2.10"
    for number in range(more):
        peers = {"az1-a": f"10.0.1.{100 + number}"}
        wanted["appliances"][f"extra{number}"] = {"asn": 65001, "peers": peers}
    wanted["groups"] = [{"name": "transit", "prefixes": ["10.20.0.0/16"]}]
    assert in_words(validate(wanted)) == []
    found = quotas(parse_topology(normalise(wanted)), inventory())
    assert ["endpoint az1-a would have 21 peers, and 20 are allowed" in w for w in found] == [True] * warned
    assert quotas(parse_topology(normalise(wanted | {"manage": False})), inventory()) == []


@pytest.mark.parametrize(("allowed", "warned"), [(100, False), (101, True)])
def test_more_prefixes_than_a_peer_may_advertise_are_a_warning(allowed: int, warned: bool) -> None:
    prefixes = ["0.0.0.0/0", *(f"10.{n}.0.0/16" for n in range(allowed - 1))]
    wanted = declared(("appliances.fw1.allowed_prefixes", prefixes))
    told = "fw1 may advertise 101 prefixes, and Route Server takes 100 routes from a peer"
    assert [told in words for words in warning_words(wanted, inventory())] == [True] * warned
    assert worldcheck(wanted, inventory(), ()) == []


@pytest.mark.parametrize(("theirs", "refused"), [(99, False), (100, True)])
def test_two_topologies_fill_one_route_table_together(theirs: int, refused: bool) -> None:
    mine = topology(manage=True)
    group = {"name": "transit", "prefixes": [f"10.{n}.0.0/16" for n in range(theirs)]}
    other = topology(name="transit", groups=[group])
    found = worldcheck(mine, inventory(), (mine, other))
    assert [p.path for p in found] == ["route_server.propagate_to[0]"] * refused, in_words(found)
    for problem in found:
        assert said(problem).what == f"{PROTECTED} would get 101 routes, with those of transit"
        assert "at most 100" in said(problem).right
    elsewhere = declared(
        ("name", "transit"), ("groups", [group]), ("route_server.propagate_to", ["rtb-0fffffff"])
    )
    assert worldcheck(mine, inventory(), (mine, elsewhere)) == []


@pytest.mark.parametrize(("strangers", "warned"), [(28, False), (29, True)])
def test_undeclared_peers_count_for_a_prefix(strangers: int, warned: bool) -> None:
    shown = inventory()
    assert shown.reading is not None
    more = tuple(stranger(n) for n in range(strangers))
    reading = replace(shown.reading, peers=(*shown.reading.peers, *more))
    found = quotas(topology(), replace(shown, reading=reading))
    assert [words.startswith("33 peers may advertise one prefix") for words in found] == [True] * warned


@pytest.mark.parametrize(
    ("kind", "prefix", "written", "warned"),
    [
        ("ipv4_routes", "0.0.0.0/0", 499, False),
        ("ipv4_routes", "0.0.0.0/0", 500, True),
        ("ipv6_routes", "0.0.0.0/0", 500, False),
        ("ipv6_routes", "::/0", 500, True),
    ],
)
def test_a_full_route_table(kind: str, prefix: str, written: int, warned: bool) -> None:
    tables = inventory().route_tables
    counted: dict[str, Any] = {kind: written}
    full = {**tables, PROTECTED: replace(tables[PROTECTED], **counted)}
    [group] = topology().groups
    wanted = replace(topology(), groups=(replace(group, prefixes=(prefix,)),))
    found = quotas(wanted, replace(inventory(), route_tables=full))
    assert [f"{PROTECTED} would have 501 IPv" in words for words in found] == [True] * warned


def test_the_example_is_far_from_every_quota() -> None:
    assert quotas(topology(), inventory()) == []
    assert quotas(topology(manage=True), inventory()) == []
