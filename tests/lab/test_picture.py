"""`python -m lab world` shows what a person asks first: who owns the route, who holds the addresses."""

import io

import pytest
from rich.console import Console

from lab.ec2 import lab_ec2
from lab.ec2.scenario import edge
from lab.ec2.world import world
from lab.picture import picture
from tests.managing import managed


def drawn(lab):
    drawing = io.StringIO()
    Console(file=drawing, width=120).print(picture(world(lab.backend.lab_region)))
    return drawing.getvalue().splitlines()


def row(lines, *cells):
    return next(line for line in lines if all(cell in line for cell in cells))


@pytest.fixture
def lab():
    with lab_ec2() as made:
        edge(made.client(), made.levers, sleep=made.clock.sleep)
        yield made


def test_owner_and_holder_at_rest(lab):
    lines = drawn(lab)
    assert row(lines, "0.0.0.0/0", "fw1", "10.0.1.10", "65001", "rtb-")
    assert row(lines, "eip4", "198.51.100.", "fw1", "eni-", "10.0.1.23")
    assert not any("Faults" in line for line in lines)


def test_a_dead_appliance_and_the_route_that_moved(lab):
    lab.levers.kill("fw1")
    lab.levers.session("fw2", "az2-a", "down", protocol="bfd")
    lab.levers.fault("AssociateAddress", latency_s=0.4)
    lab.clock.sleep(5)
    lines = drawn(lab)
    assert row(lines, "0.0.0.0/0", "fw2", "65002 65002 65002")
    assert row(lines, "eip1", "fw1")
    assert row(lines, "az1-b", "available", "down")
    assert row(lines, "az2-a", "held down: bfd")
    assert row(lines, "AssociateAddress", "latency_s 0.4")


def test_a_session_without_bfd_shows_none():
    with lab_ec2() as made:
        edge(made.client(), made.levers, sleep=made.clock.sleep, liveness="bgp-keepalive")
        line = row(drawn(made), "az2-a", "available")
    assert [cell.strip() for cell in line.split("│")][5:7] == ["up", "-"]


def test_names_that_look_like_markup_are_shown_as_they_are(lab):
    instance = lab.client().describe_instances()["Reservations"][0]["Instances"][0]["InstanceId"]
    lab.levers.register("fw[/x]", instance, 65009, routes=[{"prefix": "192.0.2.0/24"}])
    assert row(drawn(lab), "fw[/x]", "192.0.2.0/24 (65009)")


def test_an_empty_lab():
    with lab_ec2() as made:
        lines = drawn(made)
    assert row(lines, "Elastic IPs")
    assert row(lines, "Appliances")


def test_an_address_that_nobody_holds_and_a_prefix_that_nobody_advertises(lab):
    ec2 = lab.client()
    ec2.disassociate_address(AssociationId=ec2.describe_addresses()["Addresses"][0]["AssociationId"])
    for name in ("fw1", "fw2"):
        lab.levers.withdraw(name, "0.0.0.0/0")
    lab.clock.sleep(5)
    lines = drawn(lab)
    assert row(lines, "eip1", "nobody")
    assert row(lines, "none")


def test_a_world_before_its_route_server_and_one_that_tandem_has_made():
    with managed() as tandem:
        before = drawn(tandem.lab)
        assert row(before, "eip1", "198.51.100.", "fw1")
        assert not any("Routes of" in line for line in before)
        tandem.run()
        lines = drawn(tandem.lab)
    assert row(lines, "0.0.0.0/0", "fw1", "10.0.1.10", "rtb-")
    assert row(lines, "fw2", "az2-b", "rsp-", "available", "up")


def test_ids_and_addresses_are_whole_at_eighty_columns(lab):
    drawing = io.StringIO()
    for name in ("az1-a", "az2-b"):
        lab.levers.session("fw1" if name == "az1-a" else "fw2", name, "down")
        lab.levers.maintenance(name, 60)
    Console(file=drawing, width=80).print(picture(world(lab.backend.lab_region)))
    text = drawing.getvalue()
    shown = world(lab.backend.lab_region)
    (server,) = shown["route_servers"]
    peers = [peer["id"] for peer in server["peers"]]
    instances = [appliance["instance_id"] for appliance in shown["appliances"]]
    addresses = [value for a in shown["elastic_ips"] for value in (a["public_ip"], a["interface"])]
    rows = [route["RouteInstallationDetails"] for route in server["routes"]]
    tables = [item["RouteTableId"] for items in rows for item in items]
    assert tables
    assert [id_ for id_ in [*peers, *instances, *addresses, *tables] if id_ not in text] == []
    assert max(map(len, text.splitlines())) <= 80
