"""Runs of the provisioner over the stored topologies: those that are managed take turns beside each other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from tandem.convergence import Convergence
from tandem.dismantling import dismantling_plan
from tandem.errors import ConfigurationError, TemporaryError
from tandem.provisioner import Run, Stack, forget, provision, unmade, unreadable
from tandem.provisioning_ports import World
from tandem.provisioning_telling import drifted
from tandem.record import Provisioned, TopologyRecord

POLL_SECONDS = 5.0
"""Between two turns over what is managed."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh did; `unfinished` says which topologies have to be tried again, and why."""

    runs: tuple[Run, ...]
    unfinished: tuple[str, ...]


def refresh(
    records: Collection[TopologyRecord],
    only: str | None,
    stack: Stack,
    world: World,
    *,
    owner: str = "provisioner",
    until: datetime | None = None,
    due_only: bool = False,
) -> Refreshed:
    """Provisions each stored topology, or only the one of that name. A sick one keeps no other waiting.

    With `due_only` those at rest are left alone. What is managed takes its turns until `until`; without it
    every one takes one turn.
    """
    runs: list[Run] = []
    unfinished: list[str] = []
    turning: list[Convergence] = []

    def others(name: str) -> list[TopologyRecord]:
        return [r for r in records if r.topology.name != name]

    def tried(name: str, call: Callable[[], Run | None]) -> None:
        try:
            run = call()
        except TemporaryError as error:
            unfinished.append(f"{name}: {error}")
        else:
            runs.extend([] if run is None else [run])

    def ended(turned: Convergence) -> Run | None:
        try:
            return _finished(turned, others(turned.name), stack, world)
        finally:
            turned.end()

    for record in (r for r in records if only in (None, r.topology.name)):
        name = record.topology.name
        if due_only and not is_due(record):
            continue
        if is_leaving(record):
            tried(name, partial(dismantle, record, others(name), stack, world, owner=owner, until=until))
        else:
            tried(name, partial(_begun, record, others(name), stack, world, owner, turning))
    for turned in _turns(turning, unfinished, world, until):
        tried(turned.name, partial(ended, turned))
    return Refreshed(tuple(runs), tuple(unfinished))


def is_due(record: TopologyRecord) -> bool:
    """Whether a run has something to go on with: nothing was provisioned yet, or not all of it."""
    found = record.provisioned
    return found is None or found.version != record.version or bool(found.pending)


def is_leaving(record: TopologyRecord) -> bool:
    """Whether what Tandem created for the stored version is being deleted."""
    return record.provisioned is not None and record.provisioned.leaving == record.version


def _begun(
    record: TopologyRecord,
    others: Iterable[TopologyRecord],
    stack: Stack,
    world: World,
    owner: str,
    turning: list[Convergence],
) -> Run | None:
    """Looks whether there is anything to do; only then the lease is taken, and turns follow."""
    if not record.topology.manage:
        return provision(record, others, stack, world)
    convergence = Convergence(record, stack.name, world)
    try:
        steps = convergence.look()
    except ConfigurationError as error:
        return unreadable(record, str(error), world)
    if not steps:
        return _finished(convergence, others, stack, world)
    if record.provisioned is not None and record.provisioned.converged_version == record.version:
        world.bus.put(*(drifted(record, step, world.clock.now()) for step in steps if step.is_change))
    if convergence.begin(owner):
        turning.append(convergence)
    return None


def _turns(
    turning: list[Convergence], unfinished: list[str], world: World, until: datetime | None
) -> Iterator[Convergence]:
    """Each that has come to its end, or is out of time; one whose turn failed leaves, and says why."""
    while turning:
        for convergence in tuple(turning):
            try:
                over = convergence.turn()
            except (ConfigurationError, TemporaryError) as error:
                unfinished.append(f"{convergence.name}: {error}")
                turning.remove(convergence)
                continue
            if over:
                turning.remove(convergence)
                yield convergence
        if turning and (until is None or world.clock.now() + timedelta(seconds=POLL_SECONDS) > until):
            for convergence in turning:
                convergence.stop()
                yield convergence
            return
        if turning:
            world.clock.sleep(POLL_SECONDS)


def _finished(
    convergence: Convergence, others: Iterable[TopologyRecord], stack: Stack, world: World
) -> Run | None:
    """Makes what is there watched, records how far it came, tells; None where it was deleted meanwhile."""
    outcome = convergence.outcome
    return None if outcome is None else provision(outcome.record, others, stack, world, outcome)


def dismantle(
    record: TopologyRecord,
    others: Iterable[TopologyRecord],
    stack: Stack,
    world: World,
    *,
    owner: str = "provisioner",
    until: datetime | None = None,
) -> Run:
    """Deletes what Tandem created for a managed topology, then forgets it as `forget` does.

    Not at its end by `until`: the record stays, and `pending` of the run says what it waits for; calling it
    again goes on. Raises TemporaryError.
    """
    if not record.topology.manage:
        return forget(record, others, stack, world)
    found = record.provisioned or Provisioned("")
    if found.leaving != record.version:
        record = world.store.set_provisioned(record, replace(found, leaving=record.version))
    convergence = Convergence(record, stack.name, world, dismantling_plan)
    if convergence.look():
        if not convergence.begin(owner):
            raise TemporaryError(f"{record.topology.name}: another run is under way")
        try:
            unfinished: list[str] = []
            for _ in _turns([convergence], unfinished, world, until):
                pass
        finally:
            convergence.end()
        if unfinished:
            raise TemporaryError("; ".join(unfinished))
    outcome = convergence.outcome
    if outcome is None:
        return Run(record)
    if outcome.pending or outcome.failure or outcome.reason:
        found = unmade(outcome)
        return Run(world.store.set_provisioned(outcome.record, found), outcome.steps, found.failure)
    gone = forget(outcome.record, others, stack, world)
    left = replace(gone.record, provisioned=outcome.provisioned)
    return Run(left, (*outcome.steps, *gone.steps), gone.failure)
