"""provisioner: the door through which topologies come, and what makes each of them watched."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any, assert_never

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from tandem.adapters import (
    clients,
    cloudformation,
    cloudtrail,
    delivery,
    ec2,
    inventory,
    managing,
    subscriptions,
)
from tandem.adapters.bus import EventBus
from tandem.adapters.clock import SystemClock
from tandem.adapters.leases import LeaseStore
from tandem.adapters.overrides import OverrideStore
from tandem.adapters.requests import RequestStore
from tandem.adapters.topologies import TopologyStore
from tandem.errors import TemporaryError
from tandem.events import described
from tandem.failover.preview import preview
from tandem.place import Place
from tandem.provisioning.listening import Stack
from tandem.provisioning.listensteps import Subscriber
from tandem.provisioning.ports import ProvisionerPorts
from tandem.provisioning.provisioner import ProvisioningRun
from tandem.provisioning.refreshing import refresh
from tandem.provisioning.stored import plan_of
from tandem.requests import answering, applying, deleting
from tandem.requests.answers import Answer, AnswerStatus
from tandem.requests.answerurl import AnswerUrls, misdirected
from tandem.requests.customresource import Request
from tandem.requests.fulfilling import Desk
from tandem.requests.orders import Apply, Check, Delete, Nothing, Refresh, parse_order
from tandem.settings import Settings
from tandem.topology.document import Topology

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics()
settings = Settings.from_env(
    "state_table",
    "bus_name",
    "failover_function",
    "signals_function",
    "peer_log_group",
    "provisioner_role",
)
clients.ec2()
store = TopologyStore(clients.dynamodb(), settings.need("state_table"))
damaged: dict[str, str] = {}
"""Records that this invocation could not read, each with why."""

requests = RequestStore(clients.dynamodb(), settings.need("state_table"), damaged.__setitem__)
overrides = OverrideStore(settings.need("state_table"), damaged.__setitem__)
bus = EventBus(settings.need("bus_name"))
clock = SystemClock()
leases = LeaseStore(settings.need("state_table"), "provision")
world = ProvisionerPorts(inventory, managing, leases, subscriptions, delivery, store, bus, clock, cloudtrail)

OWNER = uuid.uuid4().hex
"""This process: what it left behind when an invocation died it may take up at once."""

BUDGET = timedelta(minutes=7)
"""For turns; the function has ten minutes, and what comes before and after them takes up to three."""


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answers whoever invoked it. Raises TemporaryError, after each topology had its turn."""
    place = Place.of(context.invoked_function_arn)
    match parse_order(event, context.aws_request_id):
        case Check(application):
            return _answer("checked", applying.check(application, _door(place)))
        case Apply(application):
            return _answer("applied", applying.apply(application, _door(place)))
        case Delete() as order:
            until = clock.now() + BUDGET
            deleted = deleting.delete(order, store.list(), _stack(place), world, owner=OWNER, until=until)
            logger.info("deleted", topology=order.topology, outcome=deleted)
            metrics.add_metric("TopologiesDeleted", MetricUnit.Count, int(deleted["deleted"]))
            return deleted
        case Request() as request:
            _serve(request, place)
        case Refresh(topology, due_only):
            _refresh(topology, place, due_only=due_only)
        case Nothing(why):
            logger.info("nothing to do", why=why, **described(event))
            metrics.add_metric("EventsIgnored", MetricUnit.Count, 1)
        case order:
            assert_never(order)
    return {}


def _serve(request: Request, place: Place) -> None:
    try:
        left = answering.serve(request, _desk(place))
    finally:
        _report_damaged()
    if left is not None:
        logger.warning("left to the schedule", request=str(request), topology=request.topology, why=left)


def _refresh(topology: str | None, place: Place, *, due_only: bool) -> None:
    try:
        _run(topology, place, due_only=due_only)
    finally:
        try:
            answering.settle(_desk(place), topology)
        finally:
            _report_damaged()


def _report_damaged() -> None:
    """Says once an invocation which requests and overrides could not be read."""
    for name, why in damaged.items():
        logger.error("state record damaged", record=name, why=why)
    metrics.add_metric("DamagedRecord", MetricUnit.Count, len(damaged))
    damaged.clear()


def _run(topology: str | None, place: Place, *, due_only: bool = False) -> None:
    stored = store.list()
    for name, why in stored.reported.items():
        logger.error("stored topology damaged", topology=name, why=why)
    outcome = refresh(
        stored.records,
        topology,
        _stack(place),
        world,
        owner=OWNER,
        until=clock.now() + BUDGET,
        due_only=due_only,
    )
    for run in outcome.runs:
        _report(run)
    if outcome.untold is not None:
        logger.warning("cloudtrail did not tell who", why=outcome.untold)
    metrics.add_metric("DamagedTopology", MetricUnit.Count, len(stored.reported))
    if outcome.unfinished:
        raise TemporaryError("; ".join(outcome.unfinished))


def _report(run: ProvisioningRun) -> None:
    found = run.record.provisioned
    log = logger.info if run.failure is None else logger.error
    log(
        "provisioned" if run.failure is None else "not provisioned",
        topology=run.record.topology.name,
        steps=run.steps,
        failure=run.failure,
        pending=run.pending,
        warnings=found.warnings if found else (),
    )
    metrics.add_metric("ProvisioningSteps", MetricUnit.Count, len(run.steps))
    metrics.add_metric("ProvisioningFailed", MetricUnit.Count, int(run.failure is not None))


def _answer(what: str, verdict: applying.Verdict) -> dict[str, Any]:
    answer = verdict.as_dict()
    metrics.add_metric("TopologyProblems", MetricUnit.Count, len(verdict.problems))
    logger.info(
        what, **{key: answer[key] for key in ("topology", "version", "stored", "problems", "changes")}
    )
    return answer


def _door(place: Place) -> applying.DoorPorts:
    def look_ahead(topology: Topology) -> list[dict[str, Any]]:
        observation = ec2.observe(topology, lambda: overrides.of(topology.name))
        return preview(topology, observation, clock.now())

    return applying.DoorPorts(
        store=store,
        inventory=lambda topology: inventory.read(topology, settings.stack_name, place),
        preview=look_ahead,
        plan=lambda record: plan_of(record, settings.stack_name, world),
        bus=bus,
        now=clock.now,
        tag_keys=tuple((settings.resource_tag_keys or "").split(",")),
    )


def _desk(place: Place) -> Desk:
    return Desk(
        requests=requests,
        respond=lambda url, body: cloudformation.respond(url, body, clock),
        door=_door(place),
        stack=_stack(place),
        world=world,
        run=lambda name: _run(name, place),
        tell=_answered,
        urls=AnswerUrls(place, loopback=settings.loopback_answers is not None),
        misdirected=_misdirected,
    )


def _misdirected(request: Request, why: str) -> None:
    logger.error("answer not sent", request=str(request), topology=request.topology, why=why)
    metrics.add_metric("AnswerRefused", MetricUnit.Count, 1)
    bus.put(misdirected(request, why, clock.now()))


def _answered(request: Request, answer: Answer, refused: str | None) -> None:
    log = logger.info if refused is None else logger.warning
    log(
        "cloudformation answered" if refused is None else "cloudformation refused the answer",
        request=str(request),
        topology=request.topology,
        status=answer.status,
        reason=answer.reason,
        refused=refused,
    )
    metrics.add_metric("StackRequestsAnswered", MetricUnit.Count, 1)
    metrics.add_metric("StackRequestsFailed", MetricUnit.Count, int(answer.status is AnswerStatus.FAILED))


def _stack(place: Place) -> Stack:
    return Stack(
        name=settings.stack_name,
        place=place,
        subscribers=(
            Subscriber(place.function(settings.need("failover_function")), settings.failover_queue),
            Subscriber(place.function(settings.need("signals_function")), settings.signals_queue),
        ),
        log_group_arn=place.log_group(settings.need("peer_log_group")),
        role=settings.need("provisioner_role"),
    )
