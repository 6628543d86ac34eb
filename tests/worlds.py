"""The worlds that the examples describe: built through the normal EC2 API from the documents themselves."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import yaml

from lab.ec2.inprocess import lab_ec2
from lab.ec2.levers import Levers
from lab.ec2.scenario_routing import tags_on, wait
from tandem.state.record import Provisioned, TopologyRecord
from tandem.topology.document import parse_topology
from tandem.topology.shape import normalise
from tests import awsclients
from tests import stack as stacks
from tests.functions import store
from tests.shared_worlds import shared_world
from tests.stack import Stack

FOLDER = Path(__file__).parents[1] / "examples"
VPC_BLOCK = "10.0.0.0/16"
SUBNETS = {f"subnet-0a1b2c3d4e5f6000{zone}": f"10.0.{zone}.0/24" for zone in (1, 2)}
"""The appliances' own subnets, by the examples' placeholders."""

PROTECTED = {f"protected{zone}": f"10.0.1{zone}.0/24" for zone in (1, 2)}
GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Example:
    """Documents that belong together, and what they leave to the world: what each route table is for."""

    files: tuple[str, ...]
    tables: dict[str, tuple[str, ...]]
    """Placeholder to the subnets that use the table, or to GATEWAY."""
    public: bool = False
    """Whether each appliance has a public address of its own, which never moves."""

    def documents(self) -> list[dict[str, Any]]:
        return [yaml.safe_load((FOLDER / file).read_text(encoding="utf-8")) for file in self.files]


TABLE = "rtb-0a1b2c3d4e5f6000{}".format
EXAMPLES = {
    "floating-prefix": Example(("floating-prefix.yaml",), {TABLE(1): ("protected1", "protected2")}),
    "ingress-inspection": Example(
        ("ingress-inspection.yaml",), {TABLE(1): (GATEWAY,), TABLE(2): ("protected1",)}, public=True
    ),
    "byoip": Example(("byoip.yaml",), {TABLE(1): (GATEWAY,), TABLE(2): ("protected1",)}),
    "az-affinity": Example(
        ("az-affinity-1.yaml", "az-affinity-2.yaml"), {TABLE(1): ("protected1",), TABLE(2): ("protected2",)}
    ),
}


@dataclass(frozen=True, slots=True)
class Peering:
    """Holds what was made for one document: the route server and its peers, by appliance and endpoint
    name.
    """

    route_server_id: str
    topic_arn: str
    peers: dict[str, dict[str, str]]


@dataclass
class Watched:
    """The topologies of an example, stored and converged, over the world that they describe."""

    stack: Stack
    documents: dict[str, dict[str, Any]]
    peerings: dict[str, Peering]

    def sweep(self) -> None:
        """One scheduled look at each topology."""
        for name in self.documents:
            self.look(name)

    def look(self, name: str) -> None:
        detail = {
            "schema_version": 1,
            "topology": name,
            "occurred_at": "2026-11-21T03:00:00.000Z",
            "cause": "sweep",
            "requested_by": "sweep",
        }
        self.stack.invoke({"source": "tandem", "detail-type": "Look", "detail": detail})

    def routes(self, name: str) -> dict[str, str]:
        """Returns each tracked prefix of a topology to the appliance that Route Server chose."""
        server_id = self.peerings[name].route_server_id
        rows = boto3.client("ec2").get_route_server_routing_database(RouteServerId=server_id)["Routes"]
        chosen = {r["Prefix"]: r["NextHopIp"] for r in rows if r["RouteStatus"] == "in-fib"}
        names = {
            address: appliance
            for appliance, spec in self.documents[name]["appliances"].items()
            for address in spec["peers"].values()
        }
        return {prefix: names[next_hop] for prefix, next_hop in chosen.items()}

    def installed(self, placeholder: str, example: Example) -> dict[str, str]:
        """Returns the advertised routes in a route table: prefix to the address that they lead to."""
        [table_id] = {
            real
            for document, drawn in zip(self.documents.values(), example.documents(), strict=True)
            for real, there in zip(
                document["route_server"]["propagate_to"], drawn["route_server"]["propagate_to"], strict=True
            )
            if there == placeholder
        }
        [table] = boto3.client("ec2").describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
        return {
            r["DestinationCidrBlock"]: str(r.get("IpAddress"))
            for r in table["Routes"]
            if r.get("Origin") == "Advertisement"
        }


@shared_world
def watched(name: str) -> Iterator[Watched]:
    """Yields an example as a running stack: world, route servers, topologies stored and looked at once."""
    example = EXAMPLES[name]
    with (
        mock.patch.dict(os.environ, stacks.ENVIRONMENT),
        lab_ec2(timings=stacks.REALISTIC) as lab,
    ):
        awsclients.forget()
        stacks._tables()
        stacks._bus()
        ec2 = boto3.client("ec2")
        documents = surroundings(ec2, example)
        peerings = {d["name"]: route_server(ec2, d, lab.clock.sleep) for d in documents}
        dial(lab.levers, documents, peerings)
        lab.clock.sleep(30)
        running = Stack(lab, {}, stacks.load_failover(lab))
        for document in documents:
            made = peerings[document["name"]]
            watching = {**document, "manage": False}
            watching["route_server"] = {**document["route_server"], "id": made.route_server_id}
            there = Provisioned(made.route_server_id, made.topic_arn)
            store(TopologyRecord(parse_topology(normalise(watching), version=1), 1, "cli", there))
        found = Watched(running, {d["name"]: d for d in documents}, peerings)
        running.delivered = len(running.published)
        found.sweep()
        running.forget_calls()
        yield found
        running.app.world.side.shutdown()
        awsclients.forget()


def surroundings(ec2: Any, example: Example) -> list[dict[str, Any]]:
    """Everything around the route servers: VPC, subnets, tables, appliances. The documents with their IDs."""
    ids: dict[str, str] = {}
    documents = example.documents()
    consent = {"tandem__stack": "tandem"}
    tags = tags_on("vpc", "example", **consent)
    vpc_id = ec2.create_vpc(CidrBlock=VPC_BLOCK, TagSpecifications=tags)["Vpc"]["VpcId"]
    ids["vpc-0a1b2c3d4e5f60001"] = vpc_id
    gateway_id = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
    for index, (name, block) in enumerate((SUBNETS | PROTECTED).items()):
        tags, zone = tags_on("subnet", block, **consent), zones[index % 2]
        made = ec2.create_subnet(VpcId=vpc_id, CidrBlock=block, AvailabilityZone=zone, TagSpecifications=tags)
        ids[name] = made["Subnet"]["SubnetId"]
    public = _table(ec2, vpc_id, "public", [ids[name] for name in SUBNETS], None)
    ec2.create_route(RouteTableId=public, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway_id)
    for name, users in example.tables.items():
        subnet_ids = [ids[user] for user in users if user != GATEWAY]
        ids[name] = _table(ec2, vpc_id, name, subnet_ids, gateway_id if GATEWAY in users else None)
    for name, addresses in _instances(documents).items():
        ids[name] = _instance(ec2, ids, addresses, public=example.public)
    return [_with_ids(document, ids) for document in documents]


def route_server(ec2: Any, document: dict[str, Any], sleep: Callable[[float], None]) -> Peering:
    """Returns the route server that a document describes, its peers available."""
    spec = document["route_server"]
    minutes = spec.get("persist_routes", "disable")
    persist: dict[str, Any] = {"PersistRoutes": "disable"}
    if minutes != "disable":
        persist = {"PersistRoutes": "enable", "PersistRoutesDuration": minutes}
    made = ec2.create_route_server(
        AmazonSideAsn=spec["amazon_side_asn"],
        SnsNotificationsEnabled=True,
        TagSpecifications=tags_on("route-server", document["name"]),
        **persist,
    )
    server_id = made["RouteServer"]["RouteServerId"]

    def server() -> dict[str, Any]:
        return dict(ec2.describe_route_servers(RouteServerIds=[server_id])["RouteServers"][0])

    wait(
        sleep, "route server", lambda: server()["State"] == "available" and bool(server().get("SnsTopicArn"))
    )
    ec2.associate_route_server(RouteServerId=server_id, VpcId=spec["vpc_id"])
    wait(sleep, "association", lambda: _associations(ec2, server_id) == ["associated"])
    endpoints = {}
    for name, subnet_id in spec["endpoints"].items():
        endpoint = ec2.create_route_server_endpoint(
            RouteServerId=server_id,
            SubnetId=subnet_id,
            TagSpecifications=tags_on("route-server-endpoint", name),
        )
        endpoints[name] = endpoint["RouteServerEndpoint"]["RouteServerEndpointId"]
    for table_id in spec["propagate_to"]:
        ec2.enable_route_server_propagation(RouteServerId=server_id, RouteTableId=table_id)
    wait(sleep, "endpoints", lambda: _available(ec2, "endpoint", list(endpoints.values())))
    peers = {
        name: {
            endpoint: ec2.create_route_server_peer(
                RouteServerEndpointId=endpoints[endpoint],
                PeerAddress=address,
                BgpOptions={"PeerAsn": appliance["asn"], "PeerLivenessDetection": appliance["liveness"]},
            )["RouteServerPeer"]["RouteServerPeerId"]
            for endpoint, address in appliance["peers"].items()
        }
        for name, appliance in document["appliances"].items()
    }
    every = [peer_id for by_endpoint in peers.values() for peer_id in by_endpoint.values()]
    wait(sleep, "peers", lambda: _available(ec2, "peer", every))
    return Peering(server_id, server()["SnsTopicArn"], peers)


def dial(levers: Levers, documents: list[dict[str, Any]], peerings: dict[str, Peering]) -> None:
    """Each appliance advertises every tracked prefix; the further down a document has it, the more it
    prepends."""
    appliances = {name: spec for document in documents for name, spec in document["appliances"].items()}
    for name, spec in appliances.items():
        toward = {
            peerings[document["name"]].route_server_id: [spec["asn"]] * (1 + 2 * position)
            for document in documents
            for position, declared in enumerate(document["appliances"])
            if declared == name
        }
        prefixes = dict.fromkeys(p for d in documents for group in d["groups"] for p in group["prefixes"])
        levers.register(
            name=name,
            instance_id=spec["instance_id"],
            asn=spec["asn"],
            routes=[{"prefix": prefix, "toward": toward} for prefix in prefixes],
            bfd=any(d["appliances"].get(name, {}).get("liveness") == "bfd" for d in documents),
        )


def _table(ec2: Any, vpc_id: str, name: str, subnet_ids: list[str], gateway_id: str | None) -> str:
    tags = tags_on("route-table", name, tandem__stack="tandem")
    made = ec2.create_route_table(VpcId=vpc_id, TagSpecifications=tags)
    table_id = str(made["RouteTable"]["RouteTableId"])
    for subnet_id in subnet_ids:
        ec2.associate_route_table(RouteTableId=table_id, SubnetId=subnet_id)
    if gateway_id is not None:
        ec2.associate_route_table(RouteTableId=table_id, GatewayId=gateway_id)
    return table_id


def _instances(documents: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """Placeholder of each instance to the appliance's name and the address that it peers from."""
    return {
        spec["instance_id"]: (name, next(iter(spec["peers"].values())))
        for document in documents
        for name, spec in document["appliances"].items()
    }


def _instance(ec2: Any, ids: dict[str, str], appliance: tuple[str, str], *, public: bool) -> str:
    name, address = appliance
    subnet = next(s for s, block in SUBNETS.items() if ip_address(address) in ip_network(block))
    run = ec2.run_instances(
        ImageId="ami-12c6146b",
        InstanceType="c5.large",
        MinCount=1,
        MaxCount=1,
        SubnetId=ids[subnet],
        PrivateIpAddress=address,
        TagSpecifications=tags_on("instance", name),
    )
    [instance] = run["Instances"]
    interface_id = instance["NetworkInterfaces"][0]["NetworkInterfaceId"]
    ec2.modify_network_interface_attribute(NetworkInterfaceId=interface_id, SourceDestCheck={"Value": False})
    if public:
        own = ec2.allocate_address(Domain="vpc")
        ec2.associate_address(AllocationId=own["AllocationId"], NetworkInterfaceId=interface_id)
    return str(instance["InstanceId"])


def _with_ids(value: Any, ids: dict[str, str]) -> Any:
    """Returns the document with what AWS made in the place of every placeholder."""
    match value:
        case dict():
            return {key: _with_ids(item, ids) for key, item in value.items()}
        case list():
            return [_with_ids(item, ids) for item in value]
    return ids.get(value, value) if isinstance(value, str) else value


def _associations(ec2: Any, server_id: str) -> list[str]:
    got = ec2.get_route_server_associations(RouteServerId=server_id)
    return [association["State"] for association in got["RouteServerAssociations"]]


def _available(ec2: Any, kind: str, wanted: list[str]) -> bool:
    if kind == "endpoint":
        rows = ec2.describe_route_server_endpoints(RouteServerEndpointIds=wanted)["RouteServerEndpoints"]
    else:
        rows = ec2.describe_route_server_peers(RouteServerPeerIds=wanted)["RouteServerPeers"]
    return all(row["State"] == "available" for row in rows)


def attach(s: Stack, interface: str, name: str) -> str:
    """Attaches the interface to the appliance as its second one; the attachment."""
    instance = s.ids["instances"][name]
    client = s.lab.client()
    made = client.attach_network_interface(NetworkInterfaceId=interface, InstanceId=instance, DeviceIndex=1)
    return str(made["AttachmentId"])


def outside_interfaces(s: Stack) -> dict[str, str]:
    """Puts the public side of both appliances on a second interface, as most designs do; the attachments."""
    client, attachments = s.lab.client(), {}
    for number, name in enumerate(("fw1", "fw2"), start=1):
        private_ips = [f"10.0.{number}.{30 + n}" for n in range(5)]
        made = client.create_network_interface(
            SubnetId=s.ids["subnets"][f"az{number}"],
            PrivateIpAddresses=[
                {"PrivateIpAddress": ip, "Primary": ip == private_ips[0]} for ip in private_ips
            ],
            TagSpecifications=tags_on("network-interface", f"{name}-outside", tandem__stack="tandem"),
        )["NetworkInterface"]["NetworkInterfaceId"]
        attachments[name] = attach(s, made, name)
        s.ids["interfaces"][name] = made
        for address, private_ip in zip(s.ids["elastic_ips"].values(), private_ips[1:], strict=True):
            address["targets"][name] = private_ip
    for address in s.ids["elastic_ips"].values():
        s.levers.associate_as_stranger(
            allocation_id=address["allocation_id"],
            network_interface_id=s.ids["interfaces"]["fw1"],
            private_ip=address["targets"]["fw1"],
        )
    s.store()
    return attachments
