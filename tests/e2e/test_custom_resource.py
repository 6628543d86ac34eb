"""The second door on the deployed stack: a CloudFormation stack with a topology, from create to delete."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.cloud import Cloud

STACK = "network"
PATIENCE_SECONDS = 90
MADE = {"Key": "tandem:topology", "Value": "made"}
PARAMETERS = ("RouteServer", "Vpc", "Firewall1", "Firewall2")


def template(
    name: str = "stacked",
    *,
    asn: int = 65002,
    on_delete: str = "retain",
    outputs: tuple[str, ...] = (),
    **changes: Any,
) -> str:
    """A topology whose IDs are the stack's parameters. It watches a prefix and claims no address, so that it
    stands beside whatever else the lab is used for."""
    document = {
        "tandem": 1,
        "name": name,
        "mode": "dry-run",
        "manage": False,
        "route_server": {"id": {"Ref": "RouteServer"}, "vpc_id": {"Ref": "Vpc"}, "amazon_side_asn": 65000},
        "appliances": {
            "fw1": {
                "instance_id": {"Ref": "Firewall1"},
                "asn": 65001,
                "liveness": "bfd",
                "peers": {"az1-a": "10.0.1.10", "az1-b": "10.0.1.10"},
            },
            "fw2": {
                "instance_id": {"Ref": "Firewall2"},
                "asn": asn,
                "liveness": "bfd",
                "peers": {"az2-a": "10.0.2.10", "az2-b": "10.0.2.10"},
            },
        },
        "groups": [{"name": "transit", "prefixes": ["0.0.0.0/0"]}],
    }
    resource = {
        "Type": "Custom::TandemTopology",
        "Properties": {
            "ServiceToken": {"Fn::ImportValue": "tandem-ServiceToken"},
            "ServiceTimeout": 120,
            "OnDelete": on_delete,
            "Topology": document | changes,
        },
    }
    return json.dumps(
        {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Parameters": {parameter: {"Type": "String"} for parameter in PARAMETERS},
            "Resources": {"Topology": resource},
            "Outputs": {
                "RouteServer": {"Value": {"Fn::GetAtt": ["Topology", "RouteServerId"]}},
                "Version": {"Value": {"Fn::GetAtt": ["Topology", "Version"]}},
                "Id": {"Value": {"Ref": "Topology"}},
                **{
                    f"More{number}": {"Value": {"Fn::GetAtt": ["Topology", name]}}
                    for number, name in enumerate(outputs)
                },
            },
        }
    )


class Network:
    """The user's stack."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.client = cloud.session.client("cloudformation")
        ids = cloud.scenario
        values = (
            ids["route_server_id"],
            ids["vpc_id"],
            ids["instances"]["fw1"],
            ids["instances"]["fw2"],
        )
        self.parameters: Any = [
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in zip(PARAMETERS, values, strict=True)
        ]

    def create(self, body: str) -> str:
        self.client.create_stack(StackName=STACK, TemplateBody=body, Parameters=self.parameters)
        return self.wait_for_end()

    def update(self, body: str) -> str:
        self.client.update_stack(StackName=STACK, TemplateBody=body, Parameters=self.parameters)
        return self.wait_for_end()

    def delete(self) -> str:
        arn = self.stack()["StackId"]
        self.client.delete_stack(StackName=STACK)
        return self.wait_for_end(arn)

    def stack(self, name: str = STACK) -> Any:
        return self.client.describe_stacks(StackName=name)["Stacks"][0]

    def wait_for_end(self, name: str = STACK) -> str:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                status = str(self.stack(name)["StackStatus"])
            except ClientError:
                return "DELETE_COMPLETE"
            if not status.endswith("IN_PROGRESS"):
                return status
            time.sleep(0.2)
        raise AssertionError(f"{name} has not come to an end: {self.reasons()}")

    @property
    def outputs(self) -> dict[str, str]:
        return {output["OutputKey"]: output["OutputValue"] for output in self.stack()["Outputs"]}

    def reasons(self) -> str:
        events = self.client.describe_stack_events(StackName=STACK)["StackEvents"]
        return " ".join(event.get("ResourceStatusReason", "") for event in events)

    def stored(self, name: str = "stacked") -> dict[str, Any]:
        return self.cloud.state("topology", name)


@pytest.fixture
def network(cloud: Cloud):
    network = Network(cloud)
    yield network
    try:
        network.delete()
    except ClientError:
        return  # the story has deleted it


def test_a_stack_is_created_updated_rolled_back_replaced_and_deleted(network: Network) -> None:
    assert network.create(template()) == "CREATE_COMPLETE", network.reasons()
    ids = network.cloud.scenario
    assert network.outputs == {
        "RouteServer": ids["route_server_id"],
        "Version": "1",
        "Id": "tandem:network:stacked",
    }
    door = network.stored()["door"]["S"]
    assert door == f"{network.stack()['StackId']}#Topology"
    document = json.loads(network.stored()["document"]["S"])
    assert (document["manage"], document["route_server"]["amazon_side_asn"]) == (False, 65000)

    group = {"name": "transit", "prefixes": ["10.20.0.0/16"]}
    assert network.update(template(groups=[group])) == "UPDATE_COMPLETE", network.reasons()
    assert network.outputs["Version"] == "2"

    before = network.stored()["version"]
    assert network.update(template(asn=65000)) == "UPDATE_ROLLBACK_COMPLETE", network.reasons()
    assert "which is route_server.amazon_side_asn too" in network.reasons()
    assert network.stored()["version"] == before

    assert network.update(template("renamed", groups=[group])) == "UPDATE_COMPLETE", network.reasons()
    assert network.outputs["Id"] == "tandem:network:renamed"
    assert network.stored() == {}
    assert network.stored("renamed")["door"]["S"] == door

    assert network.delete() == "DELETE_COMPLETE", network.reasons()
    assert network.stored("renamed") == {}


def managed(ids: dict[str, Any], **changes: Any) -> str:
    """The same appliances with a route server of the stack's own, one session each."""
    subnets = sorted({endpoint["subnet_id"] for endpoint in ids["endpoints"].values()})
    route_server = {
        "vpc_id": {"Ref": "Vpc"},
        "amazon_side_asn": 65010,
        "endpoints": {f"at-{subnet}": subnet for subnet in subnets},
    }
    by_subnet = {e["subnet_id"]: name for name, e in ids["endpoints"].items()}
    appliances = {}
    for subnet in subnets:
        zone = by_subnet[subnet][2]
        appliances[f"fw{zone}"] = {
            "instance_id": {"Ref": f"Firewall{zone}"},
            "asn": int(f"6500{zone}"),
            "liveness": "bfd",
            "peers": {f"at-{subnet}": f"10.0.{zone}.10"},
        }
    return template(
        "made",
        on_delete="delete",
        manage=True,
        route_server=route_server | changes,
        appliances=appliances,
        groups=[{"name": "transit", "prefixes": ["10.20.0.0/16"]}],
        outputs=tuple(f"EndpointAddresses.at-{subnet}" for subnet in subnets),
    )


def test_a_stack_with_a_route_server_of_its_own_makes_it_changes_it_and_takes_it_along(
    network: Network,
) -> None:
    ec2 = network.cloud.session.client("ec2")

    def made(what: str, key: str) -> list[Any]:
        rows = getattr(ec2, what)()[key]
        return [r for r in rows if r["State"] != "deleted" and MADE in r["Tags"]]

    ids = network.cloud.scenario
    assert network.create(managed(ids)) == "CREATE_COMPLETE", network.reasons()
    (server,) = made("describe_route_servers", "RouteServers")
    assert network.outputs["RouteServer"] == server["RouteServerId"]
    endpoints = made("describe_route_server_endpoints", "RouteServerEndpoints")
    given = {value for name, value in network.outputs.items() if name.startswith("More")}
    assert given == {e["EniAddress"] for e in endpoints}
    assert len(given) == 2

    assert network.update(managed(ids, persist_routes=2)) == "UPDATE_COMPLETE", network.reasons()
    (changed,) = made("describe_route_servers", "RouteServers")
    assert changed["RouteServerId"] == server["RouteServerId"]
    assert (changed["PersistRoutesState"], changed["PersistRoutesDuration"]) == ("enabled", 2)

    assert network.delete() == "DELETE_COMPLETE", network.reasons()
    assert network.stored("made") == {}
    assert made("describe_route_servers", "RouteServers") == []
    assert made("describe_route_server_endpoints", "RouteServerEndpoints") == []
    assert made("describe_route_server_peers", "RouteServerPeers") == []
    watched = {s["RouteServerId"]: s["State"] for s in ec2.describe_route_servers()["RouteServers"]}
    assert watched[ids["route_server_id"]] == "available"


def test_a_stack_that_cannot_be_created_says_every_reason_and_leaves_nothing(network: Network) -> None:
    broken = template(mode="on", groups=[])
    assert network.create(broken) == "ROLLBACK_COMPLETE"
    assert "the topology has 2 problems" in network.reasons()
    assert network.stored() == {}


def test_no_request_keeps_its_url(network: Network, cloud: Cloud) -> None:
    assert network.create(template()) == "CREATE_COMPLETE", network.reasons()
    table = cloud.session.client("dynamodb").query(
        TableName=cloud.outputs["StateTable"],
        KeyConditionExpression="kind = :kind",
        ExpressionAttributeValues={":kind": {"S": "request"}},
    )
    assert table["Items"]
    assert "/_ministack/cfn-response/" not in json.dumps(table["Items"])
