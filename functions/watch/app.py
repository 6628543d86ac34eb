"""watch: reads every routing database each few seconds and says when an in-FIB next hop changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from tandem.adapters import clients, ec2reads
from tandem.adapters.bus import EventBus
from tandem.adapters.clock import SystemClock
from tandem.adapters.heartbeats import Heartbeat
from tandem.adapters.looks import LookStore
from tandem.adapters.topologies import TopologyStore
from tandem.errors import StateUnavailableError, TemporaryError
from tandem.failover.watch import Turn, watch
from tandem.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics()
settings = Settings.from_env("state_table", "bus_name")
clients.ec2()
store = TopologyStore(clients.dynamodb(), settings.need("state_table"))
looks = LookStore(settings.need("state_table"))
heartbeat = Heartbeat(settings.need("state_table"))
bus = EventBus(settings.need("bus_name"))
clock = SystemClock()


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Raises TemporaryError at the end of its minute for whatever it could not watch or say meanwhile."""
    stored = store.list()
    failures = {f"topology {name}": why for name, why in stored.damaged.items()}
    turns = watch(
        stored.looked_at,
        ec2reads.routing_database,
        looks.next_hops,
        clock,
        lambda: _seconds_left(context),
    )
    is_noted = False
    for turn in turns:
        _report(turn, failures)
        if not is_noted:  # after the first turn: a run that is cut off has watched all the same
            is_noted = True
            _note(failures)
        try:
            bus.put(*turn.events)
        except TemporaryError as error:
            failures["the bus"] = str(error)
    metrics.add_metric("Watched", MetricUnit.Count, len(stored.looked_at))
    if not is_noted:
        _note(failures)
    if failures:
        raise TemporaryError("; ".join(f"{what}: {why}" for what, why in failures.items()))


def _note(failures: dict[str, str]) -> None:
    """Records that the watch runs, for whoever asks how long ago it did."""
    try:
        heartbeat.beat(clock.now())
    except StateUnavailableError as error:
        failures["the heartbeat"] = str(error)


def _report(turn: Turn, failures: dict[str, str]) -> None:
    for made in turn.events:
        logger.info("next hop changed", detail=made.detail)
    for what, error in turn.failed:
        if what not in failures:
            logger.error("could not read", what=what, error=str(error))
        failures[what] = str(error)
    metrics.add_metric("RouteChanges", MetricUnit.Count, len(turn.events))
    metrics.add_metric("WatchReadFailed", MetricUnit.Count, len(turn.failed))


def _seconds_left(context: LambdaContext) -> float:
    return context.get_remaining_time_in_millis() / 1000
