"""Judges a story or a storm: who was moved, what people were told, whether the audit trail is whole."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any
from unittest import mock

from tandem.adapters import clients
from tandem.audit import RecordKind
from tandem.failover.decision import Action
from tandem.words.notification import TOLD
from tests.functions import Context, cold_start
from tests.stack import Stack

STRANGER = "AKIAIOSFODNN7EXAMPLE"
"""Who calls in a story through the lab's own client; the functions have another key."""

TOPIC = "arn:aws:sns:us-east-1:123456789012:people"


def moved(s: Stack) -> list[str]:
    """Returns the name of the Elastic IP in each AssociateAddress that EC2 took from Tandem, in order."""
    names = {e["allocation_id"]: name for name, e in s.ids["elastic_ips"].items()}
    made = s.calls("AssociateAddress")
    taken = [c["params"]["AllocationId"] for c in made if c["outcome"] == "OK" and c["caller"] != STRANGER]
    return [names[allocation_id] for allocation_id in taken]


def reasons(s: Stack) -> list[str]:
    """Returns the reason of each hold that was recorded, oldest first."""
    holds = [r.body for r in s.audit() if r.body["kind"] == RecordKind.HOLD]
    return [group["reason"] for body in holds for group in body["groups"].values()]


def told(s: Stack) -> list[str]:
    """Returns the subject of each message that people got since the last time, through the real notifier."""
    return notified(s, s.events())


def notified(s: Stack, events: Iterable[dict[str, Any]]) -> list[str]:
    """Returns the subjects of the messages that the real notifier sends for these events."""
    subjects = []
    with mock.patch.dict(os.environ, {"TANDEM_NOTIFICATION_TOPIC": TOPIC}):
        clients.sns().create_topic(Name="people")
        inbox = s.queues.create_queue(QueueName="people")["QueueUrl"]
        clients.sns().subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=TOPIC.replace("sns", "sqs"))
        notifier = cold_start("notifier")
        for event in events:
            if event["detail-type"] not in TOLD:
                continue
            notifier.handler(event, Context())
            (message,) = s.queues.receive_message(QueueUrl=inbox)["Messages"]
            s.queues.delete_message(QueueUrl=inbox, ReceiptHandle=message["ReceiptHandle"])
            subjects.append(json.loads(message["Body"])["Subject"])
    own = [s.removeprefix("Tandem edge/internet-edge: ") for s in subjects]
    return [re.sub(r" (in|after) [\d.]+ s$", "", subject) for subject in own]


def whole(s: Stack) -> None:
    """Asserts that every intent has its outcome, every move its intent, every end its hold."""
    records = [record.body for record in s.audit()]
    intents = [r for r in records if r["kind"] == RecordKind.INTENT]
    outcomes = [r["decision_id"] for r in records if r["kind"] == RecordKind.OUTCOME]
    assert sorted(outcomes) == sorted(r["decision_id"] for r in intents)
    announced = Counter(
        address["allocation_id"]
        for intent in intents
        for group in intent["groups"].values()
        for address in group["addresses"]
        if address["action"] == Action.MOVE
    )
    ours = {s.ids["elastic_ips"][name]["allocation_id"]: n for name, n in Counter(moved(s)).items()}
    assert {name: n for name, n in ours.items() if n > announced[name]} == {}
    held: set[str] = set()
    for record in records:
        if record["kind"] == RecordKind.HOLD:
            held |= set(record["groups"])
        elif record["kind"] == RecordKind.HOLD_ENDED:
            assert set(record["groups"]) <= held
            held -= set(record["groups"])
