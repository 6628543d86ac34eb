"""Tests what the demonstration demands of a provisioned edge, and how it tells what it sees."""

from datetime import UTC, datetime, timedelta

import pytest

from lab.demands import changes, expected, missing
from lab.ec2 import lab_ec2
from lab.ec2.scenario import appliances_only, edge
from lab.ec2.world import world
from lab.example import topology
from lab.making import lines
from lab.sightings import Sighting, parts, visible
from tandem.topology.shape import validate
from tests.managing import managed

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def shown(at_edge):
    return world(at_edge.lab.backend.lab_region)


def test_the_example_watches_the_edge_that_is_there(at_edge):
    document = topology(at_edge.world)
    assert document["manage"] is False
    assert document["route_server"]["id"] == at_edge.world["route_server_id"]
    assert validate(document) == []


def test_the_example_manages_the_edge_that_has_no_route_server_yet():
    with lab_ec2() as lab:
        document = topology(appliances_only(lab.client(), lab.levers))
    assert document["manage"] is True
    assert "id" not in document["route_server"]
    assert validate(document) == []


def test_nothing_is_missing_where_all_is_as_it_is_written(at_edge):
    assert missing(topology(at_edge.world), shown(at_edge)) == []


def test_sessions_without_bfd_lack_nothing():
    with lab_ec2() as lab:
        ids = edge(lab.client(), lab.levers, sleep=lab.clock.sleep, liveness="bgp-keepalive")
        document = topology(ids)
        for appliance in document["appliances"].values():
            appliance["liveness"] = "bgp-keepalive"
        assert missing(document, world(lab.backend.lab_region)) == []


def test_before_there_is_a_route_server_everything_is_missing():
    with lab_ec2() as lab:
        document = topology(appliances_only(lab.client(), lab.levers))
        (told,) = missing(document, world(lab.backend.lab_region))
    assert told == f"one route server in {document['route_server']['vpc_id']}; there are 0"


@pytest.mark.parametrize(
    ("bend", "told"),
    [
        (lambda d: d["route_server"]["endpoints"].pop("az2-b"), "endpoint az2-b in subnet-"),
        (lambda d: d["route_server"].update(propagate_to=["rtb-1"]), "propagation to rtb-1: nothing instead"),
        (
            lambda d: d["appliances"]["fw1"].update(asn=65009),
            "ASN 65001, bfd, available, BGP up, BFD up inst",
        ),
        (lambda d: d["appliances"]["fw2"].update(liveness="bgp-keepalive"), "session of 10.0.2.10 at az2-a"),
        (lambda d: d["appliances"]["fw1"]["peers"].pop("az1-b"), "session of 10.0.1.10 at az1-b"),
        (lambda d: d["groups"][0]["prefixes"].append("10.9.0.0/16"), "owner of 10.9.0.0/16: nothing instead"),
    ],
)
def test_whatever_is_written_otherwise_is_told(at_edge, bend, told):
    document = topology(at_edge.world)
    bend(document)
    assert any(words.startswith(told) or told in words for words in missing(document, shown(at_edge)))


@pytest.mark.parametrize(
    ("pull", "told"),
    [
        (lambda levers: levers.session("fw1", "az1-a", "down"), "BGP down"),
        (lambda levers: levers.session("fw2", "az2-a", "down", protocol="bfd"), "BFD down"),
        (lambda levers: levers.kill("fw1"), "owner of 0.0.0.0/0: fw2 instead of fw1"),
    ],
)
def test_whatever_does_not_work_is_told(at_edge, pull, told):
    pull(at_edge.levers)
    at_edge.clock.sleep(30)
    assert any(told in words for words in missing(topology(at_edge.world), shown(at_edge)))


def test_the_provisioner_makes_each_part_once_and_names_its_endpoints():
    with managed() as tandem:
        document = topology(tandem.ids)
        tandem.run(document)
        asked = [c.removeprefix("ec2:") for c in tandem.every_call if c.startswith("ec2:")]
        assert changes([{"action": action} for action in asked]) == expected(document)
        made = world(tandem.lab.backend.lab_region)
        assert missing(document, made) == []
        assert parts(made)["endpoint az1-a"] == parts(made)["peer fw1 az1-a"] == "available"
        tandem.lab.levers.session("fw2", "az2-b", "down")
        tandem.settle(30)
        assert visible(world(tandem.lab.backend.lab_region))["session fw2 az2-b"] == "down"


def sighting(milliseconds, what, before, now):
    return Sighting(BEGAN + timedelta(milliseconds=milliseconds), what, before, now)


def test_what_several_do_together_is_one_line_at_the_time_of_the_first():
    seen = [
        sighting(0, "route server rs-1", "unknown", "pending"),
        sighting(1000, "endpoint az1-a", "unknown", "pending"),
        sighting(1020, "propagation rtb-1", "unknown", "pending"),
        sighting(1040, "endpoint az1-b", "unknown", "pending"),
        sighting(1600, "endpoint az2-a", "unknown", "pending"),
        sighting(1620, "endpoint az1-a", "pending", "available"),
        sighting(1700, "session fw1 az1-a", "unknown", "down"),
        sighting(1800, "session fw1 az1-a", "down", "up"),
        sighting(1900, "route 0.0.0.0/0", "unknown", "fw1"),
        sighting(1900, "Elastic IP 198.51.100.1", "fw2", "fw1"),
    ]
    told = [(round((at - BEGAN).total_seconds() * 1000), words) for at, words in lines(seen)]
    assert told == [
        (0, "route server rs-1: pending"),
        (1000, "endpoints az1-a, az1-b: pending"),
        (1020, "propagation rtb-1: pending"),
        (1600, "endpoint az2-a: pending"),
        (1620, "endpoint az1-a: available"),
        (1800, "session fw1 az1-a: up"),
        (1900, "route 0.0.0.0/0: fw1"),
    ]


def test_a_line_does_not_change_any_more_once_it_is_older_than_together():
    """It may have been printed: what is seen later never joins it."""
    seen = [sighting(200 * i, f"endpoint e{i}", "unknown", "pending") for i in range(12)]
    for cut in range(1, len(seen) + 1):
        now = seen[cut - 1].at
        closed = [line for line in lines(seen[:cut]) if line[0] <= now - timedelta(seconds=0.5)]
        assert lines(seen)[: len(closed)] == closed
