"""Holds, and the moves that a dry run does not make: recorded and told when they begin, change or end."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from tandem.audit import RecordKind
from tandem.failover.acting import rehearse
from tandem.failover.decision import Action, GroupDecision, Severity, decide
from tandem.failover.moves import moves
from tandem.failover.ownership import HoldCode
from tandem.failover.run import Run
from tandem.failover.settling import SETTLE_SECONDS
from tandem.failover.telling import Basis
from tandem.memory import Standing
from tandem.model import Observation
from tandem.signals import Signal
from tandem.topology import Mode

REPEAT = timedelta(minutes=15)
"""How often people hear that a pause or a dry run keeps addresses on a dead appliance."""


def tell(
    run: Run,
    decisions: tuple[GroupDecision, ...],
    pending: str | None,
    observation: Observation,
    signals: tuple[Signal, ...],
) -> None:
    """Records and tells each group's hold when it begins, changes its reason or ends; once.

    In a dry run, a move that would have been made is told in the same way. What a person's word keeps on a
    dead appliance is critical, and told again every `REPEAT` while it lasts.
    """
    if pending:
        decisions = tuple(_unclear(decision, pending) for decision in decisions)
    if run.topology.mode is Mode.DRY_RUN:
        decisions = _rehearsed(run, decisions)
    decisions = tuple(_weighed(run, decision, observation) for decision in decisions)
    run.report.decisions = decisions
    now = run.world.clock.now()
    open_ones = [d for d in decisions if d.action is not Action.NO_CHANGE]
    begun = [d for d in open_ones if not stands(run, d) or _is_due(run, d, now)]
    end(run, run.memory.standing.keys() - {d.group for d in open_ones})
    if begun:
        fresh = {d.group: _standing(run, d, now) for d in begun}
        run.trail.intent(
            RecordKind.HOLD,
            run.decision_id,
            begun,
            Basis(observation, run.memory.sessions, signals),
            now,
            [d.group for d in begun],
            run.threads(fresh),
            {group: standing.since for group, standing in fresh.items()},
        )
        run.memory = replace(run.memory, standing=run.memory.standing | fresh)
    run.trail.tell()


def end_those_over(run: Run, decisions: Iterable[GroupDecision]) -> None:
    """Ends the holds whose reason is gone, while the look goes on for another one's sake."""
    over = {d.group for d in decisions if d.action is Action.NO_CHANGE and not run.owed}
    end(run, over)


def end(run: Run, groups: Collection[str], decision_id: str | None = None) -> None:
    """Records and tells that these groups are held no more; `decision_id` is that of the move that did it."""
    ended = {group: s for group, s in run.memory.standing.items() if group in groups}
    if not ended:
        return
    run.trail.tell()
    run.trail.holds_ended(decision_id or run.decision_id, ended, by_move=decision_id is not None)
    left = {group: s for group, s in run.memory.standing.items() if group not in ended}
    run.memory = replace(run.memory, standing=left)
    run.trail.tell()


def _standing(run: Run, decision: GroupDecision, now: datetime) -> Standing:
    known = run.memory.standing.get(decision.group)
    severities = [decision.severity, *(s for s in Severity if known and s == known.severity)]
    return Standing(
        decision.action,
        decision.reason,
        known.since if known else now,
        max(severities, key=list(Severity).index),
        now,
        run.thread(decision.group),
    )


def _is_due(run: Run, decision: GroupDecision, now: datetime) -> bool:
    """True if people have to hear again of what they know, since addresses stay on a dead appliance."""
    known = run.memory.standing.get(decision.group)
    is_by_word = decision.code is HoldCode.PAUSED or run.topology.mode is Mode.DRY_RUN
    if known is None or not is_by_word or decision.severity is not Severity.CRITICAL:
        return False
    is_worse = known.severity != Severity.CRITICAL
    return is_worse or now - (known.notified_at or known.since) >= REPEAT


def _weighed(run: Run, decision: GroupDecision, observation: Observation) -> GroupDecision:
    """The decision, critical where a pause or a dry run keeps addresses on a dead appliance."""
    due = decision
    if decision.code is HoldCode.PAUSED:
        free, now = replace(observation, overrides=()), run.world.clock.now()
        unpaused = decide(run.topology, free, run.memory, now)
        due = next(d for d in unpaused if d.group == decision.group)
    elif run.topology.mode is not Mode.DRY_RUN:
        return decision
    stranded = [address for address in due.moves if address.dead and address.holder]
    if not stranded:
        return decision
    if due is decision:  # a dry run's own reason says it
        return replace(decision, severity=Severity.CRITICAL)
    count = f"{len(stranded)} Elastic IP{'' if len(stranded) == 1 else 's'}"
    words = f"{count} would move to {stranded[0].owner} now: {stranded[0].dead}"
    return replace(decision, severity=Severity.CRITICAL, reports=(*decision.reports, words))


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
    return replace(
        decision, action=Action.HOLD, reason=reason, severity=Severity.WARNING, code=HoldCode.UNCLEAR
    )
