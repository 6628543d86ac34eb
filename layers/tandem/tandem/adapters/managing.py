"""Route Server as the provisioner manages it: one reading for the plan, and one call for each of its steps.

Calls go out once: CreateRouteServerPeer has no client token (docs/aws-facts.md#client-tokens), so the SDK may
not repeat it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial, singledispatch
from typing import TYPE_CHECKING, Any, Literal

from tandem.adapters import clients, ec2, ec2reads, vpcreads
from tandem.adapters.calls import called
from tandem.errors import ConfigurationError, TemporaryError
from tandem.model import Route
from tandem.provisioning.managed import DELETED, ROUTE_SERVER, Desired, Observed, Tags, server_of
from tandem.provisioning.managesteps import (
    Action,
    AssociateVpc,
    CreateEndpoint,
    CreatePeer,
    CreateRouteServer,
    DeleteEndpoint,
    DeletePeer,
    DeleteRouteServer,
    DisablePropagation,
    DisableSourceDestCheck,
    DisassociateVpc,
    EnablePropagation,
    ModifyRouteServer,
    SetTags,
)
from tandem.topology.consent import networks

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import TagSpecificationTypeDef, TagTypeDef

_Taggable = Literal["route-server", "route-server-endpoint", "route-server-peer"]


def observe(desired: Desired) -> Observed:
    """Returns one reading of everything that the plan asks for.

    Raises RegionWithoutRouteServerError, TemporaryError, ConfigurationError.
    """
    every = vpcreads.route_servers()
    server = server_of(desired, every.found)
    if server is None or server.route_server_id != desired.former.get(ROUTE_SERVER, desired.adopts):
        every.whole()  # else one that cannot be read may be it
    interfaces = {i.network_interface_id: i for i in ec2.appliance_interfaces(desired.topology).whole()}
    instances = ec2reads.instances(desired.topology.instance_ids).whole()
    around = Observed(
        every.found,
        interfaces=interfaces,
        instance_states={i.instance_id: i.state for i in instances},
        consents=vpcreads.consents(resource_id for _, resource_id in networks(desired.topology)),
    )
    if server is None:
        return around
    server_id = server.route_server_id
    peers = tuple(peer for peer in ec2reads.peers(server_id).whole() if peer.state != DELETED)
    return replace(
        around,
        associations=vpcreads.associations(server_id).whole(),
        endpoints=vpcreads.endpoints(server_id).whole(),
        peers=peers,
        propagations=vpcreads.propagations(server_id).whole(),
        routes=_routes(server_id) if peers else (),
    )


def _routes(route_server_id: str) -> tuple[Route, ...] | None:
    """Returns None if the routing database cannot be read, all of it: then no session of anybody is taken
    down.
    """
    try:
        return ec2reads.whole_routing_database(route_server_id).routes
    except (ConfigurationError, TemporaryError):
        return None


def carry_out(action: Action) -> None:
    """Makes the one call of a step. Raises CallFailedError, TemporaryError where it did not answer."""
    called(action.about, partial(_call, action))


@singledispatch
def _call(action: Action) -> None:
    raise TypeError(f"{action} is no call")


@_call.register
def _(action: CreateRouteServer) -> None:
    minutes = action.persist_minutes
    persist: dict[str, Any] = {"PersistRoutes": "disable"}
    if minutes is not None:
        persist = {"PersistRoutes": "enable", "PersistRoutesDuration": minutes}
    clients.ec2_moves().create_route_server(
        AmazonSideAsn=action.asn,
        ClientToken=action.token,
        SnsNotificationsEnabled=action.notifies,
        TagSpecifications=[_tagged("route-server", action.tags)],
        **persist,
    )


@_call.register
def _(action: ModifyRouteServer) -> None:
    changed: dict[str, Any] = {
        "PersistRoutes": action.persist,
        "PersistRoutesDuration": action.persist_minutes,
        "SnsNotificationsEnabled": action.notifies,
    }
    given = {name: value for name, value in changed.items() if value is not None}
    clients.ec2_moves().modify_route_server(RouteServerId=action.about, **given)


@_call.register
def _(action: DeleteRouteServer) -> None:
    clients.ec2_moves().delete_route_server(RouteServerId=action.about)


@_call.register
def _(action: AssociateVpc) -> None:
    clients.ec2_moves().associate_route_server(RouteServerId=action.route_server_id, VpcId=action.about)


@_call.register
def _(action: DisassociateVpc) -> None:
    clients.ec2_moves().disassociate_route_server(RouteServerId=action.route_server_id, VpcId=action.about)


@_call.register
def _(action: CreateEndpoint) -> None:
    clients.ec2_moves().create_route_server_endpoint(
        RouteServerId=action.route_server_id,
        SubnetId=action.subnet_id,
        ClientToken=action.token,
        TagSpecifications=[_tagged("route-server-endpoint", action.tags)],
    )


@_call.register
def _(action: DeleteEndpoint) -> None:
    clients.ec2_moves().delete_route_server_endpoint(RouteServerEndpointId=action.about)


@_call.register
def _(action: EnablePropagation) -> None:
    clients.ec2_moves().enable_route_server_propagation(
        RouteServerId=action.route_server_id, RouteTableId=action.about
    )


@_call.register
def _(action: DisablePropagation) -> None:
    clients.ec2_moves().disable_route_server_propagation(
        RouteServerId=action.route_server_id, RouteTableId=action.about
    )


@_call.register
def _(action: CreatePeer) -> None:
    clients.ec2_moves().create_route_server_peer(
        RouteServerEndpointId=action.endpoint_id,
        PeerAddress=action.address,
        BgpOptions={"PeerAsn": action.asn, "PeerLivenessDetection": action.liveness.value},
        TagSpecifications=[_tagged("route-server-peer", action.tags)],
    )


@_call.register
def _(action: DeletePeer) -> None:
    clients.ec2_moves().delete_route_server_peer(RouteServerPeerId=action.about)


@_call.register
def _(action: DisableSourceDestCheck) -> None:
    clients.ec2_moves().modify_network_interface_attribute(
        NetworkInterfaceId=action.about, SourceDestCheck={"Value": False}
    )


@_call.register
def _(action: SetTags) -> None:
    clients.ec2_moves().create_tags(Resources=[action.about], Tags=_tags(action.tags))


def _tagged(kind: _Taggable, tags: Tags) -> TagSpecificationTypeDef:
    return {"ResourceType": kind, "Tags": _tags(tags)}


def _tags(tags: Iterable[tuple[str, str]]) -> list[TagTypeDef]:
    return [{"Key": key, "Value": value} for key, value in tags]
