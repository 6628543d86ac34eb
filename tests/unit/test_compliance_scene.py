"""The scene of a topology: where things are, what they have, and a mark at what each finding is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tandem.compliance.engine import judge_snapshot
from tandem.compliance.picture.drawing import svg
from tandem.compliance.picture.observing import picture_scene
from tandem.compliance.picture.scene import Installation, PictureScene
from tandem.compliance.rule import Result, Rule, RuleSeverity
from tandem.compliance.snapshot import NotRead, Snapshot
from tandem.model import (
    ElasticIp,
    Holder,
    InstallationStatus,
    Liveness,
    Observation,
    Peer,
    Route,
    RouteInstallation,
    RouteStatus,
    RoutingDatabase,
    Status,
)
from tandem.reasons.compliance import CheckCode, RuleId
from tests import topologies
from tests.topologies import EIP, ENI, INSTANCE, PROTECTED

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
GONE = NotRead("EC2 throttles")
PLAIN = topologies.inventory()
AROUND = replace(
    PLAIN,
    subnets={id_: replace(subnet, zone=f"us-east-1-{id_[-1]}") for id_, subnet in PLAIN.subnets.items()},
)


def peer(number: int, address: str, bgp: Status = Status.UP) -> Peer:
    return Peer(f"rsp-{number}", f"rse-{number}", "rs-1", address, "available", 65001, Liveness.BFD, bgp, bgp)


def route(*installations: RouteInstallation) -> Route:
    return Route("0.0.0.0/0", "10.0.1.10", RouteStatus.IN_FIB, "rsp-1", ("65001",), 0, installations)


INSTALLED = RouteInstallation(PROTECTED, InstallationStatus.INSTALLED)
SEEN = Observation(
    database=RoutingDatabase((route(INSTALLED),)),
    peers=(peer(1, "10.0.1.10"), peer(2, "10.0.1.10"), peer(3, "10.0.2.10", Status.DOWN)),
    elastic_ips={
        f"{EIP}1": ElasticIp(f"{EIP}1", "203.0.113.1", Holder(f"{ENI}1", "10.0.1.20", "eipassoc-1")),
        f"{EIP}2": ElasticIp(f"{EIP}2", "203.0.113.2", Holder("eni-strange", "10.0.9.9", "eipassoc-2")),
        f"{EIP}3": ElasticIp(f"{EIP}3", "203.0.113.3"),
    },
    interfaces=AROUND.interfaces,
    instance_states={f"{INSTANCE}1": "running", f"{INSTANCE}2": "stopped"},
)


def seen(*results: Result, **parts: object) -> PictureScene:
    whole = Snapshot(topologies.topology(), NOW, SEEN, AROUND)
    whole = replace(whole, **parts)  # type: ignore[arg-type]
    rule = Rule(RuleId.ROUTE_INSTALLED, RuleSeverity.HIGH, lambda _: results)
    return picture_scene(whole, judge_snapshot([rule], whole) if results else ())


def fails(resource: str, place: str | None = None, **facts: str) -> Result:
    return Result.failed(
        resource, CheckCode.STANDBY_LACKS_PREFIX, place, **({"appliance": "x", "prefix": "y"} | facts)
    )


def test_each_appliance_is_in_its_subnet_with_what_it_has() -> None:
    units = {unit.name: (subnet.zone, unit) for subnet in seen().subnets for unit in subnet.appliances}
    (first, fw1), (second, fw2) = units["fw1"], units["fw2"]
    assert (first, second) == ("us-east-1-1", "us-east-1-2")
    assert (fw1.owns, fw2.owns) == (("0.0.0.0/0",), ())
    assert (fw1.instance_state, fw2.instance_state) == ("running", "stopped")
    assert [session.bgp for session in fw1.sessions] == [Status.UP, Status.UP]
    assert [session.bgp for session in fw2.sessions] == [Status.DOWN]
    assert (fw1.missing, fw2.missing) == (0, 1)
    assert [address.public_ip for address in fw1.elastic_ips] == ["203.0.113.1"]


def test_elastic_ips_that_no_appliance_has_are_shown_where_they_are() -> None:
    stray = {where: [address.allocation_id for address in found] for where, found in seen().stray}
    assert stray == {"eni-strange": [f"{EIP}2"], None: [f"{EIP}3", f"{EIP}4"]}


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        (RoutingDatabase((route(INSTALLED),)), Installation.INSTALLED),
        (
            RoutingDatabase((route(RouteInstallation(PROTECTED, InstallationStatus.REJECTED)),)),
            Installation.REJECTED,
        ),
        (RoutingDatabase((route(),)), Installation.MISSING),
        (RoutingDatabase(doubts={"": "a row is odd"}), Installation.UNKNOWN),
    ],
)
def test_a_route_table_shows_what_became_of_the_route(
    database: RoutingDatabase, expected: Installation
) -> None:
    [table] = seen(observation=replace(SEEN, database=database)).tables
    assert [row.installation for row in table.rows] == [expected]


@pytest.mark.parametrize(
    ("resource", "place"),
    [
        ("fw2 0.0.0.0/0", "fw2"),
        (f"{PROTECTED} 0.0.0.0/0", f"{PROTECTED} 0.0.0.0/0"),
        (PROTECTED, PROTECTED),
        (f"{INSTANCE}1", "fw1"),
        (f"{ENI}2", "fw2"),
        ("10.0.2.10", "fw2"),
        ("rsp-3", "rsp-3"),
        ("203.0.113.1", f"{EIP}1"),
        (f"{EIP}3", f"{EIP}3"),
        ("what nobody draws", ""),
    ],
)
def test_a_mark_stands_at_what_the_finding_is_about(resource: str, place: str) -> None:
    assert list(seen(fails(resource)).marks) == [place]


def test_a_finding_about_a_waiver_is_about_the_document() -> None:
    assert list(seen(fails("standby-advertises fw2 0.0.0.0/0", "waivers[0]")).marks) == [""]


def test_a_fact_says_where_the_resource_is_not_drawn() -> None:
    assert list(seen(fails("edge", appliance="fw1")).marks) == ["fw1"]


@pytest.mark.parametrize("parts", [{"observation": GONE}, {"observation": GONE, "inventory": GONE}])
def test_what_is_not_read_is_never_shown_as_a_state(parts: dict[str, object]) -> None:
    text = svg(seen(**parts))
    assert {"role not known", "Elastic IPs not known", "state not known"} <= set(
        text.replace("<", ">").split(">")
    )
    for claim in ("standby", "no Elastic IP here", "BGP up", "BGP down", "running", "installed"):
        assert f">{claim}<" not in text
    assert "EC2 throttles" in text


def test_without_the_inventory_the_sessions_and_addresses_are_still_there() -> None:
    text = svg(seen(inventory=GONE))
    assert "203.0.113.1" in text
    assert "BGP up, BFD up" in text
    assert "Availability Zone not known" in text
