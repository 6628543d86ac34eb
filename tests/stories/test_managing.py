"""Stories of what is managed: from nothing to converged, changed, broken, repaired, on virtual time."""

from __future__ import annotations

import re
from typing import Any
from unittest import mock

import boto3
import pytest

from lab.ec2.world import world
from tandem.adapters import managing
from tandem.errors import TemporaryError
from tandem.topology import parse
from tandem.validation.document import normalise
from tests.crashing import Killed
from tests.managing import QUICK, REALISTIC, Managed, adoptable, keyed, managed, tags, with_id
from tests.provisioning import RECORDERS
from tests.provisioning import provisioner as watched
from tests.topologies import set_at


@pytest.fixture
def empty():
    with managed() as tandem:
        yield tandem


@pytest.fixture
def there(empty: Managed):
    empty.run()
    empty.events()
    return empty


def types(tandem: Managed) -> list[str]:
    return [e["detail-type"] for e in tandem.events()]


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
        assert {e["detail-type"] for e in told} == {"Topology Change", "Provisioning Completed"}
        addresses = {e["RouteServerEndpointId"]: e["EniAddress"] for e in tandem.endpoints()}
        dialled = {
            f"{p['PeerAddress']} dials {addresses[p['RouteServerEndpointId']]}" for p in tandem.peers()
        }
        sessions = re.sub(r" \(ASN \d+\)|fw\d: |, bfd", "", "\n".join(told[-1]["detail"]["sessions"]))
        assert set(sessions.splitlines()) == dialled
        assert len(told[-1]["detail"]["steps"]) > 11
        tandem.refresh()
        assert tandem.changes == []
        assert types(tandem) == []


# ---- adopting, drift, failures


def test_what_is_there_is_adopted_tagged_and_not_touched_otherwise(there: Managed) -> None:
    before = there.world()
    adoptable(there)
    there.run(with_id(there))
    assert there.world() == before
    for _, row in keyed(there):
        assert tags(row)["tandem:managed-by"] == "tandem"
        assert tags(row)["tandem:adopted"] == "true"
        assert tags(row)["tandem:stack"] == "tandem"
    there.refresh()
    assert there.changes == []


def test_without_its_owners_consent_nothing_is_adopted(there: Managed) -> None:
    adoptable(there)
    resources = [row[key] for key, row in keyed(there)]
    boto3.client("ec2").delete_tags(Resources=resources, Tags=[{"Key": "tandem:stack"}])
    answer = there.apply(with_id(there))
    assert {p["untagged"] for p in answer["problems"]} == set(resources)
    assert there.record() is None


def test_an_ambiguous_endpoint_is_refused_with_the_candidates(there: Managed) -> None:
    adoptable(there)
    in_az1 = [e for e in there.endpoints() if tags(e)["tandem:endpoint"].startswith("az1")]
    ids = [e["RouteServerEndpointId"] for e in in_az1]
    boto3.client("ec2").delete_tags(Resources=ids, Tags=[{"Key": "tandem:endpoint"}])
    wanted = with_id(there)
    wanted["appliances"]["fw1"]["peers"].pop("az1-b")
    problems = {p["path"]: p["what"] for p in there.apply(wanted)["problems"]}
    for name in ("az1-a", "az1-b"):
        assert all(i in problems[f"route_server.endpoints.{name}"] for i in ids)


def test_endpoints_that_make_no_difference_are_adopted_as_they_come(there: Managed) -> None:
    adoptable(there)
    ids = [e["RouteServerEndpointId"] for e in there.endpoints()]
    boto3.client("ec2").delete_tags(Resources=ids, Tags=[{"Key": "tandem:endpoint"}])
    there.run(with_id(there))
    assert len({tags(e)["tandem:endpoint"] for e in there.endpoints()}) == 4


def test_what_was_adopted_is_never_deleted(there: Managed) -> None:
    adoptable(there)
    there.run(with_id(there))
    before = {row[key] for key, row in keyed(there)}
    wanted = with_id(there)
    wanted["route_server"]["endpoints"].pop("az2-b")
    wanted["appliances"]["fw2"]["peers"].pop("az2-b")
    there.run(wanted)
    assert {row[key] for key, row in keyed(there)} == before


def test_another_stacks_route_server_is_refused(there: Managed) -> None:
    ids = [row[key] for key, row in keyed(there)]
    boto3.client("ec2").create_tags(Resources=ids, Tags=[{"Key": "tandem:managed-by", "Value": "other"}])
    wanted = with_id(there) | {"name": "mine"}
    found = there.check(wanted)["problems"]
    assert any(p["path"] == "route_server.id" and "managed already" in p["what"] for p in found), found


def drift(tandem: Managed) -> list[dict[str, Any]]:
    return [e["detail"] for e in tandem.events() if e["detail-type"] == "Drift Detected"]


def test_a_peer_that_somebody_deleted_is_drift_and_is_made_again(there: Managed) -> None:
    before = there.world()
    there.settle(60)
    gone = there.peers()[0]["RouteServerPeerId"]
    boto3.client("ec2").delete_route_server_peer(RouteServerPeerId=gone)
    there.settle(30)
    there.refresh()
    there.converge()
    told = drift(there)
    assert [d["observed"] for d in told] == [None]
    assert "fw1 at az1-a" in told[0]["expected"]
    assert there.world() == before
    there.refresh()
    assert there.changes == []
    assert drift(there) == []


def test_an_endpoint_that_failed_is_replaced_and_awss_reason_told(there: Managed) -> None:
    there.settle(60)
    before = there.world()
    broken = next(e for e in there.endpoints() if tags(e)["tandem:endpoint"] == "az2-b")
    for peer in there.peers():
        if peer["RouteServerEndpointId"] == broken["RouteServerEndpointId"]:
            there.lab.levers.resource(peer["RouteServerPeerId"], "failed", "no capacity")
    there.lab.levers.resource(broken["RouteServerEndpointId"], "failed", "no capacity")
    there.refresh()
    there.converge()
    assert any("no capacity" in d["summary"] for d in drift(there))
    assert broken["RouteServerEndpointId"] not in [e["RouteServerEndpointId"] for e in there.endpoints()]
    assert there.world() == before


def test_a_watched_route_server_that_differs_is_reported_and_left_alone() -> None:
    with watched() as tandem:
        tandem.apply()
        tandem.deliver()
        tandem.events()
        gone = tandem.ids["peers"]["fw2"]["az2-b"]
        boto3.client("ec2").delete_route_server_peer(RouteServerPeerId=gone)
        tandem.settle()
        tandem.refresh()
        told = [e["detail"] for e in tandem.events() if e["detail-type"] == "Drift Detected"]
        assert "appliances.fw2.peers.az2-b" in told[0]["summary"]
        assert not [c for c in tandem.every_call if "CreateRouteServerPeer" in c]
        tandem.refresh()
        assert [e for e in tandem.events() if e["detail-type"] == "Drift Detected"] == []


def test_a_call_that_aws_refuses_is_told_with_code_and_words(empty: Managed) -> None:
    empty.lab.levers.fault("CreateRouteServerEndpoint", error="UnauthorizedOperation")
    empty.apply(empty.wanted())
    empty.events()
    empty.refresh()
    failed = [e["detail"] for e in empty.events() if e["detail-type"] == "Provisioning Failed"]
    assert failed[0]["error"]["code"] == "UnauthorizedOperation"
    assert "CreateRouteServerEndpoint" in failed[0]["reason"]
    assert empty.record().provisioned.pending == ()
    empty.lab.levers.faults_clear()
    empty.refresh()
    empty.converge()
    assert empty.world()["states"] == {"available"}


def test_incorrect_state_is_waited_out(empty: Managed) -> None:
    empty.lab.levers.fault("CreateRouteServerPeer", error="IncorrectState", count=5)
    empty.run()
    assert len(empty.peers()) == 4
    assert "Provisioning Failed" not in types(empty)


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


def watch_owner(tandem: Managed, seen: list[set[str]]) -> None:
    """Who owns the route, every half second of virtual time."""

    def look() -> None:
        servers = world(tandem.lab.backend.lab_region)["route_servers"]
        seen.append({owner for server in servers for owner in server["owners"].values()})
        if len(seen) < 4000:
            tandem.lab.clock.after(0.5, look)

    look()


# ---- interrupted, changed, replaced, taken away

MADE = ("CreateRouteServer", "AssociateRouteServer", *["CreateRouteServerEndpoint"] * 4)
MADE = (*MADE, "EnableRouteServerPropagation", *["CreateRouteServerPeer"] * 4)


@pytest.mark.parametrize("number", range(len(MADE)), ids=lambda n: f"{n}-{MADE[n]}")
def test_killed_right_after_any_call_that_makes_something_nothing_is_made_twice(number: int) -> None:
    with managed() as tandem:
        tandem.apply(tandem.wanted())
        blown = burning(number + 1)
        with pytest.raises(Killed):
            tandem.refresh()
        RECORDERS.clear()
        blown.stop()
        cold_start(tandem)
        tandem.settle(60)
        tandem.refresh()
        tandem.converge()
        assert (len(tandem.servers()), len(tandem.endpoints()), len(tandem.peers())) == (1, 4, 4)
        assert tandem.world()["states"] == {"available"}
        tandem.refresh()
        assert tandem.changes == []


def burning(number: int) -> Any:
    """The process dies when the answer to the n-th call that makes something arrives."""
    made = 0
    real = managing.carry_out

    def carry_out(action: object) -> None:
        nonlocal made
        real(action)  # type: ignore[arg-type]
        made += 1
        if made == number:
            raise Killed

    patched = mock.patch.object(managing, "carry_out", carry_out)
    patched.start()
    return patched


def cold_start(tandem: Managed) -> None:
    """Another process, to which the lease of the dead one is somebody else's."""
    vars(tandem.app)["OWNER"] = "another"


def test_killed_at_one_call_after_the_other_it_still_comes_to_the_end(empty: Managed) -> None:
    """Every invocation dies one changing call later than the one before it: calls of every service."""
    empty.apply(empty.wanted())
    for kill_at in range(1, 60):
        vars(empty.app)["OWNER"] = f"process-{kill_at}"
        try:
            empty.invoke({"action": "refresh"}, kill_at=kill_at)
        except Killed:
            empty.settle(60)
        else:
            break
    empty.converge()
    assert (len(empty.servers()), len(empty.endpoints()), len(empty.peers())) == (1, 4, 4)
    empty.settle(60)
    empty.refresh()
    assert empty.delivered() == {p["RouteServerPeerId"] for p in empty.peers()}


def test_one_document_after_the_other_is_reached(there: Managed) -> None:
    ec2 = boto3.client("ec2")
    table = ec2.create_route_table(VpcId=there.ids["vpc_id"])["RouteTable"]["RouteTableId"]
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


def test_a_run_that_waits_for_nothing_is_not_made_every_minute(there: Managed) -> None:
    there.invoke({"action": "refresh", "due_only": True})
    assert {c for c in there.calls if c.startswith("ec2:")} == set()


def test_the_plan_is_told_before_anything_happens(empty: Managed) -> None:
    answer = empty.invoke({"action": "plan", "document": empty.wanted()})
    assert len(answer["plan"]) == 11
    assert answer["plan"][0].startswith("create the route server (ASN 65000)")
    assert "waits for endpoint az1-a to be available" in answer["plan"][-4]
    assert empty.changes == []
    assert empty.record() is None


# ---- reads that lag, calls without an answer, two runs at once


def test_reads_that_lag_make_nothing_twice(empty: Managed) -> None:
    for read in ("DescribeRouteServers", "DescribeRouteServerEndpoints", "DescribeRouteServerPeers"):
        empty.lab.levers.fault(read, lag_s=20.0)
    empty.run()
    empty.lab.levers.faults_clear()
    assert (len(empty.servers()), len(empty.endpoints()), len(empty.peers())) == (1, 4, 4)
    made = [c for c in empty.every_call if c.startswith("ec2:Create")]
    assert len(made) == 9


def test_a_call_that_is_never_answered_is_looked_at_before_it_is_repeated(empty: Managed) -> None:
    empty.lab.levers.fault("CreateRouteServerPeer", break_s=5.0, count=2)
    empty.run()
    assert len(empty.peers()) == 4
    assert empty.world()["states"] == {"available"}


def test_a_run_leaves_alone_what_another_one_is_at(empty: Managed) -> None:
    empty.apply(empty.wanted())
    held = empty.app.leases.acquire("edge", "another", empty.app.clock.now(), ())
    assert held is not None
    empty.refresh()
    assert empty.ec2_changes() == []
    empty.settle(60)
    empty.refresh()
    assert "CreateRouteServer" in empty.ec2_changes()


def test_a_lease_that_was_lost_ends_the_run_before_its_next_call(empty: Managed) -> None:
    empty.apply(empty.wanted())
    real = managing.carry_out
    stolen: list[Any] = []

    def carry_out(action: object) -> None:
        real(action)  # type: ignore[arg-type]
        if not stolen:
            empty.settle(60)
            stolen.append(empty.app.leases.acquire("edge", "another", empty.app.clock.now(), ()))

    with mock.patch.object(managing, "carry_out", carry_out), pytest.raises(TemporaryError, match="epoch"):
        empty.refresh()
    assert empty.ec2_changes() == ["CreateRouteServer"]


def test_a_document_that_is_applied_meanwhile_is_what_the_run_ends_with(empty: Managed) -> None:
    empty.apply(empty.wanted())
    real = managing.carry_out
    stored: list[Any] = []

    def carry_out(action: object) -> None:
        real(action)  # type: ignore[arg-type]
        if not stored:
            smaller = set_at(empty.wanted(), "appliances.fw2.peers.az2-b", ...)
            stored.append(smaller)
            topology = parse(normalise(set_at(smaller, "route_server.endpoints.az2-b", ...)))
            empty.app.store.put(topology, "cli", empty.record())

    with mock.patch.object(managing, "carry_out", carry_out):
        empty.refresh()
    empty.converge()
    assert len(empty.peers()) == len(empty.endpoints()) == 3
    assert empty.record().provisioned.version == 2
