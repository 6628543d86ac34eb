"""signals: raw records of every source become events on the bus, for the topologies that they concern."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from tandem.adapters import clients
from tandem.adapters.bus import EventBus
from tandem.adapters.topologies import TopologyStore
from tandem.events import DetailType, described
from tandem.settings import Settings
from tandem.signals.intake import forward, parse
from tandem.state.decoding import cut

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

LISTED = 10
"""So many of a kind are logged; all are counted."""

logger = Logger()
metrics = Metrics()
settings = Settings.from_env("state_table", "bus_name")
store = TopologyStore(clients.dynamodb(), settings.need("state_table"))
bus = EventBus(settings.need("bus_name"))


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Raises TemporaryError where the table or the bus did not answer, so that Lambda tries again."""
    stored = store.list()
    for name, why in stored.damaged.items():
        logger.error("stored topology damaged", topology=name, why=why)
    found = forward(parse(event), stored.looked_at, datetime.now(UTC))
    if found.unknown:
        logger.warning(
            "record of unknown shape",
            causes=[cut(signal.cause) for signal in found.unknown[:LISTED]],
            topic_arns=sorted({signal.topic_arn for signal in found.unknown if signal.topic_arn})[:LISTED],
            records=len(found.unknown),
            characters=len(json.dumps(event)),
        )
    refused = Counter((signal.topic_arn, signal.peer_id) for signal in found.refused)
    for (topic_arn, peer_id), count in refused.most_common(LISTED):
        logger.warning(
            "message matches no stored topology",
            topic_arn=topic_arn,
            peer_id=peer_id,
            messages=count,
            characters=len(json.dumps(event)),
        )
    if not found.events:
        logger.info(
            "nothing to forward",
            **described(event),
            untracked=found.untracked,
        )
    metrics.add_metric("UnknownSignal", MetricUnit.Count, len(found.unknown))
    metrics.add_metric("RefusedMessage", MetricUnit.Count, len(found.refused))
    metrics.add_metric("DamagedTopology", MetricUnit.Count, len(stored.damaged))
    metrics.add_metric("UntrackedRoutes", MetricUnit.Count, found.untracked)
    bus.put(*found.events)
    metrics.add_metric("SignalsForwarded", MetricUnit.Count, len(found.events))
    leaked = sum(made.detail_type is DetailType.ROUTE_LEAK for made in found.events)
    metrics.add_metric("RouteLeaks", MetricUnit.Count, leaked)
    for made in found.events:
        logger.info("signal forwarded", detail_type=made.detail_type, detail=made.detail)
