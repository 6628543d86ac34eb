"""Calls EC2's reads of what is around an appliance, for provisioning, validation and discovery.

As in `ec2reads`, each operation has one place, and a function returns what could be read and what could not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from tandem.adapters import filterrows, vpcrows
from tandem.adapters.ec2reads import PAGE, Filters, all_pages, answer_about, inside, list_in, of_server
from tandem.adapters.rows import Kind, Rows, read_rows
from tandem.compliance.packetfilters import NetworkAcl, SecurityGroup
from tandem.errors import RefusedError
from tandem.model import RouteServer
from tandem.tags import OWNER_TAG
from tandem.topology.inventory import Endpoint, RegionWithoutRouteServerError, RouteTable, Subnet

_T = TypeVar("_T")

_UNKNOWN_ACTION = frozenset({"InvalidAction", "UnsupportedOperation"})

_NONE_THERE = frozenset({"InvalidRouteServerId.NotAssociated", "InvalidRouteServerId.NotPropagated"})
"""AWS answers with one of these errors instead of an empty list of associations or propagations."""


def route_servers() -> Rows[RouteServer]:
    """Returns all route servers, deleted ones too: AWS refuses filters by ID.

    Raises RegionWithoutRouteServerError as well.
    """
    try:
        return all_pages("describe_route_servers", "RouteServers", vpcrows.SERVER)
    except RefusedError as error:
        if error.code in _UNKNOWN_ACTION:
            unavailable = f"Amazon VPC Route Server is not available in this Region (EC2: {error.code})"
            raise RegionWithoutRouteServerError(unavailable) from error
        raise


def endpoints(route_server_id: str) -> Rows[Endpoint]:
    """Returns the route server's endpoints in any state, deleted ones too."""
    return of_server(
        "describe_route_server_endpoints", "RouteServerEndpoints", vpcrows.ENDPOINT, route_server_id
    )


def associations(route_server_id: str) -> Rows[tuple[str, str]]:
    """Returns VPC and state of each association."""
    return _hanging(
        "get_route_server_associations", "RouteServerAssociations", vpcrows.ASSOCIATION, route_server_id
    )


def propagations(route_server_id: str) -> Rows[tuple[str, str]]:
    """Returns route table and state of each propagation."""
    return _hanging(
        "get_route_server_propagations", "RouteServerPropagations", vpcrows.PROPAGATION, route_server_id
    )


def route_tables(vpc_ids: Iterable[str]) -> Rows[RouteTable]:
    return all_pages("describe_route_tables", "RouteTables", vpcrows.ROUTE_TABLE, {"vpc-id": vpc_ids})


def subnets(values: Iterable[str], by: str = "subnet-id") -> Rows[Subnet]:
    """Returns the subnets that match one of the values of a filter."""
    return all_pages("describe_subnets", "Subnets", vpcrows.SUBNET, {by: values})


def network_acls(vpc_ids: Iterable[str]) -> Rows[NetworkAcl]:
    return all_pages("describe_network_acls", "NetworkAcls", filterrows.ACL, {"vpc-id": vpc_ids}, page=PAGE)


def security_groups(group_ids: Iterable[str]) -> Rows[SecurityGroup]:
    asked: Filters = {"group-id": group_ids}
    return all_pages("describe_security_groups", "SecurityGroups", filterrows.GROUP, asked, page=PAGE)


def prefix_list(prefix_list_id: str) -> Rows[str]:
    """Returns the prefixes of a managed prefix list."""
    asked = {"PrefixListId": prefix_list_id}
    kind = filterrows.ENTRY
    return inside("get_managed_prefix_list_entries", "Entries", kind, prefix_list_id, asked)


def consents(resource_ids: Iterable[str]) -> dict[str, str | None]:
    """Returns the owner's tag on each resource, None where it has none. What cannot be read is left out: a
    boundary may refuse DescribeTags, and IAM judges by the tags all the same.
    """
    asked = list(dict.fromkeys(resource_ids))
    wanted: Filters = {"resource-id": asked, "key": [OWNER_TAG]}
    try:
        rows = all_pages("describe_tags", "Tags", vpcrows.TAG, wanted, page=PAGE)
    except RefusedError:
        return {}
    found = dict(rows.found)
    unread = rows.unknown(asked, found)
    return {resource_id: found.get(resource_id) for resource_id in asked if resource_id not in unread}


def border_groups(zones: Iterable[str]) -> Rows[tuple[str, str | None]]:
    """Returns the zones with their network border groups."""
    return all_pages("describe_availability_zones", "AvailabilityZones", vpcrows.ZONE, {"zone-name": zones})


def vpc_prefixes(vpc_ids: Iterable[str]) -> Rows[tuple[str, ...]]:
    """Returns the address blocks of each VPC."""
    return all_pages("describe_vpcs", "Vpcs", vpcrows.VPC, {"vpc-id": vpc_ids})


def _hanging(operation: str, members: str, kind: Kind[_T], route_server_id: str) -> Rows[_T]:
    try:
        page = answer_about(operation, route_server_id)
    except RefusedError as error:
        if error.code in _NONE_THERE:
            return Rows()
        raise
    return read_rows(list_in(page, members, operation), kind)
