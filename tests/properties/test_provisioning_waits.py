"""Whatever AWS fails, no plan waits for itself alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tandem.model import Status
from tandem.provisioning.managed import is_moving
from tandem.provisioning.managesteps import Await, DeletePeer, Step
from tandem.reasons.provisioning import ProvisioningCode
from tandem.reasons.reason import reason
from tests.managed_edits import FIELDS, speaking
from tests.routing import built
from tests.sessions import fail_endpoint, learned, single
from tests.topologies import edited

PEOPLE = {
    ProvisioningCode.UNTIL_SESSION_ADVERTISES,
    ProvisioningCode.UNTIL_STANDBY_UP,
    ProvisioningCode.UNTIL_ROUTES_READABLE,
    ProvisioningCode.PERSISTED_BEFORE_CHANGE,
    ProvisioningCode.PERSISTED_BEFORE_END,
}
"""What only people, or an appliance, can bring about."""


def test_make_sure_that_waiting_for_each_other_is_seen() -> None:
    facts = {"appliance": "fw1", "endpoint": "az1-a"}
    waits = reason(ProvisioningCode.UNTIL_SESSION, "fw1 at az1-a", **facts)
    step = Step(DeletePeer("rsp-1", "fw1"), reason(ProvisioningCode.BEING_DELETED, "rsp-1"), waits)
    with pytest.raises(AssertionError):
        assert_goes_on((step,), moves=False)


def assert_goes_on(steps: tuple[Step, ...], *, moves: bool) -> None:
    """Something can be done, AWS is at something, or somebody is told what is wanted of him."""
    told = any(
        s.refused is not None or (s.waits_for is not None and s.waits_for.code in PEOPLE) for s in steps
    )
    under_way = moves or any(s.is_ready or isinstance(s.do, Await) for s in steps)
    assert not steps or under_way or told, [s.planned for s in steps]


WORLD, SINGLE = built(), built(single())
FAULTS = st.lists(
    st.tuples(
        st.sampled_from(["az1-a", "az1-b", "az2-a", "az2-b"]),
        st.sampled_from(["failed", "delete-failed", "available"]),
        st.sampled_from(["up", "down", "failed"]),
    ),
    max_size=3,
    unique_by=lambda fault: fault[0],
)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([WORLD, SINGLE]),
    st.lists(st.sampled_from(sorted(set(FIELDS) - {"an appliance renamed", "the standby gone"})), max_size=2),
    FAULTS,
    st.sampled_from(["shown", "unknown", "persisted"]),
    st.booleans(),
)
def test_no_plan_waits_for_itself_alone(world, names, faults, routes, may_interrupt) -> None:
    try:
        made = edited(world.desired.topology.document, *[e for name in names for e in FIELDS[name]])
        run = speaking(world.towards(made, may_interrupt=may_interrupt))
    except (KeyError, IndexError):
        assume(False)
    for fault in faults:
        fail_endpoint(run, *fault)
    for _ in range(12):
        if routes == "unknown":
            run.aws.shown = replace(run.aws.shown, routes=None)
        if routes == "persisted" and not any(p.bgp is Status.UP for p in run.aws.shown.peers):
            learned(run, *((p.peer_id, p.peer_address) for p in run.aws.shown.peers))
        steps = run.plan()
        assert_goes_on(steps, moves=is_moving(run.desired, run.aws.shown))
        for step in run.begin():
            run.aws.carry_out(step.do)
        run.aws.settle()
