"""What the estimate counts of the stack is what the template makes."""

from __future__ import annotations

from tandem.provisioning import estimate
from tests.template.rendering import Stack


def test_the_estimate_counts_the_templates_alarms_and_dashboards(stack: Stack) -> None:
    assert len(stack.of("AWS::CloudWatch::Alarm")) == estimate.ALARMS, "tandem/estimate.py, README's costs"
    assert len(stack.of("AWS::CloudWatch::Dashboard")) == estimate.DASHBOARDS


def test_the_estimate_counts_the_memory_of_the_functions(stack: Stack) -> None:
    functions = stack.of("AWS::Lambda::Function")
    for name, gigabytes in (
        ("Watch", estimate.WATCH_GB),
        ("Failover", estimate.LOOK_GB),
        ("Signals", estimate.SIGNALS_GB),
        ("Provisioner", estimate.PROVISIONER_GB),
    ):
        assert int(functions[f"{name}Function"]["MemorySize"]) == gigabytes * 1024
        assert functions[f"{name}Function"]["Architectures"] == ["arm64"]
