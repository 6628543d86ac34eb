"""Failover while the state table is away: the table makes failover orderly, not possible
(docs/how-it-works.md#what-it-does-when-something-happens)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from tandem.audit import RecordKind
from tandem.errors import TemporaryError
from tandem.failover import news, telling
from tandem.failover.acting import carry_out
from tandem.failover.deciding import decide
from tandem.failover.decision import GroupDecision
from tandem.failover.moves import Move, Moved, moves, superseded, unread
from tandem.failover.run import Run
from tandem.failover.settling import READ_AGAIN_SECONDS, SETTLE_SECONDS, awaited, heard
from tandem.failover.telling import Basis, Stages
from tandem.model import Observation
from tandem.signals.signal import Signal
from tandem.state.memory import Memory
from tandem.topology.document import Mode


def move_without_table(run: Run, why: str, signals: tuple[Signal, ...]) -> None:
    """Moves without a lease what may be moved so: every writer derives the same moves from the same FIB.

    Only away from a dead holder, by a clear FIB, and with no override known to be in the way; everything else
    waits for the table. People are told at once; the records join the audit sequence when the table is back.
    It goes on, for as long as a look settles, where AWS cannot be read, does not show yet what a signal said,
    or may take next time what it did not take. Raises what the last reading raised.
    """
    topology, clock = run.topology, run.world.clock
    began = clock.now()
    until = min(run.ends_at, began + timedelta(seconds=SETTLE_SECONDS))
    newest = heard({}, signals, began)
    previous: Observation | None = None
    done: tuple[Moved, ...] = ()
    while True:
        if topology.mode is Mode.DRY_RUN or not run.world.last_known.is_free(topology.name, clock.now()):
            run.world.note("table away, nothing moved", topology=topology.name, why=why)
            return
        is_over = clock.now() + timedelta(seconds=READ_AGAIN_SECONDS) > until
        try:
            urgent = _urgent(run)
        except TemporaryError:
            if is_over:
                raise
        else:
            planned = moves(urgent.decisions)
            unshown = tuple(m for m in done if m.is_unshown and m.move in planned)
            left = len(planned) - len(unshown)
            asked_at = telling.signal_at(signals)
            begun = _carry_out(run, why, urgent, {m.move for m in unshown}, asked_at) if left else ()
            done = (*begun, *unshown)
            shown = urgent.observation
            pending = awaited(signals, newest, topology, urgent.every, previous, shown, began)
            previous = shown
            if is_over or not (pending or any(m.is_open for m in done)):
                return
        clock.sleep(READ_AGAIN_SECONDS)


def _carry_out(
    run: Run, why: str, urgent: _Urgent, taken: Collection[Move], asked_at: datetime | None
) -> tuple[Moved, ...]:
    """Carries out what is urgent and was not taken before, and tells of it."""
    topology, world = run.topology, run.world
    observed_at = world.clock.now()
    decision_id = f"{topology.name}-tableless-{observed_at:%Y%m%dT%H%M%S.%fZ}-{run.owner}"
    groups = [d.group for d in urgent.decisions]
    threads = run.begin_threads(groups, decision_id)
    intent = telling.decided_body(
        RecordKind.INTENT,
        observed_at,
        decision_id,
        topology,
        urgent.decisions,
        Basis(urgent.observation, run.memory.sessions, ()),
        groups,
        threads,
        epoch=None,
        why=why,
        signal={**telling.signal_detail(()), "cause": f"the state table does not answer: {why}"},
    )
    world.note("moving without the table", topology=topology.name, intent=intent)
    world.last_known.later(topology.name, {**intent, "tell": []})
    telling_it = run.beside(_tell, run, intent)
    done = carry_out(
        tuple(move for move in moves(urgent.decisions) if move not in taken),
        world.cloud,
        world.clock,
        lambda number, batch: _superseded(run, batch) if number else (),
        lambda: not run.is_late(),
    )
    stages = Stages(asked_at, run.received_at, None, observed_at, observed_at)
    outcome = telling.outcome_body(
        world.clock.now(),
        decision_id,
        topology,
        "without the table",
        stages,
        done,
        tell=list(dict.fromkeys(m.move.group for m in done)),
        threads=threads,
        held=telling.held_detail(urgent.every),
        severities={d.group: d.severity for d in urgent.decisions},
    )
    world.note("moved without the table", topology=topology.name, outcome=outcome)
    telling_it.result()
    world.last_known.later(topology.name, outcome if _tell(run, outcome) else {**outcome, "tell": []})
    return done


@dataclass(frozen=True, slots=True)
class _Urgent:
    observation: Observation
    decisions: tuple[GroupDecision, ...]
    """With the addresses only that cannot wait."""
    every: tuple[GroupDecision, ...]


def _urgent(run: Run) -> _Urgent:
    """What cannot wait: a clear FIB, and nobody alive has the address."""
    observation = run.world.cloud.observe(run.topology, tuple)
    decisions = decide(run.topology, observation, Memory(), run.world.clock.now())
    dead = ((d, tuple(a for a in d.moves if a.dead)) for d in decisions if d.clear)
    return _Urgent(observation, tuple(replace(d, addresses=found) for d, found in dead if found), decisions)


def _superseded(run: Run, batch: tuple[Move, ...]) -> tuple[Moved, ...]:
    """Those of a later batch that a new reading does not ask for any more."""
    try:
        return superseded(batch, moves(_urgent(run).decisions))
    except TemporaryError as error:
        return unread(batch, error)


def _tell(run: Run, body: Mapping[str, Any]) -> bool:
    """Puts on the bus what a record tells that is not in the table; whether it is still to be told."""
    try:
        run.world.bus.put(*news.events_of(body, None))
    except Exception as error:  # noqa: BLE001 - also a bug keeps no move waiting
        run.world.note("people are not told", topology=run.topology.name, why=str(error))
        return True
    return False
