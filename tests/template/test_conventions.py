"""Tests what holds for every parameter, function, table and log group."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from tandem.adapters import clients
from tandem.adapters.reports import CURRENT, DATED
from tandem.settings import Settings
from tests.template.rendering import (
    EVERYTHING,
    FUNCTIONS,
    KEY,
    PARTITION,
    ROOT,
    STACK_UUID,
    Stack,
    render,
    source,
)

PARAMETERS: dict[str, dict[str, Any]] = source()["Parameters"]


def strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for name, inner in value.items():
                yield name
                yield from strings(inner)
        case list():
            for inner in value:
                yield from strings(inner)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_is_described_limited_and_has_a_default_within_its_limits(name: str) -> None:
    parameter = PARAMETERS[name]
    assert len(parameter["Description"]) > 30
    default = parameter["Default"]
    if "AllowedValues" in parameter:
        assert default in parameter["AllowedValues"]
    elif parameter["Type"] == "Number":
        assert parameter["MinValue"] <= default <= parameter["MaxValue"]
    else:
        assert re.fullmatch(parameter["AllowedPattern"], default)
        assert parameter["ConstraintDescription"]


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("NotificationEmail", "noc"),
        ("AlarmNamePrefix", "edge*"),
        ("FailoverReservedConcurrency", "0"),
        ("KmsKeyArn", "arn:aws:kms:us-east-1:123456789012:alias/mine"),
        ("CentralBusArn", "central"),
        ("SignalsReservedConcurrency", "0"),
        ("PermissionsBoundaryArn", "arn:aws:iam::123456789012:role/boundary"),
        ("ResourceTagKeys", "tandem:stack"),
        ("ResourceTagKeys", "CostCenter,Tandem:Stack"),
        ("ResourceTagKeys", "AWS:owner"),
        ("ResourceTagKeys", "CostCenter,"),
        ("ResourceTagKeys", "Cost*"),
    ],
)
def test_a_parameter_refuses_what_would_fail_later(name: str, refused: str) -> None:
    assert not re.fullmatch(PARAMETERS[name]["AllowedPattern"], refused)


def test_no_partition_is_written_out(any_stack: Stack) -> None:
    assert [t for t in strings(source()["Resources"]) if "arn:aws" in t] == []
    arns = {t for t in strings(any_stack.resources) if t.startswith("arn:")}
    assert len(arns) > 10
    assert all(arn.startswith(f"arn:{PARTITION}:") for arn in arns - set(EVERYTHING.values()))


def test_every_log_group_has_an_end_and_a_deletion_policy(any_stack: Stack) -> None:
    groups = any_stack.of("AWS::Logs::LogGroup")
    assert set(groups) == {f"{name}Logs" for name in (*FUNCTIONS, "Event", "Peer")}
    for name, group in groups.items():
        assert group["RetentionInDays"] == PARAMETERS["LogRetentionDays"]["Default"]
        resource = any_stack.resources[name]
        # a group that outlives its stack must not be in the next one's way
        fixed = "LogGroupName" in group and STACK_UUID not in group["LogGroupName"]
        assert resource["DeletionPolicy"] == ("Delete" if fixed else "RetainExceptOnCreate"), name
        assert resource["UpdateReplacePolicy"] == ("Delete" if fixed else "Retain"), name


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_logs_into_its_own_group(any_stack: Stack, function: str) -> None:
    properties = any_stack.of("AWS::Lambda::Function")[f"{function}Function"]
    assert properties["LoggingConfig"]["LogGroup"] == f"{function}Logs"
    writes = [s for s in any_stack.statements(f"{function}Role") if "logs:PutLogEvents" in s["Action"]]
    assert [s["Resource"] for s in writes] == [f"{function}Logs.Arn"]


def test_all_that_is_kept_is_encrypted_with_the_owners_key_where_there_is_one() -> None:
    with_key = render({"KmsKeyArn": KEY})
    keys = [t["SSESpecification"].get("KMSMasterKeyId") for t in with_key.of("AWS::DynamoDB::Table").values()]
    keys += [group.get("KmsKeyId") for group in with_key.of("AWS::Logs::LogGroup").values()]
    for kind in ("AWS::SNS::Topic", "AWS::SQS::Queue"):
        keys += [p.get("KmsMasterKeyId") for p in with_key.of(kind).values()]
    for bucket in with_key.of("AWS::S3::Bucket").values():
        [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        keys.append(rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"])
    assert keys == [KEY] * (2 + 8 + 1 + 7 + 1)


def test_a_bucket_is_encrypted_private_and_answers_tls_only(any_stack: Stack) -> None:
    buckets = any_stack.of("AWS::S3::Bucket")
    assert set(buckets) == {"ReportBucket"}
    policies = {
        p["Bucket"]: p["PolicyDocument"]["Statement"] for p in any_stack.of("AWS::S3::BucketPolicy").values()
    }
    for name, bucket in buckets.items():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        [statement] = policies[name]
        assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert any_stack.resources[name]["DeletionPolicy"] == "Retain"
        assert "BucketName" not in bucket, "a retained bucket of a fixed name stops the next stack"


def test_dated_reports_expire_and_the_latest_ones_stay(any_stack: Stack) -> None:
    [bucket] = any_stack.of("AWS::S3::Bucket").values()
    expiring = [r["Prefix"] for r in bucket["LifecycleConfiguration"]["Rules"] if "ExpirationInDays" in r]
    assert expiring == [f"{DATED}/"]
    assert not f"{CURRENT}/edge/latest.json".startswith(tuple(expiring))
    allowed = [
        s["Resource"]
        for role in any_stack.of("AWS::IAM::Role").values()
        for policy in role.get("Policies", ())
        for s in policy["PolicyDocument"]["Statement"]
        if s["Action"] == "s3:PutObject"
    ]
    [resources] = allowed
    assert [resource.partition("/")[2] for resource in resources] == [f"{CURRENT}/*", f"{DATED}/*"]


def test_tables_outlive_the_stack_and_can_be_restored(any_stack: Stack) -> None:
    tables = any_stack.of("AWS::DynamoDB::Table")
    assert set(tables) == {"StateTable", "AuditTable"}
    for name, table in tables.items():
        assert any_stack.resources[name]["DeletionPolicy"] == "Retain"
        assert any_stack.resources[name]["UpdateReplacePolicy"] == "Retain"
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert "TableName" not in table, "a retained table of a fixed name stops the next stack"


@pytest.mark.parametrize(("protection", "expected"), [("true", True), ("false", False)])
def test_deletion_protection_follows_its_parameter(protection: str, expected: bool) -> None:
    tables = render({"DeletionProtection": protection}).of("AWS::DynamoDB::Table")
    assert {t["DeletionProtectionEnabled"] for t in tables.values()} == {expected}


def test_keys_of_the_tables(stack: Stack) -> None:
    def key(table: str) -> list[tuple[str, str, str]]:
        properties = stack.of("AWS::DynamoDB::Table")[table]
        types = {a["AttributeName"]: a["AttributeType"] for a in properties["AttributeDefinitions"]}
        names = [(k["AttributeName"], k["KeyType"]) for k in properties["KeySchema"]]
        return [(name, role, types[name]) for name, role in names]

    assert key("StateTable") == [("kind", "HASH", "S"), ("id", "RANGE", "S")]
    assert key("AuditTable") == [("sequence", "HASH", "S"), ("number", "RANGE", "N")]
    audit = stack.of("AWS::DynamoDB::Table")["AuditTable"]
    assert audit["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": False}
    assert audit["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_gets_the_variables_that_it_asks_for(stack: Stack, function: str) -> None:
    variables = stack.of("AWS::Lambda::Function")[f"{function}Function"]["Environment"]["Variables"]
    given = {name for name in variables if name.startswith("TANDEM_")}
    known = {f"TANDEM_{f.name.upper()}" for f in fields(Settings)}
    assert given <= known, "Settings reads no such variable"
    assert {f"TANDEM_{name.upper()}" for name in asked_for(function)} <= given
    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "Tandem"
    assert variables["POWERTOOLS_SERVICE_NAME"] == f"tandem-{function.lower()}"


def test_answers_leave_this_machine_wherever_the_template_is_deployed(any_stack: Stack) -> None:
    """Only the lab sets that variable, for its own CloudFormation."""
    for name, function in any_stack.of("AWS::Lambda::Function").items():
        assert "TANDEM_LOOPBACK_ANSWERS" not in function["Environment"]["Variables"], name


def asked_for(function: str) -> set[str]:
    """The settings that a handler names: in `Settings.from_env(…)` and in `settings.need(…)`."""
    text = (ROOT / "functions" / function.lower() / "app.py").read_text(encoding="utf-8")
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    named = {
        argument.value
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("from_env", "need")
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }
    return {"stack_name", *named}


def test_one_call_at_its_worst_ends_before_the_function_does(stack: Stack) -> None:
    read, move, table = worst(clients.READS), worst(clients.MOVES), worst(clients.TABLES)
    assert (read, move, table) == (24, 7, 2), "what the comments in `clients` say"
    timeouts = {name: p["Timeout"] for name, p in stack.of("AWS::Lambda::Function").items()}
    assert timeouts["SignalsFunction"] > table + read
    assert timeouts["NotifierFunction"] > read
    assert timeouts["WatchFunction"] > 55, "it stays for the minute"
    # lease, settling and its last read, fence, move, verify, release
    assert timeouts["FailoverFunction"] > table + 30 + read + table + move + read + table
    assert timeouts["ProvisionerFunction"] == 600


def worst(config: Any) -> float:
    """Seconds of one call that never gets an answer: every attempt's time-outs, and the back-off between."""
    attempts = config.retries["total_max_attempts"]
    back_off = sum(2**n for n in range(attempts - 1))
    return float(attempts * (config.connect_timeout + config.read_timeout) + back_off)


def test_functions_run_what_the_layer_was_built_for(stack: Stack) -> None:
    (layer,) = stack.of("AWS::Lambda::LayerVersion").values()
    for name, function in stack.of("AWS::Lambda::Function").items():
        assert function["Runtime"] in layer["CompatibleRuntimes"], name
        assert set(function["Architectures"]) <= set(layer["CompatibleArchitectures"]), name
        assert function["Handler"] == "app.handler"
        assert function["Code"]["S3Key"] == f"functions/{name.removesuffix('Function').lower()}/"
        assert len(function["Layers"]) == 1


@pytest.mark.parametrize("function", ["Failover", "Signals"])
@pytest.mark.parametrize(("given", "expected"), [("", None), ("6", "6")])
def test_concurrency_is_reserved_only_when_asked(function: str, given: str, expected: str | None) -> None:
    functions = render({f"{function}ReservedConcurrency": given}).of("AWS::Lambda::Function")
    assert functions.pop(f"{function}Function").get("ReservedConcurrentExecutions") == expected
    assert not any("ReservedConcurrentExecutions" in properties for properties in functions.values())


@pytest.mark.parametrize("keys", ["CostCenter", "CostCenter,acme:owner,Data Class,awsome,tandem"])
def test_an_organisations_tag_keys_are_taken(keys: str) -> None:
    assert re.fullmatch(PARAMETERS["ResourceTagKeys"]["AllowedPattern"], keys)
