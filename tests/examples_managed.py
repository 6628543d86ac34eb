"""The examples as Tandem manages them: each in a world of its own, reached, its appliances dialled in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3

from lab.ec2.scenario import appliances_only
from lab.ec2.timings import Timings
from tests.changes import Others
from tests.managing import Managed, other_table
from tests.provisioning import provisioner
from tests.worlds import EXAMPLES, Peering, dial, surroundings

MANAGED = ("edge", *EXAMPLES)
SPARE = 30
"""The last number of a further address that each appliance's interface has."""


@contextmanager
def example(name: str, timings: Timings | None = None) -> Iterator[tuple[Managed, list[dict[str, Any]]]]:
    """Yields the provisioner over an example's world, and the documents as they are when Tandem manages."""

    def build(ec2: Any, levers: Any, **options: Any) -> dict[str, Any]:
        if name == "edge":
            return appliances_only(ec2, levers, **options)
        return {"documents": surroundings(ec2, EXAMPLES[name])}

    with provisioner(build=build, timings=timings or Timings.lab(), made=Managed) as tandem:
        assert isinstance(tandem, Managed)
        drawn = tandem.ids["documents"] if name != "edge" else [tandem.document()]
        documents = [d | {"manage": True} for d in drawn]
        for document in documents:
            document["route_server"].pop("id", None)
        yield tandem, documents


@contextmanager
def converged(name: str) -> Iterator[tuple[Managed, list[dict[str, Any]]]]:
    """Yields the same with every document applied and reached, every session up, every route installed."""
    with example(name) as (tandem, documents):
        for document in documents:
            answer = tandem.apply(document)
            assert answer["problems"] == []
        tandem.refresh()
        for document in documents:
            tandem.converge(name=document["name"])
        if name != "edge":
            records = {d["name"]: tandem.record(d["name"]).provisioned for d in documents}
            peerings = {n: Peering(str(p.route_server_id), "", {}) for n, p in records.items()}
            dial(tandem.lab.levers, documents, peerings)
        tandem.settle(120)
        tandem.refresh()
        tandem.events()
        yield tandem, documents


def others(tandem: Managed, document: dict[str, Any]) -> Others:
    """Returns what else there is: a spare subnet, table and VPC, and a further address of each appliance."""
    ec2 = boto3.client("ec2")
    vpc_id = document["route_server"]["vpc_id"]
    inside: Any = [{"Name": "vpc-id", "Values": [vpc_id]}]
    used = set(document["route_server"]["endpoints"].values())
    subnets = {s["SubnetId"]: s for s in ec2.describe_subnets(Filters=inside)["Subnets"]}
    tables = [t["RouteTableId"] for t in ec2.describe_route_tables(Filters=inside)["RouteTables"]]
    spare = other_table(vpc_id)
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    ec2.create_tags(Resources=[*tables, *subnets, vpc], Tags=[{"Key": "tandem:stack", "Value": "tandem"}])
    addresses = {}
    instances = [a["instance_id"] for a in document["appliances"].values()]
    interfaces = []
    for name, appliance in document["appliances"].items():
        there = ec2.describe_instances(InstanceIds=[appliance["instance_id"]])["Reservations"][0]["Instances"]
        interface = there[0]["NetworkInterfaces"][0]
        own = str(interface["PrivateIpAddress"]).rpartition(".")[0] + f".{SPARE}"
        ec2.assign_private_ip_addresses(
            NetworkInterfaceId=interface["NetworkInterfaceId"], PrivateIpAddresses=[own]
        )
        interfaces.append(str(interface["NetworkInterfaceId"]))
        addresses[name] = (own,)
    return Others(
        subnets=(next(s for s in subnets if s not in used), *sorted(used)),
        tables=(spare, *tables[:1]),
        vpcs=(str(vpc),),
        instances=tuple(instances),
        interfaces=tuple(interfaces),
        addresses=addresses,
        allocations=tuple(e["allocation_id"] for g in document["groups"] for e in g.get("elastic_ips", ())),
        route_servers=(str(tandem.record(document["name"]).provisioned.route_server_id),),
    )
