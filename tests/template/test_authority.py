"""Tests who may do what (docs/security.md#what-each-role-may-do), judged by an IAM evaluator and by
AWS's list of actions and resources.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import botocore
import botocore.session
import pytest
from ministack.core.iam_evaluator import (
    EvalContext,
    evaluate,
    evaluate_resource_policy,
    parse_policy_document,
)

from tests.template.rendering import ACCOUNT, FUNCTIONS, KEY, PARTITION, REGION, ROOT, STACK, Stack

ACTIONS: dict[str, Any] = json.loads(
    files("cfnlint").joinpath("data", "AdditionalSpecs", "Policies.json").read_text(encoding="utf-8")
)
"""By service prefix: every IAM action, and the resources that it can be limited to."""

EC2 = f"arn:{PARTITION}:ec2:{REGION}:{ACCOUNT}"
BUS = f"arn:{PARTITION}:events:{REGION}:{ACCOUNT}:event-bus/{STACK}"
TOPIC = f"arn:{PARTITION}:sns:{REGION}:{ACCOUNT}:some-route-server"
LAMBDAS_OWN = {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"}
"""Used by Lambda in the role's name: its log, and the queue of what it failed on."""

DEPENDENT = {
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:CreateSecurityGroup",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteSecurityGroup",
    "ec2:DeleteTags",
    "ec2:DescribeSecurityGroups",
    "ec2:RevokeSecurityGroupIngress",
    "sns:CreateTopic",
    "sns:DeleteTopic",
}
"""Used by EC2 with the caller's rights, when a route server, endpoint or peer comes or goes
(docs/aws-facts.md#caller-rights)."""

ADAPTERS = ROOT / "layers" / "tandem" / "tandem" / "adapters"
OURS, THEIRS = {"aws:resourcetag/tandem:stack": STACK}, {"aws:resourcetag/tandem:stack": "another"}
EVERY_ROLE = tuple(f"{name}Role" for name in FUNCTIONS)


def leading(kind: str) -> dict[str, object]:
    return {"dynamodb:leadingkeys": [kind]}


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def granted(stack: Stack) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every action that any identity of the stack gets: who, which, in which statement."""
    for who, statement in stated(stack):
        if statement["Effect"] == "Allow":
            yield from ((who, action, statement) for action in listed(statement["Action"]))


def stated(stack: Stack) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of an identity of the stack, with whose it is."""
    for role in stack.of("AWS::IAM::Role"):
        yield from ((role, statement) for statement in stack.statements(role))
    for name, policy in stack.of("AWS::IAM::ManagedPolicy").items():
        if "Roles" not in policy:
            yield from ((name, statement) for statement in policy["PolicyDocument"]["Statement"])


def may(documents: list[dict[str, Any]], action: str, resource: str, **keys: object) -> bool:
    context = EvalContext(
        principal_arn=f"arn:{PARTITION}:sts::{ACCOUNT}:assumed-role/x/y",
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=action,
        resource_arn=resource,
        region=REGION,
        service_context={"aws:tagkeys": None} | keys,
    )
    return bool(evaluate(context, [parse_policy_document(d) for d in documents]).decision == "Allow")


def test_every_function_has_a_role_that_no_other_has(any_stack: Stack) -> None:
    roles = {f: p["Role"] for f, p in any_stack.of("AWS::Lambda::Function").items()}
    assert roles == {f"{name}Function": f"{name}Role.Arn" for name in FUNCTIONS}


def test_roles_are_for_one_service_and_have_no_policies_of_others(any_stack: Stack) -> None:
    for name, role in any_stack.of("AWS::IAM::Role").items():
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        service = "events.amazonaws.com" if name == "CentralBusRole" else "lambda.amazonaws.com"
        assert trust["Principal"] == {"Service": service}, name
        assert "ManagedPolicyArns" not in role, name


def test_actions_exist_and_are_listed_one_by_one(any_stack: Stack) -> None:
    for who, action, statement in granted(any_stack):
        service, _, name = action.partition(":")
        assert name.lower() in ACTIONS[service]["Actions"], f"{who}: IAM knows no {action}"
        assert not {"NotAction", "NotResource"} & statement.keys(), who


def test_every_resource_is_granted_only_where_iam_knows_none(any_stack: Stack) -> None:
    for who, action, statement in granted(any_stack):
        if "*" in listed(statement["Resource"]):
            service, _, name = action.partition(":")
            known = ACTIONS[service]["Actions"][name.lower()]
            assert "Resources" not in known, f"{who}: {action} takes resources"
            assert name.startswith(("Describe", "Get", "List", "Lookup")), f"{who}: {action} on everything"


def test_the_code_has_the_rights_that_it_uses_and_no_others(stack: Stack) -> None:
    """Over all roles together; who has which right is what the tests below say."""
    roles = stack.of("AWS::IAM::Role")
    held = {action for who, action, _ in granted(stack) if who in roles} - LAMBDAS_OWN
    assert held == called() | DEPENDENT


def called() -> set[str]:
    """The actions of every AWS call in the adapters."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in ADAPTERS.glob("*.py"))
    methods = {*re.findall(r"\.([a-z_0-9]+)\(", text), *re.findall(r"\"([a-z_0-9]+)\"", text)}
    session = botocore.session.get_session()
    return {
        f"{service}:{operation}"
        for service in ("cloudtrail", "dynamodb", "ec2", "events", "logs", "s3", "sns", "sqs")
        for operation in session.get_service_model(service).operation_names
        if botocore.xform_name(operation) in methods
    }


def test_only_failover_may_move_addresses_and_only_the_provisioner_changes_the_rest(any_stack: Stack) -> None:
    changing: dict[str, set[str]] = {}
    for who, action, _ in granted(any_stack):
        if action.startswith("ec2:") and not action.startswith(("ec2:Describe", "ec2:Get")):
            changing.setdefault(who, set()).add(action)
    assert changing.pop("FailoverRole") == {"ec2:AssociateAddress"}
    assert "ec2:AssociateAddress" not in changing.pop("ProvisionerRole")
    assert changing == {}


def test_who_reads_cloudtrails_history_and_the_provisioner_knows_its_own_role(stack: Stack) -> None:
    assert [who for who, action, _ in granted(stack) if action == "cloudtrail:LookupEvents"] == [
        "ProvisionerRole",
        "ComplianceRole",
    ]
    function = stack.of("AWS::Lambda::Function")["ProvisionerFunction"]
    assert function["Environment"]["Variables"]["TANDEM_PROVISIONER_ROLE"] == "ProvisionerRole"


ROUTE_SERVERS = ("route-server/rs-0a01", "route-server-endpoint/rse-0a01", "route-server-peer/rsp-0a01")
MANAGED, CONSENT = {"aws:resourcetag/tandem:managed-by": STACK}, OURS
ASKED = {"aws:requesttag/tandem:managed-by": STACK, "aws:tagkeys": ["tandem:managed-by", "tandem:topology"]}
ALIEN = {"aws:resourcetag/tandem:managed-by": "another"}
CREATING = {
    "route-server/*": "CreateRouteServer",
    "route-server-endpoint/*": "CreateRouteServerEndpoint",
    "route-server-peer/*": "CreateRouteServerPeer",
}


@pytest.mark.parametrize(("kind", "action"), CREATING.items())
def test_the_provisioner_creates_only_what_says_whose_it_is(stack: Stack, kind: str, action: str) -> None:
    role, resource = stack.documents("ProvisionerRole"), f"{EC2}:{kind}"
    assert may(role, f"ec2:{action}", resource, **ASKED)
    assert may(role, "ec2:CreateTags", resource, **{"ec2:createaction": action}, **ASKED)
    assert not may(role, f"ec2:{action}", resource)
    other = ASKED | {"aws:requesttag/tandem:managed-by": "another"}
    assert not may(role, f"ec2:{action}", resource, **other)
    owners = ASKED | {"aws:tagkeys": ["tandem:managed-by", "tandem:stack"]}
    assert not may(role, f"ec2:{action}", resource, **owners)
    assert not may(role, "ec2:CreateTags", resource, **{"ec2:createaction": action}, **owners)


CHANGES = {
    "route-server/rs-0a01": (
        "AssociateRouteServer",
        "CreateRouteServerEndpoint",
        "DeleteRouteServer",
        "DisableRouteServerPropagation",
        "DisassociateRouteServer",
        "EnableRouteServerPropagation",
        "ModifyRouteServer",
    ),
    "route-server-endpoint/rse-0a01": ("CreateRouteServerPeer", "DeleteRouteServerEndpoint"),
    "route-server-peer/rsp-0a01": ("DeleteRouteServerPeer",),
}


@pytest.mark.parametrize(
    ("kind", "action"), [(kind, a) for kind, actions in CHANGES.items() for a in actions]
)
def test_the_provisioner_changes_only_what_it_manages(stack: Stack, kind: str, action: str) -> None:
    role, resource = stack.documents("ProvisionerRole"), f"{EC2}:{kind}"
    assert may(role, f"ec2:{action}", resource, **MANAGED)
    for asked in ({}, ASKED):  # what the request says of the new resource gives no right on the old one
        assert not may(role, f"ec2:{action}", resource, **ALIEN, **asked)
        assert not may(role, f"ec2:{action}", resource, **CONSENT, **asked)
        assert not may(role, f"ec2:{action}", resource, **asked)


@pytest.mark.parametrize("kind", ROUTE_SERVERS)
def test_the_provisioner_adopts_with_the_owners_consent_only(stack: Stack, kind: str) -> None:
    role, resource = stack.documents("ProvisionerRole"), f"{EC2}:{kind}"
    assert may(role, "ec2:CreateTags", resource, **CONSENT, **ASKED)
    assert may(role, "ec2:CreateTags", resource, **MANAGED, **ASKED)
    assert not may(role, "ec2:CreateTags", resource, **ASKED)
    assert not may(role, "ec2:CreateTags", resource, **THEIRS, **ASKED)


@pytest.mark.parametrize("kind", ["route-server/rs-0a01", "route-server-endpoint/rse-0a01"])
def test_the_provisioner_deletes_nothing_that_it_adopted(stack: Stack, kind: str) -> None:
    role, resource = stack.documents("ProvisionerRole"), f"{EC2}:{kind}"
    action = "ec2:DeleteRouteServer" if kind.startswith("route-server/") else "ec2:DeleteRouteServerEndpoint"
    assert may(role, action, resource, **MANAGED)
    assert not may(role, action, resource, **MANAGED, **{"aws:resourcetag/tandem:adopted": "true"})


@pytest.mark.parametrize("kind", ["route-server/rs-0a01", "route-server-endpoint/rse-0a01"])
def test_what_another_stack_manages_is_not_adopted(stack: Stack, kind: str) -> None:
    """Not even where the owner has consented to this stack already."""
    role, resource = stack.documents("ProvisionerRole"), f"{EC2}:{kind}"
    assert may(role, "ec2:CreateTags", resource, **CONSENT, **ASKED)
    assert not may(role, "ec2:CreateTags", resource, **CONSENT, **ASKED, **ALIEN)


def test_the_provisioner_lets_only_interfaces_forward_whose_owner_consents(stack: Stack) -> None:
    role, resource = stack.documents("ProvisionerRole"), f"{EC2}:network-interface/eni-0a01"
    forwards = {"ec2:attribute/sourcedestcheck": "false"}
    assert may(role, "ec2:ModifyNetworkInterfaceAttribute", resource, **OURS, **forwards)
    assert not may(role, "ec2:ModifyNetworkInterfaceAttribute", resource, **THEIRS, **forwards)
    assert not may(role, "ec2:ModifyNetworkInterfaceAttribute", resource, **forwards)
    for other in ({}, {"ec2:attribute/sourcedestcheck": "true"}, {"ec2:attribute/groupset": "sg-1"}):
        assert not may(role, "ec2:ModifyNetworkInterfaceAttribute", resource, **OURS, **other)


@pytest.mark.parametrize("kind", ["elastic-ip/eipalloc-0c01", "network-interface/eni-0a01"])
def test_failover_touches_what_its_owner_has_tagged_for_this_stack(stack: Stack, kind: str) -> None:
    role = stack.documents("FailoverRole")
    assert may(role, "ec2:AssociateAddress", f"{EC2}:{kind}", **OURS)
    assert not may(role, "ec2:AssociateAddress", f"{EC2}:{kind}", **THEIRS)
    assert not may(role, "ec2:AssociateAddress", f"{EC2}:{kind}")


def test_failover_moves_to_interfaces_never_to_instances(stack: Stack) -> None:
    assert not may(stack.documents("FailoverRole"), "ec2:AssociateAddress", f"{EC2}:instance/i-0a01", **OURS)


@pytest.mark.parametrize("action", ["CreateTags", "DeleteTags"])
@pytest.mark.parametrize("kind", [*ROUTE_SERVERS, "network-interface/eni-0a01", "elastic-ip/eipalloc-0c01"])
def test_nothing_in_the_stack_may_write_the_owners_tag(stack: Stack, kind: str, action: str) -> None:
    for role in EVERY_ROLE:
        for known in ({}, OURS, MANAGED, {"ec2:createaction": "CreateRouteServer"}):
            keys = {**known, "aws:tagkeys": ["tandem:managed-by", "tandem:stack"]}
            keys["aws:requesttag/tandem:managed-by"] = keys["aws:requesttag/tandem:stack"] = STACK
            assert not may(stack.documents(role), f"ec2:{action}", f"{EC2}:{kind}", **keys), role


@pytest.mark.parametrize("kind", ["network-interface/eni-0a01", "security-group/sg-0a01"])
@pytest.mark.parametrize("action", ["CreateTags", "DeleteTags"])
def test_ec2_tags_what_endpoints_need_but_nothing_that_an_owner_has_tagged(
    stack: Stack, kind: str, action: str
) -> None:
    role, resource = stack.documents("ProvisionerRole"), f"{EC2}:{kind}"
    for keys in ({}, {"aws:tagkeys": ["Name"], "aws:requesttag/name": "x"}):
        assert may(role, f"ec2:{action}", resource, **keys)
        assert not may(role, f"ec2:{action}", resource, **OURS, **keys)
        assert not may(role, f"ec2:{action}", resource, **THEIRS, **keys)


@pytest.mark.parametrize("action", ["CreateTags", "DeleteTags"])
@pytest.mark.parametrize(
    "kind", [*ROUTE_SERVERS, "elastic-ip/eipalloc-0c01", "subnet/subnet-0a01", "vpc/vpc-0a01"]
)
def test_nothing_in_the_stack_may_touch_tags_without_saying_which(
    stack: Stack, kind: str, action: str
) -> None:
    """DeleteTags without tags takes them all, the owner's too; a call without keys passes ForAllValues."""
    for role in EVERY_ROLE:
        for known in ({}, OURS, MANAGED, {"ec2:createaction": "CreateRouteServer"}):
            assert not may(stack.documents(role), f"ec2:{action}", f"{EC2}:{kind}", **known), role


def test_tags_are_only_written_where_a_test_above_says(any_stack: Stack) -> None:
    writing = (("ec2:CreateTags", "ec2:DeleteTags"), ("tag", "untag"))
    tagging = {
        (who, action)
        for who, action, _ in granted(any_stack)
        if action in writing[0] or action.partition(":")[2].lower().startswith(writing[1])
    }
    assert tagging == {("ProvisionerRole", "ec2:CreateTags"), ("ProvisionerRole", "ec2:DeleteTags")}


@pytest.mark.parametrize("action", ["PutItem", "UpdateItem", "DeleteItem"])
@pytest.mark.parametrize("kind", ["topology", "request", "provision", "look", "override", "finding"])
@pytest.mark.parametrize("who", [*EVERY_ROLE, "TandemOperatorPolicy", "TandemOverridePolicy"])
def test_each_kind_of_state_has_one_writer(stack: Stack, who: str, kind: str, action: str) -> None:
    writers = {
        "topology": {"ProvisionerRole": {"PutItem", "UpdateItem", "DeleteItem"}},
        "request": {"ProvisionerRole": {"PutItem", "UpdateItem", "DeleteItem"}},
        "provision": {"ProvisionerRole": {"UpdateItem"}},
        "look": {"FailoverRole": {"UpdateItem"}},
        "override": {"TandemOverridePolicy": {"PutItem", "UpdateItem", "DeleteItem"}},
        "finding": {"ComplianceRole": {"UpdateItem"}},
    }
    expected = action in writers[kind].get(who, set())
    assert may(documents(stack, who), f"dynamodb:{action}", "StateTable.Arn", **leading(kind)) is expected


def documents(stack: Stack, who: str) -> list[dict[str, Any]]:
    if who in stack.of("AWS::IAM::ManagedPolicy"):
        return [stack.of("AWS::IAM::ManagedPolicy")[who]["PolicyDocument"]]
    return stack.documents(who)


def test_an_operators_overrides_do_not_show_topologies(stack: Stack) -> None:
    policy = documents(stack, "TandemOverridePolicy")
    assert may(policy, "dynamodb:Query", "StateTable.Arn", **leading("override"))
    assert not may(policy, "dynamodb:Query", "StateTable.Arn", **leading("topology"))


def test_the_audit_table_is_only_ever_appended_to(any_stack: Stack) -> None:
    on_audit = {
        (who, action) for who, action, s in granted(any_stack) if "AuditTable.Arn" in listed(s["Resource"])
    }
    assert on_audit == {("FailoverRole", "dynamodb:PutItem"), ("FailoverRole", "dynamodb:Query")}


def test_nobody_reads_or_writes_a_whole_table_at_once(any_stack: Stack) -> None:
    forbidden = {"Scan", "BatchWriteItem", "PartiQLUpdate", "PartiQLInsert", "PartiQLDelete", "PartiQLSelect"}
    assert {a for _, a, _ in granted(any_stack)}.isdisjoint({f"dynamodb:{name}" for name in forbidden})


@pytest.mark.parametrize("role", [*EVERY_ROLE, "AdminRole"])
def test_the_bus_hears_the_stacks_own_roles_only(stack: Stack, role: str) -> None:
    policy = stack.of("AWS::Events::EventBus")["Bus"]["Policy"]
    context = EvalContext(
        principal_arn=f"{role}.Arn",
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action="events:PutEvents",
        resource_arn=BUS,
        region=REGION,
        service_context={"aws:principalarn": f"{role}.Arn"},
    )
    denied = evaluate_resource_policy(policy, context).decision == "Deny"
    speaks = role in EVERY_ROLE and may(stack.documents(role), "events:PutEvents", BUS)
    assert denied is not speaks
    assert speaks is (
        role in {"FailoverRole", "SignalsRole", "WatchRole", "ProvisionerRole", "ComplianceRole"}
    )


def test_subscriptions_lead_to_the_stacks_own_functions_only(stack: Stack) -> None:
    role = stack.documents("ProvisionerRole")

    def subscribes(protocol: str, endpoint: str) -> bool:
        keys = {"sns:protocol": protocol, "sns:endpoint": endpoint}
        return may(role, "sns:Subscribe", TOPIC, **keys)

    assert subscribes("lambda", "FailoverFunction.Arn")
    assert subscribes("lambda", "SignalsFunction.Arn")
    assert not subscribes("lambda", "NotifierFunction.Arn")
    assert not subscribes("https", "https://example.com")


def test_only_the_notifier_publishes_and_only_to_its_topic(any_stack: Stack) -> None:
    publishing = [(who, s["Resource"]) for who, action, s in granted(any_stack) if action == "sns:Publish"]
    assert publishing == [("NotifierRole", "NotificationTopic")]


def test_policies_for_people_are_attached_to_nobody(any_stack: Stack) -> None:
    managed = dict(any_stack.of("AWS::IAM::ManagedPolicy"))
    for beside in ("ProvisionerBesideRouteServer", "ProvisionerTags"):
        assert managed.pop(beside)["Roles"] == ["ProvisionerRole"]
    assert set(managed) == {"TandemOperatorPolicy", "TandemOverridePolicy"}
    for policy in managed.values():
        assert not {"Roles", "Users", "Groups"} & policy.keys()


def test_an_operator_may_store_topologies_and_start_nothing_else(stack: Stack) -> None:
    policy = documents(stack, "TandemOperatorPolicy")
    functions = stack.of("AWS::Lambda::Function")
    startable = {name for name in functions if may(policy, "lambda:InvokeFunction", f"{name}.Arn")}
    assert startable == {"ProvisionerFunction"}


def test_only_a_key_of_the_owners_is_used_and_all_who_need_it_may(any_stack: Stack) -> None:
    using = {
        (who, action, s["Resource"]) for who, action, s in granted(any_stack) if action.startswith("kms:")
    }
    needed = ("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey")
    everybody = {(role, action, KEY) for role in EVERY_ROLE for action in needed}
    assert using == (everybody if "KeyUse" in any_stack.resources else set())
