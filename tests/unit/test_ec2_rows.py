"""One row of EC2's answers at a time: what a missing or odd member makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from tandem.adapters.ec2rows import ELASTIC_IP, INSTANCE, INTERFACE, PEER, ROUTE
from tandem.adapters.rows import Rows, Unread, read_rows
from tandem.adapters.vpcrows import ROUTE_TABLE, SUBNET
from tandem.errors import ConfigurationError
from tandem.model import Holder, InstallationStatus, Liveness, Status

INSTALLED = {"RouteTableId": "rtb-1", "RouteInstallationStatus": "installed"}
ODD_INSTALLATION = {"RouteTableId": "rtb-2", "RouteInstallationStatus": "installing"}
WAY = {"Prefix": "0.0.0.0/0", "NextHopIp": "10.0.1.5", "RouteStatus": "in-fib"}
ADDRESS = {"AllocationId": "eipalloc-1", "PublicIp": "198.51.100.1"}
HELD = {"AssociationId": "eipassoc-1", "NetworkInterfaceId": "eni-1", "PrivateIpAddress": "10.0.1.5"}
SESSION = {
    "RouteServerPeerId": "rsp-1",
    "RouteServerEndpointId": "rse-1",
    "RouteServerId": "rs-1",
    "PeerAddress": "10.0.1.5",
    "State": "available",
    "BgpOptions": {"PeerAsn": 65001, "PeerLivenessDetection": "bfd"},
    "BgpStatus": {"Status": "up"},
    "BfdStatus": {"Status": "up"},
}


def without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def one(kind: Any, row: object) -> Any:
    """Returns what the row is read as; nothing of it is left out."""
    rows = read_rows([row], kind)
    assert rows.words == ()
    return rows.found[0]


def unread(kind: Any, row: object) -> str:
    rows = read_rows([row], kind)
    assert rows.found == ()
    return rows.unread[0].words


def test_one_table_that_shows_a_route_as_installed_is_enough() -> None:
    rows = read_rows([{**WAY, "RouteInstallationDetails": [INSTALLED, ODD_INSTALLATION]}], ROUTE)
    (route,) = rows.found
    assert [i.status for i in route.installations] == [InstallationStatus.INSTALLED]
    assert "rtb-2" in rows.odd[0]
    assert "rtb-2" in unread(ROUTE, {**WAY, "RouteInstallationDetails": [ODD_INSTALLATION]})


@pytest.mark.parametrize("name", ["Prefix", "NextHopIp", "RouteStatus"])
def test_a_route_needs_what_decides_who_owns_it(name: str) -> None:
    assert name in unread(ROUTE, without(WAY, name))


@pytest.mark.parametrize(("name", "odd"), [("Med", "7"), ("AsPaths", [7]), ("RouteServerPeerId", 7)])
def test_a_route_is_read_without_what_decides_nothing(name: str, odd: object) -> None:
    rows = read_rows([{**WAY, name: odd}], ROUTE)
    assert (len(rows.found), len(rows.odd)) == (1, 1)


def test_nobody_has_an_address_that_shows_no_association() -> None:
    assert one(ELASTIC_IP, ADDRESS).holder is None
    assert one(ELASTIC_IP, ADDRESS | HELD).holder == Holder("eni-1", "10.0.1.5", "eipassoc-1")


@pytest.mark.parametrize("name", list(HELD))
def test_a_part_of_an_association_is_not_nobody(name: str) -> None:
    """Without its private address too: where it is would be unknown."""
    assert name in unread(ELASTIC_IP, without(ADDRESS | HELD, name))


@pytest.mark.parametrize("part", [{"NetworkInterfaceId": "eni-1"}, {"InstanceId": "i-1"}])
def test_an_association_without_its_id_is_not_nobody(part: dict[str, str]) -> None:
    assert "cannot be read" in unread(ELASTIC_IP, ADDRESS | part)


def test_a_peer_without_bfd_has_none_whatever_its_status_says() -> None:
    options = {"PeerAsn": 65001, "PeerLivenessDetection": "bgp-keepalive"}
    peer = one(PEER, {**SESSION, "BgpOptions": options, "BfdStatus": {"Status": "down"}})
    assert (peer.liveness, peer.bgp, peer.bfd) == (Liveness.BGP_KEEPALIVE, Status.UP, None)


def test_a_peer_that_is_available_shows_its_session() -> None:
    assert "BgpStatus" in unread(PEER, without(SESSION, "BgpStatus"))
    assert one(PEER, {**without(SESSION, "BgpStatus"), "State": "pending"}).bgp is Status.DOWN


@pytest.mark.parametrize("state", [None, {}, {"Name": "odd"}, {"Name": 16}])
def test_an_instance_needs_a_state_that_aws_documents(state: object) -> None:
    assert "i-1" in unread(INSTANCE, {"InstanceId": "i-1", "State": state})


def test_an_interface_of_an_instance_that_cannot_be_read_leaves_the_instance() -> None:
    row = {"InstanceId": "i-1", "State": {"Name": "running"}, "NetworkInterfaces": [{"SubnetId": "subnet-1"}]}
    rows = read_rows([row], INSTANCE)
    assert [len(instance.interfaces.unread) for instance in rows.found] == [1]
    assert len(rows.odd) == 1


def test_an_association_without_a_public_address_makes_the_interface_unread() -> None:
    address = {"PrivateIpAddress": "10.0.1.5", "Association": {"AllocationId": "eipalloc-1"}}
    assert "PublicIp" in unread(INTERFACE, {"NetworkInterfaceId": "eni-1", "PrivateIpAddresses": [address]})


def test_a_subnet_for_ipv6_only_has_no_ipv4_block() -> None:
    assert one(SUBNET, {"SubnetId": "subnet-1", "VpcId": "vpc-1"}).prefix is None


def test_a_null_destination_is_no_route_of_its_kind() -> None:
    row = {"DestinationCidrBlock": None, "DestinationIpv6CidrBlock": "::/0", "Origin": "CreateRoute"}
    table = one(ROUTE_TABLE, {"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Routes": [row]})
    assert (table.ipv4_routes, table.ipv6_routes) == (0, 1)


def test_a_static_route_that_cannot_be_read_is_named_and_leaves_the_table() -> None:
    row = {"DestinationCidrBlock": "10.0.0.1/8", "GatewayId": "igw-1", "Origin": "CreateRoute"}
    rows = read_rows([{"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Routes": [row]}], ROUTE_TABLE)
    assert len(rows.found) == 1
    assert "10.0.0.1/8" in rows.odd[0]


@pytest.mark.parametrize(
    "tag", [{"Key": "Name"}, {"Key": "Name", "Value": ""}, {"Key": "Name", "Value": None}]
)
def test_a_tag_without_a_value_has_an_empty_one(tag: dict[str, object]) -> None:
    assert one(ELASTIC_IP, {**ADDRESS, "Tags": [tag]}).tags == (("Name", ""),)


def test_a_tag_with_another_value_is_left_out_with_the_tags() -> None:
    rows = read_rows([{**ADDRESS, "Tags": [{"Key": "Name", "Value": 17}]}], ELASTIC_IP)
    assert (rows.found[0].tags, len(rows.odd)) == ((), 1)


@pytest.mark.parametrize("row", [None, 17, "odd", [], {}])
def test_a_row_that_says_nothing_may_be_any_that_was_asked_for(row: object) -> None:
    rows = read_rows([row], ELASTIC_IP)
    assert set(rows.unknown(["eipalloc-1", "eipalloc-2"], ["eipalloc-2"])) == {"eipalloc-1"}


def test_of_several_reasons_the_first_counts() -> None:
    rows: Rows[object] = Rows(unread=(Unread("eni-1", "first", {}), Unread("eni-1", "second", {})))
    assert rows.unknown(["eni-1"], ()) == {"eni-1": "first"}
    with pytest.raises(ConfigurationError, match="first"):
        rows.whole()
