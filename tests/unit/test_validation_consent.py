"""The owner's tag on the networks that a managed route server enters."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tandem.provisioning.managed import Desired, Observed
from tandem.provisioning.manageplan import plan
from tandem.reasons.provisioning import ProvisioningCode
from tandem.topology.consent import network_problems, network_warnings, networks, was_declared
from tandem.topology.problems import problem_at
from tandem.words.provisioning import line_of, said
from tests.topologies import PROTECTED, STACK, SUBNET, VPC, inventory, topology

AGREED = dict.fromkeys((VPC, f"{SUBNET}1", f"{SUBNET}2", PROTECTED), STACK)
MANAGED = topology(manage=True)


def test_a_watched_route_server_enters_nothing() -> None:
    assert list(networks(topology(manage=False))) == []


def test_every_network_is_named_where_the_document_names_it() -> None:
    found = dict(networks(MANAGED))
    assert found == {
        "route_server.vpc_id": VPC,
        "route_server.endpoints.az1-a": f"{SUBNET}1",
        "route_server.endpoints.az1-b": f"{SUBNET}1",
        "route_server.endpoints.az2-a": f"{SUBNET}2",
        "route_server.endpoints.az2-b": f"{SUBNET}2",
        "route_server.propagate_to[0]": PROTECTED,
    }


@pytest.mark.parametrize("consents", [{}, AGREED], ids=["unreadable", "agreed"])
def test_nothing_is_wrong_where_the_owner_agrees_or_nobody_can_tell(consents: dict[str, str | None]) -> None:
    """IAM judges the calls in any case."""
    world = replace(inventory(), consents=consents)
    assert network_problems(MANAGED, world) == ()
    assert list(network_warnings(MANAGED, world)) == []
    steps = plan(Desired(MANAGED, STACK), Observed(consents=consents))
    assert [step.refused for step in steps if step.refused] == []


@pytest.mark.parametrize("tag", [None, "another"])
@pytest.mark.parametrize("resource_id", AGREED)
def test_a_network_without_consent_is_one_problem_and_no_step_enters_it(
    resource_id: str, tag: str | None
) -> None:
    consents = {**AGREED, resource_id: tag}
    (problem,) = network_problems(MANAGED, replace(inventory(), consents=consents))
    assert resource_id in said(problem).what
    assert f"tandem:stack={STACK if tag is None else json.dumps(STACK)}" in said(problem).right
    assert problem.untagged == (resource_id if tag is None else None)
    steps = plan(Desired(MANAGED, STACK), Observed(consents=consents))
    refused = {line_of(step.refused) for step in steps if step.refused}
    assert line_of(problem) in refused
    assert all(resource_id in words for words in refused)


def test_a_missing_tag_is_old_only_for_the_same_resource_and_purpose() -> None:
    other = "rtb-0a1b2c3d4e5f60002"
    wanted = topology(
        manage=True,
        route_server=MANAGED.document["route_server"]
        | {"propagate_to": [other, PROTECTED]}
        | {"endpoints": {"az1-a": f"{SUBNET}1", "az1-c": f"{SUBNET}1"}},
    )
    for tag in (None, "another"):
        consents = dict.fromkeys((VPC, f"{SUBNET}1", PROTECTED, other), tag)
        steps = plan(Desired(wanted, STACK), Observed(consents=consents))
        refused = [step.refused for step in steps if step.refused]
        new = [p.path for p in refused if not was_declared(p, wanted, MANAGED)]
        assert new == ["route_server.endpoints.az1-c", "route_server.propagate_to[0]"]
        assert all(not was_declared(p, wanted, topology(manage=False)) for p in refused)
    failed = problem_at("route_server.endpoints.az1-a", ProvisioningCode.GIVEN_UP, "az1-a")
    assert not was_declared(failed, wanted, MANAGED)


def test_what_does_not_exist_is_not_said_to_lack_a_tag() -> None:
    world = replace(inventory(), consents=dict.fromkeys(AGREED), route_tables={}, subnets={})
    assert [problem.untagged for problem in network_problems(MANAGED, world)] == [VPC]
    assert network_problems(MANAGED, replace(world, vpc_prefixes=())) == ()
