"""The Route Server half of the scenarios."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

AMAZON_SIDE_ASN = 65000
ZONES = ("a", "b")
APPLIANCES = ("fw1", "fw2")
_POLL_S = 0.5
_PATIENCE_S = 120.0


class HasRegister(Protocol):
    def register(
        self, name: str, instance_id: str, asn: int, routes: Sequence[Mapping[str, Any]], bfd: bool = True
    ) -> Any: ...


def tags_on(kind: str, name: str, **more: str) -> list[dict[str, Any]]:
    tags = {"Name": name, **{key.replace("__", ":"): value for key, value in more.items()}}
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


def build_route_server(
    ec2: Any,
    world: dict[str, Any],
    sleep: Callable[[float], None],
    persist_minutes: int | None,
    sns: bool,
) -> None:
    persist: dict[str, Any] = {"PersistRoutes": "disable"}
    if persist_minutes is not None:
        persist = {"PersistRoutes": "enable", "PersistRoutesDuration": persist_minutes}
    made = ec2.create_route_server(
        AmazonSideAsn=AMAZON_SIDE_ASN,
        SnsNotificationsEnabled=sns,
        TagSpecifications=tags_on("route-server", "edge"),
        **persist,
    )
    route_server_id = world["route_server_id"] = made["RouteServer"]["RouteServerId"]

    def server() -> dict[str, Any]:
        described = ec2.describe_route_servers(RouteServerIds=[route_server_id])
        return dict(described["RouteServers"][0])

    wait(
        sleep,
        f"{route_server_id} available",
        lambda: server()["State"] == "available" and (not sns or bool(server().get("SnsTopicArn"))),
    )
    world["sns_topic_arn"] = server().get("SnsTopicArn")
    ec2.associate_route_server(RouteServerId=route_server_id, VpcId=world["vpc_id"])
    wait(sleep, "association", lambda: _associated(ec2, route_server_id))
    world["endpoints"] = {}
    for zone in (1, 2):
        for letter in ZONES:
            name, subnet_id = f"az{zone}-{letter}", world["subnets"][f"az{zone}"]
            endpoint = ec2.create_route_server_endpoint(
                RouteServerId=route_server_id,
                SubnetId=subnet_id,
                TagSpecifications=tags_on("route-server-endpoint", name, tandem__endpoint=name),
            )["RouteServerEndpoint"]
            world["endpoints"][name] = {"id": endpoint["RouteServerEndpointId"], "subnet_id": subnet_id}
    ec2.enable_route_server_propagation(
        RouteServerId=route_server_id, RouteTableId=world["route_tables"]["protected"]
    )
    wait(sleep, "endpoints available", lambda: _endpoints_known(ec2, world))


def _associated(ec2: Any, route_server_id: str) -> bool:
    got = ec2.get_route_server_associations(RouteServerId=route_server_id)
    return bool(got["RouteServerAssociations"][0]["State"] == "associated")


def _endpoints_known(ec2: Any, world: dict[str, Any]) -> bool:
    ids = {endpoint["id"]: endpoint for endpoint in world["endpoints"].values()}
    rows = ec2.describe_route_server_endpoints(RouteServerEndpointIds=list(ids))["RouteServerEndpoints"]
    for row in rows:
        if row["State"] == "available":
            ids[row["RouteServerEndpointId"]]["address"] = row["EniAddress"]
    return all("address" in endpoint for endpoint in ids.values())


def build_peers(ec2: Any, world: dict[str, Any], sleep: Callable[[float], None], liveness: str) -> None:
    world["peers"] = {}
    for number, name in enumerate(APPLIANCES, start=1):
        world["peers"][name] = {}
        for letter in ZONES:
            endpoint = f"az{number}-{letter}"
            peer = ec2.create_route_server_peer(
                RouteServerEndpointId=world["endpoints"][endpoint]["id"],
                PeerAddress=world["peer_addresses"][name],
                BgpOptions={"PeerAsn": AMAZON_SIDE_ASN + number, "PeerLivenessDetection": liveness},
                TagSpecifications=tags_on("route-server-peer", f"{name}-{endpoint}"),
            )["RouteServerPeer"]
            world["peers"][name][endpoint] = peer["RouteServerPeerId"]
    wait(
        sleep,
        "peers available",
        lambda: all(row["State"] == "available" for row in _peer_rows(ec2, world)),
    )


def _peer_rows(ec2: Any, world: dict[str, Any]) -> list[dict[str, Any]]:
    ids = [peer_id for peers in world["peers"].values() for peer_id in peers.values()]
    return list(ec2.describe_route_server_peers(RouteServerPeerIds=ids)["RouteServerPeers"])


def register(levers: HasRegister, world: dict[str, Any], bfd: bool, prefix: str = "") -> None:
    first, second = AMAZON_SIDE_ASN + 1, AMAZON_SIDE_ASN + 2
    levers.register(
        name=f"{prefix}fw1",
        instance_id=world["instances"]["fw1"],
        asn=first,
        routes=[{"prefix": "0.0.0.0/0", "as_path": [first]}],
        bfd=bfd,
    )
    levers.register(
        name=f"{prefix}fw2",
        instance_id=world["instances"]["fw2"],
        asn=second,
        routes=[{"prefix": "0.0.0.0/0", "as_path": [second, second, second]}],
        bfd=bfd,
    )


def ready(ec2: Any, world: dict[str, Any]) -> bool:
    if any(row["BgpStatus"]["Status"] != "up" for row in _peer_rows(ec2, world)):
        return False
    got = ec2.get_route_server_routing_database(RouteServerId=world["route_server_id"])
    return len(got["Routes"]) == 4 and any(
        row["RouteStatus"] == "in-fib"
        and row["NextHopIp"] == world["peer_addresses"]["fw1"]
        and any(item["RouteInstallationStatus"] == "installed" for item in row["RouteInstallationDetails"])
        for row in got["Routes"]
    )


def wait(sleep: Callable[[float], None], what: str, done: Callable[[], bool]) -> None:
    for _ in range(int(_PATIENCE_S / _POLL_S)):
        if done():
            return
        sleep(_POLL_S)
    raise TimeoutError(f"edge: no {what} after {_PATIENCE_S:g} s")
