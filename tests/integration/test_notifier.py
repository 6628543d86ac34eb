"""The notifier function: what people get through SNS, and what filters and machines find beside it."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest

from tandem.adapters import clients
from tandem.errors import ConfigurationError
from tandem.events import DetailType, Event
from tandem.words.notification import TOLD, notification
from tests.functions import Context, Inbox, Said, aws, cold_start
from tests.samples import names, ours, sample

PEOPLE = [n for n in ours() if sample(n)["detail-type"] in TOLD]


@contextmanager
def notifier(**filters):
    """The function, and an inbox for each filter."""
    with aws(TANDEM_NOTIFICATION_TOPIC="arn:aws:sns:us-east-1:123456789012:people"):
        topic = clients.sns().create_topic(Name="people")["TopicArn"]
        yield cold_start("notifier"), {name: Inbox(topic, name, policy) for name, policy in filters.items()}


def test_each_decision_outcome_and_finding_reaches_people_in_words(capsys):
    with notifier(all=None) as (app, inboxes):
        for name in PEOPLE:
            app.handler(sample(name), Context())
            (message,) = inboxes["all"].read()
            assert message["Subject"].startswith("Tandem edge"), name
            assert len(message["Subject"]) < 100, name
            attributes = {key: value["Value"] for key, value in message["MessageAttributes"].items()}
            assert json.loads(attributes.pop("detail")) == sample(name)["detail"], name
            assert attributes["detail_type"] == sample(name)["detail-type"], name
            assert {"topology", "severity", "action"} <= set(attributes), name
            assert ("group" in attributes) == ("group" in sample(name)["detail"]), name
    said = Said(capsys)
    assert said.messages == ["notification sent"] * len(PEOPLE)
    assert said.metric("NotificationsSent") == len(PEOPLE)


def test_the_text_is_the_message_itself():
    with notifier(all=None) as (app, inboxes):
        app.handler(sample("failover-completed"), Context())
        (message,) = inboxes["all"].read()
    assert message["Message"].startswith("Tandem moved 2 Elastic IPs of internet-edge (topology edge) to fw2")
    assert "Audit: failover#edge, record 18, hash " in message["Message"]


def test_filters_choose_by_attributes():
    filters = {
        "pager": {"severity": ["critical"]},
        "holds": {"action": ["hold"]},
        "other": {"topology": ["another"]},
    }
    with notifier(**filters) as (app, inboxes):
        for name in ("failover-decision", "failover-decision-hold", "failover-failed"):
            app.handler(sample(name), Context())
        read = {name: [m["Subject"] for m in inbox.read()] for name, inbox in inboxes.items()}
    assert len(read["pager"]) == 2
    assert [subject.split(": ")[1] for subject in read["holds"]] == ["OUTAGE"]
    assert read["other"] == []


def test_whatever_else_comes_is_logged_and_left(capsys):
    others = [name for name in names() if name not in PEOPLE]
    with notifier(all=None) as (app, inboxes):
        for name in others:
            app.handler(sample(name), Context())
            assert inboxes["all"].read() == [], name
    said = Said(capsys)
    assert said.messages == ["event ignored"] * len(others)
    assert said.metric("EventsIgnored") == len(others)


def test_a_detail_type_of_a_later_version_is_logged_and_left(capsys):
    with notifier() as (app, _):
        app.handler({"source": "tandem", "detail-type": "Coffee Break", "detail": {}}, Context())
    (line,) = Said(capsys).logs
    assert (line["message"], line["detail_type"]) == ("event ignored", "Coffee Break")


def test_a_topic_that_is_gone_makes_lambda_try_again():
    with aws(TANDEM_NOTIFICATION_TOPIC="arn:aws:sns:us-east-1:123456789012:gone"):
        app = cold_start("notifier")
        with pytest.raises(clients.sns().exceptions.NotFoundException):
            app.handler(sample("failover-decision"), Context())


def test_a_missing_topic_is_one_clear_configuration_error():
    with aws(), pytest.raises(ConfigurationError, match="TANDEM_NOTIFICATION_TOPIC"):
        cold_start("notifier")


def test_a_detail_too_large_for_sns_stays_behind_and_the_text_goes():
    event = sample("failover-decision-hold")
    event["detail"]["addresses"] *= 400
    with notifier(all=None) as (app, inboxes):
        app.handler(event, Context())
        (message,) = inboxes["all"].read()
    assert "detail" not in message["MessageAttributes"]
    assert "and 775 more" in message["Message"]


def test_every_detail_type_is_either_told_or_left_on_purpose():
    left = {d for d in DetailType if d not in TOLD}
    assert {str(d) for d in left} == {
        "Peer State Change", "Route Change", "Endpoint Maintenance", "Look",
    }  # fmt: skip
    assert all(notification(Event(d, {"topology": "edge"})) is None for d in left)
