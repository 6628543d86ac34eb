"""The look: observe, decide, act, verify, for one topology under its lease.

Every look starts from what AWS shows and replays nothing: on any failure it leaves, and the next look finds
the state out again (design §5).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tandem import telling
from tandem.acting import carry_out, rehearse
from tandem.audit import RecordKind
from tandem.decision import Action, GroupDecision, Severity, decide
from tandem.errors import LeaseLostError, StateUnavailableError, TemporaryError
from tandem.lease import Lease
from tandem.memory import Memory, Standing
from tandem.model import Observation
from tandem.moves import REFUSED, Move, Moved, Outcome, Refusal, after, moves
from tandem.override import Override
from tandem.ports import Audit, Bus, Clock, Cloud, Looks, Note
from tandem.settling import READ_AGAIN_SECONDS, SETTLE_SECONDS, awaited, heard, seen_next_hops
from tandem.signals import Signal
from tandem.tableless import LastKnown, move_without_table
from tandem.telling import Stages
from tandem.topology import Mode, Topology
from tandem.trail import Trail

LOOKS_AGAIN = 3
"""How often the holder of a lease looks again for signals that came meanwhile, before it asks the bus."""

RENEW_BELOW = timedelta(seconds=20)
RETRY_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 5.0
"""Short enough for the lease to be renewed in time."""


@dataclass(frozen=True, slots=True)
class World:
    """Everything outside that a look works with."""

    cloud: Cloud
    looks: Looks
    audit: Audit
    bus: Bus
    clock: Clock
    note: Note
    last_known: LastKnown
    side: ThreadPoolExecutor
    """Runs what must not wait for EC2, nor EC2 for it."""


@dataclass(slots=True)
class Report:
    """What one invocation did for one topology: log line and metrics are made from it."""

    topology: str
    contended: bool = False
    """Another invocation looks at it, and was told to look again."""
    lost: bool = False
    taken_over: bool = False
    repaired: str | None = None
    turns: int = 0
    moved: list[Moved] = field(default_factory=list)
    decisions: tuple[GroupDecision, ...] = ()
    stages: Stages | None = None


def look(
    topology: Topology,
    signals: Sequence[Signal],
    world: World,
    *,
    owner: str,
    received_at: datetime,
    ends_at: datetime,
) -> Report:
    """Looks at one topology until it is settled, or leaves the signals to the look that is under way.

    Raises TemporaryError, StateUnavailableError among them, and ConfigurationError. Where the state table is
    away, what can be moved without it has been moved before that is raised.
    """
    run = _Look(topology, world, owner, received_at, ends_at)
    try:
        run.run(tuple(signals))
    except LeaseLostError:
        run.report.lost = True
    except StateUnavailableError as error:
        move_without_table(topology, world.cloud, world.clock, world.last_known, world.note, str(error))
        run.let_go()
        raise
    return run.report


class _Look:
    """One invocation's look at one topology."""

    def __init__(
        self, topology: Topology, world: World, owner: str, received_at: datetime, ends_at: datetime
    ) -> None:
        self.topology = topology
        self.world = world
        self.owner = owner
        self.received_at = received_at
        self.ends_at = ends_at
        self.report = Report(topology.name)
        self.trail = Trail(topology, world.audit, world.bus, world.clock, world.last_known)
        self.memory = Memory()
        self._lease: Lease | None = None
        self.leased_at = self.observed_at = received_at
        self.last_read: Observation | None = None
        self.pause = RETRY_SECONDS
        self.refused: dict[str, str] = {}
        """Group to the failure that this look told of it, so that it tells it once."""

    def run(self, signals: tuple[Signal, ...]) -> None:
        now = self.world.clock.now()
        marks = [telling.mark(signal) for signal in signals]
        got = self.world.looks.acquire(self.topology.name, self.owner, now, marks)
        if got is None:
            self.report.contended = True
            return
        self.lease, self.memory = got
        self.leased_at = self.world.clock.now()
        self.report.taken_over, self.report.repaired = self.lease.taken_over, self.lease.repaired
        try:
            self._rounds(signals)
        except (LeaseLostError, StateUnavailableError):
            raise
        except Exception:
            self.let_go()
            raise

    def let_go(self) -> None:
        """Ends the lease early, where there is one and the table answers; otherwise it ends by itself."""
        if self._lease is not None:
            with suppress(LeaseLostError, StateUnavailableError):
                self.world.looks.let_go(self._lease, self.memory)

    @property
    def lease(self) -> Lease:
        if self._lease is None:
            raise LeaseLostError(f"{self.topology.name}: there is no lease yet")
        return self._lease

    @lease.setter
    def lease(self, lease: Lease) -> None:
        self._lease = lease

    def _rounds(self, signals: tuple[Signal, ...]) -> None:
        for _ in range(1 + LOOKS_AGAIN):
            self._settle(signals)
            if self.world.looks.release(self.lease, self.memory):
                break
            now = self.world.clock.now()
            self.lease, marks = self.world.looks.again(self.lease, self.memory, now)
            self.received_at = self.leased_at = now
            signals = tuple(telling.unmark(mark) for mark in marks)
        else:
            self.world.looks.let_go(self.lease, self.memory)
            self.trail.ask(f"signals kept coming during {1 + LOOKS_AGAIN} looks")
        if self.lease.taken_over:
            self.trail.ask(
                "the look before this one never let go of its lease: a call of its may have come late"
            )

    def _settle(self, signals: tuple[Signal, ...]) -> None:
        """Turns of observe, decide, act until nothing has to move and that may be believed."""
        now = self.world.clock.now()
        until = min(self.ends_at, now + timedelta(seconds=SETTLE_SECONDS))
        self.memory = replace(self.memory, heard=heard(self.memory.heard, signals, now))
        while True:
            self._renew()
            read_before, read_at = self.last_read, self.observed_at
            observation = self.last_read = self._observe(until)
            is_apart = self.observed_at - read_at >= timedelta(seconds=READ_AGAIN_SECONDS)
            previous = read_before if is_apart else None
            self.memory = replace(self.memory, next_hops=seen_next_hops(observation, self.topology))
            decisions = decide(self.topology, observation, self.memory, self.world.clock.now())
            moved = self._act(decisions, observation, signals)
            decisions = self.report.decisions = after(decisions, moved)
            pending = awaited(
                signals,
                self.memory.heard,
                self.topology,
                decisions,
                previous,
                observation,
                self.observed_at,
            )
            wait = self._wait(pending, until, decisions, moved, observation)
            if wait is None:
                break
            self.world.clock.sleep(wait)
        self._tell(decisions, pending, observation, signals)

    def _wait(
        self,
        pending: str | None,
        until: datetime,
        decisions: tuple[GroupDecision, ...],
        moved: tuple[Moved, ...],
        observation: Observation,
    ) -> float | None:
        """Seconds to the next turn of the loop; None where this look has nothing more to wait for."""
        now = self.world.clock.now()
        waits: list[float] = []
        if pending and now + timedelta(seconds=READ_AGAIN_SECONDS) <= until:
            waits.append(READ_AGAIN_SECONDS)
        if any(_try_again(m) for m in moved) and now + timedelta(seconds=self.pause) <= until:
            waits.append(self.pause)
            self.pause *= 2
        blind = observation.failed and any(d.action is Action.HOLD for d in decisions)
        if blind and now + timedelta(seconds=RETRY_SECONDS) <= until:
            waits.append(RETRY_SECONDS)
        damped = [a.retry_at for d in decisions for a in d.addresses if a.retry_at is not None]
        waits += [(at - now).total_seconds() for at in damped if now < at <= self.ends_at]
        return min(*waits, LONGEST_PAUSE_SECONDS) if waits else None

    def _renew(self) -> None:
        now = self.world.clock.now()
        if self.lease.until - now < RENEW_BELOW:
            self.lease = self.world.looks.fence(self.lease, self.memory, now)

    def _observe(self, until: datetime) -> Observation:
        """Reads AWS, the first time the audit sequence's end as well. Raises TemporaryError after `until`."""
        self.report.turns += 1
        recent = None
        if self.report.turns == 1:
            recent = self.world.side.submit(self.trail.recent)
        while True:
            try:
                observation = self.world.cloud.observe(self.topology, self._overrides)
                break
            except StateUnavailableError:
                raise
            except TemporaryError:
                if self.world.clock.now() + timedelta(seconds=RETRY_SECONDS) > until:
                    raise
                self.world.clock.sleep(RETRY_SECONDS)
        self.observed_at = self.world.clock.now()
        if recent is not None:
            self.trail.open(recent.result(), observation)
        return observation

    def _overrides(self) -> tuple[Override, ...]:
        overrides = self.world.looks.overrides(self.topology.name)
        self.world.last_known.remember(self.topology.name, overrides, self.world.clock.now())
        return overrides

    def _act(
        self, decisions: tuple[GroupDecision, ...], observation: Observation, signals: tuple[Signal, ...]
    ) -> tuple[Moved, ...]:
        """Carries the moves out between an intent and an outcome in the audit trail."""
        planned = moves(decisions)
        if not planned or self.topology.mode is Mode.DRY_RUN:
            return ()
        at = self.world.clock.now()
        stages = Stages(_signal_at(signals), self.received_at, self.leased_at, self.observed_at, at)
        decision_id = self._decision_id()
        head = self.trail.intent(RecordKind.INTENT, decision_id, decisions, observation, signals, at)
        news = [d for d in decisions if d.moves and not self._was_refused(d)]
        told = self.world.side.submit(self.trail.tell_decisions, news, decision_id, signals, head, at)
        before = self.memory
        for group, owner in {move.group: move.owner for move in planned}.items():
            names = [move.allocation_id for move in planned if move.group == group]
            self.memory = self.memory.with_move(group, owner, at, names)
        done = carry_out(
            planned,
            self.world.cloud,
            self.world.clock,
            lambda batch: self._before_batch(batch, observation.overrides),
            self._may_begin,
        )
        self.memory = _remembered(before, self.memory, done)
        self.report.moved += done
        self.report.stages = stages
        head = self.trail.outcome(decision_id, stages, done)
        told.result()
        left = [d for d in after(decisions, done) if d.action is Action.HOLD]
        quiet = {d.group for d in left if self._stands(d) or self.refused.get(d.group) == d.reason}
        self.refused |= {d.group: d.reason for d in left}
        self.trail.tell_outcome(decision_id, stages, [m for m in done if m.move.group not in quiet], head)
        return done

    def _may_begin(self) -> bool:
        """Whether a call that is begun now ends under the lease and within the invocation."""
        now = self.world.clock.now()
        return self.lease.is_enough(now) and now < self.ends_at

    def _before_batch(
        self, batch: tuple[Move, ...], decided_under: tuple[Override, ...]
    ) -> tuple[Moved, ...] | None:
        """Re-reads override and epoch: the last thing before each batch of calls. Raises LeaseLostError."""
        if self._overrides() != decided_under:
            changed = Refusal("OverrideChanged", "an operator changed the override meanwhile", transient=True)
            return tuple(Moved(move, Outcome.FAILED, changed) for move in batch)
        self.lease = self.world.looks.fence(self.lease, self.memory, self.world.clock.now())
        return None

    def _tell(
        self,
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
        if self.topology.mode is Mode.DRY_RUN:
            decisions = tuple(d if self._stands(d) else self._rehearsed(d) for d in decisions)
        self.report.decisions = decisions
        now = self.world.clock.now()
        open_ones = [d for d in decisions if d.action is not Action.NO_CHANGE]
        begun = [d for d in open_ones if not self._stands(d)]
        ended = [group for group in self.memory.standing if group not in {d.group for d in open_ones}]
        decision_id = self._decision_id()
        if ended:
            self.trail.holds_ended(decision_id, ended)
        if begun:
            head = self.trail.intent(RecordKind.HOLD, decision_id, begun, observation, signals, now)
        kept = {group: s for group, s in self.memory.standing.items() if group not in ended}
        fresh = {d.group: Standing(d.action, d.reason, now) for d in begun}
        self.memory = replace(self.memory, standing=kept | fresh)
        if begun:
            self.trail.tell_decisions(begun, decision_id, signals, head, now)

    def _rehearsed(self, decision: GroupDecision) -> GroupDecision:
        """A dry run's move, with what EC2 would refuse of it; asked when the decision begins."""
        refused = rehearse(moves((decision,)), self.world.cloud, self.world.clock)
        return replace(decision, reports=(*decision.reports, *refused))

    def _decision_id(self) -> str:
        return f"{self.topology.name}-{self.lease.epoch}-{self.report.turns}"

    def _was_refused(self, decision: GroupDecision) -> bool:
        """Whether this group's moves failed before, which has been told."""
        if decision.group in self.refused:
            return True
        known = self.memory.standing.get(decision.group)
        return known is not None and REFUSED in known.reason

    def _stands(self, decision: GroupDecision) -> bool:
        known = self.memory.standing.get(decision.group)
        return known is not None and (known.action, known.reason) == (decision.action, decision.reason)


def _remembered(before: Memory, moving: Memory, done: tuple[Moved, ...]) -> Memory:
    """What is remembered of the moves: nothing where EC2 took none, and which addresses it showed there."""
    if not any(m.associated_at for m in done):
        return before
    for group in {m.move.group for m in done}:
        shown = [m for m in done if m.move.group == group and m.outcome is Outcome.VERIFIED]
        moving = moving.with_verified(group, (m.move.allocation_id for m in shown))
    return moving


def _try_again(moved: Moved) -> bool:
    """Whether the next turn of the loop may find it right, or may try again."""
    return moved.outcome is Outcome.UNVERIFIED or (moved.refusal is not None and moved.refusal.transient)


def _signal_at(signals: tuple[Signal, ...]) -> datetime | None:
    return min((s.occurred_at for s in signals if s.occurred_at), default=None)


def _unclear(decision: GroupDecision, pending: str) -> GroupDecision:
    """What could not be believed within 30 s is a hold, not a quiet "no change"."""
    if decision.action is not Action.NO_CHANGE:
        return decision
    reason = f"not clear after {SETTLE_SECONDS} s: {pending}"
    return replace(decision, action=Action.HOLD, reason=reason, severity=Severity.WARNING)
