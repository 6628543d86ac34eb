"""EC2's reads: each operation in one place, asked by lists of IDs, for everybody who reads EC2.

A function returns what could be read and what could not (`Rows`). It raises RefusedError, PassingError, and
TemporaryError where EC2 does not answer, or answers without the list that it was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

from tandem.adapters import clients, ec2rows
from tandem.adapters.calls import called
from tandem.adapters.ec2rows import Instance, Kind, Row, Rows
from tandem.errors import ConfigurationError, RefusedError, TemporaryError
from tandem.inventory import Endpoint, RegionWithoutRouteServerError, RouteTable, Subnet
from tandem.model import ElasticIp, NetworkInterface, Peer, RouteServer, RoutingDatabase
from tandem.tags import OWNER_TAG

T = TypeVar("T")

Filters = dict[str, Iterable[str]]

MOST_VALUES = 200
"""More than this in one filter EC2 is reported to refuse; no page of its reference gives the number."""

PAGE = 1000
"""Routes of a routing database in one answer."""

UNKNOWN_ACTION = frozenset({"InvalidAction", "UnsupportedOperation"})

NONE_THERE = frozenset({"InvalidRouteServerId.NotAssociated", "InvalidRouteServerId.NotPropagated"})
"""No associations, no propagations: AWS answers with an error instead of an empty list (facts §2.1)."""


def route_servers() -> Rows[RouteServer]:
    """All of them, tombstones too: AWS refuses filters by ID (facts §1.4).

    Raises RegionWithoutRouteServerError as well.
    """
    try:
        return _described("describe_route_servers", "RouteServers", ec2rows.SERVER)
    except RefusedError as error:
        if error.code in UNKNOWN_ACTION:
            unavailable = f"Amazon VPC Route Server is not available in this Region (EC2: {error.code})"
            raise RegionWithoutRouteServerError(unavailable) from error
        raise


def endpoints(route_server_id: str) -> Rows[Endpoint]:
    """The route server's endpoints in any state, tombstones too."""
    return _of_server(
        "describe_route_server_endpoints", "RouteServerEndpoints", ec2rows.ENDPOINT, route_server_id
    )


def peers(route_server_id: str) -> Rows[Peer]:
    """The route server's peers in any state, tombstones too."""
    return _of_server("describe_route_server_peers", "RouteServerPeers", ec2rows.PEER, route_server_id)


def routing_database(route_server_id: str) -> RoutingDatabase:
    """All pages; the SDK has no paginator for it (facts §1.4)."""
    rows: list[Row] = []
    more: dict[str, Any] = {"MaxResults": PAGE}
    while True:
        page = _answer("get_route_server_routing_database", route_server_id, more)
        rows += _list(page, "Routes", "GetRouteServerRoutingDatabase")
        if not page.get("NextToken"):
            break
        more["NextToken"] = page["NextToken"]
    found = ec2rows.read(rows, ec2rows.ROUTE)
    return RoutingDatabase(
        routes=found.found,
        persisted=page.get("AreRoutesPersisted") is True,
        unread=tuple(row.words for row in found.unread),
        odd=found.odd,
        doubts=dict(ec2rows.doubts(found.found, found.unread)),
    )


def whole_routing_database(route_server_id: str) -> RoutingDatabase:
    """The same for whoever must not go by a part of it. Raises ConfigurationError where a row is unread."""
    database = routing_database(route_server_id)
    if database.unread:
        raise ConfigurationError(database.unread[0])
    return database


def associations(route_server_id: str) -> Rows[tuple[str, str]]:
    """VPC and state of each association."""
    return _hanging(
        "get_route_server_associations", "RouteServerAssociations", ec2rows.ASSOCIATION, route_server_id
    )


def propagations(route_server_id: str) -> Rows[tuple[str, str]]:
    """Route table and state of each propagation."""
    return _hanging(
        "get_route_server_propagations", "RouteServerPropagations", ec2rows.PROPAGATION, route_server_id
    )


def elastic_ips(by: str, values: Iterable[str]) -> Rows[ElasticIp]:
    """The Elastic IPs of which a filter takes one of the values; a released one is absent."""
    return _described("describe_addresses", "Addresses", ec2rows.ELASTIC_IP, {by: values})


def interfaces(by: str, values: Iterable[str], vpc_id: str | None = None) -> Rows[NetworkInterface]:
    """The interfaces of which a filter takes one of the values, in one VPC or in all of them."""
    within = {"vpc-id": [vpc_id]} if vpc_id else {}
    return _described(
        "describe_network_interfaces", "NetworkInterfaces", ec2rows.INTERFACE, {by: values, **within}
    )


def instances(instance_ids: Iterable[str]) -> Rows[Instance]:
    """The instances that AWS still knows."""
    return _described(
        "describe_instances",
        "Reservations",
        ec2rows.INSTANCE,
        {"instance-id": instance_ids},
        inside="Instances",
    )


def route_tables(vpc_ids: Iterable[str]) -> Rows[RouteTable]:
    return _described("describe_route_tables", "RouteTables", ec2rows.ROUTE_TABLE, {"vpc-id": vpc_ids})


def subnets(subnet_ids: Iterable[str]) -> Rows[Subnet]:
    return _described("describe_subnets", "Subnets", ec2rows.SUBNET, {"subnet-id": subnet_ids})


def consents(resource_ids: Iterable[str]) -> dict[str, str | None]:
    """The owner's tag on each resource, None where it has none. What cannot be read is left out."""
    asked = list(dict.fromkeys(resource_ids))
    rows = _described("describe_tags", "Tags", ec2rows.TAG, {"resource-id": asked, "key": [OWNER_TAG]})
    found = dict(rows.found)
    unread = rows.unknown(asked, found)
    return {resource_id: found.get(resource_id) for resource_id in asked if resource_id not in unread}


def border_groups(zones: Iterable[str]) -> Rows[tuple[str, str | None]]:
    """Zones with their network border groups."""
    return _described("describe_availability_zones", "AvailabilityZones", ec2rows.ZONE, {"zone-name": zones})


def vpc_prefixes(vpc_ids: Iterable[str]) -> Rows[tuple[str, ...]]:
    """The address blocks of each VPC."""
    return _described("describe_vpcs", "Vpcs", ec2rows.VPC, {"vpc-id": vpc_ids})


def _described(
    operation: str, members: str, kind: Kind[T], filters: Filters | None = None, *, inside: str = ""
) -> Rows[T]:
    """All pages of a Describe call. The first filter's values are asked for as many at a time as EC2 takes;
    a filter without values asks nothing.
    """
    rows: list[Row] = []
    for chosen in _chunks(filters) if filters is not None else [{}]:
        rows += called(_about(filters), partial(_pages, operation, members, inside, chosen))
    return ec2rows.read(rows, kind)


def _about(filters: Filters | None) -> str:
    """What is asked for, in words that are the same each time."""
    values = list(next(iter(filters.values()), ())) if filters else []
    more = f" and {len(values) - 1} more" if len(values) > 1 else ""
    return f"{values[0]}{more}" if values else "this account and Region"


def _chunks(filters: Filters) -> Iterator[dict[str, Any]]:
    (name, values), *others = filters.items()
    unique = list(dict.fromkeys(values))
    rest = [{"Name": other, "Values": list(given)} for other, given in others]
    for start in range(0, len(unique), MOST_VALUES):
        yield {"Filters": [{"Name": name, "Values": unique[start : start + MOST_VALUES]}, *rest]}


def _pages(operation: str, members: str, inside: str, chosen: dict[str, Any]) -> list[Row]:
    client = clients.ec2()
    if client.can_paginate(operation):
        pages = client.get_paginator(operation).paginate(**chosen)  # type: ignore[call-overload]
    else:
        pages = [getattr(client, operation)(**chosen)]
    try:
        rows = [row for page in pages for row in _list(page, members, operation)]
    except ec2rows.UNREADABLE as error:
        raise TemporaryError(f"EC2's answer to {operation} cannot be read ({error})") from error
    return [row for outer in rows for row in _inside(outer, inside)] if inside else rows


def _inside(outer: object, members: str) -> list[Row]:
    """The rows of a row; where they cannot be read, one that cannot be read either stands for them."""
    found = outer.get(members) if isinstance(outer, dict) else None
    return found if isinstance(found, list) else [{}]


def _of_server(operation: str, members: str, kind: Kind[T], route_server_id: str) -> Rows[T]:
    """AWS refuses filters by route server (facts §0.7, §1.4). A row that names none may be of this one."""
    rows = called(route_server_id, partial(_pages, operation, members, "", {}))
    return ec2rows.read([row for row in rows if _server_of(row) in (None, route_server_id)], kind)


def _server_of(row: object) -> object:
    return row.get("RouteServerId") if isinstance(row, dict) else None


def _hanging(operation: str, members: str, kind: Kind[T], route_server_id: str) -> Rows[T]:
    try:
        page = _answer(operation, route_server_id)
    except RefusedError as error:
        if error.code in NONE_THERE:
            return Rows()
        raise
    return ec2rows.read(_list(page, members, operation), kind)


def _answer(operation: str, route_server_id: str, more: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    call = getattr(clients.ec2(), operation)
    answer: Mapping[str, Any] = called(
        route_server_id, lambda: call(RouteServerId=route_server_id, **(more or {}))
    )
    return answer


def _list(page: Mapping[str, Any], members: str, operation: str) -> list[Row]:
    """Raises TemporaryError where the answer has no such list: that is no answer, and not an empty one."""
    found = page.get(members)
    if not isinstance(found, list):
        raise TemporaryError(f"EC2 answered {operation} without {members}")
    return found
