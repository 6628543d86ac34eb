"""EC2's packet filters around the sessions of a topology, read for compliance."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tandem.adapters import ec2reads, vpcreads
from tandem.adapters.rows import Rows
from tandem.compliance.packetfilters import Filters, SecurityGroup
from tandem.errors import ConfigurationError, TandemError
from tandem.topology.inventory import PREFIX_LIST, Inventory

T = TypeVar("T")

_MOST_LISTS = 15
"""Prefix lists that are read: each is a call of its own, and EC2's bucket is not for us alone."""

READS = 8


def read(inventory: Inventory) -> Filters:
    """Reads what is on the endpoints' interfaces and at the peers' addresses: three rounds.

    Raises CallFailedError, TemporaryError, and ConfigurationError where there is no route server or VPC. A
    prefix list that cannot be read is in `Filters.unknown`. The lists are those of the security groups,
    and of the routes in the tables that the route server propagates to.
    """
    reading, vpc_ids = inventory.reading, inventory.vpc_ids
    if reading is None or not vpc_ids:
        raise ConfigurationError("AWS shows no route server that is associated with a VPC")
    interface_ids = [e.interface_id for e in (*reading.endpoints, *reading.broken) if e.interface_id]
    addresses = {peer.peer_address for peer in reading.peers}
    with ThreadPoolExecutor(max_workers=READS, thread_name_prefix="filters") as side:
        of_endpoints = side.submit(ec2reads.interfaces, "network-interface-id", interface_ids)
        by_address = "addresses.private-ip-address"
        of_peers = side.submit(ec2reads.interfaces, by_address, sorted(addresses), vpc_ids[0])
        of_subnets = side.submit(vpcreads.subnets, vpc_ids, "vpc-id")
        of_acls = side.submit(vpcreads.network_acls, vpc_ids)
        interfaces = of_endpoints.result() + of_peers.result()
        group_ids = sorted({id_ for i in interfaces.found for id_ in i.group_ids or ()})
        groups = vpcreads.security_groups(group_ids)
        named = list(dict.fromkeys((*_lists_of_routes(inventory), *sorted(_lists_in(groups.found)))))
        lists, left = named[:_MOST_LISTS], named[_MOST_LISTS:]
        entries = dict(zip(lists, side.map(_entries, lists), strict=True))
        subnets, acls = of_subnets.result(), of_acls.result()
    return Filters(
        interfaces=interfaces.found,
        subnets=subnets.found,
        groups={group.group_id: group for group in groups.found},
        acls=acls.found,
        prefix_lists={id_: found for id_, found in entries.items() if not isinstance(found, str)},
        unknown=groups.unknown(group_ids, {group.group_id for group in groups.found})
        | {id_: why for id_, why in entries.items() if isinstance(why, str)}
        | dict.fromkeys(left, f"routes and security groups name more than {_MOST_LISTS} prefix lists"),
        interface_doubt=_doubt(interfaces),
        subnet_doubt=_doubt(subnets),
        acl_doubt=_doubt(acls),
    )


def _doubt(rows: Rows[T]) -> str | None:
    return rows.unread[0].words if rows.unread else None


def _lists_in(groups: tuple[SecurityGroup, ...]) -> set[str]:
    return {id_ for g in groups for p in (*g.inbound, *g.outbound) for id_ in p.prefix_lists}


def _lists_of_routes(inventory: Inventory) -> list[str]:
    tables = (inventory.route_tables.get(table_id) for table_id in inventory.propagated_to)
    to = {route.destination for table in tables if table for route in table.routes}
    return sorted(id_ for id_ in to if id_.startswith(PREFIX_LIST))


def _entries(prefix_list_id: str) -> tuple[str, ...] | str:
    """Returns the prefixes of a list, or why nobody knows them."""
    try:
        found: Rows[str] = vpcreads.prefix_list(prefix_list_id)
        return found.whole()
    except TandemError as error:
        return str(error)
