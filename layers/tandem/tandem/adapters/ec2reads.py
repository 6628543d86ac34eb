"""Calls EC2's reads: each operation in one place, asked by lists of IDs, for everybody who reads EC2.

A function returns what could be read and what could not (`Rows`). It raises RefusedError, PassingError, and
TemporaryError where EC2 does not answer, or answers without the list that it was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from tandem.adapters import clients, ec2rows
from tandem.adapters.calls import called
from tandem.adapters.ec2rows import Instance
from tandem.adapters.rows import UNREADABLE, Kind, Row, Rows, Unread, read_rows
from tandem.errors import THROTTLED_CODES, CallFailedError, ConfigurationError, TemporaryError
from tandem.model import ElasticIp, NetworkInterface, Peer, RoutingDatabase

T = TypeVar("T")

Filters = dict[str, Iterable[str]]

_MOST_VALUES = 200
"""Values of all filters of one request (EC2 User Guide, Using_Filtering)."""

_NO_INSTANCE = "InvalidInstanceID.NotFound"

_NOT_ALONE = THROTTLED_CODES | {"UnauthorizedOperation"}
"""Refusals that more calls would only repeat."""

_MOST_ALONE = 20
"""More instances than a topology has are not asked for one by one."""

PAGE = 1000
"""Routes of a routing database, or interfaces, in one answer."""


def peers(route_server_id: str) -> Rows[Peer]:
    """Returns the route server's peers in any state, deleted ones too."""
    return of_server("describe_route_server_peers", "RouteServerPeers", ec2rows.PEER, route_server_id)


def routing_database(route_server_id: str) -> RoutingDatabase:
    """Returns all pages; the SDK has no paginator for this operation."""
    rows: list[Row] = []
    more: dict[str, Any] = {"MaxResults": PAGE}
    while True:
        page = answer_about("get_route_server_routing_database", route_server_id, more)
        if "Routes" in page or "AreRoutesPersisted" not in page:  # else it may be how AWS shows an empty one
            rows += list_in(page, "Routes", "GetRouteServerRoutingDatabase")
        if not page.get("NextToken"):
            break
        more["NextToken"] = page["NextToken"]
    found = read_rows(rows, ec2rows.ROUTE)
    return RoutingDatabase(
        routes=found.found,
        persisted=page.get("AreRoutesPersisted") is True,
        unread=tuple(row.words for row in found.unread),
        odd=found.odd,
        doubts=dict(ec2rows.doubts(found.found, found.unread)),
        incomplete={row.about: row.words for row in found.unread} | dict(found.incomplete),
    )


def whole_routing_database(route_server_id: str) -> RoutingDatabase:
    """Returns the same. Raises ConfigurationError where a row cannot be read."""
    database = routing_database(route_server_id)
    if database.unread:
        raise ConfigurationError(database.unread[0])
    return database


def elastic_ips(by: str, values: Iterable[str]) -> Rows[ElasticIp]:
    """Returns the Elastic IPs that match one of the values of a filter; a released one is absent."""
    return all_pages("describe_addresses", "Addresses", ec2rows.ELASTIC_IP, {by: values})


def interfaces(by: str, values: Iterable[str], vpc_id: str | None = None) -> Rows[NetworkInterface]:
    """Returns the interfaces that match one of the values of a filter, in one VPC or in all of them."""
    asked: Filters = {by: values, **({"vpc-id": [vpc_id]} if vpc_id else {})}
    # without pages EC2 refuses most filters in a large account (API_DescribeNetworkInterfaces)
    return all_pages("describe_network_interfaces", "NetworkInterfaces", ec2rows.INTERFACE, asked, page=PAGE)


def instances(instance_ids: Iterable[str]) -> Rows[Instance]:
    """Returns the instances that AWS still knows.

    Where a zone is disrupted, the call fails if it is about an instance there, and works for instances of
    other zones alone (API_DescribeInstances). So each is asked for by itself then, and those of which nothing
    comes are unread.
    """
    ids = list(dict.fromkeys(instance_ids))
    asked: Filters = {"instance-id": ids}
    try:
        return sum((_instances(_about(asked), chosen) for chosen in _chunks(asked)), Rows())
    except CallFailedError as error:
        if not 1 < len(ids) <= _MOST_ALONE or error.code in _NOT_ALONE:
            raise
        with ThreadPoolExecutor(max_workers=len(ids)) as side:
            alone = list(side.map(_alone, ids))
        if all(rows.unread for rows in alone):
            raise
    return sum(alone, Rows())


def _instances(about: str, chosen: Mapping[str, Any]) -> Rows[Instance]:
    reservations = called(about, partial(_pages, "describe_instances", "Reservations", chosen))
    return read_rows([row for outer in reservations for row in _inside(outer, "Instances")], ec2rows.INSTANCE)


def _alone(instance_id: str) -> Rows[Instance]:
    """Returns the instance; none if AWS does not know it, an unread one if the call fails."""
    try:
        return _instances(instance_id, {"InstanceIds": [instance_id]})
    except (CallFailedError, TemporaryError) as error:
        is_gone = isinstance(error, CallFailedError) and error.code == _NO_INSTANCE
        return Rows() if is_gone else Rows(unread=(Unread(instance_id, str(error), {}),))


def all_pages(
    operation: str, members: str, kind: Kind[T], filters: Filters | None = None, *, page: int | None = None
) -> Rows[T]:
    """Returns all pages of a Describe call. Each call has as many values of the first filter as EC2 takes;
    a filter without values makes no call. `page` is the number of rows to a page, where EC2 needs one.
    """
    rows: list[Row] = []
    for chosen in _chunks(filters) if filters is not None else [{}]:
        rows += called(_about(filters), partial(_pages, operation, members, chosen, page))
    return read_rows(rows, kind)


def _about(filters: Filters | None) -> str:
    """Says what is asked for, in the same words each time."""
    values = list(next(iter(filters.values()), ())) if filters else []
    more = f" and {len(values) - 1} more" if len(values) > 1 else ""
    return f"{values[0]}{more}" if values else "this account and Region"


def _chunks(filters: Filters) -> Iterator[dict[str, Any]]:
    (name, values), *others = filters.items()
    unique = list(dict.fromkeys(values))
    rest = [{"Name": other, "Values": list(given)} for other, given in others]
    most = _MOST_VALUES - sum(len(other["Values"]) for other in rest)
    for start in range(0, len(unique), most):
        yield {"Filters": [{"Name": name, "Values": unique[start : start + most]}, *rest]}


def _pages(operation: str, members: str, chosen: Mapping[str, Any], page: int | None = None) -> list[Row]:
    client = clients.ec2()
    if client.can_paginate(operation):
        more = {"PaginationConfig": {"PageSize": page}} if page else {}
        pages = client.get_paginator(operation).paginate(**chosen, **more)  # type: ignore[call-overload]
    else:
        pages = [getattr(client, operation)(**chosen)]
    try:
        return [row for answer in pages for row in list_in(answer, members, operation)]
    except UNREADABLE as error:  # the SDK's paginator fails itself at a list that is none
        raise TemporaryError(f"EC2's answer to {operation} cannot be read ({error})") from error


def _inside(outer: object, members: str) -> list[Row]:
    """Returns the rows inside a row. One that cannot be read stands for a list that cannot be read."""
    found = outer.get(members) if isinstance(outer, dict) else None
    return found if isinstance(found, list) else [{}]


def inside(operation: str, members: str, kind: Kind[T], about: str, chosen: Mapping[str, Any]) -> Rows[T]:
    """Returns all pages of what one thing has, which the request names."""
    return read_rows(called(about, partial(_pages, operation, members, chosen)), kind)


def of_server(operation: str, members: str, kind: Kind[T], route_server_id: str) -> Rows[T]:
    """Returns the rows of one route server: AWS refuses filters by it. A row that names none may be of it."""
    rows = called(route_server_id, partial(_pages, operation, members, {}))
    return read_rows([row for row in rows if _server_of(row) in (None, route_server_id)], kind)


def _server_of(row: object) -> object:
    return row.get("RouteServerId") if isinstance(row, dict) else None


def answer_about(
    operation: str, route_server_id: str, more: Mapping[str, Any] | None = None
) -> Mapping[str, Any]:
    call = getattr(clients.ec2(), operation)
    answer: Mapping[str, Any] = called(
        route_server_id, lambda: call(RouteServerId=route_server_id, **(more or {}))
    )
    return answer


def list_in(page: Mapping[str, Any], members: str, operation: str) -> list[Row]:
    """Raises TemporaryError where the answer has no such list: that is no answer, and not an empty one."""
    found = page.get(members)
    if not isinstance(found, list):
        raise TemporaryError(f"EC2 answered {operation} without {members}")
    return found
