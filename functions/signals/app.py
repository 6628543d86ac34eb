"""signals: raw records of every source become events on the bus, for the topologies that they concern."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from tandem.adapters import clients
from tandem.adapters.bus import Bus
from tandem.adapters.topologies import TopologyStore
from tandem.intake import forward, parse
from tandem.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics()
settings = Settings.from_env("state_table", "bus_name")
store = TopologyStore(clients.dynamodb(), settings.need("state_table"))
bus = Bus(settings.need("bus_name"))


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Raises TemporaryError where the table or the bus did not answer, so that Lambda tries again."""
    stored = store.list()
    for name, why in stored.damaged.items():
        logger.error("stored topology damaged", topology=name, why=why)
    found = forward(parse(event), stored.looked_at, datetime.now(UTC))
    if found.unknown:
        logger.warning("record of unknown shape", causes=[s.cause for s in found.unknown], record=event)
    for signal in found.refused:
        logger.warning("message of no stored topology", cause=signal.cause, topic_arn=signal.topic_arn)
    if not found.events:
        logger.info("nothing to forward", event_keys=sorted(event), detail_type=event.get("detail-type"))
    metrics.add_metric("UnknownSignal", MetricUnit.Count, len(found.unknown))
    metrics.add_metric("RefusedMessage", MetricUnit.Count, len(found.refused))
    metrics.add_metric("DamagedTopology", MetricUnit.Count, len(stored.damaged))
    bus.put(*found.events)
    metrics.add_metric("SignalsForwarded", MetricUnit.Count, len(found.events))
    for made in found.events:
        logger.info("signal forwarded", detail_type=made.detail_type, detail=made.detail)
