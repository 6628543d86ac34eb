"""The template as CloudFormation gets it: loops and SAM expanded, parameters and conditions resolved.

A reference becomes a name that a test can read: `!Ref Bus` is `Bus`, `!GetAtt Bus.Arn` is `Bus.Arn`.
`python -m tests.template.rendering FILE` keeps the resources of a release for the tests of later ones.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

LIMIT = sys.getrecursionlimit()
language_extensions = importlib.import_module("ministack.services.cloudformation.language_extensions")
sys.setrecursionlimit(LIMIT)  # jsonata, which this imports, sets it to 10,000 for the whole process

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "123456789012"
REGION = "us-east-1"
STACK = "tandem"
STACK_UUID = "8e1b205c-c201-4f50-a09c-44af58df3072"
PARTITION = "aws-test"
"""No partition of AWS: whatever says `arn:aws:` shows."""

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
EVERYTHING = {
    "NotificationEmail": "noc@example.com",
    "AlarmNamePrefix": "edge-",
    "FailoverReservedConcurrency": "6",
    "SignalsReservedConcurrency": "4",
    "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundaries/workload",
    "ResourceTagKeys": "CostCenter,acme:owner",
    "KmsKeyArn": KEY,
    "DeletionProtection": "false",
    "CentralBusArn": "arn:aws:events:eu-west-1:210987654321:event-bus/central",
}
"""Every option taken."""

NOTHING = object()
PSEUDO: dict[str, Any] = {
    "AWS::AccountId": ACCOUNT,
    "AWS::NoValue": NOTHING,
    "AWS::Partition": PARTITION,
    "AWS::Region": REGION,
    "AWS::StackId": f"arn:{PARTITION}:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/{STACK_UUID}",
    "AWS::StackName": STACK,
}
FUNCTIONS = ("Failover", "Signals", "Watch", "Provisioner", "Notifier", "Compliance")


@dataclass(frozen=True, slots=True)
class Stack:
    """The resources that one set of parameters makes."""

    resources: dict[str, dict[str, Any]]

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """The properties of every resource of a type, by logical ID."""
        return {n: r.get("Properties", {}) for n, r in self.resources.items() if r["Type"] == kind}

    def statements(self, role: str) -> Iterator[dict[str, Any]]:
        """Every statement that a role has: its own policies and those that are put on it."""
        for policy in self.resources[role]["Properties"].get("Policies", ()):
            yield from policy["PolicyDocument"]["Statement"]
        for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            for policy in self.of(kind).values():
                if role in policy.get("Roles", ()):
                    yield from policy["PolicyDocument"]["Statement"]

    def documents(self, role: str) -> list[dict[str, Any]]:
        return [{"Version": "2012-10-17", "Statement": list(self.statements(role))}]


def source() -> dict[str, Any]:
    """The template as it is written."""
    return dict(yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8")))


def render(parameters: Mapping[str, str] | None = None) -> Stack:
    template = source()
    values = {name: p["Default"] for name, p in template["Parameters"].items()} | dict(parameters or {})
    transformed = _transform(language_extensions.apply(template, values), values)
    conditions = {name: _truth(c, values, {}) for name, c in transformed["Conditions"].items()}
    return Stack(
        {
            name: _resolve(resource, values, conditions)
            for name, resource in transformed["Resources"].items()
            if conditions.get(resource.get("Condition", ""), True)
        }
    )


def snapshot() -> dict[str, dict[str, Any]]:
    """Returns the resources with every parameter at its default, and with every option taken.

    SAM writes a hash of the layer into its name. Every upgrade makes a new layer, so the hash is left out.
    """
    text = json.dumps({"defaults": render().resources, "everything": render(EVERYTHING).resources})
    return dict(json.loads(re.sub(r"\bTandemLayer[0-9a-f]{10}\b", "TandemLayer", text)))


def _transform(template: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Returns what `sam deploy` hands over: SAM's own translation, with the local folders uploaded."""
    for resource in template["Resources"].values():
        for name in ("CodeUri", "ContentUri"):
            if name in resource.get("Properties", {}):
                resource["Properties"][name] = f"s3://bucket/{resource['Properties'][name]}"
    session = boto3.Session(region_name=REGION)
    translator = Translator({}, Parser(), boto_session=session)
    return dict(translator.translate(template, values))


def _truth(condition: Any, values: Mapping[str, Any], conditions: Mapping[str, bool]) -> bool:
    match condition:
        case {"Fn::Equals": [left, right]}:
            return bool(_resolve(left, values, conditions) == _resolve(right, values, conditions))
        case {"Fn::Not": [inner]}:
            return not _truth(inner, values, conditions)
    raise NotImplementedError(f"a condition that these tests cannot read: {condition}")


def _resolve(value: Any, values: Mapping[str, Any], conditions: Mapping[str, bool]) -> Any:
    match value:
        case {"Fn::If": [condition, yes, no]}:
            return _resolve(yes if conditions[condition] else no, values, conditions)
        case dict():
            inner = {name: _resolve(v, values, conditions) for name, v in value.items()}
            kept = {name: v for name, v in inner.items() if v is not NOTHING}
            return _called(kept, values) if len(kept) == 1 else kept
        case list():
            return [v for v in (_resolve(v, values, conditions) for v in value) if v is not NOTHING]
    return value


def _called(mapping: dict[str, Any], values: Mapping[str, Any]) -> Any:
    """The result of an intrinsic function whose arguments are resolved; any other mapping as it is."""
    match mapping:
        case {"Ref": name}:
            return values.get(name, PSEUDO.get(name, name))
        case {"Fn::GetAtt": [name, attribute]}:
            return f"{name}.{attribute}"
        case {"Fn::Sub": given}:
            text, extra = (given, {}) if isinstance(given, str) else given
            return _substitute(text, {**PSEUDO, **values, **extra})
        case {"Fn::Select": [index, items]}:
            return items[int(index)]
        case {"Fn::Split": [separator, text]}:
            return text.split(separator)
    return mapping


def _substitute(text: str, values: Mapping[str, Any]) -> str:
    return re.sub(r"\$\{([^!}]+)\}", lambda found: str(values.get(found[1], found[1])), text)


if __name__ == "__main__":
    stacks = [
        f"{json.dumps(options)}: {{\n"
        + ",\n".join(f"{json.dumps(name)}: {json.dumps(resource)}" for name, resource in resources.items())
        + "\n}"
        for options, resources in snapshot().items()
    ]
    Path(sys.argv[1]).write_text("{" + ",\n".join(stacks) + "}\n", encoding="utf-8")
