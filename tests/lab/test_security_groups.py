"""The security groups of interfaces: an endpoint's is AWS's, an instance's is its interface's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.breakages_filters import group_of, group_of_endpoint, permission, put_on
from tests.breakages_sessions import create_endpoint, create_peer, delete_peer
from tests.shared_worlds import begins_in
from tests.stack import Stack, stack


@pytest.fixture
@begins_in(stack)
def edge():
    with stack() as s:
        yield s


def permissions(s: Stack, group_id: str) -> set[tuple[str, int, str]]:
    [group] = s.lab.client().describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    return {
        (str(p["IpProtocol"]), int(p["FromPort"]), r["CidrIp"])
        for p in group["IpPermissions"]
        for r in p["IpRanges"]
    }


def test_an_endpoints_group_opens_with_each_peer_and_closes_with_it(edge: Stack) -> None:
    group, fw2 = group_of_endpoint(edge, "az2-b"), f"{edge.ids['peer_addresses']['fw2']}/32"
    assert permissions(edge, group) == {("tcp", 179, fw2), ("udp", 3784, fw2)}
    delete_peer(edge, "fw2", "az2-b")
    assert permissions(edge, group) == set()
    create_peer(edge, edge.ids["endpoints"]["az2-b"]["id"], "10.0.2.10", 65002, "bgp-keepalive")
    assert permissions(edge, group) == {("tcp", 179, fw2)}


def test_an_endpoints_group_goes_with_it(edge: Stack) -> None:
    client = edge.lab.client()
    before = {g["GroupId"] for g in client.describe_security_groups()["SecurityGroups"]}
    created = create_endpoint(edge, "protected1")
    client.delete_route_server_endpoint(RouteServerEndpointId=created)
    edge.clock.sleep(10)
    assert {g["GroupId"] for g in client.describe_security_groups()["SecurityGroups"]} == before


def test_the_groups_of_an_instance_are_those_of_its_interface(edge: Stack) -> None:
    client = edge.lab.client()
    vpc = {"IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
    narrow = group_of(edge, permission("tcp", 179, **vpc))

    def shown() -> list[list[str]]:
        found: Any = client.describe_network_interfaces(NetworkInterfaceIds=[edge.ids["interfaces"]["fw1"]])
        attribute: Any = client.describe_instance_attribute(
            InstanceId=edge.ids["instances"]["fw1"], Attribute="groupSet"
        )
        groups = (found["NetworkInterfaces"][0]["Groups"], attribute["Groups"])
        return [[group["GroupId"] for group in of] for of in groups]

    assert shown() == [[edge.ids["security_group"]]] * 2
    put_on(edge, "fw1", narrow)
    assert shown() == [[narrow]] * 2
    wide = edge.ids["security_group"]
    client.modify_instance_attribute(InstanceId=edge.ids["instances"]["fw1"], Groups=[wide])
    assert shown() == [[wide]] * 2
