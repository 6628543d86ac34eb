"""Whatever goes wrong, an alarm tells people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.template.rendering import FUNCTIONS, ROOT, STACK, Stack, render

METRICS_OF_FUNCTIONS = ("Errors", "Throttles")
OWN = {
    "AnswerRefused",
    "Holds",
    "MovesFailed",
    "RefusedMessage",
    "RepairedState",
    "StateTableAway",
    "UnknownSignal",
    "WatchReadFailed",
}
PACKAGE = ROOT / "layers" / "tandem" / "tandem"


def watched(stack: Stack) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Alarms by namespace, metric and the value of their one dimension."""
    return {
        (a["Namespace"], a["MetricName"], a["Dimensions"][0]["Value"]): a
        for a in stack.of("AWS::CloudWatch::Alarm").values()
    }


def test_every_queue_has_an_alarm_on_its_first_message(any_stack: Stack) -> None:
    for queue in any_stack.of("AWS::SQS::Queue"):
        alarm = watched(any_stack)["AWS/SQS", "ApproximateNumberOfMessagesVisible", f"{queue}.QueueName"]
        assert alarm["Statistic"] == "Maximum"
        assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanOrEqualToThreshold", 1)


@pytest.mark.parametrize("metric", METRICS_OF_FUNCTIONS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_has_its_alarms(any_stack: Stack, function: str, metric: str) -> None:
    assert ("AWS/Lambda", metric, f"{function}Function") in watched(any_stack)


def test_a_slow_look_is_told_before_lambda_kills_it(stack: Stack) -> None:
    alarm = watched(stack)["AWS/Lambda", "Duration", "FailoverFunction"]
    timeout_ms = stack.of("AWS::Lambda::Function")["FailoverFunction"]["Timeout"] * 1000
    assert 0.5 * timeout_ms < alarm["Threshold"] < timeout_ms
    assert alarm["Statistic"] == "Maximum"


def test_every_alarm_reaches_people_and_says_what_it_means(any_stack: Stack) -> None:
    for name, alarm in any_stack.of("AWS::CloudWatch::Alarm").items():
        assert alarm["AlarmActions"] == ["NotificationTopic"], name
        assert len(alarm["Dimensions"]) == 1, name
        assert alarm["AlarmDescription"].endswith("."), name
    policy = any_stack.of("AWS::SNS::TopicPolicy")["NotificationTopicPolicy"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}


@pytest.mark.parametrize("function", ["Signals", "Watch"])
def test_silence_of_the_clockwork_is_an_alarm(stack: Stack, function: str) -> None:
    alarm = watched(stack)["AWS/Lambda", "Invocations", f"{function}Function"]
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    assert alarm["TreatMissingData"] == "breaching"


def test_a_clockwork_that_was_switched_off_raises_no_alarm() -> None:
    off = watched(render({"Schedules": "DISABLED"}))
    assert not any(metric == "Invocations" for _, metric, _ in off)


def test_missing_data_is_fine_everywhere_else(stack: Stack) -> None:
    alarms = stack.of("AWS::CloudWatch::Alarm").items()
    breaching = {name for name, alarm in alarms if alarm["TreatMissingData"] != "notBreaching"}
    assert breaching == {"SweepMissingAlarm", "WatchMissingAlarm"}


def test_tandems_own_metrics_are_watched_where_the_code_counts_them(stack: Stack) -> None:
    own = [(metric, service) for namespace, metric, service in watched(stack) if namespace == "Tandem"]
    assert {metric for metric, _ in own} == OWN
    for metric, service in own:
        code = _code(service.removeprefix(f"{STACK}-"))
        assert any(f'"{metric}"' in text for text in code), f"{service} never counts {metric}"


def test_the_dimension_is_the_one_that_powertools_gives(stack: Stack) -> None:
    services = {
        f["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]: f["Environment"]["Variables"]
        for f in stack.of("AWS::Lambda::Function").values()
    }
    for alarm in stack.of("AWS::CloudWatch::Alarm").values():
        if alarm["Namespace"] == "Tandem":
            assert alarm["Dimensions"][0]["Name"] == "service"
            assert services[alarm["Dimensions"][0]["Value"]]["POWERTOOLS_METRICS_NAMESPACE"] == "Tandem"


def _code(function: str) -> list[str]:
    """The handler and the package that it calls."""
    files: list[Path] = [*(ROOT / "functions" / function).rglob("*.py"), *PACKAGE.rglob("*.py")]
    return [file.read_text(encoding="utf-8") for file in files]
