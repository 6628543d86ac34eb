"""failover: one look at every topology that a signal concerns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from tandem.adapters import clients, ec2
from tandem.adapters.audits import AuditTable
from tandem.adapters.bus import EventBus
from tandem.adapters.clock import SystemClock
from tandem.adapters.looks import LookStore
from tandem.adapters.overrides import OverrideStore
from tandem.adapters.topologies import DamagedTopologyError, TopologyStore
from tandem.errors import ConfigurationError, StateUnavailableError
from tandem.events import described
from tandem.failover import telling
from tandem.failover.acting import REFILL_SECONDS, VERIFY_PAUSES, VERIFY_SECONDS
from tandem.failover.lastknown import LastKnown
from tandem.failover.look import look
from tandem.failover.moves import Outcome
from tandem.failover.run import Report, World
from tandem.settings import Settings
from tandem.signals.intake import concerns, forward, parse
from tandem.signals.signal import Origin, Signal
from tandem.state.record import TopologyRecord

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from tandem.model import Observation
    from tandem.state.override import Override
    from tandem.topology.document import Topology

logger = Logger()
metrics = Metrics()
settings = Settings.from_env("state_table", "audit_table", "bus_name")
clients.ec2()
clients.ec2_moves()

READING_SECONDS = 2 * clients.READ_SECONDS
"""A reading at its worst: its reads go on side by side, and the addresses on the targets follow where the
interfaces cannot be read. A page more, or 200 addresses more, is a read more."""

LEFT_OVER = timedelta(
    seconds=REFILL_SECONDS
    + READING_SECONDS
    + 2 * clients.TABLE_SECONDS
    + VERIFY_SECONDS
    + VERIFY_PAUSES[-1]
    + clients.READ_SECONDS
    + 6 * clients.TABLE_SECONDS
    + 5 * clients.BUS_SECONDS
    + 1.5
)
"""Kept of the invocation's time for all that may follow what is begun at the last moment, each call at its
worst. The longest way is that of a later batch: its pause 1 s, the topology 4 s, a new reading 48 s and the
fence 4 s, after which its moves are too late; reading back what moved before 10.5 s, and the read that is
under way then 24 s; outcome, the mark, a hold's end, a hold, and letting go, tried twice, 4 s each; telling
the outcome, the hold's end and the hold, asking for a look, and putting on the bus what other topologies are
to hear 7 s each; 1.5 s for what is no call: 152 s. A move itself takes 7 s; telling the decision goes on
beside it."""


def note(message: str, /, **facts: object) -> None:
    """A log line that a look writes itself."""
    logger.warning(message, extra=facts)


SIDE_WORKERS = 4
"""Threads for the calls that a look makes beside its own."""

damaged: dict[str, str] = {}
"""Overrides and look-again marks that this invocation could not read, each with why."""
unread: dict[str, None] = {}
"""Rows that this invocation could not read."""


class Cloud:
    """EC2; what it shows and nobody can read is noted."""

    begin = staticmethod(ec2.begin)
    read_back = staticmethod(ec2.read_back)

    def observe(self, topology: Topology, overrides: Callable[[], tuple[Override, ...]]) -> Observation:
        observation = ec2.observe(topology, overrides)
        unread.update(dict.fromkeys(observation.unread))
        return observation


store = TopologyStore(clients.dynamodb(), settings.need("state_table"))


def _stored(name: str) -> TopologyRecord | None:
    """One topology as it is stored now. Raises StateUnavailableError, and ConfigurationError if damaged."""
    try:
        return store.get(name)
    except DamagedTopologyError as error:
        if error.sound is None:
            raise
        return error.sound


world = World(
    cloud=Cloud(),
    looks=LookStore(settings.need("state_table"), damaged.__setitem__),
    overrides=OverrideStore(settings.need("state_table"), damaged.__setitem__),
    audit=AuditTable(settings.need("audit_table"), damaged.__setitem__),
    bus=EventBus(settings.need("bus_name")),
    clock=SystemClock(),
    note=note,
    last_known=LastKnown(),
    stored=_stored,
    side=ThreadPoolExecutor(SIDE_WORKERS, thread_name_prefix="side"),
)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Raises the first topology's failure after all have been looked at, so that Lambda tries again: a bug in
    one look keeps no other topology waiting.
    """
    received_at = world.clock.now()
    over_at = received_at + timedelta(milliseconds=context.get_remaining_time_in_millis())
    if over_at - LEFT_OVER <= received_at:
        raise ConfigurationError(
            f"the function has {(over_at - received_at).total_seconds():g} s, and a look may need more than "
            f"{LEFT_OVER.total_seconds():g} s: raise its time-out to what the template says"
        )
    with clients.within(lambda: (over_at - world.clock.now()).total_seconds() - 1):
        failures = _look_at_all(event, context.aws_request_id, received_at, over_at - LEFT_OVER)
    _report_unread()
    if failures:
        raise failures[0]


def _look_at_all(
    event: dict[str, Any], request_id: str, received_at: datetime, ends_at: datetime
) -> list[Exception]:
    signals = parse(event)
    failures: list[Exception] = []
    records, away = _records(signals)
    concerned = [(r, [s for s in signals if concerns(s, r)]) for r in records]
    heard = [(record, found) for record, found in concerned if found]
    if away is not None and not heard:
        raise away
    if not heard:
        logger.warning("nothing to look at", causes=[s.cause for s in signals], **described(event))
        refused = sum(s.origin is Origin.SNS for s in signals)
        metrics.add_metric("RefusedMessage", MetricUnit.Count, refused)
    metrics.add_metric("UnknownSignal", MetricUnit.Count, sum(not s.known for s in signals))
    for number, (record, found) in enumerate(heard):
        try:
            if number and world.clock.now() >= ends_at:
                _leave(heard[number:])
                break
            run = look(
                record.topology,
                found,
                world,
                owner=f"{request_id}/{uuid4().hex[:8]}",
                received_at=received_at,
                ends_at=ends_at,
                away=away,
            )
            _report(run, received_at)
        except Exception as error:
            logger.exception("look failed", topology=record.topology.name)
            metrics.add_metric("LooksFailed", MetricUnit.Count, 1)
            failures.append(error)
    return failures


def _leave(rest: Sequence[tuple[TopologyRecord, list[Signal]]]) -> None:
    """Puts the signals on the bus for the topologies that this invocation has no time for."""
    logger.warning("no time left, asking the bus", topologies=[record.topology.name for record, _ in rest])
    now = world.clock.now()
    world.bus.put(*(made for record, found in rest for made in forward(found, [record], now).events))


def _records(signals: Sequence[Signal]) -> tuple[tuple[TopologyRecord, ...], StateUnavailableError | None]:
    """The topologies that the signals may concern. Where the table does not answer, as it showed them less
    than five minutes ago, with the failure.

    A signal from the bus names its topology; an SNS message names a topic, and a sweep may name nothing.
    """
    named = all(s.origin is Origin.BUS for s in signals)
    names = {s.topology for s in signals if s.topology} if named else None
    read_at = world.clock.now()
    try:
        stored = store.list() if names is None else store.some(names)
    except StateUnavailableError as error:
        metrics.add_metric("StateTableAway", MetricUnit.Count, 1)
        logger.exception("state table away, going by the topologies that it showed last")
        return world.last_known.fresh(names, world.clock.now()), error
    for name, why in stored.damaged.items():
        logger.error("stored topology damaged", topology=name, why=why)
        metrics.add_metric("RepairedState", MetricUnit.Count, 1)
    world.last_known.read(names, stored.looked_at, read_at)
    return stored.looked_at, None


def _report_unread() -> None:
    """Says once an invocation what could not be read of the state table and of EC2's answers."""
    for name, why in damaged.items():
        logger.error("state record damaged", record=name, why=why)
        metrics.add_metric("RepairedState", MetricUnit.Count, 1)
    for row in unread:
        logger.error("row left out", row=row)
        metrics.add_metric("UnreadRows", MetricUnit.Count, 1)
    damaged.clear()
    unread.clear()


def _report(report: Report, received_at: datetime) -> None:
    logger.info(
        "looked",
        topology=report.topology,
        turns=report.turns,
        contended=report.contended,
        lost=report.lost,
        taken_over=report.taken_over,
        repaired=report.repaired,
        moved={m.move.subject: m.outcome for m in report.moved},
        decisions={
            d.group: {"action": d.action, "code": d.code, "reason": telling.why(d)} for d in report.decisions
        },
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
    if counts["Holds"]:  # beside the metrics: a dimension would make a metric of each code
        held = sorted({str(d.code) for d in report.decisions if d.action == "hold"})
        metrics.add_metadata(f"hold_codes_{report.topology}", held)
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
