"""One turn of a look: read AWS, and carry out what was decided on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

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
from tandem.failover.run import Owed, Progress, Run
from tandem.failover.telling import Basis, Stages
from tandem.reasons.failover import UnbegunCode
from tandem.reasons.reason import Identities
from tandem.signals.signal import Signal
from tandem.state.memory import Memory
from tandem.topology.document import Mode

T = TypeVar("T")

RETRY_SECONDS = 1.0


def observe(run: Run, progress: Progress, until: datetime) -> Progress:
    """Reads AWS, the first time the audit sequence's end as well. Raises TemporaryError after `until`."""
    if progress.turns:
        return _read(run, progress, until)
    with _beside(run, run.trail.recent) as recent:
        progress = _read(run, progress, until)
    records = recent.result()
    run.trail.open(records, progress.observation, progress.memory)
    return replace(progress, memory=recalled(progress.memory, records))


def _read(run: Run, progress: Progress, until: datetime) -> Progress:
    clock = run.world.clock
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
    at, turns = clock.now(), progress.turns + 1
    return replace(
        progress,
        observation=observation,
        observed_at=at,
        turns=turns,
        decision_id=run.decision_id(turns, at),
        tried=(),
    )


def act(
    run: Run, progress: Progress, decisions: tuple[GroupDecision, ...], signals: tuple[Signal, ...]
) -> Progress:
    """Carries the moves out between an intent and an outcome in the audit trail.

    What EC2 took and does not show yet is not moved again, but looked for by each turn of the look.
    """
    if run.topology.mode is Mode.DRY_RUN:
        return progress
    planned = moves(decisions)
    progress = _look_for(progress, planned)
    unshown = progress.tried
    planned = tuple(move for move in planned if move not in {m.move for m in unshown})
    if unshown and not planned:
        return progress
    progress = conclude(run, progress)
    if not planned:
        return progress
    at = run.world.clock.now()
    stages = Stages(telling.signal_at(signals), run.received_at, run.leased_at, progress.observed_at, at)
    progress = _announce(run, progress, decisions, signals, at)
    before = progress.memory
    memory = _remembering(before, planned, at)
    with _beside(run, run.trail.notify):
        done = carry_out(
            planned,
            run.world.cloud,
            run.world.clock,
            partial(_before_batch, run, progress, memory),
            run.may_move,
        )
    taken = {m.move.group for m in done if m.outcome in (Outcome.VERIFIED, Outcome.UNVERIFIED)}
    memory = _remembering(before, (move for move in planned if move.group in taken), at)
    tried = (*done, *unshown)
    owed = Owed(progress.decision_id, stages, decisions, tried)
    return replace(progress, memory=_shown(memory, done), owed=owed, tried=tried)


def _announce(
    run: Run,
    progress: Progress,
    decisions: tuple[GroupDecision, ...],
    signals: tuple[Signal, ...],
    at: datetime,
) -> Progress:
    """Records the intent, of which people are told where they do not know of these moves yet."""
    is_known = partial(_is_announced, progress), partial(_was_refused, progress)
    news = [d.group for d in decisions if d.moves and not any(known(d) for known in is_known)]
    groups = [d.group for d in decisions if d.action is not Action.NO_CHANGE]
    progress = progress.with_threads(groups)
    causes = (run.tableless.cause,) if run.tableless else signals
    run.trail.intent(
        RecordKind.INTENT,
        progress.decision_id,
        decisions,
        Basis(progress.observation, progress.memory.sessions, causes),
        at,
        news,
        {group: progress.thread(group) for group in groups},
    )
    targets = {a.subject: a.target for d in decisions for a in d.moves if a.target}
    return replace(progress, announced={**progress.announced, **targets})


@contextmanager
def _beside(run: Run, call: Callable[[], T]) -> Iterator[Future[T]]:
    """Makes a call that must not wait for EC2, nor EC2 for it. It is over when the block is: Lambda freezes
    what outlives the handler.
    """
    begun = run.world.side.submit(call)
    try:
        yield begun
    finally:
        begun.exception()


def _look_for(progress: Progress, planned: tuple[Move, ...]) -> Progress:
    """Looks for what EC2 took in an earlier turn; `tried` is what it still shows where it was when that move
    was decided.
    """
    if progress.owed is None:
        return progress
    shown, at = progress.observation.elastic_ips, progress.observed_at
    done = tuple(verified(m, shown.get(m.move.subject), at) for m in progress.owed.done)
    unshown = tuple(m for m in done if m.is_unshown and m.move in planned)
    return replace(progress, owed=replace(progress.owed, done=done), tried=unshown)


def conclude(run: Run, progress: Progress, *, is_over: bool = False) -> Progress:
    """Records and tells what became of the last moves: as soon as EC2 shows all of them that it took, else
    when nobody waits for it any longer. A hold that the moves have ended ends with them.

    Until the look `is_over`, what the next turn tries again is recorded and not yet told: people get one
    message of what came of it in the end.
    """
    if is_over:
        run.trail.retried = frozenset()
    owed = progress.owed
    if owed is None:
        return progress
    done = owed.done
    left = [d for d in after(owed.decisions, done) if d.action is Action.HOLD]
    known = {d.group: (_standing_codes(progress, d), progress.refused.get(d.group)) for d in left}
    quiet = {d.group for d in left if d.identity in known[d.group]}
    quiet -= {m.move.group for m in done if m.outcome is Outcome.VERIFIED}
    news = [group for group in dict.fromkeys(m.move.group for m in done) if group not in quiet]
    if not is_over:
        run.trail.retried = frozenset(m.move.group for m in done if m.is_open)
    run.trail.outcome(
        owed.decision_id,
        owed.stages,
        owed.decisions,
        done,
        news,
        {d.group: progress.thread(d.group) for d in owed.decisions},
        {d.group: _severity(progress, d) for d in owed.decisions},
    )
    run.trail.notify()
    progress = replace(
        progress,
        memory=_shown(progress.memory, done),
        owed=None,
        moved=(*progress.moved, *done),
        stages=owed.stages,
        refused={**progress.refused, **{d.group: d.identity for d in left}},
    )
    if run.is_late():  # the look's own end has the time for the rest
        return progress
    shown = {m.move.group for m in done if m.outcome is Outcome.VERIFIED} - {d.group for d in left}
    return end(run, progress, shown, owed.decision_id)


def _severity(progress: Progress, decision: GroupDecision) -> Severity:
    """Returns the severity of a move's outcome: that of the move, or of the hold that it ends if graver, so
    that it reaches the same people.
    """
    standing = progress.memory.standing.get(decision.group)
    return telling.gravest(decision.severity, standing.severity if standing else "")


def _before_batch(
    run: Run, progress: Progress, memory: Memory, number: int, batch: tuple[Move, ...]
) -> tuple[Moved, ...]:
    """Returns, immediately before a batch of calls, what must not begin any more. Raises LeaseLostError.

    The first batch comes at once, and only the override is read again. Those after it come seconds later:
    they are decided anew, on a new reading. The `memory` that knows of the moves is written before them.
    """
    left: tuple[Moved, ...] = ()
    if number:
        left = _superseded(run, memory, batch)
    elif run.overrides() != progress.observation.overrides:
        left = stopped(batch, UnbegunCode.OVERRIDE_CHANGED)
    run.fence(memory)
    return left


def _superseded(run: Run, memory: Memory, batch: tuple[Move, ...]) -> tuple[Moved, ...]:
    """Returns those of a later batch that a new reading does not ask for any more."""
    if run.is_outdated():
        return stopped(batch, UnbegunCode.TOPOLOGY_CHANGED)
    try:
        observation = run.world.cloud.observe(run.topology, run.overrides)
    except StateUnavailableError:
        raise
    except TemporaryError as error:
        return unread(batch, error)
    decisions = run.allowed(decide(run.topology, observation, memory, run.world.clock.now()))
    return superseded(batch, moves(decisions))


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


def _is_announced(progress: Progress, decision: GroupDecision) -> bool:
    """True if this run has notified of each of these moves already, and tries some of them again."""
    return all(progress.announced.get(a.subject) == a.target for a in decision.moves)


def _standing_codes(progress: Progress, decision: GroupDecision) -> Identities | None:
    """Returns why the group was held when people were last notified of it, if it is held now too."""
    known = progress.memory.standing.get(decision.group)
    return known.codes if known is not None and known.action == decision.action else None


def _was_refused(progress: Progress, decision: GroupDecision) -> bool:
    """True if every move failed before and that failure was already notified."""
    known = progress.memory.standing.get(decision.group)
    notified = progress.refused.get(decision.group) or (known.codes if known else {})
    in_vain = {subject for code in IN_VAIN for subject in notified.get(code, ())}
    return all(address.subject in in_vain for address in decision.moves)
