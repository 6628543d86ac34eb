"""Route tables that Route Server writes to, on top of moto's."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from moto.ec2.models.internet_gateways import InternetGateway
from moto.ec2.models.route_tables import Route, RouteBackend, RouteTable

if TYPE_CHECKING:
    from lab.ec2.interfaces import LabInterface


class AdvertisedRoute(Route):
    """A propagated route: Origin Advertisement, and the next hop in IpAddress
    (docs/aws-facts.md#advertised-routes)."""

    def __init__(
        self, table: RouteTable, prefix: str, interface: LabInterface, next_hop: str, server_id: str
    ) -> None:
        ipv6 = ":" in prefix
        super().__init__(table, None if ipv6 else prefix, prefix if ipv6 else None, interface=interface)
        self.target = interface
        self.ip_address = next_hop
        self.server_id = server_id

    @property
    def origin(self) -> str:
        return "Advertisement"

    @property
    def instance_id(self) -> str | None:
        return self.target.instance.id if self.target.instance else None

    @property
    def state(self) -> str:
        """blackhole: the target is not available; in a gateway table it must be on a running instance
        (docs/aws-facts.md#gateway-route-tables)."""
        instance = self.target.instance
        return "active" if instance is not None and instance.is_running() else "blackhole"


class StaticRoute(Route):
    """A route that somebody made, with its state: moto shows every one as active."""

    @classmethod
    def shown(cls, route: Route) -> StaticRoute:
        own: Any = cls.__new__(cls)
        own.__dict__.update(route.__dict__)
        return cast("StaticRoute", own)

    @property
    def state(self) -> str:
        """blackhole: the target is not available (docs/aws-facts.md#route-states)."""
        if self.interface is not None:
            instance = self.interface.instance
            return "active" if instance is not None and instance.is_running() else "blackhole"
        gateway: Any = self.gateway
        is_detached = isinstance(gateway, InternetGateway) and gateway.vpc is None
        return "blackhole" if is_detached else "active"


class LabRouteTable(RouteTable):
    """Also knows propagated routes, apart from the static ones which moto keeps."""

    advertised: dict[str, AdvertisedRoute]

    @classmethod
    def adopt(cls, table: RouteTable) -> LabRouteTable:
        """Take the place of a table that moto made."""
        own = cls(table.ec2_backend, table.id, table.vpc_id)
        own.__dict__.update(table.__dict__)
        own.advertised = {}
        return own

    @property
    def routes(self) -> list[Route]:
        static = [
            route
            for route in self._routes.values()
            if not (route.local and _destination(route) in self.advertised)
        ]
        return [*map(StaticRoute.shown, static), *self.advertised.values()]

    @property
    def associations(self) -> list[dict[str, Any]]:
        """moto leaves out which virtual private gateway a table is associated with."""
        shown = super().associations
        for item in shown:
            target = self._associations.get(item["RouteTableAssociationId"], "")
            if target.startswith("vgw-"):
                item["GatewayId"] = target
        return shown

    def has_static(self, prefix: str, but_local: bool) -> bool:
        return any(
            _destination(route) == prefix and not (route.local and but_local)
            for route in self._routes.values()
        )

    def has_internet_gateway(self) -> bool:
        return any(target.startswith("igw-") for target in self._associations.values())

    def has_vpn_gateway(self) -> bool:
        return any(target.startswith("vgw-") for target in self._associations.values())

    def get_filter_value(self, filter_name: str, method_name: str | None = None) -> Any:
        """Adds what moto lacks, and what it answers from static routes only."""
        targets = list(self._associations.values())
        extra: dict[str, list[Any]] = {
            "association.gateway-id": [target for target in targets if target.startswith(("igw-", "vgw-"))],
            "association.subnet-id": [target for target in targets if target.startswith("subnet-")],
            "owner-id": [self.owner_id],
            "route.destination-cidr-block": [route.destination_cidr_block for route in self.routes],
            "route.instance-id": [route.instance_id for route in self.routes],
            "route.origin": [route.origin for route in self.routes],
            "route.state": [route.state for route in self.routes],
        }
        if filter_name in extra:
            return [value for value in extra[filter_name] if value]
        return super().get_filter_value(filter_name, method_name)


class LabRouteTables(RouteBackend):
    """Replaces the tables that moto makes by ours."""

    def create_route_table(
        self, vpc_id: str, tags: list[dict[str, str]] | None = None, main: bool = False
    ) -> RouteTable:
        table = super().create_route_table(vpc_id, tags, main)
        self.route_tables[table.id] = own = LabRouteTable.adopt(table)
        return own

    def lab_route_tables(self) -> Sequence[LabRouteTable]:
        return [table for table in self.route_tables.values() if isinstance(table, LabRouteTable)]


def _destination(route: Route) -> str | None:
    block = route.destination_cidr_block or route.destination_ipv6_cidr_block
    return str(ipaddress.ip_network(block, strict=False)) if block else None
