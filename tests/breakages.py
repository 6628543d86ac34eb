"""Ways to break a healthy world, each through AWS's API or a lever, and the rules that fail then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lab.ec2.authorizer import AllowAll, role_session, user
from lab.ec2.scenario_routing import tags_on
from tandem.adapters import clients
from tandem.reasons.compliance import RuleId
from tandem.state.record import TopologyRecord
from tandem.topology.document import parse_topology
from tests.complying import FLOATING, OTHER, healthy_document
from tests.functions import store
from tests.stack import Stack
from tests.worlds import Watched

DEFAULT = "0.0.0.0/0"


class Failover(StrEnum):
    """What becomes of the addresses if the active appliance dies after the breakage."""

    WORKS = "works"
    HELD = "held"
    """Some stay on the appliance that is dead."""
    WITHOUT_ROUTE = "without route"
    """They move to an appliance, and the declared route table has no route to it."""
    WITHOUT_INTERNET = "without internet"
    """They move to an appliance whose subnet leads to no internet gateway."""
    UNDOCUMENTED = "undocumented"
    """EC2 refuses to move some, and AWS documents no code for it."""


class World(StrEnum):
    """The healthy world that a breakage breaks."""

    EDGE = "edge"
    INSPECTION = "ingress-inspection"


EVERY = ("eip1", "eip2", "eip3", "eip4")


@dataclass(frozen=True, slots=True)
class Breakage:
    """One way to break the world. Its docstring stands on the pages of the rules that it breaks."""

    break_: Callable[[Any], Iterable[str]]
    """Breaks the world; returns the resources of the rules, in the order of `rules`."""
    rules: tuple[RuleId, ...]
    then: Failover
    stay: tuple[str, ...]
    world: World
    is_alone: bool
    """False where it breaks more, which other rules say."""

    @property
    def name(self) -> str:
        return self.break_.__name__

    @property
    def words(self) -> str:
        return str(self.break_.__doc__)

    def expected(self, s: Stack | Watched) -> set[tuple[str, str]]:
        """Breaks the world and returns rule and resource of each finding that this must open."""
        return {(str(rule), resource) for rule, resource in zip(self.rules, self.break_(s), strict=True)}


BREAKAGES: list[Breakage] = []


Break = Callable[[Any], Iterable[str]]


def breaks(
    *rules: RuleId,
    then: Failover = Failover.WORKS,
    stay: tuple[str, ...] = (),
    world: World = World.EDGE,
    is_alone: bool = True,
) -> Callable[[Break], Break]:
    """Registers a function as a breakage of these rules; a rule that fails twice stands twice.

    `then` is what a failover after it becomes; `stay` are the Elastic IPs that are held.
    """

    def register(break_: Break) -> Break:
        BREAKAGES.append(Breakage(break_, rules, then, stay, world, is_alone))
        return break_

    return register


@breaks(RuleId.STANDBY_ADVERTISES, then=Failover.HELD, stay=EVERY)
def the_standby_withdraws_a_prefix(s: Stack) -> Iterable[str]:
    """The standby withdraws a tracked prefix."""
    s.levers.withdraw("fw2", DEFAULT)
    return [f"fw2 {DEFAULT}"]


@breaks(RuleId.PATHS_RANKED)
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


@breaks(RuleId.ELASTIC_IP_EXISTS, RuleId.ONE_MOVER, then=Failover.HELD, stay=("eip3",))
def an_elastic_ip_is_released(s: Stack) -> Iterable[str]:
    """Somebody releases a declared Elastic IP."""
    ec2, allocation_id = s.lab.client(), s.ids["elastic_ips"]["eip3"]["allocation_id"]
    [found] = ec2.describe_addresses(AllocationIds=[allocation_id])["Addresses"]
    ec2.disassociate_address(AssociationId=found["AssociationId"])
    ec2.release_address(AllocationId=allocation_id)
    return [allocation_id] * 2


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


@breaks(RuleId.TARGET_HAS_INTERNET_ROUTE, then=Failover.WITHOUT_INTERNET)
def the_standbys_subnet_loses_the_internet(s: Stack) -> Iterable[str]:
    """Somebody gives the standby's subnet a route table without a route to an internet gateway."""
    ec2, subnet = s.lab.client(), s.ids["subnets"]["az2"]
    [public] = ec2.describe_route_tables(RouteTableIds=[s.ids["route_tables"]["public"]])["RouteTables"]
    [old] = [a for a in public["Associations"] if a.get("SubnetId") == subnet]
    table = ec2.create_route_table(VpcId=s.ids["vpc_id"])["RouteTable"]["RouteTableId"]
    ec2.replace_route_table_association(AssociationId=old["RouteTableAssociationId"], RouteTableId=table)
    return [s.ids["interfaces"]["fw2"]]


@breaks(RuleId.ROUTE_INSTALLED, RuleId.NO_FOREIGN_CHANGE, then=Failover.WITHOUT_ROUTE)
def nothing_propagates(s: Stack) -> Iterable[str]:
    """Somebody disables propagation to a declared route table."""
    table = s.ids["route_tables"]["protected"]
    server = s.ids["route_server_id"]
    s.lab.client().disable_route_server_propagation(RouteServerId=server, RouteTableId=table)
    return [f"{table} {DEFAULT}", table]


@breaks(
    RuleId.ROUTE_INSTALLED, RuleId.ROUTE_NOT_SHADOWED, RuleId.NO_FOREIGN_CHANGE, then=Failover.WITHOUT_ROUTE
)
def a_static_route_shadows(s: Stack) -> Iterable[str]:
    """Somebody adds a static route for a tracked prefix to a declared route table."""
    table = s.ids["route_tables"]["protected"]
    gateway = s.ids["internet_gateway_id"]
    s.lab.client().create_route(RouteTableId=table, DestinationCidrBlock=DEFAULT, GatewayId=gateway)
    return [*[f"{table} {DEFAULT}"] * 2, table]


def add_route_to_list(s: Stack, block: str, **to: str) -> tuple[str, str]:
    """Adds a route to a new prefix list with one block; returns the declared table and the list."""
    ec2, table = s.lab.client(), s.ids["route_tables"]["protected"]
    created = ec2.create_managed_prefix_list(
        PrefixListName="elsewhere", MaxEntries=1, AddressFamily="IPv4", Entries=[{"Cidr": block}]
    )
    list_id = created["PrefixList"]["PrefixListId"]
    to = to or {"GatewayId": s.ids["internet_gateway_id"]}
    ec2.create_route(RouteTableId=table, DestinationPrefixListId=list_id, **to)
    return table, list_id


@breaks(RuleId.ROUTE_NOT_SHADOWED, RuleId.NO_FOREIGN_CHANGE, then=Failover.WITHOUT_ROUTE)
def a_prefix_list_shadows(s: Stack) -> Iterable[str]:
    """Somebody adds a route to a prefix list that has a tracked prefix in it."""
    table, _ = add_route_to_list(s, DEFAULT)
    return [f"{table} {DEFAULT}", table]


@breaks(
    RuleId.ROUTE_NOT_SHADOWED,
    RuleId.ROUTE_NOT_BYPASSED,
    RuleId.NO_FOREIGN_CHANGE,
    then=Failover.WITHOUT_ROUTE,
)
def a_prefix_list_of_a_route_cannot_be_read(s: Stack) -> Iterable[str]:
    """A route leads to a prefix list whose entries EC2 refuses to show: both rules say *unknown*."""
    table, list_id = add_route_to_list(s, DEFAULT)
    s.levers.fault("GetManagedPrefixListEntries", error="UnauthorizedOperation", count=1000)
    return [f"{table} {DEFAULT}", f"{table} {list_id}", table]


def shown_routes(change: Callable[[dict[str, Any]], None]) -> None:
    """Lets EC2 show route tables as this changes each row of them."""

    def show(parsed: dict[str, Any], **_: Any) -> None:
        for row in parsed.get("RouteTables", ()):
            change(row)

    clients.ec2().meta.events.register("after-call.ec2.DescribeRouteTables", show)


def propagate_from_gateway(s: Stack, *blocks: str) -> str:
    """Lets EC2 show routes that a virtual private gateway propagates; returns the declared table."""
    table = s.ids["route_tables"]["protected"]
    shown = {"GatewayId": "vgw-0a1b2c3d4e5f60001", "State": "active", "Origin": "EnableVgwRoutePropagation"}

    def change(row: dict[str, Any]) -> None:
        if row["RouteTableId"] == table:
            row["Routes"] += [{"DestinationCidrBlock": block, **shown} for block in blocks]

    shown_routes(change)
    return str(table)


@breaks(RuleId.ROUTE_NOT_SHADOWED)
def a_virtual_private_gateway_propagates_the_same(s: Stack) -> Iterable[str]:
    """A virtual private gateway propagates a tracked prefix too. AWS ranks the two nowhere: *unknown*."""
    return [f"{propagate_from_gateway(s, DEFAULT)} {DEFAULT}"]


@breaks(RuleId.ROUTE_NOT_BYPASSED)
def a_virtual_private_gateway_propagates_a_part(s: Stack) -> Iterable[str]:
    """A virtual private gateway propagates a part of a tracked prefix."""
    return [f"{propagate_from_gateway(s, '203.0.113.0/24')} 203.0.113.0/24"]


@breaks(RuleId.ROUTE_INSTALLED, then=Failover.WITHOUT_ROUTE)
def the_table_does_not_show_what_is_installed(s: Stack) -> Iterable[str]:
    """The routing database says that the route is installed, and the route table does not have it."""
    table = s.ids["route_tables"]["protected"]

    def change(row: dict[str, Any]) -> None:
        if row["RouteTableId"] == table:
            row["Routes"] = [r for r in row["Routes"] if r.get("Origin") != "Advertisement"]

    shown_routes(change)
    return [f"{table} {DEFAULT}"]


@breaks(RuleId.ROUTE_LEADS_TO_APPLIANCE, then=Failover.WITHOUT_ROUTE)
def the_table_leads_to_the_other_appliance(s: Stack) -> Iterable[str]:
    """The routing database says that one appliance's route is installed; the table leads to the other's."""
    table, interfaces = s.ids["route_tables"]["protected"], s.ids["interfaces"]
    other = {interfaces["fw1"]: interfaces["fw2"], interfaces["fw2"]: interfaces["fw1"]}

    def change(row: dict[str, Any]) -> None:
        for route in row["Routes"] if row["RouteTableId"] == table else ():
            if route.get("Origin") == "Advertisement":
                route["NetworkInterfaceId"] = other[route["NetworkInterfaceId"]]

    shown_routes(change)
    return [f"{table} {DEFAULT}"]


@breaks(RuleId.NO_BLACKHOLE_ROUTE)
def a_route_has_an_undocumented_state(s: Stack) -> Iterable[str]:
    """EC2 shows a route with the state `filtered`, which no page explains: *unknown*."""
    table = s.ids["route_tables"]["protected"]

    def change(row: dict[str, Any]) -> None:
        for route in row["Routes"] if row["RouteTableId"] == table else ():
            if route.get("Origin") == "Advertisement":
                route["State"] = "filtered"

    shown_routes(change)
    return [table]


@breaks(RuleId.ROUTE_NOT_BYPASSED, RuleId.NO_FOREIGN_CHANGE)
def a_prefix_list_bypasses(s: Stack) -> Iterable[str]:
    """Somebody adds a route to a prefix list that has a part of a tracked prefix in it."""
    table, list_id = add_route_to_list(s, "203.0.113.0/24")
    return [f"{table} {list_id}", table]


@breaks(RuleId.NO_FOREIGN_CHANGE)
def a_static_route_leads_to_a_private_network(s: Stack) -> Iterable[str]:
    """Somebody adds a static route for private addresses beside the tracked default route."""
    table, gateway = s.ids["route_tables"]["protected"], s.ids["internet_gateway_id"]
    s.lab.client().create_route(RouteTableId=table, DestinationCidrBlock="172.16.0.0/12", GatewayId=gateway)
    return [table]


@breaks(RuleId.ROUTE_NOT_BYPASSED, RuleId.NO_FOREIGN_CHANGE)
def a_static_route_bypasses(s: Stack) -> Iterable[str]:
    """Somebody adds a static route for a part of a tracked prefix to a declared route table."""
    table = s.ids["route_tables"]["protected"]
    gateway = s.ids["internet_gateway_id"]
    s.lab.client().create_route(RouteTableId=table, DestinationCidrBlock="203.0.113.0/24", GatewayId=gateway)
    return [f"{table} 203.0.113.0/24", table]


@breaks(RuleId.NO_BLACKHOLE_ROUTE, RuleId.ROUTE_NOT_BYPASSED, RuleId.NO_FOREIGN_CHANGE)
def a_route_is_a_blackhole(s: Stack) -> Iterable[str]:
    """A static route of a declared route table leads to an interface that is attached to nothing."""
    ec2, table = s.lab.client(), s.ids["route_tables"]["protected"]
    loose = ec2.create_network_interface(SubnetId=s.ids["subnets"]["az1"])["NetworkInterface"]
    ec2.create_route(
        RouteTableId=table,
        DestinationCidrBlock="203.0.113.0/24",
        NetworkInterfaceId=loose["NetworkInterfaceId"],
    )
    return [table, f"{table} 203.0.113.0/24", table]


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


@breaks(RuleId.ROUTE_INSTALLED, RuleId.GATEWAY_TABLE_TAKES_PREFIXES, then=Failover.WITHOUT_ROUTE)
def the_table_is_of_the_internet_gateway(s: Stack) -> Iterable[str]:
    """The only declared route table becomes the one of the internet gateway."""
    ec2, table = s.lab.client(), s.ids["route_tables"]["protected"]
    [shown] = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    for association in shown["Associations"]:
        ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
    ec2.associate_route_table(RouteTableId=table, GatewayId=s.ids["internet_gateway_id"])
    return [f"{table} {DEFAULT}", table]


@breaks(RuleId.ROUTE_TABLE_HAS_SUBNET)
def the_table_has_no_subnet(s: Stack) -> Iterable[str]:
    """Somebody associates the subnets of a declared route table with another one."""
    ec2, table = s.lab.client(), s.ids["route_tables"]["protected"]
    [shown] = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    for association in shown["Associations"]:
        ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
    return [table]


@breaks(
    RuleId.APPLIANCE_HAS_WAY_OUT,
    RuleId.TARGET_HAS_INTERNET_ROUTE,
    RuleId.NO_FOREIGN_CHANGE,
    then=Failover.WITHOUT_INTERNET,
)
def the_standbys_subnet_gets_the_default_route(s: Stack) -> Iterable[str]:
    """Somebody associates the standby's own subnet with a route table that gets the default route."""
    ec2, tables, subnet = s.lab.client(), s.ids["route_tables"], s.ids["subnets"]["az2"]
    [public] = ec2.describe_route_tables(RouteTableIds=[tables["public"]])["RouteTables"]
    [old] = [a for a in public["Associations"] if a.get("SubnetId") == subnet]
    ec2.replace_route_table_association(
        AssociationId=old["RouteTableAssociationId"], RouteTableId=tables["protected"]
    )
    return [*[s.ids["interfaces"]["fw2"]] * 2, tables["protected"]]


@breaks(RuleId.NO_SERVICE_MANAGES)
def a_service_manages_an_elastic_ip(s: Stack) -> Iterable[str]:
    """EC2 shows that a service manages a declared Elastic IP."""
    allocation_id = s.ids["elastic_ips"]["eip1"]["allocation_id"]

    def show(parsed: dict[str, Any], **_: Any) -> None:
        for row in parsed.get("Addresses", ()):
            row.update({"ServiceManaged": "nlb"} if row["AllocationId"] == allocation_id else {})

    clients.ec2().meta.events.register("after-call.ec2.DescribeAddresses", show)
    return [allocation_id]


@breaks(RuleId.NO_SERVICE_MANAGES)
def a_provider_manages_a_target(s: Stack) -> Iterable[str]:
    """EC2 shows that a service provider manages the standby's interface."""
    interface_id = s.ids["interfaces"]["fw2"]
    operator = {"Managed": True, "Principal": "eks.amazonaws.com"}

    def show(parsed: dict[str, Any], **_: Any) -> None:
        for row in parsed.get("NetworkInterfaces", ()):
            row.update({"Operator": operator} if row["NetworkInterfaceId"] == interface_id else {})

    clients.ec2().meta.events.register("after-call.ec2.DescribeNetworkInterfaces", show)
    return [interface_id]


@breaks(RuleId.SOURCE_DEST_CHECK_OFF, RuleId.NO_FOREIGN_CHANGE)
def the_standby_may_not_forward(s: Stack) -> Iterable[str]:
    """Somebody turns SourceDestCheck of the standby's interface on."""
    interface = s.ids["interfaces"]["fw2"]
    s.lab.client().modify_network_interface_attribute(
        NetworkInterfaceId=interface, SourceDestCheck={"Value": True}
    )
    return [interface] * 2


@breaks(RuleId.ALLOWED_PREFIXES_ONLY, RuleId.ROUTE_NOT_BYPASSED)
def the_standby_leaks_a_route(s: Stack) -> Iterable[str]:
    """The standby advertises a prefix that its allowed_prefixes leave out, and gets the traffic for it."""
    s.levers.advertise("fw2", "203.0.113.0/24")
    return ["fw2", f"{s.ids['route_tables']['protected']} 203.0.113.0/24"]


@breaks(RuleId.ALLOWED_PREFIXES_ONLY)
def the_active_appliance_leaks_a_route(s: Stack) -> Iterable[str]:
    """The active appliance advertises a part of the tracked prefix, and only its allowed_prefixes say no."""
    s.levers.advertise("fw1", "203.0.113.0/24")
    return ["fw1"]


class Callers(AllowAll):
    """CloudTrail names CloudFormation, the standby and the failover function by their access keys."""

    def __init__(self, s: Stack) -> None:
        self._roles = {
            "fw2": role_session("firewall-ha", s.ids["instances"]["fw2"]),
            "failover": role_session("tandem-FailoverRole-1A2B3C4D5E6F", "tandem-failover"),
        }

    def identity(self, access_key_id: str) -> Mapping[str, Any]:
        if access_key_id in self._roles:
            return self._roles[access_key_id]
        shown = user(access_key_id)
        is_service = access_key_id == "cloudformation"
        return {**shown, "invokedBy": "cloudformation.amazonaws.com"} if is_service else shown


def associated_by_public_ip(s: Stack, caller: str) -> str:
    """Associates an Elastic IP by its public address with the appliance that has it."""
    address = s.ids["elastic_ips"]["eip1"]
    [shown] = s.lab.client().describe_addresses(AllocationIds=[address["allocation_id"]])["Addresses"]
    s.lab.client(access_key_id=caller).associate_address(
        PublicIp=shown["PublicIp"],
        NetworkInterfaceId=s.ids["interfaces"]["fw1"],
        PrivateIpAddress=address["targets"]["fw1"],
    )
    return str(address["allocation_id"])


def associated_again(s: Stack, caller: str) -> str:
    """Associates an Elastic IP where it is: nothing changes but CloudTrail's history."""
    address, ec2 = s.ids["elastic_ips"]["eip1"], s.lab.client(access_key_id=caller)
    s.lab.lab.authorizer = Callers(s)
    ec2.associate_address(
        AllocationId=address["allocation_id"],
        NetworkInterfaceId=s.ids["interfaces"]["fw1"],
        PrivateIpAddress=address["targets"]["fw1"],
    )
    return str(address["allocation_id"])


@breaks(RuleId.ONE_MOVER)
def the_standby_moves_an_elastic_ip_itself(s: Stack) -> Iterable[str]:
    """The standby's own failover script associates a declared Elastic IP."""
    return [associated_again(s, "fw2")]


@breaks(RuleId.ONE_MOVER)
def somebody_moves_an_elastic_ip(s: Stack) -> Iterable[str]:
    """Somebody associates a declared Elastic IP by hand."""
    return [associated_again(s, "alice")]


@breaks(RuleId.ONE_MOVER)
def somebody_moves_an_elastic_ip_by_its_public_address(s: Stack) -> Iterable[str]:
    """Somebody associates a declared Elastic IP by its public address."""
    return [associated_by_public_ip(s, "alice")]


@breaks(RuleId.NO_PIPELINE)
def cloudformation_moves_an_elastic_ip(s: Stack) -> Iterable[str]:
    """CloudFormation associates a declared Elastic IP."""
    return [associated_again(s, "cloudformation")]


@breaks(RuleId.ROUTE_SERVER_AS_DECLARED)
def the_document_has_another_asn(s: Stack) -> Iterable[str]:
    """The document declares another ASN than the route server has."""
    document = healthy_document(s.ids)
    document["route_server"]["amazon_side_asn"] = 65010
    s.store(**document)
    return [s.ids["route_server_id"]]


@breaks(RuleId.PERSISTENCE_AS_DECLARED, RuleId.NO_FOREIGN_CHANGE)
def somebody_persists_routes(s: Stack) -> Iterable[str]:
    """Somebody enables persistence of routes."""
    server = s.ids["route_server_id"]
    s.lab.client().modify_route_server(RouteServerId=server, PersistRoutes="enable", PersistRoutesDuration=2)
    return [server] * 2


@breaks(RuleId.NOTIFICATIONS_ON, RuleId.NO_FOREIGN_CHANGE)
def notifications_are_off(s: Stack) -> Iterable[str]:
    """Somebody turns the route server's SNS notifications off."""
    server = s.ids["route_server_id"]
    s.lab.client().modify_route_server(RouteServerId=server, SnsNotificationsEnabled=False)
    return [server] * 2


@breaks(RuleId.ENDPOINT_EXISTS, RuleId.PEER_EXISTS)
def an_endpoint_is_deleted(s: Stack) -> Iterable[str]:
    """Somebody deletes an endpoint and the peer at it; which of a subnet's endpoints AWS does not show."""
    ec2 = s.lab.client()
    ec2.delete_route_server_peer(RouteServerPeerId=s.ids["peers"]["fw2"]["az2-a"])
    s.clock.sleep(30)
    ec2.delete_route_server_endpoint(RouteServerEndpointId=s.ids["endpoints"]["az2-a"]["id"])
    return ["az2-b", "fw2 az2-b"]


@breaks(RuleId.PEER_DECLARED)
def a_peer_of_nobody(s: Stack) -> Iterable[str]:
    """Somebody creates a peer for a device that the document does not declare."""
    made = s.lab.client().create_route_server_peer(
        RouteServerEndpointId=s.ids["endpoints"]["az1-a"]["id"],
        PeerAddress="10.0.1.99",
        BgpOptions={"PeerAsn": 65099, "PeerLivenessDetection": "bfd"},
    )
    return [made["RouteServerPeer"]["RouteServerPeerId"]]


@breaks(*[RuleId.LEAKS_SEEN] * 2)
def peer_logs_are_off(s: Stack) -> Iterable[str]:
    """The document limits prefixes and has no peer logs."""
    document = healthy_document(s.ids)
    document["route_server"]["peer_logs"] = False
    s.store(**document)
    return ["fw1", "fw2"]


@breaks(RuleId.WITHIN_QUOTAS)
def more_prefixes_are_allowed_than_a_peer_may_have(s: Stack) -> Iterable[str]:
    """The document allows an appliance more prefixes than Route Server takes from a peer."""
    document = healthy_document(s.ids)
    document["appliances"]["fw2"]["allowed_prefixes"] += [f"10.{n}.0.0/16" for n in range(1, 102)]
    s.store(**document)
    return ["fw2"]


@breaks(RuleId.FAILBACK_WANTED)
def nobody_waives_the_failback(s: Stack) -> Iterable[str]:
    """The active appliance has the better path, and the document has no waiver for that."""
    s.store(**healthy_document(s.ids, waivers=[]))
    return [DEFAULT]


def _other(s: Stack, **changes: Any) -> None:
    """Stores a second topology of the same route server."""
    topology = parse_topology(healthy_document(s.ids, name=OTHER, **changes))
    store(TopologyRecord(topology, 1, "cli", s.record.provisioned))


@breaks(*[RuleId.ONE_TOPOLOGY_ONLY] * 4)
def another_topology_has_the_same_addresses(s: Stack) -> Iterable[str]:
    """Another stored topology declares the same Elastic IPs."""
    _other(s)
    return [address["allocation_id"] for address in s.ids["elastic_ips"].values()]


@breaks(RuleId.ROUTE_TABLE_HAS_ROOM)
def another_topology_fills_the_table(s: Stack) -> Iterable[str]:
    """Another stored topology tracks a hundred prefixes and declares the same route table."""
    prefixes = [f"10.{n}.0.0/16" for n in range(1, 101)]
    _other(s, groups=[{"name": "many", "prefixes": prefixes}])
    return [s.ids["route_tables"]["protected"]]


@breaks(RuleId.NO_FOREIGN_CHANGE, RuleId.PEER_EXISTS)
def somebody_deletes_a_managed_peer(s: Stack) -> Iterable[str]:
    """Somebody deletes a peer of a route server that Tandem manages."""
    s.store(**healthy_document(s.ids, manage=True))
    peer_id = s.ids["peers"]["fw2"]["az2-a"]
    s.lab.client(access_key_id="alice").delete_route_server_peer(RouteServerPeerId=peer_id)
    return [peer_id, "fw2 az2-b"]


@breaks(RuleId.NETWORK_OWNER_TAG)
def a_subnet_loses_its_owners_tag(s: Stack) -> Iterable[str]:
    """Somebody deletes the owner's tag of a subnet in which Tandem manages endpoints."""
    s.store(**healthy_document(s.ids, manage=True))
    subnet = s.ids["subnets"]["az2"]
    s.lab.client().delete_tags(Resources=[subnet], Tags=[{"Key": "tandem:stack"}])
    return [subnet]


@breaks(RuleId.ROUTE_SERVER_EXISTS, is_alone=False)
def the_route_server_is_of_another_account(s: Stack) -> Iterable[str]:
    """The document names a route server that the account does not have."""
    document = healthy_document(s.ids)
    document["route_server"]["id"] = "rs-0fedcba9876543210"
    s.store(**document)
    return [document["route_server"]["id"]]


@breaks(RuleId.NO_GATEWAY_FIREWALL)
def a_route_has_a_gateway_firewall(s: Stack) -> Iterable[str]:
    """EC2 shows an internet gateway firewall on a route; the SDK is one that reads it."""
    table, firewall = s.ids["route_tables"]["protected"], {"FirewallArn": "arn:aws:ec2:::firewall/igwf-1"}
    model: Any = clients.ec2().meta.service_model
    model._service_description["shapes"]["Route"]["members"]["IgwFirewall"] = {"shape": "String"}

    def show(parsed: dict[str, Any], **_: Any) -> None:
        for row in parsed.get("RouteTables", ()):
            row["Routes"][0].update({"IgwFirewall": firewall} if row["RouteTableId"] == table else {})

    clients.ec2().meta.events.register("after-call.ec2.DescribeRouteTables", show)
    return [table]


@breaks(RuleId.SAME_APPLIANCE_BOTH_WAYS, world=World.INSPECTION)
def the_way_back_is_through_the_other_firewall(w: Watched) -> Iterable[str]:
    """The active firewall prepends for the default route alone."""
    w.stack.levers.advertise("fw1", DEFAULT, as_path=[65001] * 4)
    return ["ingress-inspection"]


@breaks(RuleId.GATEWAY_TARGET_HAS_PUBLIC_IP, world=World.INSPECTION)
def a_firewall_has_no_public_address(w: Watched) -> Iterable[str]:
    """Somebody takes the public address off the standby's interface."""
    ec2, document = w.stack.lab.client(), w.documents["ingress-inspection"]
    instance = document["appliances"]["fw2"]["instance_id"]
    [own] = [a for a in ec2.describe_addresses()["Addresses"] if a.get("InstanceId") == instance]
    ec2.disassociate_address(AssociationId=own["AssociationId"])
    return [_gateway_table(w)]


def _gateway_table(w: Watched) -> str:
    return str(w.documents["ingress-inspection"]["route_server"]["propagate_to"][0])


ALSO: dict[str, frozenset[RuleId]] = {
    "the_standby_closes_its_sessions": frozenset({RuleId.ENDPOINT_LOSS_SURVIVED}),
    "the_standby_stops": frozenset({RuleId.ENDPOINT_LOSS_SURVIVED}),
    "the_standby_is_terminated": frozenset({RuleId.ENDPOINT_LOSS_SURVIVED}),
    "bfd_of_the_standby_is_down_in_a_session": frozenset({RuleId.ENDPOINT_LOSS_SURVIVED}),
    "an_endpoint_is_deleted": frozenset({RuleId.ENDPOINTS_REDUNDANT, RuleId.ENDPOINT_LOSS_SURVIVED}),
    "somebody_deletes_a_managed_peer": frozenset({RuleId.ENDPOINT_IN_USE, RuleId.ENDPOINT_LOSS_SURVIVED}),
    "a_peer_fails": frozenset({RuleId.SESSIONS_UP}),
    "every_endpoint_is_in_one_zone": frozenset({RuleId.ENDPOINT_EXISTS, RuleId.PEER_EXISTS}),
    "a_peer_has_the_route_servers_asn": frozenset({RuleId.PEER_AS_DECLARED, RuleId.SESSIONS_UP}),
    "all_sessions_end_and_the_routes_stay": frozenset({RuleId.STANDBY_ALIVE}),
    "an_appliance_advertises_eighty_routes": frozenset({RuleId.ALLOWED_PREFIXES_ONLY}),
    "twenty_six_peers_advertise_a_prefix": frozenset({RuleId.PEER_DECLARED}),
    "an_endpoint_has_sixteen_peers": frozenset({RuleId.PEER_DECLARED}),
}
"""Breakage to the rules that fail as well: each asks another question, to which the same thing matters."""

EVERYTHING = (
    "appliance fw1",
    "appliance fw2",
    "endpoint az1-a",
    "endpoint az1-b",
    "endpoint az2-a",
    "endpoint az2-b",
    "session fw1@az1-a",
    "session fw1@az1-b",
    "session fw2@az2-a",
    "session fw2@az2-b",
    "zone us-east-1a",
    "zone us-east-1b",
)

UNSURVIVED: dict[str, tuple[str, ...]] = {
    "the_standby_withdraws_a_prefix": (
        "appliance fw1",
        "zone us-east-1a",
    ),
    "the_paths_tie": (
        "endpoint az1-b",
        "session fw1@az1-b",
    ),
    "the_standby_closes_its_sessions": (
        "appliance fw1",
        "zone us-east-1a",
    ),
    "the_standby_stops": (
        "appliance fw1",
        "zone us-east-1a",
    ),
    "the_standby_is_terminated": (
        "appliance fw1",
        "zone us-east-1a",
    ),
    "a_target_lacks_its_private_ip": (
        "appliance fw1",
        "zone us-east-1a",
    ),
    "a_target_has_a_strangers_elastic_ip": (
        "appliance fw1",
        "zone us-east-1a",
    ),
    "an_elastic_ip_is_of_a_local_zone": EVERYTHING,
    "an_elastic_ip_is_released": EVERYTHING,
    "a_stranger_owns_the_route": EVERYTHING,
    "an_endpoint_fails": (
        "zone us-east-1a",
        "zone us-east-1b",
    ),
    "every_endpoint_is_in_one_zone": ("zone us-east-1a",),
    "all_sessions_end_and_the_routes_stay": EVERYTHING,
}
"""Breakage to the single failures that nobody survives after it, or of which nobody can say."""


from tests import (  # noqa: E402 - they register theirs
    breakages_filters,  # noqa: F401
    breakages_limits,  # noqa: F401
    breakages_sessions,  # noqa: F401
    breakages_upkeep,  # noqa: F401
)
