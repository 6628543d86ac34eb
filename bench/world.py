"""The world that the bench moves: an edge with two appliances and fifty Elastic IPs."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.ec2.scenario import edge
from lab.levers import Levers
from lab.session import Endpoints, Session

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ec2 import EC2Client

READ_SECONDS, MOVE_SECONDS = 0.25, 0.4
APPLIANCES = ("fw1", "fw2")
MOST_ADDRESSES = 50
STATE, AUDIT, BUS = "tandem-state", "tandem-audit", "tandem"
POLLS, POLL_SECONDS = 200, 0.05


@dataclass(frozen=True, slots=True)
class Address:
    """An Elastic IP and its private address on each appliance."""

    allocation_id: str
    targets: dict[str, str]


@dataclass(frozen=True, slots=True)
class World:
    """The edge, with clients to change it; all sessions are up, and all addresses are with fw1."""

    ids: dict[str, Any]
    addresses: tuple[Address, ...]
    levers: Levers
    ec2: EC2Client
    tables: DynamoDBClient

    @property
    def route_server_id(self) -> str:
        return str(self.ids["route_server_id"])

    def interface(self, appliance: str) -> str:
        return str(self.ids["interfaces"][appliance])

    def slow(self) -> None:
        """From now on EC2 takes its time."""
        self.levers.fault("*", latency_s=READ_SECONDS)
        for action in ("AssociateAddress", "DisassociateAddress"):
            self.levers.fault(action, latency_s=MOVE_SECONDS)

    def last_request(self) -> int:
        """The number of the newest entry of EC2's request log."""
        return max((int(r["sequence"]) for r in self.levers.requests()), default=0)

    def gather(self, appliance: str) -> None:
        """Puts every address there; who owns the route is not asked."""
        self.levers.faults_clear()
        for address in self.addresses:
            self.ec2.associate_address(
                AllocationId=address.allocation_id,
                NetworkInterfaceId=self.interface(appliance),
                PrivateIpAddress=address.targets[appliance],
            )

    def fail(self, appliance: str) -> str:
        """Lets it die, the other one being repaired; returns the one that owns the route then."""
        self.levers.faults_clear()
        survivor = next(name for name in APPLIANCES if name != appliance)
        self.levers.restore(survivor)
        self._await_session(survivor)
        self.levers.kill(appliance)
        for _ in range(POLLS):
            if self._owner_address() == self.ids["peer_addresses"][survivor]:
                return survivor
            time.sleep(POLL_SECONDS)
        raise TimeoutError(f"the route did not move to {survivor}")

    def store(self, document: dict[str, Any]) -> None:
        """Stores a topology as the provisioner leaves it, as one that nobody has looked at yet."""
        name = document["name"]
        provisioned = {
            "route_server_id": self.route_server_id,
            "sns_topic_arn": self.ids["sns_topic_arn"],
            "endpoint_ids": [],
            "peers": {},
        }
        item = {"document": {"S": json.dumps(document)}, "provisioned": {"S": json.dumps(provisioned)}}
        key = {"kind": {"S": "topology"}, "id": {"S": name}}
        self.tables.put_item(TableName=STATE, Item=key | item | {"version": {"N": "1"}, "door": {"S": "cli"}})
        self.tables.delete_item(TableName=STATE, Key=key | {"kind": {"S": "look"}})

    def document(self, name: str, addresses: int, groups: int = 1) -> dict[str, Any]:
        """A topology with the first so many addresses, shared out among so many groups."""
        specs = [
            {
                "allocation_id": address.allocation_id,
                "targets": {
                    appliance: {"network_interface": self.interface(appliance), "private_ip": private_ip}
                    for appliance, private_ip in address.targets.items()
                },
            }
            for address in self.addresses[:addresses]
        ]
        route_server = {"id": self.route_server_id, "vpc_id": self.ids["vpc_id"], "amazon_side_asn": 65000}
        return {
            "tandem": 1,
            "name": name,
            "mode": "enforce",
            "manage": False,
            "route_server": route_server,
            "appliances": {appliance: self._appliance(appliance) for appliance in APPLIANCES},
            "groups": [
                {"name": f"group-{n}", "prefixes": ["0.0.0.0/0"], "elastic_ips": specs[n::groups]}
                for n in range(groups)
            ],
        }

    def _appliance(self, name: str) -> dict[str, Any]:
        return {
            "instance_id": self.ids["instances"][name],
            "asn": 65000 + int(name[-1]),
            "liveness": "bfd",
            "peers": dict.fromkeys(self.ids["peers"][name], self.ids["peer_addresses"][name]),
        }

    def _await_session(self, appliance: str) -> None:
        mine = set(self.ids["peers"][appliance].values())
        for _ in range(POLLS):
            peers = self.ec2.describe_route_server_peers()["RouteServerPeers"]
            up = {p["RouteServerPeerId"] for p in peers if p["BgpStatus"]["Status"] == "up"}
            if mine <= up:
                return
            time.sleep(POLL_SECONDS)
        raise TimeoutError(f"the sessions of {appliance} did not come up")

    def _owner_address(self) -> str | None:
        found = self.ec2.get_route_server_routing_database(RouteServerId=self.route_server_id)["Routes"]
        return next((r["NextHopIp"] for r in found if r["RouteStatus"] == "in-fib"), None)


def build(endpoints: Endpoints) -> World:
    """Builds it through the API, tables and bus as well."""
    session = Session(endpoints)
    ec2, tables = session.client("ec2"), session.client("dynamodb")
    for name, partition, sort, kind in ((STATE, "kind", "id", "S"), (AUDIT, "sequence", "number", "N")):
        tables.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": partition, "KeyType": "HASH"},
                {"AttributeName": sort, "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": partition, "AttributeType": "S"},
                {"AttributeName": sort, "AttributeType": "N" if kind == "N" else "S"},
            ],
        )
    session.client("events").create_event_bus(Name=BUS)
    levers = Levers(endpoints.ec2)
    ids = edge(ec2, levers)
    first = [Address(a["allocation_id"], dict(a["targets"])) for a in ids["elastic_ips"].values()]
    return World(ids, (*first, *_more(ec2, ids, MOST_ADDRESSES - len(first))), levers, ec2, tables)


def _more(ec2: EC2Client, ids: dict[str, Any], count: int) -> list[Address]:
    """So many more Elastic IPs, each with a private address on both appliances."""
    private = {name: [f"10.0.{name[-1]}.{40 + n}" for n in range(count)] for name in APPLIANCES}
    for name, addresses in private.items():
        ec2.assign_private_ip_addresses(
            NetworkInterfaceId=ids["interfaces"][name], PrivateIpAddresses=addresses
        )
    return [
        Address(
            ec2.allocate_address(Domain="vpc")["AllocationId"],
            {name: private[name][n] for name in APPLIANCES},
        )
        for n in range(count)
    ]
