"""The look: observe, decide, act, verify, for one topology under its lease.

Every look starts from what AWS shows and replays nothing: on any failure it leaves, and the next look finds
the state out again (docs/how-it-works.md#a-look). `run` has what one invocation's looks share, `turn` a turn
of reading and moving, `holds` the telling of what is not moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tandem.errors import LeaseLostError, OutdatedError, StateUnavailableError
from tandem.failover import findings, holds, pins, telling, turn
from tandem.failover.decision import Action, GroupDecision, decide, in_place
from tandem.failover.moves import NOT_BEGUN, Moved, after
from tandem.failover.run import RETRY_SECONDS, Report, Run, World
from tandem.failover.settling import (
    READ_AGAIN_SECONDS,
    SETTLE_SECONDS,
    awaited,
    heard,
    seen_next_hops,
    seen_sessions,
    unanswered,
    without_copies,
)
from tandem.failover.tableless import move_without_table
from tandem.model import Observation
from tandem.reasons.reason import Reason
from tandem.signals.signal import Signal
from tandem.topology.document import Topology

LOOKS_AGAIN = 3
"""How often the holder of a lease looks again for signals that came meanwhile, before it asks the bus."""

LONGEST_PAUSE_SECONDS = 5.0
"""Short enough for the lease to be renewed in time."""


def look(
    topology: Topology,
    signals: Sequence[Signal],
    world: World,
    *,
    owner: str,
    received_at: datetime,
    ends_at: datetime,
    away: StateUnavailableError | None = None,
) -> Report:
    """Looks at one topology until it is settled, or leaves the signals to the look that is under way.

    After `ends_at` it begins no further look, turn or move. Raises TemporaryError, StateUnavailableError and
    OutOfTimeError among them, and ConfigurationError. Where the state table is away, what can be moved
    without it has been moved before that is raised. `away` says that it was when the topology was to be read:
    then the table is left alone, since a lease does not make an old document true.
    """
    run = Run(topology, world, owner, received_at, ends_at)
    try:
        if away is not None:
            raise away
        if run.take(signals):
            _under_lease(run, tuple(signals))
        run.trail.check()
    except LeaseLostError:
        run.report.lost = True
        run.trail.notify(also_retried=True)
    except OutdatedError as error:
        run.trail.ask(str(error))
    except StateUnavailableError as error:
        move_without_table(run, str(error), tuple(signals))
        run.let_go()
        raise
    finally:
        run.finish()
    return run.report


def _under_lease(run: Run, signals: tuple[Signal, ...]) -> None:
    try:
        _looks(run, signals)
    except (LeaseLostError, StateUnavailableError):
        raise
    except Exception:
        run.let_go()
        raise


def _looks(run: Run, signals: tuple[Signal, ...]) -> None:
    """Looks, and again for signals that came meanwhile; asks the bus for what does not fit in."""
    causes: list[str] = []
    for number in range(1 + LOOKS_AGAIN):
        is_whole, came = _settle(run, signals)
        if not came and run.release():
            break
        if number == LOOKS_AGAIN or run.is_late():
            run.let_go()
            causes.append(f"signals kept coming during {number + 1} looks")
            break
        signals = came or run.again()
    if not is_whole:
        causes.append("the invocation's time was over before every move had begun")
    if run.lease.taken_over:
        causes.append("the look before this one never let go of its lease: a call of its may have come late")
    if causes:
        run.trail.ask("; ".join(causes))


def _settle(run: Run, signals: tuple[Signal, ...]) -> tuple[bool, tuple[Signal, ...]]:
    """Turns of observe, decide, act until nothing has to move and that may be believed.

    False where there was not enough time left to begin a move. Where it stayed unclear, also the signals that
    came meanwhile: a newer one of a session may have ended what an older one said.
    """
    clock = run.world.clock
    began = clock.now()
    until = min(run.ends_at, began + timedelta(seconds=SETTLE_SECONDS))
    run.memory = replace(run.memory, heard=heard(run.memory.heard, signals, began))
    causes = telling.causes(signals, run.memory.in_place_at)
    run.pause = RETRY_SECONDS
    while True:
        if run.is_outdated():
            raise OutdatedError("another version of the topology was stored during the look")
        run.renew()
        read_before, read_at = run.last_read, run.observed_at
        observation = run.last_read = turn.observe(run, until)
        is_apart = run.observed_at - read_at >= timedelta(seconds=READ_AGAIN_SECONDS)
        previous = read_before if is_apart else None
        run.memory = replace(
            run.memory,
            next_hops=seen_next_hops(observation, run.topology),
            sessions=seen_sessions(run.memory.sessions, observation, run.observed_at),
            looked_at=run.observed_at,
        )
        decisions = decide(run.topology, observation, run.memory, clock.now())
        run.memory = run.memory.with_verified(in_place(decisions))
        moved = turn.act(run, decisions, observation, causes)
        decisions = run.report.decisions = after(decisions, moved)
        pending = awaited(signals, run.memory.heard, run.topology, decisions, previous, observation, began)
        pending = pending or _first_seen(run, decisions)
        wait = _wait(run, pending, until, decisions, moved, observation)
        if wait is None:
            break
        if not pending:
            holds.end_those_over(run, decisions)
        clock.sleep(wait)
    came = run.again() if pending else ()
    if came:
        left = unanswered(signals, came)
        pending = awaited(left, run.memory.heard, run.topology, decisions, previous, observation, began)
        came = without_copies(came, left)
    turn.conclude(run, is_over=True)
    holds.record_holds(run, decisions, pending, observation, causes)
    pins.record_pins(run, observation)
    if not pending and all(d.action is Action.NO_CHANGE for d in decisions):
        run.memory = replace(run.memory, in_place_at=run.observed_at)
    if not pending:
        findings.record_findings(run, observation, moved)
    return not any(m.refusal == NOT_BEGUN for m in moved), came


def _first_seen(run: Run, decisions: tuple[GroupDecision, ...]) -> Reason | None:
    """Returns what a FIB that may show the past is waited for, whatever woke the look; once for each hold, so
    that a long outage costs no sweep half a minute.
    """
    return next((d.awaiting for d in decisions if d.awaiting and not holds.is_known(run, d)), None)


def _wait(
    run: Run,
    pending: Reason | None,
    until: datetime,
    decisions: tuple[GroupDecision, ...],
    moved: tuple[Moved, ...],
    observation: Observation,
) -> float | None:
    """Seconds to the next turn; None where this look has nothing more to wait for."""
    now = run.world.clock.now()
    waits: list[float] = []
    if pending and now + timedelta(seconds=READ_AGAIN_SECONDS) <= until:
        waits.append(READ_AGAIN_SECONDS)
    if any(m.is_open for m in moved) and now + timedelta(seconds=run.pause) <= until:
        waits.append(run.pause)
        run.pause = min(2 * run.pause, LONGEST_PAUSE_SECONDS)
    blind = observation.failed and any(d.action is Action.HOLD for d in decisions)
    if blind and now + timedelta(seconds=RETRY_SECONDS) <= until:
        waits.append(RETRY_SECONDS)
    damped = [a.retry_at for d in decisions for a in d.addresses if a.retry_at is not None]
    waits += [(at - now).total_seconds() for at in damped if now < at <= run.ends_at]
    return min(*waits, LONGEST_PAUSE_SECONDS) if waits else None
