"""Records and notifies holds, and the moves that a dry run does not make: when they begin, change or end."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from tandem.audit import Record, RecordKind
from tandem.failover.acting import rehearse
from tandem.failover.deciding import decide
from tandem.failover.decision import Action, GroupDecision, Severity
from tandem.failover.moves import Outcome, moves
from tandem.failover.run import Progress, Run
from tandem.failover.settling import SETTLE_SECONDS
from tandem.failover.telling import Basis, EndedBy, gravest, subject_of, why
from tandem.reasons.failover import BY_OVERRIDE, HoldCode, ReportCode
from tandem.reasons.reason import Reason, identity_of, reason
from tandem.signals.signal import Signal
from tandem.state.decoding import Damaged, read
from tandem.state.memory import Memory, Standing
from tandem.state.override import Override, prevailing
from tandem.topology.document import Mode

REPEAT = timedelta(minutes=15)
"""How often people hear that a pause or a dry run keeps addresses on a dead appliance."""

_FAILED_AS = {
    (Outcome.FAILED, True): HoldCode.MOVE_REFUSED,
    (Outcome.UNVERIFIED, True): HoldCode.MOVE_UNANSWERED,
    (Outcome.UNVERIFIED, False): HoldCode.MOVE_UNSHOWN,
    (Outcome.NOT_BEGUN, True): HoldCode.MOVE_NOT_BEGUN,
}
"""Outcome of a move, and whether an error came with it, to the code of its hold."""


def record_holds(
    run: Run, progress: Progress, pending: Reason | None, signals: tuple[Signal, ...]
) -> Progress:
    """Records and notifies each group's hold when it begins, changes its reason or ends; once.

    In a dry run, a move that would have been made is recorded in the same way. What a person's word keeps on
    a dead appliance is critical, and notified again every `REPEAT` while it lasts.
    """
    decisions = progress.decisions
    if pending:
        decisions = tuple(_unclear(decision, pending) for decision in decisions)
    if run.topology.mode is Mode.DRY_RUN:
        decisions = _rehearsed(run, progress.memory, decisions)
    decisions = tuple(_weighed(run, progress, decision) for decision in decisions)
    now = run.world.clock.now()
    open_ones = [d for d in decisions if d.action is not Action.NO_CHANGE]
    begun = [
        d for d in open_ones if not is_known(progress.memory, d) or _is_due(run, progress.memory, d, now)
    ]
    progress = replace(progress, decisions=decisions, memory=_adopt(progress.memory, open_ones))
    progress = end(run, progress, progress.memory.standing.keys() - {d.group for d in open_ones})
    if begun:
        fresh = {d.group: _standing(progress, d, now) for d in begun}
        progress = progress.with_threads(fresh)
        run.trail.intent(
            RecordKind.HOLD,
            progress.decision_id,
            begun,
            Basis(progress.observation, progress.memory.sessions, signals),
            now,
            [d.group for d in begun],
            {group: progress.thread(group) for group in fresh},
            {group: standing.since for group, standing in fresh.items()},
        )
        standing = {**progress.memory.standing, **fresh}
        progress = replace(progress, memory=replace(progress.memory, standing=standing))
    run.trail.notify()
    return progress


def end_those_over(run: Run, progress: Progress) -> Progress:
    """Ends the holds whose reason is gone, while the look goes on for another one's sake."""
    if progress.owed:
        return end(run, progress, ())
    return end(run, progress, {d.group for d in progress.decisions if d.action is Action.NO_CHANGE})


def end(run: Run, progress: Progress, groups: Collection[str], decision_id: str | None = None) -> Progress:
    """Records and tells that these groups are held no more; `decision_id` is that of the move that did it.

    What happens to them from now on is another incident.
    """
    progress = replace(progress, threads={g: t for g, t in progress.threads.items() if g not in groups})
    ended = {group: s for group, s in progress.memory.standing.items() if group in groups}
    if not ended:
        return progress
    run.trail.notify()
    declared = {group.name for group in run.topology.groups}
    alone = {group: EndedBy.IN_PLACE if group in declared else EndedBy.UNDECLARED for group in ended}
    by = alone if decision_id is None else dict.fromkeys(ended, EndedBy.MOVE)
    run.trail.holds_ended(decision_id or progress.decision_id, ended, by)
    left = {group: s for group, s in progress.memory.standing.items() if group not in ended}
    memory = replace(progress.memory, standing=left)
    run.remember(memory)  # also if the rest of this step fails: the end is recorded once
    run.trail.notify()
    return replace(progress, memory=memory)


def _standing(progress: Progress, decision: GroupDecision, now: datetime) -> Standing:
    known = progress.memory.standing.get(decision.group)
    return Standing(
        decision.action,
        why(decision),
        known.since if known else now,
        gravest(decision.severity, known.severity if known else ""),
        now,
        progress.thread(decision.group),
        dict(decision.identity),
        known.changes + (not is_known(progress.memory, decision)) if known else 0,
    )


def _is_due(run: Run, memory: Memory, decision: GroupDecision, now: datetime) -> bool:
    """True if a notification is to be repeated, since addresses stay on a dead appliance."""
    known = memory.standing.get(decision.group)
    is_by_word = decision.code in BY_OVERRIDE or run.topology.mode is Mode.DRY_RUN
    if known is None or not is_by_word or not any(a.is_stranded for a in decision.addresses):
        return False
    is_worse = known.severity != Severity.CRITICAL
    return is_worse or now - (known.notified_at or known.since) >= REPEAT


def _weighed(run: Run, progress: Progress, decision: GroupDecision) -> GroupDecision:
    """Returns the decision with what it means: which addresses it leaves on a dead appliance, which is
    critical, and what an override keeps from being decided.
    """
    override = None
    if decision.code in BY_OVERRIDE:
        override = prevailing(progress.observation.overrides, decision.group, run.world.clock.now())
    elif run.topology.mode is not Mode.DRY_RUN and decision.action is not Action.HOLD:
        return decision
    reports = (*decision.reports, *_stranded(run, decision, override))
    severity = Severity.CRITICAL if any(a.is_stranded for a in decision.addresses) else decision.severity
    decision = replace(decision, reports=reports, severity=severity)
    return _compared(run, progress, decision) if override else decision


def _stranded(run: Run, decision: GroupDecision, override: Override | None) -> list[Reason]:
    """Returns a report for each dead appliance that keeps addresses."""
    stranded = [a for a in decision.addresses if a.is_stranded]
    by_appliance = {str(a.holder_appliance): a.dead for a in stranded}
    return [
        reason(
            ReportCode.STRANDED,
            name,
            count=sum(a.holder_appliance == name for a in stranded),
            dead=dead,
            who=override.who if override else None,
            record=override.record_id(run.topology.name) if override else None,
        )
        for name, dead in by_appliance.items()
    ]


def _compared(run: Run, progress: Progress, decision: GroupDecision) -> GroupDecision:
    """Returns a decision that an override made, with owner, targets and reports of the one without it."""
    free, now = replace(progress.observation, overrides=()), run.world.clock.now()
    due = next(d for d in decide(run.topology, free, progress.memory, now) if d.group == decision.group)
    by_subject = {a.subject: a for a in due.addresses}
    pairs = [(a, by_subject[a.subject]) for a in decision.addresses]
    return replace(
        decision,
        owner=decision.owner or due.owner,
        addresses=tuple(replace(a, owner=b.owner, target=b.target) for a, b in pairs),
        reports=(*decision.reports, *_would_move(due), *_would_stay(due)),
    )


def _would_move(due: GroupDecision) -> list[Reason]:
    stranded = [a for a in due.moves if a.is_stranded]
    if not stranded:
        return []
    owner, dead = str(stranded[0].owner), stranded[0].dead
    return [reason(ReportCode.WOULD_MOVE, owner, count=len(stranded), dead=dead)]


def _would_stay(due: GroupDecision) -> list[Reason]:
    """Returns a report for each address that would be held without the override too, or one for all."""
    if due.action is Action.HOLD and due.reasons:
        return [reason(ReportCode.WOULD_STAY, due.group, address=None, why=due.reasons)]
    return [
        reason(ReportCode.WOULD_STAY, a.subject, address=a.public_ip or a.subject, why=a.reasons)
        for a in due.held
    ]


def is_known(memory: Memory, decision: GroupDecision) -> bool:
    """True if this decision was recorded and notified before: the same action for the same reasons.

    Version 0.1.0 kept only words: then the same action is enough, so that an upgrade repeats no notification.
    """
    known = memory.standing.get(decision.group)
    if known is None or known.action != decision.action:
        return False
    return not known.codes or known.codes == decision.identity


def with_codes(memory: Memory, newest_first: Sequence[Record]) -> Memory:
    """Returns the memory with the codes of failed moves that version 0.1.0 remembered in words only, from the
    audit trail: a retry of them is no news.
    """
    standing = {
        group: known if known.codes else replace(known, codes=_failed_last(group, newest_first))
        for group, known in memory.standing.items()
    }
    return replace(memory, standing=standing)


def _failed_last(group: str, newest_first: Sequence[Record]) -> dict[str, tuple[str, ...]]:
    """Returns which moves of the group failed if the newest record about it is their outcome."""
    for record in newest_first:
        found = read(partial(_failures, group, record))
        if found is not None and not isinstance(found, Damaged):
            return identity_of(found)
    return {}


def _failures(group: str, record: Record) -> list[tuple[str, str]] | None:
    """Returns the moves of a group that failed; None if the record is not about the group."""
    own = [a for a in record.body.get("addresses", ()) if a["group"] == group]
    if not own and group not in record.body.get("groups", ()):
        return None
    return [
        (_FAILED_AS[Outcome(a["outcome"]), a["error"] is not None], subject_of(a))
        for a in own
        if a["outcome"] != Outcome.VERIFIED
    ]


def _adopt(memory: Memory, decisions: Iterable[GroupDecision]) -> Memory:
    """Returns the memory in which the standing decisions of version 0.1.0 have their codes, so that a
    change of reason shows.
    """
    standing = dict(memory.standing)
    for decision in decisions:
        known = standing.get(decision.group)
        if known is not None and not known.codes:
            standing[decision.group] = replace(known, codes=dict(decision.identity))
    return replace(memory, standing=standing)


def _rehearsed(run: Run, memory: Memory, decisions: tuple[GroupDecision, ...]) -> tuple[GroupDecision, ...]:
    """Adds what EC2 would refuse of a dry run's moves; asked when a decision begins."""
    new = tuple(d for d in decisions if not is_known(memory, d))
    refused = rehearse(moves(new), run.world.cloud, run.world.clock)
    return tuple(replace(d, reports=(*d.reports, *refused.get(d.group, ()))) for d in decisions)


def _unclear(decision: GroupDecision, pending: Reason) -> GroupDecision:
    """What could not be believed within 30 s is a hold, not a quiet "no change"."""
    if decision.action is not Action.NO_CHANGE:
        return decision
    unclear = reason(HoldCode.UNCLEAR, pending.subject, seconds=SETTLE_SECONDS, awaited=pending)
    return replace(decision, action=Action.HOLD, reasons=(unclear,), severity=Severity.WARNING)
