"""Well-known public deployments of Route Server in the lab, and what `tandem compliance --vpc` says of each.

`python -m tests.published` writes docs/published-deployments.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from cli.compliance import of_vpc
from lab.ec2.scenario_routing import HasRegister, tags_on, wait
from tandem.compliance.rule import Finding, RuleSeverity, RuleVerdict
from tandem.words.catalogue import ENTRIES
from tests.provisioning import provisioner

PAGE = Path(__file__).parents[1] / "docs" / "published-deployments.md"
ANYWHERE = "0.0.0.0/0"
PATIENCE_S = 300.0
"""Seconds for sessions to come up and routes to be installed."""


@dataclass(frozen=True, slots=True)
class Router:
    """An appliance. `sessions` are endpoint names, `prepends` says how often its paths repeat its ASN."""

    subnet: str
    address: str
    asn: int
    sessions: tuple[str, ...]
    prefixes: tuple[str, ...]
    prepends: int = 1
    outside: tuple[str, str] | None = None
    """Subnet and address of a second interface, towards the Internet."""

    elastic_ip: bool = False
    """True if the outside interface has one."""

    speaks: bool = True
    """False for a member of a cluster that opens no session while it is passive."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What somebody published, in its own figures. Zones are numbers: 0 is the first one of the Region."""

    title: str
    source: str
    shape: str
    cidr: str
    subnets: Mapping[str, tuple[str, int]]
    """Name to network and zone."""

    tables: Mapping[str, tuple[str, ...]]
    """Route table to its subnets. `internet` names those with a static default route to the Internet."""

    endpoints: Mapping[str, str]
    """Endpoint to its subnet."""

    routers: Mapping[str, Router]
    propagate_to: tuple[str, ...]
    note: str = ""
    """What else a reader has to know."""

    internet: tuple[str, ...] = ()
    liveness: str = "bgp-keepalive"
    sns: bool = True
    persist_minutes: int | None = None
    inbound: tuple[Mapping[str, Any], ...] = field(default=({"IpProtocol": "-1"},))
    """What the appliances' security group lets in from the VPC."""


AWS_SAMPLE = Deployment(
    title="Two endpoints in each of two subnets, keepalive",
    source="https://github.com/aws-samples/sample-vpc-route-server-deployment",
    shape=(
        "Two appliances in two zones, each with a session at both endpoints of its own subnet. Both have ASN"
        " 65001. They advertise 172.16.1.1/32, the standby with a longer path. The security group lets in TCP"
        " 179 only. One route table for both subnets. No Elastic IPs."
    ),
    cidr="10.0.0.0/16",
    subnets={"zone1": ("10.0.1.0/24", 0), "zone2": ("10.0.2.0/24", 1)},
    tables={"main": ("zone1", "zone2")},
    internet=("main",),
    endpoints={"zone1-a": "zone1", "zone1-b": "zone1", "zone2-a": "zone2", "zone2-b": "zone2"},
    routers={
        "device1": Router("zone1", "10.0.1.10", 65001, ("zone1-a", "zone1-b"), ("172.16.1.1/32",)),
        "device2": Router("zone2", "10.0.2.10", 65001, ("zone2-a", "zone2-b"), ("172.16.1.1/32",), 2),
    },
    propagate_to=("main",),
    note=(
        "The standby has a strictly worse path, every appliance survives the loss of an endpoint, and TCP 179"
        " is enough without BFD. Keepalive finds a dead appliance after 33 to 90 seconds (observed, not"
        " documented): declare `rto` in a topology document to have that judged."
    ),
    inbound=({"IpProtocol": "tcp", "FromPort": 179, "ToPort": 179},),
)

EVS = Deployment(
    title="Two endpoints in one subnet, one session each, keepalive",
    source="https://docs.aws.amazon.com/evs/latest/userguide/getting-started.html",
    shape=(
        "Amazon EVS: both endpoints lie in the service access subnet. Two NSX edges in one zone have one"
        " session each, ASN 65000, and advertise the same networks with equal paths. Routes persist for two"
        " minutes, as its guide recommends. The lab has an instance where EVS has an edge on a host. No"
        " Elastic IPs."
    ),
    cidr="10.0.0.0/16",
    subnets={"service-access": ("10.0.0.0/24", 0), "uplink": ("10.0.1.0/24", 0)},
    tables={"main": ("service-access", "uplink")},
    endpoints={"endpoint1": "service-access", "endpoint2": "service-access"},
    routers={
        "edge1": Router("uplink", "10.0.1.10", 65000, ("endpoint1",), ("192.168.0.0/16",)),
        "edge2": Router("uplink", "10.0.1.11", 65000, ("endpoint2",), ("192.168.0.0/16",)),
    },
    propagate_to=("main",),
    persist_minutes=2,
    note=(
        "No Elastic IP follows this route, so equal paths are no finding; they matter to a firewall that must"
        " see both directions. One zone holds everything: when it fails, nothing survives."
    ),
)

FORTIGATE = Deployment(
    title="One endpoint in each of two subnets, BFD, the cluster moves its Elastic IP itself",
    source="https://github.com/FortinetCloudCSE/fortigate-aws-vpc-routeserver-ha-dual-az-cloudformation",
    shape=(
        "A FortiGate cluster in two zones. Each unit has one session, at the endpoint of its private subnet,"
        " and both have ASN 65000. The passive unit opens no session. One cluster Elastic IP on the outside"
        " interface, which the active unit moves itself by the EC2 API."
    ),
    cidr="10.0.0.0/16",
    subnets={
        "public1": ("10.0.1.0/24", 0),
        "private1": ("10.0.2.0/24", 0),
        "public2": ("10.0.10.0/24", 1),
        "private2": ("10.0.20.0/24", 1),
    },
    tables={"public": ("public1", "public2"), "private": ("private1", "private2")},
    internet=("public",),
    endpoints={"endpoint1": "private1", "endpoint2": "private2"},
    routers={
        "fgt1": Router(
            "private1",
            "10.0.2.10",
            65000,
            ("endpoint1",),
            (ANYWHERE,),
            outside=("public1", "10.0.1.10"),
            elastic_ip=True,
        ),
        "fgt2": Router(
            "private2",
            "10.0.20.10",
            65000,
            ("endpoint2",),
            (ANYWHERE,),
            outside=("public2", "10.0.10.10"),
            speaks=False,
        ),
    },
    propagate_to=("private",),
    liveness="bfd",
    note=(
        "Most of this list is one thing: it cannot be seen from outside that the passive unit will speak as"
        " soon as it is active. A topology document says so with `standby: silent`; the predictions are then"
        " *assumed* instead of failing. Two movers of one Elastic IP fight: leave it to the cluster or to"
        " Tandem."
    ),
)

ROSA = Deployment(
    title="Six endpoints in three subnets, three routers, keepalive, no Elastic IPs",
    source="https://github.com/rh-mobb/rosa-bgp",
    shape=(
        "OpenShift on AWS: two endpoints in each of three private subnets, and a router node in each with"
        " sessions at both. All have ASN 65003 and advertise the pod network, here with equal paths. Routes"
        " propagate to the private and the public tables. Route Server's notifications are off."
    ),
    cidr="10.0.0.0/16",
    subnets={f"private{n}": (f"10.0.{n}.0/24", n - 1) for n in (1, 2, 3)}
    | {f"public{n}": (f"10.0.{100 + n}.0/24", n - 1) for n in (1, 2, 3)},
    tables={f"private{n}": (f"private{n}",) for n in (1, 2, 3)}
    | {"public": ("public1", "public2", "public3")},
    internet=("public",),
    endpoints={f"private{n}-{letter}": f"private{n}" for n in (1, 2, 3) for letter in "ab"},
    routers={
        f"router{n}": Router(
            f"private{n}", f"10.0.{n}.10", 65003, (f"private{n}-a", f"private{n}-b"), ("10.100.0.0/16",)
        )
        for n in (1, 2, 3)
    },
    propagate_to=("private1", "private2", "private3", "public"),
    sns=False,
    note=(
        "With equal paths it is not known which router is next, only that one of them is. No Elastic IP"
        " follows this route, so that is enough. It matters to a firewall that must see both directions."
    ),
)

DEPLOYMENTS = (AWS_SAMPLE, EVS, FORTIGATE, ROSA)


def build(ec2: Any, levers: HasRegister, *, sleep: Any, deployment: Deployment) -> dict[str, Any]:
    """Makes the deployment by the EC2 API, lets its routers dial in and waits. Returns `vpc_id` alone."""
    made = _Making(ec2, deployment, sleep)
    made.network()
    made.route_server()
    for name, router in deployment.routers.items():
        made.router(levers, name, router)
    sleep(PATIENCE_S)
    return {"vpc_id": made.vpc_id}


class _Making:
    """The IDs of what is made so far, by the deployment's names."""

    def __init__(self, ec2: Any, deployment: Deployment, sleep: Any) -> None:
        self._ec2, self._deployment, self._sleep = ec2, deployment, sleep
        made = ec2.create_vpc(CidrBlock=deployment.cidr)
        self.vpc_id = str(made["Vpc"]["VpcId"])
        self._subnets: dict[str, str] = {}
        self._tables: dict[str, str] = {}
        self._endpoints: dict[str, str] = {}

    def network(self) -> None:
        ec2, of = self._ec2, self._deployment
        zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
        for name, (block, zone) in of.subnets.items():
            subnet = ec2.create_subnet(VpcId=self.vpc_id, CidrBlock=block, AvailabilityZone=zones[zone])
            self._subnets[name] = subnet["Subnet"]["SubnetId"]
        gateway_id = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=self.vpc_id)
        for name, members in of.tables.items():
            table_id = ec2.create_route_table(VpcId=self.vpc_id)["RouteTable"]["RouteTableId"]
            self._tables[name] = table_id
            for member in members:
                ec2.associate_route_table(RouteTableId=table_id, SubnetId=self._subnets[member])
            if name in of.internet:
                ec2.create_route(RouteTableId=table_id, DestinationCidrBlock=ANYWHERE, GatewayId=gateway_id)
        group = ec2.create_security_group(GroupName="routers", Description="routers", VpcId=self.vpc_id)
        self._group_id = group["GroupId"]
        ec2.authorize_security_group_ingress(
            GroupId=self._group_id,
            IpPermissions=[{**rule, "IpRanges": [{"CidrIp": of.cidr}]} for rule in of.inbound],
        )

    def route_server(self) -> None:
        ec2, of = self._ec2, self._deployment
        persist: dict[str, Any] = {"PersistRoutes": "disable"}
        if of.persist_minutes is not None:
            persist = {"PersistRoutes": "enable", "PersistRoutesDuration": of.persist_minutes}
        made = ec2.create_route_server(AmazonSideAsn=64512, SnsNotificationsEnabled=of.sns, **persist)
        server_id = made["RouteServer"]["RouteServerId"]
        one = {"RouteServerIds": [server_id]}
        wait(self._sleep, "server", lambda: _all(ec2.describe_route_servers(**one)["RouteServers"]))
        ec2.associate_route_server(RouteServerId=server_id, VpcId=self.vpc_id)
        self._sleep(PATIENCE_S)
        for name, subnet in of.endpoints.items():
            endpoint = ec2.create_route_server_endpoint(
                RouteServerId=server_id,
                SubnetId=self._subnets[subnet],
                TagSpecifications=tags_on("route-server-endpoint", name),
            )["RouteServerEndpoint"]
            self._endpoints[name] = endpoint["RouteServerEndpointId"]
        for table in of.propagate_to:
            ec2.enable_route_server_propagation(RouteServerId=server_id, RouteTableId=self._tables[table])
        ids = {"RouteServerEndpointIds": list(self._endpoints.values())}
        wait(
            self._sleep,
            "endpoints",
            lambda: _all(ec2.describe_route_server_endpoints(**ids)["RouteServerEndpoints"]),
        )

    def router(self, levers: HasRegister, name: str, router: Router) -> None:
        ec2, of = self._ec2, self._deployment
        instance = ec2.run_instances(
            ImageId="ami-12c6146b",
            InstanceType="c5.large",
            MinCount=1,
            MaxCount=1,
            SubnetId=self._subnets[router.subnet],
            PrivateIpAddress=router.address,
            SecurityGroupIds=[self._group_id],
            TagSpecifications=tags_on("instance", name),
        )["Instances"][0]
        interface_id = instance["NetworkInterfaces"][0]["NetworkInterfaceId"]
        ec2.modify_network_interface_attribute(
            NetworkInterfaceId=interface_id, SourceDestCheck={"Value": False}
        )
        if router.outside is not None:
            self._outside(instance["InstanceId"], *router.outside, has_elastic_ip=router.elastic_ip)
        options = {"PeerAsn": router.asn, "PeerLivenessDetection": of.liveness}
        for endpoint in router.sessions:
            ec2.create_route_server_peer(
                RouteServerEndpointId=self._endpoints[endpoint],
                PeerAddress=router.address,
                BgpOptions=options,
            )
        if router.speaks:
            path = [router.asn] * router.prepends
            levers.register(
                name=name,
                instance_id=instance["InstanceId"],
                asn=router.asn,
                routes=[{"prefix": prefix, "as_path": path} for prefix in router.prefixes],
                bfd=of.liveness == "bfd",
            )

    def _outside(self, instance_id: str, subnet: str, address: str, *, has_elastic_ip: bool) -> None:
        """Gives the appliance an interface towards the Internet."""
        ec2 = self._ec2
        made = ec2.create_network_interface(
            SubnetId=self._subnets[subnet], PrivateIpAddress=address, Groups=[self._group_id]
        )
        interface_id = made["NetworkInterface"]["NetworkInterfaceId"]
        ec2.modify_network_interface_attribute(
            NetworkInterfaceId=interface_id, SourceDestCheck={"Value": False}
        )
        ec2.attach_network_interface(NetworkInterfaceId=interface_id, InstanceId=instance_id, DeviceIndex=1)
        if has_elastic_ip:
            allocated = ec2.allocate_address(Domain="vpc")
            ec2.associate_address(AllocationId=allocated["AllocationId"], NetworkInterfaceId=interface_id)


def _all(rows: list[dict[str, Any]]) -> bool:
    return all(row["State"] == "available" for row in rows)


def judged(deployment: Deployment) -> tuple[Finding, ...]:
    """Builds the deployment in a lab of its own and runs `tandem compliance --vpc` on it."""
    with provisioner(build=build, deployment=deployment) as tandem:
        return of_vpc(tandem.ids["vpc_id"], None).findings


HEAD = """\
# Published deployments

<!-- Made by `python -m tests.published`; a test compares. -->

What `tandem compliance --vpc` says about four well-known public deployments of Route Server. A test builds
each one in the lab from its published figures and runs the command there. Nothing is stored, deployed or
tagged for Tandem. None of these ran on AWS for this page, and each may have been changed since it was read.

A finding is not a mistake of the authors: these are samples, and each shows one thing on purpose. The
tables answer: what should I know first, if this VPC had to survive the loss of one appliance tonight?

**Critical** means that the next failover fails, or that traffic is lost already; **high**, that the next
failover may fail; **medium**, that something is missing that protects it; **low**, that it does not stop the
next failover.

"""


def page() -> str:
    """Returns the whole page."""
    return HEAD + "\n".join(section(each) for each in DEPLOYMENTS)


def section(deployment: Deployment) -> str:
    """Builds the deployment and returns its part of the page."""
    findings = judged(deployment)
    rows = "\n".join(_rows(findings))
    head = "| severity | rule | what it checks | resources |\n|---|---|---|---|\n"
    passing = sum(f.result.verdict is RuleVerdict.PASS for f in findings)
    return (
        f"## {deployment.title}\n\nSource: <{deployment.source}>\n\n{deployment.shape}\n\n"
        f"{head + rows if rows else 'No finding.'}\n\n{passing} checks pass. {deployment.note}\n"
    )


def _rows(findings: tuple[Finding, ...]) -> Iterator[str]:
    severities = list(RuleSeverity)
    bad = [f for f in findings if f.result.verdict in (RuleVerdict.FAIL, RuleVerdict.UNKNOWN)]
    bad.sort(key=lambda f: (severities.index(f.rule.severity), f.rule.id, f.result.verdict))
    for (rule, verdict), found in groupby(bad, key=lambda f: (f.rule, f.result.verdict)):
        severity = str(rule.severity) if verdict is RuleVerdict.FAIL else f"not known ({rule.severity})"
        title = ENTRIES[rule.id].text
        yield f"| {severity} | [{rule.id}](rules/{rule.id}.md) | {title} | {len(list(found))} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
