"""Words are no state: with other words for every reason, provisioning does and notifies exactly the same."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from typing import Any

import boto3
import pytest

from tandem.state.record import TopologyRecord
from tests.forks import run_in_copy
from tests.managing import Managed, converged, delete_all, managed, pass_minutes, tags
from tests.provisioning import Provisioner, changing, provisioner
from tests.rewording import reworded
from tests.shared_worlds import begins_in
from tests.tiers import prove
from tests.topologies import set_at

TEXTS = ("done", "drift", "pending", "failure", "warnings", "sessions", "notified_sessions", "codes")
CODES = ("drift", "pending", "failure", "warnings", "sessions", "notified")

Story = Callable[[Any], None]


def played(tandem: Provisioner, story: Story, *, in_other_words: bool) -> dict[str, Any]:
    """Returns what the function called, notified and recorded, all without words.

    A record is written anew for other words, so the calls of the table do not count.
    """
    tandem.every_call.clear()
    with reworded() if in_other_words else nullcontext():
        story(tandem)
        told = [_bare(event) for event in tandem.events()]
    calls = [call for call in changing(tandem.every_call) if not call.startswith("dynamodb:")]
    return {"calls": calls, "told": told, "record": _record(tandem.record())}


def _bare(event: dict[str, Any]) -> tuple[Any, ...]:
    detail = event["detail"]
    named = ("version", "change", "resource_id", "code", "subject", "actor", "error")
    counted = [len(detail.get(name, ())) for name in ("steps", "warnings", "dial", "concerns")]
    return event["detail-type"], [detail.get(name) for name in named], counted


def _record(record: TopologyRecord | None) -> Any:
    found = record.provisioned if record else None
    if record is None or found is None:
        return None
    kept = {name: value for name, value in asdict(found).items() if name not in TEXTS}
    codes = [sorted(getattr(found.codes, name)) for name in CODES]
    failed = [each.identity for each in found.codes.failed] if found.codes else []
    counted = [len(getattr(found, name) or ()) for name in TEXTS if name not in ("codes", "failure")]
    return record.version, kept, codes, failed, counted, found.failure is None


def assert_same(tandem: Provisioner, story: Story) -> None:
    """Both runs begin in the same world, whose records have the usual words."""
    usual, other = (
        run_in_copy(partial(played, tandem, story, in_other_words=in_other_words))
        for in_other_words in (False, True)
    )
    assert usual["calls"] or usual["told"], "the story has no point"
    assert other == usual


def refreshed(tandem: Managed, minutes: int) -> None:
    for _ in range(minutes):
        tandem.settle(60)
        tandem.refresh()


def repairs_a_peer(tandem: Managed) -> None:
    tandem.settle(60)
    boto3.client("ec2").delete_route_server_peer(RouteServerPeerId=tandem.peers()[0]["RouteServerPeerId"])
    tandem.settle(30)
    tandem.refresh()
    tandem.converge()
    refreshed(tandem, 2)


def notifies_a_drift_once(tandem: Managed) -> None:
    """The owner's tag of an Elastic IP is not Tandem's to write."""
    address = tandem.document()["groups"][0]["elastic_ips"][0]["allocation_id"]
    boto3.client("ec2").delete_tags(Resources=[address], Tags=[{"Key": "tandem:stack"}])
    refreshed(tandem, 3)


def says_again_what_it_has_said(tandem: Managed) -> None:
    """Nothing has changed but the words."""
    refreshed(tandem, 2)
    address = tandem.document()["groups"][0]["elastic_ips"][1]["allocation_id"]
    boto3.client("ec2").delete_tags(Resources=[address], Tags=[{"Key": "tandem:stack"}])
    tandem.refresh()


def gives_up(tandem: Managed) -> None:
    """AWS fails the same peer again and again."""
    tandem.settle(60)
    for _ in range(4):
        for peer in tandem.peers():
            if tags(peer)["tandem:endpoint"] == "az2-b" and peer["State"] == "available":
                tandem.lab.levers.resource(peer["RouteServerPeerId"], "failed", "no capacity")
        refreshed(tandem, 2)


def waits_long(tandem: Managed) -> None:
    """In the document alone: nobody configures the appliance."""
    tandem.apply(set_at(tandem.wanted(), "appliances.fw1.asn", 65011))
    for seconds in (60, 1000, 1000, 60):
        tandem.refresh()
        tandem.settle(seconds)


def deletes(tandem: Managed) -> None:
    delete_all(tandem)
    pass_minutes(tandem, 30)


QUICK: tuple[Story, ...] = (repairs_a_peer, notifies_a_drift_once, says_again_what_it_has_said, deletes)


@pytest.mark.parametrize("story", QUICK, ids=lambda story: story.__name__)
@begins_in(converged)
def test_other_words_change_nothing_that_is_done_or_notified(story: Story) -> None:
    with converged() as tandem:
        assert_same(tandem, story)


@prove
@pytest.mark.parametrize("story", [gives_up, waits_long], ids=lambda story: story.__name__)
@begins_in(converged)
def test_other_words_change_nothing_of_what_fails_or_waits(story: Story) -> None:
    with converged() as tandem:
        assert_same(tandem, story)


@prove
@begins_in(managed)
def test_other_words_change_nothing_of_what_is_made() -> None:
    with managed() as tandem:
        assert_same(tandem, lambda t: t.run())


def watches(tandem: Provisioner) -> None:
    tandem.apply()
    tandem.refresh()
    boto3.client("ec2").modify_route_server(
        RouteServerId=tandem.ids["route_server_id"], SnsNotificationsEnabled=False
    )
    for _ in range(2):
        tandem.settle(60)
        tandem.refresh()


@begins_in(provisioner)
def test_other_words_change_nothing_of_what_is_watched() -> None:
    with provisioner() as tandem:
        assert_same(tandem, watches)
