"""Two failure paths on every asynchronous edge: what is never delivered, and what the function fails on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.template.rendering import ACCOUNT, FUNCTIONS, PARTITION, REGION, Stack

ANY_TOPIC = f"arn:{PARTITION}:sns:{REGION}:{ACCOUNT}:*"


def targets(stack: Stack) -> list[tuple[str, dict[str, Any]]]:
    return [
        (name, target) for name, rule in stack.of("AWS::Events::Rule").items() for target in rule["Targets"]
    ]


def may_send(stack: Stack, queue: str, principal: str, source_arn: str) -> bool:
    """Returns True if a queue's policy admits a service on behalf of exactly this source."""
    return any(
        statement["Effect"] == "Allow"
        and statement["Principal"] == {"Service": principal}
        and statement["Action"] == "sqs:SendMessage"
        and statement["Resource"] == queue
        and source_arn in _listed(sources)
        for policy in stack.of("AWS::SQS::QueuePolicy").values()
        if f"{policy['Queues'][0]}.Arn" == queue
        for statement in policy["PolicyDocument"]["Statement"]
        for sources in [condition["aws:SourceArn"] for condition in statement["Condition"].values()]
    )


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_an_event_that_cannot_be_delivered_reaches_a_queue_that_admits_its_rule(any_stack: Stack) -> None:
    edges = targets(any_stack)
    assert len(edges) >= 11
    for rule, target in edges:
        assert target["RetryPolicy"].keys() == {"MaximumRetryAttempts", "MaximumEventAgeInSeconds"}, rule
        queue = target["DeadLetterConfig"]["Arn"]
        assert may_send(any_stack, queue, "events.amazonaws.com", f"{rule}.Arn"), rule


def test_an_event_for_a_function_waits_in_that_functions_queue(any_stack: Stack) -> None:
    for rule, target in targets(any_stack):
        function, found, _ = target["Arn"].partition("Function.Arn")
        queue = f"{function}Queue.Arn" if found else "BusQueue.Arn"
        assert target["DeadLetterConfig"]["Arn"] == queue, rule


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_a_function_fails_on_reaches_its_queue(any_stack: Stack, function: str) -> None:
    configs = any_stack.of("AWS::Lambda::EventInvokeConfig").values()
    (config,) = [c for c in configs if c["FunctionName"] == f"{function}Function"]
    queue = f"{function}Queue.Arn"
    assert config["DestinationConfig"]["OnFailure"]["Destination"] == queue
    assert config["Qualifier"] == "$LATEST"
    statements = any_stack.statements(f"{function}Role")
    assert [s["Resource"] for s in statements if s["Action"] == "sqs:SendMessage"] == [queue]


def test_whoever_may_invoke_a_function_has_a_way_for_what_is_not_delivered(any_stack: Stack) -> None:
    for name, permission in any_stack.of("AWS::Lambda::Permission").items():
        queue = f"{permission['FunctionName'].removesuffix('Function')}Queue.Arn"
        match permission["Principal"]:
            case "events.amazonaws.com":
                assert may_send(any_stack, queue, "events.amazonaws.com", permission["SourceArn"]), name
            case "sns.amazonaws.com":  # the provisioner puts the queue on each subscription
                assert permission["SourceArn"] == ANY_TOPIC
                assert may_send(any_stack, queue, "sns.amazonaws.com", ANY_TOPIC), name
            case "logs.amazonaws.com":
                # CloudWatch Logs retries for a day itself and knows no queue
                # (docs/aws-facts.md#log-subscriptions)
                assert permission["SourceArn"] == "PeerLogs.Arn"
            case other:
                pytest.fail(f"{name}: an edge from {other} without a failure path")


def test_the_provisioner_knows_the_queues_that_subscriptions_need(stack: Stack) -> None:
    variables = stack.of("AWS::Lambda::Function")["ProvisionerFunction"]["Environment"]["Variables"]
    assert variables["TANDEM_FAILOVER_FUNCTION"] == "FailoverFunction.Arn"
    assert variables["TANDEM_FAILOVER_QUEUE"] == "FailoverQueue.Arn"
    assert variables["TANDEM_SIGNALS_FUNCTION"] == "SignalsFunction.Arn"
    assert variables["TANDEM_SIGNALS_QUEUE"] == "SignalsQueue.Arn"


def test_no_function_is_reached_past_these_edges(any_stack: Stack) -> None:
    others = (
        "AWS::Scheduler::Schedule",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Url",
        "AWS::Pipes::Pipe",
    )
    assert not any(any_stack.of(kind) for kind in others)
    subscribed = [s for s in any_stack.of("AWS::SNS::Subscription").values() if s["Protocol"] == "lambda"]
    assert subscribed == []


def test_queues_keep_for_a_fortnight_encrypted(any_stack: Stack) -> None:
    queues = any_stack.of("AWS::SQS::Queue")
    assert set(queues) == {f"{name}Queue" for name in (*FUNCTIONS, "Bus")}
    for name, queue in queues.items():
        assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600, name
        assert queue.get("SqsManagedSseEnabled") is True or queue.get("KmsMasterKeyId"), name


@pytest.mark.parametrize("rule", ["SignalsFunctionSweep", "WatchFunctionClock", "ProvisionerFunctionRefresh"])
def test_a_missed_tick_is_not_made_up_for_once_the_next_is_due(stack: Stack, rule: str) -> None:
    clock = stack.of("AWS::Events::Rule")[rule]
    minutes = int(clock["ScheduleExpression"].removeprefix("rate(").split()[0])
    assert clock["Targets"][0]["RetryPolicy"]["MaximumEventAgeInSeconds"] == 60 * minutes
