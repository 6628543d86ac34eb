"""Tests what is managed, on the deployed stack: an empty VPC gets a Route Server, under the real
roles.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError
from mypy_boto3_ec2.type_defs import TagTypeDef

from lab.authority import credentials_of
from lab.cloud import Cloud
from lab.ec2.authorizer import mutates
from lab.ec2.scenario import appliances_only
from tandem.tags import STACK_TAG
from tests.topologies import document

PATIENCE_SECONDS = 300
SPELLINGS = ("tandem:stack", "Tandem:stack", "TANDEM:STACK", "tandem:Managed-By")
Attempt = tuple[Callable[..., Any], dict[str, Any]]
TAGS_OF_ENDPOINT = [
    {
        "ResourceType": "route-server-endpoint",
        "Tags": [
            {"Key": "tandem:managed-by", "Value": "tandem"},
            {"Key": "tandem:topology", "Value": "managed"},
        ],
    }
]
TANDEM = Path(sys.executable).with_name("tandem")
NAME = "managed"


def wait(what: str, done: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := done()):
        assert time.monotonic() < deadline, f"after {PATIENCE_SECONDS} s still not: {what}"
        time.sleep(0.5)
    return found


def command(cloud: Cloud, *arguments: str, wanted: object) -> subprocess.CompletedProcess[str]:
    file = cloud.directory / "managed.yaml"
    file.write_text(yaml.safe_dump(wanted), encoding="utf-8")
    return subprocess.run(
        [TANDEM, *arguments, file], env=cloud.environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def ids(cloud: Cloud) -> dict[str, Any]:
    """A second VPC beside the watched one, with appliances and no route server."""
    return appliances_only(cloud.session.client("ec2"), cloud.levers, prefix="managed-")


def wanted(ids: dict[str, Any], liveness: str = "bfd") -> dict[str, Any]:
    made = document() | {"name": NAME, "manage": True}
    made["route_server"] = {
        "vpc_id": ids["vpc_id"],
        "amazon_side_asn": 65000,
        "endpoints": {f"{az}-{n}": ids["subnets"][az] for az in ("az1", "az2") for n in "ab"},
        "propagate_to": [ids["route_tables"]["protected"]],
    }
    for name, appliance in made["appliances"].items():
        appliance |= {"instance_id": ids["instances"][name], "liveness": liveness}
    elastic_ips = ids["elastic_ips"].values()
    for spec, elastic_ip in zip(made["groups"][0]["elastic_ips"], elastic_ips, strict=True):
        spec["allocation_id"] = elastic_ip["allocation_id"]
        for name, target in spec["targets"].items():
            target["network_interface"] = ids["interfaces"][name]
    return made


def server(cloud: Cloud, ids: dict[str, Any]) -> dict[str, Any]:
    """The managed route server as the lab shows it; empty where there is none."""
    return next((s for s in cloud.levers.world()["route_servers"] if s["vpc_id"] == ids["vpc_id"]), {})


def up(cloud: Cloud, ids: dict[str, Any], liveness: str) -> bool:
    peers = [p for p in server(cloud, ids).get("peers", ()) if p["state"] == "available"]
    return len(peers) == 4 and all((p["bgp"], p["liveness"]) == ("up", liveness) for p in peers)


def has_ended(cloud: Cloud) -> bool:
    found = cloud.state("topology", NAME).get("provisioned", {}).get("S", "")
    return '"pending":[]' in found


def holders(cloud: Cloud, ids: dict[str, Any]) -> dict[str, str]:
    """Returns which appliance has each of the managed Elastic IPs."""
    ours = {address["allocation_id"] for address in ids["elastic_ips"].values()}
    shown = cloud.levers.world()["elastic_ips"]
    return {a["allocation_id"]: a["appliance"] for a in shown if a["allocation_id"] in ours}


def delete(cloud: Cloud, ids: dict[str, Any]) -> str:
    """Deletes the topology with all that was made for it; what the command printed."""
    ran = subprocess.run(
        [TANDEM, "delete", NAME, "--resources", "--yes"],
        env=cloud.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    wait("nothing is left", lambda: server(cloud, ids) == {} and cloud.state("topology", NAME) == {})
    return ran.stdout


@pytest.fixture
def liveness(cloud: Cloud, ids: dict[str, Any]) -> Iterator[str]:
    """The topology in force and at rest, managed-fw1 with the route and every address; its liveness."""
    stored = json.loads(cloud.state("topology", NAME).get("document", {"S": "{}"})["S"])
    found = stored["appliances"]["fw1"]["liveness"] if stored else "bfd"
    applied = command(cloud, "apply", "--yes", wanted=wanted(ids, found))
    assert applied.returncode == 0, applied.stdout + applied.stderr
    wait("all sessions up", lambda: up(cloud, ids, found) and has_ended(cloud))
    wait("managed-fw1 has every address", lambda: set(holders(cloud, ids).values()) == {"managed-fw1"})
    yield found
    cloud.levers.faults_clear()
    cloud.levers.restore("managed-fw1")


def test_an_empty_vpc_gets_what_the_document_says_under_the_deployed_role(
    cloud: Cloud, ids: dict[str, Any]
) -> None:
    if cloud.state("topology", NAME):
        delete(cloud, ids)
    before = cloud.levers.requests()[-1]["sequence"]
    said = command(cloud, "plan", wanted=wanted(ids))
    assert said.returncode == 0, said.stdout + said.stderr
    assert "1. create the route server (ASN 65000)" in said.stdout
    assert server(cloud, ids) == {}
    applied = command(cloud, "apply", "--yes", wanted=wanted(ids))
    assert applied.returncode == 0, applied.stdout + applied.stderr
    wait("all sessions up", lambda: up(cloud, ids, "bfd"))
    wait("the run has ended", lambda: has_ended(cloud))
    refused = [r for r in cloud.levers.requests(before) if r["outcome"] == "UnauthorizedOperation"]
    assert refused == []
    assert server(cloud, ids)["owners"] == {"0.0.0.0/0": "managed-fw1"}
    again = cloud.levers.requests()[-1]["sequence"]
    cloud.invoke("ProvisionerFunction", {"action": "refresh", "topology": NAME})
    asked = {r["action"] for r in cloud.levers.requests(again)}
    assert "DescribeRouteServerPeers" in asked
    assert [action for action in asked if mutates(action)] == []


def test_another_liveness_is_reached_without_taking_the_route_from_its_owner(
    cloud: Cloud, ids: dict[str, Any], liveness: str
) -> None:
    other, owners = {"bfd": "bgp-keepalive", "bgp-keepalive": "bfd"}[liveness], []

    def reached() -> bool:
        owners.append(server(cloud, ids)["owners"].get("0.0.0.0/0"))
        return up(cloud, ids, other)

    applied = command(cloud, "apply", "--yes", wanted=wanted(ids, other))
    assert applied.returncode == 0, applied.stdout + applied.stderr
    wait("every peer is another one", reached)
    assert set(owners) == {"managed-fw1"}


def test_a_peer_that_somebody_deletes_is_told_with_who_it_was_and_made_again(
    cloud: Cloud, ids: dict[str, Any], liveness: str
) -> None:
    """With CloudTrail, and without it."""
    told = cloud.events()
    someone = cloud.session.client("ec2", aws_access_key_id="alice", aws_secret_access_key="lab")
    for actor in ("arn:aws:iam::123456789012:user/alice", None):
        there = [p for p in server(cloud, ids)["peers"] if p["state"] == "available"]
        gone = next(p["id"] for p in there if p["appliance"] == "managed-fw2")
        someone.delete_route_server_peer(RouteServerPeerId=gone)
        cloud.invoke("ProvisionerFunction", {"action": "refresh", "topology": NAME})
        drift = wait("drift", lambda: [e["detail"] for e in told.receive(1) if is_drift(e)])
        assert [d["actor"] for d in drift] == [actor]
        wait("all sessions up again", lambda: up(cloud, ids, liveness) and has_ended(cloud))
        cloud.levers.fault("LookupEvents", error="AccessDeniedException")
    asked = [r for r in cloud.levers.requests() if r["action"] == "LookupEvents"]
    assert {r["outcome"] for r in asked} == {"OK", "AccessDeniedException"}


def is_drift(envelope: dict[str, Any]) -> bool:
    return bool(envelope["detail-type"] == "Drift Detected" and envelope["detail"]["topology"] == NAME)


@pytest.mark.usefixtures("liveness")
def test_the_function_knows_under_which_role_cloudtrail_shows_its_own_calls(cloud: Cloud) -> None:
    configuration = cloud.session.client("lambda").get_function_configuration(
        FunctionName=cloud.resources["ProvisionerFunction"]
    )
    role = configuration["Environment"]["Variables"]["TANDEM_PROVISIONER_ROLE"]
    events = cloud.session.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateRouteServerEndpoint"}]
    )["Events"]
    callers = {json.loads(e["CloudTrailEvent"])["userIdentity"]["arn"] for e in events}
    assert any(f":assumed-role/{role}/" in arn for arn in callers), callers


@pytest.mark.usefixtures("liveness")
def test_the_addresses_follow_the_route_of_a_managed_route_server(cloud: Cloud, ids: dict[str, Any]) -> None:
    cloud.levers.kill("managed-fw1")
    wait("managed-fw2 has every address", lambda: set(holders(cloud, ids).values()) == {"managed-fw2"})


def test_another_stacks_resources_are_out_of_the_roles_reach(
    cloud: Cloud, ids: dict[str, Any], liveness: str
) -> None:
    """A peer becomes another stack's while Tandem's call to delete it is on its way: AWS refuses the call."""
    smaller = wanted(ids, liveness)
    for appliance in smaller["appliances"].values():
        appliance["peers"].popitem()
    before = cloud.levers.requests()[-1]["sequence"]

    def deletion() -> dict[str, Any] | None:
        return next(
            (r for r in cloud.levers.requests(before) if r["action"] == "DeleteRouteServerPeer"), None
        )

    cloud.levers.fault("DeleteRouteServerPeer", latency_s=4.0)
    applied = command(cloud, "apply", "--yes", wanted=smaller)
    assert applied.returncode == 0, applied.stdout + applied.stderr
    victim = wait("a peer is to be deleted", deletion)["params"]["RouteServerPeerId"]
    try:
        own(cloud, victim, "another")
        ended = wait("the call has ended", lambda: (found := deletion()) and found["outcome"] and found)
        assert ended["outcome"] == "UnauthorizedOperation"
        assert victim in {p["id"] for p in server(cloud, ids)["peers"] if p["state"] == "available"}
    finally:
        own(cloud, victim, "tandem")


def own(cloud: Cloud, resource: str, stack: str) -> None:
    """Tags the resource as this stack's."""
    tags: list[TagTypeDef] = [{"Key": STACK_TAG, "Value": stack}]
    cloud.session.client("ec2").create_tags(Resources=[resource], Tags=tags)


def acting_as(cloud: Cloud, function: str, service: str) -> Any:
    """A client that has the credentials of a deployed function."""
    client = cloud.session.client("lambda")
    configuration = client.get_function_configuration(FunctionName=cloud.resources[function])
    own = credentials_of(configuration["FunctionArn"], configuration["Role"])
    session: Any = cloud.session
    return session.client(service, **own)


def answer(call: Callable[..., Any], **request: Any) -> str:
    """The code of the error that the call meets, or OK."""
    try:
        call(**request)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "OK"


@pytest.mark.usefixtures("liveness")
def test_code_in_the_provisioner_can_neither_take_nor_enter_what_nobody_gave_it(
    cloud: Cloud, ids: dict[str, Any]
) -> None:
    """Dry runs: EC2 judges the permission and does nothing. Each refusal has its permitted counterpart."""
    owner, role = cloud.session.client("ec2"), acting_as(cloud, "ProvisionerFunction", "ec2")
    rs, interface = server(cloud, ids)["id"], ids["interfaces"]["fw1"]
    vpc = owner.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = owner.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    plain = owner.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    table = owner.create_route_table(VpcId=ids["vpc_id"])["RouteTable"]["RouteTableId"]
    tags = TAGS_OF_ENDPOINT
    refused: list[Attempt] = [
        *(
            (role.create_tags, {"Resources": [plain], "Tags": [{"Key": key, "Value": "tandem"}]})
            for key in SPELLINGS
        ),
        (role.create_tags, {"Resources": [interface], "Tags": [{"Key": "Name", "Value": "x"}]}),
        (role.delete_tags, {"Resources": [interface]}),
        (role.delete_network_interface, {"NetworkInterfaceId": interface}),
        (
            role.modify_network_interface_attribute,
            {"NetworkInterfaceId": interface, "Description": {"Value": "x"}},
        ),
        (
            role.create_network_interface_permission,
            {"NetworkInterfaceId": plain, "AwsAccountId": "210987654321", "Permission": "INSTANCE-ATTACH"},
        ),
        (role.enable_route_server_propagation, {"RouteServerId": rs, "RouteTableId": table}),
        (role.associate_route_server, {"RouteServerId": rs, "VpcId": vpc}),
        (
            role.create_route_server_endpoint,
            {"RouteServerId": rs, "SubnetId": subnet, "TagSpecifications": tags},
        ),
    ]
    permitted: list[Attempt] = [
        (role.create_tags, {"Resources": [plain], "Tags": [{"Key": "Name", "Value": "x"}]}),
        (role.delete_tags, {"Resources": [plain]}),
        (role.delete_network_interface, {"NetworkInterfaceId": plain}),
        (
            role.modify_network_interface_attribute,
            {"NetworkInterfaceId": interface, "SourceDestCheck": {"Value": False}},
        ),
        (role.disable_route_server_propagation, {"RouteServerId": rs, "RouteTableId": table}),
        (role.disassociate_route_server, {"RouteServerId": rs, "VpcId": vpc}),
        (
            role.enable_route_server_propagation,
            {"RouteServerId": rs, "RouteTableId": ids["route_tables"]["protected"]},
        ),
        (
            role.create_route_server_endpoint,
            {"RouteServerId": rs, "SubnetId": ids["subnets"]["az1"], "TagSpecifications": tags},
        ),
    ]
    for code, calls in (("UnauthorizedOperation", refused), ("DryRunOperation", permitted)):
        found = [(call.__name__, request, answer(call, DryRun=True, **request)) for call, request in calls]
        assert [each for each in found if each[2] != code] == []


def test_code_in_a_function_sees_and_writes_its_own_partitions_only(cloud: Cloud) -> None:
    tables = {name: cloud.outputs[name] for name in ("StateTable", "AuditTable")}
    topic = cloud.outputs["NotificationTopicArn"]
    record = {"sequence": {"S": "failover#nobody"}, "number": {"N": "1"}}
    record |= {name: {"S": "x"} for name in ("previous", "hash", "body")}

    def query(function: str, kind: str) -> str:
        return answer(
            acting_as(cloud, function, "dynamodb").query,
            TableName=tables["StateTable"],
            KeyConditionExpression="kind = :k",
            ExpressionAttributeValues={":k": {"S": kind}},
        )

    def put(**more: Any) -> str:
        client = acting_as(cloud, "FailoverFunction", "dynamodb")
        return answer(client.put_item, TableName=tables["AuditTable"], Item=record | more)

    for function in ("FailoverFunction", "SignalsFunction", "WatchFunction"):
        assert (query(function, "topology"), query(function, "request")) == ("OK", "AccessDeniedException")
    assert put(expires_at={"N": "1"}) == put(sequence={"S": "another#edge"}) == "AccessDeniedException"
    assert put() == "OK"
    cloud.session.client("dynamodb").delete_item(
        TableName=tables["AuditTable"], Key={name: record[name] for name in ("sequence", "number")}
    )
    sns = acting_as(cloud, "ProvisionerFunction", "sns")
    for denied in (sns.delete_topic, sns.list_subscriptions_by_topic):
        assert answer(denied, TopicArn=topic) == "AuthorizationError"


@pytest.mark.usefixtures("liveness")
def test_the_topology_goes_with_all_that_was_made_for_it_and_no_address_moves(
    cloud: Cloud, ids: dict[str, Any]
) -> None:
    before = holders(cloud, ids)
    assert "Tandem will delete with managed, in" in delete(cloud, ids)
    assert holders(cloud, ids) == before
