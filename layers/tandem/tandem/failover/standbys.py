"""Judges appliances that could not take over: which findings open, and which end.

Nothing here is asked by `decide`: a standby that is dead changes no move.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tandem.failover.appliances import instance_state
from tandem.failover.decision import Severity
from tandem.failover.routeserver import route_server_source
from tandem.failover.sessions import sessions_of
from tandem.failover.standbyreasons import StandbyRule, why_found
from tandem.failover.vitality import Scene, cannot_take_over, declared_as, is_active, some_down
from tandem.model import Observation, Peer
from tandem.reasons.reason import Reason
from tandem.state.episodes import GRACE, Change, Episode, Sight, forget, step
from tandem.state.memory import Memory
from tandem.topology.document import Standby, Topology

LONG_GRACE = timedelta(minutes=30)
"""For what was never up: AWS takes minutes to make a session, then a person has to configure the appliance.
For one session of several: AWS takes an endpoint down for a while to work on it."""


@dataclass(frozen=True, slots=True)
class StandbyFinding:
    """A rule's result changed for one appliance."""

    rule: StandbyRule
    name: str
    change: Change
    since: datetime
    why: Reason
    severity: Severity
    sessions: tuple[Peer, ...] = ()
    instance: tuple[str, str | None] | None = None
    """The ID of the declared instance and its state, None if that could not be read."""

    @property
    def key(self) -> str:
        return _key(self.rule, self.name)


def judge(
    topology: Topology, observation: Observation, memory: Memory, now: datetime, *, may_tell: bool
) -> tuple[Memory, tuple[StandbyFinding, ...]]:
    """Returns the memory after this look, and what is to be told. Pure: same input, same output.

    While a look may not tell, times go on and nothing is told.
    """
    route_server = route_server_source(topology, observation)
    if route_server is None:  # the rules judge BGP sessions
        return memory, ()
    scene = Scene(route_server, memory)
    sights = dict(_sights(scene))
    episodes: dict[str, Episode] = {}
    findings: list[StandbyFinding] = []
    for key in (*sights, *(k for k in memory.episodes if k not in sights)):
        before, sight = memory.episodes.get(key), sights.get(key)
        if sight is not None:
            after, change = step(before, sight, now, may_tell=may_tell)
        else:
            after, change = forget(before, may_tell=may_tell)
        if after is not None:
            episodes[key] = after
        episode = after or before
        if change is not None and episode is not None:
            findings += _finding(key, change, episode.since, scene)
    up = {n: declared_as(topology, topology.appliances[n]) for n in scene.alive}
    known = {n: about for n, about in memory.seen_up.items() if n in topology.appliances}
    return replace(memory, episodes=episodes, seen_up=known | up), tuple(findings)


def _sights(scene: Scene) -> Iterator[tuple[str, Sight]]:
    """Applies each rule to each appliance that should have its sessions up."""
    topology, route_server = scene.topology, scene.route_server
    is_anybody_alive = bool(scene.alive)
    for name, appliance in topology.appliances.items():
        if appliance.standby is Standby.SILENT:
            continue
        about = declared_as(topology, appliance)
        dead = cannot_take_over(appliance, route_server)
        was_up = scene.memory.seen_up.get(name) == about
        # an active one that is dead is a move or a hold; so is it if nobody is alive
        counts = is_anybody_alive and not is_active(name, scene)
        grace = GRACE if was_up else LONG_GRACE
        yield _key(StandbyRule.STANDBY_ALIVE, name), Sight(dead, grace, about, counts)
        down = None if dead is not False else some_down(appliance, route_server)
        yield _key(StandbyRule.SESSIONS_UP, name), Sight(down, LONG_GRACE, about)


def _key(rule: StandbyRule, name: str) -> str:
    return f"{rule} {name}"


def _finding(key: str, change: Change, since: datetime, scene: Scene) -> Iterator[StandbyFinding]:
    """Yields the finding, unless this version does not know its rule."""
    rule_id, _, name = key.partition(" ")
    rule = next((known for known in StandbyRule if known == rule_id), None)
    if rule is None:
        return
    appliance = scene.topology.appliances.get(name)
    yield StandbyFinding(
        rule,
        name,
        change,
        since,
        why_found(rule, name, change, scene),
        severity=Severity.WARNING if change is Change.OPENED else Severity.INFO,
        sessions=sessions_of(appliance, scene.observation) if appliance else (),
        instance=(appliance.instance_id, instance_state(appliance, scene.observation))
        if appliance and appliance.instance_id
        else None,
    )
