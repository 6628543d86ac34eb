"""One turn of a look: read AWS, and carry out what was decided on it."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from tandem.audit import RecordKind
from tandem.errors import StateUnavailableError, TemporaryError
from tandem.failover.acting import carry_out
from tandem.failover.decision import Action, GroupDecision, decide
from tandem.failover.holds import stands
from tandem.failover.moves import REFUSED, Move, Moved, Outcome, after, moves, stopped, superseded
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
        run.trail.open(recent.result(), observation, run.memory)
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
    news = [d.group for d in decisions if d.moves and not _was_refused(run, d)]
    run.trail.intent(RecordKind.INTENT, decision_id, decisions, observation, signals, at, news)
    told = run.beside(run.trail.tell)
    before = run.memory
    for group, owner in {move.group: move.owner for move in planned}.items():
        names = [move.allocation_id for move in planned if move.group == group]
        run.memory = run.memory.with_move(group, owner, at, names)
    done = carry_out(
        planned,
        run.world.cloud,
        run.world.clock,
        partial(_before_batch, run, observation.overrides),
        run.may_move,
    )
    run.memory = _remembered(before, run.memory, done)
    run.report.moved += done
    run.report.stages = stages
    left = [d for d in after(decisions, done) if d.action is Action.HOLD]
    quiet = {d.group for d in left if stands(run, d) or run.refused.get(d.group) == d.reason}
    quiet -= {m.move.group for m in done if m.outcome is Outcome.VERIFIED}
    run.refused |= {d.group: d.reason for d in left}
    news = [group for group in dict.fromkeys(m.move.group for m in done) if group not in quiet]
    run.trail.outcome(decision_id, stages, done, news)
    told.result()
    run.trail.tell()
    return done


def _before_batch(
    run: Run, decided_under: tuple[Override, ...], number: int, batch: tuple[Move, ...]
) -> tuple[Moved, ...]:
    """The last thing before each batch of calls: what must not begin any more. Raises LeaseLostError.

    The first batch comes at once, and only the override is read again. Those after it come seconds later:
    they are decided anew, on a new reading.
    """
    left: tuple[Moved, ...] = ()
    if number:
        left = _superseded(run, batch)
    elif run.overrides() != decided_under:
        left = stopped(batch, "OverrideChanged", "an operator changed the override meanwhile")
    run.fence()
    return left


def _superseded(run: Run, batch: tuple[Move, ...]) -> tuple[Moved, ...]:
    """Those of a later batch that a new reading does not ask for any more."""
    if run.is_outdated():
        return stopped(batch, "TopologyChanged", "another version of the topology was stored meanwhile")
    try:
        observation = run.world.cloud.observe(run.topology, run.overrides)
    except StateUnavailableError:
        raise
    except TemporaryError as error:
        return stopped(batch, "NotRead", f"AWS could not be read again before it: {error}")
    return superseded(batch, moves(decide(run.topology, observation, run.memory, run.world.clock.now())))


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
    refused = [part for part in told.split("; ") if REFUSED in part]
    return all(any(address.allocation_id in part for part in refused) for address in decision.moves)


def _signal_at(signals: tuple[Signal, ...]) -> datetime | None:
    return min((s.occurred_at for s in signals if s.occurred_at), default=None)
