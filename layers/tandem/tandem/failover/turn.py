"""One turn of a look: read AWS, and carry out what was decided on it."""

from __future__ import annotations

from datetime import datetime, timedelta

from tandem.audit import RecordKind
from tandem.errors import StateUnavailableError, TemporaryError
from tandem.failover.acting import carry_out
from tandem.failover.decision import Action, GroupDecision
from tandem.failover.holds import stands
from tandem.failover.moves import REFUSED, Move, Moved, Outcome, Refusal, after, moves
from tandem.failover.run import RETRY_SECONDS, Run
from tandem.failover.telling import Stages
from tandem.memory import Memory
from tandem.model import Observation
from tandem.override import Override
from tandem.signals import Signal
from tandem.topology import Mode


def observe(run: Run, until: datetime) -> Observation:
    """Reads AWS, the first time the audit sequence's end as well. Raises TemporaryError after `until`."""
    clock = run.world.clock
    run.report.turns += 1
    recent = run.beside(run.trail.recent) if run.report.turns == 1 else None
    while True:
        try:
            observation = run.world.cloud.observe(run.topology, run.overrides)
            break
        except StateUnavailableError:
            raise
        except TemporaryError:
            if clock.now() + timedelta(seconds=RETRY_SECONDS) > until:
                raise
            clock.sleep(RETRY_SECONDS)
    run.observed_at = clock.now()
    if recent is not None:
        run.trail.open(recent.result(), observation)
    return observation


def act(
    run: Run, decisions: tuple[GroupDecision, ...], observation: Observation, signals: tuple[Signal, ...]
) -> tuple[Moved, ...]:
    """Carries the moves out between an intent and an outcome in the audit trail."""
    planned = moves(decisions)
    if not planned or run.topology.mode is Mode.DRY_RUN:
        return ()
    at = run.world.clock.now()
    stages = Stages(_signal_at(signals), run.received_at, run.leased_at, run.observed_at, at)
    decision_id = run.decision_id
    head = run.trail.intent(RecordKind.INTENT, decision_id, decisions, observation, signals, at)
    news = [d for d in decisions if d.moves and not _was_refused(run, d)]
    told = run.beside(run.trail.tell_decisions, news, decision_id, signals, head, at)
    before = run.memory
    for group, owner in {move.group: move.owner for move in planned}.items():
        names = [move.allocation_id for move in planned if move.group == group]
        run.memory = run.memory.with_move(group, owner, at, names)
    done = carry_out(
        planned,
        run.world.cloud,
        run.world.clock,
        lambda batch: _before_batch(run, batch, observation.overrides),
        run.may_move,
    )
    run.memory = _remembered(before, run.memory, done)
    run.report.moved += done
    run.report.stages = stages
    head = run.trail.outcome(decision_id, stages, done)
    told.result()
    left = [d for d in after(decisions, done) if d.action is Action.HOLD]
    quiet = {d.group for d in left if stands(run, d) or run.refused.get(d.group) == d.reason}
    quiet -= {m.move.group for m in done if m.outcome is Outcome.VERIFIED}
    run.refused |= {d.group: d.reason for d in left}
    run.trail.tell_outcome(decision_id, stages, [m for m in done if m.move.group not in quiet], head)
    return done


def _before_batch(
    run: Run, batch: tuple[Move, ...], decided_under: tuple[Override, ...]
) -> tuple[Moved, ...] | None:
    """Re-reads override and epoch: the last thing before each batch of calls. Raises LeaseLostError."""
    if run.overrides() != decided_under:
        changed = Refusal("OverrideChanged", "an operator changed the override meanwhile", transient=True)
        return tuple(Moved(move, Outcome.FAILED, changed) for move in batch)
    run.fence()
    return None


def _remembered(before: Memory, moving: Memory, done: tuple[Moved, ...]) -> Memory:
    """What is remembered of the moves: nothing where EC2 took none, and which addresses it showed there."""
    if not any(m.associated_at for m in done):
        return before
    for group in {m.move.group for m in done}:
        shown = [m for m in done if m.move.group == group and m.outcome is Outcome.VERIFIED]
        moving = moving.with_verified(group, (m.move.allocation_id for m in shown))
    return moving


def _was_refused(run: Run, decision: GroupDecision) -> bool:
    """Whether EC2 refused each of these moves before, which has been told."""
    known = run.memory.standing.get(decision.group)
    told = run.refused.get(decision.group) or (known.reason if known else "")
    return all(f"{address.allocation_id}: {REFUSED}" in told for address in decision.moves)


def _signal_at(signals: tuple[Signal, ...]) -> datetime | None:
    return min((s.occurred_at for s in signals if s.occurred_at), default=None)
