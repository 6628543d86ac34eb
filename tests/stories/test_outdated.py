"""Tests that what a look goes by changes while it runs: the document, or the route in the middle of many
moves.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from tandem.adapters import clients
from tests.judging import moved, told
from tests.stack import MOVING, Stack, edge_document

WORKS = "GetRouteServerRoutingDatabase"


def peer_down(edge: Stack) -> dict[str, Any]:
    """BFD of a session is said to be down and AWS never shows it: the look settles for a while."""
    peer = edge.lab.client().describe_route_server_peers()["RouteServerPeers"][0]["RouteServerPeerId"]
    detail = {
        "schema_version": 1,
        "topology": "edge",
        "occurred_at": edge.clock.now().isoformat(),
        "cause": f"BFD of {peer} went down",
        "peer_id": peer,
        "protocol": "bfd",
        "status": "down",
        "source": "sns",
    }
    return {"source": "tandem", "detail-type": "Peer State Change", "detail": detail}


def looks_asked_for(edge: Stack) -> list[str]:
    return [e["detail"]["cause"] for e in edge.events() if e["detail-type"] == "Look"]


def test_a_document_that_is_stored_while_a_look_settles_ends_the_look(edge: Stack) -> None:
    """The appliance dies after that: nothing moves by the old one, and the new one's look is asked for."""
    edge.clock.after(5, lambda: edge.store(mode="dry-run"))
    edge.clock.after(10, lambda: edge.levers.kill(name="fw1"))
    edge.invoke(peer_down(edge))
    edge.clock.sleep(10)
    assert edge.calls(*MOVING) == []
    assert looks_asked_for(edge) == ["another version of the topology was stored during the look"]
    edge.sweep()
    assert told(edge) == ["OUTAGE: fw1 is dead, a dry run keeps 4 Elastic IPs on it"]
    assert edge.are_all_with("fw1")


def test_a_deletion_that_begins_while_a_look_settles_ends_the_look(edge: Stack) -> None:
    edge.clock.after(5, edge.begin_deletion)
    edge.clock.after(10, lambda: edge.levers.kill(name="fw1"))
    edge.invoke(peer_down(edge))
    edge.clock.sleep(10)
    assert edge.calls(*MOVING) == []
    assert looks_asked_for(edge) == ["another version of the topology was stored during the look"]


def test_a_look_that_stays_unclear_looks_again_for_the_signals_that_came_meanwhile(edge: Stack) -> None:
    """They come in its last seconds, ahead of what AWS shows: the next look waits until that is shown."""
    for action in ("DescribeRouteServerPeers", WORKS):
        edge.levers.fault(action=action, lag_s=8)
    edge.clock.after(25, lambda: edge.levers.kill(name="fw1"))
    edge.clock.after(28, edge.deliver)
    began = edge.clock.now()
    edge.invoke(peer_down(edge))
    assert edge.clock.now() - began > timedelta(seconds=30)
    assert edge.are_all_with("fw2")


def test_a_look_again_goes_by_the_new_document(edge: Stack) -> None:
    """Its own look finds the lease taken; the look that has it must not go on by the old one."""
    came: list[bool] = []

    def meanwhile(params: dict[str, Any], **_: object) -> None:
        if not came and "attribute_not_exists(look_again)" in params.get("ConditionExpression", ""):
            came.append(True)
            edge.store(mode="dry-run")
            edge.levers.kill(name="fw1")
            edge.clock.sleep(3)
            edge.sweep()

    clients.dynamodb().meta.events.register("provide-client-params.dynamodb.UpdateItem", meanwhile)
    edge.sweep()
    assert came
    assert edge.calls(*MOVING) == []
    assert looks_asked_for(edge)


def test_a_topology_that_is_forgotten_in_mid_look_moves_nothing_more(edge: Stack) -> None:
    key = {"kind": {"S": "topology"}, "id": {"S": "edge"}}
    edge.clock.after(5, lambda: clients.dynamodb().delete_item(TableName="tandem-state", Key=key))
    edge.clock.after(10, lambda: edge.levers.kill(name="fw1"))
    edge.invoke(peer_down(edge))
    edge.clock.sleep(10)
    edge.sweep()
    assert edge.calls(*MOVING) == []


@pytest.fixture
def hundred(edge: Stack) -> Stack:
    edge.add_addresses(96)
    edge.store()
    edge.levers.fault(action="AssociateAddress", throttle={"capacity": 50, "refill": 5})
    return edge


def test_the_route_comes_back_while_many_addresses_move(hundred: Stack) -> None:
    """fw2 has fifty of them when the route is fw1's again and fw2 dies: nobody loses one to the dead fw2."""
    back: list[float] = []

    def again() -> None:
        hundred.levers.advertise(name="fw1", prefix="0.0.0.0/0", as_path=[65001])
        hundred.levers.kill(name="fw2")
        back.append(hundred.clock.seconds())

    hundred.levers.withdraw(name="fw1", prefix="0.0.0.0/0")
    hundred.clock.sleep(3)
    hundred.forget_calls()
    hundred.clock.after(1.5, again)
    hundred.sweep()
    to_fw2 = hundred.ids["interfaces"]["fw2"]
    late = [c for c in hundred.calls("AssociateAddress") if c["params"]["NetworkInterfaceId"] == to_fw2]
    assert [c["start"] for c in late if c["start"] > back[0] + 2] == []
    hundred.live(120)
    assert hundred.are_all_with("fw1")


def test_a_later_batch_waits_for_a_reading_of_its_own(hundred: Stack) -> None:
    """AWS cannot be read for a moment after the first fifty: the rest waits, and comes."""
    hundred.levers.kill(name="fw1")
    hundred.clock.sleep(3)
    hundred.forget_calls()
    hundred.clock.after(0.5, lambda: hundred.levers.fault(action=WORKS, error="InternalError", count=9))
    hundred.sweep()
    taken = [c for c in hundred.calls() if c["action"] in (WORKS, "AssociateAddress")]
    assert [c["outcome"] for c in taken[51:60]] == ["InternalError"] * 9
    hundred.live(120)
    assert hundred.are_all_with("fw2")
    assert len(moved(hundred)) == 100


def test_a_document_that_is_stored_between_two_batches_stops_the_rest(hundred: Stack) -> None:
    hundred.levers.kill(name="fw1")
    hundred.clock.sleep(3)
    hundred.clock.after(1.9, lambda: hundred.store(mode="dry-run"))
    hundred.sweep()
    assert 50 <= len(moved(hundred)) <= 60
    assert hundred.kinds() == ["intent", "outcome"]
    assert "another version of the topology was stored during the look" in looks_asked_for(hundred)


def test_a_dry_run_asks_for_a_few_of_many_moves(hundred: Stack) -> None:
    """Its questions must leave EC2's tokens to those who move."""
    hundred.store(mode="dry-run")
    hundred.levers.fault(action="AssociateAddress", throttle={"capacity": 5, "refill": 5})
    hundred.levers.kill(name="fw1")
    hundred.clock.sleep(3)
    hundred.forget_calls()
    hundred.sweep()
    assert len(hundred.calls("AssociateAddress")) == 10
    assert told(hundred) == ["OUTAGE: fw1 is dead, a dry run keeps 100 Elastic IPs on it"]
    (hold,) = hundred.audit()
    (report,) = hold.body["groups"]["internet-edge"]["reports"]
    assert report.startswith("100 Elastic IPs are on fw1, which is dead")


def test_a_dry_run_asks_for_a_few_of_the_moves_of_all_groups(hundred: Stack) -> None:
    """The first of a look, whatever group they are of; each refusal is told of its own group."""
    addresses = edge_document(hundred.ids)["groups"][0]["elastic_ips"]
    groups = [
        {"name": f"group{n}", "prefixes": ["0.0.0.0/0"], "elastic_ips": addresses[6 * n : 6 * n + 6]}
        for n in range(10)
    ]
    hundred.store(mode="dry-run", groups=groups)
    second = [a["allocation_id"] for a in addresses[6:10]]

    def refused(params: dict[str, Any], **_: object) -> None:
        if params["body"]["AllocationId"] in second:
            raise ClientError(cast(Any, {"Error": {"Code": "AuthFailure"}, "ResponseMetadata": {}}), WORKS)

    clients.ec2_moves().meta.events.register("before-call.ec2.AssociateAddress", refused)
    hundred.levers.kill(name="fw1")
    hundred.clock.sleep(3)
    hundred.forget_calls()
    hundred.sweep()
    assert len(hundred.calls("AssociateAddress")) == 6
    (hold,) = hundred.audit()
    reports = [(name, report) for name, group in hold.body["groups"].items() for report in group["reports"]]
    refusals = [pair for pair in reports if pair[1].startswith("EC2 would refuse")]
    assert refusals == [("group1", f"EC2 would refuse {id_}: AuthFailure: ") for id_ in second]
