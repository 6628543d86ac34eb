"""From the FIB into route tables: what is installed where, and why not (docs/aws-facts.md#rib-and-fib,
docs/aws-facts.md#route-tables)."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from lab.ec2.best_path import Path
from lab.ec2.entities import Installation, RouteServer, State
from lab.ec2.route_tables import AdvertisedRoute, LabRouteTable
from lab.ec2.timings import Rejection

if TYPE_CHECKING:
    from lab.ec2.interfaces import LabInterface
    from lab.ec2.region import Region

_IN_FORCE = {State.AVAILABLE, State.DELETING}


def install(region: Region, server: RouteServer) -> None:
    """Make every propagated route table show this FIB. Safe to repeat: the outcome depends on the present
    only."""
    server.installations = {prefix: [] for prefix in server.fib}
    interfaces = region.interfaces_by_address(server.vpc_id) if server.vpc_id and server.fib else {}
    for table in region.backend.lab_route_tables():
        _clear(table, server.id)
        if server.propagations.get(table.id) not in _IN_FORCE:
            continue
        for path in server.fib.values():
            interface = interfaces.get(str(ipaddress.ip_address(path.next_hop)))
            rejection = _rejection(region, table, server, path, interface)
            if rejection is None and interface is not None:
                table.advertised[path.prefix] = AdvertisedRoute(  # type: ignore[abstract]
                    table, path.prefix, interface, path.next_hop, server.id
                )
            reason = region.lab.behaviour.reasons[rejection] if rejection else None
            server.installations[path.prefix].append(Installation(table.id, rejection is None, reason))


def install_all(region: Region) -> None:
    """After a change beside Route Server: a static route, an interface, a table's association."""
    for server in region.route_servers.values():
        if server.fib or server.installations:
            install(region, server)


def _clear(table: LabRouteTable, server_id: str) -> None:
    table.advertised = {
        prefix: route for prefix, route in table.advertised.items() if route.server_id != server_id
    }


def _rejection(
    region: Region, table: LabRouteTable, server: RouteServer, path: Path, interface: LabInterface | None
) -> Rejection | None:
    if table.has_vpn_gateway():
        return Rejection.UNSUPPORTED_TABLE
    gateway = table.has_internet_gateway()
    if gateway and path.prefix not in _gateway_destinations(region, table.vpc_id):
        return Rejection.GATEWAY_DESTINATION
    # In a gateway table a route for the whole VPC replaces the target of the local route
    # (docs/aws-facts.md#gateway-route-tables); elsewhere, and for every other static route of the same
    # prefix, static beats propagated.
    if table.has_static(path.prefix, but_local=gateway):
        return Rejection.STATIC_ROUTE
    if interface is None:
        return Rejection.NEXT_HOP
    holder = table.advertised.get(path.prefix)
    if holder is not None and holder.server_id != server.id:
        return Rejection.OTHER_ROUTE_SERVER
    return None


def _gateway_destinations(region: Region, vpc_id: str) -> set[str]:
    """The whole VPC or a whole subnet. BYOIP pools are not emulated
    (docs/aws-facts.md#gateway-route-tables)."""
    vpc = region.backend.get_vpc(vpc_id)
    blocks = [
        association["cidr_block"]
        for ipv6 in (False, True)
        for association in vpc.get_cidr_block_association_set(ipv6=ipv6)
    ]
    for by_zone in region.backend.subnets.values():
        for subnet in by_zone.values():
            if subnet.vpc_id == vpc_id:
                blocks.append(subnet.cidr_block)
                blocks += [item["ipv6CidrBlock"] for item in subnet.ipv6_cidr_block_associations.values()]
    return {str(ipaddress.ip_network(block)) for block in blocks}
