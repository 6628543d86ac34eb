"""Words findings about appliances: what is wrong, and what somebody should do at 3 a.m."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from tandem.episodes import Change
from tandem.failover import ownership
from tandem.failover.vitality import PENDING, Scene, carries, declared_as
from tandem.model import Peer, Status
from tandem.topology import Appliance, Standby

NOTHING = "Nothing has to be done"
_DIAL = (
    "runs and connects to every endpoint. Check the source address, the ASN and TCP 179; with "
    "liveness: bfd also UDP 3784 (docs/appliances.md)"
)


class Rule(StrEnum):
    """A rule says what should be so; a finding names it."""

    STANDBY_ALIVE = "standby-alive"
    SESSIONS_UP = "sessions-up"


def words(rule: Rule, name: str, change: Change, scene: Scene) -> tuple[str, str]:
    """Returns the summary, and what to do about it."""
    appliance = scene.topology.appliances.get(name)
    if appliance is None:
        return f"Tandem no longer checks {name}: the topology does not declare it", NOTHING
    if appliance.standby is Standby.SILENT:
        return f"Tandem no longer checks {name}: the topology declares standby: silent", NOTHING
    sessions = ownership.sessions_of(appliance, scene.observation)
    if change is Change.RESOLVED:
        return _over(rule, name, sessions, scene), NOTHING
    if rule is Rule.STANDBY_ALIVE:
        return _dead(appliance, sessions, scene)
    return _partly(name, sessions, scene)


def _over(rule: Rule, name: str, sessions: Sequence[Peer], scene: Scene) -> str:
    if rule is Rule.SESSIONS_UP:
        return f"all {len(sessions)} sessions of {name} are up"
    up = sum(carries(peer, scene.observation) for peer in sessions)
    return f"{name} is back: {up} of its {len(sessions)} sessions are up"


def _dead(appliance: Appliance, sessions: Sequence[Peer], scene: Scene) -> tuple[str, str]:
    """Returns what is wrong with a dead standby, and what to do."""
    name, state = appliance.name, ownership.not_running(appliance, scene.observation)
    was_up = scene.memory.seen_up.get(name) == declared_as(scene.topology, appliance)
    what = f"{name} is dead" if was_up or state is not None else f"{name} has not come up yet"
    if state is not None:
        why = f"its instance {appliance.instance_id} is {state}"
        do = f"Start {appliance.instance_id}, or replace it and apply the topology with the new instance"
    elif not sessions:
        why = "the route server has no peer for it"
        do = "Find out who deleted its peers. With manage: true, run tandem plan to see what Tandem will do"
    elif any(peer.bgp is Status.UP for peer in sessions):
        why = "BGP is up, but BFD is down and the route server has no routes from it"
        do = f"See on {name} why BFD is down: UDP 3784, timers, and single-hop BFD (docs/appliances.md)"
    else:
        why = f"none of its {len(sessions)} sessions is up"
        do = (
            f"Check whether BGP on {name} {_DIAL}. If it does not speak BGP while it is passive, declare "
            "standby: silent"
        )
    others = scene.alive
    left = f"; until then nobody can take over from {others[0]}" if len(others) == 1 else ""
    return f"{what}: {why}", do + left


def _partly(name: str, sessions: Sequence[Peer], scene: Scene) -> tuple[str, str]:
    down = sum(not carries(peer, scene.observation) for peer in sessions if peer.state != PENDING)
    verb = "is" if down == 1 else "are"
    others = "When AWS takes an endpoint down for maintenance, only the remaining sessions carry routes"
    do = f"Check whether BGP on {name} {_DIAL}. {others}"
    return f"{down} of {len(sessions)} sessions of {name} {verb} down", do
