"""The door through which topologies go: forgotten at once, or after what Tandem created for them."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from tandem.provisioning import provisioner
from tandem.provisioning.listening import Stack
from tandem.provisioning.ports import ProvisionerPorts
from tandem.provisioning.provisioner import ProvisioningRun
from tandem.provisioning.refreshing import leave, refresh, shared
from tandem.provisioning.stored import plan_of
from tandem.provisioning.telling import step_sentences
from tandem.reasons.documents import ProblemCode as Code
from tandem.reasons.provisioning import ProvisioningCode
from tandem.reasons.reason import reason
from tandem.requests.applying import CLI, StoredTopologies, ownership
from tandem.requests.orders import Delete
from tandem.state.record import Provisioned, TopologyRecord
from tandem.topology.problems import Problem, problem_at
from tandem.words.provisioning import said

_WHERE = "topology"


def delete(
    order: Delete,
    stored: StoredTopologies,
    stack: Stack,
    world: ProvisionerPorts,
    *,
    owner: str,
    until: datetime,
) -> dict[str, Any]:
    """Takes back what watches the topology and forgets it; where it is asked for, what Tandem created goes
    first. JSON for the invoker: `steps` were done, or with `check` would be; with what is `pending` the
    schedule goes on.

    Raises TemporaryError.
    """
    record = stored.of(order.topology)
    if record is None:
        there = tuple(r.topology.name for r in stored.records)
        damage = stored.damaged.get(order.topology)
        return _answer(problem_at(_WHERE, Code.NOT_STORED, order.topology, damage=damage, there=there))
    others = [other for other in stored.records if other is not record]
    takes_resources = order.resources and record.topology.manage
    problem = _problem(order, record, others if takes_resources else [])
    if problem is not None:
        return _answer(problem)
    if order.check:
        steps = _planned(record, stack, world) if takes_resources else ()
        return _answer(steps=steps, version=record.version)
    # addresses and route server stay as they are, so one run is enough
    if not takes_resources:
        return _done(record, provisioner.unwatch_and_forget(record, others, stack, world, order.by))
    left = leave(record, world, order.by)
    outcome = refresh([left, *others], order.topology, stack, world, owner=owner, until=until)
    other = reason(ProvisioningCode.UNTIL_OTHER_RUN, order.topology)
    if not outcome.runs:  # it is written down, so the schedule goes on with it
        return _answer(pending=outcome.unfinished or step_sentences((other,)))
    return _done(left, outcome.runs[0])


def _problem(order: Delete, record: TopologyRecord, others: list[TopologyRecord]) -> Problem | None:
    """Returns why it cannot be deleted; `others` are those whose route server may not go with it."""
    foreign, needed = ownership(record, CLI, take_over=order.take_over), shared(record, others)
    if foreign is not None:
        return foreign
    if order.seen not in (None, record.version):
        versions = {"stored": record.version, "seen": order.seen}
        return problem_at(_WHERE, Code.OTHER_VERSION_STORED, order.topology, **versions)
    return None if needed is None else Problem(_WHERE, needed)


def _planned(record: TopologyRecord, stack: Stack, world: ProvisionerPorts) -> tuple[str, ...]:
    leaving = replace(record.provisioned or Provisioned(""), leaving=record.version)
    steps = plan_of(replace(record, provisioned=leaving), stack.name, world)
    return step_sentences(step.planned for step in steps)


def _done(record: TopologyRecord, run: ProvisioningRun) -> dict[str, Any]:
    if run.record.version != record.version:
        ended = problem_at(_WHERE, Code.DELETION_ENDED, record.topology.name, stored=run.record.version)
        return _answer(ended, run.steps)
    if not run.reason:
        return _answer(steps=run.steps, pending=run.pending, is_deleted=not run.pending)
    stuck = problem_at(_WHERE, Code.NOT_DELETED, record.topology.name, why=run.failure)
    return _answer(stuck, run.steps)


def _answer(
    problem: Problem | None = None,
    steps: tuple[str, ...] = (),
    pending: tuple[str, ...] = (),
    *,
    version: int = 0,
    is_deleted: bool = False,
) -> dict[str, Any]:
    return {
        "problems": [] if problem is None else [asdict(said(problem))],
        "version": version,
        "deleted": is_deleted,
        "steps": list(steps),
        "pending": list(pending),
    }
