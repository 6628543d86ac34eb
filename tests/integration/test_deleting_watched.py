"""Watched topologies that are deleted with the command line: what watched them goes, and nothing else."""

from __future__ import annotations

from unittest import mock

import boto3
import pytest
from moto.logs.models import LogsBackend

from tests.provisioning import ForbiddenError, Provisioner, watching
from tests.shared_worlds import begins_in


@pytest.fixture
@begins_in(watching)
def watched():
    with watching() as tandem:
        yield tandem


def test_deleting_takes_back_what_watched_it_and_nothing_else(watched: Provisioner) -> None:
    stranger = "arn:aws:lambda:us-east-1:123456789012:function:somebody-elses"
    boto3.client("sns").subscribe(TopicArn=watched.topic, Protocol="lambda", Endpoint=stranger)
    answer = watched.delete()
    assert answer["deleted"] is True
    assert set(watched.subscribed()) == {stranger}
    assert watched.delivered() == set()
    assert boto3.client("logs").describe_delivery_sources()["deliverySources"] == []
    assert watched.record() is None
    assert {call.partition(":")[0] for call in watched.changes} == {"sns", "logs", "dynamodb", "events"}
    assert [e["detail"]["change"] for e in watched.deliver()] == ["deleted"]


def test_what_another_topology_uses_stays(watched: Provisioner) -> None:
    watched.apply(watched.other())
    watched.deliver()
    assert watched.delete()["deleted"] is True
    assert len(watched.subscribed()) == 2
    assert watched.delivered() == watched.peer_ids()
    assert watched.delete("transit")["deleted"] is True
    assert watched.subscribed() == {}
    assert watched.delivered() == set()


def test_deleting_what_is_not_stored_says_what_is(watched: Provisioner) -> None:
    answer = watched.delete("egde")
    assert answer["deleted"] is False
    assert "there is: edge" in answer["problems"][0]["right"]


def test_only_its_own_door_deletes_a_topology(watched: Provisioner) -> None:
    watched.put_item(door={"S": "arn:aws:cloudformation:us-east-1:123456789012:stack/network/1"})
    assert watched.delete()["deleted"] is False
    assert len(watched.subscribed()) == 2
    assert watched.delete(take_over=True)["deleted"] is True


def test_a_deletion_that_fails_can_be_tried_again(watched: Provisioner) -> None:
    with mock.patch.object(LogsBackend, "delete_delivery", side_effect=ForbiddenError("not allowed")):
        answer = watched.delete()
    assert answer["deleted"] is False
    assert "AccessDeniedException" in answer["problems"][0]["what"]
    assert watched.record() is not None
    assert watched.delete()["deleted"] is True
