"""Ways to break a healthy world, each through AWS's API or a lever, and the rules that fail then."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from lab.ec2.scenario_routing import tags_on
from tandem.reasons.compliance import RuleId
from tests.complying import FLOATING, healthy_document
from tests.stack import Stack

DEFAULT = "0.0.0.0/0"


class Failover(StrEnum):
    """What becomes of the addresses if the active appliance dies after the breakage."""

    WORKS = "works"
    HELD = "held"
    """Some stay on the appliance that is dead."""
    WITHOUT_ROUTE = "without route"
    """They move to an appliance, and the declared route table has no route to it."""
    UNDOCUMENTED = "undocumented"
    """EC2 refuses to move some, and AWS documents no code for it."""


EVERY = ("eip1", "eip2", "eip3", "eip4")


@dataclass(frozen=True, slots=True)
class Breakage:
    """One way to break the world. Its docstring stands on the pages of the rules that it breaks."""

    break_: Callable[[Stack], Iterable[str]]
    """Breaks the world; returns the resources of the rules, in the order of `rules`."""
    rules: tuple[RuleId, ...]
    then: Failover
    stay: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.break_.__name__

    @property
    def words(self) -> str:
        return str(self.break_.__doc__)

    def expected(self, s: Stack) -> set[tuple[str, str]]:
        """Breaks the world and returns rule and resource of each finding that this must open."""
        return {(str(rule), resource) for rule, resource in zip(self.rules, self.break_(s), strict=True)}


BREAKAGES: list[Breakage] = []


def breaks(
    *rules: RuleId, then: Failover = Failover.WORKS, stay: tuple[str, ...] = ()
) -> Callable[[Callable[[Stack], Iterable[str]]], Callable[[Stack], Iterable[str]]]:
    """Registers a function as a breakage of these rules; a rule that fails twice stands twice.

    `then` is what a failover after it becomes; `stay` are the Elastic IPs that are held.
    """

    def register(break_: Callable[[Stack], Iterable[str]]) -> Callable[[Stack], Iterable[str]]:
        BREAKAGES.append(Breakage(break_, rules, then, stay))
        return break_

    return register


@breaks(RuleId.STANDBY_ADVERTISES, then=Failover.HELD, stay=EVERY)
def the_standby_withdraws_a_prefix(s: Stack) -> Iterable[str]:
    """The standby withdraws a tracked prefix."""
    s.levers.withdraw("fw2", DEFAULT)
    return [f"fw2 {DEFAULT}"]


@breaks(RuleId.STANDBY_ADVERTISES)
def the_paths_tie(s: Stack) -> Iterable[str]:
    """The standby advertises a tracked prefix with the active one's AS path length and MED."""
    s.levers.advertise("fw2", DEFAULT, as_path=[65002])
    return [f"fw2 {DEFAULT}"]


@breaks(RuleId.STANDBY_ALIVE, RuleId.STANDBY_ADVERTISES, then=Failover.HELD, stay=EVERY)
def the_standby_closes_its_sessions(s: Stack) -> Iterable[str]:
    """The standby closes all of its sessions and stays away."""
    s.levers.shutdown("fw2")
    return ["fw2", f"fw2 {DEFAULT}"]


@breaks(
    RuleId.STANDBY_ALIVE, RuleId.STANDBY_ADVERTISES, RuleId.TARGET_ATTACHED, then=Failover.HELD, stay=EVERY
)
def the_standby_stops(s: Stack) -> Iterable[str]:
    """The standby's instance stops."""
    s.levers.instance("fw2", "stopped")
    return ["fw2", f"fw2 {DEFAULT}", s.ids["interfaces"]["fw2"]]


@breaks(
    RuleId.STANDBY_ALIVE,
    RuleId.STANDBY_ADVERTISES,
    RuleId.INSTANCE_EXISTS,
    RuleId.TARGET_ATTACHED,
    then=Failover.HELD,
    stay=EVERY,
)
def the_standby_is_terminated(s: Stack) -> Iterable[str]:
    """Somebody terminates the standby's instance, and its interface goes with it."""
    s.lab.client().terminate_instances(InstanceIds=[s.ids["instances"]["fw2"]])
    return ["fw2", f"fw2 {DEFAULT}", s.ids["instances"]["fw2"], s.ids["interfaces"]["fw2"]]


@breaks(RuleId.SESSIONS_UP)
def a_session_of_the_standby_is_down(s: Stack) -> Iterable[str]:
    """BGP is down in one of the standby's two sessions."""
    s.levers.session("fw2", "az2-a", "down")
    return ["fw2"]


@breaks(RuleId.SESSIONS_UP)
def bfd_of_the_standby_is_down_in_a_session(s: Stack) -> Iterable[str]:
    """BFD is down in one of the standby's two sessions, and its routes go."""
    s.levers.session("fw2", "az2-a", "down", protocol="bfd")
    return ["fw2"]


@breaks(RuleId.APPLIANCE_HAS_ADDRESSES)
def a_declared_next_hop_is_gone(s: Stack) -> Iterable[str]:
    """Somebody unassigns an address that the document declares as a next hop of the standby."""
    interface = s.ids["interfaces"]["fw2"]
    s.lab.client().unassign_private_ip_addresses(NetworkInterfaceId=interface, PrivateIpAddresses=[FLOATING])
    return ["fw2"]


@breaks(RuleId.TARGET_HAS_PRIVATE_IP, then=Failover.HELD, stay=("eip1",))
def a_target_lacks_its_private_ip(s: Stack) -> Iterable[str]:
    """Somebody unassigns a target's private IP."""
    interface, address = s.ids["interfaces"]["fw2"], "10.0.2.20"
    s.lab.client().unassign_private_ip_addresses(NetworkInterfaceId=interface, PrivateIpAddresses=[address])
    return [f"{interface} {address}"]


@breaks(RuleId.TARGET_FREE, then=Failover.HELD, stay=("eip2",))
def a_target_has_a_strangers_elastic_ip(s: Stack) -> Iterable[str]:
    """Somebody associates another Elastic IP with a target's private IP."""
    interface, address = s.ids["interfaces"]["fw2"], "10.0.2.21"
    strange = s.lab.client().allocate_address(Domain="vpc")["AllocationId"]
    s.levers.associate_as_stranger(strange, interface, address)
    return [f"{interface} {address}"]


@breaks(*[RuleId.TARGET_IN_BORDER_GROUP] * 2, then=Failover.UNDOCUMENTED, stay=("eip4",))
def an_elastic_ip_is_of_a_local_zone(s: Stack) -> Iterable[str]:
    """An Elastic IP of a Local Zone is declared instead of one of the Region."""
    tags = tags_on("elastic-ip", "eip4", tandem__stack="tandem")
    made = s.lab.client().allocate_address(
        Domain="vpc", NetworkBorderGroup="us-east-1-bos-1", TagSpecifications=tags
    )
    document = healthy_document(s.ids)
    declared = document["groups"][0]["elastic_ips"][3]
    [old] = s.lab.client().describe_addresses(AllocationIds=[declared["allocation_id"]])["Addresses"]
    s.lab.client().disassociate_address(AssociationId=old["AssociationId"])
    declared["allocation_id"] = s.ids["elastic_ips"]["eip4"]["allocation_id"] = made["AllocationId"]
    s.store(**document)
    return [f"{t['network_interface']} {t['private_ip']}" for t in declared["targets"].values()]


@breaks(RuleId.ELASTIC_IP_EXISTS, then=Failover.HELD, stay=("eip3",))
def an_elastic_ip_is_released(s: Stack) -> Iterable[str]:
    """Somebody releases a declared Elastic IP."""
    ec2, allocation_id = s.lab.client(), s.ids["elastic_ips"]["eip3"]["allocation_id"]
    [found] = ec2.describe_addresses(AllocationIds=[allocation_id])["Addresses"]
    ec2.disassociate_address(AssociationId=found["AssociationId"])
    ec2.release_address(AllocationId=allocation_id)
    return [allocation_id]


@breaks(RuleId.OWNER_TAG, then=Failover.HELD, stay=("eip2",))
def an_elastic_ip_loses_its_owners_tag(s: Stack) -> Iterable[str]:
    """Somebody deletes the owner's tag of an Elastic IP."""
    allocation_id = s.ids["elastic_ips"]["eip2"]["allocation_id"]
    s.lab.client().delete_tags(Resources=[allocation_id], Tags=[{"Key": "tandem:stack"}])
    return [allocation_id]


@breaks(RuleId.OWNER_TAG, then=Failover.HELD, stay=EVERY)
def a_target_loses_its_owners_tag(s: Stack) -> Iterable[str]:
    """Somebody gives the standby's interface to another stack."""
    interface = s.ids["interfaces"]["fw2"]
    s.lab.client().create_tags(Resources=[interface], Tags=[{"Key": "tandem:stack", "Value": "other"}])
    return [interface]


@breaks(RuleId.ROUTE_INSTALLED, then=Failover.WITHOUT_ROUTE)
def nothing_propagates(s: Stack) -> Iterable[str]:
    """Somebody disables propagation to a declared route table."""
    table = s.ids["route_tables"]["protected"]
    server = s.ids["route_server_id"]
    s.lab.client().disable_route_server_propagation(RouteServerId=server, RouteTableId=table)
    return [f"{table} {DEFAULT}"]


@breaks(RuleId.ROUTE_INSTALLED, RuleId.ROUTE_NOT_SHADOWED, then=Failover.WITHOUT_ROUTE)
def a_static_route_shadows(s: Stack) -> Iterable[str]:
    """Somebody adds a static route for a tracked prefix to a declared route table."""
    table = s.ids["route_tables"]["protected"]
    gateway = s.ids["internet_gateway_id"]
    s.lab.client().create_route(RouteTableId=table, DestinationCidrBlock=DEFAULT, GatewayId=gateway)
    return [f"{table} {DEFAULT}"] * 2


@breaks(RuleId.ROUTE_NOT_BYPASSED)
def a_static_route_bypasses(s: Stack) -> Iterable[str]:
    """Somebody adds a static route for a part of a tracked prefix to a declared route table."""
    table = s.ids["route_tables"]["protected"]
    gateway = s.ids["internet_gateway_id"]
    s.lab.client().create_route(RouteTableId=table, DestinationCidrBlock="203.0.113.0/24", GatewayId=gateway)
    return [table]


@breaks(RuleId.NO_BLACKHOLE_ROUTE, RuleId.ROUTE_NOT_BYPASSED)
def a_route_is_a_blackhole(s: Stack) -> Iterable[str]:
    """A static route of a declared route table leads to an interface that is attached to nothing."""
    ec2, table = s.lab.client(), s.ids["route_tables"]["protected"]
    loose = ec2.create_network_interface(SubnetId=s.ids["subnets"]["az1"])["NetworkInterface"]
    ec2.create_route(
        RouteTableId=table,
        DestinationCidrBlock="203.0.113.0/24",
        NetworkInterfaceId=loose["NetworkInterfaceId"],
    )
    return [table] * 2


@breaks(
    RuleId.ROUTE_LEADS_TO_APPLIANCE,
    *[RuleId.STANDBY_ADVERTISES] * 2,
    then=Failover.HELD,
    stay=EVERY,
)
def a_stranger_owns_the_route(s: Stack) -> Iterable[str]:
    """The active appliance advertises a tracked prefix with the next hop of a device that nobody declared."""
    ec2, table = s.lab.client(), s.ids["route_tables"]["protected"]
    ec2.run_instances(
        ImageId="ami-12c6146b",
        InstanceType="c5.large",
        MinCount=1,
        MaxCount=1,
        SubnetId=s.ids["subnets"]["az1"],
        PrivateIpAddress="10.0.1.99",
    )
    for name, asn in (("fw1", 65001), ("fw2", 65002)):
        s.levers.advertise(name, DEFAULT, as_path=[asn], next_hop="10.0.1.99")
    return [f"{table} {DEFAULT}", f"fw1 {DEFAULT}", f"fw2 {DEFAULT}"]


@breaks(RuleId.PROPAGATION_DECLARED)
def an_undeclared_table_gets_the_routes(s: Stack) -> Iterable[str]:
    """Somebody enables propagation to a route table that the document does not declare."""
    ec2 = s.lab.client()
    table = ec2.create_route_table(VpcId=s.ids["vpc_id"])["RouteTable"]["RouteTableId"]
    ec2.enable_route_server_propagation(RouteServerId=s.ids["route_server_id"], RouteTableId=table)
    return [table]


@breaks(RuleId.ROUTE_TABLE_SUPPORTED, RuleId.ROUTE_INSTALLED, then=Failover.WITHOUT_ROUTE)
def the_table_is_of_a_virtual_private_gateway(s: Stack) -> Iterable[str]:
    """Somebody associates a declared route table with a virtual private gateway."""
    ec2, table = s.lab.client(), s.ids["route_tables"]["protected"]
    gateway = ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    ec2.attach_vpn_gateway(VpcId=s.ids["vpc_id"], VpnGatewayId=gateway)
    ec2.associate_route_table(RouteTableId=table, GatewayId=gateway)
    return [table, f"{table} {DEFAULT}"]


@breaks(RuleId.ROUTE_TABLE_HAS_SUBNET)
def the_table_has_no_subnet(s: Stack) -> Iterable[str]:
    """Somebody associates the subnets of a declared route table with another one."""
    ec2, table = s.lab.client(), s.ids["route_tables"]["protected"]
    [shown] = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    for association in shown["Associations"]:
        ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
    return [table]
