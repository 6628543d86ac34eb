"""notifier: decisions, outcomes, findings and overrides in words for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from tandem.adapters.notifications import Notifications
from tandem.events import described, from_envelope
from tandem.settings import Settings
from tandem.words.notification import notification

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics()
settings = Settings.from_env("notification_topic")
topic = Notifications(settings.need("notification_topic"))


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """One message per event; an event that people are not told of is logged and left."""
    ours = from_envelope(event)
    message = notification(ours) if ours else None
    if message is None:
        logger.warning("event ignored", **described(event))
        metrics.add_metric("EventsIgnored", MetricUnit.Count, 1)
        return
    sent = topic.publish(message)
    metrics.add_metric("NotificationsSent", MetricUnit.Count, 1)
    logger.info("notification sent", message_id=sent, subject=message.subject, attributes=message.attributes)
