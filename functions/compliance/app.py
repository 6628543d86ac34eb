"""compliance: judges every stored topology by the rules, by its clocks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from tandem.adapters import clients, snapshots, stackfacts
from tandem.adapters.bus import EventBus
from tandem.adapters.clock import SystemClock
from tandem.adapters.counting import counting
from tandem.adapters.findings import FindingStore
from tandem.adapters.reports import ReportBucket
from tandem.adapters.topologies import TopologyStore
from tandem.compliance.pace import paced
from tandem.compliance.rules.catalogue import FAST, RULES
from tandem.compliance.running import ComplianceRun, Ports, run
from tandem.compliance.snapshot import NO_HISTORY
from tandem.errors import TemporaryError
from tandem.place import Place
from tandem.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from tandem.adapters.topologies import Stored
    from tandem.compliance.snapshot import CallHistory, Reading, Snapshot
    from tandem.state.record import TopologyRecord

logger = Logger()
metrics = Metrics()
settings = Settings.from_env("state_table", "bus_name", "report_bucket", "peer_log_group", "queues")
calls = counting(clients.ec2())
clock = SystemClock()
store = TopologyStore(clients.dynamodb(), settings.need("state_table"))
findings = FindingStore(settings.need("state_table"))
bus = EventBus(settings.need("bus_name"))
reports = ReportBucket(settings.need("report_bucket"))


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Runs the fast rules, or all of them for `{"rules": "all"}`, on every topology; one keeps no other
    waiting. Raises TemporaryError at the end for those that failed.
    """
    is_whole, stored = event.get("rules") == "all", store.list()
    changes = snapshots.history(clock) if is_whole and stored.looked_at else NO_HISTORY
    take = partial(_take, Place.of(context.invoked_function_arn), stored, changes)
    ports = Ports(take, findings, bus, reports.put, clock)
    rules, failed = RULES if is_whole else FAST, dict[str, str]()
    for name, why in stored.damaged.items():  # a second try would find the same
        logger.error("stored topology damaged", topology=name, why=why)

    def judged(record: TopologyRecord) -> None:
        name = record.topology.name
        try:
            _report(name, run(record, rules, RULES, ports))
        except Exception as error:
            logger.exception("compliance run failed", topology=name)
            failed[name] = str(error)

    for _ in paced(stored.looked_at, judged, lambda: calls, clock):
        pass
    metrics.add_metric("ComplianceRunsFailed", MetricUnit.Count, len(failed) + len(stored.damaged))
    if failed:
        raise TemporaryError("; ".join(f"topology {name}: {why}" for name, why in failed.items()))


def _take(place: Place, stored: Stored, changes: Reading[CallHistory], record: TopologyRecord) -> Snapshot:
    queues = dict(pair.split("=", 1) for pair in settings.need("queues").split(","))
    beside = snapshots.Beside(
        peer_log_group=settings.need("peer_log_group"),
        facts=partial(stackfacts.read, record, settings.need("state_table"), queues),
        stored=tuple(other.topology for other in stored.looked_at),
        changes=changes,
    )
    return snapshots.take(record.topology, settings.stack_name, place, clock.now(), beside=beside)


def _report(topology: str, done: ComplianceRun) -> None:
    counts = done.counts
    changed = {f"{t.rule.id} {t.resource}": str(t.change) for t in done.changes}
    logger.info("judged", topology=topology, lost=done.lost, changed=changed, counts=counts)
    for verdict in ("fail", "unknown"):
        metrics.add_metric(f"Compliance{verdict.capitalize()}", MetricUnit.Count, counts[verdict])
