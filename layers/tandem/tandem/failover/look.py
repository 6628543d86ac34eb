"""The look: observe, decide, act, verify, for one topology under its lease.

Every look starts from what AWS shows and replays nothing: on any failure it leaves, and the next look finds
the state out again (docs/how-it-works.md#a-look). `run` keeps the lease, `turn` reads and moves, `holds`
records what is not moved; each step takes a `Progress` and returns the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tandem.errors import LeaseLostError, OutdatedError, StateUnavailableError, TemporaryError
from tandem.failover import findings, holds, pins, telling, turn
from tandem.failover.deciding import decide
from tandem.failover.decision import Action, in_place
from tandem.failover.lastknown import LastKnown
from tandem.failover.moves import NOT_BEGUN, after
from tandem.failover.run import Progress, Report, Run, World
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
from tandem.failover.tableless import LateRecords, NoTable
from tandem.failover.turn import RETRY_SECONDS
from tandem.reasons.reason import Reason
from tandem.signals.signal import Signal
from tandem.state.memory import Memory
from tandem.topology.document import Topology

_LOOKS_AGAIN = 3
"""How often the holder of a lease looks again for signals that came meanwhile, before it asks the bus."""

_LONGEST_PAUSE_SECONDS = 5.0
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
    looks = _Looks(run)
    is_lost = False
    try:
        if away is not None:
            raise away
        if looks.take(signals):
            looks.look(tuple(signals))
    except LeaseLostError:
        is_lost = True
        run.trail.notify(also_retried=True)
    except OutdatedError as error:
        run.let_go()
        run.trail.ask(str(error))
    except StateUnavailableError as error:
        _look_without_table(run, looks.progress, owner, str(error), tuple(signals))
        run.let_go()
        raise
    except Exception:
        run.let_go()
        raise
    else:
        run.trail.check()
    return run.report(looks.progress, lost=is_lost)


def _look_without_table(
    before: Run, known: Progress, owner: str, why: str, signals: tuple[Signal, ...]
) -> None:
    """Looks without the state table, and moves what cannot wait for it.

    People are told at once; the records join the audit sequence when the table is back. Of what is `known`,
    since when sessions are as they are goes on, and what the messages are about. Raises TemporaryError where
    AWS cannot be read.
    """
    topology, world = before.topology, before.world
    table = NoTable(topology, Memory(sessions=known.memory.sessions), world.last_known, world.clock, why)
    records = LateRecords(topology, why, world.note)
    away = replace(
        world,
        looks=table,
        overrides=table,
        stored=table.stored,
        audit=records,
        last_known=LastKnown(),  # this look reads nothing of the table that could be remembered
    )
    run = Run(topology, away, owner, before.received_at, before.ends_at, table)
    groups = (*known.memory.standing, *known.threads)
    looks = _Looks(run, {group: known.thread(group) for group in groups})
    try:
        looks.take(signals)
        looks.settle(signals)
    except (OutdatedError, TemporaryError) as error:
        turn.conclude(run, looks.progress, is_over=True)  # what has been moved by then is recorded
        if not isinstance(error, OutdatedError):
            raise
        world.note("table away, nothing moved", topology=topology.name, why=why)
    finally:
        records.hand_over(world.last_known, run.trail)


class _Looks:
    """The looks of one run, one after the other, and what they know by now."""

    def __init__(self, run: Run, threads: Mapping[str, str] | None = None) -> None:
        self._run = run
        self.progress = Progress(Memory(), run.received_at, threads=threads or {})

    def take(self, signals: Sequence[Signal]) -> bool:
        """Takes the lease and the memory. False if another has it, which then looks again for these."""
        memory = self._run.take(signals)
        if memory is not None:
            self._keep(replace(self.progress, memory=memory))
        return memory is not None

    def _keep(self, progress: Progress) -> None:
        """Keeps what a step found out. If the next one fails, its memory is written with the lease."""
        self.progress = progress
        self._run.remember(progress.memory)

    def look(self, signals: tuple[Signal, ...]) -> None:
        """Looks, and again for signals that came meanwhile; asks the bus for what does not fit in."""
        run = self._run
        causes: list[str] = []
        for number in range(1 + _LOOKS_AGAIN):
            came = self.settle(signals)
            if not came and run.release():
                break
            if number == _LOOKS_AGAIN or run.is_late():
                run.let_go()
                causes.append(f"signals kept coming during {number + 1} looks")
                break
            signals = came or run.again()
        if any(m.refusal == NOT_BEGUN for m in self.progress.tried):
            causes.append("the invocation's time was over before every move had begun")
        if run.taken_over:
            causes.append(
                "the look before this one never let go of its lease: a call of its may have come late"
            )
        if causes:
            run.trail.ask("; ".join(causes))

    def settle(self, signals: tuple[Signal, ...]) -> tuple[Signal, ...]:
        """Turns of observe, decide, act until nothing has to move and that may be believed.

        Returns, where it stayed unclear, the signals that came meanwhile: a newer one of a session may have
        ended what an older one said.
        """
        run, clock = self._run, self._run.world.clock
        began = clock.now()
        until = min(run.ends_at, began + timedelta(seconds=SETTLE_SECONDS))
        memory = self.progress.memory
        causes = telling.causes(signals, memory.in_place_at)
        self._keep(replace(self.progress, memory=replace(memory, heard=heard(memory.heard, signals, began))))
        pause = RETRY_SECONDS
        while True:
            before = self.progress
            self._turn(until, causes)
            pending = self._awaited(signals, before, began) or self._first_seen()
            wait = self._wait(pending, until, pause)
            if wait is None:
                break
            if any(m.is_open for m in self.progress.tried):
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            if not pending:
                self._keep(holds.end_those_over(run, self.progress))
            clock.sleep(wait)
        if run.tableless:  # holds, pins and findings wait for the table
            self._keep(turn.conclude(run, self.progress, is_over=True))
            return ()
        came = run.again() if pending else ()
        if came:
            left = unanswered(signals, came)
            pending = self._awaited(left, before, began)
            came = without_copies(came, left)
        self._conclude(pending, causes)
        return came

    def _turn(self, until: datetime, causes: tuple[Signal, ...]) -> None:
        run, topology = self._run, self._run.topology
        if run.is_outdated():
            raise OutdatedError("another version of the topology was stored during the look")
        run.renew()
        self._keep(turn.observe(run, self.progress, until))
        progress, memory = self.progress, self.progress.memory
        memory = replace(
            memory,
            next_hops=seen_next_hops(progress.observation, topology),
            sessions=seen_sessions(memory.sessions, progress.observation, progress.observed_at),
            looked_at=progress.observed_at,
        )
        decisions = decide(topology, progress.observation, memory, run.world.clock.now())
        self._keep(replace(progress, memory=memory.with_verified(in_place(decisions))))
        self._keep(turn.act(run, self.progress, run.allowed(decisions), causes))
        if self.progress.owed and self.progress.owed.is_shown:
            self._keep(turn.conclude(run, self.progress))
        self._keep(replace(self.progress, decisions=after(decisions, self.progress.tried)))

    def _conclude(self, pending: Reason | None, causes: tuple[Signal, ...]) -> None:
        """Records what a look leaves behind, and when every address was found in place."""
        run = self._run
        self._keep(turn.conclude(run, self.progress, is_over=True))
        is_in_place = not pending and all(d.action is Action.NO_CHANGE for d in self.progress.decisions)
        self._keep(holds.record_holds(run, self.progress, pending, causes))
        self._keep(pins.record_pins(run, self.progress))
        if is_in_place:
            memory = replace(self.progress.memory, in_place_at=self.progress.observed_at)
            self._keep(replace(self.progress, memory=memory))
        if not pending:
            self._keep(findings.record_findings(run, self.progress))

    def _awaited(self, signals: tuple[Signal, ...], before: Progress, began: datetime) -> Reason | None:
        """Returns what the signals still have to wait for, by this turn's reading and the one `before`."""
        now = self.progress
        is_apart = now.observed_at - before.observed_at >= timedelta(seconds=READ_AGAIN_SECONDS)
        previous = before.observation if before.turns and is_apart else None
        topology, newest = self._run.topology, now.memory.heard
        return awaited(signals, newest, topology, now.decisions, previous, now.observation, began)

    def _first_seen(self) -> Reason | None:
        """Returns what a FIB that may show the past is waited for, whatever woke the look; once for each
        hold, so that a long outage costs no sweep half a minute. Without the table, no hold is remembered.
        """
        if self._run.tableless:
            return None
        memory, decisions = self.progress.memory, self.progress.decisions
        return next((d.awaiting for d in decisions if d.awaiting and not holds.is_known(memory, d)), None)

    def _wait(self, pending: Reason | None, until: datetime, pause: float) -> float | None:
        """Seconds to the next turn; None where this look has nothing more to wait for."""
        run, progress = self._run, self.progress
        now = run.world.clock.now()
        waits: list[float] = []
        if pending and now + timedelta(seconds=READ_AGAIN_SECONDS) <= until:
            waits.append(READ_AGAIN_SECONDS)
        if any(m.is_open for m in progress.tried) and now + timedelta(seconds=pause) <= until:
            waits.append(pause)
        # without the table, what is held now is held until the table is back
        held = [d for d in progress.decisions if not run.tableless]
        blind = progress.observation.failed and any(d.action is Action.HOLD for d in held)
        if blind and now + timedelta(seconds=RETRY_SECONDS) <= until:
            waits.append(RETRY_SECONDS)
        damped = [a.retry_at for d in held for a in d.addresses if a.retry_at is not None]
        waits += [(at - now).total_seconds() for at in damped if now < at <= run.ends_at]
        return min(*waits, _LONGEST_PAUSE_SECONDS) if waits else None
