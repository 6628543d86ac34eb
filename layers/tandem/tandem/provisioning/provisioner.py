"""One run of the provisioner: makes a topology watched, records what it found, tells what changed.

Level-triggered: every run starts from what AWS shows, so an interrupted or a repeated one needs no care.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from tandem.author import NOBODY, Author
from tandem.errors import ConfigurationError, TemporaryError
from tandem.inventory import Inventory, RouteServerReading
from tandem.problems import by_cause
from tandem.provisioning.actors import actor
from tandem.provisioning.manageapply import Outcome
from tandem.provisioning.ports import World
from tandem.provisioning.suspicions import suspicion_of_problem
from tandem.provisioning.telling import (
    completed,
    differs,
    failed,
    is_long,
    reason_of,
    topology_change,
    waited,
)
from tandem.provisioning.watchapply import Half, converge_logs, converge_topics
from tandem.provisioning.watched import Stack, provisioned_of, unwatched, watched
from tandem.record import Provisioned, TopologyRecord
from tandem.validation.consent import network_problems
from tandem.validation.routeserver import settings_differ
from tandem.validation.worldchecks import worldcheck

LEAVING = "it is being deleted, so nobody moves its addresses; storing its document again ends that"


@dataclass(frozen=True, slots=True)
class Run:
    """What one run did to a topology."""

    record: TopologyRecord
    steps: tuple[str, ...] = ()
    failure: str | None = None

    @property
    def pending(self) -> tuple[str, ...]:
        """What it waits for; a run that neither waits nor has failed is done."""
        return self.record.provisioned.pending if self.record.provisioned else ()


def provision(
    record: TopologyRecord,
    others: Iterable[TopologyRecord],
    stack: Stack,
    world: World,
    outcome: Outcome | None = None,
) -> Run:
    """Makes the topology watched and records it; tells the bus where anything is new, a failure included.

    `others` are the other stored topologies: what they use stays. `outcome` is how far a managed one came.
    Raises TemporaryError, and with it ChangedMeanwhileError where another run was quicker.
    """
    began = world.clock.now()
    managed = outcome or Outcome(record, record.provisioned or Provisioned(""))
    route_server_id = managed.provisioned.route_server_id if outcome else ""
    route_server_id = route_server_id or record.topology.route_server.route_server_id or ""
    if outcome is not None and not route_server_id:
        return _told(record, unmade(outcome), Half(None), Half(None), managed, world)
    try:
        reading = world.route_servers.route_server(route_server_id)
        rests = reading is not None and not (managed.pending or managed.failure or managed.reason)
        inventory = world.route_servers.read(record.topology, stack.name, stack.place) if rests else None
    except ConfigurationError as error:
        return unreadable(record, str(error), world)
    if reading is None and outcome is not None:
        return _told(record, unmade(outcome), Half(None), Half(None), managed, world)
    if reading is None:
        gone = f"{route_server_id} is not known in {stack.place}: correct route_server.id and apply again"
        return unreadable(record, gone, world)
    desired = watched(record, tuple(others), reading, stack)
    topics, logs = converge_topics(desired, world), converge_logs(desired, world)
    provisioned = provisioned_of(record, reading, desired, topics, logs, managed, inventory)
    if inventory is not None:
        drift = _drift(record, reading, inventory, stack, world)
        since = _as_declared_at(record, managed, drift, began)
        provisioned = replace(provisioned, drift=drift, as_declared_at=since)
    return _told(record, provisioned, topics, logs, managed, world)


def _drift(
    record: TopologyRecord, reading: RouteServerReading, inventory: Inventory, stack: Stack, world: World
) -> tuple[str, ...]:
    """Tells, once, what differs from the document and is not Tandem's to repair, in one event for each cause;
    not what whoever stored this version was warned of."""
    untagged = network_problems(record.topology, inventory)
    warned = (*settings_differ(record.topology, inventory), *untagged)
    found = (*worldcheck(record.topology, inventory, ()), *warned)
    before = record.provisioned or Provisioned("")
    accepted = warned if before.version != record.version else ()
    new = [p for p in found if p.identity not in before.drift and p not in accepted]
    entered = tuple(p for p in new if p in untagged)
    for problems in (*by_cause(p for p in new if p not in untagged), *((entered,) if entered else ())):
        now, suspicion = world.clock.now(), suspicion_of_problem(problems[0], record, reading)
        who = actor(suspicion, before.as_declared_at, stack.role, world.history, now)
        world.bus.put(differs(record, problems, who, now))
    return tuple(problem.identity for problem in found)


def _as_declared_at(
    record: TopologyRecord, managed: Outcome, drift: tuple[str, ...], now: datetime
) -> datetime:
    """New with a version, after a repair, and when a told difference is gone, whatever else stands."""
    before = record.provisioned or Provisioned("")
    since = before.as_declared_at
    stays = before.version == record.version and set(before.drift) <= set(drift)
    stays = stays and before.converged_version == managed.provisioned.converged_version
    return since if stays and since is not None else now


def unmade(outcome: Outcome) -> Provisioned:
    """Before there is a route server to watch."""
    failure = None if outcome.failure is None else reason_of(outcome.failure)
    return replace(
        outcome.provisioned,
        version=outcome.record.version,
        pending=outcome.pending,
        failure=failure or outcome.reason,
    )


def take_back(outcome: Outcome, others: Iterable[TopologyRecord], stack: Stack, world: World) -> Run:
    """The end of a run over a topology that is leaving: it is forgotten once nothing of it is left.

    Raises TemporaryError.
    """
    steps: tuple[str, ...] = ()
    if not (outcome.pending or outcome.failure or outcome.reason):
        run = forget(outcome.record, others, stack, world)
        if run.failure is None:
            return replace(run, steps=(*outcome.steps, *run.steps))
        outcome, steps = replace(outcome, reason=run.failure), run.steps
    outcome = replace(outcome, steps=(*outcome.steps, *steps))
    found = unmade(outcome)
    if found.failure is not None:
        found = replace(found, failure=f"{found.failure}; {LEAVING}")
    return _told(outcome.record, found, Half(None), Half(None), outcome, world)


def forget(
    record: TopologyRecord,
    others: Iterable[TopologyRecord],
    stack: Stack,
    world: World,
    by: Author = NOBODY,
) -> Run:
    """Takes back what watched the topology, then its record; nothing else is touched.

    A call that fails leaves the record for the next try. Tells first: a run that is cut in between tells
    again instead of never. Raises TemporaryError.
    """
    desired = unwatched(record, others, stack)
    topics, logs = converge_topics(desired, world), converge_logs(desired, world)
    failure = topics.failure or logs.failure
    if failure is None:
        world.bus.put(topology_change(record, "deleted", world.clock.now(), by))
        world.store.delete(record)
        return Run(replace(record, provisioned=None), (*topics.steps, *logs.steps))
    if isinstance(failure, TemporaryError):
        raise failure
    return Run(record, (*topics.steps, *logs.steps), reason_of(failure))


def _told(
    record: TopologyRecord, provisioned: Provisioned, topics: Half, logs: Half, managed: Outcome, world: World
) -> Run:
    """Tells first and records then: a run that is cut in between tells again instead of never."""
    steps = (*managed.steps, *topics.steps, *logs.steps)
    failure, now = managed.failure or topics.failure or logs.failure, world.clock.now()
    if is_long(provisioned, now):
        world.bus.put(waited(record, provisioned, now))
        provisioned = replace(provisioned, told_version=record.version)
    if not steps and provisioned == record.provisioned:
        mended = world.store.set_provisioned(record, provisioned) if record.repaired else record
        return Run(mended, steps, provisioned.failure)
    if not provisioned.pending and provisioned.failure is None:
        is_reached = record.provisioned is None or record.provisioned.converged_version != record.version
        made = provisioned.done if is_reached else managed.steps
        world.bus.put(completed(record, provisioned, (*made, *topics.steps, *logs.steps), now))
        provisioned = replace(provisioned, notified_sessions=provisioned.sessions)
    elif not provisioned.pending and (
        steps or record.provisioned is None or record.provisioned.failure != provisioned.failure
    ):
        world.bus.put(failed(record, provisioned, steps, failure, now))
    return Run(world.store.set_provisioned(record, provisioned), steps, provisioned.failure)


def unreadable(record: TopologyRecord, reason: str, world: World) -> Run:
    """The route server cannot be read: what was provisioned stays as it was, with the reason."""
    before = record.provisioned or Provisioned(record.topology.route_server.route_server_id or "")
    provisioned = replace(before, version=record.version, failure=reason, pending=())
    if provisioned == record.provisioned:
        return Run(record, (), reason)
    world.bus.put(failed(record, provisioned, (), None, world.clock.now()))
    return Run(world.store.set_provisioned(record, provisioned), (), reason)
