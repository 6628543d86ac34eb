"""VPCs, subnets, gateways and route tables over the wire: what moto lets pass or gives in one piece."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult

from lab.ec2.dispatch import DispatchedResponse
from lab.ec2.errors import in_use
from lab.ec2.paging import page
from lab.ec2.timings import DeletedTable

# The most that a page may hold, of each list that moto gives in one piece, as botocore's model has it.
_PAGES = {"InternetGateways": 1000, "RouteTables": 100, "Subnets": 1000, "Tags": 1000, "Vpcs": 1000}


class NetworkActions(DispatchedResponse):
    """DependencyViolation where something would lose what it stands on
    (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html)."""

    def _paged(self, answer: ActionResult) -> ActionResult:
        result: Any = answer.result
        (key,) = result
        shown, token = page(result[key], self.params, most=_PAGES[key])
        return ActionResult({key: shown, "NextToken": token})

    def describe_internet_gateways(self) -> ActionResult:
        return self._paged(super().describe_internet_gateways())

    def describe_route_tables(self) -> ActionResult:
        return self._paged(super().describe_route_tables())

    def describe_subnets(self) -> ActionResult:
        return self._paged(super().describe_subnets())

    def describe_tags(self) -> ActionResult:
        return self._paged(super().describe_tags())

    def describe_vpcs(self) -> ActionResult:
        return self._paged(super().describe_vpcs())

    def delete_subnet(self) -> ActionResult:
        subnet_id, backend = self.required("SubnetId"), self.region_state.backend
        if any(interface.subnet_id == subnet_id for interface in backend.interfaces()):
            raise in_use("subnet", subnet_id)
        return super().delete_subnet()

    def delete_vpc(self) -> ActionResult:
        """ "You must detach or delete all gateways and resources that are associated with the VPC"
        (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpc.html); moto looks for subnets,
        route tables and VPN gateways."""
        vpc_id, region = self.required("VpcId"), self.region_state
        gateways = region.backend.internet_gateways.values()
        attached = any(getattr(gateway.vpc, "id", None) == vpc_id for gateway in gateways)
        if attached or any(server.vpc_id == vpc_id for server in region.route_servers.values()):
            raise in_use("vpc", vpc_id)
        return super().delete_vpc()

    def detach_internet_gateway(self) -> ActionResult:
        """ "The VPC must not contain any running instances with Elastic IP addresses or public IPv4
        addresses" (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachInternetGateway.html)."""
        vpc_id, backend = self.required("VpcId"), self.region_state.backend
        gateway = backend.get_internet_gateway(self.required("InternetGatewayId"))
        mapped = (
            interface.association_of(ip)
            for interface in backend.interfaces()
            if interface.vpc_id == vpc_id and interface.instance and interface.instance.is_running()
            for ip in interface.private_ips()
        )
        if getattr(gateway.vpc, "id", None) == vpc_id and any(mapped):
            raise in_use("vpc", vpc_id)
        return super().detach_internet_gateway()

    def delete_route_table(self) -> ActionResult:
        """ "You can't delete the main route table"
        (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteRouteTable.html)."""
        region, table_id = self.region_state, self.required("RouteTableId")
        propagating = [s for s in region.route_servers.values() if table_id in s.propagations]
        refused = propagating and region.lab.behaviour.deleted_table is DeletedTable.REFUSED
        if refused or region.backend.get_route_table(table_id).main_association_id:
            raise in_use("routeTable", table_id)
        answer = super().delete_route_table()
        if region.lab.behaviour.deleted_table is DeletedTable.ENDS:
            for server in propagating:
                del server.propagations[table_id]
        return answer
