"""Every check before storing is a rule: it says the same of the same place, and nothing twice."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import tandem
from tandem.compliance.engine import judge_snapshot
from tandem.compliance.rule import RuleVerdict
from tandem.compliance.rules.catalogue import RULES
from tandem.compliance.snapshot import Snapshot
from tandem.model import Observation, RoutingDatabase
from tandem.reasons.documents import ProblemCode
from tandem.topology.problems import Problem
from tandem.topology.routeserver import settings_differ
from tandem.topology.worldchecks import warnings, worldcheck
from tests.topologies import Edit, World, declared, inventory
from tests.unit import (
    test_validation_elasticips,
    test_validation_propagation,
    test_validation_routeserver,
)

CHECKS = Path(tandem.__file__).parent / "topology"
MODULES = ("consent", "elasticips", "forwarding", "propagation", "quotas", "routeserver")
NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
OF_CHECKS = [rule for rule in RULES if rule.problems]


def given() -> Iterator[str]:
    """Yields the code of every problem that a check of a topology against AWS can give."""
    for module in MODULES:
        tree = ast.parse((CHECKS / f"{module}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "ProblemCode":
                yield node.attr


def test_every_problem_that_a_check_can_give_belongs_to_exactly_one_rule() -> None:
    owned = [code for rule in RULES for code in rule.problems]
    assert len(owned) == len(set(owned))
    # what nobody can read makes any rule UNKNOWN
    assert set(owned) == {ProblemCode[name] for name in given()} - {ProblemCode.UNREADABLE}


MODULES_OF_CASES = (test_validation_routeserver, test_validation_elasticips, test_validation_propagation)
CASES = {
    f"{module.__name__.rpartition('_')[2]}: {name}": (world, edits)
    for module in MODULES_OF_CASES
    for name, (world, edits, _) in module.BROKEN.items()
}


@pytest.mark.parametrize(("world", "edits"), CASES.values(), ids=CASES)
def test_a_rule_says_what_the_check_before_storing_says(world: World, edits: tuple[Edit, ...]) -> None:
    topology, shown = declared(*edits), world(inventory())
    nothing = Observation(RoutingDatabase(), (), {}, interfaces=None, instance_states=None)
    snapshot = Snapshot(topology, NOW, observation=nothing, inventory=shown, stored=(topology,))
    failed = [f.result for f in judge_snapshot(OF_CHECKS, snapshot) if f.result.verdict is RuleVerdict.FAIL]
    refused = [p for p in worldcheck(topology, shown, ()) if p.code != ProblemCode.UNREADABLE]
    drifted = [problem.reason for problem in settings_differ(topology, shown)]
    warned = [w.reason if isinstance(w, Problem) else w for w in warnings(topology, shown)]
    said = [result.reason for result in failed if result.reason.code in set(ProblemCode)]
    if not topology.manage:  # a managed topology is judged as a watched one too
        assert set(said) <= {*(problem.reason for problem in refused), *warned, *drifted}
    assert {(r.place, r.reason) for r in failed} >= {(p.path, p.reason) for p in first_of_each(refused)}


def first_of_each(problems: list[Problem]) -> list[Problem]:
    """Returns the first problem of each rule, which has one result for each resource."""
    rules = {str(code): rule.id for rule in RULES for code in rule.problems}
    return list({rules[problem.code]: problem for problem in reversed(problems)}.values())


def test_a_public_ip_that_comes_with_a_move_leaves_the_gateway_table_unknown() -> None:
    topology = declared(("groups.0.prefixes", ["10.0.11.0/24"]))
    nothing = Observation(RoutingDatabase(), (), {}, interfaces=None, instance_states=None)
    shown = test_validation_propagation.gateway(inventory())
    snapshot = Snapshot(topology, NOW, observation=nothing, inventory=shown, stored=(topology,))
    found = [
        f.result for f in judge_snapshot(OF_CHECKS, snapshot) if f.rule.id == "gateway-target-has-public-ip"
    ]
    assert [result.verdict for result in found] == [RuleVerdict.UNKNOWN]
