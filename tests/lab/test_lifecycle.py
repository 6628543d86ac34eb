"""States take time, children precede parents, the deleted stay listed."""

import pytest

from lab.ec2 import Timings, lab_ec2
from tests.lab.support import refused


@pytest.fixture
def lab():
    with lab_ec2(timings=Timings.lab()) as running:
        yield running


@pytest.fixture
def vpc(ec2):
    return ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]


@pytest.fixture
def subnet(ec2, vpc):
    return ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]


@pytest.fixture
def table(ec2, vpc):
    return ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]


@pytest.fixture
def server(ec2):
    return ec2.create_route_server(AmazonSideAsn=65000)["RouteServer"]["RouteServerId"]


@pytest.fixture
def associated(ec2, lab, server, vpc):
    lab.clock.advance(10)
    ec2.associate_route_server(RouteServerId=server, VpcId=vpc)
    lab.clock.advance(10)
    return server


@pytest.fixture
def endpoint(ec2, lab, associated, subnet):
    made = ec2.create_route_server_endpoint(RouteServerId=associated, SubnetId=subnet)
    lab.clock.advance(10)
    return made["RouteServerEndpoint"]["RouteServerEndpointId"]


@pytest.fixture
def peer(ec2, lab, endpoint):
    made = ec2.create_route_server_peer(
        RouteServerEndpointId=endpoint, PeerAddress="10.0.1.10", BgpOptions={"PeerAsn": 65001}
    )
    lab.clock.advance(10)
    return made["RouteServerPeer"]["RouteServerPeerId"]


def server_state(ec2, server):
    return ec2.describe_route_servers(RouteServerIds=[server])["RouteServers"][0]["State"]


def test_a_route_server_takes_time(ec2, lab, server, vpc):
    assert server_state(ec2, server) == "pending"
    with refused("IncorrectState"):
        ec2.associate_route_server(RouteServerId=server, VpcId=vpc)
    lab.clock.advance(2)
    assert server_state(ec2, server) == "available"
    ec2.modify_route_server(RouteServerId=server, PersistRoutes="enable", PersistRoutesDuration=2)
    assert server_state(ec2, server) == "modifying"
    lab.clock.advance(2)
    described = ec2.describe_route_servers(RouteServerIds=[server])["RouteServers"][0]
    assert (described["State"], described["PersistRoutesState"]) == ("available", "enabled")
    assert described["PersistRoutesDuration"] == 2


def test_an_association_takes_time_and_none_is_an_error(ec2, lab, server, vpc):
    lab.clock.advance(10)
    with refused("InvalidRouteServerId.NotAssociated"):
        ec2.get_route_server_associations(RouteServerId=server)
    with refused("InvalidRouteServerId.NotAssociated"):
        ec2.disassociate_route_server(RouteServerId=server, VpcId=vpc)
    made = ec2.associate_route_server(RouteServerId=server, VpcId=vpc)["RouteServerAssociation"]
    assert made == {"RouteServerId": server, "VpcId": vpc, "State": "associating"}
    lab.clock.advance(2)
    (got,) = ec2.get_route_server_associations(RouteServerId=server)["RouteServerAssociations"]
    assert got["State"] == "associated"
    ec2.disassociate_route_server(RouteServerId=server, VpcId=vpc)
    (got,) = ec2.get_route_server_associations(RouteServerId=server)["RouteServerAssociations"]
    assert got["State"] == "disassociating"
    lab.clock.advance(2)
    with refused("InvalidRouteServerId.NotAssociated"):
        ec2.get_route_server_associations(RouteServerId=server)


def test_an_endpoint_needs_the_association_and_shows_its_interface_when_available(
    ec2, lab, server, vpc, subnet
):
    lab.clock.advance(10)
    with refused("InvalidRouteServerId.NotAssociated"):
        ec2.create_route_server_endpoint(RouteServerId=server, SubnetId=subnet)
    ec2.associate_route_server(RouteServerId=server, VpcId=vpc)
    with refused("IncorrectState"):
        ec2.create_route_server_endpoint(RouteServerId=server, SubnetId=subnet)
    lab.clock.advance(2)
    made = ec2.create_route_server_endpoint(RouteServerId=server, SubnetId=subnet)["RouteServerEndpoint"]
    assert made["State"] == "pending"
    assert "EniAddress" not in made
    with refused("IncorrectState"):
        ec2.delete_route_server_endpoint(RouteServerEndpointId=made["RouteServerEndpointId"])
    lab.clock.advance(3)
    (got,) = ec2.describe_route_server_endpoints()["RouteServerEndpoints"]
    (eni,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[got["EniId"]])["NetworkInterfaces"]
    assert (eni["PrivateIpAddress"], eni["RequesterManaged"]) == (got["EniAddress"], True)
    with refused("OperationNotPermitted"):
        ec2.delete_network_interface(NetworkInterfaceId=got["EniId"])


def test_a_peer_is_available_without_a_session(ec2, peer):
    (got,) = ec2.describe_route_server_peers()["RouteServerPeers"]
    assert (got["State"], got["BgpStatus"]["Status"]) == ("available", "down")
    assert got["BgpOptions"] == {"PeerAsn": 65001, "PeerLivenessDetection": "bgp-keepalive"}


def test_a_peer_can_be_deleted_only_when_it_is_there(ec2, lab, endpoint):
    made = ec2.create_route_server_peer(
        RouteServerEndpointId=endpoint, PeerAddress="10.0.1.10", BgpOptions={"PeerAsn": 65001}
    )["RouteServerPeer"]
    for wait_s in (0, 3, 0):
        lab.clock.advance(wait_s)
        if wait_s:
            ec2.delete_route_server_peer(RouteServerPeerId=made["RouteServerPeerId"])
        with refused("IncorrectState") as caught:
            ec2.delete_route_server_peer(RouteServerPeerId=made["RouteServerPeerId"])
        assert "is in an invalid state." in str(caught.value)


def test_children_go_before_their_parents(ec2, lab, associated, vpc, table, endpoint, peer):
    ec2.enable_route_server_propagation(RouteServerId=associated, RouteTableId=table)
    lab.clock.advance(5)
    with refused("IncorrectState") as caught:
        ec2.delete_route_server_endpoint(RouteServerEndpointId=endpoint)
    assert f"has non-deleted Route Server Peer: {peer}" in str(caught.value)
    ec2.delete_route_server_peer(RouteServerPeerId=peer)
    lab.clock.advance(2)
    assert ec2.describe_route_server_peers()["RouteServerPeers"][0]["State"] == "deleted"
    with refused("IncorrectState"):  # the describe was optimistic
        ec2.delete_route_server_endpoint(RouteServerEndpointId=endpoint)
    lab.clock.advance(1)
    ec2.delete_route_server_endpoint(RouteServerEndpointId=endpoint)
    with refused("IncorrectState") as caught:
        ec2.disassociate_route_server(RouteServerId=associated, VpcId=vpc)
    assert endpoint in str(caught.value)
    lab.clock.advance(5)
    with refused("IncorrectState"):  # the propagation is still there
        ec2.disassociate_route_server(RouteServerId=associated, VpcId=vpc)
    ec2.disable_route_server_propagation(RouteServerId=associated, RouteTableId=table)
    lab.clock.advance(5)
    with refused("IncorrectState"):
        ec2.delete_route_server(RouteServerId=associated)
    ec2.disassociate_route_server(RouteServerId=associated, VpcId=vpc)
    lab.clock.advance(5)
    ec2.delete_route_server(RouteServerId=associated)
    assert server_state(ec2, associated) == "deleting"
    lab.clock.advance(5)
    assert server_state(ec2, associated) == "deleted"


def test_tombstones_stay_listed_for_a_long_time_then_vanish(ec2, lab, server):
    lab.clock.advance(5)
    ec2.delete_route_server(RouteServerId=server)
    lab.clock.advance(1800)
    assert server_state(ec2, server) == "deleted"
    with refused("IncorrectState"):
        ec2.delete_route_server(RouteServerId=server)
    lab.clock.advance(3600)
    assert ec2.describe_route_servers()["RouteServers"] == []
    with refused("InvalidRouteServerId.NotFound"):
        ec2.delete_route_server(RouteServerId=server)


def test_the_interface_of_an_endpoint_goes_with_it(ec2, lab, endpoint):
    eni = ec2.describe_route_server_endpoints()["RouteServerEndpoints"][0]["EniId"]
    ec2.delete_route_server_endpoint(RouteServerEndpointId=endpoint)
    lab.clock.advance(5)
    with refused("InvalidNetworkInterfaceID.NotFound"):
        ec2.describe_network_interfaces(NetworkInterfaceIds=[eni])


def test_propagation_comes_and_goes_and_none_is_an_error(ec2, lab, associated, table):
    with refused("InvalidRouteServerId.NotPropagated"):
        ec2.get_route_server_propagations(RouteServerId=associated)
    with refused("InvalidRouteServerId.NotPropagated"):
        ec2.disable_route_server_propagation(RouteServerId=associated, RouteTableId=table)
    made = ec2.enable_route_server_propagation(RouteServerId=associated, RouteTableId=table)
    assert made["RouteServerPropagation"]["State"] == "pending"
    lab.clock.advance(2)
    (got,) = ec2.get_route_server_propagations(RouteServerId=associated)["RouteServerPropagations"]
    assert got == {"RouteServerId": associated, "RouteTableId": table, "State": "available"}
    gone = ec2.disable_route_server_propagation(RouteServerId=associated, RouteTableId=table)
    assert gone["RouteServerPropagation"]["State"] == "deleting"
    lab.clock.advance(3)
    with refused("InvalidRouteServerId.NotPropagated"):
        ec2.get_route_server_propagations(RouteServerId=associated, RouteTableId=table)


def test_a_failed_endpoint_says_why_and_can_be_deleted(ec2, lab, endpoint):
    lab.levers.resource(endpoint, "failed", "no capacity")
    (got,) = ec2.describe_route_server_endpoints()["RouteServerEndpoints"]
    assert (got["State"], got["FailureReason"]) == ("failed", "no capacity")
    ec2.delete_route_server_endpoint(RouteServerEndpointId=endpoint)
    lab.clock.advance(5)
    assert ec2.describe_route_server_endpoints()["RouteServerEndpoints"][0]["State"] == "deleted"


def test_events_of_a_world_that_was_reset_do_not_reach_the_new_one(ec2, lab, server):
    lab.backend.reset()
    lab.clock.advance(3600)
    assert ec2.describe_route_servers()["RouteServers"] == []
