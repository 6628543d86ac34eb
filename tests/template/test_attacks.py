"""Tests what somebody tries who runs code as one of the stack's roles, or may only store topologies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.template.rendering import ACCOUNT, FUNCTIONS, KEY, PARTITION, REGION, STACK, Stack, render
from tests.template.test_authority import ASKED as OURS_TO_BE
from tests.template.test_authority import EC2, documents, granted, leading, listed, may, stated

CONSENT, ANOTHERS = {"aws:resourcetag/tandem:stack": STACK}, {"aws:resourcetag/tandem:stack": "another"}
OWN_TOPIC = "NotificationTopic"
THEIR_TOPIC = f"arn:{PARTITION}:sns:{REGION}:{ACCOUNT}:theirs"
TANDEMS_KEYS = ("stack", "managed-by", "topology", "endpoint", "appliance", "adopted")
SPELLINGS = ("tandem:{}", "Tandem:{}", "TANDEM:{}", "tAnDeM:{}")
ENTERING = {
    "AssociateRouteServer": "vpc/vpc-0a01",
    "CreateRouteServerEndpoint": "subnet/subnet-0a01",
    "CreateNetworkInterface": "subnet/subnet-0a01",
    "EnableRouteServerPropagation": "route-table/rtb-0a01",
}
LEAVING = {
    "DisassociateRouteServer": "vpc/vpc-0a01",
    "DisableRouteServerPropagation": "route-table/rtb-0a01",
}


@pytest.fixture(scope="module")
def provisioner(stack: Stack) -> list[dict[str, Any]]:
    return stack.documents("ProvisionerRole")


def spelt(key: str) -> list[str]:
    """The key in every case, and what IAM takes for the same key."""
    return [spelling.format(each) for spelling in SPELLINGS for each in (key, key.upper(), key.title())]


@pytest.mark.parametrize(("action", "kind"), ENTERING.items())
def test_a_network_is_entered_only_with_its_owners_consent(
    provisioner: list[dict[str, Any]], action: str, kind: str
) -> None:
    assert may(provisioner, f"ec2:{action}", f"{EC2}:{kind}", **CONSENT)
    for tags in ({}, ANOTHERS, {"aws:resourcetag/tandem:managed-by": STACK}, OURS_TO_BE):
        assert not may(provisioner, f"ec2:{action}", f"{EC2}:{kind}", **tags)


@pytest.mark.parametrize(("action", "kind"), LEAVING.items())
def test_what_was_created_can_be_taken_back_without_consent(
    provisioner: list[dict[str, Any]], action: str, kind: str
) -> None:
    for tags in ({}, CONSENT, ANOTHERS):
        assert may(provisioner, f"ec2:{action}", f"{EC2}:{kind}", **tags)


@pytest.mark.parametrize("key", TANDEMS_KEYS)
@pytest.mark.parametrize("kind", ["network-interface/eni-0a01", "security-group/sg-0a01"])
@pytest.mark.parametrize("action", ["CreateTags", "DeleteTags"])
def test_no_role_writes_a_key_of_tandems_in_any_spelling(
    stack: Stack, action: str, kind: str, key: str
) -> None:
    for name in FUNCTIONS:
        role = stack.documents(f"{name}Role")
        for written in spelt(key):
            keys = {"aws:tagkeys": ["Name", written], f"aws:requesttag/{written}".lower(): STACK}
            assert not may(role, f"ec2:{action}", f"{EC2}:{kind}", **keys), (name, written)


@pytest.mark.parametrize("written", ["tandem:stack", "Tandem:stack", "tandem:Stack", "TANDEM:STACK"])
@pytest.mark.parametrize(
    "kind", ["route-server/rs-0a01", "route-server-endpoint/rse-0a01", "route-server-peer/rsp-0a01"]
)
def test_the_consent_is_not_written_beside_tandems_own_tags(written: str, kind: str) -> None:
    """Not even where somebody managed to put the key into the list of allowed ones."""
    role = render({"ResourceTagKeys": written}).documents("ProvisionerRole")
    asked = {
        **OURS_TO_BE,
        "aws:tagkeys": ["tandem:managed-by", written],
        f"aws:requesttag/{written}".lower(): STACK,
    }
    for known in (
        {},
        CONSENT,
        {"aws:resourcetag/tandem:managed-by": STACK},
        {"ec2:createaction": "CreateRouteServer"},
    ):
        assert not may(role, "ec2:CreateTags", f"{EC2}:{kind}", **known, **asked)


@pytest.mark.parametrize("known", [CONSENT, ANOTHERS])
@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("DeleteTags", "network-interface/eni-0a01"),
        ("CreateTags", "network-interface/eni-0a01"),
        ("DeleteNetworkInterface", "network-interface/eni-0a01"),
        ("CreateNetworkInterfacePermission", "network-interface/eni-0a01"),
        ("DeleteTags", "security-group/sg-0a01"),
        ("DeleteSecurityGroup", "security-group/sg-0a01"),
        ("AuthorizeSecurityGroupIngress", "security-group/sg-0a01"),
        ("RevokeSecurityGroupIngress", "security-group/sg-0a01"),
    ],
)
def test_what_an_owner_has_tagged_is_no_interface_of_an_endpoint(
    provisioner: list[dict[str, Any]], action: str, kind: str, known: dict[str, str]
) -> None:
    assert may(provisioner, f"ec2:{action}", f"{EC2}:{kind}")
    assert not may(provisioner, f"ec2:{action}", f"{EC2}:{kind}", **known)


def test_no_interface_is_handed_to_another_account(provisioner: list[dict[str, Any]]) -> None:
    to_account = {"ec2:authorizeduser": f"arn:{PARTITION}:iam::210987654321:root"}
    interface = f"{EC2}:network-interface/eni-0a01"
    assert not may(provisioner, "ec2:CreateNetworkInterfacePermission", interface, **to_account)


READ_BY = {
    "Failover": {"topology", "override"},  # its own look record comes with the answer to an update
    "Signals": {"topology"},
    "Watch": {"topology", "look"},
    "Provisioner": {"topology", "request", "override"},
    "Notifier": set[str](),
    "Compliance": {"topology", "look", "override", "heartbeat", "finding"},
}


@pytest.mark.parametrize("action", ["GetItem", "Query"])
@pytest.mark.parametrize(
    "kind", ["topology", "request", "provision", "look", "override", "finding", "heartbeat"]
)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_role_reads_the_kinds_of_state_that_its_function_needs(
    stack: Stack, name: str, kind: str, action: str
) -> None:
    """A `request` has the signed URL of a stack's answer: only the provisioner may see it."""
    role = stack.documents(f"{name}Role")
    by_item = kind == "finding" or name in {"Failover", "Provisioner", "Compliance"}
    by_query = kind != "finding"
    reads = kind in READ_BY[name] and (by_query if action == "Query" else by_item)
    assert may(role, f"dynamodb:{action}", "StateTable.Arn", **leading(kind)) is reads


@pytest.mark.parametrize("action", ["GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"])
def test_a_call_that_names_no_partition_is_refused(any_stack: Stack, action: str) -> None:
    """ForAllValues alone is true for it."""
    for who in (*(f"{name}Role" for name in FUNCTIONS), "TandemOverridePolicy"):
        for table in ("StateTable.Arn", "AuditTable.Arn"):
            assert not may(documents(any_stack, who), f"dynamodb:{action}", table), who


RECORD = ["sequence", "number", "previous", "hash", "body"]


@pytest.mark.parametrize(
    ("sequence", "attributes", "expected"),
    [
        ("failover#edge", RECORD, True),
        ("failover#edge", [*RECORD, "expires_at"], False),
        ("failover#edge", [*RECORD, "ttl"], False),
        ("failover#edge", None, False),
        ("provisioner#edge", RECORD, False),
        ("failover", RECORD, False),
        ("Failover#edge", RECORD, False),
    ],
)
def test_an_audit_record_has_its_five_attributes_and_is_of_a_failover_sequence(
    stack: Stack, sequence: str, attributes: list[str] | None, expected: bool
) -> None:
    keys = {**leading(sequence), "dynamodb:attributes": attributes}
    assert may(stack.documents("FailoverRole"), "dynamodb:PutItem", "AuditTable.Arn", **keys) is expected


def test_only_failovers_own_sequences_are_read(stack: Stack) -> None:
    role = stack.documents("FailoverRole")
    assert may(role, "dynamodb:Query", "AuditTable.Arn", **leading("failover#edge"))
    assert not may(role, "dynamodb:Query", "AuditTable.Arn", **leading("provisioner#edge"))


@pytest.mark.parametrize("subscription", ["", ":0a1b2c3d"])
def test_nobody_is_cut_off_from_the_notifications(stack: Stack, subscription: str) -> None:
    """Nor does anybody learn from the topic who gets them."""
    own = f"arn:{PARTITION}:sns:{REGION}:{ACCOUNT}:tandem-notifications"
    deployed = json.dumps(stack.documents("ProvisionerRole")).replace(f'"{OWN_TOPIC}', f'"{own}')
    role = json.loads(deployed)
    keys = {"sns:protocol": "lambda", "sns:endpoint": "FailoverFunction.Arn"}
    held = {action for who, action, _ in granted(stack) if who == "ProvisionerRole"}
    on_topics = {action for action in held if action.startswith("sns:")}
    assert on_topics >= {"sns:DeleteTopic", "sns:Unsubscribe"}
    for action in on_topics:
        assert may(role, action, THEIR_TOPIC, **keys)
        assert not may(role, action, own + subscription, **keys), action


@pytest.mark.parametrize("missing", ["sns:protocol", "sns:endpoint"])
def test_a_subscription_says_what_it_is(stack: Stack, missing: str) -> None:
    keys = {"sns:protocol": "lambda", "sns:endpoint": "FailoverFunction.Arn"}
    assert may(stack.documents("ProvisionerRole"), "sns:Subscribe", THEIR_TOPIC, **keys)
    del keys[missing]
    assert not may(stack.documents("ProvisionerRole"), "sns:Subscribe", THEIR_TOPIC, **keys)


@pytest.mark.parametrize("suffix", ["amazonaws.com", "amazonaws.com.cn"])
@pytest.mark.parametrize(
    ("service", "expected"), [("dynamodb", True), ("sns", True), ("sqs", True), ("s3", True), ("ec2", False)]
)
def test_the_owners_key_serves_tables_topic_queues_and_bucket_only(
    service: str, suffix: str, expected: bool
) -> None:
    role = render({"KmsKeyArn": KEY}).documents("FailoverRole")
    via = {"kms:viaservice": f"{service}.{REGION}.{suffix}"}
    assert may(role, "kms:Decrypt", KEY, **via) is expected
    assert not may(role, "kms:Decrypt", KEY)
    assert not may(role, "kms:Decrypt", KEY, **{"kms:viaservice": f"{service}.eu-west-1.{suffix}"})


def test_every_role_has_the_boundary_of_the_organisation() -> None:
    boundary = "arn:aws:iam::123456789012:policy/boundary"
    everything = {
        "PermissionsBoundaryArn": boundary,
        "CentralBusArn": "arn:aws:events:eu-west-1:210987654321:event-bus/c",
    }
    roles = render(everything).of("AWS::IAM::Role")
    assert len(roles) == len(FUNCTIONS) + 1
    assert {role["PermissionsBoundary"] for role in roles.values()} == {boundary}
    assert not any("PermissionsBoundary" in role for role in render().of("AWS::IAM::Role").values())


@pytest.mark.parametrize(("keys", "expected"), [("", False), ("Owner", False), ("CostCenter,Owner", True)])
def test_tag_keys_of_the_organisation_extend_the_closed_list(keys: str, expected: bool) -> None:
    role = render({"ResourceTagKeys": keys}).documents("ProvisionerRole")
    asked = {**OURS_TO_BE, "aws:tagkeys": ["tandem:managed-by", "CostCenter", "Owner"]}
    for action, kind in (
        ("CreateRouteServer", "route-server"),
        ("CreateRouteServerPeer", "route-server-peer"),
    ):
        assert may(role, f"ec2:{action}", f"{EC2}:{kind}/*", **asked) is expected
        assert (
            may(role, "ec2:CreateTags", f"{EC2}:{kind}/*", **{"ec2:createaction": action}, **asked)
            is expected
        )


def test_what_a_statement_denies_is_known(any_stack: Stack) -> None:
    denied = {(who, *listed(s["Resource"])) for who, s in stated(any_stack) if s["Effect"] == "Deny"}
    assert denied == {("ProvisionerRole", OWN_TOPIC, f"{OWN_TOPIC}:*")}
