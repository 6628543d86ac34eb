"""Describes what leaves the stack, kept in queues to be read: notifications to people, events on the bus."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lab.session import Session

_WAIT_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Notification:
    """One message as a subscriber of the topic receives it."""

    at: datetime
    subject: str
    message: str
    attributes: dict[str, str]


class Queue:
    """One queue, and the sender that may put messages into it."""

    def __init__(self, session: Session, name: str, *, sender: str, source_arn: str) -> None:
        self._sqs = session.client("sqs")
        self._url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        known = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        self.arn = known["Attributes"]["QueueArn"]
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": sender},
                    "Action": "sqs:SendMessage",
                    "Resource": self.arn,
                    "Condition": {"ArnEquals": {"aws:SourceArn": source_arn}},
                }
            ],
        }
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": json.dumps(policy)})

    def receive(self, seconds: float) -> list[dict[str, Any]]:
        """The bodies that are there; if none is, the first that come within `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            wait = min(_WAIT_SECONDS, max(0, round(deadline - time.monotonic())))
            answer = self._sqs.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=wait
            )
            messages = answer.get("Messages", [])
            for message in messages:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
            if messages or time.monotonic() >= deadline:
                return [json.loads(message["Body"]) for message in messages]


class Notifications:
    """Subscribes on creation; what is published after that is kept until it is read."""

    def __init__(self, session: Session, topic_arn: str) -> None:
        self._queue = Queue(session, "lab-notifications", sender="sns.amazonaws.com", source_arn=topic_arn)
        session.client("sns").subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=self._queue.arn)

    def receive(self, seconds: float = 0.0) -> list[Notification]:
        """Returns those that are there; if none is, the first that come within `seconds`."""
        return [_notification(envelope) for envelope in self._queue.receive(seconds)]


class BusEvents:
    """A rule of the lab's own on the stack's bus: every event of Tandem, as a whole envelope."""

    def __init__(self, session: Session, bus: str) -> None:
        events = session.client("events")
        rule_arn = events.put_rule(
            Name="lab-events", EventBusName=bus, EventPattern=json.dumps({"source": ["tandem"]})
        )["RuleArn"]
        self._queue = Queue(session, "lab-events", sender="events.amazonaws.com", source_arn=rule_arn)
        events.put_targets(
            Rule="lab-events", EventBusName=bus, Targets=[{"Id": "queue", "Arn": self._queue.arn}]
        )

    def receive(self, seconds: float = 0.0) -> list[dict[str, Any]]:
        """Returns those that are there; if none is, the first that come within `seconds`."""
        return self._queue.receive(seconds)


def _notification(envelope: Mapping[str, Any]) -> Notification:
    attributes = {name: value["Value"] for name, value in envelope.get("MessageAttributes", {}).items()}
    return Notification(
        at=datetime.fromisoformat(envelope["Timestamp"]),
        subject=envelope.get("Subject") or "",
        message=envelope["Message"],
        attributes=attributes,
    )
