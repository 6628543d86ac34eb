"""AWS's own limits, with every option taken and names as long as they may be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.template.rendering import EVERYTHING, Stack, render, source

INLINE_OF_A_ROLE, MANAGED_POLICY = 10_240, 6_144
"""Characters, white space not counted: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

EVENT_PATTERN = 2_048
"""Characters: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"""

LOG_RESOURCE_POLICY = 5_120
"""Characters: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutResourcePolicy.html"""

RESOURCES = 500
"""In a template: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""

LONGEST_ARN = 150
"""Characters of an ARN of the stack's own, where a rendered template has its logical ID."""


@pytest.fixture(scope="module")
def largest() -> Stack:
    longest = source()["Parameters"]["ResourceTagKeys"]["MaxLength"]
    names = {"AWS::StackName": "s" * 128, "AWS::Region": "ap-southeast-1"}
    return render(EVERYTHING | names | {"ResourceTagKeys": ("acme:key," * longest)[:longest]})


def length(document: Any) -> int:
    """Without white space between members, and with room for ARNs in place of logical IDs."""
    text = json.dumps(document, separators=(",", ":"))
    references = text.count('.Arn"') + text.count('"NotificationTopic')
    return len(text) + references * LONGEST_ARN


def test_a_roles_inline_policies_fit(largest: Stack) -> None:
    inline = {
        role: sum(length(p["PolicyDocument"]) for p in properties.get("Policies", ()))
        + sum(
            length(p["PolicyDocument"]) for p in largest.of("AWS::IAM::Policy").values() if role in p["Roles"]
        )
        for role, properties in largest.of("AWS::IAM::Role").items()
    }
    assert {role: size for role, size in inline.items() if size > INLINE_OF_A_ROLE} == {}


def test_managed_policies_fit(largest: Stack) -> None:
    for name, policy in largest.of("AWS::IAM::ManagedPolicy").items():
        assert length(policy["PolicyDocument"]) <= MANAGED_POLICY, name


def test_event_patterns_fit(largest: Stack) -> None:
    rules = {n: r["EventPattern"] for n, r in largest.of("AWS::Events::Rule").items() if "EventPattern" in r}
    assert rules
    assert {name: length(p) for name, p in rules.items() if length(p) > EVENT_PATTERN} == {}


def test_the_log_groups_policy_fits(largest: Stack) -> None:
    (policy,) = largest.of("AWS::Logs::ResourcePolicy").values()
    assert len(policy["PolicyDocument"]) + 2 * LONGEST_ARN <= LOG_RESOURCE_POLICY


def test_the_template_has_few_enough_resources(largest: Stack) -> None:
    assert len(largest.resources) <= RESOURCES
