"""Ways to close the packet filters of a healthy world, and the rules that fail then."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tandem.reasons.compliance import RuleId
from tests.breakages import breaks
from tests.breakages_sessions import asn_of, create_peer, endpoint
from tests.stack import Stack

EVERYWHERE = "0.0.0.0/0"


def group_of(s: Stack, *permissions: dict[str, Any]) -> str:
    """Creates a security group with these permissions for what comes in; everything may go out."""
    client = s.lab.client()
    created = client.create_security_group(GroupName="narrow", Description="narrow", VpcId=s.ids["vpc_id"])
    client.authorize_security_group_ingress(GroupId=created["GroupId"], IpPermissions=[*permissions])
    return str(created["GroupId"])


def put_on(s: Stack, appliance: str, group_id: str) -> None:
    s.lab.client().modify_network_interface_attribute(
        NetworkInterfaceId=s.ids["interfaces"][appliance], Groups=[group_id]
    )


def permission(protocol: str, port: int, **who: Any) -> dict[str, Any]:
    return {"IpProtocol": protocol, "FromPort": port, "ToPort": port, **who}


def group_of_endpoint(s: Stack, name: str) -> str:
    address = s.ids["endpoints"][name]["address"]
    filters: Any = [{"Name": "addresses.private-ip-address", "Values": [address]}]
    [interface] = s.lab.client().describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
    return str(interface["Groups"][0]["GroupId"])


def acl_of(s: Stack, subnet: str) -> str:
    """Gives the subnet a network ACL of its own, as open as the default one."""
    client, subnet_id = s.lab.client(), s.ids["subnets"][subnet]
    created = client.create_network_acl(VpcId=s.ids["vpc_id"])["NetworkAcl"]["NetworkAclId"]
    filters: Any = [{"Name": "association.subnet-id", "Values": [subnet_id]}]
    [before] = client.describe_network_acls(Filters=filters)["NetworkAcls"]
    [association] = [a for a in before["Associations"] if a["SubnetId"] == subnet_id]
    for outbound in (False, True):
        rule(s, created, 100, "-1", outbound=outbound)
    client.replace_network_acl_association(
        AssociationId=association["NetworkAclAssociationId"], NetworkAclId=created
    )
    return str(created)


def rule(
    s: Stack,
    acl_id: str,
    number: int,
    protocol: str,
    *,
    outbound: bool,
    ports: tuple[int, int] = (0, 65535),
    action: str = "allow",
) -> None:
    between: Any = {} if protocol == "-1" else {"PortRange": {"From": ports[0], "To": ports[1]}}
    s.lab.client().create_network_acl_entry(
        NetworkAclId=acl_id,
        RuleNumber=number,
        Protocol=protocol,
        RuleAction=action,
        Egress=outbound,
        CidrBlock=EVERYWHERE,
        **between,
    )


def session_between_zones(s: Stack) -> str:
    """The standby also peers with an endpoint of the other zone; returns the rules' resource."""
    at = endpoint(s, "az1-a")
    create_peer(s, at, s.ids["peer_addresses"]["fw2"], asn_of("fw2"))
    return f"fw2 {at}"


@breaks(RuleId.SECURITY_GROUPS_PASS, RuleId.SECURITY_GROUPS_PASS, RuleId.NO_FOREIGN_CHANGE)
def the_standbys_group_forgets_bfd(s: Stack) -> Iterable[str]:
    """The standby gets a security group that lets BGP in, and no BFD."""
    vpc = {"IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
    put_on(s, "fw2", group_of(s, permission("tcp", 179, **vpc)))
    return [*(f"fw2 {endpoint(s, name)}" for name in ("az2-a", "az2-b")), s.ids["interfaces"]["fw2"]]


@breaks(RuleId.SECURITY_GROUPS_PASS, RuleId.SECURITY_GROUPS_PASS, RuleId.NO_FOREIGN_CHANGE)
def the_standbys_group_names_the_wrong_prefix_list(s: Stack) -> Iterable[str]:
    """The standby gets a security group that allows everything from a prefix list without the endpoints."""
    created = s.lab.client().create_managed_prefix_list(
        PrefixListName="endpoints",
        MaxEntries=5,
        AddressFamily="IPv4",
        Entries=[{"Cidr": "10.0.1.0/24"}],
    )
    who = {"PrefixListIds": [{"PrefixListId": created["PrefixList"]["PrefixListId"]}]}
    put_on(s, "fw2", group_of(s, {"IpProtocol": "-1", **who}))
    return [*(f"fw2 {endpoint(s, name)}" for name in ("az2-a", "az2-b")), s.ids["interfaces"]["fw2"]]


@breaks(RuleId.SECURITY_GROUPS_PASS)
def the_endpoints_group_loses_bgp(s: Stack) -> Iterable[str]:
    """Somebody revokes TCP 179 from the security group that AWS made for an endpoint of the standby."""
    who = {"IpRanges": [{"CidrIp": f"{s.ids['peer_addresses']['fw2']}/32"}]}
    s.lab.client().revoke_security_group_ingress(
        GroupId=group_of_endpoint(s, "az2-b"),
        IpPermissions=[permission("tcp", 179, **who)],
    )
    return [f"fw2 {endpoint(s, 'az2-b')}"]


@breaks(RuleId.NETWORK_ACLS_PASS)
def a_network_acl_denies_bfd(s: Stack) -> Iterable[str]:
    """The network ACL of the standby's subnet denies UDP, before it allows everything."""
    resource = session_between_zones(s)
    rule(s, acl_of(s, "az2"), 50, "17", outbound=False, action="deny")
    return [resource]


@breaks(RuleId.NETWORK_ACLS_PASS)
def a_network_acl_denies_the_answers(s: Stack) -> Iterable[str]:
    """The network ACL of the standby's subnet denies TCP from port 1024 on, where answers of BGP go."""
    resource = session_between_zones(s)
    rule(s, acl_of(s, "az2"), 50, "6", outbound=False, ports=(1024, 65535), action="deny")
    return [resource]
