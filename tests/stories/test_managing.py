"""Stories of what is managed: from nothing to converged, from one document to the next, on virtual time."""

from __future__ import annotations

import re

import boto3
import pytest

from lab.ec2.world import world
from tests.managing import QUICK, REALISTIC, Managed, converged, keyed, managed, other_table, tags
from tests.provisioning import types
from tests.shared_worlds import begins_in
from tests.tiers import prove
from tests.topologies import set_at


@pytest.fixture
@begins_in(managed)
def empty():
    with managed() as tandem:
        yield tandem


@pytest.fixture
@begins_in(converged)
def there():
    with converged() as tandem:
        yield tandem


def test_the_plan_is_told_before_anything_happens(empty: Managed) -> None:
    answer = empty.invoke({"action": "plan", "document": empty.wanted()})
    assert len(answer["plan"]) == 11
    assert answer["plan"][0].startswith("create the route server (ASN 65000)")
    assert "waits for endpoint az1-a to be available" in answer["plan"][-4]
    assert empty.changes == []
    assert empty.record() is None


@pytest.mark.parametrize("timings", [QUICK, REALISTIC], ids=["seconds", "minutes"])
def test_from_nothing_to_converged_in_order_and_then_at_rest(timings) -> None:
    with managed(timings) as tandem:
        assert tandem.apply(tandem.wanted())["problems"] == []
        tandem.refresh()
        tandem.converge()
        made = [c.partition(":")[2] for c in tandem.every_call]
        order = [
            "CreateRouteServer",
            "AssociateRouteServer",
            "CreateRouteServerEndpoint",
            "EnableRouteServerPropagation",
            "CreateRouteServerPeer",
        ]
        assert [c for c in dict.fromkeys(made) if c in order] == order
        assert made.count("CreateRouteServerEndpoint") == 4
        assert made.count("CreateRouteServerPeer") == 4
        assert tandem.world()["states"] == {"available"}
        tandem.settle(60)
        assert tandem.delivered() == {p["RouteServerPeerId"] for p in tandem.peers()}
        told = tandem.events()
        assert {e["detail-type"] for e in told} == {"Topology Change", "Look", "Provisioning Completed"}
        addresses = {e["RouteServerEndpointId"]: e["EniAddress"] for e in tandem.endpoints()}
        dialled = {
            f"{p['PeerAddress']} dials {addresses[p['RouteServerEndpointId']]}" for p in tandem.peers()
        }
        sessions = re.sub(r" \(ASN \d+\)|fw\d: |, bfd", "", "\n".join(told[-1]["detail"]["sessions"]))
        assert set(sessions.splitlines()) == dialled
        assert len(told[-1]["detail"]["steps"]) > 11
        tandem.refresh()
        assert tandem.changes == []
        assert types(tandem.events()) == []


def test_a_run_that_waits_for_nothing_is_not_made_every_minute(there: Managed) -> None:
    there.invoke({"action": "refresh", "due_only": True})
    assert {c for c in there.calls if c.startswith("ec2:")} == set()


def test_one_document_after_the_other_is_reached(there: Managed) -> None:
    table = other_table(there.ids["vpc_id"])
    changes: list[tuple[str, object]] = [
        ("route_server.persist_routes", 2),
        ("route_server.sns_notifications", False),
        ("route_server.propagate_to", [table]),
        ("appliances.fw2.liveness", "bgp-keepalive"),
        ("appliances.fw2.peers.az1-a", "10.0.2.10"),
        ("route_server.sns_notifications", True),
    ]
    wanted = there.wanted()
    for path, value in changes:
        there.settle(60)
        wanted = set_at(wanted, path, value)
        there.run(wanted)
    made = there.world()
    assert made["persist"] == ("enabled", 2)
    assert made["notifies"] is True
    assert made["tables"] == [table]
    assert made["sessions"]["az1-a", "10.0.2.10"] == (65002, "bgp-keepalive")
    assert made["sessions"]["az2-b", "10.0.2.10"] == (65002, "bgp-keepalive")
    assert made["states"] == {"available"}
    there.settle(60)
    there.refresh()
    assert len(there.subscribed(there.servers()[0]["SnsTopicArn"])) == 2


def test_a_session_that_owns_the_route_is_never_the_last_one_to_go(there: Managed) -> None:
    """Liveness is fixed at creation: each of the owner's sessions is replaced while the other one carries."""
    there.settle(120)
    wanted = there.wanted()
    for appliance in wanted["appliances"].values():
        appliance["liveness"] = "bgp-keepalive"
    seen: list[set[str]] = []
    watch_owner(there, seen)
    there.run(wanted)
    there.settle(60)
    assert {v[1] for v in there.sessions().values()} == {"bgp-keepalive"}
    assert all("fw1" in owners for owners in seen)


def test_a_replaced_appliance_gets_its_sessions_before_the_old_ones_go(there: Managed) -> None:
    """A new instance with a new address: an updated document is all that it takes."""
    there.settle(60)
    ec2 = boto3.client("ec2")
    run = ec2.run_instances(
        ImageId="ami-12c6146b",
        MinCount=1,
        MaxCount=1,
        SubnetId=there.ids["subnets"]["az1"],
        PrivateIpAddress="10.0.1.30",
    )
    instance = run["Instances"][0]["InstanceId"]
    there.settle(60)
    routes = [{"prefix": "0.0.0.0/0", "as_path": [65001]}]
    there.lab.levers.register("new1", instance, 65001, routes)
    wanted = there.wanted()
    wanted["appliances"]["fw1"] |= {
        "instance_id": instance,
        "peers": {"az1-a": "10.0.1.30", "az1-b": "10.0.1.30"},
    }
    wanted["groups"][0]["elastic_ips"] = []
    seen: list[set[str]] = []
    watch_owner(there, seen)
    there.run(wanted)
    there.settle(60)
    assert {address for _, address in there.sessions()} == {"10.0.1.30", "10.0.2.10"}
    assert all(owners & {"fw1", "new1"} for owners in seen)
    assert "new1" in seen[-1]


def watch_owner(tandem: Managed, seen: list[set[str]]) -> None:
    """Who owns the route, every half second of virtual time."""

    def look() -> None:
        servers = world(tandem.lab.backend.lab_region)["route_servers"]
        seen.append({owner for server in servers for owner in server["owners"].values()})
        if len(seen) < 4000:
            tandem.lab.clock.after(0.5, look)

    look()


@prove
def test_two_topologies_do_not_see_each_other(there: Managed) -> None:
    first = there.world()
    second = there.wanted() | {"name": "transit"}
    second["groups"] = [{"name": "transit", "prefixes": ["10.20.0.0/16"]}]
    before = {row[key] for key, row in keyed(there)}
    assert there.apply(second)["problems"] == []
    there.refresh()
    for _ in range(10):
        there.settle(60)
        there.refresh()
    assert len(there.servers()) == 2
    assert before <= {row[key] for key, row in keyed(there)}
    mine = {row[key] for key, row in keyed(there) if tags(row)["tandem:topology"] == "edge"}
    assert mine == before
    assert first["states"] == {"available"}
    there.refresh()
    assert there.changes == []
