"""What decides and moves depends on who owns a group, not on what judges that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from unittest import mock

import pytest

from tandem.errors import ConfigurationError
from tandem.failover.deciding import decide
from tandem.failover.decision import Action, GroupDecision
from tandem.failover.moves import moves
from tandem.failover.ownership import Ownership, OwnershipSource
from tandem.failover.settling import seen_next_hops
from tandem.failover.standbys import judge
from tandem.failover.telling import evidence
from tandem.model import Observation
from tandem.reasons.failover import HoldCode, MoveCode, ReportCode
from tandem.reasons.reason import Reason, reason
from tandem.state.episodes import Episode
from tandem.state.memory import Memory
from tandem.state.override import Override, OverrideKind
from tandem.topology.document import Appliance, Group
from tests.pure import NOW, after, allocation, observation, target, topology

EDGE = topology()
WITHOUT_ROUTE_SERVER = replace(observation("fw1", "fw1"), database=None, peers=())
"""fw1 has every address, and no route server shows a route or a session."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """An ownership source that judges as it is told."""

    owner: str = "fw2"
    dead: str = ""
    unready: str = ""

    def ownership(self, group: Group) -> Ownership:
        assert group in EDGE.groups
        return Ownership({self.owner: reason(MoveCode.OWNER_HAS_ROUTE, self.owner)}, clear=True)

    def why_dead(self, appliance: Appliance) -> Reason | None:
        return reason(MoveCode.HOLDER_SILENT, appliance.name) if appliance.name == self.dead else None

    def why_unready(self, appliance: Appliance, subject: str) -> Reason | None:
        if appliance.name != self.unready:
            return None
        return reason(HoldCode.TARGET_SILENT, subject, appliance=appliance.name, unread=None)

    def why_pin_waits(self, appliance: Appliance, pin: Reason) -> Reason | None:
        return self.why_unready(appliance, pin.subject)


@contextmanager
def judged_by(source: OwnershipSource) -> Iterator[None]:
    with mock.patch("tandem.failover.deciding.source_of", return_value=source):
        yield


def decided(source: OwnershipSource, observed: Observation = WITHOUT_ROUTE_SERVER) -> GroupDecision:
    with judged_by(source):
        return decide(EDGE, observed, Memory(), NOW)[0]


def pinned(*, forced: bool) -> Observation:
    pin = Override(OverrideKind.PINNED, "kim", "upgrade", after(60), appliance="fw2", forced=forced)
    return replace(WITHOUT_ROUTE_SERVER, overrides=(pin,))


def test_a_group_follows_its_source_where_no_route_server_shows_anything() -> None:
    decision = decided(Verdicts("fw2", dead="fw1"))
    assert [(m.subject, m.source_appliance, m.target) for m in moves((decision,))] == [
        (allocation(n), "fw1", target("fw2", n)) for n in range(2)
    ]
    assert [r.code for r in decision.main_reasons] == [MoveCode.OWNER_HAS_ROUTE, MoveCode.HOLDER_SILENT]
    assert decision.clear
    assert decided(Verdicts("fw1")).action is Action.NO_CHANGE


def test_nothing_goes_to_an_appliance_that_its_source_calls_unready() -> None:
    decision = decided(Verdicts("fw2", dead="fw1", unready="fw2"))
    assert [(a.action, a.code) for a in decision.addresses] == [(Action.HOLD, HoldCode.TARGET_SILENT)] * 2


def test_a_pin_waits_for_the_source_unless_it_is_forced() -> None:
    silent = Verdicts("fw1", unready="fw2")
    assert decided(silent, pinned(forced=False)).code == HoldCode.TARGET_SILENT
    decision = decided(silent, pinned(forced=True))
    assert [move.owner for move in moves((decision,))] == ["fw2", "fw2"]
    assert [report.code for report in decision.reports] == [ReportCode.PINNED]
    assert len(moves((decided(Verdicts("fw1"), pinned(forced=False)),))) == 2


def test_prefixes_without_a_route_server_are_a_mistake_that_is_named() -> None:
    with pytest.raises(ConfigurationError, match="internet-edge of topology edge"):
        decide(EDGE, WITHOUT_ROUTE_SERVER, Memory(), NOW)


def test_a_topology_without_a_route_server_shows_no_routes_and_has_no_sessions_to_judge() -> None:
    shown = evidence(EDGE, WITHOUT_ROUTE_SERVER)
    assert (shown["fib"], shown["persisted"]) == ([], False)
    assert shown["holders"][allocation(0)]["appliance"] == "fw1"
    assert seen_next_hops(WITHOUT_ROUTE_SERVER, EDGE) == {}
    memory = Memory(episodes={"standby-alive fw2": Episode(NOW, NOW)})
    assert judge(EDGE, WITHOUT_ROUTE_SERVER, memory, NOW, may_tell=True) == (memory, ())
