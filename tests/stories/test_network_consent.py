"""Stories of networks that lack their owner's tag: not entered, always left, in no other change's way."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from tests.managing import Managed, converged, managed, other_table, tags
from tests.shared_worlds import begins_in
from tests.topologies import set_at

TABLES = "route_server.propagate_to"


@pytest.fixture
@begins_in(converged)
def there():
    with converged() as tandem:
        yield tandem


@pytest.fixture
@begins_in(managed)
def empty():
    with managed() as tandem:
        yield tandem


def networks(tandem: Managed) -> list[str]:
    server = tandem.wanted()["route_server"]
    return [server["vpc_id"], *dict.fromkeys(server["endpoints"].values()), *server["propagate_to"]]


def untag(*resource_ids: str) -> None:
    boto3.client("ec2").delete_tags(Resources=list(resource_ids), Tags=[{"Key": "tandem:stack"}])


def missing(answer: dict[str, Any]) -> list[str]:
    return [problem["untagged"] for problem in answer["problems"]]


def drift(tandem: Managed) -> list[dict[str, Any]]:
    return [e["detail"] for e in tandem.events() if e["detail-type"] == "Drift Detected"]


def test_nothing_is_stored_before_every_owner_has_agreed(empty: Managed) -> None:
    untag(*networks(empty))
    answer = empty.apply(empty.wanted())
    assert not answer["stored"]
    assert sorted(set(missing(answer))) == sorted(networks(empty)) == sorted(answer["untagged"])
    assert all("tandem:stack=tandem on it: tandem apply --tag" in p["right"] for p in answer["problems"])


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ({"purpose": "x"}, "lacks its owner's tag"),
        ({"tandem__stack": "another"}, "its owner consents to another stack"),
    ],
)
def test_another_teams_route_table_is_refused_before_anything_is_stored(
    there: Managed, tag: dict[str, str], words: str
) -> None:
    table = other_table(there.ids["vpc_id"], **tag)
    wanted = there.wanted()
    tables = [*wanted["route_server"]["propagate_to"], table]
    (problem,) = there.apply(set_at(wanted, TABLES, tables))["problems"]
    assert problem["path"] == "route_server.propagate_to[1]"
    assert words in problem["what"]
    there.deliver()
    assert there.ec2_changes() == []


def test_a_second_endpoint_in_a_subnet_whose_tag_has_gone_is_refused(there: Managed) -> None:
    wanted = there.wanted()
    smaller = {n: s for n, s in wanted["route_server"]["endpoints"].items() if n != "az2-b"}
    untag(wanted["route_server"]["endpoints"]["az2-a"])
    for appliance in wanted["appliances"].values():
        appliance["peers"].pop("az2-b", None)
    there.run(set_at(wanted, "route_server.endpoints", smaller))
    assert missing(there.apply(there.wanted())) == [there.wanted()["route_server"]["endpoints"]["az2-b"]]


def test_a_change_that_enters_no_network_goes_through_without_tags(there: Managed) -> None:
    """With a warning for each; so does one where something there is broken."""
    untag(*networks(there))
    wanted = there.wanted(mode="dry-run")
    answer = there.apply(wanted)
    assert (answer["problems"], answer["stored"]) == ([], True)
    warned = [words for words in answer["warnings"] if "lacks its owner's tag" in words]
    assert len(warned) == len(answer["untagged"]) == 4
    (table,) = wanted["route_server"]["propagate_to"]
    server = there.servers()[0]["RouteServerId"]
    boto3.client("ec2").disable_route_server_propagation(RouteServerId=server, RouteTableId=table)
    there.settle(60)
    assert there.apply(there.wanted())["problems"] == []
    there.refresh()
    assert "EnableRouteServerPropagation" not in there.ec2_changes()
    failure = there.record().provisioned.failure
    assert f"{table} lacks its owner's tag" in failure


def test_what_cannot_be_repaired_any_more_is_told_at_the_first_refresh_and_once(there: Managed) -> None:
    untag(*networks(there))
    there.settle(120)
    there.refresh()
    (told,) = drift(there)
    assert "tandem:stack=tandem" in told["expected"]
    words = " ".join([told["observed"], *told["concerns"]])
    assert [resource_id for resource_id in networks(there) if resource_id not in words] == []
    there.settle(120)
    there.refresh()
    assert (drift(there), there.ec2_changes()) == ([], [])


def test_what_was_created_can_go_without_any_tag(there: Managed) -> None:
    untag(*networks(there))
    there.settle(60)
    there.delete(resources=True)
    for _ in range(10):
        if there.record() is None:
            break
        there.settle(60)
        there.invoke({"action": "refresh", "due_only": True})
    assert there.everything() == []


def test_an_organisations_tags_are_on_all_that_is_managed_and_follow_the_document(empty: Managed) -> None:
    refused = empty.apply(empty.wanted(tags={"CostCenter": "7", "Owner": "noc"}))["problems"]
    assert [problem["path"] for problem in refused] == ["tags.Owner"]
    assert "ResourceTagKeys" in refused[0]["right"]
    for wanted in ({"CostCenter": "7"}, {"CostCenter": "8"}):
        empty.run(empty.wanted(tags=wanted))
        assert {tags(row)["CostCenter"] for row in empty.everything()} == {wanted["CostCenter"]}
    empty.refresh()
    assert empty.ec2_changes() == []


@pytest.mark.parametrize(
    "action", ["AssociateRouteServer", "CreateRouteServerEndpoint", "EnableRouteServerPropagation"]
)
def test_a_tag_that_iam_does_not_see_yet_is_waited_for(empty: Managed, action: str) -> None:
    """The owner has just written it, and DescribeTags shows it: one run gets there."""
    empty.lab.levers.fault(action=action, error="UnauthorizedOperation", count=6)
    empty.apply(empty.wanted())
    empty.deliver()
    assert "Provisioning Failed" not in [event["detail-type"] for event in empty.events()]
    assert empty.record().provisioned.failure is None
    empty.converge(5)
    assert empty.record().provisioned.pending == ()


def test_a_refusal_that_stays_is_a_failure_in_the_same_run(empty: Managed) -> None:
    empty.lab.levers.fault(action="EnableRouteServerPropagation", error="UnauthorizedOperation")
    empty.apply(empty.wanted())
    empty.deliver()
    assert "Provisioning Failed" in [event["detail-type"] for event in empty.events()]
