"""What Tandem is compared with: careful scripts that call one after another over botocore's defaults, and the
floor, which makes the same calls side by side and does nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import AddressTypeDef


AT_ONCE = 60
"""Threads and connections of the floor: every call of fifty moves has one of its own."""


@dataclass(frozen=True, slots=True)
class Order:
    """Where the addresses have to go: allocation to private address, on one interface."""

    route_server_id: str
    interface: str
    private_ips: dict[str, str]


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds from the start to the last association, and to EC2 showing every address there."""

    associated: float
    verified: float


def one_after_another(ec2: EC2Client, order: Order) -> Took:
    """Reads route and addresses once, then one AssociateAddress after another: the fastest of these."""
    return _moved(ec2, order, lambda allocation_id, _: _associate(ec2, order, allocation_id))


def describing_each(ec2: EC2Client, order: Order) -> Took:
    """Reads each address again before it moves it, as the scripts of appliances do."""

    def move(allocation_id: str, _: str) -> None:
        ec2.describe_addresses(AllocationIds=[allocation_id])
        _associate(ec2, order, allocation_id)

    return _moved(ec2, order, move)


def disassociating_first(ec2: EC2Client, order: Order) -> Took:
    """Takes each address off its old place before it gives it to the new one: nobody has it in between."""

    def move(allocation_id: str, association_id: str) -> None:
        ec2.disassociate_address(AssociationId=association_id)
        _associate(ec2, order, allocation_id)

    return _moved(ec2, order, move)


def floor(ec2: EC2Client, order: Order) -> Took:
    """The reads of a failover side by side, then the moves side by side, then one read back. It has no lease,
    no record, no check of what it read, and does not know what it would do if a call failed.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        started = time.perf_counter()
        reads = (
            pool.submit(ec2.get_route_server_routing_database, RouteServerId=order.route_server_id),
            pool.submit(ec2.describe_route_server_peers),
            pool.submit(_interfaces, ec2, order),
            pool.submit(ec2.describe_instances),
            pool.submit(_addresses, ec2, order),
        )
        for read in reads:
            read.result()
        list(pool.map(lambda allocation_id: _associate(ec2, order, allocation_id), order.private_ips))
        associated = time.perf_counter() - started
        after = _addresses(ec2, order)
        verified = time.perf_counter() - started
    _check(order, after)
    return Took(associated, verified)


def _moved(ec2: EC2Client, order: Order, move: Callable[[str, str], None]) -> Took:
    started = time.perf_counter()
    ec2.get_route_server_routing_database(RouteServerId=order.route_server_id)
    before = _addresses(ec2, order)
    for allocation_id in order.private_ips:
        move(allocation_id, before[allocation_id]["AssociationId"])
    associated = time.perf_counter() - started
    after = _addresses(ec2, order)
    verified = time.perf_counter() - started
    _check(order, after)
    return Took(associated, verified)


def _check(order: Order, after: dict[str, AddressTypeDef]) -> None:
    wrong = [name for name, ip in order.private_ips.items() if after[name].get("PrivateIpAddress") != ip]
    if wrong:
        raise RuntimeError(f"not moved: {', '.join(wrong)}")


def _addresses(ec2: EC2Client, order: Order) -> dict[str, AddressTypeDef]:
    found = ec2.describe_addresses(AllocationIds=list(order.private_ips))["Addresses"]
    return {address["AllocationId"]: address for address in found}


def _interfaces(ec2: EC2Client, order: Order) -> None:
    ec2.describe_network_interfaces(NetworkInterfaceIds=[order.interface])


def _associate(ec2: EC2Client, order: Order, allocation_id: str) -> None:
    ec2.associate_address(
        AllocationId=allocation_id,
        NetworkInterfaceId=order.interface,
        PrivateIpAddress=order.private_ips[allocation_id],
        AllowReassociation=True,
    )
