"""Tests what an EventBridge target receives of an event that the lab delivers itself."""

import json

import pytest

from lab.forward import shaped

EVENT = {
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "detail": {"instance-id": "i-0a", "state": "stopped"},
}


def transformer(template, **paths):
    return {"Id": "1", "Arn": "a", "InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}}


@pytest.mark.parametrize(
    ("target", "received"),
    [
        ({}, EVENT),
        ({"Input": '{"look": true}'}, {"look": True}),
        ({"InputPath": "$.detail"}, EVENT["detail"]),
        ({"InputPath": "$.detail.state"}, "stopped"),
        (transformer('{"state": <s>}', s="$.detail.state"), {"state": "stopped"}),
        (
            transformer('{"text": "<i> is <s>"}', i="$.detail.instance-id", s="$.detail.state"),
            {"text": "i-0a is stopped"},
        ),
        (transformer('{"all": <d>}', d="$.detail"), {"all": EVENT["detail"]}),
        (transformer('{"none": <x>}', x="$.detail.nothing.here"), {"none": ""}),
    ],
)
def test_a_target_receives_what_its_rule_says(target, received):
    assert json.loads(shaped(EVENT, target)) == received
