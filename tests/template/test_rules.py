"""Each sample in `events/` reaches exactly the rules that it should, matched as EventBridge matches."""

from __future__ import annotations

import json
from typing import Any

import botocore.session
import pytest
from ministack.services import eventbridge

from tandem.events import DetailType
from tests.template.rendering import ROOT, Stack, render

EVENTS = ROOT / "events"

# what leads to what; every event on the bus goes to the log as well
FAILOVER = {"FailoverFunctionSignals", "AllEventsRule"}
PROVISIONER = {"ProvisionerFunctionTopologyChange", "AllEventsRule"}
NOTIFIER = {"NotifierFunctionNews", "AllEventsRule"}

ON_THE_BUS: dict[str, set[str]] = {
    "compliance-finding": NOTIFIER,
    "compliance-digest": NOTIFIER,
    "standby-dead": NOTIFIER,
    "drift-detected": NOTIFIER,
    "endpoint-maintenance": FAILOVER,
    "failover-completed": NOTIFIER,
    "failover-decision": NOTIFIER,
    "failover-decision-dry-run": NOTIFIER,
    "failover-decision-hold": NOTIFIER,
    "failover-failed": NOTIFIER,
    "hold-ended": NOTIFIER,
    "look": FAILOVER,
    "look-instance-stopping": FAILOVER,
    "override-changed": NOTIFIER,
    "peer-state-change": FAILOVER,
    "provisioning-completed": NOTIFIER,
    "provisioning-failed": NOTIFIER,
    "route-change": FAILOVER,
    "route-change-withdrawn": FAILOVER,
    "route-leak": NOTIFIER,
    "topology-change": PROVISIONER | NOTIFIER,
    "topology-change-brake": PROVISIONER | NOTIFIER,
    "topology-change-deleted": PROVISIONER | NOTIFIER,
}
ON_THE_DEFAULT_BUS: dict[str, set[str]] = {
    "cloudtrail-associate-address": {"SignalsFunctionApiCall"},
    "cloudtrail-disassociate-address": {"SignalsFunctionApiCall"},
    "cloudwatch-alarm": {"SignalsFunctionAlarm"},
    "ec2-instance-stopping": {"SignalsFunctionInstanceState"},
    # the handler leaves the copy out: a pattern that did would miss every event that does not say what it is
    "health-backup-copy": {"SignalsFunctionHealth"},
    "health-instance-retirement": {"SignalsFunctionHealth"},
}
NO_ENVELOPE = ("sns-", "peer-log-")
"""These reach their functions from SNS and CloudWatch Logs, past EventBridge."""


def sample(name: str) -> dict[str, Any]:
    return dict(json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8")))


def matching(stack: Stack, event: dict[str, Any], bus: str) -> set[str]:
    return {
        name
        for name, rule in stack.of("AWS::Events::Rule").items()
        if rule.get("EventBusName", "default") == bus
        and "EventPattern" in rule
        and matches(rule["EventPattern"], event)
    }


def matches(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    """TestEventPattern, which also refuses a pattern or an envelope that EventBridge would refuse."""
    status, _, body = eventbridge._test_event_pattern(
        {"EventPattern": json.dumps(pattern), "Event": json.dumps(event)}
    )
    answer = json.loads(body)
    assert status == 200, answer
    return bool(answer["Result"])


@pytest.mark.parametrize("name", ON_THE_BUS)
def test_an_event_of_ours_reaches_exactly_its_rules(stack: Stack, name: str) -> None:
    assert matching(stack, sample(name), "Bus") == ON_THE_BUS[name]
    assert matching(stack, sample(name), "default") == set()


@pytest.mark.parametrize("name", ON_THE_DEFAULT_BUS)
def test_an_event_of_aws_reaches_exactly_its_rule(stack: Stack, name: str) -> None:
    assert matching(stack, sample(name), "default") == ON_THE_DEFAULT_BUS[name]


@pytest.mark.parametrize("name", ON_THE_BUS)
def test_what_an_archive_plays_back_moves_nothing_and_notifies_nobody(stack: Stack, name: str) -> None:
    """EventBridge puts the replay's name into the envelope:
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-replay-archived-event.html
    """
    replayed = sample(name) | {"replay-name": "yesterday"}
    assert matching(stack, replayed, "Bus") == ON_THE_BUS[name] - {
        "FailoverFunctionSignals",
        "NotifierFunctionNews",
    }


def test_no_sample_is_left_out() -> None:
    samples = {path.stem for path in EVENTS.glob("*.json")}
    in_tables = set(ON_THE_BUS) | set(ON_THE_DEFAULT_BUS)
    assert {name for name in samples if not name.startswith(NO_ENVELOPE)} == in_tables


def test_every_detail_type_has_a_sample_here() -> None:
    assert {sample(name)["detail-type"] for name in ON_THE_BUS} == set(DetailType)


def test_every_detail_type_leads_somewhere_besides_the_log(stack: Stack) -> None:
    for name in ON_THE_BUS:
        assert matching(stack, sample(name), "Bus") - {"AllEventsRule"}, name


def test_an_event_of_a_kind_that_nobody_knows_is_kept_and_wakes_nobody(stack: Stack) -> None:
    assert matching(stack, sample("look") | {"detail-type": "Something New"}, "Bus") == {"AllEventsRule"}
    assert matching(stack, sample("look") | {"source": "somebody.else"}, "Bus") == {"AllEventsRule"}


def test_the_central_bus_gets_a_copy_of_everything_that_is_ours() -> None:
    with_central_bus = render({"CentralBusArn": "arn:aws:events:eu-west-1:210987654321:event-bus/central"})
    for name, rules in ON_THE_BUS.items():
        assert matching(with_central_bus, sample(name), "Bus") == rules | {"CentralBusRule"}


def test_a_starting_instance_is_no_signal_yet_and_a_running_one_is(stack: Stack) -> None:
    event = sample("ec2-instance-stopping")
    heard = {
        state
        for state in ("pending", "running", "stopping", "stopped", "shutting-down", "terminated")
        if matching(stack, event | {"detail": event["detail"] | {"state": state}}, "default")
    }
    assert heard == {"running", "stopping", "stopped", "shutting-down", "terminated"}


def test_an_alarm_that_names_no_instance_is_no_signal(stack: Stack) -> None:
    """Tandem's own alarms are such: they must not make it look at what made them ring."""
    event = sample("cloudwatch-alarm")
    metric = event["detail"]["configuration"]["metrics"][0]["metricStat"]["metric"]
    metric["dimensions"] = {"FunctionName": "tandem-failover"}
    assert matching(stack, event, "default") == set()


def test_one_metric_of_several_that_names_an_instance_is_enough(stack: Stack) -> None:
    event = sample("cloudwatch-alarm")
    configuration = event["detail"]["configuration"]
    expression = {"id": "e1", "expression": "MAX(METRICS())", "returnData": True}
    configuration["metrics"] = [expression, *configuration["metrics"]]
    assert matching(stack, event, "default") == {"SignalsFunctionAlarm"}


@pytest.mark.parametrize(("prefix", "heard"), [("fw", True), ("edge-", False)])
def test_alarms_are_chosen_by_name_where_the_owner_says_so(prefix: str, heard: bool) -> None:
    stack = render({"AlarmNamePrefix": prefix})
    assert bool(matching(stack, sample("cloudwatch-alarm"), "default")) is heard


def test_a_call_that_failed_is_no_signal(stack: Stack) -> None:
    event = sample("cloudtrail-associate-address")
    event["detail"] |= {"errorCode": "Client.UnauthorizedOperation"}
    assert matching(stack, event, "default") == set()


def test_a_call_that_moves_nothing_of_ours_is_no_signal(stack: Stack) -> None:
    event = sample("cloudtrail-associate-address")
    event["detail"] |= {"eventName": "CreateVolume"}
    assert matching(stack, event, "default") == set()


def test_every_write_of_route_server_is_a_signal(stack: Stack) -> None:
    pattern = stack.of("AWS::Events::Rule")["SignalsFunctionApiCall"]["EventPattern"]
    named = {name for name in pattern["detail"]["eventName"] if "RouteServer" in name}
    calls = {name for name in ec2_operations() if "RouteServer" in name}
    assert named == {name for name in calls if not name.startswith(("Describe", "Get"))}
    assert len(named) == 11


def test_every_call_that_a_rule_names_is_one_of_ec2(stack: Stack) -> None:
    pattern = stack.of("AWS::Events::Rule")["SignalsFunctionApiCall"]["EventPattern"]
    assert set(pattern["detail"]["eventName"]) <= set(ec2_operations())


def ec2_operations() -> list[str]:
    return list(botocore.session.get_session().get_service_model("ec2").operation_names)
