"""Every mutating call asks for permission, for its resources with their tags."""

import pytest

from lab.ec2 import lab_ec2
from lab.ec2.scenario import edge
from tests.lab.support import Edge, refused


class Roles:
    """Keeps the questions; refuses the actions in ``denied`` to everybody but the owner."""

    def __init__(self):
        self.asked = []
        self.denied = {}

    def allow(self, access_key_id, action, resources, request_tags, keys):
        self.asked.append((access_key_id, action, dict(resources), dict(request_tags), dict(keys)))
        return self.denied.get(action)

    def last(self, action):
        return [question for question in self.asked if question[1] == action][-1]


@pytest.fixture
def roles():
    return Roles()


@pytest.fixture
def world(roles):
    with lab_ec2(authorizer=roles) as lab:
        built = Edge(lab, edge(lab.client(), lab.levers, sleep=lab.clock.sleep))
        roles.asked.clear()
        yield built


def arn(kind, resource_id):
    return f"arn:aws:ec2:us-east-1:123456789012:{kind}/{resource_id}"


def associate(world, ec2, **more):
    return ec2.associate_address(
        AllocationId=world.elastic_ips["eip1"]["allocation_id"],
        NetworkInterfaceId=world.interfaces["fw2"],
        PrivateIpAddress="10.0.2.20",
        **more,
    )


def test_moving_an_address_asks_for_both_ends_as_the_caller(world, roles):
    ec2 = world.lab.client(access_key_id="ASIAIOSFODNN7EXAMPLE")
    associate(world, ec2)
    caller, _, resources, request_tags, keys = roles.last("ec2:AssociateAddress")
    assert caller == "ASIAIOSFODNN7EXAMPLE"
    assert resources == {
        arn("elastic-ip", world.elastic_ips["eip1"]["allocation_id"]): {
            "Name": "eip1",
            "tandem:stack": "tandem",
        },
        arn("network-interface", world.interfaces["fw2"]): {"Name": "fw2", "tandem:stack": "tandem"},
    }
    assert (request_tags, keys) == ({}, {})


def test_who_is_refused_changes_nothing_and_learns_why(world, roles):
    before = world.address()
    roles.denied["ec2:AssociateAddress"] = "the tag tandem:stack differs"
    with refused("UnauthorizedOperation") as caught:
        associate(world, world.ec2)
    assert "the tag tandem:stack differs" in str(caught.value)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert world.address() == before


def test_a_dry_run_is_a_permission_check(world, roles):
    with refused("DryRunOperation"):
        associate(world, world.ec2, DryRun=True)
    roles.denied["ec2:AssociateAddress"] = "no"
    with refused("UnauthorizedOperation"):
        associate(world, world.ec2, DryRun=True)


def test_ending_an_association_asks_for_what_it_binds(world, roles):
    row = world.address()
    world.ec2.disassociate_address(AssociationId=row["AssociationId"])
    assert set(roles.last("ec2:DisassociateAddress")[2]) == {
        arn("elastic-ip", row["AllocationId"]),
        arn("network-interface", row["NetworkInterfaceId"]),
    }


def test_reads_are_not_asked_about(world, roles):
    world.address()
    world.rows()
    assert roles.asked == []


def test_creating_an_endpoint_needs_what_the_service_does_in_the_callers_name(world, roles):
    tags = [{"ResourceType": "route-server-endpoint", "Tags": [{"Key": "tandem:stack", "Value": "tandem"}]}]
    made = {"RouteServerId": world.route_server_id, "SubnetId": world.subnets["protected1"]}
    world.ec2.create_route_server_endpoint(**made, TagSpecifications=tags)
    assert {question[1] for question in roles.asked} == {
        "ec2:CreateRouteServerEndpoint",
        "ec2:CreateNetworkInterface",
        "ec2:CreateNetworkInterfacePermission",
        "ec2:CreateSecurityGroup",
        "ec2:DescribeSecurityGroups",
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:CreateTags",
        "ec2:DeleteTags",
    }
    own = roles.last("ec2:CreateRouteServerEndpoint")
    assert set(own[2]) == {
        arn("route-server", world.route_server_id),
        arn("subnet", world.subnets["protected1"]),
        arn("route-server-endpoint", "*"),
    }
    assert own[3] == {"tandem:stack": "tandem"}
    tagging = next(q for q in roles.asked if q[1] == "ec2:CreateTags")
    assert tagging[2:] == (
        {arn("route-server-endpoint", "*"): {}},
        {"tandem:stack": "tandem"},
        {"ec2:CreateAction": "CreateRouteServerEndpoint"},
    )
    places = [q[2] for q in roles.asked if q[1] == "ec2:CreateNetworkInterface"]
    assert [set(place) for place in places] == [
        {arn("network-interface", "*")},
        {arn("subnet", world.subnets["protected1"])},
    ]
    roles.denied["ec2:CreateSecurityGroup"] = "no"
    with refused("UnauthorizedOperation"):
        world.ec2.create_route_server_endpoint(**made)


def test_peers_open_and_close_security_groups(world, roles):
    peer = world.peers["fw1"]["az1-a"]
    world.ec2.delete_route_server_peer(RouteServerPeerId=peer)
    assert [question[1] for question in roles.asked] == [
        "ec2:DeleteRouteServerPeer",
        "ec2:RevokeSecurityGroupIngress",
    ]
    assert set(roles.asked[0][2]) == {arn("route-server-peer", peer)}


def test_topics_are_made_in_the_callers_name_too(world, roles):
    server = world.route_server_id
    world.ec2.modify_route_server(RouteServerId=server, SnsNotificationsEnabled=False)
    assert roles.asked[-1][1] == "sns:DeleteTopic"
    roles.denied["sns:CreateTopic"] = "no"
    with refused("UnauthorizedOperation"):
        world.ec2.modify_route_server(RouteServerId=server, SnsNotificationsEnabled=True)
    with refused("UnauthorizedOperation"):
        world.ec2.create_route_server(AmazonSideAsn=65000, SnsNotificationsEnabled=True)
    world.ec2.create_route_server(AmazonSideAsn=65000)


def test_tagging_asks_with_the_tags_wanted(world, roles):
    eip = world.elastic_ips["eip1"]["allocation_id"]
    world.ec2.create_tags(Resources=[eip], Tags=[{"Key": "a", "Value": "b"}])
    _, _, resources, request_tags, keys = roles.last("ec2:CreateTags")
    assert resources == {arn("elastic-ip", eip): {"Name": "eip1", "tandem:stack": "tandem"}}
    assert (request_tags, keys) == ({"a": "b"}, {})
    world.ec2.modify_network_interface_attribute(
        NetworkInterfaceId=world.interfaces["fw1"], SourceDestCheck={"Value": False}
    )
    _, _, resources, _, keys = roles.last("ec2:ModifyNetworkInterfaceAttribute")
    assert set(resources) == {arn("network-interface", world.interfaces["fw1"])}
    assert keys == {"ec2:Attribute/SourceDestCheck": "false"}
