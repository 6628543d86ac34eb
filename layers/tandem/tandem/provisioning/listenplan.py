"""Describes what makes a topology watched: subscriptions and peer-log deliveries. Pure.

Invariant: a plan carried out whole leaves nothing to do; cut after any step, the next one is the rest.
"""

from __future__ import annotations

from collections.abc import Iterator

from tandem.provisioning.listensteps import (
    LOG_FORMAT,
    LOG_GROUP_TYPE,
    CreateDelivery,
    DeleteDelivery,
    DeleteSource,
    Delivery,
    Destination,
    Listening,
    PutDestination,
    PutSource,
    Shown,
    Source,
    Step,
    Subscribe,
    Unsubscribe,
    short,
)
from tandem.reasons.provisioning import ProvisioningCode as Code
from tandem.reasons.reason import reason


def listening_plan(desired: Listening, shown: Shown) -> tuple[Step, ...]:
    """Returns the steps from what AWS shows to what shall be, in an order that is safe to carry out one by
    one.
    """
    return (*_subscriptions(desired, shown), *_deliveries(desired, shown), *_left_behind(desired, shown))


def delivery_of(peer_id: str, desired: Listening, shown: Shown) -> Delivery | None:
    """Returns the delivery of the peer's logs to our log group."""
    ours = {d.arn for d in shown.destinations if _is_ours(d, desired)}
    names = {source.name for source in _sources(peer_id, desired, shown)}
    return next((d for d in shown.deliveries if d.source_name in names and d.destination_arn in ours), None)


def delivered_elsewhere(peer_id: str, desired: Listening, shown: Shown) -> str | None:
    """Returns the delivery that keeps the peer's logs from our log group.

    A source has one delivery for each type of destination: a second log group is a ConflictException.
    """
    if delivery_of(peer_id, desired, shown) is not None:
        return None
    names = {source.name for source in _sources(peer_id, desired, shown)}
    groups = (d for d in shown.deliveries if d.source_name in names and d.destination_type == LOG_GROUP_TYPE)
    return next((delivery.destination_arn for delivery in groups), None)


def _subscriptions(desired: Listening, shown: Shown) -> Iterator[Step]:
    if desired.topic_arn is None:
        return
    there = {(s.topic_arn, s.endpoint) for s in shown.subscriptions}
    for subscriber in desired.subscribers:
        if (desired.topic_arn, subscriber.function_arn) not in there:
            why = reason(Code.NOT_SUBSCRIBED, short(subscriber.function_arn))
            yield Subscribe(desired.topic_arn, subscriber, why)


def _deliveries(desired: Listening, shown: Shown) -> Iterator[Step]:
    destination = next((d for d in shown.destinations if _is_ours(d, desired)), None)
    name = desired.destination_name if destination is None else destination.name
    wanted = [p for p in desired.logged_peer_ids if delivered_elsewhere(p, desired, shown) is None]
    if wanted and destination is None:
        yield PutDestination(name, desired.log_group_arn, reason(Code.NO_DELIVERY_DESTINATION, name))
    for peer_id in wanted:
        source = next(iter(_sources(peer_id, desired, shown)), None)
        source_name = desired.source_name(peer_id) if source is None else source.name
        if source is None:
            arn = desired.place.peer(peer_id)
            yield PutSource(source_name, arn, reason(Code.NO_DELIVERY_SOURCE, peer_id))
        if delivery_of(peer_id, desired, shown) is None:
            yield CreateDelivery(source_name, name, reason(Code.LOGS_NOT_DELIVERED, peer_id))


def _left_behind(desired: Listening, shown: Shown) -> Iterator[Step]:
    ours = {subscriber.function_arn for subscriber in desired.subscribers}
    for subscription in shown.subscriptions:
        if subscription.topic_arn in desired.left_topic_arns and subscription.endpoint in ours:
            topic_arn = subscription.topic_arn
            gone = reason(Code.TOPIC_UNUSED, topic_arn, topic=short(topic_arn))
            yield Unsubscribe(subscription.subscription_arn, gone)
    for peer_id in desired.left_peer_ids:
        gone = reason(Code.PEER_UNUSED, peer_id)
        delivery = delivery_of(peer_id, desired, shown)
        if delivery is not None:
            yield DeleteDelivery(delivery.delivery_id, gone)
        for source in _sources(peer_id, desired, shown):
            others = [d for d in shown.deliveries if d.source_name == source.name and d != delivery]
            if source.name == desired.source_name(peer_id) and not others:
                yield DeleteSource(source.name, gone)


def _sources(peer_id: str, desired: Listening, shown: Shown) -> list[Source]:
    """AWS takes one source for each resource, whoever made it; the name is its maker's."""
    return [s for s in shown.sources if s.resource_arn == desired.place.peer(peer_id)]


def _is_ours(destination: Destination, desired: Listening) -> bool:
    """Returns True if it leads to our log group, in the format that `signals` reads
    (docs/aws-facts.md#log-delivery).
    """
    return (destination.resource_arn.removesuffix(":*"), destination.output_format) == (
        desired.log_group_arn,
        LOG_FORMAT,
    )
