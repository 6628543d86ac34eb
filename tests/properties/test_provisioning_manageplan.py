"""Whatever documents follow each other, whoever is dead, the plan strands no owner."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tandem.model import Status
from tests.managed_edits import FIELDS, started
from tests.routing import Run, built

WORLD = built()
DEATHS = st.sampled_from(["fw1", "fw2", None])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(sorted(FIELDS)), min_size=1, max_size=3), DEATHS, st.integers(0, 12))
def test_from_one_document_to_the_next_with_a_dead_appliance_and_a_cut(names, dead, cut) -> None:
    """Documents follow each other before the one before is reached, somebody is dead, a run is cut."""
    run = started(WORLD, names[0])
    for name in names:
        following = started(WORLD, name)
        run.desired = replace(following.desired, propagated=run.desired.propagated)
        run.aws.speaks |= following.aws.speaks
        run.aws.preference = tuple(dict.fromkeys((*following.aws.preference, *run.aws.preference)))
        if dead is not None:
            run.aws.speaks = {k: v for k, v in run.aws.speaks.items() if v != dead}
            kill(run, dead)
        watched_cut(run, cut)
    for step in run.converge():
        assert step.refused is not None or step.waits_for is not None, step.planned
    if dead is None:
        assert run.plan() == () or any(s.refused for s in run.plan())


def kill(run: Run, name: str) -> None:
    """Its sessions go down and never come back."""
    gone = {p.peer_id for p in run.aws.shown.peers if (p.peer_address, p.asn) not in run.aws.speaks}
    run.aws.shown = replace(
        run.aws.shown,
        peers=tuple(replace(p, bgp=Status.DOWN) if p.peer_id in gone else p for p in run.aws.shown.peers),
    )
    assert name not in run.aws.speaks.values()
    run.aws.converge()


def watched_cut(run: Run, calls: int) -> None:
    """So many calls, each with the invariant checked, and then the next document comes."""
    for _ in range(20):
        for step in run.begin():
            if calls == 0:
                return
            owner = run.aws.owner
            run.aws.carry_out(step.do)
            assert owner is None or run.aws.owner == owner, step.planned
            calls -= 1
        run.aws.settle()
