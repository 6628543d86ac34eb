"""Tests what the Route Server API accepts and what it refuses."""

import pytest
from botocore.config import Config
from botocore.exceptions import ParamValidationError

from lab.ec2 import Behaviour, UnknownAwsBehaviour, lab_ec2
from tests.lab.support import refused

GONE = "rs-0123456789abcdef0"


def route_server(ec2, **more):
    return ec2.create_route_server(AmazonSideAsn=65000, **more)["RouteServer"]["RouteServerId"]


def unchecked(lab):
    """A client that sends what the SDK would refuse by itself."""
    return lab.client(config=Config(parameter_validation=False, retries={"total_max_attempts": 1}))


def tagged(kind, **tags):
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


@pytest.fixture
def vpc(ec2):
    return ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]


@pytest.fixture
def endpoint(ec2, vpc):
    server = route_server(ec2)
    ec2.associate_route_server(RouteServerId=server, VpcId=vpc)
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    made = ec2.create_route_server_endpoint(RouteServerId=server, SubnetId=subnet)
    return made["RouteServerEndpoint"]


@pytest.mark.parametrize(
    ("call", "params", "code"),
    [
        ("delete_route_server", {"RouteServerId": GONE}, "InvalidRouteServerId.NotFound"),
        ("modify_route_server", {"RouteServerId": GONE}, "InvalidRouteServerId.NotFound"),
        ("describe_route_servers", {"RouteServerIds": [GONE]}, "InvalidRouteServerId.NotFound"),
        ("get_route_server_associations", {"RouteServerId": GONE}, "InvalidRouteServerId.NotFound"),
        ("get_route_server_routing_database", {"RouteServerId": GONE}, "InvalidRouteServerId.NotFound"),
        ("associate_route_server", {"RouteServerId": GONE, "VpcId": "x"}, "InvalidRouteServerId.NotFound"),
        (
            "delete_route_server_endpoint",
            {"RouteServerEndpointId": "rse-0"},
            "InvalidRouteServerEndpointId.NotFound",
        ),
        ("delete_route_server_peer", {"RouteServerPeerId": "rsp-0"}, "InvalidRouteServerPeerId.NotFound"),
        (
            "create_route_server_peer",
            {"RouteServerEndpointId": "rse-0", "PeerAddress": "10.0.0.1", "BgpOptions": {"PeerAsn": 1}},
            "InvalidRouteServerEndpointId.NotFound",
        ),
    ],
)
def test_what_is_not_there_is_not_found(ec2, call, params, code):
    with refused(code):
        getattr(ec2, call)(**params)


def test_the_standard_codes_for_the_rest(ec2, vpc):
    server = route_server(ec2)
    with refused("InvalidVpcID.NotFound"):
        ec2.associate_route_server(RouteServerId=server, VpcId="vpc-01234567")
    ec2.associate_route_server(RouteServerId=server, VpcId=vpc)
    with refused("InvalidSubnetID.NotFound"):
        ec2.create_route_server_endpoint(RouteServerId=server, SubnetId="subnet-01234567")
    with refused("InvalidRouteTableID.NotFound"):
        ec2.enable_route_server_propagation(RouteServerId=server, RouteTableId="rtb-01234567")


@pytest.mark.parametrize("asn", [0, 4294967296])
def test_an_asn_has_bounds(ec2, endpoint, asn):
    with refused("InvalidParameterValue"):
        ec2.create_route_server(AmazonSideAsn=asn)
    with refused("InvalidParameterValue"):
        ec2.create_route_server_peer(
            RouteServerEndpointId=endpoint["RouteServerEndpointId"],
            PeerAddress="10.0.1.10",
            BgpOptions={"PeerAsn": asn},
        )


def test_a_peer_address_is_ipv4(ec2, endpoint):
    with refused("InvalidParameterValue"):
        ec2.create_route_server_peer(
            RouteServerEndpointId=endpoint["RouteServerEndpointId"],
            PeerAddress="2001:db8::1",
            BgpOptions={"PeerAsn": 65001},
        )


def test_persistence_needs_a_duration_of_one_to_five_minutes(ec2):
    with refused("MissingParameter"):
        ec2.create_route_server(AmazonSideAsn=65000, PersistRoutes="enable")
    for minutes in (0, 6):
        with refused("InvalidParameterValue"):
            ec2.create_route_server(
                AmazonSideAsn=65000, PersistRoutes="enable", PersistRoutesDuration=minutes
            )


def test_tags_are_put_on_filtered_by_and_changed(ec2):
    one = route_server(ec2, TagSpecifications=tagged("route-server", Name="one", team="net"))
    two = route_server(ec2, TagSpecifications=tagged("route-server", Name="two", team="net"))

    def found(name, *values):
        got = ec2.describe_route_servers(Filters=[{"Name": name, "Values": list(values)}])
        return {row["RouteServerId"] for row in got["RouteServers"]}

    assert found("tag:Name", "one") == {one}
    assert found("tag:team", "n*") == {one, two}
    assert found("tag-key", "nothing") == set()
    ec2.create_tags(Resources=[two], Tags=[{"Key": "Name", "Value": "three"}])
    assert found("tag:Name", "one", "three") == {one, two}
    ec2.delete_tags(Resources=[one], Tags=[{"Key": "Name"}])
    assert found("tag:Name", "one") == set()
    with refused("InvalidRouteServerId.NotFound"):
        ec2.create_tags(Resources=[GONE], Tags=[{"Key": "a", "Value": "b"}])


def test_tags_of_another_resource_type_are_refused(ec2):
    with refused("InvalidParameter"):
        route_server(ec2, TagSpecifications=tagged("vpc", Name="x"))
    assert ec2.describe_route_servers()["RouteServers"] == []


@pytest.mark.parametrize("name", ["route-server-id", "route-server-endpoint-id", "subnet-id", "vpc-id"])
@pytest.mark.parametrize("call", ["describe_route_server_endpoints", "describe_route_server_peers"])
def test_filters_by_id_are_refused(ec2, call, name):
    with refused("InvalidParameterValue"):
        getattr(ec2, call)(Filters=[{"Name": name, "Values": ["x"]}])


def test_filters_of_the_routing_database_are_not_guessed(ec2):
    with pytest.raises(UnknownAwsBehaviour):
        ec2.get_route_server_routing_database(
            RouteServerId=route_server(ec2), Filters=[{"Name": "prefix", "Values": ["0.0.0.0/0"]}]
        )


@pytest.mark.parametrize("size", [4, 1001])
@pytest.mark.parametrize(
    "call", ["describe_route_servers", "describe_route_server_endpoints", "describe_route_server_peers"]
)
def test_a_page_has_5_to_1000_rows(lab, call, size):
    with refused("InvalidParameterValue"):
        getattr(unchecked(lab), call)(MaxResults=size)


def test_enumerations_are_checked(lab, endpoint):
    with refused("InvalidParameterValue"):
        unchecked(lab).create_route_server(AmazonSideAsn=65000, PersistRoutes="on")
    with refused("InvalidParameterValue"):
        unchecked(lab).create_route_server_peer(
            RouteServerEndpointId=endpoint["RouteServerEndpointId"],
            PeerAddress="10.0.1.10",
            BgpOptions={"PeerAsn": 65001, "PeerLivenessDetection": "ping"},
        )


def test_pages_show_everything_once(ec2):
    made = {route_server(ec2) for _ in range(12)}
    pages = list(ec2.get_paginator("describe_route_servers").paginate(PaginationConfig={"PageSize": 5}))
    assert [len(page["RouteServers"]) for page in pages] == [5, 5, 2]
    assert {row["RouteServerId"] for page in pages for row in page["RouteServers"]} == made
    assert "NextToken" not in ec2.describe_route_servers(MaxResults=12)
    with refused("InvalidParameterValue"):
        ec2.describe_route_servers(NextToken="foreign")


def test_the_routing_database_has_pages(at_edge):
    for number in range(8):
        at_edge.levers.advertise("fw1", f"192.0.2.{number}/32")
    rows, token = [], None
    while True:
        page = at_edge.ec2.get_route_server_routing_database(
            RouteServerId=at_edge.route_server_id, MaxResults=5, **({"NextToken": token} if token else {})
        )
        assert len(page["Routes"]) <= 5
        rows += page["Routes"]
        token = page.get("NextToken")
        if not token:
            break
    assert rows == at_edge.rows()
    assert len(rows) == 4 + 16


def test_a_dry_run_changes_nothing(ec2):
    with refused("DryRunOperation"):
        ec2.create_route_server(AmazonSideAsn=65000, DryRun=True)
    with refused("DryRunOperation"):
        ec2.describe_route_servers(DryRun=True)
    assert ec2.describe_route_servers()["RouteServers"] == []


def test_a_client_token_makes_one_thing_once(ec2, endpoint):
    one = route_server(ec2, ClientToken="token")
    assert route_server(ec2, ClientToken="token") == one
    with refused("IdempotentParameterMismatch"):
        ec2.create_route_server(AmazonSideAsn=65009, ClientToken="token")
    with refused("InvalidParameterValue"):
        route_server(ec2, ClientToken="x" * 65)
    place = {"RouteServerId": endpoint["RouteServerId"], "SubnetId": endpoint["SubnetId"]}
    ids = {
        ec2.create_route_server_endpoint(**place, ClientToken="token")["RouteServerEndpoint"][
            "RouteServerEndpointId"
        ]
        for _ in range(3)
    }
    assert len(ids) == 1


def test_peers_cannot_be_modified(ec2):
    assert not hasattr(ec2, "modify_route_server_peer")
    with pytest.raises(ParamValidationError):
        ec2.create_route_server_peer(RouteServerEndpointId="rse-0", PeerAddress="10.0.0.1")


def test_quotas(ec2, vpc, endpoint):
    server = endpoint["RouteServerId"]
    place = {"RouteServerId": server, "SubnetId": endpoint["SubnetId"]}
    ec2.create_route_server_endpoint(**place)
    with refused("RouteServerEndpointLimitExceeded"):  # 2 in a subnet
        ec2.create_route_server_endpoint(**place)
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24")["Subnet"]["SubnetId"]
        for number in range(2, 8)
    ]
    for subnet in subnets[:4]:
        for _ in range(2):
            ec2.create_route_server_endpoint(RouteServerId=server, SubnetId=subnet)
    with refused("RouteServerEndpointLimitExceeded"):  # 10 in all
        ec2.create_route_server_endpoint(RouteServerId=server, SubnetId=subnets[4])
    for _ in range(4):
        ec2.associate_route_server(RouteServerId=route_server(ec2), VpcId=vpc)
    with refused("RouteServerLimitExceeded"):  # 5 in a VPC
        ec2.associate_route_server(RouteServerId=route_server(ec2), VpcId=vpc)
    for number in range(20):
        ec2.create_route_server_peer(
            RouteServerEndpointId=endpoint["RouteServerEndpointId"],
            PeerAddress=f"10.0.1.{10 + number}",
            BgpOptions={"PeerAsn": 65001},
        )
    with refused("RouteServerPeerLimitExceeded"):
        ec2.create_route_server_peer(
            RouteServerEndpointId=endpoint["RouteServerEndpointId"],
            PeerAddress="10.0.1.99",
            BgpOptions={"PeerAsn": 65001},
        )


def test_a_second_peer_of_the_same_address_is_not_guessed_unless_told(at_edge):
    wanted = {
        "RouteServerEndpointId": at_edge.endpoints["az1-a"]["id"],
        "PeerAddress": "10.0.1.10",
        "BgpOptions": {"PeerAsn": 65001},
    }
    with pytest.raises(UnknownAwsBehaviour, match="duplicate_peers"):
        at_edge.ec2.create_route_server_peer(**wanted)
    at_edge.lab.lab.behaviour = Behaviour(duplicate_peers=True)
    at_edge.ec2.create_route_server_peer(**wanted)


def test_nothing_is_left_when_the_lab_ends():
    with lab_ec2() as lab:
        route_server(lab.client())
    with lab_ec2() as lab:
        assert lab.client().describe_route_servers()["RouteServers"] == []
