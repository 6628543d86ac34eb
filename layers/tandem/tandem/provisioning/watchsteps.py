"""Subscriptions and peer-log deliveries: what shall be, what AWS shows, and the steps in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

from tandem.place import Place

LOG_GROUP_TYPE = "CWL"
LOG_FORMAT: Literal["json"] = "json"
LONGEST_NAME = 60
"""Of delivery sources and destinations (facts §4.2)."""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A function of ours that hears a route server's topic; what SNS cannot deliver goes to the queue."""

    function_arn: str
    queue_arn: str | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """What shall be: who hears which topic, and whose logs go where."""

    stack: str
    place: Place
    subscribers: tuple[Subscriber, ...]
    log_group_arn: str
    topic_arn: str | None = None
    """None where there is no topic, or the topology does not want to be told."""
    logged_peer_ids: tuple[str, ...] = ()
    """Peers whose logs are wanted and that are available: a delivery source needs a resource."""
    left_topic_arns: tuple[str, ...] = ()
    """Topics that were subscribed before and that no topology uses any more."""
    left_peer_ids: tuple[str, ...] = ()
    """Peers whose logs were delivered before and that no topology has any more."""

    @property
    def destination_name(self) -> str:
        return f"{self.stack[: LONGEST_NAME - 10]}-peer-logs"

    def source_name(self, peer_id: str) -> str:
        return f"{self.stack[: LONGEST_NAME - len(peer_id) - 1]}-{peer_id}"


@dataclass(frozen=True, slots=True)
class Subscription:
    """One ListSubscriptionsByTopic entry."""

    topic_arn: str
    subscription_arn: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class Destination:
    """One DescribeDeliveryDestinations entry."""

    name: str
    arn: str
    resource_arn: str
    output_format: str


@dataclass(frozen=True, slots=True)
class Source:
    """One DescribeDeliverySources entry."""

    name: str
    resource_arn: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One DescribeDeliveries entry."""

    delivery_id: str
    source_name: str
    destination_arn: str
    destination_type: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What AWS shows of subscriptions and log deliveries."""

    subscriptions: tuple[Subscription, ...] = ()
    destinations: tuple[Destination, ...] = ()
    sources: tuple[Source, ...] = ()
    deliveries: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True)
class Subscribe:
    topic_arn: str
    subscriber: Subscriber
    reason: str


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    subscription_arn: str
    reason: str


@dataclass(frozen=True, slots=True)
class PutDestination:
    name: str
    resource_arn: str
    reason: str


@dataclass(frozen=True, slots=True)
class PutSource:
    name: str
    resource_arn: str
    reason: str


@dataclass(frozen=True, slots=True)
class CreateDelivery:
    source_name: str
    destination_name: str
    reason: str


@dataclass(frozen=True, slots=True)
class DeleteDelivery:
    delivery_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class DeleteSource:
    name: str
    reason: str


Step = Subscribe | Unsubscribe | PutDestination | PutSource | CreateDelivery | DeleteDelivery | DeleteSource


def in_words(step: Step) -> str:
    """What a step changes, for events and logs."""
    match step:
        case Subscribe():
            did = f"subscribed {short(step.subscriber.function_arn)} to {short(step.topic_arn)}"
        case Unsubscribe():
            did = f"removed the subscription {step.subscription_arn}"
        case PutDestination():
            did = f"made the delivery destination {step.name}"
        case PutSource():
            did = f"made the delivery source {step.name}"
        case CreateDelivery():
            did = f"delivered {step.source_name} to {step.destination_name}"
        case DeleteDelivery():
            did = f"deleted the log delivery {step.delivery_id}"
        case DeleteSource():
            did = f"deleted the delivery source {step.name}"
        case _:
            assert_never(step)
    return f"{did}: {step.reason}"


def short(arn: str) -> str:
    """The last part of an ARN: the name of the function or topic."""
    return arn.rpartition(":")[2]
