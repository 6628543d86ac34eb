"""Ways to break the sessions of a healthy world, and the rules that fail then."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lab.ec2.scenario_routing import AMAZON_SIDE_ASN
from tandem.reasons.compliance import RuleId
from tests.breakages import DEFAULT, EVERY, Failover, breaks
from tests.complying import healthy_document
from tests.stack import Stack


def endpoint(s: Stack, name: str) -> str:
    return str(s.ids["endpoints"][name]["id"])


def peer(s: Stack, appliance: str, at: str) -> str:
    return str(s.ids["peers"][appliance][at])


def delete_peer(s: Stack, appliance: str, at: str) -> None:
    s.lab.client().delete_route_server_peer(RouteServerPeerId=peer(s, appliance, at))
    s.clock.sleep(10)


def create_peer(s: Stack, endpoint_id: str, address: str, asn: int, liveness: str = "bfd") -> str:
    """Creates a peer and waits until a session can be up."""
    created = s.lab.client().create_route_server_peer(
        RouteServerEndpointId=endpoint_id,
        PeerAddress=address,
        BgpOptions={"PeerAsn": asn, "PeerLivenessDetection": liveness},
    )
    s.clock.sleep(10)
    return str(created["RouteServerPeer"]["RouteServerPeerId"])


def create_endpoint(s: Stack, subnet: str) -> str:
    """Creates an endpoint in a subnet of the world and waits until it is available."""
    created = s.lab.client().create_route_server_endpoint(
        RouteServerId=s.ids["route_server_id"], SubnetId=s.ids["subnets"][subnet]
    )
    s.clock.sleep(10)
    return str(created["RouteServerEndpoint"]["RouteServerEndpointId"])


def asn_of(appliance: str) -> int:
    return AMAZON_SIDE_ASN + int(appliance[-1])


@breaks(RuleId.ENDPOINT_LOSS_SURVIVED, RuleId.SESSIONS_UP)
def a_session_of_the_standby_goes_down(s: Stack) -> Iterable[str]:
    """BGP goes down in one of the standby's two sessions."""
    s.levers.session("fw2", endpoint(s, "az2-b"), "down")
    return ["fw2", "fw2"]


@breaks(RuleId.PEER_EXISTS, RuleId.ENDPOINT_LOSS_SURVIVED, RuleId.ENDPOINT_IN_USE)
def the_standby_loses_a_peer(s: Stack) -> Iterable[str]:
    """Somebody deletes one of the standby's two peers."""
    delete_peer(s, "fw2", "az2-b")
    return ["fw2 az2-b", "fw2", endpoint(s, "az2-b")]


@breaks(RuleId.ENDPOINTS_AND_PEERS_AVAILABLE, RuleId.ENDPOINT_LOSS_SURVIVED)
def an_endpoint_fails(s: Stack) -> Iterable[str]:
    """AWS shows an endpoint of the standby as failed."""
    failed = endpoint(s, "az2-b")
    s.levers.resource(failed, "failed", "an internal error")
    return [failed, "fw2"]


@breaks(RuleId.ENDPOINTS_AND_PEERS_AVAILABLE, RuleId.ENDPOINT_LOSS_SURVIVED)
def a_peer_fails(s: Stack) -> Iterable[str]:
    """AWS shows a peer of the standby as failed."""
    failed = peer(s, "fw2", "az2-b")
    s.levers.resource(failed, "failed", "an internal error")
    return [failed, "fw2"]


@breaks(RuleId.ENDPOINTS_REDUNDANT, RuleId.ENDPOINT_IN_USE)
def an_endpoint_stands_alone(s: Stack) -> Iterable[str]:
    """Somebody creates a single endpoint in a third subnet."""
    created = create_endpoint(s, "protected1")
    return [s.ids["subnets"]["protected1"], created]


@breaks(RuleId.ENDPOINTS_REDUNDANT)
def every_endpoint_is_in_one_zone(s: Stack) -> Iterable[str]:
    """Somebody replaces the endpoints of the second zone by sessions with those of the first."""
    for letter in ("a", "b"):
        delete_peer(s, "fw2", f"az2-{letter}")
        s.lab.client().delete_route_server_endpoint(RouteServerEndpointId=endpoint(s, f"az2-{letter}"))
        create_peer(s, endpoint(s, f"az1-{letter}"), s.ids["peer_addresses"]["fw2"], asn_of("fw2"))
    return [s.ids["route_server_id"]]


@breaks(RuleId.LIVENESS_WITHIN_RTO, RuleId.PEER_AS_DECLARED)
def a_peer_without_bfd(s: Stack) -> Iterable[str]:
    """Somebody creates a peer of the standby anew and forgets BFD, which is not the default."""
    delete_peer(s, "fw2", "az2-b")
    address, at = s.ids["peer_addresses"]["fw2"], endpoint(s, "az2-b")
    return ["internet-edge fw2", create_peer(s, at, address, asn_of("fw2"), "bgp-keepalive")]


@breaks(RuleId.SESSIONS_STEADY)
def a_session_flaps(s: Stack) -> Iterable[str]:
    """A session of the standby goes down and comes back three times within an hour."""
    at = endpoint(s, "az2-b")
    for _ in range(3):
        s.levers.session("fw2", at, "down")
        s.clock.sleep(60)
        s.levers.session("fw2", at, "up")
        s.clock.sleep(60)
    s.sweep()
    s.watch()
    return [peer(s, "fw2", "az2-b")]


@breaks(RuleId.PEER_ASN_OF_ITS_OWN, RuleId.ENDPOINT_LOSS_SURVIVED)
def a_peer_has_the_route_servers_asn(s: Stack) -> Iterable[str]:
    """Somebody creates a peer of the standby anew with the route server's ASN."""
    delete_peer(s, "fw2", "az2-b")
    lab = s.lab.lab
    lab.behaviour = replace(lab.behaviour, peers_with_amazon_asn=True)
    created = create_peer(s, endpoint(s, "az2-b"), s.ids["peer_addresses"]["fw2"], AMAZON_SIDE_ASN)
    return [created, "fw2"]


@breaks(
    RuleId.NO_PERSISTED_ROUTE,
    RuleId.ENDPOINT_LOSS_SURVIVED,
    RuleId.ENDPOINT_LOSS_SURVIVED,
    RuleId.STANDBY_ADVERTISES,
    RuleId.NO_FOREIGN_CHANGE,
    then=Failover.HELD,
    stay=EVERY,
)
def all_sessions_end_and_the_routes_stay(s: Stack) -> Iterable[str]:
    """All sessions end, the active one's first, and persistence, as declared, keeps the last routes."""
    document = healthy_document(s.ids)
    document["route_server"] |= {"persist_routes": 1}
    s.store(**document)
    _persist(s)
    for appliance, peers in s.ids["peers"].items():
        for name in peers:
            s.levers.session(appliance, endpoint(s, name), "down")
    return [DEFAULT, "fw1", "fw2", f"fw1 {DEFAULT}", s.ids["route_server_id"]]


def _persist(s: Stack) -> None:
    s.lab.client().modify_route_server(
        RouteServerId=s.ids["route_server_id"], PersistRoutes="enable", PersistRoutesDuration=1
    )
    s.clock.sleep(10)
