"""Endpoints, peers and propagations: the control plane under a route server (docs/aws-facts.md#operations,
docs/aws-facts.md#creation-order, docs/aws-facts.md#quotas)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.utils import random_id

from lab.ec2 import installation, routing, sessions
from lab.ec2.entities import Endpoint, Liveness, Peer, RouteServer, State
from lab.ec2.errors import (
    UnknownAwsBehaviour,
    fail,
    incorrect_state,
    invalid_parameter,
    limit_exceeded,
    not_propagated,
    one_of,
)
from lab.ec2.interfaces import LabInterface
from lab.ec2.route_servers import check_asn, require_associated, require_available
from lab.ec2.timings import DeletedTable

if TYPE_CHECKING:
    from lab.ec2.region import Region

# AWS's quotas (docs/aws-facts.md#quotas)
PER_ROUTE_SERVER = 10
PER_SUBNET = 2
PEERS_PER_INTERFACE = 20


def create_endpoint(region: Region, server: RouteServer, subnet_id: str) -> Endpoint:
    """The interface exists at once; ID and address show when the endpoint is available (User Guide:
    route-server-tutorial-create-endpoints)."""
    require_available(server)
    vpc_id = require_associated(server)
    subnet = region.backend.get_subnet(subnet_id)
    if subnet.vpc_id != vpc_id:
        raise UnknownAwsBehaviour(f"{subnet_id} is not in {vpc_id}; AWS's error code for that is not known")
    siblings = [other for other in region.endpoints_of(server.id) if other.state is not State.DELETED]
    if len(siblings) >= PER_ROUTE_SERVER:
        raise limit_exceeded("RouteServerEndpoint", f"{server.id} has {PER_ROUTE_SERVER} endpoints already.")
    if sum(other.subnet_id == subnet_id for other in siblings) >= PER_SUBNET:
        raise limit_exceeded(
            "RouteServerEndpoint", f"{server.id} has {PER_SUBNET} endpoints in {subnet_id} already."
        )
    interface = _endpoint_interface(region, subnet)
    endpoint = Endpoint(
        random_id("rse"), server.id, subnet_id, vpc_id, interface.id, str(interface.private_ip_address)
    )
    interface.description = f"Route Server Endpoint {endpoint.id}"
    region.endpoints[endpoint.id] = endpoint

    def arrive() -> None:
        if endpoint.state is State.PENDING:
            endpoint.state = State.AVAILABLE

    region.after(region.lab.timings.endpoint_s, arrive)
    return endpoint


def _endpoint_interface(region: Region, subnet: Any) -> LabInterface:
    group = region.backend.create_security_group(
        f"RouteServerEndpoint-{random_id('rse')}", "Created by Route Server", vpc_id=subnet.vpc_id, force=True
    )
    address = region.backend.free_address(subnet)
    interface = region.backend.create_network_interface(subnet, address, group_ids=[group.id])
    if not isinstance(interface, LabInterface):
        raise TypeError(f"{interface!r} was not made by the lab's EC2")
    interface.requester_managed = True
    interface.status = "in-use"
    return interface


def delete_endpoint(region: Region, endpoint: Endpoint) -> Endpoint:
    if endpoint.state not in {State.AVAILABLE, State.FAILED, State.DELETE_FAILED}:
        raise incorrect_state(f"Route Server Endpoint {endpoint.id} is in an invalid state.")
    for peer in region.peers_at(endpoint.id):
        if peer.blocks:
            raise incorrect_state(f"Route Server Endpoint has non-deleted Route Server Peer: {peer.id}")
    endpoint.state = State.DELETING

    def arrive() -> None:
        if endpoint.state is not State.DELETING:
            return
        groups = [group.id for group in region.backend.get_network_interface(endpoint.eni_id).group_set]
        region.backend.delete_network_interface(endpoint.eni_id)
        for group_id in groups:
            region.backend.delete_security_group(group_id=group_id)
        region.finish_deletion(endpoint, region.endpoints)

    region.after(region.lab.timings.delete_s, arrive)
    return endpoint


def create_peer(
    region: Region, endpoint: Endpoint, *, address: str, asn: int | None, liveness: str | None
) -> Peer:
    """Available long before, and whether or not, a session comes up (docs/aws-facts.md#peer-state). IPv4 only
    (docs/aws-facts.md#peer-address)."""
    if endpoint.state is not State.AVAILABLE:
        raise incorrect_state(f"Route Server Endpoint {endpoint.id} is in an invalid state.")
    _check_peer(region, endpoint, address)
    asn = check_asn("BgpOptions.PeerAsn", asn)
    one_of("BgpOptions.PeerLivenessDetection", liveness, list(Liveness))
    server = region.route_servers[endpoint.route_server_id]
    if asn == server.asn and not region.lab.behaviour.peers_with_amazon_asn:
        raise UnknownAwsBehaviour(f"peer ASN {asn} equals the Amazon side's; what AWS does is not known")
    peer = Peer(
        random_id("rsp"),
        endpoint.id,
        server.id,
        endpoint.subnet_id,
        endpoint.vpc_id,
        endpoint.eni_id,
        endpoint.address,
        address,
        asn,
        Liveness(liveness or Liveness.KEEPALIVE),
    )
    region.peers[peer.id] = peer
    for permission in _permissions(region, peer):
        with suppress(EC2ClientError):  # a second peer of the same address
            region.backend.authorize_security_group_ingress(**permission)

    def arrive() -> None:
        if peer.state is State.PENDING:
            peer.state = State.AVAILABLE
        sessions.evaluate(region)

    region.after(region.lab.timings.peer_s, arrive)
    return peer


def _permissions(region: Region, peer: Peer) -> Iterator[dict[str, Any]]:
    """What the endpoint's security group gets with a peer, and loses with it. AWS documents the permissions
    that this takes, and not the rules (docs/aws-facts.md#endpoint-security-group)."""
    protocols = [("tcp", 179), *([("udp", 3784)] if peer.liveness is Liveness.BFD else [])]
    for group in region.backend.get_network_interface(peer.endpoint_eni_id).group_set:
        for protocol, port in protocols:
            yield {
                "group_name_or_id": group.id,
                "ip_protocol": protocol,
                "from_port": port,
                "to_port": port,
                "ip_ranges": [{"CidrIp": f"{peer.address}/32"}],
            }


def _check_peer(region: Region, endpoint: Endpoint, address: str) -> None:
    try:
        ipaddress.IPv4Address(address)
    except ValueError as error:
        raise invalid_parameter(
            f"Value ({address}) for parameter PeerAddress is invalid. Give an IPv4 address."
        ) from error
    others = [peer for peer in region.peers.values() if peer.state is not State.DELETED]
    at_endpoint = [peer for peer in others if peer.endpoint_id == endpoint.id]
    if any(peer.address == address for peer in at_endpoint) and not region.lab.behaviour.duplicate_peers:
        raise UnknownAwsBehaviour(
            f"{endpoint.id} has a peer with address {address} already; what AWS does is not known. "
            "Behaviour(duplicate_peers=True) makes a second one"
        )
    at_address = [peer for peer in others if peer.vpc_id == endpoint.vpc_id and peer.address == address]
    if max(len(at_endpoint), len(at_address)) >= PEERS_PER_INTERFACE:
        raise limit_exceeded(
            "RouteServerPeer",
            f"The network interface has {PEERS_PER_INTERFACE} peering sessions already.",
        )


def delete_peer(region: Region, peer: Peer) -> Peer:
    if peer.state not in {State.AVAILABLE, State.FAILED}:
        raise incorrect_state(f"Route Server Peer {peer.id} is in an invalid state.")
    peer.state = State.DELETING
    for permission in _permissions(region, peer):
        with suppress(EC2ClientError):  # somebody may have revoked it already
            region.backend.revoke_security_group_ingress(**permission)
    for event in (peer.dialing, peer.silence):
        if event is not None:
            event.cancel()
    peer.dialing = peer.silence = None
    sessions.close(region, peer, (sessions.BGP, sessions.BFD))
    routing.drop_peer(region, peer)
    region.after(region.lab.timings.delete_s, lambda: region.finish_deletion(peer, region.peers))
    return peer


def enable_propagation(region: Region, server: RouteServer, route_table_id: str) -> State:
    require_available(server)
    vpc_id = require_associated(server)
    table = region.backend.get_route_table(route_table_id)
    if table.vpc_id != vpc_id:
        raise UnknownAwsBehaviour(
            f"{route_table_id} is not in {vpc_id}; AWS's error code for that is not known"
        )
    if route_table_id in server.propagations:
        raise UnknownAwsBehaviour(
            f"{server.id} propagates to {route_table_id} already; what AWS does is not known"
        )
    server.propagations[route_table_id] = State.PENDING

    def arrive() -> None:
        if server.propagations.get(route_table_id) is State.PENDING:
            server.propagations[route_table_id] = State.AVAILABLE
            installation.install(region, server)

    region.after(region.lab.timings.propagation_s, arrive)
    return State.PENDING


def disable_propagation(region: Region, server: RouteServer, route_table_id: str) -> State:
    """Its end state has no name: the entry vanishes (docs/aws-facts.md#states). Where a propagation outlives
    its table (`Behaviour.deleted_table`), this is how it ends."""
    state = server.propagations.get(route_table_id)
    if state is None or region.lab.behaviour.deleted_table in (DeletedTable.FORGETS, DeletedTable.HOLDS):
        region.backend.get_route_table(route_table_id)
    if state is None:
        raise not_propagated(server.id, route_table_id)
    if state is not State.AVAILABLE:
        raise incorrect_state(f"The propagation of {server.id} to {route_table_id} is {state}.")
    server.propagations[route_table_id] = State.DELETING

    def arrive() -> None:
        server.propagations.pop(route_table_id, None)
        installation.install(region, server)

    region.after(region.lab.timings.delete_s, arrive)
    return State.DELETING


def with_client_token(
    region: Region, action: str, token: str | None, request: object, made: str | None = None
) -> str | None:
    """The ID made under this token before; remember ``made``. Another request under the same token is refused
    (docs/aws-facts.md#client-tokens)."""
    if not token:
        return None
    if len(token) > 64 or not token.isascii():
        raise invalid_parameter("Parameter ClientToken is invalid. Give up to 64 ASCII characters.")
    if made is not None:
        region.client_tokens[action, token] = (request, made)
        return made
    known = region.client_tokens.get((action, token))
    if known is None:
        return None
    if known[0] != request:
        raise fail(
            "IdempotentParameterMismatch",
            "The request uses the same client token as a previous, but non-identical request.",
        )
    return known[1]
