"""Ways to come near AWS's limits, and to pay for nothing."""

from __future__ import annotations

from collections.abc import Iterable

from tandem.reasons.compliance import RuleId
from tests.breakages import DEFAULT, breaks, propagate_from_gateway
from tests.breakages_sessions import asn_of, create_endpoint, endpoint, peer
from tests.stack import Stack


def add_peers(s: Stack, appliance: str, at: Iterable[str], addresses: Iterable[str]) -> None:
    """Creates further peers of an appliance, all at once."""
    places = list(at)
    for address in addresses:
        for name in places:
            s.lab.client().create_route_server_peer(
                RouteServerEndpointId=endpoint(s, name),
                PeerAddress=address,
                BgpOptions={"PeerAsn": asn_of(appliance), "PeerLivenessDetection": "bfd"},
            )


@breaks(*[RuleId.ROUTES_WITHIN_LIMITS] * 4)
def an_appliance_advertises_eighty_routes(s: Stack) -> Iterable[str]:
    """The standby advertises 80 routes, at each of its peers; all of them are chosen and propagated."""
    for number in range(80):
        s.levers.advertise("fw2", f"172.16.{number}.0/24")
    peers = [peer(s, "fw2", name) for name in ("az2-a", "az2-b")]
    return [*peers, s.ids["route_server_id"], s.ids["route_tables"]["protected"]]


@breaks(RuleId.ROUTES_WITHIN_LIMITS)
def two_gateways_propagate_eighty_routes(s: Stack) -> Iterable[str]:
    """A virtual private gateway propagates 79 routes beside the one of the route server."""
    return [propagate_from_gateway(s, *(f"172.16.{number}.0/24" for number in range(79)))]


@breaks(RuleId.PEERS_OF_PREFIX_WITHIN_LIMIT)
def twenty_six_peers_advertise_a_prefix(s: Stack) -> Iterable[str]:
    """The appliances peer from their other addresses too, until 26 peers advertise the default route."""
    of = [address["targets"] for address in s.ids["elastic_ips"].values()]
    add_peers(s, "fw1", s.ids["endpoints"], [targets["fw1"] for targets in of])
    add_peers(s, "fw2", ("az2-a", "az2-b"), [targets["fw2"] for targets in of[:3]])
    return [DEFAULT]


@breaks(RuleId.WITHIN_QUOTAS, *[RuleId.ENDPOINT_IN_USE] * 4)
def the_route_server_has_eight_endpoints(s: Stack) -> Iterable[str]:
    """Somebody creates four more endpoints and no peer at any of them."""
    subnets = ("protected1", "protected1", "protected2", "protected2")
    return [s.ids["route_server_id"], *(create_endpoint(s, subnet) for subnet in subnets)]


@breaks(RuleId.WITHIN_QUOTAS)
def an_endpoint_has_sixteen_peers(s: Stack) -> Iterable[str]:
    """Somebody creates 15 more peers at one endpoint, for appliances that are still to come."""
    add_peers(s, "fw3", ["az1-a"], [f"10.0.1.{100 + number}" for number in range(15)])
    return [endpoint(s, "az1-a")]
