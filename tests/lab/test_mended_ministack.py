"""Tests what the lab mends in ministack, and that it is still broken there."""

import json
import zipfile
from typing import Any

import pytest
from ministack.core import lambda_runtime
from ministack.core.iam_actions import dynamodb_service_context, extract_resource_arn, request_tag_context
from ministack.services import cloudwatch_logs, eventbridge

from lab.mended_ministack import (
    SharedZip,
    with_deliveries,
    with_log_groups,
    with_partitions,
    with_subscribers,
    with_subscriptions,
    with_tls,
)

ARN = "arn:aws:logs:us-east-1:123456789012:"


def resource(extract, action, **request):
    headers = {"x-amz-target": f"Logs_20140328.{action}"}
    body = json.dumps(request).encode()
    return extract("logs", "POST", "/", headers, body, {}, "us-east-1", "123456789012")


@pytest.mark.parametrize(
    ("action", "request_", "named"),
    [
        ("PutDeliverySource", {"name": "rsp-0a"}, "delivery-source:rsp-0a"),
        ("PutDeliveryDestination", {"name": "peers"}, "delivery-destination:peers"),
        ("CreateDelivery", {"deliverySourceName": "rsp-0a"}, "delivery-source:rsp-0a"),
        ("DeleteDelivery", {"id": "1"}, "delivery:1"),
    ],
)
def test_actions_on_log_deliveries_have_resources(action, request_, named):
    assert resource(extract_resource_arn, action, **request_) == "*"  # else the mend can go
    assert resource(with_deliveries(extract_resource_arn), action, **request_) == ARN + named


@pytest.mark.parametrize(
    ("action", "request_"), [("PutLogEvents", {"logGroupName": "/a"}), ("DescribeDeliveries", {})]
)
def test_the_resources_of_all_other_actions_are_ministacks(action, request_):
    own = resource(extract_resource_arn, action, **request_)
    assert resource(with_deliveries(extract_resource_arn), action, **request_) == own


@pytest.mark.parametrize("wrapped", [str, lambda value: [value]], ids=["text", "list"])
def test_the_end_of_a_subscription_concerns_its_topic(wrapped):
    topic = "arn:aws:sns:us-east-1:123456789012:route-server"
    parameters = {"Action": wrapped("Unsubscribe"), "SubscriptionArn": wrapped(f"{topic}:0a1b")}
    request: tuple[Any, ...] = ("sns", "POST", "/", {}, b"", parameters, "us-east-1", "123456789012")
    assert extract_resource_arn(*request) == "*"  # else the mend can go
    assert with_subscriptions(extract_resource_arn)(*request) == topic
    publish = (*request[:5], {"TopicArn": wrapped(topic)}, *request[6:])
    assert with_subscriptions(extract_resource_arn)(*publish) == extract_resource_arn(*publish)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"Key": {"kind": {"S": "topology"}, "id": {"S": "edge"}}}, ["topology"]),
        ({"Item": {"sequence": {"S": "failover#edge"}, "number": {"N": "1"}}}, ["failover#edge"]),
        (
            {
                "KeyConditionExpression": "#s = :s AND #n BETWEEN :first AND :last",
                "ExpressionAttributeNames": {"#s": "sequence", "#n": "number"},
                "ExpressionAttributeValues": {":s": {"S": "failover#edge"}, ":first": {"N": "1"}},
            },
            ["failover#edge"],
        ),
        (
            {"KeyConditionExpression": "kind = :k", "ExpressionAttributeValues": {":k": {"S": "look"}}},
            ["look"],
        ),
        ({"TableName": "state"}, None),
    ],
)
def test_a_call_to_a_table_is_about_a_partition(request_, expected):
    body = json.dumps(request_).encode()
    assert "dynamodb:LeadingKeys" not in dynamodb_service_context(body)  # else the mend can go
    found = with_partitions(dynamodb_service_context)(body)
    assert found.get("dynamodb:LeadingKeys") == expected
    assert found.get("dynamodb:Attributes") == (list(request_["Item"]) if "Item" in request_ else None)


@pytest.mark.parametrize("wrapped", [str, lambda value: [value]], ids=["text", "list"])
def test_a_subscription_says_who_subscribes(wrapped):
    parameters = {"Protocol": wrapped("lambda"), "Endpoint": wrapped("arn:function")}
    call: tuple[Any, ...] = ("sns", "sns:Subscribe", b"", parameters)
    assert "sns:Endpoint" not in request_tag_context(*call)  # else the mend can go
    found = with_subscribers(request_tag_context)(*call)
    assert (found["sns:Protocol"], found["sns:Endpoint"]) == ("lambda", "arn:function")
    publish = ("sns", "sns:Publish", b"", parameters)
    assert with_subscribers(request_tag_context)(*publish) == request_tag_context(*publish)


def test_an_archive_is_unpacked_once_and_shared(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for archive, text in (("one.zip", "same"), ("two.zip", "same"), ("three.zip", "other")):
        with zipfile.ZipFile(tmp_path / archive, "w") as written:
            written.writestr(zipfile.ZipInfo("python/module.py"), text)
    places = []
    for archive in ("one.zip", "two.zip", "three.zip"):
        place = tmp_path / f"for-{archive}"
        place.mkdir()
        with SharedZip(tmp_path / archive) as opened:
            opened.extractall(place)
        places.append(place)
    assert [(place / "python/module.py").read_text() for place in places] == ["same", "same", "other"]
    assert places[0].resolve() == places[1].resolve() != places[2].resolve()


def test_ministack_still_unpacks_as_the_mend_expects():
    assert lambda_runtime.zipfile is zipfile


def test_an_event_is_delivered_to_a_log_group():
    event = {"Source": "tandem", "DetailType": "Look", "Detail": '{"topology": "edge"}', "EventId": "1"}
    view = eventbridge._pattern_event_view(event)
    target = {"Arn": f"{ARN}log-group:/aws/events/own"}
    cloudwatch_logs._create_log_group({"logGroupName": "/aws/events/own"})

    def lines():
        found = cloudwatch_logs._filter_log_events({"logGroupName": "/aws/events/own"})
        return [json.loads(line["message"]) for line in json.loads(found[2])["events"]]

    try:
        eventbridge._invoke_target(target, event, {}, view)
        assert lines() == []  # else the mend can go
        with_log_groups(eventbridge._invoke_target, cloudwatch_logs)(target, event, {}, view)
        assert [(line["source"], line["detail"]) for line in lines()] == [("tandem", {"topology": "edge"})]
    finally:
        cloudwatch_logs._delete_log_group({"logGroupName": "/aws/events/own"})


def test_an_event_for_another_target_goes_ministacks_way():
    calls = []
    deliver = with_log_groups(lambda *request: calls.append(request), cloudwatch_logs)
    target = {"Arn": "arn:aws:sqs:us-east-1:123456789012:queue"}
    deliver(target, {"Source": "tandem"}, {})
    assert calls == [(target, {"Source": "tandem"}, {}, None)]


def test_a_call_on_this_machine_counts_as_one_by_tls():
    seen = []
    with_tls(lambda *origin: seen.append(origin))("127.0.0.1", False)
    assert seen == [("127.0.0.1", True)]
