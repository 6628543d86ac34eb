"""Subscriptions and peer-log deliveries: what shall be, what AWS shows, and the steps in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

from tandem.place import Place
from tandem.reasons.provisioning import StepCode
from tandem.reasons.reason import Reason, reason

LOG_GROUP_TYPE = "CWL"
LOG_FORMAT: Literal["json"] = "json"
_LONGEST_NAME = 60
"""Of delivery sources and destinations (docs/aws-facts.md#log-delivery)."""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Names a function that is subscribed to a route server's topic; what SNS cannot deliver goes to the
    queue.
    """

    function_arn: str
    queue_arn: str | None = None


@dataclass(frozen=True, slots=True)
class Listening:
    """Holds the desired state: which functions are subscribed to which topic, and where each peer's logs
    go.
    """

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
        return f"{self.stack[: _LONGEST_NAME - 10]}-peer-logs"

    def source_name(self, peer_id: str) -> str:
        return f"{self.stack[: _LONGEST_NAME - len(peer_id) - 1]}-{peer_id}"


@dataclass(frozen=True, slots=True)
class Subscription:
    """Holds one ListSubscriptionsByTopic entry."""

    topic_arn: str
    subscription_arn: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class Destination:
    """Holds one DescribeDeliveryDestinations entry."""

    name: str
    arn: str
    resource_arn: str
    output_format: str


@dataclass(frozen=True, slots=True)
class Source:
    """Holds one DescribeDeliverySources entry."""

    name: str
    resource_arn: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """Holds one DescribeDeliveries entry."""

    delivery_id: str
    source_name: str
    destination_arn: str
    destination_type: str


@dataclass(frozen=True, slots=True)
class Shown:
    """Holds what AWS shows of subscriptions and log deliveries."""

    subscriptions: tuple[Subscription, ...] = ()
    destinations: tuple[Destination, ...] = ()
    sources: tuple[Source, ...] = ()
    deliveries: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True)
class Subscribe:
    topic_arn: str
    subscriber: Subscriber
    reason: Reason


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    subscription_arn: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class PutDestination:
    name: str
    resource_arn: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class PutSource:
    name: str
    resource_arn: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class CreateDelivery:
    source_name: str
    destination_name: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class DeleteDelivery:
    delivery_id: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class DeleteSource:
    name: str
    reason: Reason


Step = Subscribe | Unsubscribe | PutDestination | PutSource | CreateDelivery | DeleteDelivery | DeleteSource


def change_of(step: Step) -> Reason:  # noqa: PLR0911 - one for each sort of step
    """Returns what a step changed, for events and logs."""
    why = step.reason
    match step:
        case Subscribe():
            function, topic = short(step.subscriber.function_arn), short(step.topic_arn)
            return reason(StepCode.SUBSCRIBE, function, function=function, topic=topic, because=why)
        case Unsubscribe():
            return reason(StepCode.UNSUBSCRIBE, step.subscription_arn, because=why)
        case PutDestination():
            return reason(StepCode.PUT_DELIVERY_DESTINATION, step.name, because=why)
        case PutSource():
            return reason(StepCode.PUT_DELIVERY_SOURCE, step.name, because=why)
        case CreateDelivery():
            destination = step.destination_name
            return reason(StepCode.CREATE_DELIVERY, step.source_name, destination=destination, because=why)
        case DeleteDelivery():
            return reason(StepCode.DELETE_DELIVERY, step.delivery_id, because=why)
        case DeleteSource():
            return reason(StepCode.DELETE_DELIVERY_SOURCE, step.name, because=why)
        case _:
            assert_never(step)


def short(arn: str) -> str:
    """Returns the last part of an ARN: the name of the function or topic."""
    return arn.rpartition(":")[2]
