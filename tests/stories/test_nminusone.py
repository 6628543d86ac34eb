"""The N-1 table comes true: every thing that it lists is broken in a copy of the world, and the looks run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial

import pytest

from tandem.compliance.endings import AddressEnd, Ending, FailureRow
from tandem.failover.decision import AddressDecision
from tandem.reasons.documents import ProblemCode
from tandem.reasons.failover import HoldCode
from tests.forks import run_in_copy
from tests.tiers import prove
from tests.whatif import Unbroken, random_spec, unbroken


@dataclass(frozen=True, slots=True)
class Came:
    """What came of one failure."""

    holders: dict[str, tuple[str, str] | None]
    codes: dict[str, str]
    """Elastic IP to the first code of its last decision."""
    calls: int


def broken(world: Unbroken, row: FailureRow) -> Came:
    for failure in row.failures:
        world.break_(failure)
    report = world.rest()
    decided: list[AddressDecision] = [a for d in report.decisions for a in d.addresses]
    calls = world.stack.calls("AssociateAddress")
    return Came(
        world.holders(),
        {a.allocation_id: str(a.code) for a in decided},
        sum(call["outcome"] == "OK" for call in calls),
    )


def appliance_at(world: Unbroken, allocation: str, holder: tuple[str, str] | None) -> str | None:
    """Returns the appliance at whose target the Elastic IP is."""
    for group in world.topology.groups:
        for address in group.elastic_ips:
            if address.allocation_id == allocation:
                for name, target in address.targets.items():
                    if (target.network_interface_id, target.private_ip) == holder:
                        return name
    return None


def agrees(end: AddressEnd, came: Came, before: dict[str, tuple[str, str] | None], world: Unbroken) -> bool:
    holder = came.holders[end.allocation_id]
    at, code = appliance_at(world, end.allocation_id, holder), came.codes[end.allocation_id]
    match end.ending:
        case Ending.IN_PLACE:
            return at == end.appliance and holder == before[end.allocation_id] and code == "in-place"
        case Ending.MOVED:
            return at == end.appliance and holder != before[end.allocation_id] and code == "in-place"
        case Ending.HELD | Ending.LOST:
            expected = {str(r.code) for r in end.reasons}
            if ProblemCode.BORDER_GROUPS_DIFFER in expected:
                expected = {str(HoldCode.MOVE_REFUSED)}
            return at == end.appliance and code in expected
        case Ending.UNDETERMINED:
            return any(agrees(one, came, before, world) for one in end.possible)
    return False


def judge(seed: int) -> Counter[Ending]:
    found: Counter[Ending] = Counter()
    with unbroken(random_spec(seed)) as world:
        before = world.holders()
        for row in world.rows():
            came = run_in_copy(partial(broken, world, row))
            ends = [address for group in row.groups for address in group.addresses]
            for end in ends:
                assert agrees(end, came, before, world), (seed, row.as_dict(), end.as_dict(), came, before)
            found.update(end.ending for end in ends)
            if Ending.UNDETERMINED not in {end.ending for end in ends}:
                assert came.calls == row.calls, (seed, row.as_dict(), came)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_every_row_of_the_table_comes_true(seed: int) -> None:
    judge(seed)


@prove
@pytest.mark.parametrize("seed", range(4, 30))
def test_every_row_of_the_table_comes_true_in_many_worlds(seed: int) -> None:
    judge(seed)
