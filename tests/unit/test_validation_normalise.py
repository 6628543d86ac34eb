"""Tests that what comes as a text becomes what the schema says it is, and every spelling the same value."""

from __future__ import annotations

from tandem.topology.document import Mode, parse_topology
from tandem.topology.shape import normalise, validate
from tests.topologies import document, edited, in_words, set_at, topology


def test_cloudformations_texts_become_numbers_and_booleans() -> None:
    texts = edited(
        document(),
        ("tandem", "1"),
        ("manage", "false"),
        ("route_server.amazon_side_asn", "65000"),
        ("route_server.persist_routes", "5"),
        ("route_server.sns_notifications", "true"),
        ("appliances.fw1.asn", "65001"),
    )
    assert in_words(validate(texts)) == []
    read = parse_topology(normalise(texts))
    assert read.route_server.amazon_side_asn == 65000
    assert read.route_server.persist_minutes == 5
    assert read.route_server.sns_notifications is True
    assert read.manage is False
    assert read.appliances["fw1"].asn == 65001


def test_texts_stay_texts_where_the_schema_wants_texts() -> None:
    read = normalise(edited(document(), ("name", "123"), ("route_server.persist_routes", "disable")))
    assert read["name"] == "123"
    assert read["route_server"]["persist_routes"] == "disable"


def test_spellings_become_one() -> None:
    read = normalise(set_at(document(), "groups.0.prefixes", ["2001:DB8:0:0::/32"]))
    assert read["groups"][0]["prefixes"] == ["2001:db8::/32"]


def test_a_new_topology_moves_nothing_unless_it_says_so() -> None:
    assert parse_topology(normalise(set_at(document(), "mode", ...))).mode is Mode.DRY_RUN
    assert topology().mode is Mode.ENFORCE
