"""One run of the provisioner: makes a topology watched, records what it found, tells what changed.

Level-triggered: every run starts from what AWS shows, so an interrupted or a repeated one needs no care.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from tandem.author import NOBODY, Author
from tandem.errors import CallFailedError, ConfigurationError, TemporaryError
from tandem.provisioning.actors import actor
from tandem.provisioning.listenapply import Half, converge_logs, converge_topics
from tandem.provisioning.listening import Stack, provisioned_of, unwatched, watched, why_of
from tandem.provisioning.manageapply import ConvergenceResult, reason_of
from tandem.provisioning.ports import ProvisionerPorts
from tandem.provisioning.recording import (
    Why,
    failure_words,
    has_changed,
    has_only_drifted,
    has_same_failure,
    still_differs,
    was_notified,
    with_drift,
    with_failure,
    with_notified_sessions,
    with_pending,
)
from tandem.provisioning.suspicions import suspicion_of_problem
from tandem.provisioning.telling import (
    differs,
    is_long,
    provisioning_completed,
    provisioning_failed,
    step_sentences,
    topology_change,
    waited,
)
from tandem.reasons.provisioning import ProvisioningCode as Code
from tandem.reasons.reason import Reason, reason
from tandem.state.record import Provisioned, TopologyRecord
from tandem.topology.consent import network_problems
from tandem.topology.inventory import Inventory, RouteServerReading
from tandem.topology.problems import Problem, by_cause
from tandem.topology.routeserver import settings_differ
from tandem.topology.worldchecks import worldcheck


@dataclass(frozen=True, slots=True)
class ProvisioningRun:
    """Holds what one run did to a topology."""

    record: TopologyRecord
    steps: tuple[str, ...] = ()
    reason: Why = ()
    """Why it failed; nothing where it did not."""

    @property
    def failure(self) -> str | None:
        return failure_words(self.reason)

    @property
    def pending(self) -> tuple[str, ...]:
        """Returns what it waits for; a run that neither waits nor has failed is done."""
        return self.record.provisioned.pending if self.record.provisioned else ()


def provision(
    record: TopologyRecord,
    others: Iterable[TopologyRecord],
    stack: Stack,
    world: ProvisionerPorts,
    outcome: ConvergenceResult | None = None,
) -> ProvisioningRun:
    """Makes the topology watched and records it; tells the bus where anything is new, a failure included.

    `others` are the other stored topologies: what they use stays. `outcome` is how far a managed one came.
    Raises TemporaryError, and with it ChangedMeanwhileError where another run was quicker.
    """
    began = world.clock.now()
    managed = outcome or ConvergenceResult(record, record.provisioned or Provisioned(""))
    route_server_id = managed.provisioned.route_server_id if outcome else ""
    route_server_id = route_server_id or record.topology.route_server.route_server_id or ""
    # nothing was created yet, so there is nothing to subscribe to
    if outcome is not None and not route_server_id:
        return _notify_and_record(
            record, _before_watching(outcome), _why(outcome), Half(None), Half(None), managed, world
        )
    try:
        reading = world.route_servers.route_server(route_server_id)
        # drift is judged at rest only: a change under way would look like drift
        rests = reading is not None and not (managed.pending or managed.failure or managed.reason)
        inventory = world.route_servers.read(record.topology, stack.name, stack.place) if rests else None
    except ConfigurationError as error:
        return unreadable(record, refusal_of(error), world)
    # a managed route server that is gone is created again by the next turn
    if reading is None and outcome is not None:
        return _notify_and_record(
            record, _before_watching(outcome), _why(outcome), Half(None), Half(None), managed, world
        )
    if reading is None:
        gone = reason(Code.ROUTE_SERVER_LOST, route_server_id, place=str(stack.place))
        return unreadable(record, gone, world)
    desired = watched(record, tuple(others), reading, stack)
    topics, logs = converge_topics(desired, world), converge_logs(desired, world)
    provisioned = provisioned_of(record, reading, desired, topics, logs, managed, inventory)
    if inventory is not None:
        drift = _drift(record, reading, inventory, stack, world)
        since = _as_declared_at(record, managed, drift, began)
        provisioned = replace(with_drift(provisioned, drift), as_declared_at=since)
    return _notify_and_record(
        record, provisioned, why_of(managed, topics, logs), topics, logs, managed, world
    )


def _drift(
    record: TopologyRecord,
    reading: RouteServerReading,
    inventory: Inventory,
    stack: Stack,
    world: ProvisionerPorts,
) -> tuple[Problem, ...]:
    """Notifies, once, what differs and is not Tandem's to repair, in one event for each cause.

    Whoever stored this version was warned of some of it, and is not notified of that again.
    """
    untagged = network_problems(record.topology, inventory)
    warned = (*settings_differ(record.topology, inventory), *untagged)
    found = (*worldcheck(record.topology, inventory, ()), *warned)
    before = record.provisioned or Provisioned("")
    accepted = {p.identity for p in warned} if before.version != record.version else set()
    new = [p for p in found if not was_notified(p, before) and p.identity not in accepted]
    networks = {p.identity for p in untagged}
    entered = tuple(p for p in new if p.identity in networks)
    others = by_cause(p for p in new if p.identity not in networks)
    for problems in (*others, *((entered,) if entered else ())):
        now, suspicion = world.clock.now(), suspicion_of_problem(problems[0], record, reading)
        who = actor(suspicion, before.as_declared_at, stack.role, world.history, now)
        world.bus.put(differs(record, problems, who, now))
    return found


def _as_declared_at(
    record: TopologyRecord, managed: ConvergenceResult, drift: tuple[Problem, ...], now: datetime
) -> datetime:
    """Returns the time from which on a difference counts as new.

    It starts again with a version, after a repair, and when a notified difference is gone.
    """
    before = record.provisioned or Provisioned("")
    since = before.as_declared_at
    is_same_version = before.version == record.version
    is_unrepaired = before.converged_version == managed.provisioned.converged_version
    stays = is_same_version and is_unrepaired and still_differs(before, drift)
    return since if stays and since is not None else now


def _before_watching(outcome: ConvergenceResult) -> Provisioned:
    """Returns what to record while there is no route server to watch."""
    found = replace(outcome.provisioned, version=outcome.record.version)
    return with_failure(with_pending(found, outcome.pending), _why(outcome))


def _why(outcome: ConvergenceResult) -> Why:
    return outcome.reason if outcome.failure is None else (reason_of(outcome.failure),)


def refusal_of(error: ConfigurationError) -> Reason:
    """Returns what a person has to change: the same call and AWS's code are the same reason."""
    subject = f"{error.call}: {error.code}" if isinstance(error, CallFailedError) else type(error).__name__
    return reason(Code.CANNOT_GO_ON, subject, why=str(error))


def take_back(
    outcome: ConvergenceResult, others: Iterable[TopologyRecord], stack: Stack, world: ProvisionerPorts
) -> ProvisioningRun:
    """Ends a run over a topology that is leaving: it is forgotten once nothing of it is left.

    Raises TemporaryError.
    """
    steps: tuple[str, ...] = ()
    if not (outcome.pending or outcome.failure or outcome.reason):
        run = unwatch_and_forget(outcome.record, others, stack, world)
        if not run.reason:
            return replace(run, steps=(*step_sentences(outcome.steps), *run.steps))
        outcome, steps = replace(outcome, reason=run.reason), run.steps
    found, why = _before_watching(outcome), _why(outcome)
    if why:
        why = (*why, reason(Code.LEAVING, outcome.record.topology.name))
        found = with_failure(found, why)
    return _notify_and_record(outcome.record, found, why, Half(None), Half(None), outcome, world, steps)


def unwatch_and_forget(
    record: TopologyRecord,
    others: Iterable[TopologyRecord],
    stack: Stack,
    world: ProvisionerPorts,
    by: Author = NOBODY,
) -> ProvisioningRun:
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
        return ProvisioningRun(
            replace(record, provisioned=None), step_sentences((*topics.steps, *logs.steps))
        )
    if isinstance(failure, TemporaryError):
        raise failure
    return ProvisioningRun(record, step_sentences((*topics.steps, *logs.steps)), (reason_of(failure),))


def _notify_and_record(
    record: TopologyRecord,
    provisioned: Provisioned,
    why: Why,
    topics: Half,
    logs: Half,
    managed: ConvergenceResult,
    world: ProvisionerPorts,
    undone: tuple[str, ...] = (),
) -> ProvisioningRun:
    """Notifies first and records then: a run that is cut in between notifies again instead of never."""
    listening = (*undone, *step_sentences((*topics.steps, *logs.steps)))
    steps = (*step_sentences(managed.steps), *listening)
    failure, now = managed.failure or topics.failure or logs.failure, world.clock.now()
    before = record.provisioned
    # only people can end such a wait: an appliance that does not connect, for one
    if is_long(provisioned, now):
        world.bus.put(waited(record, provisioned, now))
        provisioned = replace(provisioned, told_version=record.version)
    # a run each few minutes must not write or notify while nothing changes
    if not steps and not has_changed(before, provisioned):
        return ProvisioningRun(_rewritten(record, provisioned, world), steps, why)
    if not provisioned.pending and not why:
        is_reached = before is None or before.converged_version != record.version
        done = provisioned.done if is_reached else step_sentences(managed.steps)
        # people have the message of the drift; that the version is provisioned is old news
        if steps or not has_only_drifted(before, provisioned):
            world.bus.put(provisioning_completed(record, provisioned, (*done, *listening), now))
        provisioned = with_notified_sessions(provisioned)
    elif not provisioned.pending and (steps or before is None or not has_same_failure(before, provisioned)):
        world.bus.put(provisioning_failed(record, provisioned, why, steps, failure, now))
    return ProvisioningRun(world.store.set_provisioned(record, provisioned), steps, why)


def _rewritten(record: TopologyRecord, provisioned: Provisioned, world: ProvisionerPorts) -> TopologyRecord:
    """Records other words for the same, of which nobody is notified, and what was damaged."""
    if provisioned == record.provisioned and not record.repaired:
        return record
    return world.store.set_provisioned(record, provisioned)


def unreadable(record: TopologyRecord, why: Reason, world: ProvisionerPorts) -> ProvisioningRun:
    """Records that the route server cannot be read: what was provisioned stays as it was, with the reason."""
    before = record.provisioned or Provisioned(record.topology.route_server.route_server_id or "")
    provisioned = with_failure(with_pending(replace(before, version=record.version), ()), (why,))
    if not has_changed(record.provisioned, provisioned):
        return ProvisioningRun(_rewritten(record, provisioned, world), (), (why,))
    world.bus.put(provisioning_failed(record, provisioned, (why,), (), None, world.clock.now()))
    return ProvisioningRun(world.store.set_provisioned(record, provisioned), (), (why,))
