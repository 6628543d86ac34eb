"""An upgrade removes and replaces nothing in a deployed stack, and changes only texts for people.

`tests/releases/0.1.0-template.json` has the resources of the template before its loops (commit e3b8e31).
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.template.rendering import ROOT, snapshot

RELEASE = ROOT / "tests" / "releases" / "0.1.0-template.json"
MISSING = object()

CHANGED = {
    # the compliance function: who may speak, whom people hear of, the key's users, its queue on the dashboard
    ("Bus", "Policy"),
    ("NotifierFunctionNews", "EventPattern"),
    ("KeyUse", "Roles"),
    ("KeyUse", "PolicyDocument"),
    ("Dashboard", "DashboardBody"),
    ("WatchRole", "Policies"),  # the watch writes a heartbeat
}

WORDS = {
    ("AWS::CloudWatch::Alarm", "AlarmDescription"),
    ("AWS::Events::Rule", "Description"),
    ("AWS::Lambda::Function", "Description"),
    ("AWS::Serverless::Function", "Description"),
}
"""Texts for people whose change interrupts nothing. Other types are not listed: a new description replaces an
IAM managed policy (AWS::IAM::ManagedPolicy, Update requires: Replacement)."""


@pytest.fixture(scope="module")
def stacks() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Returns the resources of the release and of this template, for each choice of options."""
    released, now = json.loads(RELEASE.read_text(encoding="utf-8")), snapshot()
    assert released.keys() == now.keys()
    return [(released[options], now[options]) for options in released]


def parts(resource: dict[str, Any]) -> dict[str, Any]:
    """Returns the properties and attributes of a resource, DeletionPolicy for one."""
    return {**resource, **resource.get("Properties", {}), "Properties": None}


def test_every_resource_of_the_release_is_still_there(stacks: list[Any]) -> None:
    for released, now in stacks:
        assert [name for name in released if name not in now] == []
        assert {n: now[n]["Type"] for n in released} == {n: r["Type"] for n, r in released.items()}


def test_an_upgrade_changes_only_texts_and_what_is_listed(stacks: list[Any]) -> None:
    changed = {
        (name, part)
        for released, now in stacks
        for name in released
        for before, after in [(parts(released[name]), parts(now[name]))]
        for part in before.keys() | after.keys()
        if before.get(part, MISSING) != after.get(part, MISSING)
        and (released[name]["Type"], part) not in WORDS
    }
    assert changed == CHANGED
