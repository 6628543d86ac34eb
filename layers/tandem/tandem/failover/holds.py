"""Holds, and the moves that a dry run does not make: recorded and told when they begin, change or end."""

from __future__ import annotations

from dataclasses import replace

from tandem.audit import RecordKind
from tandem.failover.acting import rehearse
from tandem.failover.decision import Action, GroupDecision, Severity
from tandem.failover.moves import moves
from tandem.failover.run import Run
from tandem.failover.settling import SETTLE_SECONDS
from tandem.memory import Standing
from tandem.model import Observation
from tandem.signals import Signal
from tandem.topology import Mode


def tell(
    run: Run,
    decisions: tuple[GroupDecision, ...],
    pending: str | None,
    observation: Observation,
    signals: tuple[Signal, ...],
) -> None:
    """Records and tells each group's hold when it begins, changes its reason or ends; once.

    In a dry run, a move that would have been made is told in the same way.
    """
    if pending:
        decisions = tuple(_unclear(decision, pending) for decision in decisions)
    if run.topology.mode is Mode.DRY_RUN:
        decisions = _rehearsed(run, decisions)
    run.report.decisions = decisions
    now = run.world.clock.now()
    open_ones = [d for d in decisions if d.action is not Action.NO_CHANGE]
    begun = [d for d in open_ones if not stands(run, d)]
    ended = [group for group in run.memory.standing if group not in {d.group for d in open_ones}]
    decision_id = run.decision_id
    if ended:
        run.trail.holds_ended(decision_id, ended)
    if begun:
        groups = [d.group for d in begun]
        run.trail.intent(RecordKind.HOLD, decision_id, begun, observation, signals, now, groups)
    kept = {group: s for group, s in run.memory.standing.items() if group not in ended}
    fresh = {d.group: Standing(d.action, d.reason, now) for d in begun}
    run.memory = replace(run.memory, standing=kept | fresh)
    run.trail.tell()


def stands(run: Run, decision: GroupDecision) -> bool:
    """Whether this very decision was recorded and told before."""
    known = run.memory.standing.get(decision.group)
    return known is not None and (known.action, known.reason) == (decision.action, decision.reason)


def _rehearsed(run: Run, decisions: tuple[GroupDecision, ...]) -> tuple[GroupDecision, ...]:
    """A dry run's moves, with what EC2 would refuse of them; asked when a decision begins."""
    new = tuple(d for d in decisions if not stands(run, d))
    refused = rehearse(moves(new), run.world.cloud, run.world.clock)
    return tuple(replace(d, reports=(*d.reports, *refused.get(d.group, ()))) for d in decisions)


def _unclear(decision: GroupDecision, pending: str) -> GroupDecision:
    """What could not be believed within 30 s is a hold, not a quiet "no change"."""
    if decision.action is not Action.NO_CHANGE:
        return decision
    reason = f"not clear after {SETTLE_SECONDS} s: {pending}"
    return replace(decision, action=Action.HOLD, reason=reason, severity=Severity.WARNING)
