"""Random worlds of two or three appliances, built through the EC2 API, and the levers that break them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest import mock

import boto3

from lab.ec2.inprocess import LabEC2, lab_ec2
from lab.ec2.scenario_routing import tags_on
from lab.ec2.timings import Behaviour, TieBreak, Timings
from tandem.adapters import clients, ec2, vpcreads
from tandem.adapters.overrides import OverrideStore
from tandem.compliance.whatif.endings import FailureRow
from tandem.compliance.whatif.failures import Failure, FailureKind, Places
from tandem.compliance.whatif.nminusone import failure_table
from tandem.failover import invocation
from tandem.failover.look import look as real_look
from tandem.failover.run import Report
from tandem.model import Observation
from tandem.state.record import Provisioned, TopologyRecord
from tandem.topology.document import Topology, parse_topology
from tandem.topology.shape import normalise
from tests import awsclients
from tests import stack as stacks
from tests.functions import store
from tests.stack import Stack

AMAZON_ASN = 65000
PREFIXES = ("0.0.0.0/0", "10.20.0.0/16")
MOST_LOOKS = 6
NAMES = ("fw1", "fw2", "fw3")


@dataclass(frozen=True, slots=True)
class Unit:
    """One appliance of a world."""

    zone: int
    asn: int
    bfd: bool
    endpoints: tuple[str, ...]
    """The names of those that it peers with."""
    paths: tuple[tuple[int, int] | None, ...]
    """For each prefix how often it prepends, and its MED; None where it does not advertise it."""
    outside: bool = False
    """True if its targets are on a second interface."""
    standby: str = "speaking"
    ends: str = ""
    """`stopped`, `detached` or `silent`: what is wrong with it from the beginning."""


@dataclass(frozen=True, slots=True)
class Spec:
    """A world, before it is built."""

    units: dict[str, Unit]
    endpoints: dict[str, int]
    """Each with its zone."""
    groups: tuple[tuple[str, ...], ...]
    """The prefixes of each."""
    addresses: int
    """Elastic IPs of each group."""
    persists: bool = False
    rejects: frozenset[str] = frozenset()
    """The prefixes for which one of the two route tables has a static route."""
    broken: dict[tuple[int, str], str] = field(default_factory=dict)
    """Elastic IP and appliance to what is wrong with the target: `occupied` or `missing`."""
    other_border_group: frozenset[int] = frozenset()
    pinned: str | None = None
    forced: bool = False


def random_spec(seed: int) -> Spec:
    draw = Random(seed)  # noqa: S311
    count = draw.choice((2, 2, 3))
    zones = range(1, draw.choice((1, 2, 2, count)) + 1)
    endpoints = {f"az{zone}-{letter}": zone for zone in zones for letter in "ab"[: draw.choice((1, 2, 2))]}
    groups = draw.choice(((PREFIXES[:1],), (PREFIXES,), (PREFIXES[:1], PREFIXES[1:])))
    units = {}
    for number, name in enumerate(NAMES[:count]):
        zone = list(zones)[number % len(zones)]
        near = tuple(e for e, at in endpoints.items() if at == zone)
        units[name] = Unit(
            zone=zone,
            asn=AMAZON_ASN + draw.choice((1, number + 1, number + 1)),
            bfd=draw.random() < 0.5,
            endpoints=draw.choice((near, tuple(endpoints))),
            paths=tuple(
                None
                if number and draw.random() < 0.1
                else (draw.choice((number, number, number, 1)), draw.choice((0, 0, 0, 10)))
                for _ in PREFIXES
            ),
            outside=draw.random() < 0.4,
            ends=draw.choice(("", "", "", "", "stopped", "detached")) if number == count - 1 else "",
        )
    total = 2 * len(groups)
    places = [(n, name) for n in range(total) for name in units]
    return Spec(
        units=units,
        endpoints=endpoints,
        groups=groups,
        addresses=2,
        persists=draw.random() < 0.3,
        rejects=frozenset(p for p in PREFIXES if draw.random() < 0.15),
        broken={at: draw.choice(("occupied", "missing")) for at in places if draw.random() < 0.1},
        other_border_group=frozenset(n for n in range(total) if draw.random() < 0.1),
        pinned=draw.choice((*units, *[None] * 20)),
        forced=draw.random() < 0.5,
    )


@dataclass
class Unbroken:
    """A world at rest, before something breaks in it."""

    stack: Stack
    spec: Spec
    topology: Topology
    endpoint_ids: dict[str, str]
    instances: dict[str, str]
    allocations: tuple[str, ...]

    def observation(self) -> Observation:
        return ec2.observe(self.topology, lambda: OverrideStore("tandem-state").of(self.topology.name))

    def places(self) -> Places:
        return places(self.topology, self.observation())

    def rows(self) -> tuple[FailureRow, ...]:
        return failure_table(self.topology, self.observation(), self.places(), self.stack.clock.now())

    def holders(self) -> dict[str, tuple[str, str] | None]:
        """Returns the interface and the private IP of each Elastic IP, as EC2 shows them."""
        rows = boto3.client("ec2").describe_addresses(AllocationIds=list(self.allocations))["Addresses"]
        return {
            row["AllocationId"]: (row["NetworkInterfaceId"], row["PrivateIpAddress"])
            if "NetworkInterfaceId" in row
            else None
            for row in rows
        }

    def break_(self, failure: Failure) -> None:
        """Pulls the levers that make the failure happen."""
        levers = self.stack.levers
        for name in failure.appliances:
            levers.kill(name=name, stop_instance=bool(failure.instances))
        match failure.kind:
            case FailureKind.SESSION:
                self._session(failure)
            case FailureKind.ENDPOINT:
                levers.maintenance(endpoint=failure.name, seconds=1_000_000)
            case FailureKind.ZONE:
                zones = self._zone_names()
                for name, zone in self.spec.endpoints.items():
                    if zones[zone] == failure.name:
                        levers.maintenance(endpoint=self.endpoint_ids[name], seconds=1_000_000)

    def _session(self, failure: Failure) -> None:
        [peer] = [p for p in self.observation().peers if p.peer_id == failure.name]
        name = next(n for n, unit in self.spec.units.items() if _address(n, unit) == peer.peer_address)
        self.stack.levers.session(name=name, endpoint=peer.endpoint_id, state="down")

    @staticmethod
    def _zone_names() -> dict[int, str]:
        found = boto3.client("ec2").describe_availability_zones()["AvailabilityZones"]
        return {number: str(zone["ZoneName"]) for number, zone in enumerate(found, start=1)}

    def rest(self) -> Report:
        """Lets the looks run until nothing changes any more; returns the last one's report."""
        reports: list[Report] = []

        def look(*arguments: Any, **named: Any) -> Report:
            reports.append(real_look(*arguments, **named))
            return reports[-1]

        with mock.patch.object(invocation, "look", look):
            for _ in range(MOST_LOOKS):
                # long enough for nothing to be damped
                self.stack.clock.sleep(timedelta(minutes=15).total_seconds())
                self.stack.sweep(self.topology.name)
                if not reports[-1].moved:
                    break
        return reports[-1]


def places(topology: Topology, observation: Observation) -> Places:
    """Reads where things are, as whoever makes the table does."""
    server_id = topology.route_server.route_server_id or ""
    endpoints = {e.endpoint_id: e for e in vpcreads.endpoints(server_id).found}
    servers = vpcreads.route_servers().found
    wanted = {e.subnet_id for e in endpoints.values()}
    wanted |= {i.subnet_id for i in (observation.interfaces or {}).values()}
    subnets = vpcreads.subnets(wanted).found
    groups = dict(vpcreads.border_groups({s.zone for s in subnets}).found)
    return Places(
        endpoints,
        {s.subnet_id: replace(s, border_group=groups.get(s.zone)) for s in subnets},
        next((s for s in servers if s.route_server_id == server_id), None),
    )


@contextmanager
def unbroken(spec: Spec, tie_break: TieBreak = TieBreak.LOWEST_PEER_ADDRESS) -> Iterator[Unbroken]:
    """Yields the world, looked at until it rests."""
    behaviour = Behaviour(tie_break=tie_break, border_group_code="InvalidParameterCombination")
    with (
        mock.patch.dict(os.environ, stacks.ENVIRONMENT),
        mock.patch("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None)),
        lab_ec2(timings=Timings.instant(), behaviour=behaviour) as lab,
    ):
        awsclients.forget()
        stacks._tables()
        stacks._bus()
        world = _build(spec, lab)
        world.rest()
        world.stack.forget_calls()
        yield world
        world.stack.app.world.side.shutdown()
        awsclients.forget()


def _address(name: str, unit: Unit) -> str:
    return f"10.0.{unit.zone}.{10 * int(name[-1])}"


def _target(name: str, unit: Unit, number: int) -> str:
    return f"10.0.{unit.zone}.{40 * int(name[-1]) + 60 + number}"


def _build(spec: Spec, lab: LabEC2) -> Unbroken:
    client = boto3.client("ec2")
    vpc_id = client.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    gateway = client.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    client.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc_id)
    zones = Unbroken._zone_names()
    subnets = {
        zone: client.create_subnet(VpcId=vpc_id, CidrBlock=f"10.0.{zone}.0/24", AvailabilityZone=zones[zone])[
            "Subnet"
        ]["SubnetId"]
        for zone in {*spec.endpoints.values(), *(unit.zone for unit in spec.units.values())}
    }
    total = spec.addresses * len(spec.groups)
    instances, interfaces = {}, {}
    for name, unit in spec.units.items():
        instances[name], interfaces[name] = _appliance(client, spec, name, subnets[unit.zone], total)
    allocations = _elastic_ips(client, spec, interfaces, total)
    server_id, topic, endpoint_ids = _route_server(client, spec, vpc_id, subnets, gateway)
    for name, unit in spec.units.items():
        for endpoint in unit.endpoints:
            client.create_route_server_peer(
                RouteServerEndpointId=endpoint_ids[endpoint],
                PeerAddress=_address(name, unit),
                BgpOptions={
                    "PeerAsn": unit.asn,
                    "PeerLivenessDetection": "bfd" if unit.bfd else "bgp-keepalive",
                },
            )
        lab.levers.register(name, instances[name], unit.asn, _routes(unit), unit.bfd)
    document = _document(spec, vpc_id, server_id, instances, interfaces, allocations)
    topology = parse_topology(normalise(document), version=1)
    store(TopologyRecord(topology, 1, "cli", Provisioned(server_id, topic)))
    stack = Stack(lab, {}, stacks.load_failover(lab))
    if spec.pinned is not None:
        _pin(spec)
    for name, unit in spec.units.items():
        if unit.ends == "stopped":
            lab.levers.kill(name=name, stop_instance=True)
        if unit.ends == "silent":
            lab.levers.shutdown(name=name)
    return Unbroken(stack, spec, topology, endpoint_ids, instances, allocations)


def _routes(unit: Unit) -> list[dict[str, Any]]:
    return [
        {"prefix": prefix, "as_path": [unit.asn] * (1 + path[0]), "med": path[1]}
        for prefix, path in zip(PREFIXES, unit.paths, strict=True)
        if path is not None
    ]


def _appliance(client: Any, spec: Spec, name: str, subnet: str, total: int) -> tuple[str, str]:
    """Returns the instance and the interface of its targets."""
    unit = spec.units[name]
    run = client.run_instances(
        ImageId="ami-12c6146b",
        InstanceType="c5.large",
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet,
        PrivateIpAddress=_address(name, unit),
    )
    [instance] = run["Instances"]
    instance_id = str(instance["InstanceId"])
    interface = str(instance["NetworkInterfaces"][0]["NetworkInterfaceId"])
    if unit.outside or unit.ends == "detached":
        made = client.create_network_interface(SubnetId=subnet)["NetworkInterface"]
        interface = str(made["NetworkInterfaceId"])
        if unit.ends != "detached":
            client.attach_network_interface(
                NetworkInterfaceId=interface, InstanceId=instance_id, DeviceIndex=1
            )
    there = [n for n in range(total) if spec.broken.get((n, name)) != "missing"]
    private_ips = [_target(name, unit, n) for n in there]
    client.assign_private_ip_addresses(NetworkInterfaceId=interface, PrivateIpAddresses=private_ips)
    return instance_id, interface


def _elastic_ips(client: Any, spec: Spec, interfaces: dict[str, str], total: int) -> tuple[str, ...]:
    """Allocates them, each on the first appliance that can have it, and strangers' on other targets."""
    allocations = []
    for number in range(total):
        group = {"NetworkBorderGroup": "us-east-1-bos-1"} if number in spec.other_border_group else {}
        made = client.allocate_address(Domain="vpc", **group)["AllocationId"]
        allocations.append(made)
        fit = [n for n in spec.units if (number, n) not in spec.broken and spec.units[n].ends != "detached"]
        if fit and not group:
            unit = spec.units[fit[0]]
            client.associate_address(
                AllocationId=made,
                NetworkInterfaceId=interfaces[fit[0]],
                PrivateIpAddress=_target(fit[0], unit, number),
            )
    for (number, name), what in spec.broken.items():
        if what == "occupied":
            client.associate_address(
                AllocationId=client.allocate_address(Domain="vpc")["AllocationId"],
                NetworkInterfaceId=interfaces[name],
                PrivateIpAddress=_target(name, spec.units[name], number),
            )
    return tuple(allocations)


def _route_server(
    client: Any, spec: Spec, vpc_id: str, subnets: dict[int, str], gateway: str
) -> tuple[str, str, dict[str, str]]:
    persist: dict[str, Any] = {"PersistRoutes": "disable"}
    if spec.persists:
        persist = {"PersistRoutes": "enable", "PersistRoutesDuration": 1}
    made = client.create_route_server(AmazonSideAsn=AMAZON_ASN, SnsNotificationsEnabled=True, **persist)
    server_id = made["RouteServer"]["RouteServerId"]
    client.associate_route_server(RouteServerId=server_id, VpcId=vpc_id)
    endpoint_ids = {
        name: client.create_route_server_endpoint(
            RouteServerId=server_id,
            SubnetId=subnets[zone],
            TagSpecifications=tags_on("route-server-endpoint", name, tandem__endpoint=name),
        )["RouteServerEndpoint"]["RouteServerEndpointId"]
        for name, zone in spec.endpoints.items()
    }
    for number in range(2):
        table_id = client.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
        client.enable_route_server_propagation(RouteServerId=server_id, RouteTableId=table_id)
        for prefix in spec.rejects if number == 0 else ():
            client.create_route(RouteTableId=table_id, DestinationCidrBlock=prefix, GatewayId=gateway)
    server = client.describe_route_servers(RouteServerIds=[server_id])["RouteServers"][0]
    return server_id, str(server["SnsTopicArn"]), endpoint_ids


def _document(
    spec: Spec,
    vpc_id: str,
    server_id: str,
    instances: dict[str, str],
    interfaces: dict[str, str],
    allocations: tuple[str, ...],
) -> dict[str, Any]:
    return {
        "tandem": 1,
        "name": "what-if",
        "mode": "enforce",
        "manage": False,
        "route_server": {"id": server_id, "vpc_id": vpc_id, "amazon_side_asn": AMAZON_ASN},
        "appliances": {
            name: {
                "instance_id": instances[name],
                "asn": unit.asn,
                "liveness": "bfd" if unit.bfd else "bgp-keepalive",
                "standby": unit.standby,
                "peers": dict.fromkeys(unit.endpoints, _address(name, unit)),
            }
            for name, unit in spec.units.items()
        },
        "groups": [
            {
                "name": f"group{index}",
                "prefixes": list(prefixes),
                "elastic_ips": [
                    {
                        "allocation_id": allocations[number],
                        "targets": {
                            name: {
                                "network_interface": interfaces[name],
                                "private_ip": _target(name, unit, number),
                            }
                            for name, unit in spec.units.items()
                        },
                    }
                    for number in range(index * spec.addresses, (index + 1) * spec.addresses)
                ],
            }
            for index, prefixes in enumerate(spec.groups)
        ],
    }


def _pin(spec: Spec) -> None:
    item: dict[str, Any] = {
        "kind": {"S": "override"},
        "id": {"S": "what-if"},
        "action": {"S": "pinned"},
        "appliance": {"S": str(spec.pinned)},
        "forced": {"BOOL": spec.forced},
        "until": {"S": "2030-01-01T00:00:00Z"},
        "who": {"S": "kim"},
        "why": {"S": "a test"},
    }
    clients.dynamodb().put_item(TableName="tandem-state", Item=item)
