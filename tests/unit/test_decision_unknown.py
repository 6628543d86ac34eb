"""Tests that what cannot be read is unknown: what depends on it holds, and nothing else does."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import pytest

from tandem.adapters.rows import Rows, Unread
from tandem.failover.deciding import decide
from tandem.failover.decision import Action, GroupDecision
from tandem.model import Observation, Unknown
from tandem.state.memory import Memory
from tests.pure import (
    ADDRESS,
    INSTANCE,
    INTERFACE,
    NOW,
    after,
    allocation,
    observation,
    said,
    topology,
    with_database,
)

T = TypeVar("T")

WHY = "cannot be read (KeyError: 'X')"
BOTH = (allocation(0), allocation(1))


def decided(observed: Observation, memory: Memory | None = None) -> GroupDecision:
    return decide(topology(), observed, memory or Memory(), NOW)[0]


def dead_fw1() -> Observation:
    return observation("fw2", "fw1", alive=("fw2",))


def without(observed: Observation, **unknown: dict[str, str]) -> Observation:
    """The observation without what is unknown, as a reading leaves it out."""

    def known(kind: str, shown: dict[str, T] | None) -> dict[str, T]:
        return {id_: value for id_, value in (shown or {}).items() if id_ not in unknown.get(kind, {})}

    return replace(
        observed,
        elastic_ips=known("elastic_ips", observed.elastic_ips),
        interfaces=known("interfaces", observed.interfaces),
        instance_states=known("instances", observed.instance_states),
        peers=tuple(p for p in observed.peers if p.peer_address not in unknown.get("peers", {})),
        unknown=Unknown(**unknown),
    )


def test_an_address_that_cannot_be_read_holds_and_is_not_called_released() -> None:
    decision = decided(without(dead_fw1(), elastic_ips={allocation(0): WHY}))
    unread, other = decision.addresses
    assert (unread.action, said(unread)) == (Action.HOLD, f"{WHY}, so its holder is unknown")
    assert (other.action, other.owner) == (Action.MOVE, "fw2")


def test_a_live_holder_whose_instance_cannot_be_read_is_not_dead() -> None:
    """So the move away from it waits out the damping."""
    moved = Memory().with_move("fw1", NOW, BOTH).with_verified(dict.fromkeys(BOTH, "fw1"))
    away = observation("fw2", "fw1")
    assert decided(away, moved).action is Action.HOLD
    decision = decided(without(away, instances={INSTANCE["fw1"]: WHY}), moved)
    assert {a.retry_at for a in decision.addresses} == {after(5)}
    assert decided(replace(away, instance_states={INSTANCE["fw2"]: "running"}), moved).action is Action.MOVE


@pytest.mark.parametrize("address", [ADDRESS["fw1"], ""])
def test_a_holder_whose_sessions_cannot_be_read_is_not_dead(address: str) -> None:
    moved = Memory().with_move("fw1", NOW, BOTH).with_verified(dict.fromkeys(BOTH, "fw1"))
    assert decided(dead_fw1(), moved).action is Action.MOVE
    decision = decided(without(dead_fw1(), peers={address: WHY}), moved)
    assert decision.action is Action.HOLD
    assert all(a.dead is None for a in decision.addresses)


def test_another_appliances_peer_that_cannot_be_read_keeps_no_death_from_being_seen() -> None:
    moved = Memory().with_move("fw1", NOW, BOTH).with_verified(dict.fromkeys(BOTH, "fw1"))
    assert decided(replace(dead_fw1(), unknown=Unknown(peers={"10.9.9.9": WHY})), moved).action is Action.MOVE


def test_an_owner_whose_sessions_cannot_be_read_gets_nothing_and_the_reason_says_so() -> None:
    decision = decided(without(observation("fw2", "fw1"), peers={ADDRESS["fw2"]: WHY}))
    assert decision.action is Action.HOLD
    assert said(decision).startswith(
        f"the FIB names fw2, which has no readable session with BGP up: {WHY}: the route is out of date"
    )


def test_a_next_hop_on_an_interface_that_cannot_be_read_is_the_appliance_that_declares_it() -> None:
    decision = decided(without(dead_fw1(), interfaces={INTERFACE["fw2"]: WHY}))
    assert [m.owner for m in decision.moves] == ["fw2", "fw2"]


def test_a_declared_address_that_another_interface_shows_is_not_the_declarers() -> None:
    """fw1 declares what is on fw2's interface now, as can be read; fw1's interface cannot."""
    observed = without(observation("fw2", "fw1"), interfaces={INTERFACE["fw1"]: WHY})
    floating = replace(topology().appliances["fw1"], peers=(("rse-1a", ADDRESS["fw2"]),))
    declared = replace(topology(), appliances={**topology().appliances, "fw1": floating})
    assert {a.owner for a in decide(declared, observed, Memory(), NOW)[0].addresses} == {"fw2"}


@pytest.mark.parametrize("kind", ["interfaces", "instances"])
def test_a_target_that_cannot_be_read_stops_only_moves_from_the_living(kind: str) -> None:
    ids = {"interfaces": INTERFACE, "instances": INSTANCE}[kind]
    assert len(decided(without(dead_fw1(), **{kind: {ids["fw2"]: WHY}})).moves) == 2
    decision = decided(without(observation("fw2", "fw1"), **{kind: {ids["fw2"]: WHY}}))
    assert {(a.action, WHY in said(a)) for a in decision.addresses} == {(Action.HOLD, True)}


def test_a_route_that_does_not_say_where_to_makes_only_those_without_one_doubtful() -> None:
    doubtful = {"": "a route to nobody knows where may be in the FIB"}
    there = dead_fw1()
    known = with_database(there, doubts=doubtful)
    assert len(decided(known).moves) == 2
    gone = with_database(there, routes=(), doubts=doubtful)
    assert said(decided(gone)) == doubtful[""]


def test_a_row_that_does_not_say_what_it_is_about_may_be_any_that_is_missing() -> None:
    rows: Rows[str] = Rows(("a",), (Unread("", "one", {}), Unread("b", "two", {})))
    assert rows.unknown(["a", "b", "c"], ["a"]) == {"b": "two", "c": "one"}
    assert Rows(("a",), (Unread("z", "three", {}),)).unknown(["a", "b"], ["a"]) == {"z": "three"}
