"""The stored topologies: written on what their writer has seen, read one by one whatever befell another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tandem.adapters.topologies import ChangedMeanwhileError, DamagedTopologyError, TopologyStore
from tandem.errors import StateUnavailableError
from tandem.state.record import Provisioned
from tests.topologies import topology

TABLE = "tandem-state"
FOUND = Provisioned(
    route_server_id="rs-0a1b2c3d4e5f60001",
    sns_topic_arn="arn:aws:sns:us-east-1:123456789012:route-server",
    endpoint_ids=("rse-1", "rse-2"),
    peers={"rsp-1": "fw1"},
    log_deliveries={"rsp-1": "delivery"},
    left_topic_arns=("arn:aws:sns:us-east-1:123456789012:old",),
    version=3,
    failure="no",
    warnings=("careful",),
)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        made = boto3.client("dynamodb")
        made.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "kind", "KeyType": "HASH"},
                {"AttributeName": "id", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "kind", "AttributeType": "S"},
                {"AttributeName": "id", "AttributeType": "S"},
            ],
        )
        yield made


@pytest.fixture
def store(client) -> TopologyStore:
    return TopologyStore(client, TABLE)


def lay(client: Any, name: str, **attributes: dict[str, str]) -> None:
    key = {"kind": {"S": "topology"}, "id": {"S": name}}
    item = client.get_item(TableName=TABLE, Key=key).get("Item", key)
    client.put_item(TableName=TABLE, Item={**item, **attributes})


def test_what_is_stored_comes_back_whole(store: TopologyStore) -> None:
    record = store.set_provisioned(store.put(topology(), "cli", None), FOUND)
    assert store.get("edge") == record
    assert store.list().records == (record,)
    read = store.get("edge")
    assert read is not None
    assert read.topology == replace(topology(), version=1)
    assert read.topology.document == topology().document
    assert read.provisioned == FOUND


def test_what_is_not_stored_is_none(store: TopologyStore) -> None:
    assert store.get("edge") is None
    assert store.list().records == ()


def test_two_who_store_a_new_topology_at_once(store: TopologyStore) -> None:
    store.put(topology(), "cli", None)
    with pytest.raises(ChangedMeanwhileError):
        store.put(topology(mode="dry-run"), "cli", None)
    assert store.get("edge").topology.mode == "enforce"  # type: ignore[union-attr]


def test_two_who_change_the_same_version(store: TopologyStore) -> None:
    seen = store.put(topology(), "cli", None)
    assert store.put(topology(mode="dry-run"), "cli", seen).version == 2
    with pytest.raises(ChangedMeanwhileError):
        store.put(topology(), "cli", seen)


def test_two_runs_of_the_provisioner_at_once(store: TopologyStore) -> None:
    seen = store.put(topology(), "cli", None)
    second = store.set_provisioned(seen, FOUND)
    with pytest.raises(ChangedMeanwhileError):
        store.set_provisioned(seen, FOUND)
    assert store.set_provisioned(second, replace(FOUND, failure=None)).revision == 2


def test_a_document_that_changes_meanwhile_does_not_lose_what_was_provisioned(store: TopologyStore) -> None:
    seen = store.put(topology(), "cli", None)
    store.put(topology(mode="dry-run"), "cli", seen)
    store.set_provisioned(seen, FOUND)
    read = store.get("edge")
    assert read is not None
    assert (read.version, read.topology.mode, read.provisioned) == (2, "dry-run", FOUND)


def test_what_was_deleted_meanwhile_does_not_come_back(store: TopologyStore) -> None:
    seen = store.put(topology(), "cli", None)
    store.delete(seen)
    with pytest.raises(ChangedMeanwhileError):
        store.set_provisioned(seen, FOUND)
    with pytest.raises(ChangedMeanwhileError):
        store.put(topology(), "cli", seen)
    assert store.get("edge") is None


def test_what_changed_meanwhile_is_not_deleted(store: TopologyStore) -> None:
    seen = store.put(topology(), "cli", None)
    store.put(topology(mode="dry-run"), "cli", seen)
    with pytest.raises(ChangedMeanwhileError):
        store.delete(seen)
    assert store.get("edge") is not None


FOREIGN = '{"name": "other", "route_server": {}, "appliances": {}, "groups": []}'
DAMAGE: dict[str, dict[str, dict[str, str]]] = {
    "no JSON": {"document": {"S": "{"}},
    "no document": {"document": {"S": "[]"}},
    "half a document": {"document": {"S": '{"name": "edge"}'}},
    "another's document": {"document": {"S": FOREIGN}},
    "a version in words": {"version": {"S": "three"}},
    "no number": {"version": {"N": "1.5"}},
    "a door that is none": {"door": {"N": "1"}},
    "nothing provisioned but noise": {"provisioned": {"S": "noise"}},
    "provisioned in another shape": {"provisioned": {"S": "[]"}},
    "provisioned without a route server": {"provisioned": {"S": "{}"}},
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_record_hurts_only_itself(store: TopologyStore, client: Any, damage: Any) -> None:
    store.put(topology(), "cli", None)
    good = store.put(topology(name="good"), "cli", None)
    lay(client, "edge", **damage)
    stored = store.list()
    assert stored.records == (good,)
    assert list(stored.damaged) == ["edge"]
    assert "the stored topology edge is damaged" in stored.damaged["edge"]
    with pytest.raises(DamagedTopologyError):
        store.get("edge")
    assert store.replace_damaged(topology(), "cli").version == 1
    assert store.list().damaged == {}


def test_records_of_an_older_and_of_a_newer_version_are_read(store: TopologyStore, client: Any) -> None:
    store.put(topology(), "cli", None)
    lay(client, "edge", provisioned={"S": '{"route_server_id": "rs-1", "endpoint_ids": ["rse-1"], "new": 1}'})
    read = store.get("edge")
    assert read is not None
    assert read.provisioned == Provisioned("rs-1", endpoint_ids=("rse-1",))
    assert store.set_provisioned(read, FOUND).provisioned == FOUND


def test_more_topologies_than_one_page(store: TopologyStore) -> None:
    padding = {"name": "padding", "prefixes": [f"10.{a}.{b}.0/24" for a in range(256) for b in range(40)]}
    names = [f"topology-{number:02}" for number in range(8)]
    for name in names:
        store.put(topology(name=name, groups=[padding]), "cli", None)
    assert [record.topology.name for record in store.list().records] == names


def test_other_kinds_of_records_are_no_topologies(store: TopologyStore, client: Any) -> None:
    client.put_item(TableName=TABLE, Item={"kind": {"S": "look"}, "id": {"S": "edge"}})
    assert store.list().records == ()
    assert store.list().damaged == {}


def test_a_table_that_is_not_there_is_said_to_be(client: Any) -> None:
    with pytest.raises(StateUnavailableError, match="DynamoDB Query: ResourceNotFoundException"):
        TopologyStore(client, "elsewhere").list()
