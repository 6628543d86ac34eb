"""Brings a managed route server where its topology says, turn by turn: observe, plan, do what can be done.

Nothing observed before the lease was granted leads to a call. A cut run needs no care: the next one plans
from what AWS shows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tandem.errors import CallFailedError, PassingError, TemporaryError
from tandem.provisioning.managed import ROUTE_SERVER, Desired, Observed, is_moving
from tandem.provisioning.managesteps import (
    Action,
    AssociateVpc,
    Await,
    CreateEndpoint,
    CreateRouteServer,
    DisablePropagation,
    DisassociateVpc,
    EnablePropagation,
    Step,
)
from tandem.provisioning.ports import ProvisionerPorts
from tandem.provisioning.recording import Why, codes_of, with_done, with_pending
from tandem.provisioning.stored import desired_of, found_of, goes_on, steps_of
from tandem.reasons.provisioning import ProvisioningCode as Code
from tandem.reasons.reason import Identity, Reason, reason
from tandem.state.lease import Lease
from tandem.state.record import Provisioned, TopologyRecord

PATIENCE = timedelta(seconds=120)
"""Without any progress; then the rest is for the schedule. A run that finds nothing to do, and nothing that
AWS is at, does not wait at all: an appliance has to come up, and that may take days."""

SETTLED = timedelta(seconds=60)
"""So long a call is not repeated within a run: describes may lag behind it
(docs/aws-facts.md#eventual-consistency)."""

_TAG_SECONDS = timedelta(seconds=60)
"""So long a refusal may mean that IAM does not see an owner's new tag yet. AWS gives no number
(https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency)."""

_MOST_DONE = 100

ENTERING = (AssociateVpc, CreateEndpoint, EnablePropagation)
"""Steps that need the owner's tag on a network."""

UNAUTHORIZED = "UnauthorizedOperation"

GONE = frozenset({"InvalidRouteTableID.NotFound", "InvalidVpcID.NotFound"})
"""EC2's codes when the target of a propagation or an association does not exist any more."""

REFUSALS = {
    "AccessDenied": Code.CALL_FORBIDDEN,
    "AccessDeniedException": Code.CALL_FORBIDDEN,
    "AuthorizationError": Code.CALL_FORBIDDEN,
    "ServiceQuotaExceededException": Code.LOGS_QUOTA_USED,
}
"""What AWS's codes mean where a person has to do something in particular."""

_DUPLICATE = ("AlreadyExists", "AlreadyAssociated", "Duplicate")
"""AWS's codes for a second peer, association or propagation are not known (docs/aws-facts.md#client-tokens):
looked at again."""


@dataclass(frozen=True, slots=True)
class ConvergenceResult:
    """How a run over a managed topology ended: done, or waiting, or failed."""

    record: TopologyRecord
    provisioned: Provisioned
    steps: tuple[Reason, ...] = ()
    pending: tuple[Reason, ...] = ()
    """What it waits for; empty where it is done or has failed."""
    failure: CallFailedError | None = None
    reason: Why = ()
    """Why it failed, or what kept it so far."""


class Convergence:
    """One run over one managed topology, which holds its lease from `begin` to `end`.

    It leads to what the topology says, or, where that is leaving, back to where nothing is left of it.
    """

    def __init__(self, record: TopologyRecord, stack: str, world: ProvisionerPorts) -> None:
        self.name = record.topology.name
        self.record = record
        self._stack = stack
        self._world = world
        self._lease: Lease | None = None
        self._began: dict[Action, datetime] = {}
        self._tried: dict[Action, datetime] = {}
        self._refused: dict[Action, datetime] = {}
        """When each was refused first."""
        self._steps: list[Reason] = []
        self._trouble: CallFailedError | TemporaryError | None = None
        self._waits: tuple[Reason, ...] = ()
        self._progress = world.clock.now()
        self._found = record.provisioned or Provisioned("")
        self.outcome: ConvergenceResult | None = None
        self.goes_right_on = False
        """Whether the last turn left undone what needs but another observation."""

    def look(self) -> tuple[Step, ...]:
        """What would be done now; changes nothing and takes no lease. Raises as `observe` does."""
        desired = desired_of(self.record, self._stack)
        observed = self._world.managed.observe(desired)
        self._found = found_of(self.record, desired, observed)
        steps = self._planned(desired, observed)
        if not steps:
            self.outcome = self._done()
        return steps

    def begin(self, owner: str) -> bool:
        """Takes the lease; False where another run has it. Raises StateUnavailableError."""
        acquired = self._world.leases.acquire(self.name, owner, self._world.clock.now())
        self._lease = None if acquired is None else acquired[0]
        return self._lease is not None

    def turn(self) -> bool:
        """One turn; whether it was the last one. Raises TemporaryError."""
        record = self._world.store.get(self.name)
        if record is None or not record.topology.manage:
            return True
        self.record = record
        desired = desired_of(record, self._stack)
        observed = self._world.managed.observe(desired)
        self._found = found_of(record, desired, observed)
        steps = self._planned(desired, observed)
        if not steps:
            self.outcome = self._done()
            return True
        self._note(steps)
        failure = self._carry_out(self._ready(steps))
        moves = is_moving(desired, observed) or self._found.server_begun_at is not None
        return self._is_over(steps, failure, moves)

    def end(self) -> bool:
        """Lets the lease go; False where somebody asked for a run meanwhile. Raises StateUnavailableError."""
        lease, self._lease = self._lease, None
        if lease is None or self._world.leases.release(lease):
            return True
        self._world.leases.let_go(lease)
        return False

    def stop(self) -> None:
        """Out of time: what is left is waited for."""
        if self.outcome is None:
            self.outcome = self._waiting(self._waits)

    def _planned(self, desired: Desired, observed: Observed) -> tuple[Step, ...]:
        """The plan. Where AWS may not show a route server yet that was begun, it is waited for: a document
        that has changed meanwhile has another client token, and would make a second one."""
        steps, begun = steps_of(self.record, desired, observed), self._found.server_begun_at
        if begun is None or abs(self._world.clock.now() - begun) >= SETTLED:
            return steps
        why = reason(Code.CREATION_BEGUN, ROUTE_SERVER)
        waits = reason(Code.UNTIL_ROUTE_SERVER_SEEN, ROUTE_SERVER)
        if not steps and self.record.is_leaving:
            return (Step(Await(ROUTE_SERVER), why, waits),)
        return tuple(
            replace(step, reason=why, waits_for=waits) if isinstance(step.do, CreateRouteServer) else step
            for step in steps
        )

    def _ready(self, steps: Iterable[Step]) -> list[Step]:
        now = self._world.clock.now()
        return [s for s in steps if s.is_ready and self._is_settled(s, now)]

    def _is_settled(self, step: Step, now: datetime) -> bool:
        return now - self._began.get(step.do, now - SETTLED) >= SETTLED

    def _carry_out(self, steps: list[Step]) -> CallFailedError | None:
        """Tries every step: one that is refused keeps no other waiting. The first refusal is the answer.

        What may take a session or a route away comes first, and only one such step for each observation: any
        call takes time, in which the session may go that was to stay. What happens between the reading and
        that one call nobody can exclude: EC2 has no compare-and-swap.
        """
        first: CallFailedError | None = None
        now = self._world.clock.now()
        ending = [s for s in steps if s.takes_away]
        ending.sort(key=lambda s: (s.do in self._tried, self._tried.get(s.do, now)))
        for step in (*ending[:1], *(s for s in steps if not s.takes_away)):
            self._fence()
            self._began[step.do] = self._tried[step.do] = self._world.clock.now()
            try:
                self._world.managed.carry_out(step.do)
            except CallFailedError as error:
                if is_gone(step.do, error):
                    self._did(step, gone=(*self._found.gone, step.do.about))
                    continue
                began = self._refused.setdefault(step.do, self._tried[step.do])
                is_new = isinstance(step.do, ENTERING) and self._tried[step.do] - began < _TAG_SECONDS
                if not may_pass(error) and not (is_new and error.code == UNAUTHORIZED):
                    first = first or error
                self._trouble = error
                del self._began[step.do]
            except TemporaryError as error:
                self._trouble = error  # nobody knows whether it was done: looked at before it is repeated
            else:
                self._did(step, gone=self._found.gone)
        self.goes_right_on = any(s.do not in self._tried for s in ending[1:])
        return first

    def _did(self, step: Step, gone: tuple[str, ...]) -> None:
        self._trouble = None
        self._progress = self._world.clock.now()
        self._steps.append(step.done)
        found = with_done(self._found, step.done, step.reason, _MOST_DONE)
        self._write(replace(found, gone=gone, waits_since=self._progress))

    def _is_over(self, steps: tuple[Step, ...], failure: CallFailedError | None, moves: bool) -> bool:
        waits = tuple(dict.fromkeys(step.waiting for step in steps if step.refused is None))
        refused = [step for step in steps if step.refused is not None]
        now = self._world.clock.now()
        if identities(waits) != identities(self._waits):
            self._progress = now
        self._waits = waits
        moves = moves or any(step.is_ready or isinstance(step.do, Await) for step in steps)
        is_in_vain = not moves and not self._steps
        is_late = is_in_vain or now - self._progress >= PATIENCE
        if self.goes_right_on:
            return False
        if failure is not None:
            self.outcome = self._failed(failure, ())
        elif refused and (not waits or is_late):
            self.outcome = self._failed(None, tuple(step.refused for step in refused if step.refused))
        elif is_late:
            self.outcome = self._waiting(waits)
        return self.outcome is not None

    def _fence(self) -> None:
        """Proves the epoch before a call. Raises LeaseLostError where another run took over."""
        now = self._world.clock.now()
        if self._lease is None:
            raise TemporaryError(f"{self.name}: a call without a lease")
        if not self._lease.is_enough(now):
            self._lease = self._world.leases.fence(self._lease, now)

    def _note(self, steps: tuple[Step, ...]) -> None:
        """Records what is under way before it is done: a propagation carries no tag that says whose it is."""
        if self._lease is not None:
            self._lease = self._world.leases.fence(self._lease, self._world.clock.now())
        ready = self._ready(steps)
        tables = [s.do.about for s in ready if isinstance(s.do, EnablePropagation)]
        begins = any(isinstance(s.do, CreateRouteServer) for s in ready)
        is_same, now = goes_on(self.record), self._world.clock.now()
        noted = replace(
            self._found,
            done=self._found.done if is_same else (),
            waits_since=min((is_same and self._found.waits_since) or now, now),
            propagated_to=tuple(dict.fromkeys((*self._found.propagated_to, *tables))),
            server_begun_at=now if begins else self._found.server_begun_at,
            version=self.record.version,
            converged_version=0,
        )
        if not is_same:
            noted = replace(noted, codes=replace(codes_of(noted), failed=()))
        self._write(with_pending(noted, (step.planned for step in steps)))

    def _write(self, found: Provisioned) -> None:
        """Raises StateUnavailableError, ChangedMeanwhileError."""
        if found != self.record.provisioned:
            self.record = self._world.store.set_provisioned(self.record, found)
        self._found = found

    def _done(self) -> ConvergenceResult:
        version = self.record.version
        found = replace(
            with_pending(self._found, ()),
            converged_version=version,
            reached_version=version,
            waits_since=None,
            told_version=0,
        )
        return ConvergenceResult(self.record, found, tuple(self._steps))

    def _waiting(self, waits: tuple[Reason, ...]) -> ConvergenceResult:
        kept = () if self._trouble is None else (_trouble_of(self._trouble),)
        waits = waits or (reason(Code.UNTIL_TURN, self.name),)
        return ConvergenceResult(self.record, self._found, tuple(self._steps), waits, None, kept)

    def _failed(self, failure: CallFailedError | None, why: Why) -> ConvergenceResult:
        return ConvergenceResult(self.record, self._found, tuple(self._steps), (), failure, why)


def identities(waits: Iterable[Reason]) -> frozenset[Identity]:
    return frozenset(each.identity for each in waits)


def reason_of(failure: CallFailedError) -> Reason:
    """Returns why a run failed: the same call with the same code of AWS is the same reason."""
    code = REFUSALS.get(failure.code, Code.CALL_REFUSED)
    return reason(code, f"{failure.call}: {failure.code}", message=failure.message)


def _trouble_of(error: CallFailedError | TemporaryError) -> Reason:
    """Returns what kept a call from being made for now."""
    subject = f"{error.call}: {error.code}" if isinstance(error, CallFailedError) else type(error).__name__
    return reason(Code.CALL_IN_TROUBLE, subject, why=str(error))


def is_gone(action: Action, error: CallFailedError) -> bool:
    """Whether nothing is left to take away, since the route table or VPC is gone.

    A NotFound of an endpoint or peer says that describes lag behind: a later turn sees it (`may_pass`).
    """
    return isinstance(action, DisablePropagation | DisassociateVpc) and error.code in GONE


def may_pass(error: CallFailedError) -> bool:
    """Whether a later turn may find it different."""
    gone = error.code.startswith("InvalidRouteServer") and "Id.Not" in error.code
    return gone or isinstance(error, PassingError) or error.code.endswith(_DUPLICATE)
