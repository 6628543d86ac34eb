"""What a careful script does without Tandem: one call after another, over botocore's defaults."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import AddressTypeDef


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


def _moved(ec2: EC2Client, order: Order, move: Callable[[str, str], None]) -> Took:
    started = time.perf_counter()
    ec2.get_route_server_routing_database(RouteServerId=order.route_server_id)
    before = _addresses(ec2, order)
    for allocation_id in order.private_ips:
        move(allocation_id, before[allocation_id]["AssociationId"])
    associated = time.perf_counter() - started
    after = _addresses(ec2, order)
    verified = time.perf_counter() - started
    wrong = [name for name, ip in order.private_ips.items() if after[name].get("PrivateIpAddress") != ip]
    if wrong:
        raise RuntimeError(f"not moved: {', '.join(wrong)}")
    return Took(associated, verified)


def _addresses(ec2: EC2Client, order: Order) -> dict[str, AddressTypeDef]:
    found = ec2.describe_addresses(AllocationIds=list(order.private_ips))["Addresses"]
    return {address["AllocationId"]: address for address in found}


def _associate(ec2: EC2Client, order: Order, allocation_id: str) -> None:
    ec2.associate_address(
        AllocationId=allocation_id,
        NetworkInterfaceId=order.interface,
        PrivateIpAddress=order.private_ips[allocation_id],
        AllowReassociation=True,
    )
