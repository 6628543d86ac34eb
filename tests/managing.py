"""The provisioner over an empty VPC with two appliances: what `manage: true` starts from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3

from lab.ec2.scenario import appliances_only
from lab.ec2.scenario_routing import tags_on
from lab.ec2.timings import Timings
from tests.provisioning import Provisioner, provisioner
from tests.shared_worlds import shared_world

REALISTIC = Timings(
    route_server_s=45.0,
    modify_s=30.0,
    association_s=20.0,
    endpoint_s=240.0,
    peer_s=150.0,
    propagation_s=15.0,
    delete_s=90.0,
    dependency_lag_s=20.0,
    dial_s=10.0,
    advertise_s=2.0,
    convergence_s=0.5,
)
"""Minutes, as users report them; AWS publishes none."""

QUICK = Timings.lab()
SLOW = replace(QUICK, delete_s=200.0)
"""Children first, and each generation of them takes nearly as long as an invocation has."""

ROUTE_SERVER_CALLS = ("RouteServer", "CreateTags", "ModifyNetworkInterface")


class Managed(Provisioner):
    """A provisioner that may create, with the document that asks for it."""

    def wanted(self, **changes: Any) -> dict[str, Any]:
        made = self.document(manage=True, **changes)
        made["route_server"].pop("id", None)
        return made

    def ec2_changes(self) -> list[str]:
        """Returns the calls of the last invocation that change something in EC2, in their order."""
        return [c.partition(":")[2] for c in self.changes if c.startswith("ec2:")]

    def converge(self, minutes: int = 40, name: str = "edge") -> None:
        """As the schedule does: a run a minute until nothing is pending."""
        for _ in range(minutes):
            record = self.record(name)
            found = record.provisioned
            if found is not None and not found.pending and found.version == record.version:
                return
            self.settle(60)
            self.refresh()
        raise AssertionError(f"still pending: {self.record(name).provisioned.pending}")

    def run(self, wanted: object = None, **order: Any) -> None:
        """Applies a document and lets its run, and those of the schedule, come to the end."""
        answer = self.apply(wanted or self.wanted(), **order)
        assert answer["problems"] == [], answer["problems"]
        self.refresh()
        self.converge()

    def shown(self, what: str, **more: Any) -> list[dict[str, Any]]:
        """Returns what AWS shows, without tombstones."""
        ec2 = boto3.client("ec2")
        key = {
            "describe_route_servers": "RouteServers",
            "describe_route_server_endpoints": "RouteServerEndpoints",
            "describe_route_server_peers": "RouteServerPeers",
        }[what]
        return [row for row in getattr(ec2, what)(**more)[key] if row["State"] != "deleted"]

    def servers(self) -> list[dict[str, Any]]:
        return self.shown("describe_route_servers")

    def endpoints(self) -> list[dict[str, Any]]:
        return self.shown("describe_route_server_endpoints")

    def peers(self) -> list[dict[str, Any]]:
        return self.shown("describe_route_server_peers")

    def everything(self) -> list[dict[str, Any]]:
        return [*self.servers(), *self.endpoints(), *self.peers()]

    def sessions(self) -> dict[tuple[str, str], tuple[int, str]]:
        """Endpoint's subnet and appliance's address of each peer, with ASN and liveness."""
        at = {e["RouteServerEndpointId"]: tags(e)["tandem:endpoint"] for e in self.endpoints()}
        return {
            (at[p["RouteServerEndpointId"]], p["PeerAddress"]): (
                p["BgpOptions"]["PeerAsn"],
                p["BgpOptions"]["PeerLivenessDetection"],
            )
            for p in self.peers()
        }

    def world(self) -> dict[str, Any]:
        """Returns all that a document describes, by name: what two runs have to agree on."""
        (server,) = self.servers()
        ec2 = boto3.client("ec2")
        propagations = ec2.get_route_server_propagations(RouteServerId=server["RouteServerId"])
        associations = ec2.get_route_server_associations(RouteServerId=server["RouteServerId"])
        return {
            "asn": server["AmazonSideAsn"],
            "persist": (server["PersistRoutesState"], server.get("PersistRoutesDuration")),
            "notifies": server["SnsNotificationsEnabled"],
            "vpc": [a["VpcId"] for a in associations["RouteServerAssociations"]],
            "endpoints": sorted((tags(e)["tandem:endpoint"], e["SubnetId"]) for e in self.endpoints()),
            "sessions": self.sessions(),
            "tables": sorted(p["RouteTableId"] for p in propagations["RouteServerPropagations"]),
            "states": {row["State"] for row in self.everything()},
        }


def delete_all(tandem: Managed, **order: Any) -> dict[str, Any]:
    return tandem.delete(resources=True, **order)


def nothing_is_left(tandem: Managed) -> bool:
    watched = boto3.client("sns").list_subscriptions()["Subscriptions"] or tandem.delivered()
    return tandem.record() is None and not tandem.everything() and not watched


def pass_minutes(tandem: Managed, minutes: int) -> None:
    """As the schedule does, for so long at most; each event finds its way to the function."""
    for _ in range(minutes):
        if tandem.record() is None:
            return
        tandem.settle(60)
        tandem.invoke({"action": "refresh", "due_only": True})
        tandem.deliver()


def strangers_peer(tandem: Managed) -> str:
    """Somebody else's session at an endpoint that Tandem made."""
    endpoint = tandem.endpoints()[0]["RouteServerEndpointId"]
    made = boto3.client("ec2").create_route_server_peer(
        RouteServerEndpointId=endpoint, PeerAddress="10.0.1.99", BgpOptions={"PeerAsn": 65099}
    )
    tandem.settle(60)
    return str(made["RouteServerPeer"]["RouteServerPeerId"])


def adoptable(tandem: Managed) -> None:
    """Leaves what a converged topology made, as if somebody else had made it and agreed."""
    ec2 = boto3.client("ec2")
    rows = {r[k]: tags(r) for k, r in keyed(tandem)}
    tandem.app.store.delete(tandem.record())
    for resource_id, found in rows.items():
        gone: list[Any] = [{"Key": k} for k in found if k.startswith("tandem:") and k != "tandem:endpoint"]
        ec2.delete_tags(Resources=[resource_id], Tags=gone)
        ec2.create_tags(Resources=[resource_id], Tags=[{"Key": "tandem:stack", "Value": "tandem"}])
    tandem.events()


def keyed(tandem: Managed) -> list[tuple[str, dict[str, Any]]]:
    return [
        *(("RouteServerId", r) for r in tandem.servers()),
        *(("RouteServerEndpointId", r) for r in tandem.endpoints()),
        *(("RouteServerPeerId", r) for r in tandem.peers()),
    ]


def with_id(tandem: Managed) -> dict[str, Any]:
    wanted = tandem.wanted()
    wanted["route_server"]["id"] = tandem.servers()[0]["RouteServerId"]
    return wanted


def other_table(vpc_id: str, **consent: str) -> str:
    """Returns a new route table, which has the owner's tag unless another is given: `tandem__stack=…`."""
    ec2: Any = boto3.client("ec2")
    tagged = tags_on("route-table", "another", **(consent or {"tandem__stack": "tandem"}))
    made = ec2.create_route_table(VpcId=vpc_id, TagSpecifications=tagged)
    return str(made["RouteTable"]["RouteTableId"])


def tags(row: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in row.get("Tags", ())}


@shared_world
def managed(timings: Timings = QUICK, **options: Any) -> Iterator[Managed]:
    """Yields an empty state table, and a VPC without a route server."""
    with provisioner(build=appliances_only, timings=timings, made=Managed, **options) as tandem:
        assert isinstance(tandem, Managed)
        yield tandem


@shared_world
def converged(timings: Timings = QUICK) -> Iterator[Managed]:
    """Yields the document reached, and nothing left to tell."""
    with managed(timings) as tandem:
        tandem.run()
        tandem.events()
        yield tandem
