"""The provisioner as it is deployed, over moto and the lab's EC2, with every AWS call on record."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, Protocol, cast
from unittest import mock

import boto3
from moto.core.exceptions import JsonRESTError
from moto.logs.models import DeliverySource as MotoSource
from moto.logs.models import LogsBackend

from lab.ec2.authorizer import AllowAll, role_session
from lab.ec2.inprocess import LabEC2, lab_ec2
from lab.ec2.scenario import edge
from lab.ec2.signals import RecordingSink
from lab.ec2.timings import Behaviour, Timings
from tandem.adapters import clients
from tandem.adapters.topologies import TopologyStore
from tandem.events import from_envelope
from tests import awsclients
from tests.contracts import assert_meets_schema
from tests.crashing import Killed
from tests.shared_worlds import shared_world
from tests.topologies import document

ACCOUNT, REGION = "123456789012", "us-east-1"
GROUP = "/aws/vendedlogs/tandem/route-server-peer"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "TANDEM_STACK_NAME": "tandem",
    "TANDEM_STATE_TABLE": "tandem-state",
    "TANDEM_BUS_NAME": "tandem",
    "TANDEM_FAILOVER_FUNCTION": f"{FUNCTION}:failover",
    "TANDEM_FAILOVER_QUEUE": f"{QUEUE}:failover",
    "TANDEM_SIGNALS_FUNCTION": f"{FUNCTION}:signals",
    "TANDEM_SIGNALS_QUEUE": f"{QUEUE}:signals",
    "TANDEM_PEER_LOG_GROUP": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{GROUP}",
    "TANDEM_PROVISIONER_ROLE": "provisioner",
    "TANDEM_LOOPBACK_ANSWERS": "true",
    "TANDEM_RESOURCE_TAG_KEYS": "CostCenter",
    "POWERTOOLS_SERVICE_NAME": "provisioner",
    "POWERTOOLS_METRICS_NAMESPACE": "Tandem",
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
}
ENDPOINTS = ("az1-a", "az1-b", "az2-a", "az2-b")
READING = ("Describe", "Get", "List", "Lookup", "Query")


class Context:
    function_name = "provisioner"
    memory_limit_in_mb = 512
    invoked_function_arn = f"{FUNCTION}:provisioner"
    aws_request_id = "request"
    log_stream_name = "stream"


class VirtualTime:
    """The lab's clock: sleeping lets the lab's events happen."""

    def __init__(self, lab: LabEC2) -> None:
        self._clock = lab.clock

    def now(self):
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)


class Callers(AllowAll):
    """The process's own key is a session of the provisioner's role; any other is a user of that name."""

    def identity(self, access_key_id: str) -> Mapping[str, Any]:
        own = access_key_id == ENVIRONMENT["AWS_ACCESS_KEY_ID"]
        return role_session("provisioner", "provisioner") if own else super().identity(access_key_id)


class TopicSink(RecordingSink):
    """Route servers' topics are real ones of moto's SNS; AWS makes them, and no function dies of it."""

    def create_topic(self, name: str) -> str:
        return str(boto3.client("sns").create_topic(Name=name)["TopicArn"])

    def delete_topic(self, arn: str) -> None:
        boto3.client("sns").delete_topic(TopicArn=arn)


@dataclass
class Provisioner:
    """The function with its world. `calls` are the AWS calls of the function, never those of a test."""

    lab: LabEC2
    ids: dict[str, Any]
    app: ModuleType
    calls: list[str] = field(default_factory=list)
    every_call: list[str] = field(default_factory=list)

    def invoke(self, event: dict[str, Any], *, kill_at: int | None = None) -> dict[str, Any]:
        """Runs the function once; with `kill_at` its process dies before that one of its changing calls."""
        self.calls.clear()
        RECORDERS.append((self.calls, kill_at))
        try:
            return dict(self.app.handler(event, Context()))
        finally:
            self.every_call += self.calls
            RECORDERS.clear()

    def check(self, wanted: object = None, **order: Any) -> dict[str, Any]:
        return self.invoke({"action": "check", "document": wanted or self.document(), **order})

    def apply(self, wanted: object = None, **order: Any) -> dict[str, Any]:
        return self.invoke({"action": "apply", "document": wanted or self.document(), **order})

    def delete(self, name: str = "edge", **order: Any) -> dict[str, Any]:
        return self.invoke({"action": "delete", "topology": name, **order})

    def refresh(self) -> None:
        self.invoke({"action": "refresh"})

    def deliver(self) -> list[dict[str, Any]]:
        """Hands the function each event that waits on the bus; the events, all as their schemas say."""
        waiting = self.events()
        for envelope in waiting:
            self.invoke(envelope)
        return waiting

    def events(self) -> list[dict[str, Any]]:
        sqs = boto3.client("sqs")
        url = sqs.get_queue_url(QueueName="everything")["QueueUrl"]
        found = []
        while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            for message in batch:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                envelope = json.loads(message["Body"])
                event = from_envelope(envelope)
                assert event is not None
                assert_meets_schema(event)
                found.append(envelope)
        return found

    @property
    def changes(self) -> list[str]:
        """Returns the calls of the last invocation that change something."""
        return changing(self.calls)

    def document(self, **changes: Any) -> dict[str, Any]:
        """examples/edge.yaml with the scenario's IDs, as the demo makes it."""
        made, ids = document(), self.ids
        made["route_server"] |= {
            "id": ids.get("route_server_id"),
            "vpc_id": ids["vpc_id"],
            "endpoints": {name: ids["subnets"][name.partition("-")[0]] for name in ENDPOINTS},
            "propagate_to": [ids["route_tables"]["protected"]],
        }
        for name, appliance in made["appliances"].items():
            appliance["instance_id"] = ids["instances"][name]
        for spec, elastic_ip in zip(
            made["groups"][0]["elastic_ips"], ids["elastic_ips"].values(), strict=True
        ):
            spec["allocation_id"] = elastic_ip["allocation_id"]
            for name, target in spec["targets"].items():
                target["network_interface"] = ids["interfaces"][name]
        return made | changes

    def other(self, **changes: Any) -> dict[str, Any]:
        """Returns a second topology on the same route server."""
        group = {"name": "transit", "prefixes": ["10.20.0.0/16"]}
        return self.document(name="transit", groups=[group], **changes)

    @property
    def topic(self) -> str:
        server = boto3.client("ec2").describe_route_servers(RouteServerIds=[self.ids["route_server_id"]])
        return str(server["RouteServers"][0]["SnsTopicArn"])

    def subscribed(self, topic: str | None = None) -> dict[str, dict[str, Any]]:
        """Endpoint to redrive policy of the topic's subscriptions."""
        sns = boto3.client("sns")
        found = sns.list_subscriptions_by_topic(TopicArn=topic or self.topic)["Subscriptions"]
        attributes = {
            s["Endpoint"]: sns.get_subscription_attributes(SubscriptionArn=s["SubscriptionArn"])["Attributes"]
            for s in found
        }
        return {endpoint: json.loads(a.get("RedrivePolicy", "{}")) for endpoint, a in attributes.items()}

    def delivered(self) -> set[str]:
        """Returns the peers whose logs reach the stack's log group."""
        logs = boto3.client("logs")
        ours = {
            d["arn"]
            for d in logs.describe_delivery_destinations()["deliveryDestinations"]
            if d["deliveryDestinationConfiguration"]["destinationResourceArn"].endswith(f":log-group:{GROUP}")
            and d["outputFormat"] == "json"
        }
        sources = {
            s["name"]: s["resourceArns"][0].rpartition("/")[2]
            for s in logs.describe_delivery_sources()["deliverySources"]
            if s["logType"] == "EVENT_LOGS"
        }
        deliveries = logs.describe_deliveries()["deliveries"]
        return {sources[d["deliverySourceName"]] for d in deliveries if d["deliveryDestinationArn"] in ours}

    def peer_ids(self) -> set[str]:
        return {peer_id for peers in self.ids["peers"].values() for peer_id in peers.values()}

    def record(self, name: str = "edge"):
        return TopologyStore(clients.dynamodb(), "tandem-state").get(name)

    def put_item(self, **attributes: dict[str, str]) -> None:
        """Lays attributes over the stored topology `edge`."""
        key = {"kind": {"S": "topology"}, "id": {"S": "edge"}}
        item = boto3.client("dynamodb").get_item(TableName="tandem-state", Key=key)["Item"]
        boto3.client("dynamodb").put_item(TableName="tandem-state", Item={**item, **attributes})

    def provisioned(self, **changes: Any) -> None:
        """Records something else as provisioned for `edge`."""
        record = self.record()
        self.app.store.set_provisioned(record, replace(record.provisioned, **changes))

    def settle(self, seconds: float = 60) -> None:
        self.lab.clock.sleep(seconds)


def types(envelopes: list[dict[str, Any]]) -> list[str]:
    return [envelope["detail-type"] for envelope in envelopes]


def changing(calls: list[str]) -> list[str]:
    return [call for call in calls if not call.partition(":")[2].startswith(READING)]


@shared_world
def provisioner(
    *,
    build: Callable[..., dict[str, Any]] = edge,
    timings: Timings | None = None,
    behaviour: Behaviour | None = None,
    made: type[Provisioner] | None = None,
    **scenario: Any,
) -> Iterator[Provisioner]:
    """Yields the edge scenario, or another one, with an empty state table."""
    with (
        mock.patch.dict(os.environ, ENVIRONMENT),
        mock.patch.object(LogsBackend, "put_delivery_source", _put_delivery_source),
        mock.patch.object(LogsBackend, "delete_delivery_source", _delete_delivery_source),
        lab_ec2(sink=TopicSink(), authorizer=Callers(), timings=timings, behaviour=behaviour) as lab,
    ):
        awsclients.forget()
        clients.session().register("before-call", cast(Any, _record))
        clients.session().register("after-call", cast(Any, _answered))
        _table()
        _bus()
        ids = build(boto3.client("ec2"), lab.levers, sleep=lab.clock.sleep, **scenario)
        yield (made or Provisioner)(lab, ids, _load(lab))
    awsclients.forget()


@shared_world
def watching() -> Iterator[Provisioner]:
    """Yields the edge scenario, its topology stored and watched, and nothing left to tell."""
    with provisioner() as tandem:
        tandem.apply()
        tandem.deliver()
        assert types(tandem.events()) == ["Provisioning Completed"]
        yield tandem


RECORDERS: list[tuple[list[str], int | None]] = []


class Listener(Protocol):
    """Hears of every AWS call of the function, such as `ec2:DeleteRouteServerPeer`."""

    def before(self, call: str) -> None: ...

    def after(self, call: str) -> None: ...


LISTENERS: list[Listener] = []


class Remembering(Protocol):
    """Answers a call from what was answered before, or not at all."""

    def before(self, model: Any, params: dict[str, Any], context: dict[str, Any]) -> Any: ...

    def after(self, model: Any, answer: Any, context: dict[str, Any]) -> None: ...


READINGS: list[Remembering] = []


def _record(model: Any, params: dict[str, Any], context: dict[str, Any], **_: Any) -> Any:
    call = f"{model.service_model.service_name}:{model.name}"
    for calls, kill_at in RECORDERS:
        calls.append(call)
        if kill_at is not None and len(changing(calls)) >= kill_at:
            raise Killed
    for listener in LISTENERS if RECORDERS else ():
        listener.before(call)
    return next((r.before(model, params, context) for r in READINGS), None)


def _answered(model: Any, http_response: Any, parsed: Any, context: dict[str, Any], **_: Any) -> None:
    for readings in READINGS:
        readings.after(model, (http_response, parsed), context)
    for listener in LISTENERS if RECORDERS else ():
        listener.after(f"{model.service_model.service_name}:{model.name}")


def _load(lab: LabEC2) -> ModuleType:
    """Returns a fresh function, as a cold start makes it, on the lab's time."""
    sys.modules.pop("functions.provisioner.app", None)
    app = importlib.import_module("functions.provisioner.app")
    clock = VirtualTime(lab)
    vars(app).update(clock=clock, world=replace(vars(app)["world"], clock=clock))
    return app


def _table() -> None:
    boto3.client("dynamodb").create_table(
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
    boto3.client("sqs").create_queue(QueueName="everything")
    events = boto3.client("events")
    events.create_event_bus(Name="tandem")
    events.put_rule(Name="all", EventBusName="tandem", EventPattern='{"source": ["tandem"]}')
    events.put_targets(
        Rule="all", EventBusName="tandem", Targets=[{"Id": "queue", "Arn": f"{QUEUE}:everything"}]
    )
    boto3.client("logs").create_log_group(logGroupName=GROUP)


class ConflictError(JsonRESTError):
    code = 400

    def __init__(self, message: str) -> None:
        super().__init__("ConflictException", message)


class ForbiddenError(JsonRESTError):
    code = 400

    def __init__(self, message: str) -> None:
        super().__init__("AccessDeniedException", message)


def _put_delivery_source(
    self: LogsBackend, name: str, resource_arn: str, log_type: str, tags: Any
) -> MotoSource:
    """As AWS has it for route server peers, which moto refuses: one source a resource."""
    assert ":ec2:" in resource_arn
    assert log_type == "EVENT_LOGS"
    for source in self.delivery_sources.values():
        if resource_arn in source.resource_arns and source.name != name:
            raise ConflictError(
                "This ResourceId has already been used in another Delivery Source in this account."
            )
    made = MotoSource(
        account_id=self.account_id,
        region=self.region_name,
        name=name,
        resource_arn=resource_arn,
        log_type=log_type,
        tags=tags,
    )
    self.delivery_sources[name] = made
    return made


def _delete_delivery_source(self: LogsBackend, name: str) -> None:
    """AWS refuses while deliveries are associated (its API reference, DeleteDeliverySource)."""
    if any(d.delivery_source_name == name for d in self.deliveries.values()):
        raise ConflictError("Cannot delete a Delivery Source that has Deliveries.")
    self.delivery_sources.pop(name)
