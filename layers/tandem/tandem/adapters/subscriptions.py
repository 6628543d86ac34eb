"""Reads and changes subscriptions to a route server's SNS topic.

AWS makes the topic in the caller's account and deletes it with the notifications
(docs/aws-facts.md#sns-topic).
"""

from __future__ import annotations

import json

from tandem.adapters import clients
from tandem.adapters.calls import called
from tandem.errors import CallFailedError
from tandem.provisioning.listensteps import Subscriber, Subscription

_GONE = frozenset({"NotFound", "NotFoundException"})


def subscriptions(topic_arn: str) -> tuple[Subscription, ...]:
    """Returns the functions that are subscribed to the topic; none if the topic is gone.

    Raises CallFailedError, TemporaryError.
    """
    pages = clients.sns().get_paginator("list_subscriptions_by_topic")
    try:
        found = called(
            topic_arn,
            lambda: [s for page in pages.paginate(TopicArn=topic_arn) for s in page["Subscriptions"]],
        )
    except CallFailedError as error:
        if error.code in _GONE:
            return ()
        raise
    functions = (s for s in found if s["Protocol"] == "lambda")
    return tuple(Subscription(topic_arn, s["SubscriptionArn"], s["Endpoint"]) for s in functions)


def subscribe(topic_arn: str, subscriber: Subscriber) -> None:
    """Subscribes the function; what SNS cannot deliver to it goes to its queue.

    Raises CallFailedError, TemporaryError.
    """
    queue = subscriber.queue_arn
    attributes = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": queue})} if queue else {}
    called(
        f"{subscriber.function_arn} on {topic_arn}",
        lambda: clients.sns().subscribe(
            TopicArn=topic_arn,
            Protocol="lambda",
            Endpoint=subscriber.function_arn,
            Attributes=attributes,
            ReturnSubscriptionArn=True,
        ),
    )


def unsubscribe(subscription_arn: str) -> None:
    """Raises CallFailedError, TemporaryError."""
    called(subscription_arn, lambda: clients.sns().unsubscribe(SubscriptionArn=subscription_arn))
