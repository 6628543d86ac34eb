"""The door through which topologies go: forgotten at once, or after what Tandem created for them."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from tandem.doors.applying import CLI, Stored, ownership
from tandem.doors.orders import Delete
from tandem.problems import Problem
from tandem.provisioning import provisioner
from tandem.provisioning.ports import World
from tandem.provisioning.provisioner import Run
from tandem.provisioning.refreshing import leave, refresh, shared
from tandem.provisioning.stored import plan_of
from tandem.provisioning.watched import Stack
from tandem.record import Provisioned, TopologyRecord


def delete(
    order: Delete, stored: Stored, stack: Stack, world: World, *, owner: str, until: datetime
) -> dict[str, Any]:
    """Takes back what watches the topology and forgets it; where it is asked for, what Tandem created goes
    first. JSON for the invoker: `steps` were done, or with `check` would be; with what is `pending` the
    schedule goes on.

    Raises TemporaryError.
    """
    record = stored.of(order.topology)
    if record is None:
        there = ", ".join(r.topology.name for r in stored.records) or "none at all"
        missing = stored.damaged.get(order.topology, f"no topology {order.topology} is stored")
        return _answer(Problem("topology", missing, f"a stored topology; there is: {there}"))
    others = [other for other in stored.records if other is not record]
    takes_resources = order.resources and record.topology.manage
    problem = _problem(order, record, others if takes_resources else [])
    if problem is not None:
        return _answer(problem)
    if order.check:
        steps = _planned(record, stack, world) if takes_resources else ()
        return _answer(steps=steps, version=record.version)
    if not takes_resources:
        return _done(record, provisioner.forget(record, others, stack, world, order.by))
    left = leave(record, world, order.by)
    outcome = refresh([left, *others], order.topology, stack, world, owner=owner, until=until)
    if not outcome.runs:  # it is written down, so the schedule goes on with it
        return _answer(pending=outcome.unfinished or ("the run that is under way",))
    return _done(left, outcome.runs[0])


def _problem(order: Delete, record: TopologyRecord, others: list[TopologyRecord]) -> Problem | None:
    """Why not; `others` are those whose route server may not go with it."""
    foreign, needed = ownership(record, CLI, take_over=order.take_over), shared(record, others)
    if foreign is not None:
        return foreign
    if order.seen not in (None, record.version):
        meanwhile = f"version {record.version} of {order.topology} is stored by now, not {order.seen}"
        return Problem("topology", meanwhile, "looked at again: run the command once more")
    return None if needed is None else Problem("topology", needed, "deleted when no other needs it")


def _planned(record: TopologyRecord, stack: Stack, world: World) -> tuple[str, ...]:
    leaving = replace(record.provisioned or Provisioned(""), leaving=record.version)
    return tuple(step.planned for step in plan_of(replace(record, provisioned=leaving), stack.name, world))


def _done(record: TopologyRecord, run: Run) -> dict[str, Any]:
    if run.record.version != record.version:
        meanwhile = f"version {run.record.version} was stored meanwhile, which ended the deletion"
        return _answer(Problem("topology", meanwhile, "deleted again, where that is still wanted"), run.steps)
    if run.failure is None:
        return _answer(steps=run.steps, pending=run.pending, is_deleted=not run.pending)
    right = "tried again, once that is mended: not all of it is gone"
    return _answer(Problem("topology", run.failure, right), run.steps)


def _answer(
    problem: Problem | None = None,
    steps: tuple[str, ...] = (),
    pending: tuple[str, ...] = (),
    *,
    version: int = 0,
    is_deleted: bool = False,
) -> dict[str, Any]:
    return {
        "problems": [] if problem is None else [asdict(problem)],
        "version": version,
        "deleted": is_deleted,
        "steps": list(steps),
        "pending": list(pending),
    }
