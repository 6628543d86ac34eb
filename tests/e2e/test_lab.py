"""The lab plays AWS's part truly enough to rely on: who is told what, who may do what, and how it ends."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from lab.cloud import Cloud
from lab.deploy import ROOT
from lab.forward import Forwarder
from lab.queues import Notifications, Queue

PATIENCE = 60.0
PEER = "arn:aws:ec2:us-east-1:123456789012:route-server-peer/rsp-0a"
RECORD = {
    "resource_arn": PEER,
    "event_timestamp": 1700000000000,
    "type": "BGPStatus",
    "status": "DOWN",
    "message": None,
}
STOPPED = {
    "version": "0",
    "id": "1",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "123456789012",
    "time": "2026-01-01T00:00:00Z",
    "region": "us-east-1",
    "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-0a"],
    "detail": {"instance-id": "i-0a", "state": "stopped"},
}
RUNNING = STOPPED | {"id": "2", "detail": {"instance-id": "i-0a", "state": "running"}}
FUNCTION = """
import os, time, boto3
from botocore.exceptions import ClientError

def handler(event, context):
    time.sleep(event.get("sleep", 0))
    try:
        tags = [{"Key": "a", "Value": "b"}]
        return boto3.client("ec2").create_tags(Resources=[event["resource"]], Tags=tags)
    except ClientError as error:
        return error.response["Error"]
"""


@pytest.fixture(scope="module")
def bare():
    """The servers alone."""
    with Cloud(template=None) as running:
        yield running


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def test_a_published_message_arrives_with_its_attributes(bare):
    forwarder = Forwarder(bare.session)
    topic = forwarder.create_topic("route-server-rs-0a")
    people = Notifications(bare.session, topic)
    attributes = {
        "eventCode": {"DataType": "String", "StringValue": "ROUTE_SERVER_PEER_BGP_STATUS_CHANGE"},
        "affectedRouteServerPeerIds": {"DataType": "String.Array", "StringValue": '["rsp-0a"]'},
    }
    forwarder.publish(topic, "BGP for Route Server Peer rsp-0a is now DOWN.", attributes)
    (received,) = people.receive(PATIENCE)
    assert received.message == "BGP for Route Server Peer rsp-0a is now DOWN."
    assert received.attributes == {name: value["StringValue"] for name, value in attributes.items()}
    forwarder.delete_topic(topic)
    assert topic not in [found["TopicArn"] for found in bare.session.client("sns").list_topics()["Topics"]]


def test_a_peer_log_goes_where_its_delivery_leads_and_nowhere_else(bare):
    logs = bare.session.client("logs")
    logs.create_log_group(logGroupName="/peers")
    logs.put_delivery_source(name="rsp-0a", resourceArn=PEER, logType="EVENT_LOGS")
    destination = logs.put_delivery_destination(
        name="peers",
        outputFormat="json",
        deliveryDestinationConfiguration={
            "destinationResourceArn": "arn:aws:logs:us-east-1:123456789012:log-group:/peers"
        },
    )
    logs.create_delivery(
        deliverySourceName="rsp-0a",
        deliveryDestinationArn=destination["deliveryDestination"]["arn"],
        recordFields=["resource_arn", "event_timestamp", "type", "status", "message"],
    )
    forwarder = Forwarder(bare.session)
    forwarder.peer_log("rsp-0b", RECORD | {"resource_arn": PEER.replace("0a", "0b")})
    forwarder.peer_log("rsp-0a", RECORD)
    forwarder.peer_log("rsp-0a", RECORD | {"status": "UP"})

    def found():
        events = logs.filter_log_events(logGroupName="/peers")["events"]
        return events if len(events) > 1 else None

    events = wait_until(found)
    assert [json.loads(event["message"]) for event in events] == [RECORD, RECORD | {"status": "UP"}]


def test_an_ec2_event_reaches_the_targets_of_the_rules_that_match(bare):
    events = bare.session.client("events")
    queues = {}
    for name, state in (("stopped", "stopped"), ("running", "running")):
        pattern = {"source": ["aws.ec2"], "detail": {"state": [state]}}
        rule = events.put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
        queues[name] = Queue(bare.session, name, sender="events.amazonaws.com", source_arn=rule)
        events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": queues[name].arn}])
    for event in (STOPPED, RUNNING):
        Forwarder(bare.session).ec2_event(event)
    assert queues["stopped"].receive(PATIENCE) == [STOPPED]
    assert queues["running"].receive(PATIENCE) == [RUNNING]


@pytest.fixture(scope="module")
def function(bare):
    """A deployed function whose role may tag VPCs that carry `ours`, and nothing else."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    tag = {
        "Effect": "Allow",
        "Action": "ec2:CreateTags",
        "Resource": "arn:aws:ec2:*:*:vpc/*",
        "Condition": {"StringEquals": {"aws:ResourceTag/ours": "yes"}},
    }
    iam = bare.session.client("iam")
    role = iam.create_role(RoleName="tagger", AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="tagger", PolicyName="tag", PolicyDocument=document(tag))
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", FUNCTION)
    bare.session.client("lambda").create_function(
        FunctionName="tagger",
        Role=role,
        Runtime="python3.13",
        Handler="app.handler",
        Timeout=60,
        Code={"ZipFile": code.getvalue()},
    )
    bare.resources = {"tagger": "tagger"}
    return "tagger"


def document(statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_function_may_do_to_ec2_what_its_role_says(bare, function):
    ec2 = bare.session.client("ec2")
    ours, theirs = (ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"] for _ in range(2))
    ec2.create_tags(Resources=[ours], Tags=[{"Key": "ours", "Value": "yes"}])
    refused = bare.invoke(function, {"resource": theirs})
    assert refused["Code"] == "UnauthorizedOperation"
    assert "role/tagger is not authorized to perform ec2:CreateTags" in refused["Message"]
    assert bare.invoke(function, {"resource": ours})["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_the_roles_hold_for_everything_but_ec2_too(bare, function):
    code = "import boto3\ndef handler(event, context): boto3.client('sqs').create_queue(QueueName='mine')"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("app.py", code)
    functions = bare.session.client("lambda")
    configuration = functions.get_function(FunctionName=function)["Configuration"]
    functions.create_function(
        FunctionName="stranger",
        Role=configuration["Role"],
        Runtime="python3.13",
        Handler="app.handler",
        Code={"ZipFile": archive.getvalue()},
    )
    bare.resources["stranger"] = "stranger"
    with pytest.raises(RuntimeError, match="not authorized to perform: sqs:"):
        bare.invoke("stranger", {})


def test_a_function_can_be_killed_in_the_middle_of_its_work(bare, function):
    bare.session.client("lambda").invoke(
        FunctionName=function, InvocationType="Event", Payload=b'{"sleep": 50, "resource": "vpc-1"}'
    )
    (worker, *_) = wait_until(lambda: bare.workers(function))
    worker.kill()
    wait_until(lambda: worker not in bare.workers(function))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_however_it_ends(number):
    script = (
        "import signal, time; from lab.cloud import Cloud\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a job in the background has it ignored
        "with Cloud(template=None) as cloud: print(cloud.directory, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    directory = Path(process.stdout.readline().strip())
    assert processes_of(directory)
    process.send_signal(number)
    process.wait(timeout=PATIENCE)
    wait_until(lambda: not directory.exists())
    assert processes_of(directory) == []


def processes_of(directory):
    """Returns those that were started in it, or with it in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdecimal() and os.fsencode(directory) in (entry / "environ").read_bytes():
                found.append(entry.name)
    return found


def test_the_operator_is_not_refused(bare):
    with pytest.raises(ClientError, match=r"InvalidVpcID\.NotFound"):
        bare.session.client("ec2").delete_vpc(VpcId="vpc-0123456789abcdef0")
