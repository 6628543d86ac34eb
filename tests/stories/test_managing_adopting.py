"""Stories of what somebody else made: adopted with its owner's consent, deleted only for its successor."""

from __future__ import annotations

from dataclasses import replace

import boto3
import pytest

from tandem.provisioning.stored import desired_of
from tandem.topology.document import parse_topology
from tandem.topology.shape import normalise
from tests.managing import Managed, adoptable, converged, keyed, tags, with_id
from tests.shared_worlds import begins_in


@pytest.fixture
@begins_in(converged)
def there():
    with converged() as tandem:
        yield tandem


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


def test_what_was_adopted_stays_when_the_document_no_longer_names_it(there: Managed) -> None:
    adoptable(there)
    there.run(with_id(there))
    before = {row[key] for key, row in keyed(there)}
    wanted = with_id(there)
    wanted["route_server"]["endpoints"].pop("az2-b")
    wanted["appliances"]["fw2"]["peers"].pop("az2-b")
    there.run(wanted)
    assert {row[key] for key, row in keyed(there)} == before


def test_an_adopted_session_that_the_document_changes_is_replaced(there: Managed) -> None:
    adoptable(there)
    there.run(with_id(there))
    endpoints, before = there.endpoints(), {p["RouteServerPeerId"]: p["PeerAddress"] for p in there.peers()}
    wanted = with_id(there)
    wanted["appliances"]["fw2"]["liveness"] = "bgp-keepalive"
    wanted["appliances"]["fw1"]["peers"].pop("az1-b")
    there.run(wanted)
    after = {p["RouteServerPeerId"]: tags(p) for p in there.peers()}
    assert {i for i in before if i in after} == {i for i, at in before.items() if at == "10.0.1.10"}
    made = [found for i, found in after.items() if i not in before]
    assert [("tandem:adopted" in found, found["tandem:appliance"]) for found in made] == [(False, "fw2")] * 2
    assert there.endpoints() == endpoints


def test_another_stacks_route_server_is_refused(there: Managed) -> None:
    ids = [row[key] for key, row in keyed(there)]
    boto3.client("ec2").create_tags(Resources=ids, Tags=[{"Key": "tandem:managed-by", "Value": "other"}])
    wanted = with_id(there) | {"name": "mine"}
    found = there.check(wanted)["problems"]
    assert any(p["path"] == "route_server.id" and "managed already" in p["what"] for p in found), found


def another_server(tandem: Managed) -> tuple[str, str]:
    """Somebody else's route server in the VPC that may be adopted, and the table that it propagates to."""
    ec2, table = boto3.client("ec2"), tandem.ids["route_tables"]["protected"]
    made = ec2.create_route_server(
        AmazonSideAsn=65000,
        SnsNotificationsEnabled=True,
        TagSpecifications=[
            {"ResourceType": "route-server", "Tags": [{"Key": "tandem:stack", "Value": "tandem"}]}
        ],
    )
    server = made["RouteServer"]["RouteServerId"]
    tandem.settle(60)
    ec2.associate_route_server(RouteServerId=server, VpcId=tandem.ids["vpc_id"])
    tandem.settle(60)
    ec2.enable_route_server_propagation(RouteServerId=server, RouteTableId=table)
    tandem.settle(60)
    return server, table


def propagated(server: str) -> list[str]:
    found = boto3.client("ec2").get_route_server_propagations(RouteServerId=server)
    return [p["RouteTableId"] for p in found["RouteServerPropagations"]]


@pytest.mark.parametrize("manage", [True, False])
def test_another_route_servers_id_leaves_nothing_behind_that_tandem_manages(
    there: Managed, manage: bool
) -> None:
    mine, before = there.servers()[0]["RouteServerId"], there.world()
    other, table = another_server(there)
    wanted = there.wanted()
    wanted["manage"] = manage
    wanted["route_server"] |= {"id": other, "propagate_to": []}
    (problem,) = [p for p in there.apply(wanted)["problems"] if p["path"] == "route_server.id"]
    assert problem["what"] == f"is {other}, but Tandem manages {mine} for edge"
    assert problem["right"].startswith(f"{mine}, ")
    there.refresh()
    assert propagated(other) == [table]
    assert before["tables"] == propagated(mine)


def test_what_was_managed_and_is_watched_now_is_still_not_left_behind(there: Managed) -> None:
    watched = with_id(there) | {"manage": False}
    assert there.apply(watched)["problems"] == []
    there.refresh()
    watched["route_server"]["id"] = another_server(there)[0]
    assert any("but Tandem manages" in p["what"] for p in there.check(watched)["problems"])


def test_what_tandem_propagates_on_one_route_server_is_not_its_own_on_another(there: Managed) -> None:
    record = there.record()
    assert desired_of(record, "tandem").propagated == record.provisioned.propagated_to != ()
    elsewhere = replace(record, provisioned=replace(record.provisioned, route_server_id="rs-0a1b2c3d"))
    assert desired_of(elsewhere, "tandem").propagated == record.provisioned.propagated_to
    for server, propagates in ((record.provisioned.route_server_id, True), ("rs-0f0f0f0f", False)):
        document = with_id(there)
        document["route_server"]["id"] = server
        made = replace(record, topology=parse_topology(normalise(document)))
        assert bool(desired_of(made, "tandem").propagated) is propagates
