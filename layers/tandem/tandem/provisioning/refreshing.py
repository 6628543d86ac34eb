"""Runs of the provisioner over the stored topologies: those that are managed take turns beside each other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from tandem.author import Author
from tandem.errors import ConfigurationError, TemporaryError
from tandem.provisioning.actors import Frugal, actor
from tandem.provisioning.listening import Stack
from tandem.provisioning.manageapply import Convergence
from tandem.provisioning.ports import ProvisionerPorts
from tandem.provisioning.provisioner import ProvisioningRun, provision, refusal_of, take_back, unreadable
from tandem.provisioning.recording import with_failure, with_pending
from tandem.provisioning.suspicions import suspicion_of_step
from tandem.provisioning.telling import drifted, topology_change
from tandem.reasons.provisioning import ProvisioningCode as Code
from tandem.reasons.reason import Reason, reason
from tandem.signals.intake import route_server_of
from tandem.state.record import Provisioned, TopologyRecord

_TRIES = 5
_POLL_SECONDS = 5.0
"""Between two turns over what is managed."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """Holds what a refresh did; `unfinished` says which topologies have to be tried again, and why."""

    runs: tuple[ProvisioningRun, ...]
    unfinished: tuple[str, ...]
    untold: str | None = None
    """Why CloudTrail did not tell who made a difference, where it was asked in vain."""


def refresh(
    records: Collection[TopologyRecord],
    only: str | None,
    stack: Stack,
    world: ProvisionerPorts,
    *,
    owner: str = "provisioner",
    until: datetime | None = None,
    due_only: bool = False,
) -> Refreshed:
    """Provisions each stored topology, or only the one of that name; one that is leaving is taken back and
    forgotten. A sick one keeps no other waiting.

    With `due_only` those at rest are left alone. What is managed takes its turns until `until`; without it
    every one takes one turn.
    """
    history = Frugal(world.history, world.clock)
    world = replace(world, history=history)
    runs: list[ProvisioningRun] = []
    unfinished: list[str] = []
    turning: list[Convergence] = []

    def others(name: str) -> list[TopologyRecord]:
        return [r for r in records if r.topology.name != name]

    def tried(record: TopologyRecord, call: Callable[[], ProvisioningRun | None]) -> None:
        try:
            run = call()
        except Exception as error:  # noqa: BLE001 - it is this topology's failure alone
            run = _failed(record, error, unfinished, world)
        runs.extend([] if run is None else [run])

    def ended(turned: Convergence) -> ProvisioningRun | None:
        try:
            return _finished(turned, others(turned.name), stack, world)
        finally:
            turned.end()

    for record in (r for r in records if only in (None, r.topology.name)):
        name = record.topology.name
        if due_only and not _is_due(record):
            continue
        tried(record, partial(_begun, record, others(name), stack, world, owner, turning))
    for turned, error in _turns(turning, world, until):
        if error is None:
            tried(turned.record, partial(ended, turned))
        else:
            run = _failed(turned.record, error, unfinished, world)
            runs.extend([] if run is None else [run])
    return Refreshed(tuple(runs), tuple(unfinished), history.trouble)


def _is_due(record: TopologyRecord) -> bool:
    """Returns True if a run has something to go on with: nothing was provisioned yet, or not all of it."""
    found = record.provisioned
    return found is None or found.version != record.version or bool(found.pending)


def shared(record: TopologyRecord, others: Iterable[TopologyRecord]) -> Reason | None:
    """Returns which other topologies live on the route server that would go; None where none does."""
    server_id = route_server_of(record)
    theirs = tuple(o.topology.name for o in others if server_id and route_server_of(o) == server_id)
    return reason(Code.ROUTE_SERVER_STAYS, server_id, others=theirs) if server_id and theirs else None


def leave(record: TopologyRecord, world: ProvisionerPorts, by: Author) -> TopologyRecord:
    """Writes down that what Tandem created for a managed topology goes, and then the topology: the next run
    begins with it, a newer version ends it. Tells, since from now on nobody moves its addresses. Raises
    TemporaryError."""
    is_told = False
    for _ in range(_TRIES):
        found = record.provisioned or Provisioned("")
        if record.is_leaving and found.pending:
            return record
        leaving = replace(found, leaving=record.version, version=record.version, converged_version=0)
        begun = with_failure(with_pending(leaving, (reason(Code.UNTIL_DELETED, record.topology.name),)), ())
        if not is_told:
            world.bus.put(topology_change(record, "deleting", world.clock.now(), by))
            is_told = True
        try:
            return world.store.set_provisioned(record, begun)
        except TemporaryError:
            now = world.store.get(record.topology.name)
            if now is None or now.version != record.version:
                raise
            record = now  # a run that is under way wrote how far it came
    raise TemporaryError(f"{record.topology.name}: runs are under way and write meanwhile")


def _begun(
    record: TopologyRecord,
    others: Iterable[TopologyRecord],
    stack: Stack,
    world: ProvisionerPorts,
    owner: str,
    turning: list[Convergence],
) -> ProvisioningRun | None:
    """Begins if there is anything to do; only then the lease is taken, and turns follow."""
    if not record.topology.manage:
        return provision(record, others, stack, world)
    convergence = Convergence(record, stack.name, world)
    try:
        steps = convergence.look()
    except ConfigurationError as error:
        return unreadable(record, refusal_of(error), world)
    if not steps:
        return _finished(convergence, others, stack, world)
    if record.provisioned is not None and record.provisioned.converged_version == record.version:
        for step in (step for step in steps if step.is_change):
            now, suspicion = world.clock.now(), suspicion_of_step(step, record)
            who = actor(suspicion, record.provisioned.as_declared_at, stack.role, world.history, now)
            world.bus.put(drifted(record, step, who, now))
    if convergence.begin(owner):
        turning.append(convergence)
    return None


def _failed(
    record: TopologyRecord, error: Exception, unfinished: list[str], world: ProvisionerPorts
) -> ProvisioningRun | None:
    """One topology's failure, which is nobody else's. People are notified of what is no ordinary one: a
    bug, or an answer of AWS that nobody foresaw.
    """
    is_ordinary = isinstance(error, ConfigurationError | TemporaryError)
    why = str(error) if is_ordinary else f"{type(error).__name__}: {error}"
    unfinished.append(f"{record.topology.name}: {why}")
    if is_ordinary:
        return None
    try:
        return unreadable(record, reason(Code.INTERNAL_ERROR, type(error).__name__, why=why), world)
    except Exception as also:  # noqa: BLE001 - and so is this
        unfinished.append(f"{record.topology.name}: notification failed: {type(also).__name__}: {also}")
        return None


def _turns(
    turning: list[Convergence], world: ProvisionerPorts, until: datetime | None
) -> Iterator[tuple[Convergence, Exception | None]]:
    """Yields each that has come to its end, or is out of time; one whose turn failed leaves, with its
    error.
    """
    while turning:
        for convergence in tuple(turning):
            error: Exception | None = None
            try:
                over = convergence.turn()
            except Exception as raised:  # noqa: BLE001 - handed on with its topology
                over, error = True, raised
                with suppress(Exception):
                    convergence.end()
            if over:
                turning.remove(convergence)
                yield convergence, error
        if turning and (until is None or world.clock.now() + timedelta(seconds=_POLL_SECONDS) > until):
            for convergence in turning:
                convergence.stop()
                yield convergence, None
            return
        if turning and not any(convergence.goes_right_on for convergence in turning):
            world.clock.sleep(_POLL_SECONDS)


def _finished(
    convergence: Convergence, others: Iterable[TopologyRecord], stack: Stack, world: ProvisionerPorts
) -> ProvisioningRun | None:
    """Makes what is there watched, records how far it came, tells; None where it was deleted meanwhile."""
    outcome = convergence.outcome
    if outcome is None:
        return None
    if outcome.record.is_leaving:
        return take_back(outcome, others, stack, world)
    return provision(outcome.record, others, stack, world, outcome)
