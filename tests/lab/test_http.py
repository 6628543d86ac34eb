"""The lab over HTTP: SDK, command line, levers, real overlap, real breaks."""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError

from lab.ec2 import Timings, concurrency, serve
from lab.ec2.scenario import edge
from tests.lab.support import PATIENCE, refused

AWS = Path(sys.executable).with_name("aws")


def client(server, region="us-east-1", key="ASIAIOSFODNN7EXAMPLE"):
    session = boto3.Session(aws_access_key_id=key, aws_secret_access_key="x", aws_session_token="y")
    config = Config(max_pool_connections=60, retries={"total_max_attempts": 1})
    return session.client("ec2", region_name=region, endpoint_url=server.url, config=config)


@pytest.fixture(scope="module")
def server():
    with serve(timings=Timings.instant()) as running:
        yield running


@pytest.fixture(scope="module")
def ec2(server):
    return client(server)


@pytest.fixture(scope="module")
def world(server, ec2):
    return edge(ec2, server.levers, sleep=lambda _: wait(0.01))


@pytest.fixture(autouse=True)
def healthy(server, world):
    server.lab.requests.clear()
    yield
    server.levers.faults_clear()
    server.lab.requests.clear()


def call(server, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, data=data, method=method)  # noqa: S310
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
        return json.load(answer)


def wait(duration_s):
    threading.Event().wait(duration_s)


def until(condition):
    """Real time passes in the server; give it a little."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        wait(0.01)


def test_a_round_trip_through_the_sdk(ec2, world):
    routes = ec2.get_route_server_routing_database(RouteServerId=world["route_server_id"])["Routes"]
    assert len(routes) == 4
    assert len(ec2.describe_addresses()["Addresses"]) == 4


def test_everyone_lands_in_the_same_account_whatever_their_key(server, world):
    keys = ["AKIAIOSFODNN7EXAMPLE", "ASIAZZZZZZZZZZZZZZZZ", "short"]
    for key in keys:
        ec2 = client(server, key=key)
        (row,) = ec2.describe_route_servers(RouteServerIds=[world["route_server_id"]])["RouteServers"]
        assert row["SnsTopicArn"].split(":")[4] == "123456789012"
    callers = [entry["caller"] for entry in call(server, "GET", "/lab/requests")["requests"]]
    assert callers == keys


def test_other_regions_are_other_worlds(server, world):
    assert client(server, region="eu-central-1").describe_route_servers()["RouteServers"] == []
    assert call(server, "GET", "/lab/world?region=eu-central-1")["route_servers"] == []


def test_a_round_trip_through_the_command_line(server):
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-west-2",
        "AWS_EC2_METADATA_DISABLED": "true",
    }

    def aws(*words):
        done = subprocess.run(
            [sys.executable, AWS, "ec2", *words, "--endpoint-url", server.url],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    made = aws("create-route-server", "--amazon-side-asn", "65000")["RouteServer"]
    shown = aws("describe-route-servers", "--route-server-ids", made["RouteServerId"])
    assert shown["RouteServers"][0]["AmazonSideAsn"] == 65000


def test_a_filter_may_have_a_bare_value(server, world):
    body = (
        "Action=DescribeAddresses&Version=2016-11-15"
        f"&Filter.1.Name=allocation-id&Filter.1.Value={world['elastic_ips']['eip1']['allocation_id']}"
    ).encode()
    request = urllib.request.Request(server.url + "/", data=body, method="POST")  # noqa: S310
    request.add_header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
        text = answer.read().decode()
    assert text.count("<publicIp>") == 1


def test_fifty_requests_overlap(server, ec2, world):
    server.levers.fault("AssociateAddress", latency_s=1)

    def associate(number):
        ec2.associate_address(
            AllocationId=world["elastic_ips"]["eip1"]["allocation_id"],
            NetworkInterfaceId=world["interfaces"]["fw2"],
            PrivateIpAddress=f"10.0.2.{20 + number % 4}",
        )

    server.lab.requests.clear()
    with ThreadPoolExecutor(50) as pool:
        list(pool.map(associate, range(50)))
    log = call(server, "GET", "/lab/requests")["requests"]
    assert len(log) == 50
    assert {entry["outcome"] for entry in log} == {"OK"}
    # client and server share this process and, on a busy machine, little of it
    assert concurrency(log) >= 10


def test_the_request_log_can_be_read_from_a_number_and_cleared(server, ec2, world):
    ec2.describe_vpcs()
    ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [world["vpc_id"]]}])
    first, second = call(server, "GET", "/lab/requests")["requests"]
    assert (first["action"], second["action"]) == ("DescribeVpcs", "DescribeSubnets")
    assert second["params"] == {"Filters": [{"Name": "vpc-id", "Values": [world["vpc_id"]]}]}
    assert call(server, "GET", f"/lab/requests?since={first['sequence']}")["requests"] == [second]
    call(server, "DELETE", "/lab/requests")
    assert call(server, "GET", "/lab/requests")["requests"] == []


def test_user_data_is_not_logged(server, ec2, world):
    ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1, UserData="password")
    assert "password" not in json.dumps(call(server, "GET", "/lab/requests"))
    assert "UserData" not in call(server, "GET", "/lab/requests")["requests"][0]["params"]


def test_a_break_cuts_the_connection_and_the_next_call_works(server, ec2, world):
    call(server, "POST", "/lab/fault", {"action": "DescribeAddresses", "break_s": 0.2, "count": 1})
    with pytest.raises(ConnectionClosedError):
        ec2.describe_addresses()
    assert len(ec2.describe_addresses()["Addresses"]) == 4


def test_what_aws_leaves_open_is_a_501(ec2, world):
    with refused("LabNotImplemented") as caught:
        ec2.get_route_server_routing_database(
            RouteServerId=world["route_server_id"], Filters=[{"Name": "x", "Values": ["y"]}]
        )
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert "are not documented" in str(caught.value)


def test_levers_work_over_http_and_the_world_shows_it(server, world):
    def now():
        shown = call(server, "GET", "/lab/world")
        (one,) = [one for one in shown["route_servers"] if one["id"] == world["route_server_id"]]
        return shown, one

    shown, one = now()
    assert one["owners"] == {"0.0.0.0/0": "fw1"}
    assert {appliance["name"]: appliance["alive"] for appliance in shown["appliances"]} == {
        "fw1": True,
        "fw2": True,
    }
    assert {peer["appliance"] for peer in one["peers"]} == {"fw1", "fw2"}
    assert len(one["endpoints"]) == 4
    call(server, "POST", "/lab/kill", {"name": "fw1"})
    until(lambda: now()[1]["owners"] == {"0.0.0.0/0": "fw2"})
    eip = world["elastic_ips"]["eip2"]
    call(
        server,
        "POST",
        "/lab/associate_as_stranger",
        {
            "allocation_id": eip["allocation_id"],
            "network_interface_id": world["interfaces"]["fw2"],
            "private_ip": eip["targets"]["fw2"],
        },
    )
    (row,) = [row for row in now()[0]["elastic_ips"] if row["allocation_id"] == eip["allocation_id"]]
    assert (row["appliance"], row["private_ip"]) == ("fw2", "10.0.2.21")
    call(server, "POST", "/lab/restore", {"name": "fw1"})
    until(lambda: now()[1]["owners"] == {"0.0.0.0/0": "fw1"})
    assert now()[0]["failures"] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "names"),
    [
        ("POST", "/lab/kill", {"name": "fw9"}, "fw1, fw2"),
        ("POST", "/lab/kill", {"nam": "fw1"}, "name"),
        ("POST", "/lab/kill", ["fw1"], "object"),
        ("POST", "/lab/nothing", {}, "associate_as_stranger"),
        ("POST", "/lab/advertise", {"name": "fw1", "prefix": 7}, "prefix"),
        ("POST", "/lab/maintenance", {"endpoint": "az1-a", "seconds": "x"}, "seconds"),
        ("GET", "/lab/requests?since=x", None, "sequence"),
    ],
)
def test_impossible_levers_are_a_400_that_says_what_would_be_right(server, world, method, path, body, names):
    with pytest.raises(urllib.error.HTTPError) as caught:
        call(server, method, path, body)
    assert caught.value.code == 400
    assert names in json.load(caught.value)["error"]


def test_it_listens_on_this_machine_only(server):
    assert server.url.startswith("http://127.0.0.1:")
    with pytest.raises(ValueError, match=r"127\.0\.0\.1"):
        serve(host="0.0.0.0")  # noqa: S104


def test_it_runs_as_a_process_of_its_own():
    process = subprocess.Popen(
        [sys.executable, "-m", "lab.ec2", "--port", "0", "--instant"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        with urllib.request.urlopen(url + "/lab/world", timeout=PATIENCE) as answer:  # noqa: S310
            assert json.load(answer)["route_servers"] == []
    finally:
        process.terminate()
        assert process.wait(PATIENCE) == 0
        process.communicate()


def raw(server, query):
    """Status, content type and body of an unsigned query."""
    request = urllib.request.Request(server.url + "/", data=query.encode(), method="POST")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


@pytest.mark.parametrize(
    ("query", "code", "word"),
    [
        ("Action=DescribeRouteServers&MaxResults=many", "InvalidParameterValue", "many"),
        ("Action=CreateRouteServer&AmazonSideAsn=AS65000", "InvalidParameterValue", "AS65000"),
        ("Action=CreateRouteServer&AmazonSideAsn=6_5_0", "InvalidParameterValue", "6_5_0"),
        ("Action=CreateRouteServer&AmazonSideAsn=65000&DryRun=perhaps", "InvalidParameterValue", "perhaps"),
        ("Action=DescribeRouteSurvers", "InvalidAction", "DescribeRouteSurvers"),
        ("Action=%3Cb%3E", "InvalidAction", "&lt;b&gt;"),
        ("Version=2016-11-15", "MissingAction", "Action"),
        ("", "MissingAction", "Action"),
    ],
)
def test_a_query_that_is_no_request_is_answered_as_ec2_does(server, query, code, word):
    status, kind, body = raw(server, query and query + "&Version=2016-11-15")
    assert status == 400
    assert "xml" in kind
    assert f"<Code>{code}</Code>" in body
    assert word in body
    assert call(server, "GET", "/lab/world")["failures"] == []


def test_a_query_that_was_no_request_is_in_the_log(server):
    raw(server, "Action=DescribeRouteSurvers&Version=2016-11-15")
    (entry,) = call(server, "GET", "/lab/requests")["requests"]
    assert (entry["action"], entry["outcome"]) == ("DescribeRouteSurvers", "InvalidAction")
