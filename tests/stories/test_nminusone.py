"""The N-1 table comes true: every thing that it lists is broken in a copy of the world, and the looks run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest

from lab.ec2.timings import TieBreak
from tandem.compliance.whatif.endings import AddressEnd, Ending, FailureRow
from tandem.reasons.documents import ProblemCode
from tandem.reasons.failover import HoldCode
from tandem.reasons.nminusone import UndeterminedCode
from tests.forks import run_in_copy
from tests.tiers import first_now, prove
from tests.whatif import PREFIXES, Spec, Unbroken, Unit, random_spec, unbroken

NOW = (23, 44)
"""The worlds in which most can go wrong in the fewest rows."""

LATER = (0, 5, 6, 8, 11, 20, 52)
"""More of them."""


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
    decided = [address for decision in report.decisions for address in decision.addresses]
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


def judge(world: Unbroken) -> Counter[tuple[Ending, str | None]]:
    """Breaks everything that the table lists, each in a copy of the world."""
    found: Counter[tuple[Ending, str | None]] = Counter()
    before = world.holders()
    for row in world.rows():
        came = run_in_copy(partial(broken, world, row))
        ends = [address for group in row.groups for address in group.addresses]
        for end in ends:
            assert agrees(end, came, before, world), (row.as_dict(), end.as_dict(), came, before)
        if Ending.UNDETERMINED not in {end.ending for end in ends}:
            assert came.calls == row.calls, (row.as_dict(), came)
        found.update((end.ending, end.code) for end in ends)
    return found


@pytest.mark.parametrize("seed", NOW)
def test_every_row_of_the_table_comes_true(seed: int) -> None:
    with unbroken(random_spec(seed)) as world:
        judge(world)


@prove
@pytest.mark.parametrize("seed", LATER)
def test_every_row_of_the_table_comes_true_in_many_worlds(seed: int) -> None:
    with unbroken(random_spec(seed)) as world:
        judge(world)


def pair(**second: Any) -> Spec:
    """Two appliances in one zone, one session each, and one Elastic IP; the second has what is given."""
    fw1 = Unit(1, 65001, bfd=True, endpoints=("az1-a",), paths=((0, 0), None))
    fw2 = replace(fw1, asn=65002, paths=((1, 0), None), **second)
    return Spec({"fw1": fw1, "fw2": fw2}, {"az1-a": 1}, (PREFIXES[:1],), addresses=1)


@pytest.mark.parametrize("tie_break", first_now(TieBreak))
def test_a_tie_of_two_standbys_is_undetermined_whoever_wins_it(tie_break: TieBreak) -> None:
    two = pair()
    fw3 = replace(two.units["fw2"], asn=65003)
    with unbroken(replace(two, units={**two.units, "fw3": fw3}), tie_break) as world:
        before = world.holders()
        [row] = [r for r in world.rows() if r.is_about("fw1")]
        [end] = row.groups[0].addresses
        assert (end.ending, end.code) == (Ending.UNDETERMINED, UndeterminedCode.BEST_PATH_UNDOCUMENTED)
        assert {(p.ending, p.appliance) for p in end.possible} == {
            (Ending.MOVED, "fw2"),
            (Ending.MOVED, "fw3"),
        }
        assert agrees(end, broken(world, row), before, world)


def test_a_silent_standby_that_becomes_active_is_what_was_assumed() -> None:
    with unbroken(pair(standby="silent", ends="silent")) as world:
        before = world.holders()
        [row] = [r for r in world.rows() if r.is_about("fw1")]
        [end] = row.groups[0].addresses
        assert (end.ending, end.appliance) == (Ending.ASSUMED, "fw2")
        world.stack.levers.restore(name="fw2")
        came = broken(world, row)
        assert agrees(replace(end, ending=Ending.MOVED), came, before, world)
        assert came.calls == row.calls == 1
