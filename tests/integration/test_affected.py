"""The tests that a change of this tree concerns are found."""

from __future__ import annotations

import pytest

from tests.affected import ROOT, Graph, affected, graph


@pytest.fixture(scope="module")
def ours() -> Graph:
    return graph(ROOT)


@pytest.mark.parametrize(
    ("changed", "test"),
    [
        ("layers/tandem/tandem/failover/decision.py", "unit/test_decision.py"),
        ("layers/tandem/tandem/failover/decision.py", "stories/test_failover.py"),
        ("layers/tandem/tandem/adapters/leases.py", "stories/test_lease.py"),
        ("layers/tandem/tandem/adapters/leases.py", "template/test_authority.py"),
        ("layers/tandem/tandem/schemas/look.json", "unit/test_event_contracts.py"),
        ("functions/notifier/app.py", "integration/test_notifier.py"),
        ("functions/watch/app.py", "integration/test_start_up.py"),
        ("lab/guardian.py", "lab/test_guardian.py"),
        ("template.yaml", "template/test_authority.py"),
        ("template.yaml", "template/test_worst_cases.py"),
        ("events/look.json", "unit/test_events_page.py"),
        ("docs/topology.md", "unit/test_topology_reference.py"),
        ("examples/edge.yaml", "unit/test_examples.py"),
    ],
)
def test_a_change_here_concerns_the_test_of_it(ours: Graph, changed: str, test: str) -> None:
    assert f"tests/{test}" in affected(ours, [changed])


def test_a_change_here_leaves_others_alone(ours: Graph) -> None:
    assert "tests/unit/test_decision.py" not in affected(ours, ["template.yaml", "cli/main.py"])
