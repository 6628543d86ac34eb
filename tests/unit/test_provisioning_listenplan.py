"""The plan that makes a topology watched converges from any state, through any interruption, and rests."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import count
from typing import assert_never

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem.place import Place
from tandem.provisioning.listenplan import delivered_elsewhere, delivery_of, listening_plan
from tandem.provisioning.listensteps import (
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
    Subscriber,
    Subscription,
    Unsubscribe,
    change_of,
)
from tandem.words.provisioning import sentence_of
from tests.topologies import PLACE

TOPIC, OLD_TOPIC = (f"arn:aws:sns:us-east-1:123456789012:{name}" for name in ("new", "old"))
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function"
FAILOVER, SIGNALS = f"{FUNCTION}:failover", f"{FUNCTION}:signals"
GROUP = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/vendedlogs/tandem/route-server-peer"
PEERS = ("rsp-1", "rsp-2", "rsp-3")
LISTENING = Listening(
    stack="tandem",
    place=PLACE,
    subscribers=(Subscriber(FAILOVER, "arn:aws:sqs:us-east-1:123456789012:failover"), Subscriber(SIGNALS)),
    log_group_arn=GROUP,
    topic_arn=TOPIC,
    logged_peer_ids=PEERS,
)
numbers = count(1)


def destination_arn(name: str) -> str:
    return f"arn:aws:logs:us-east-1:123456789012:delivery-destination:{name}"


def carried_out(step: Step, shown: Shown) -> Shown:
    """Returns what AWS shows after a step; it refuses what the real one would."""
    match step:
        case Subscribe(topic_arn, subscriber):
            heard = Subscription(topic_arn, f"{topic_arn}:{next(numbers)}", subscriber.function_arn)
            return replace(shown, subscriptions=(*shown.subscriptions, heard))
        case PutDestination(name, resource_arn):
            destination = Destination(name, destination_arn(name), resource_arn, "json")
            return replace(shown, destinations=(*shown.destinations, destination))
        case PutSource(name, resource_arn):
            assert all(s.resource_arn != resource_arn and s.name != name for s in shown.sources)
            return replace(shown, sources=(*shown.sources, Source(name, resource_arn)))
        case CreateDelivery(source_name, destination_name):
            return replace(
                shown, deliveries=(*shown.deliveries, delivery(source_name, destination_name, shown))
            )
        case _:
            return taken_back(step, shown)


def delivery(source_name: str, destination_name: str, shown: Shown) -> Delivery:
    destination = next(d for d in shown.destinations if d.name == destination_name)
    assert any(s.name == source_name for s in shown.sources)
    same = [d for d in shown.deliveries if d.source_name == source_name]
    assert all(d.destination_type != LOG_GROUP_TYPE for d in same)
    return Delivery(f"delivery-{next(numbers)}", source_name, destination.arn, LOG_GROUP_TYPE)


def taken_back(step: Unsubscribe | DeleteDelivery | DeleteSource, shown: Shown) -> Shown:
    match step:
        case Unsubscribe(arn):
            heard = tuple(s for s in shown.subscriptions if s.subscription_arn != arn)
            assert heard != shown.subscriptions
            return replace(shown, subscriptions=heard)
        case DeleteDelivery(delivery_id):
            deliveries = tuple(d for d in shown.deliveries if d.delivery_id != delivery_id)
            assert deliveries != shown.deliveries
            return replace(shown, deliveries=deliveries)
        case DeleteSource(name):
            assert not any(d.source_name == name for d in shown.deliveries)
            return replace(shown, sources=tuple(s for s in shown.sources if s.name != name))
        case _:
            assert_never(step)


def after(desired: Listening, shown: Shown, most: int | None = None) -> Shown:
    for step in listening_plan(desired, shown)[:most]:
        assert sentence_of(change_of(step))
        shown = carried_out(step, shown)
    return shown


def kinds(desired: Listening, shown: Shown) -> list[str]:
    return [type(step).__name__ for step in listening_plan(desired, shown)]


WATCHED = after(LISTENING, Shown())
LEAVING = replace(
    LISTENING, topic_arn=None, logged_peer_ids=(), left_topic_arns=(TOPIC, OLD_TOPIC), left_peer_ids=PEERS
)
WORLDS = {
    "nothing yet": (LISTENING, Shown()),
    "a new peer": (replace(LISTENING, logged_peer_ids=(*PEERS, "rsp-4")), WATCHED),
    "another topic": (
        replace(LISTENING, left_topic_arns=(OLD_TOPIC,)),
        after(replace(LISTENING, topic_arn=OLD_TOPIC), Shown()),
    ),
    "a peer replaced": (
        replace(LISTENING, logged_peer_ids=("rsp-2", "rsp-3", "rsp-4"), left_peer_ids=("rsp-1",)),
        WATCHED,
    ),
    "all goes": (LEAVING, WATCHED),
    "somebody else's source": (LISTENING, Shown(sources=(Source("theirs", PLACE.peer("rsp-1")),))),
    "somebody else's destination to our group": (
        LISTENING,
        Shown(destinations=(Destination("theirs", destination_arn("theirs"), f"{GROUP}:*", "json"),)),
    ),
    "a destination in another format": (
        replace(LISTENING, stack="other"),
        Shown(destinations=(Destination("plain", destination_arn("plain"), GROUP, "plain"),)),
    ),
}


@pytest.mark.parametrize(("desired", "shown"), WORLDS.values(), ids=WORLDS)
def test_carried_out_whole_nothing_is_left_to_do(desired: Listening, shown: Shown) -> None:
    assert listening_plan(desired, shown)
    assert listening_plan(desired, after(desired, shown)) == ()


@pytest.mark.parametrize(("desired", "shown"), WORLDS.values(), ids=WORLDS)
def test_cut_after_any_step_the_next_plan_is_the_rest(desired: Listening, shown: Shown) -> None:
    whole = kinds(desired, shown)
    for cut in range(len(whole) + 1):
        assert kinds(desired, after(desired, shown, most=cut)) == whole[cut:]


@given(st.sets(st.sampled_from(PEERS)), st.sets(st.sampled_from(PEERS)), st.booleans(), st.booleans())
def test_it_converges_from_any_watch_to_any_other(before, now, was_told, is_told) -> None:
    first = replace(LISTENING, logged_peer_ids=tuple(before), topic_arn=OLD_TOPIC if was_told else None)
    left = tuple(before - now)
    second = replace(
        LISTENING,
        logged_peer_ids=tuple(now),
        topic_arn=TOPIC if is_told else None,
        left_topic_arns=(OLD_TOPIC,) if was_told else (),
        left_peer_ids=left,
    )
    world = after(second, after(first, Shown()))
    assert listening_plan(second, world) == ()
    assert {p for p in PEERS if delivery_of(p, LISTENING, world)} == now
    assert {s.topic_arn for s in world.subscriptions} == ({TOPIC} if is_told else set())


def test_what_is_watched_needs_two_subscriptions_one_destination_and_a_pair_for_each_peer() -> None:
    assert kinds(LISTENING, Shown()) == (
        ["Subscribe", "Subscribe", "PutDestination"] + ["PutSource", "CreateDelivery"] * 3
    )


def test_undeliverable_messages_have_their_queue() -> None:
    step = listening_plan(LISTENING, Shown())[0]
    assert isinstance(step, Subscribe)
    assert step.subscriber.queue_arn == "arn:aws:sqs:us-east-1:123456789012:failover"


def test_every_step_says_why() -> None:
    for desired, shown in WORLDS.values():
        for step in listening_plan(desired, shown):
            assert sentence_of(step.reason) in sentence_of(change_of(step))
            assert len(sentence_of(step.reason)) > 10


def test_a_source_of_somebody_else_is_used_and_left_when_leaving() -> None:
    theirs = Shown(sources=(Source("theirs", PLACE.peer("rsp-1")),))
    watched = after(LISTENING, theirs)
    assert "theirs" in {d.source_name for d in watched.deliveries}
    assert after(LEAVING, watched).sources == theirs.sources
    assert after(LEAVING, watched).deliveries == ()


def test_our_source_stays_while_somebody_else_delivers_from_it() -> None:
    source = LISTENING.source_name("rsp-1")
    foreign = Delivery("theirs", source, destination_arn("bucket"), "S3")
    watched = replace(WATCHED, deliveries=(*WATCHED.deliveries, foreign))
    left = after(LEAVING, watched)
    assert [s.name for s in left.sources] == [source]
    assert left.deliveries == (foreign,)


def test_logs_that_go_to_another_group_already_are_left_alone() -> None:
    theirs = Shown(
        sources=(Source("theirs", PLACE.peer("rsp-1")),),
        deliveries=(Delivery("their-delivery", "theirs", destination_arn("theirs"), LOG_GROUP_TYPE),),
    )
    assert delivered_elsewhere("rsp-1", LISTENING, theirs) == destination_arn("theirs")
    assert kinds(replace(LISTENING, logged_peer_ids=("rsp-1",)), theirs) == ["Subscribe", "Subscribe"]


def test_subscriptions_of_others_on_a_topic_that_is_left_stay() -> None:
    stranger = Subscription(
        TOPIC, f"{TOPIC}:stranger", "arn:aws:lambda:us-east-1:123456789012:function:other"
    )
    watched = replace(WATCHED, subscriptions=(*WATCHED.subscriptions, stranger))
    assert after(LEAVING, watched).subscriptions == (stranger,)


def test_names_fit_whatever_the_stack_is_called() -> None:
    long = replace(LISTENING, stack="a" * 128)
    assert len(long.destination_name) <= 60
    assert len(long.source_name("rsp-0123456789abcdef0")) <= 60
    assert long.source_name("rsp-0123456789abcdef0").endswith("-rsp-0123456789abcdef0")


def test_without_a_topic_and_without_logs_there_is_nothing_to_do() -> None:
    assert listening_plan(replace(LISTENING, topic_arn=None, logged_peer_ids=()), WATCHED) == ()


@pytest.mark.parametrize(
    ("partition", "region"),
    [("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1"), ("aws", "eu-north-1")],
)
def test_every_arn_that_is_built_is_of_the_functions_own_partition(partition: str, region: str) -> None:
    function = f"arn:{partition}:lambda:{region}:123456789012:function"
    place = Place.of(f"{function}:provisioner")
    desired = replace(
        LISTENING,
        place=place,
        subscribers=(Subscriber(place.function("failover")), Subscriber(place.function(f"{function}:x"))),
        log_group_arn=place.log_group("/aws/vendedlogs/tandem/route-server-peer"),
        topic_arn=f"arn:{partition}:sns:{region}:123456789012:new",
    )
    steps = listening_plan(desired, Shown())
    arns = re.findall(r"arn:[^'\" ]+", repr(steps))
    assert len({arn.split(":")[2] for arn in arns}) == 4  # of SNS, Lambda, Logs and EC2
    assert {tuple(arn.split(":")[1:4:2]) for arn in arns} == {(partition, region)}
