"""failover: one look at every topology that a signal concerns."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from tandem.adapters import clients, ec2
from tandem.adapters.audits import AuditTable
from tandem.adapters.bus import Bus
from tandem.adapters.clock import SystemClock
from tandem.adapters.looks import LookStore
from tandem.adapters.topologies import TopologyStore
from tandem.errors import StateUnavailableError, TandemError
from tandem.intake import concerns, parse
from tandem.look import Report, World, look
from tandem.moves import Outcome
from tandem.record import TopologyRecord
from tandem.settings import Settings
from tandem.signals import Origin
from tandem.tableless import LastKnown

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics()
settings = Settings.from_env("state_table", "audit_table", "bus_name")
clients.ec2()
clients.ec2_moves()

LEFT_OVER = timedelta(seconds=25)
"""Kept of the invocation's time for what a look still does after its last turn began: one read of three
attempts (24 s, `tandem.adapters.clients.READS`)."""


def note(message: str, /, **facts: object) -> None:
    """A log line that a look writes itself."""
    logger.warning(message, extra=facts)


store = TopologyStore(clients.dynamodb(), settings.need("state_table"))
world = World(
    cloud=ec2,
    looks=LookStore(settings.need("state_table")),
    audit=AuditTable(settings.need("audit_table")),
    bus=Bus(settings.need("bus_name")),
    clock=SystemClock(),
    note=note,
    last_known=LastKnown(),
    side=ThreadPoolExecutor(max_workers=4, thread_name_prefix="side"),
)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Raises the first topology's failure after all have been looked at, so that Lambda tries again."""
    received_at = world.clock.now()
    ends_at = received_at + timedelta(milliseconds=context.get_remaining_time_in_millis()) - LEFT_OVER
    signals = parse(event)
    failures: list[TandemError] = []
    concerned = [(r, [s for s in signals if concerns(s, r)]) for r in _records()]
    heard = [(record, found) for record, found in concerned if found]
    if not heard:
        logger.warning("nothing to look at", causes=[s.cause for s in signals], event_keys=sorted(event))
        refused = sum(s.origin is Origin.SNS for s in signals)
        metrics.add_metric("RefusedMessage", MetricUnit.Count, refused)
    metrics.add_metric("UnknownSignal", MetricUnit.Count, sum(not s.known for s in signals))
    for record, found in heard:
        try:
            run = look(
                record.topology, found, world,
                owner=f"{context.aws_request_id}/{uuid4().hex[:8]}", received_at=received_at, ends_at=ends_at,
            )  # fmt: skip
            _report(run, received_at)
        except TandemError as error:
            logger.exception("look failed", topology=record.topology.name)
            metrics.add_metric("LooksFailed", MetricUnit.Count, 1)
            failures.append(error)
    if failures:
        raise failures[0]


def _records() -> tuple[TopologyRecord, ...]:
    """The stored topologies; where the table is away, those that it showed last (design §5)."""
    try:
        stored = store.list()
    except StateUnavailableError:
        metrics.add_metric("StateTableAway", MetricUnit.Count, 1)
        if not world.last_known.records:
            raise
        logger.exception("state table away, using the topologies that it showed last")
        return world.last_known.records
    for name, why in stored.damaged.items():
        logger.error("stored topology damaged", topology=name, why=why)
        metrics.add_metric("RepairedState", MetricUnit.Count, 1)
    world.last_known.records = stored.records
    return stored.records


def _report(report: Report, received_at: datetime) -> None:
    logger.info(
        "looked",
        topology=report.topology,
        turns=report.turns,
        contended=report.contended,
        lost=report.lost,
        taken_over=report.taken_over,
        repaired=report.repaired,
        moved={m.move.allocation_id: m.outcome for m in report.moved},
        decisions={d.group: {"action": d.action, "reason": d.reason} for d in report.decisions},
    )
    verified = [m for m in report.moved if m.outcome is Outcome.VERIFIED]
    counts = {
        "LooksStarted": 1,
        "LeaseContended": int(report.contended),
        "RepairedState": int(report.repaired is not None),
        "Moves": len(verified),
        "MovesFailed": len(report.moved) - len(verified),
        "Holds": sum(d.action == "hold" for d in report.decisions),
    }
    for name, count in counts.items():
        metrics.add_metric(name, MetricUnit.Count, count)
    since = (report.stages.signal_at if report.stages else None) or received_at
    for name, moments in (
        ("SignalToAssociated", [m.associated_at for m in report.moved if m.associated_at]),
        ("SignalToVerified", [m.verified_at for m in verified if m.verified_at]),
    ):
        if moments:
            took = max(0.0, (max(moments) - since).total_seconds())
            metrics.add_metric(name, MetricUnit.Milliseconds, took * 1000)
