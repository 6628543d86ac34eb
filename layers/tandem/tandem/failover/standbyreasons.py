"""Says what is wrong with an appliance that could not take over, or that it is over."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from tandem.failover.appliances import not_running
from tandem.failover.sessions import sessions_of
from tandem.failover.vitality import PENDING, Scene, carries, declared_as
from tandem.model import Peer, Status
from tandem.reasons.failover import FindingCode
from tandem.reasons.reason import Reason, reason
from tandem.state.episodes import Change
from tandem.topology.document import Appliance, Standby


class StandbyRule(StrEnum):
    """A rule says what should be so; a finding names it."""

    STANDBY_ALIVE = "standby-alive"
    SESSIONS_UP = "sessions-up"


def why_found(rule: StandbyRule, name: str, change: Change, scene: Scene) -> Reason:
    """Returns what a rule found."""
    appliance = scene.topology.appliances.get(name)
    if appliance is None:
        return reason(FindingCode.APPLIANCE_UNDECLARED, name)
    if appliance.standby is Standby.SILENT:
        return reason(FindingCode.APPLIANCE_SILENT, name)
    sessions = sessions_of(appliance, scene.observation)
    if change is Change.RESOLVED:
        return _over(rule, name, sessions, scene)
    if rule is StandbyRule.STANDBY_ALIVE:
        return _dead(appliance, sessions, scene)
    down = sum(not carries(peer, scene.route_server.database) for peer in sessions if peer.state != PENDING)
    return reason(FindingCode.SESSIONS_DOWN, name, down=down, total=len(sessions))


def _over(rule: StandbyRule, name: str, sessions: Sequence[Peer], scene: Scene) -> Reason:
    total = len(sessions)
    if rule is StandbyRule.SESSIONS_UP:
        return reason(FindingCode.SESSIONS_BACK, name, total=total)
    up = sum(carries(peer, scene.route_server.database) for peer in sessions)
    return reason(FindingCode.STANDBY_BACK, name, up=up, total=total)


def _dead(appliance: Appliance, sessions: Sequence[Peer], scene: Scene) -> Reason:
    """Returns why a standby could not take over, the nearest cause first."""
    name, state = appliance.name, not_running(appliance, scene.observation)
    others = scene.alive
    only = others[0] if len(others) == 1 else None
    if state is not None:
        instance = appliance.instance_id
        return reason(
            FindingCode.STANDBY_INSTANCE_NOT_RUNNING, name, instance=instance, state=state, only=only
        )
    was_up = scene.memory.seen_up.get(name) == declared_as(scene.topology, appliance)
    if not sessions:
        return reason(FindingCode.STANDBY_WITHOUT_PEER, name, was_up=was_up, only=only)
    if any(peer.bgp is Status.UP for peer in sessions):
        return reason(FindingCode.STANDBY_BFD_DOWN, name, was_up=was_up, only=only)
    return reason(FindingCode.STANDBY_SESSIONS_DOWN, name, was_up=was_up, total=len(sessions), only=only)
