"""Carries what the emulated Route Server and EC2 say to the services that AWS would use for it."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from lab.session import Session

if TYPE_CHECKING:
    from mypy_boto3_events.type_defs import TargetOutputTypeDef

logger = logging.getLogger(__name__)

_PLACEHOLDER = re.compile(r"<([^<>]+)>")
_BUS_HOPS = 2  # EventBridge forwards an event from one bus to another, but not on to a third

_BATCH_SECONDS = 0.5

Record = Mapping[str, Any]


class Forwarder:
    """The lab's `Sink`, over ministack. A receiver that fails is logged and loses its message, as on AWS."""

    def __init__(self, session: Session) -> None:
        self._sns = session.client("sns")
        self._logs = session.client("logs")
        self._events = session.client("events")
        self._lambda = session.client("lambda")
        self._sqs = session.client("sqs")
        self._peer_logs = Batches(self._deliver)

    def create_topic(self, name: str) -> str:
        return self._sns.create_topic(Name=name)["TopicArn"]

    def delete_topic(self, arn: str) -> None:
        self._sns.delete_topic(TopicArn=arn)

    def publish(self, topic_arn: str, message: str, attributes: Mapping[str, Mapping[str, str]]) -> None:
        typed: Any = {name: dict(value) for name, value in attributes.items()}
        try:
            self._sns.publish(TopicArn=topic_arn, Message=message, MessageAttributes=typed)
        except (ClientError, BotoCoreError) as error:
            logger.warning("not published to %s: %s", topic_arn, error)

    def peer_log(self, peer_id: str, record: Record) -> None:
        """Into every log group that a delivery of this peer leads to: ministack only keeps deliveries."""
        self._peer_logs.add(peer_id, record)

    def _deliver(self, peer_id: str, records: Sequence[Record]) -> None:
        try:
            for group, fields in self._deliveries(str(records[0]["resource_arn"])):
                self._write(
                    group,
                    peer_id,
                    [json.dumps({name: record[name] for name in fields or record}) for record in records],
                )
        except (ClientError, BotoCoreError) as error:
            logger.warning("peer log of %s not delivered: %s", peer_id, error)

    def _deliveries(self, peer_arn: str) -> Iterator[tuple[str, list[str]]]:
        """Log group and chosen fields of each delivery whose source is this peer."""
        sources = {
            source["name"]
            for source in self._logs.describe_delivery_sources()["deliverySources"]
            if peer_arn in source["resourceArns"]
        }
        if not sources:
            return
        groups = {
            destination["arn"]: destination["deliveryDestinationConfiguration"]["destinationResourceArn"]
            for destination in self._logs.describe_delivery_destinations()["deliveryDestinations"]
        }
        for delivery in self._logs.describe_deliveries()["deliveries"]:
            group = groups.get(delivery["deliveryDestinationArn"], "")
            if delivery["deliverySourceName"] in sources and ":log-group:" in group:
                yield group.split(":log-group:")[1].removesuffix(":*"), delivery.get("recordFields", [])

    def _write(self, group: str, stream: str, messages: Sequence[str]) -> None:
        with contextlib.suppress(self._logs.exceptions.ResourceAlreadyExistsException):
            self._logs.create_log_stream(logGroupName=group, logStreamName=stream)
        at = round(time.time() * 1000)
        self._logs.put_log_events(
            logGroupName=group,
            logStreamName=stream,
            logEvents=[{"timestamp": at, "message": message} for message in messages],
        )

    def ec2_event(self, event: Record) -> None:
        """PutEvents refuses AWS's sources, here as there: so match the rules, and call their targets."""
        try:
            self._dispatch(event, "default", _BUS_HOPS)
        except (ClientError, BotoCoreError) as error:
            logger.warning("event %s not delivered: %s", event.get("detail-type"), error)

    def _dispatch(self, event: Record, bus: str, hops: int) -> None:
        text = json.dumps(event)
        for page in self._events.get_paginator("list_rules").paginate(EventBusName=bus):
            for rule in page["Rules"]:
                pattern = rule.get("EventPattern")
                if rule["State"] == "DISABLED" or not pattern:
                    continue
                if self._events.test_event_pattern(EventPattern=pattern, Event=text)["Result"]:
                    self._call_targets(rule["Name"], event, bus, hops)

    def _call_targets(self, rule: str, event: Record, bus: str, hops: int) -> None:
        for target in self._events.list_targets_by_rule(Rule=rule, EventBusName=bus)["Targets"]:
            arn = target["Arn"]
            match arn.split(":")[2]:
                case "lambda":
                    payload = shaped(event, target)
                    self._lambda.invoke(FunctionName=arn, InvocationType="Event", Payload=payload.encode())
                case "sqs":
                    url = self._sqs.get_queue_url(QueueName=arn.rsplit(":", 1)[1])["QueueUrl"]
                    self._sqs.send_message(QueueUrl=url, MessageBody=shaped(event, target))
                case "sns":
                    self._sns.publish(TopicArn=arn, Message=shaped(event, target))
                case "events" if hops > 1:
                    self._dispatch(event, arn.rsplit("/", 1)[1], hops - 1)
                case service:
                    logger.warning("rule %s: the lab calls no target of %s (%s)", rule, service, arn)


class Batches:
    """Gathers what comes within a moment under one key and hands it over together, as CloudWatch Logs does:
    each record by itself would be an invocation."""

    def __init__(self, hand_over: Callable[[str, Sequence[Record]], None]) -> None:
        self._hand_over = hand_over
        self._waiting: dict[str, list[Record]] = {}
        self._lock = threading.Lock()

    def add(self, key: str, record: Record) -> None:
        with self._lock:
            waiting = self._waiting.setdefault(key, [])
            waiting.append(record)
            if len(waiting) == 1:
                timer = threading.Timer(_BATCH_SECONDS, self._flush, [key])
                timer.daemon = True
                timer.start()

    def _flush(self, key: str) -> None:
        with self._lock:
            records = self._waiting.pop(key)
        self._hand_over(key, records)


def shaped(event: Record, target: TargetOutputTypeDef) -> str:
    """Returns what a target receives: the event, a part of it, a constant, or a text filled in from it."""
    if "Input" in target:
        return target["Input"]
    if "InputPath" in target:
        return json.dumps(_at(event, target["InputPath"]))
    transformer = target.get("InputTransformer")
    if transformer is None:
        return json.dumps(event)
    values = {name: _at(event, path) for name, path in transformer.get("InputPathsMap", {}).items()}
    return _PLACEHOLDER.sub(lambda found: _filled(found, values), transformer["InputTemplate"])


def _filled(found: re.Match[str], values: Mapping[str, Any]) -> str:
    """A string inside quotes stays bare; outside it gets them; an object is JSON."""
    value = values.get(found[1], "")
    quoted = found.string[: found.start()].count('"') % 2 == 1
    return value if isinstance(value, str) and quoted else json.dumps(value)


def _at(event: Record, path: str) -> Any:  # noqa: ANN401
    value: Any = event
    for part in filter(None, path.removeprefix("$").split(".")):
        value = value.get(part, "") if isinstance(value, Mapping) else ""
    return value
