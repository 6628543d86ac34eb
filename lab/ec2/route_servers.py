"""Route servers and their VPC association: the control plane (docs/aws-facts.md#operations,
docs/aws-facts.md#creation-order)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.ec2.utils import random_id

from lab.ec2 import outbox, routing
from lab.ec2.entities import PersistState, RouteServer, State
from lab.ec2.errors import (
    UnknownAwsBehaviour,
    fail,
    incorrect_state,
    invalid_parameter,
    limit_exceeded,
    not_associated,
    one_of,
)
from lab.ec2.timings import DeletedTable

if TYPE_CHECKING:
    from lab.ec2.region import Region

MAX_ASN = 4294967295
PER_VPC = 5  # route servers in a VPC (docs/aws-facts.md#quotas)
PERSIST_ACTIONS = ("enable", "disable", "reset")


def check_asn(name: str, asn: int | None) -> int:
    if asn is None:
        raise fail("MissingParameter", f"The request must contain the parameter {name}")
    if not 1 <= asn <= MAX_ASN:
        raise invalid_parameter(f"Value ({asn}) for parameter {name} is invalid. Give 1 to {MAX_ASN}.")
    return asn


def create(
    region: Region, *, asn: int | None, persist: str | None, minutes: int | None, sns: bool
) -> RouteServer:
    one_of("PersistRoutes", persist, PERSIST_ACTIONS)
    server = RouteServer(random_id("rs"), check_asn("AmazonSideAsn", asn), sns=sns)
    if persist == "reset":
        raise UnknownAwsBehaviour("CreateRouteServer with PersistRoutes=reset: nobody knows what AWS answers")
    if persist == "enable":
        # At once, without enabling: Terraform keeps what the answer says and finds the same later
        # (https://github.com/hashicorp/terraform-provider-aws: TestAccVPCRouteServer_persistRoutes).
        server.persist_minutes = _check_minutes(minutes)
        server.persist = PersistState.ENABLED
    elif minutes is not None:
        raise UnknownAwsBehaviour(
            "CreateRouteServer with PersistRoutesDuration but without PersistRoutes=enable"
        )
    region.route_servers[server.id] = server

    def arrive() -> None:
        server.state = State.AVAILABLE

    region.after(region.lab.timings.route_server_s, arrive)
    if sns:
        outbox.create_topic(region, server.id)
    return server


def _check_minutes(minutes: int | None) -> int:
    """Required when persistence is enabled, 1 to 5 (docs/aws-facts.md#persistence-duration)."""
    if minutes is None:
        raise fail("MissingParameter", "The request must contain the parameter PersistRoutesDuration")
    if not 1 <= minutes <= 5:
        raise invalid_parameter(
            f"Value ({minutes}) for parameter PersistRoutesDuration is invalid. Give 1 to 5."
        )
    return minutes


def modify(
    region: Region, server: RouteServer, *, persist: str | None, minutes: int | None, sns: bool | None
) -> RouteServer:
    require_available(server)
    one_of("PersistRoutes", persist, PERSIST_ACTIONS)
    if persist == "enable":
        minutes = _check_minutes(minutes)
    elif minutes is not None:
        raise UnknownAwsBehaviour(
            "ModifyRouteServer with PersistRoutesDuration but without PersistRoutes=enable"
        )
    if persist == "reset" and server.persist is not PersistState.ENABLED:
        raise UnknownAwsBehaviour(f"{server.id}: PersistRoutes=reset while persistence is {server.persist}")
    if persist == "reset":
        routing.check_reset(region, server)
    server.state = State.MODIFYING
    if persist is not None:
        server.persist = _on_the_way(server, persist)
    if sns is not None and sns != server.sns:
        _switch_notifications(region, server, sns)

    def arrive() -> None:
        server.state = State.AVAILABLE
        if persist is not None:
            _arrive_persist(region, server, persist, minutes)

    region.after(region.lab.timings.modify_s, arrive)
    return server


def _on_the_way(server: RouteServer, persist: str) -> PersistState:
    if persist == "enable":
        already = server.persist is PersistState.ENABLED
        return PersistState.MODIFYING if already else PersistState.ENABLING
    return PersistState.DISABLING if persist == "disable" else PersistState.RESETTING


def _arrive_persist(region: Region, server: RouteServer, persist: str, minutes: int | None) -> None:
    if persist == "enable":
        server.persist, server.persist_minutes = PersistState.ENABLED, minutes
    elif persist == "disable":
        server.persist, server.persist_minutes = PersistState.DISABLED, None
        if server.persisting:
            routing.drop_held(region, server)
    else:
        server.persist = PersistState.ENABLED
        routing.reset(region, server)


def _switch_notifications(region: Region, server: RouteServer, wanted: bool) -> None:
    server.sns = wanted
    if wanted:
        outbox.create_topic(region, server.id)
    elif server.topic_arn:
        outbox.delete_topic(region, server.topic_arn)
        server.topic_arn = None


def require_available(server: RouteServer) -> None:
    if server.state is not State.AVAILABLE:
        raise incorrect_state(f"Route Server {server.id} is in an invalid state.")


def delete(region: Region, server: RouteServer) -> RouteServer:
    """Children first (docs/aws-facts.md#creation-order)."""
    require_available(server)
    if server.association is not None:
        raise incorrect_state(f"Route Server {server.id} is associated with VPC {server.vpc_id}.")
    _refuse_with_endpoints(region, server)
    server.state = State.DELETING

    def arrive() -> None:
        region.finish_deletion(server, region.route_servers)
        if server.topic_arn:
            outbox.delete_topic(region, server.topic_arn)

    region.after(region.lab.timings.delete_s, arrive)
    return server


def _refuse_with_endpoints(region: Region, server: RouteServer) -> None:
    for endpoint in region.endpoints_of(server.id):
        if endpoint.blocks:
            raise incorrect_state(
                f"Route Server {server.id} has non-deleted Route Server Endpoint: {endpoint.id}"
            )


def associate(region: Region, server: RouteServer, vpc_id: str) -> RouteServer:
    """One route server, one VPC (docs/aws-facts.md#quotas)."""
    require_available(server)
    region.backend.get_vpc(vpc_id)
    if server.association is not None:
        raise UnknownAwsBehaviour(
            f"{server.id} is associated with {server.vpc_id} already; what AWS does is not known"
        )
    if sum(other.vpc_id == vpc_id for other in region.route_servers.values()) >= PER_VPC:
        raise limit_exceeded("RouteServer", f"VPC {vpc_id} has {PER_VPC} route servers already.")
    server.vpc_id, server.association = vpc_id, State.ASSOCIATING

    def arrive() -> None:
        if server.association is State.ASSOCIATING:
            server.association = State.ASSOCIATED

    region.after(region.lab.timings.association_s, arrive)
    return server


def disassociate(region: Region, server: RouteServer, vpc_id: str) -> RouteServer:
    """Refused while children exist or are still being deleted (docs/aws-facts.md#route-server-errors)."""
    if server.association is None or server.vpc_id != vpc_id:
        raise not_associated(server.id)
    if server.association is not State.ASSOCIATED:
        raise incorrect_state(f"The association of Route Server {server.id} is {server.association}.")
    _refuse_with_endpoints(region, server)
    forgets = region.lab.behaviour.deleted_table is DeletedTable.FORGETS
    there = region.backend.route_tables
    if holding := [table for table in server.propagations if not forgets or table in there]:
        raise incorrect_state(f"Route Server {server.id} has propagations: {', '.join(holding)}")
    server.association = State.DISASSOCIATING

    def arrive() -> None:
        server.vpc_id = server.association = None

    region.after(region.lab.timings.delete_s, arrive)
    return server


def require_associated(server: RouteServer) -> str:
    """The VPC of an association that is complete; endpoints and propagations need one
    (docs/aws-facts.md#creation-order)."""
    if server.association is None or server.vpc_id is None:
        raise not_associated(server.id)
    if server.association is not State.ASSOCIATED:
        raise incorrect_state(f"The association of Route Server {server.id} is {server.association}.")
    return server.vpc_id
