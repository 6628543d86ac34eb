"""One function of ours, cold started over moto, and what it says: logs, metrics, events on the bus."""

from __future__ import annotations

import importlib
import itertools
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import boto3
import pytest
from moto import mock_aws

from tandem.adapters import clients
from tandem.adapters.topologies import TopologyStore
from tandem.state.record import TopologyRecord
from tests import awsclients

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "TANDEM_STACK_NAME": "tandem",
    "TANDEM_STATE_TABLE": "tandem-state",
    "TANDEM_BUS_NAME": "tandem",
    "POWERTOOLS_METRICS_NAMESPACE": "Tandem",
    "POWERTOOLS_LOG_LEVEL": "INFO",
}
_runs = itertools.count()


class Context:
    """A Lambda context."""

    function_name = "function"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:function"
    aws_request_id = "11111111-2222-3333-4444-555555555555"

    def __init__(self, milliseconds: int = 60_000) -> None:
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self._milliseconds


@contextmanager
def aws(**environment: str) -> Iterator[None]:
    """Yields an empty account with Tandem's state table and bus, and clients made in it."""
    with mock.patch.dict(os.environ, ENVIRONMENT | fresh_service() | environment), mock_aws():
        awsclients.forget()
        _table()
        _bus()
        yield
        awsclients.forget()


def fresh_service() -> dict[str, str]:
    """Powertools keeps a logger per service, and with it the output that its first test had."""
    return {"POWERTOOLS_SERVICE_NAME": f"tandem-{next(_runs)}"}


def cold_start(name: str) -> Any:
    """Returns the function's module, as a fresh process imports it; a test may replace parts of it."""
    sys.modules.pop(f"functions.{name}.app", None)
    return importlib.import_module(f"functions.{name}.app")


def store(record: TopologyRecord) -> None:
    """Puts the topology into the state table, as door and provisioner do."""
    topologies = TopologyStore(clients.dynamodb(), "tandem-state")
    stored = topologies.put(record.topology, record.door, None)
    if record.provisioned is not None:
        topologies.set_provisioned(stored, record.provisioned)


def damage(name: str) -> None:
    """Makes the stored topology unreadable."""
    clients.dynamodb().update_item(
        TableName="tandem-state",
        Key={"kind": {"S": "topology"}, "id": {"S": name}},
        UpdateExpression="SET document = :bad",
        ExpressionAttributeValues={":bad": {"S": "{"}},
    )


def on_the_bus() -> list[dict[str, Any]]:
    """Returns the envelopes that were put on the bus since the last time, oldest first."""
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName="everything")["QueueUrl"]
    found: list[dict[str, Any]] = []
    while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in batch:
            found.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


class Inbox:
    """A queue subscribed to the notification topic, with a filter or without."""

    def __init__(self, topic: str, name: str, policy: dict[str, Any] | None = None) -> None:
        self._sqs = boto3.client("sqs")
        self._url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        attributes = {"FilterPolicy": json.dumps(policy)} if policy else {}
        arn = f"arn:aws:sqs:us-east-1:123456789012:{name}"
        clients.sns().subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)

    def read(self) -> list[dict[str, Any]]:
        """The messages since the last time."""
        got = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages", [])
        for message in got:
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in got]


class Said:
    """Holds what a function wrote on its standard output: log lines, and metrics in the embedded format."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        lines = [json.loads(line) for line in capture.readouterr().out.splitlines()]
        self.logs = [line for line in lines if "_aws" not in line]
        self._metrics = [line for line in lines if "_aws" in line]

    @property
    def messages(self) -> list[str]:
        return [line["message"] for line in self.logs]

    def metric(self, name: str) -> float:
        """Returns the sum counted under the name, which must have the service as its only dimension."""
        values: list[float] = []
        for line in self._metrics:
            (described,) = line["_aws"]["CloudWatchMetrics"]
            assert (described["Namespace"], described["Dimensions"]) == ("Tandem", [["service"]])
            values += line.get(name, [])
        assert values, f"no metric {name}"
        return sum(values)


def _table() -> None:
    clients.dynamodb().create_table(
        TableName="tandem-state",
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


def _bus() -> None:
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="everything")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    clients.events().create_event_bus(Name="tandem")
    pattern = '{"source": ["tandem"]}'
    clients.events().put_rule(Name="everything", EventBusName="tandem", EventPattern=pattern)
    clients.events().put_targets(
        Rule="everything", EventBusName="tandem", Targets=[{"Id": "queue", "Arn": arn}]
    )
