"""A whole stack in one process for stories: real handlers over moto's tables and bus, and the lab's EC2."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from types import ModuleType, SimpleNamespace
from typing import Any, Literal
from unittest import mock

import boto3

from lab.ec2.clock import Clock
from lab.ec2.inprocess import LabEC2, lab_ec2
from lab.ec2.scenario import edge
from lab.ec2.signals import Published, RecordingSink
from lab.ec2.timings import Behaviour, Timings
from tandem.adapters import clients
from tandem.adapters.audits import AuditTable
from tandem.audit import Record, problems
from tandem.state.record import Provisioned, TopologyRecord
from tandem.topology.document import parse_topology
from tests import awsclients
from tests.shared_worlds import shared_world

ACCOUNT, REGION = "123456789012", "us-east-1"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "TANDEM_STACK_NAME": "tandem",
    "TANDEM_STATE_TABLE": "tandem-state",
    "TANDEM_AUDIT_TABLE": "tandem-audit",
    "TANDEM_BUS_NAME": "tandem",
    "POWERTOOLS_SERVICE_NAME": "failover",
    "POWERTOOLS_METRICS_NAMESPACE": "Tandem",
    "POWERTOOLS_LOG_LEVEL": "ERROR",
}
MOVING = ("AssociateAddress", "DisassociateAddress")
WAKING = ("Peer State Change", "Route Change", "Endpoint Maintenance", "Look")
"""What the rule of the failover function lets through (template.yaml)."""

REALISTIC = replace(Timings.lab(), sns_delay_s=0.3)


class VirtualTime:
    """The lab's clock, as a look uses it: sleeping lets the lab's events happen. It is wrong by `skew`."""

    def __init__(self, lab: LabEC2) -> None:
        self._clock = lab.clock
        self.skew = timedelta(0)

    def now(self) -> datetime:
        return self._clock.now() + self.skew

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)


class Context:
    """A Lambda context, with five minutes left unless told."""

    function_name = "failover"
    memory_limit_in_mb = 1024
    invoked_function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:failover"
    log_stream_name = "stream"

    def __init__(self, request_id: str, milliseconds: int = 300_000) -> None:
        self.aws_request_id = request_id
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self._milliseconds


@dataclass
class Stack:
    """One topology over the edge scenario. Signals wait in the lab's sink until a story delivers them."""

    lab: LabEC2
    ids: dict[str, Any]
    app: ModuleType
    delivered: int = 0
    invocations: int = 0
    versions: int = 0
    unread: list[dict[str, Any]] = field(default_factory=list)
    record: TopologyRecord = field(init=False)
    _watch: ModuleType | None = None

    @cached_property
    def queues(self) -> Any:
        return boto3.client("sqs")

    @property
    def clock(self):
        return self.lab.clock

    @property
    def levers(self):
        return self.lab.levers

    @property
    def published(self) -> list[Published]:
        """Returns every SNS message of the route server since the world began."""
        assert isinstance(self.lab.sink, RecordingSink)
        return self.lab.sink.published

    def store(self, **changes: Any) -> TopologyRecord:
        """Stores the edge topology in force, as the provisioner leaves it."""
        document = {**edge_document(self.ids), **changes}
        self.versions += 1
        self.record = TopologyRecord(
            topology=parse_topology(document, version=self.versions),
            version=self.versions,
            door="cli",
            provisioned=Provisioned(self.ids["route_server_id"], self.ids["sns_topic_arn"]),
        )
        item = {
            "kind": {"S": "topology"},
            "id": {"S": document["name"]},
            "document": {"S": json.dumps(document)},
            "version": {"N": str(self.versions)},
            "door": {"S": "cli"},
            "provisioned": {
                "S": json.dumps(
                    {
                        "route_server_id": self.ids["route_server_id"],
                        "sns_topic_arn": self.ids["sns_topic_arn"],
                        "endpoint_ids": [],
                        "peers": {},
                    }
                )
            },
        }
        clients.dynamodb().put_item(TableName="tandem-state", Item=item)
        return self.record

    def begin_deletion(self) -> None:
        """Marks the stored topology as the provisioner does before it deletes what Tandem created for it."""
        assert self.record.provisioned is not None
        leaving = replace(self.record.provisioned, leaving=self.record.version)
        clients.dynamodb().update_item(
            TableName="tandem-state",
            Key={"kind": {"S": "topology"}, "id": {"S": self.record.topology.name}},
            UpdateExpression="SET provisioned = :new",
            ExpressionAttributeValues={":new": {"S": json.dumps(asdict(leaving))}},
        )

    def add_addresses(self, count: int) -> None:
        """Adds so many Elastic IPs on fw1, each with a private address on both appliances."""
        client = self.lab.client()
        for number in range(count):
            targets = {name: f"10.0.{name[-1]}.{40 + number}" for name in ("fw1", "fw2")}
            for name, private_ip in targets.items():
                interface = self.ids["interfaces"][name]
                client.assign_private_ip_addresses(
                    NetworkInterfaceId=interface, PrivateIpAddresses=[private_ip]
                )
            made = client.allocate_address(Domain="vpc")
            client.associate_address(
                AllocationId=made["AllocationId"],
                NetworkInterfaceId=self.ids["interfaces"]["fw1"],
                PrivateIpAddress=targets["fw1"],
            )
            more = {"allocation_id": made["AllocationId"], "public_ip": made["PublicIp"], "targets": targets}
            self.ids["elastic_ips"][f"more{number}"] = more

    def invoke(self, event: dict[str, Any]) -> None:
        """Runs the failover function once."""
        self.invocations += 1
        self.app.handler(event, Context(f"request-{self.invocations}"))

    def deliver(self, *, most: int | None = None) -> int:
        """Hands the failover function every SNS message that has not been delivered; how many there were."""
        waiting = range(self.delivered, len(self.published))[:most]
        self.delivered += len(waiting)
        for number in waiting:
            self.deliver_one(number)
        return len(waiting)

    def deliver_one(self, number: int) -> None:
        """Hands the failover function one SNS message, as SNS does."""
        message = self.published[number]
        attributes = {
            name: {"Type": a["DataType"], "Value": a["StringValue"]} for name, a in message.attributes.items()
        }
        notification = {
            "TopicArn": message.topic_arn,
            "Message": message.message,
            "MessageAttributes": attributes,
        }
        self.invoke({"Records": [{"EventSource": "aws:sns", "Sns": notification}]})

    def sweep(self, topology: str = "edge") -> None:
        """One scheduled look."""
        detail = {
            "schema_version": 1,
            "topology": topology,
            "occurred_at": "2026-11-21T03:00:00.000Z",
            "cause": "sweep",
            "requested_by": "sweep",
        }
        self.invoke({"source": "tandem", "detail-type": "Look", "detail": detail})

    def run(self, seconds: float, *, step: float = 0.5) -> None:
        """Lets time pass, delivering signals as they come."""
        for _ in range(int(seconds / step)):
            self.clock.sleep(step)
            self.deliver()

    def live(self, seconds: float) -> None:
        """Lets time pass as a deployed stack does: SNS as it comes, the watch every 5 s, a sweep a minute.

        The watch's events, and whatever else on the bus wakes the failover function, reach it.
        """
        now = self.clock.seconds
        ends, watch_at, sweep_at = now() + seconds, now() + 5, now() + 60
        while now() < ends:
            self.clock.sleep(0.5)
            self.deliver()
            if now() >= watch_at:
                self.watch()
                watch_at = now() + 5
            if now() >= sweep_at:
                self.sweep()
                sweep_at = now() + 60

    def watch(self, *, milliseconds: int = 0) -> None:
        """Runs the watch function, for one turn unless told, and failover for what it puts on the bus."""
        if self._watch is None:
            sys.modules.pop("functions.watch.app", None)
            self._watch = importlib.import_module("functions.watch.app")
            vars(self._watch)["clock"] = VirtualTime(self.lab)
        self._watch.handler({"tandem": "watch"}, Context("watch", milliseconds=milliseconds))
        put = self._on_the_bus()
        self.unread += put
        for event in put:
            if event["detail-type"] in WAKING:
                self.invoke(event)

    def holders(self) -> dict[str, str | None]:
        """Returns which appliance has each Elastic IP, as EC2 shows it."""
        names = {interface: name for name, interface in self.ids["interfaces"].items()}
        found = clients.ec2().describe_addresses()["Addresses"]
        by_id = {a["AllocationId"]: a for a in found}
        return {
            name: names.get(by_id[e["allocation_id"]].get("NetworkInterfaceId", ""))
            for name, e in self.ids["elastic_ips"].items()
            if e["allocation_id"] in by_id
        }

    def are_all_with(self, appliance: str) -> bool:
        return set(self.holders().values()) == {appliance}

    def calls(self, *actions: str) -> list[dict[str, Any]]:
        """Returns the EC2 requests since the story began, of the given actions or all."""
        return [r for r in self.lab.lab.requests.since() if not actions or r["action"] in actions]

    def forget_calls(self) -> None:
        self.lab.lab.requests.clear()

    def audit(self) -> list[Record]:
        """Returns the audit sequence, which must be unbroken."""
        records = AuditTable("tandem-audit").recent("failover#edge", 1000)[::-1]
        assert problems(records) == ()
        return list(records)

    def kinds(self) -> list[str]:
        return [str(record.body["kind"]) for record in self.audit()]

    def events(self) -> list[dict[str, Any]]:
        """Returns what was put on the bus since the last time, oldest first."""
        found, self.unread = [*self.unread, *self._on_the_bus()], []
        return found

    def _on_the_bus(self) -> list[dict[str, Any]]:
        url = self.queues.get_queue_url(QueueName="everything")["QueueUrl"]
        found = []
        while batch := self.queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in batch:
                found.append(json.loads(message["Body"]))
                self.queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def override(self, group: str | None = None, **item: Any) -> None:
        """Lays an override over the topology or a group, or lifts it without arguments."""
        key = {"kind": {"S": "override"}, "id": {"S": f"edge#{group}" if group else "edge"}}
        if not item:
            clients.dynamodb().delete_item(TableName="tandem-state", Key=key)
            return
        forced = {"forced": {"BOOL": True}} if item.pop("forced", False) else {}
        values = {name: {"S": value} for name, value in item.items()}
        who = {"who": {"S": "kim"}, "why": {"S": "a test"}}
        clients.dynamodb().put_item(TableName="tandem-state", Item={**key, **who, **forced, **values})


def edge_document(ids: dict[str, Any]) -> dict[str, Any]:
    """Returns the topology document of the edge scenario."""
    return {
        "tandem": 1,
        "name": "edge",
        "mode": "enforce",
        "manage": False,
        "route_server": {"id": ids["route_server_id"], "vpc_id": ids["vpc_id"], "amazon_side_asn": 65000},
        "appliances": {
            name: {
                "instance_id": ids["instances"][name],
                "asn": 65000 + number,
                "liveness": "bfd",
                "peers": dict.fromkeys(ids["peers"][name], ids["peer_addresses"][name]),
            }
            for number, name in enumerate(("fw1", "fw2"), start=1)
        },
        "groups": [
            {
                "name": "internet-edge",
                "prefixes": ["0.0.0.0/0"],
                "elastic_ips": [
                    {
                        "allocation_id": address["allocation_id"],
                        "targets": {
                            name: {"network_interface": ids["interfaces"][name], "private_ip": ip}
                            for name, ip in address["targets"].items()
                        },
                    }
                    for address in ids["elastic_ips"].values()
                ],
            }
        ],
    }


@shared_world
def stack(
    *,
    timings: Timings = REALISTIC,
    behaviour: Behaviour | None = None,
    clock: Clock | None = None,
    **scenario: Any,
) -> Iterator[Stack]:
    """Yields the edge scenario, converged and stored, with no requests yet; in virtual time unless told."""
    with (
        mock.patch.dict(os.environ, ENVIRONMENT),
        mock.patch("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None)),  # its back-off
        lab_ec2(timings=timings, behaviour=behaviour, clock=clock) as lab,
    ):
        awsclients.forget()
        _tables()
        _bus()
        made = boto3.client("ec2")
        ids = edge(made, lab.levers, sleep=lab.clock.sleep, **scenario)
        found = Stack(lab, ids, load_failover(lab))
        found.store()
        lab.clock.sleep(30 if clock is None else 0)
        found.delivered = len(found.published)
        found.forget_calls()
        yield found
        found.app.world.side.shutdown()
        awsclients.forget()


def load_failover(lab: LabEC2) -> ModuleType:
    """Returns a fresh failover function, as a cold start makes it, on the lab's time."""
    sys.modules.pop("functions.failover.app", None)
    app = importlib.import_module("functions.failover.app")
    vars(app)["world"] = replace(app.world, clock=VirtualTime(lab))
    return app


def _tables() -> None:
    tables: tuple[tuple[str, str, str, Literal["S", "N"]], ...] = (
        ("tandem-state", "kind", "id", "S"),
        ("tandem-audit", "sequence", "number", "N"),
    )
    for name, partition, sort, kind in tables:
        clients.dynamodb().create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": partition, "KeyType": "HASH"},
                {"AttributeName": sort, "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": partition, "AttributeType": "S"},
                {"AttributeName": sort, "AttributeType": kind},
            ],
        )


def _bus() -> None:
    queue = boto3.client("sqs").create_queue(QueueName="everything")["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue.rsplit('/', 1)[-1]}"
    clients.events().create_event_bus(Name="tandem")
    clients.events().put_rule(Name="all", EventBusName="tandem", EventPattern='{"source": ["tandem"]}')
    clients.events().put_targets(Rule="all", EventBusName="tandem", Targets=[{"Id": "queue", "Arn": arn}])
