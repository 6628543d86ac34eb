"""Tests who made the difference: a drift names the caller whom CloudTrail knows, and waits for none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest

from lab.ec2.timings import Timings
from tests.managing import QUICK, Managed, managed
from tests.provisioning import Provisioner, provisioner
from tests.shared_worlds import begins_in

ALICE, BOB = (f"arn:aws:iam::123456789012:user/{name}" for name in ("alice", "bob"))
LATE = replace(QUICK, cloudtrail_s=300)


@pytest.fixture
@begins_in(managed)
def there() -> Iterator[Managed]:
    with managed() as tandem:
        yield converged(tandem)


def converged(tandem: Managed) -> Managed:
    tandem.run()
    tandem.events()
    tandem.settle(60)
    return tandem


def by(tandem: Provisioner, name: str) -> Any:
    """EC2 with somebody's credentials."""
    return tandem.lab.client(access_key_id=name)


def actors(tandem: Provisioner) -> dict[str, str | None]:
    """Returns what was told as drift, and whose doing it is."""
    details = [e["detail"] for e in tandem.events() if e["detail-type"] == "Drift Detected"]
    return {d["resource_id"]: d["actor"] for d in details}


def peer_of(tandem: Managed, appliance: str) -> str:
    found = [p for p in tandem.peers() if ("tandem:appliance", appliance) in tags(p)]
    return str(found[0]["RouteServerPeerId"])


def tags(row: dict[str, Any]) -> list[tuple[str, str]]:
    return [(tag["Key"], tag["Value"]) for tag in row["Tags"]]


def repaired(tandem: Managed, before: dict[str, Any]) -> dict[str, str | None]:
    """A run, and what it told; afterwards all is as it was."""
    tandem.settle(5)
    tandem.refresh()
    told = actors(tandem)
    tandem.converge()
    assert tandem.world() == before
    tandem.events()
    return told


def asked(tandem: Provisioner) -> list[dict[str, Any]]:
    return [r for r in tandem.lab.lab.requests.since() if r["action"] == "LookupEvents"]


def test_a_deleted_peer_names_who_deleted_it(there: Managed) -> None:
    before = there.world()
    by(there, "alice").delete_route_server_peer(RouteServerPeerId=peer_of(there, "fw1"))
    assert repaired(there, before) == {"fw1 at az1-a": ALICE}
    assert len(asked(there)) == 1


def test_everything_taken_away_by_hand_names_who_did_each(there: Managed) -> None:
    before = there.world()
    server = there.servers()[0]
    server_id, table = server["RouteServerId"], before["tables"][0]
    endpoint = next(e for e in there.endpoints() if ("tandem:endpoint", "az2-b") in tags(e))
    on_it = [p for p in there.peers() if p["RouteServerEndpointId"] == endpoint["RouteServerEndpointId"]]
    by(there, "bob").delete_route_server_peer(RouteServerPeerId=on_it[0]["RouteServerPeerId"])
    there.settle(30)
    by(there, "alice").delete_route_server_endpoint(RouteServerEndpointId=endpoint["RouteServerEndpointId"])
    by(there, "bob").disable_route_server_propagation(RouteServerId=server_id, RouteTableId=table)
    there.settle(30)
    by(there, "alice").modify_route_server(RouteServerId=server_id, SnsNotificationsEnabled=False)
    told = repaired(there, before)
    assert told == {server_id: ALICE, "az2-b": ALICE, table: BOB, "fw2 at az2-b": BOB}


def test_a_check_that_somebody_turned_on_names_who(there: Managed) -> None:
    interface = there.ids["interfaces"]["fw1"]
    attribute: Any = {"NetworkInterfaceId": interface}
    by(there, "alice").modify_network_interface_attribute(**attribute, SourceDestCheck={"Value": True})
    by(there, "bob").modify_network_interface_attribute(**attribute, Description={"Value": "seen by bob"})
    there.settle(5)
    there.refresh()
    assert actors(there) == {interface: ALICE}


def test_when_two_people_deleted_what_cannot_be_told_apart_nobody_is_named(there: Managed) -> None:
    before = there.world()
    first, second = (p["RouteServerPeerId"] for p in there.peers() if ("tandem:appliance", "fw1") in tags(p))
    by(there, "alice").delete_route_server_peer(RouteServerPeerId=first)
    by(there, "bob").delete_route_server_peer(RouteServerPeerId=second)
    assert set(repaired(there, before).values()) == {None}


@begins_in(managed, LATE)
def test_what_was_repaired_long_ago_accuses_nobody() -> None:
    """Bob's change was put right. Alice's is not in CloudTrail yet: that is no reason to name Bob."""
    with managed(LATE) as tandem:
        before = converged(tandem).world()
        server_id = tandem.servers()[0]["RouteServerId"]
        for who in ("bob", "alice"):
            by(tandem, who).modify_route_server(RouteServerId=server_id, SnsNotificationsEnabled=False)
            assert repaired(tandem, before) == {server_id: None}
            tandem.settle(600)


@begins_in(managed, LATE)
def test_a_repair_clears_who_it_was_while_another_difference_stands() -> None:
    """Bob's change was put right an hour ago. Alice's is not in CloudTrail yet, then it is."""
    with managed(LATE) as tandem:
        table = converged(tandem).world()["tables"][0]
        gone: Any = {"RouteServerId": tandem.servers()[0]["RouteServerId"], "RouteTableId": table}
        interface: Any = {"Resources": [tandem.ids["interfaces"]["fw2"]], "Tags": [{"Key": "tandem:stack"}]}
        tandem.lab.client().delete_tags(**interface)
        told = []
        for who, found_late in (("bob", 60), ("alice", 60), ("alice", 400)):
            by(tandem, who).disable_route_server_propagation(**gone)
            tandem.settle(found_late)
            tandem.refresh()
            told.append(actors(tandem)[table])
            tandem.converge()
            found = tandem.record().provisioned
            assert found is not None
            assert len(found.drift) == 1
            tandem.settle(3600)
        assert told == [None, None, ALICE]


def test_a_refused_call_did_nothing(there: Managed) -> None:
    before, gone = there.world(), peer_of(there, "fw1")
    by(there, "alice").delete_route_server_peer(RouteServerPeerId=gone)
    there.settle(1)
    with pytest.raises(boto3.client("ec2").exceptions.ClientError):
        by(there, "bob").delete_route_server_peer(RouteServerPeerId=gone, DryRun=True)
    assert repaired(there, before) == {"fw1 at az1-a": ALICE}


TROUBLE: dict[str, dict[str, Any]] = {
    "denied": {"error": "AccessDeniedException"},
    "throttled": {"error": "ThrottlingException"},
    "broken": {"error": "InternalFailure"},
    "unanswered": {"break_s": 2},
}


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
def test_without_cloudtrail_nobody_is_named_and_all_is_repaired(
    there: Managed, trouble: dict[str, Any]
) -> None:
    before = there.world()
    there.lab.levers.fault("LookupEvents", **trouble)
    by(there, "alice").delete_route_server_peer(RouteServerPeerId=peer_of(there, "fw1"))
    by(there, "alice").disable_route_server_propagation(
        RouteServerId=there.servers()[0]["RouteServerId"], RouteTableId=before["tables"][0]
    )
    told = repaired(there, before)
    assert told == {"fw1 at az1-a": None, before["tables"][0]: None}
    assert len(asked(there)) == 1


@begins_in(managed, LATE)
def test_a_call_that_cloudtrail_does_not_show_yet_is_nobodys() -> None:
    with managed(LATE) as tandem:
        before = converged(tandem).world()
        by(tandem, "alice").delete_route_server_peer(RouteServerPeerId=peer_of(tandem, "fw1"))
        assert repaired(tandem, before) == {"fw1 at az1-a": None}


def test_all_that_can_be_gone_is_asked_for_within_what_cloudtrail_takes(there: Managed) -> None:
    """The lab throttles the third request of a second, as AWS does."""
    by(there, "alice").delete_tags(
        Resources=[there.servers()[0]["RouteServerId"]], Tags=[{"Key": "tandem:managed-by"}]
    )
    there.settle(5)
    there.refresh()
    assert actors(there)["route server"] == ALICE
    assert {r["outcome"] for r in asked(there)} == {"OK"}
    assert 2 <= len(asked(there)) <= 6


@pytest.fixture
@begins_in(provisioner, timings=Timings.lab())
def watched() -> Iterator[Provisioner]:
    with provisioner(timings=Timings.lab()) as tandem:
        tandem.apply(tandem.document(manage=False))
        tandem.deliver()
        tandem.events()
        tandem.settle(60)
        yield tandem


def test_a_watched_route_server_names_who_changed_it(watched: Provisioner) -> None:
    server_id, gone = watched.ids["route_server_id"], watched.ids["peers"]["fw2"]["az2-b"]
    interface = watched.ids["interfaces"]["fw1"]
    table = watched.ids["route_tables"]["protected"]
    by(watched, "alice").delete_route_server_peer(RouteServerPeerId=gone)
    by(watched, "bob").disable_route_server_propagation(RouteServerId=server_id, RouteTableId=table)
    by(watched, "bob").delete_tags(Resources=[interface], Tags=[{"Key": "tandem:stack"}])
    by(watched, "alice").create_tags(Resources=[interface], Tags=[{"Key": "Name", "Value": "outside"}])
    watched.settle()
    watched.refresh()
    details = [e["detail"] for e in watched.events() if e["detail-type"] == "Drift Detected"]
    told = {d["summary"].partition(":")[0]: d["actor"] for d in details}
    assert told == {
        "appliances.fw2.peers.az2-b": ALICE,
        "route_server.propagate_to[0]": BOB,
        "groups[0].elastic_ips[0].targets.fw1.network_interface": BOB,
    }
    watched.refresh()
    assert actors(watched) == {}
    assert watched.changes == []


@begins_in(provisioner, timings=LATE)
def test_what_a_person_put_back_accuses_nobody_while_another_difference_stands() -> None:
    """Nothing here is Tandem's to repair: Bob's change was undone by hand, and a tag stays off."""
    with provisioner(timings=LATE) as tandem:
        tandem.apply(tandem.document(manage=False))
        tandem.deliver()
        table = tandem.ids["route_tables"]["protected"]
        both: Any = {"RouteServerId": tandem.ids["route_server_id"], "RouteTableId": table}
        interface: Any = {"Resources": [tandem.ids["interfaces"]["fw1"]], "Tags": [{"Key": "tandem:stack"}]}
        tandem.lab.client().delete_tags(**interface)
        told = []
        for who, found_late in (("bob", 400), ("alice", 60), ("alice", 400)):
            tandem.settle(600)
            tandem.refresh()
            tandem.events()
            by(tandem, who).disable_route_server_propagation(**both)
            tandem.settle(found_late)
            tandem.refresh()
            told += [e["detail"]["actor"] for e in tandem.events() if e["detail-type"] == "Drift Detected"]
            tandem.lab.client().enable_route_server_propagation(**both)
        assert told == [BOB, None, ALICE]
