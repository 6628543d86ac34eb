"""One invocation of the provisioner function: an order is carried out, logged and counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, assert_never

from tandem.errors import TemporaryError
from tandem.events import described
from tandem.ports import Journal
from tandem.provisioning.listening import Stack
from tandem.provisioning.ports import ProvisionerPorts
from tandem.provisioning.provisioner import ProvisioningRun
from tandem.provisioning.refreshing import refresh
from tandem.requests import answering, applying, deleting
from tandem.requests.answers import Answer, AnswerStatus
from tandem.requests.answerurl import AnswerUrls, misdirected
from tandem.requests.customresource import Request
from tandem.requests.fulfilling import Desk, Requests
from tandem.requests.orders import Apply, Check, Delete, Nothing, Order, Refresh

_BUDGET = timedelta(minutes=7)
"""For turns; the function has ten minutes, and what comes before and after them takes up to three."""


@dataclass(frozen=True, slots=True)
class Service:
    """What the provisioner function works with."""

    world: ProvisionerPorts
    stack: Stack
    door: applying.DoorPorts
    requests: Requests
    respond: Callable[[str, bytes], str | None]
    """Sends an answer; why it was refused for good, if it was. Raises TemporaryError."""
    urls: AnswerUrls
    owner: str
    """This process: what it left behind when an invocation died it may take up at once."""
    damaged: dict[str, str]
    """Requests and overrides that this invocation could not read, each with why."""
    journal: Journal

    def carry_out(self, order: Order, event: object) -> dict[str, Any]:
        """Returns the answer for whoever invoked the function with the event. Raises TemporaryError, after
        each topology had its turn.
        """
        match order:
            case Check(application):
                return self._answer("checked", applying.check(application, self.door))
            case Apply(application):
                return self._answer("applied", applying.apply(application, self.door))
            case Delete():
                return self._delete(order)
            case Request():
                self._serve(order)
            case Refresh(topology, due_only):
                self._refresh(topology, due_only=due_only)
            case Nothing(why):
                self.journal.info("nothing to do", why=why, **described(event))
                self.journal.count("EventsIgnored")
            case _:
                assert_never(order)
        return {}

    def _answer(self, what: str, verdict: applying.Verdict) -> dict[str, Any]:
        answer = verdict.as_dict()
        self.journal.count("TopologyProblems", len(verdict.problems))
        shown = ("topology", "version", "stored", "problems", "changes")
        self.journal.info(what, **{key: answer[key] for key in shown})
        return answer

    def _delete(self, order: Delete) -> dict[str, Any]:
        until = self.world.clock.now() + _BUDGET
        stored = self.door.store.list()
        deleted = deleting.delete(order, stored, self.stack, self.world, owner=self.owner, until=until)
        self.journal.info("deleted", topology=order.topology, outcome=deleted)
        self.journal.count("TopologiesDeleted", int(deleted["deleted"]))
        return deleted

    def _serve(self, request: Request) -> None:
        try:
            left = answering.serve(request, self._desk())
        finally:
            self._report_damaged()
        if left is not None:
            self.journal.warning(
                "left to the schedule", request=str(request), topology=request.topology, why=left
            )

    def _refresh(self, topology: str | None, *, due_only: bool) -> None:
        try:
            self._run(topology, due_only=due_only)
        finally:  # a topology that cannot be provisioned keeps no answer waiting
            try:
                answering.settle(self._desk(), topology)
            finally:
                self._report_damaged()

    def _run(self, topology: str | None, *, due_only: bool = False) -> None:
        stored = self.door.store.list()
        for name, why in stored.reported.items():
            self.journal.error("stored topology damaged", topology=name, why=why)
        outcome = refresh(
            stored.records,
            topology,
            self.stack,
            self.world,
            owner=self.owner,
            until=self.world.clock.now() + _BUDGET,
            due_only=due_only,
        )
        for run in outcome.runs:
            self._report(run)
        if outcome.untold is not None:
            self.journal.warning("cloudtrail did not tell who", why=outcome.untold)
        self.journal.count("DamagedTopology", len(stored.reported))
        if outcome.unfinished:
            raise TemporaryError("; ".join(outcome.unfinished))

    def _report(self, run: ProvisioningRun) -> None:
        found, is_done = run.record.provisioned, run.failure is None
        log = self.journal.info if is_done else self.journal.error
        log(
            "provisioned" if is_done else "not provisioned",
            topology=run.record.topology.name,
            steps=run.steps,
            failure=run.failure,
            pending=run.pending,
            warnings=found.warnings if found else (),
        )
        self.journal.count("ProvisioningSteps", len(run.steps))
        self.journal.count("ProvisioningFailed", int(not is_done))

    def _report_damaged(self) -> None:
        """Says once an invocation which requests and overrides could not be read."""
        for name, why in self.damaged.items():
            self.journal.error("state record damaged", record=name, why=why)
        self.journal.count("DamagedRecord", len(self.damaged))
        self.damaged.clear()

    def _desk(self) -> Desk:
        return Desk(
            requests=self.requests,
            respond=self.respond,
            door=self.door,
            stack=self.stack,
            world=self.world,
            run=self._run,
            tell=self._answered,
            urls=self.urls,
            misdirected=self._misdirected,
        )

    def _answered(self, request: Request, answer: Answer, refused: str | None) -> None:
        log = self.journal.info if refused is None else self.journal.warning
        log(
            "cloudformation answered" if refused is None else "cloudformation refused the answer",
            request=str(request),
            topology=request.topology,
            status=answer.status,
            reason=answer.reason,
            refused=refused,
        )
        self.journal.count("StackRequestsAnswered")
        self.journal.count("StackRequestsFailed", int(answer.status is AnswerStatus.FAILED))

    def _misdirected(self, request: Request, why: str) -> None:
        self.journal.error("answer not sent", request=str(request), topology=request.topology, why=why)
        self.journal.count("AnswerRefused")
        self.world.bus.put(misdirected(request, why, self.world.clock.now()))
