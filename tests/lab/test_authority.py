"""Tests what a deployed role may do to EC2, as the lab judges it."""

import io
import json
import zipfile

import boto3
import pytest
from moto import mock_aws

from lab.authority import DeployedRoles, Request, access_key_of, parse, refusal

ROLE = "arn:aws:iam::123456789012:role/failover"
EIP = "arn:aws:ec2:us-east-1:123456789012:elastic-ip/eipalloc-1"
ENI = "arn:aws:ec2:us-east-1:123456789012:network-interface/eni-1"
NEW_PEER = "arn:aws:ec2:us-east-1:123456789012:route-server-peer/*"
OURS = {"tandem:stack": "tandem"}
ASSOCIATE = {
    "Effect": "Allow",
    "Action": "ec2:AssociateAddress",
    "Resource": ["arn:aws:ec2:*:*:elastic-ip/*", "arn:aws:ec2:*:*:network-interface/*"],
    "Condition": {"StringEquals": {"aws:ResourceTag/tandem:stack": "tandem"}},
}
TAG_NEW = {
    "Effect": "Allow",
    "Action": "ec2:CreateTags",
    "Resource": "*",
    "Condition": {
        "StringEquals": {
            "ec2:CreateAction": ["CreateRouteServerPeer"],
            "aws:RequestTag/tandem:stack": "tandem",
        },
        "ForAllValues:StringEquals": {"aws:TagKeys": ["tandem:stack", "Name"]},
    },
}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def judge(statements, action, resources, request_tags=None, create_action=None):
    keys = {} if create_action is None else {"ec2:CreateAction": create_action}
    request = Request(action, resources, request_tags or {}, keys)
    return refusal(ROLE, [parse(policy(*statements))], request)


def test_every_resource_must_be_allowed():
    assert judge([ASSOCIATE], "ec2:AssociateAddress", [(EIP, OURS), (ENI, OURS)]) is None
    reason = judge([ASSOCIATE], "ec2:AssociateAddress", [(EIP, OURS), (ENI, {})])
    assert reason == f"{ROLE} is not authorized to perform ec2:AssociateAddress on {ENI}: no policy allows it"


@pytest.mark.parametrize(
    ("tags", "allowed"),
    [(OURS, True), ({"tandem:stack": "other"}, False), ({"Tandem:Stack": "tandem"}, True), ({}, False)],
)
def test_the_tag_of_the_owner_decides(tags, allowed):
    assert (judge([ASSOCIATE], "ec2:AssociateAddress", [(EIP, tags)]) is None) is allowed


def test_another_action_or_resource_is_refused():
    assert judge([ASSOCIATE], "ec2:DisassociateAddress", [(EIP, OURS)]) is not None
    assert (
        judge([ASSOCIATE], "ec2:AssociateAddress", [(EIP.replace("elastic-ip", "instance"), OURS)])
        is not None
    )


def test_a_denial_wins_and_says_so():
    deny = {"Effect": "Deny", "Action": "ec2:*", "Resource": ENI}
    reason = judge([ASSOCIATE, deny], "ec2:AssociateAddress", [(ENI, OURS)])
    assert reason is not None
    assert reason.endswith("a policy denies it")


@pytest.mark.parametrize(
    ("tags", "create_action", "allowed"),
    [
        (OURS, "CreateRouteServerPeer", True),
        (OURS | {"Name": "x"}, "CreateRouteServerPeer", True),
        (OURS | {"owner": "x"}, "CreateRouteServerPeer", False),
        ({"tandem:stack": "other"}, "CreateRouteServerPeer", False),
        (OURS, "CreateRouteServer", False),
        (OURS, None, False),
    ],
)
def test_tags_may_be_written_only_with_a_creation_and_only_these(tags, create_action, allowed):
    reason = judge([TAG_NEW], "ec2:CreateTags", [(NEW_PEER, {})], tags, create_action)
    assert (reason is None) is allowed


@pytest.mark.parametrize(
    ("condition", "tags", "allowed"),
    [
        ({"StringEqualsIfExists": {"ec2:ResourceTag/tandem:stack": "tandem"}}, {}, True),
        ({"StringEqualsIfExists": {"ec2:ResourceTag/tandem:stack": "tandem"}}, {"tandem:stack": "x"}, False),
        ({"Null": {"aws:ResourceTag/tandem:stack": "true"}}, {}, True),
        ({"Null": {"aws:ResourceTag/tandem:stack": "true"}}, OURS, False),
        ({"StringLike": {"aws:ResourceTag/tandem:stack": "tan*"}}, OURS, True),
        ({"StringNotEquals": {"aws:ResourceTag/tandem:stack": "tandem"}}, OURS, False),
        ({"StringEquals": {"ec2:Region": "us-east-1"}}, {}, True),
    ],
)
def test_conditions(condition, tags, allowed):
    statement = {"Effect": "Allow", "Action": "ec2:*", "Resource": "*", "Condition": condition}
    assert (judge([statement], "ec2:ReplaceRoute", [(EIP, tags)]) is None) is allowed


@pytest.fixture
def account(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield boto3.session.Session(region_name="us-east-1")


def deploy_function(session, name):
    """A function whose role has an inline and a managed policy; returns the key that ministack gives it."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    iam = session.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=policy(ASSOCIATE))
    managed = iam.create_policy(PolicyName=f"{name}-tags", PolicyDocument=policy(TAG_NEW))
    iam.attach_role_policy(RoleName=name, PolicyArn=managed["Policy"]["Arn"])
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", "def handler(event, context): pass")
    function = session.client("lambda").create_function(
        FunctionName=name,
        Role=role,
        Runtime="python3.13",
        Handler="app.handler",
        Code={"ZipFile": code.getvalue()},
    )
    return access_key_of(function["FunctionArn"], role)


def test_a_function_is_judged_by_its_deployed_role(account):
    key = deploy_function(account, "failover")
    roles = DeployedRoles(account)
    assert roles.allow(key, "ec2:AssociateAddress", [(EIP, OURS), (ENI, OURS)], {}, {}) is None
    assert (
        roles.allow(
            key, "ec2:CreateTags", [(NEW_PEER, {})], OURS, {"ec2:CreateAction": "CreateRouteServerPeer"}
        )
        is None
    )
    refused = roles.allow(key, "ec2:ReleaseAddress", [(EIP, OURS)], {}, {})
    assert refused is not None
    assert "role/failover is not authorized to perform ec2:ReleaseAddress" in refused


def test_a_function_deployed_later_is_found(account):
    roles = DeployedRoles(account)
    assert roles.allow("ASIA0000000000000000", "ec2:CreateVpc", [("*", {})], {}, {}) is not None
    key = deploy_function(account, "later")
    assert roles.allow(key, "ec2:AssociateAddress", [(EIP, OURS)], {}, {}) is None


def test_the_operator_may_do_everything(account):
    assert DeployedRoles(account).allow("123456789012", "ec2:CreateVpc", [("*", {})], {}, {}) is None
