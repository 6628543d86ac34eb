"""Applies the deployed roles to EC2 calls: the access key tells who calls, IAM what they may do."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import boto3.session
from ministack.core.iam_evaluator import EvalContext, ParsedStatement, evaluate, parse_policy_document

from lab.ec2.authorizer import role_session, user
from lab.session import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_lambda import LambdaClient

POLICY_AGE_SECONDS = 30.0  # a changed policy takes a while on AWS as well
_SESSION_KEY_PREFIX = "ASIA"

Policies = list[list[ParsedStatement]]


@dataclass(frozen=True, slots=True)
class Request:
    """One question to IAM: may this role do that to these resources, each with the tags that it has now?"""

    action: str
    resources: Sequence[tuple[str, Mapping[str, str]]]
    request_tags: Mapping[str, str]
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Known:
    policies: Policies
    read_at: float


class DeployedRoles:
    """The lab's `Authorizer`. The operator, who has no session of a function, may do everything."""

    def __init__(self, session: boto3.session.Session) -> None:
        self._iam: IAMClient = session.client("iam")
        self._lambda: LambdaClient = session.client("lambda")
        self._roles: dict[str, str] = {}
        self._policies: dict[str, _Known] = {}
        self._lock = threading.Lock()

    def allow(
        self,
        access_key_id: str,
        action: str,
        resources: Sequence[tuple[str, Mapping[str, str]]],
        request_tags: Mapping[str, str],
        keys: Mapping[str, str],
    ) -> str | None:
        """None when allowed, else the reason in words."""
        if not access_key_id.startswith(_SESSION_KEY_PREFIX):
            return None
        with self._lock:
            role_arn = self._role_of(access_key_id)
            if role_arn is None:
                return f"the access key {access_key_id} belongs to no function of this account"
            policies = self._policies_of(role_arn.rsplit("/", 1)[-1])
        return refusal(role_arn, policies, Request(action, resources, request_tags, keys))

    def identity(self, access_key_id: str) -> Mapping[str, object]:
        """A function's session, the root of the account, or a user named as the access key."""
        if access_key_id == ACCOUNT_ID:
            return {"type": "Root", "arn": f"arn:aws:iam::{ACCOUNT_ID}:root"}
        if not access_key_id.startswith(_SESSION_KEY_PREFIX):
            return user(access_key_id)
        with self._lock:
            role_arn = self._role_of(access_key_id) or "unknown"
        return role_session(role_arn.rsplit("/", 1)[-1], access_key_id)

    def _role_of(self, access_key_id: str) -> str | None:
        if access_key_id not in self._roles:
            self._roles = dict(self._function_roles())
        return self._roles.get(access_key_id)

    def _function_roles(self) -> Iterator[tuple[str, str]]:
        for page in self._lambda.get_paginator("list_functions").paginate(FunctionVersion="ALL"):
            for function in page["Functions"]:
                arn, role = function["FunctionArn"], function["Role"]
                # a published version signs as itself, $LATEST as the function
                yield access_key_of(arn.removesuffix(":$LATEST"), role), role

    def _policies_of(self, role: str) -> Policies:
        known = self._policies.get(role)
        if known is None or time.monotonic() - known.read_at > POLICY_AGE_SECONDS:
            known = _Known([parse(document) for document in self._documents(role)], time.monotonic())
            self._policies[role] = known
        return known.policies

    def _documents(self, role: str) -> Iterator[object]:
        for name in self._iam.list_role_policies(RoleName=role)["PolicyNames"]:
            yield self._iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for attached in self._iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
            arn = attached["PolicyArn"]
            version = self._iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            policy = self._iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
            yield policy["Document"]


def parse(document: object) -> list[ParsedStatement]:
    """A policy, as IAM gives it or as a template writes it."""
    text = document if isinstance(document, str) else json.dumps(document)
    statements: list[ParsedStatement] = parse_policy_document(text)
    return statements


def access_key_of(function_arn: str, role_arn: str) -> str:
    """The access key ID that ministack 1.5.33 gives a function (its `execution_credentials`)."""
    digest = hashlib.sha256(f"{function_arn}:{role_arn}".encode()).hexdigest()
    return f"{_SESSION_KEY_PREFIX}{digest[:16].upper()}"


def credentials_of(function_arn: str, role_arn: str) -> dict[str, str]:
    """The same function's credentials, for a client that does what code in the function could do."""
    digest = hashlib.sha256(f"{function_arn}:{role_arn}".encode()).hexdigest()
    return {
        "aws_access_key_id": access_key_of(function_arn, role_arn),
        "aws_secret_access_key": hashlib.sha256(f"secret:{digest}".encode()).hexdigest(),
        "aws_session_token": hashlib.sha256(f"token:{digest}".encode()).hexdigest(),
    }


def refusal(role_arn: str, policies: Policies, request: Request) -> str | None:
    """Every resource of a request must be allowed; the first that is not gives the reason."""
    for arn, tags in request.resources:
        context = EvalContext(
            principal_arn=role_arn,
            principal_type="AssumedRole",
            principal_account=ACCOUNT_ID,
            action=request.action,
            resource_arn=arn,
            region=REGION,
            service_context=_keys(tags, request),
        )
        decision = evaluate(context, policies).decision
        if decision != "Allow":
            because = "a policy denies it" if decision == "Deny" else "no policy allows it"
            return f"{role_arn} is not authorized to perform {request.action} on {arn}: {because}"
    return None


def _keys(tags: Mapping[str, str], request: Request) -> dict[str, object]:
    """Condition keys in lower case, as the evaluator looks them up; a key without a value is absent."""
    keys: dict[str, object] = {"ec2:region": REGION}
    for name, value in request.keys.items():
        keys[name.lower()] = value
    for name, value in tags.items():
        keys[f"aws:resourcetag/{name}".lower()] = value
        keys[f"ec2:resourcetag/{name}".lower()] = value
    for name, value in request.request_tags.items():
        keys[f"aws:requesttag/{name}".lower()] = value
    keys["aws:tagkeys"] = list(request.request_tags) or None
    return keys
