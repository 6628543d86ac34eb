"""signals: raw records of every source become events on the bus, for the topologies that they concern."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics

from tandem.adapters import clients
from tandem.adapters.bus import EventBus
from tandem.adapters.journal import LambdaJournal
from tandem.adapters.topologies import TopologyStore
from tandem.settings import Settings
from tandem.signals.intake import forward, parse
from tandem.signals.reporting import report_forwarded, report_left

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics()
settings = Settings.from_env("state_table", "bus_name")
journal = LambdaJournal(logger, metrics)
store = TopologyStore(clients.dynamodb(), settings.need("state_table"))
bus = EventBus(settings.need("bus_name"))


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Raises TemporaryError where the table or the bus did not answer, so that Lambda tries again."""
    stored = store.list()
    for name, why in stored.damaged.items():
        journal.error("stored topology damaged", topology=name, why=why)
    journal.count("DamagedTopology", len(stored.damaged))
    found = forward(parse(event), stored.looked_at, datetime.now(UTC))
    report_left(found, event, journal)
    bus.put(*found.events)
    report_forwarded(found, journal)
