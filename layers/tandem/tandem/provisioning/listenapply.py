"""Carries out plans until AWS shows nothing left to do: plan, act, look again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import assert_never

from tandem.errors import CallFailedError, PassingError
from tandem.provisioning.listenplan import listening_plan
from tandem.provisioning.listensteps import (
    CreateDelivery,
    DeleteDelivery,
    DeleteSource,
    Listening,
    PutDestination,
    PutSource,
    Shown,
    Step,
    Subscribe,
    Unsubscribe,
    change_of,
)
from tandem.provisioning.ports import ProvisionerPorts
from tandem.reasons.reason import Reason

_CONFLICT = "ConflictException"
"""It exists already, or another call updates it right now: CloudWatch Logs says both with this code."""

_TURNS = 6
_TURN_SECONDS = 2.0
"""Between turns that waited for somebody else's update or for a read that lags."""


@dataclass(frozen=True, slots=True)
class Half:
    """Subscriptions, or log deliveries, after their turns. A half that fails does not stop the other."""

    shown: Shown | None
    """None where it could not be read."""
    steps: tuple[Reason, ...] = ()
    failure: CallFailedError | None = None


def converge_topics(desired: Listening, world: ProvisionerPorts) -> Half:
    """Subscribes, and takes subscriptions back, on the topics that matter."""
    half = replace(desired, logged_peer_ids=(), left_peer_ids=())
    topics = tuple(arn for arn in dict.fromkeys((desired.topic_arn, *desired.left_topic_arns)) if arn)
    return _converge(
        half, lambda: Shown(tuple(s for arn in topics for s in world.topics.subscriptions(arn))), world
    )


def converge_logs(desired: Listening, world: ProvisionerPorts) -> Half:
    """Has the peers' logs delivered, and takes deliveries back; reads nothing where no peer is concerned."""
    half = replace(desired, topic_arn=None, left_topic_arns=())
    if not half.logged_peer_ids and not half.left_peer_ids:
        return Half(Shown())
    return _converge(half, world.logs.shown, world)


def _converge(desired: Listening, read: Callable[[], Shown], world: ProvisionerPorts) -> Half:
    done: list[Reason] = []
    shown: Shown | None = None
    failure: CallFailedError | None = None
    try:
        for turn in range(_TURNS):
            shown = read()
            steps = listening_plan(desired, shown)
            if steps and turn and _may_pass(failure):
                world.clock.sleep(_TURN_SECONDS)
                shown = read()
                steps = listening_plan(desired, shown)
            if not steps:
                return Half(shown, _once(done))
            if not _may_pass(failure):
                break
            failure = _carry_out(steps, world, done)
    except CallFailedError as error:
        return Half(shown, _once(done), error)
    return Half(shown, _once(done), failure)


def _may_pass(failure: CallFailedError | None) -> bool:
    """Returns True for a conflict, a read that lags behind (docs/aws-facts.md#eventual-consistency), or what
    AWS refuses for now: the next turn knows.
    """
    return failure is None or failure.code == _CONFLICT or isinstance(failure, PassingError)


def _carry_out(
    steps: tuple[Step, ...], world: ProvisionerPorts, done: list[Reason]
) -> CallFailedError | None:
    """Tries every step: one sick peer keeps no other from its logs. The first failure is the answer."""
    first: CallFailedError | None = None
    for step in steps:
        try:
            _do(step, world)
        except CallFailedError as error:
            first = first or error
        else:
            done.append(change_of(step))
    return first


def _do(step: Step, world: ProvisionerPorts) -> None:
    match step:
        case Subscribe():
            world.topics.subscribe(step.topic_arn, step.subscriber)
        case Unsubscribe():
            world.topics.unsubscribe(step.subscription_arn)
        case PutDestination():
            world.logs.put_destination(step.name, step.resource_arn)
        case PutSource():
            world.logs.put_source(step.name, step.resource_arn)
        case CreateDelivery():
            world.logs.create_delivery(step.source_name, step.destination_name)
        case DeleteDelivery():
            world.logs.delete_delivery(step.delivery_id)
        case DeleteSource():
            world.logs.delete_source(step.name)
        case _:
            assert_never(step)


def _once(done: list[Reason]) -> tuple[Reason, ...]:
    return tuple(dict.fromkeys(done))
