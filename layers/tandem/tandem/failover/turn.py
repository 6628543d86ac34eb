"""One turn of a look: read AWS, and carry out what was decided on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from tandem.audit import RecordKind
from tandem.errors import StateUnavailableError, TemporaryError
from tandem.failover import telling
from tandem.failover.acting import carry_out
from tandem.failover.deciding import decide
from tandem.failover.decision import Action, GroupDecision, Severity
from tandem.failover.holds import end
from tandem.failover.moves import (
    IN_VAIN,
    Move,
    Moved,
    Outcome,
    after,
    moves,
    stopped,
    superseded,
    unread,
    verified,
)
from tandem.failover.recall import recalled
from tandem.failover.run import RETRY_SECONDS, Owed, Run
from tandem.failover.telling import Basis, Stages
from tandem.model import Observation
from tandem.reasons.failover import UnbegunCode
from tandem.reasons.reason import Identities
from tandem.signals.signal import Signal
from tandem.state.memory import Memory
from tandem.state.override import Override
from tandem.topology.document import Mode


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
        records = recent.result()
        run.trail.open(records, observation, run.memory)
        run.memory = recalled(run.memory, records)
    return observation


def act(
    run: Run, decisions: tuple[GroupDecision, ...], observation: Observation, signals: tuple[Signal, ...]
) -> tuple[Moved, ...]:
    """Carries the moves out between an intent and an outcome in the audit trail.

    What EC2 took and does not show yet is not moved again, but looked for by each turn of the look.
    """
    if run.topology.mode is Mode.DRY_RUN:
        return ()
    planned = moves(decisions)
    unshown = _look_for(run, observation, planned)
    planned = tuple(move for move in planned if move not in {m.move for m in unshown})
    if unshown and not planned:
        return unshown
    conclude(run)
    if not planned:
        return ()
    at = run.world.clock.now()
    stages = Stages(telling.signal_at(signals), run.received_at, run.leased_at, run.observed_at, at)
    decision_id = run.decision_id
    _announce(run, decisions, observation, signals, at)
    told = run.beside(run.trail.notify)
    before = run.memory
    run.memory = _remembering(before, planned, at)
    done = carry_out(
        planned,
        run.world.cloud,
        run.world.clock,
        partial(_before_batch, run, observation.overrides),
        run.may_move,
    )
    taken = {m.move.group for m in done if m.outcome in (Outcome.VERIFIED, Outcome.UNVERIFIED)}
    run.memory = _remembering(before, (move for move in planned if move.group in taken), at)
    run.memory = _shown(run.memory, done)
    told.result()
    run.owed = Owed(decision_id, stages, decisions, (*done, *unshown))
    if all(m.outcome is not Outcome.UNVERIFIED for m in run.owed.done):
        conclude(run)
    return (*done, *unshown)


def _announce(
    run: Run,
    decisions: tuple[GroupDecision, ...],
    observation: Observation,
    signals: tuple[Signal, ...],
    at: datetime,
) -> None:
    """Records the intent, of which people are told where they do not know of these moves yet."""
    news = [d.group for d in decisions if d.moves and not (_is_announced(run, d) or _was_refused(run, d))]
    run.announced |= {a.allocation_id: a.target for d in decisions for a in d.moves if a.target}
    run.trail.intent(
        RecordKind.INTENT,
        run.decision_id,
        decisions,
        Basis(observation, run.memory.sessions, signals),
        at,
        news,
        run.begin_threads(d.group for d in decisions if d.action is not Action.NO_CHANGE),
    )


def _look_for(run: Run, observation: Observation, planned: tuple[Move, ...]) -> tuple[Moved, ...]:
    """Returns what EC2 took in an earlier turn, and still shows where it was when that move was decided."""
    if run.owed is None:
        return ()
    shown, at = observation.elastic_ips, run.observed_at
    done = tuple(verified(m, shown.get(m.move.subject), at) for m in run.owed.done)
    run.owed = replace(run.owed, done=done)
    return tuple(m for m in done if m.is_unshown and m.move in planned)


def conclude(run: Run, *, is_over: bool = False) -> None:
    """Records and tells what became of the last moves: as soon as EC2 shows all of them that it took, else
    when nobody waits for it any longer. A hold that the moves have ended ends with them.

    Until the look `is_over`, what the next turn tries again is recorded and not yet told: people get one
    message of what came of it in the end.
    """
    if is_over:
        run.trail.retried = frozenset()
    if run.owed is None:
        return
    owed, run.owed = run.owed, None
    done = owed.done
    run.memory = _shown(run.memory, done)
    run.report.moved += done
    run.report.stages = owed.stages
    left = [d for d in after(owed.decisions, done) if d.action is Action.HOLD]
    quiet = {d.group for d in left if d.identity in (_standing_codes(run, d), run.refused.get(d.group))}
    quiet -= {m.move.group for m in done if m.outcome is Outcome.VERIFIED}
    run.refused |= {d.group: d.identity for d in left}
    news = [group for group in dict.fromkeys(m.move.group for m in done) if group not in quiet]
    if not is_over:
        run.trail.retried = frozenset(m.move.group for m in done if m.is_open)
    run.trail.outcome(
        owed.decision_id,
        owed.stages,
        owed.decisions,
        done,
        news,
        {d.group: run.thread(d.group) for d in owed.decisions},
        {d.group: _severity(run, d) for d in owed.decisions},
    )
    run.trail.notify()
    if not run.is_late():  # else the look's own end has the time for that
        shown = {m.move.group for m in done if m.outcome is Outcome.VERIFIED} - {d.group for d in left}
        end(run, shown, owed.decision_id)


def _severity(run: Run, decision: GroupDecision) -> Severity:
    """Returns the severity of a move's outcome: that of the move, or of the hold that it ends if graver, so
    that it reaches the same people.
    """
    standing = run.memory.standing.get(decision.group)
    return telling.gravest(decision.severity, standing.severity if standing else "")


def _before_batch(
    run: Run, decided_under: tuple[Override, ...], number: int, batch: tuple[Move, ...]
) -> tuple[Moved, ...]:
    """Returns, immediately before a batch of calls, what must not begin any more. Raises LeaseLostError.

    The first batch comes at once, and only the override is read again. Those after it come seconds later:
    they are decided anew, on a new reading.
    """
    left: tuple[Moved, ...] = ()
    if number:
        left = _superseded(run, batch)
    elif run.overrides() != decided_under:
        left = stopped(batch, UnbegunCode.OVERRIDE_CHANGED)
    run.fence()
    return left


def _superseded(run: Run, batch: tuple[Move, ...]) -> tuple[Moved, ...]:
    """Returns those of a later batch that a new reading does not ask for any more."""
    if run.is_outdated():
        return stopped(batch, UnbegunCode.TOPOLOGY_CHANGED)
    try:
        observation = run.world.cloud.observe(run.topology, run.overrides)
    except StateUnavailableError:
        raise
    except TemporaryError as error:
        return unread(batch, error)
    return superseded(batch, moves(decide(run.topology, observation, run.memory, run.world.clock.now())))


def _remembering(memory: Memory, planned: Iterable[Move], at: datetime) -> Memory:
    """Returns the memory with these moves to each owner."""
    by_owner: dict[str, list[str]] = {}
    for move in planned:
        by_owner.setdefault(move.owner, []).append(move.subject)
    for owner, addresses in by_owner.items():
        memory = memory.with_move(owner, at, addresses)
    return memory


def _shown(memory: Memory, done: tuple[Moved, ...]) -> Memory:
    """Returns the memory with the addresses that EC2 showed at their new place."""
    shown = {m.move.subject: m.move.owner for m in done if m.outcome is Outcome.VERIFIED}
    return memory.with_verified(shown)


def _is_announced(run: Run, decision: GroupDecision) -> bool:
    """True if this run has notified of each of these moves already, and tries some of them again."""
    return all(run.announced.get(a.allocation_id) == a.target for a in decision.moves)


def _standing_codes(run: Run, decision: GroupDecision) -> Identities | None:
    """Returns why the group was held when people were last notified of it, if it is held now too."""
    known = run.memory.standing.get(decision.group)
    return known.codes if known is not None and known.action == decision.action else None


def _was_refused(run: Run, decision: GroupDecision) -> bool:
    """True if every move failed before and that failure was already notified."""
    known = run.memory.standing.get(decision.group)
    notified = run.refused.get(decision.group) or (known.codes if known else {})
    in_vain = {subject for code in IN_VAIN for subject in notified.get(code, ())}
    return all(address.allocation_id in in_vain for address in decision.moves)
