"""Tests that what the estimate counts of the stack is what the template makes."""

from __future__ import annotations

import re

from cli import estimate
from tests.template.rendering import Stack
from tests.topologies import topology


def test_the_estimate_counts_the_templates_alarms_and_dashboards(stack: Stack) -> None:
    assert len(stack.of("AWS::CloudWatch::Alarm")) == estimate.ALARMS, (
        "tandem/estimate.py, the costs in docs/operating.md"
    )
    assert len(stack.of("AWS::CloudWatch::Dashboard")) == estimate.DASHBOARDS


def test_the_estimate_counts_the_memory_of_the_functions(stack: Stack) -> None:
    functions = stack.of("AWS::Lambda::Function")
    for name, gigabytes in (
        ("Watch", estimate.WATCH_GB),
        ("Failover", estimate.LOOK_GB),
        ("Signals", estimate.SIGNALS_GB),
        ("Provisioner", estimate.PROVISIONER_GB),
        ("Compliance", estimate.COMPLIANCE_GB),
    ):
        assert int(functions[f"{name}Function"]["MemorySize"]) == gigabytes * 1024
        assert functions[f"{name}Function"]["Architectures"] == ["arm64"]


def minutes(expression: str) -> int:
    """Returns the minutes between two runs: of a rate, or of a cron expression that names one time a day."""
    if re.fullmatch(r"cron\(\d+ \d+ \* \* \? \*\)", expression):
        return 24 * 60
    rate = re.fullmatch(r"rate\((\d+) minutes?\)", expression)
    assert rate is not None, expression
    return int(rate[1])


def test_the_estimate_counts_every_schedule(stack: Stack) -> None:
    shown: dict[str, list[int]] = {}
    for rule in stack.of("AWS::Events::Rule").values():
        if "ScheduleExpression" in rule:
            [target] = rule["Targets"]
            name = target["Arn"].removesuffix("Function.Arn").lower()
            shown.setdefault(name, []).append(minutes(rule["ScheduleExpression"]))
    counted = {name: sorted(every) for name, every in estimate.EVERY_MINUTES.items()}
    assert {name: sorted(every) for name, every in shown.items()} == counted
    [item] = [item for item in estimate.estimate(topology()).items if item.name == "invocations"]
    assert item.quantity * estimate.MILLION == sum(
        estimate.MINUTES // n for every in shown.values() for n in every
    )
