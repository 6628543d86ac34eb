"""The third pass, Elastic IPs' side: whether each could move to each of its targets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tandem.inventory import Inventory
from tandem.model import NetworkInterface
from tandem.problems import Problem, path_of
from tandem.tags import OWNER_TAG
from tandem.topology import Appliance, Target, Topology
from tandem.validation.consent import consent_problem

Check = Callable[[Topology, Inventory], Iterator[Problem]]


@dataclass(frozen=True, slots=True)
class Placed:
    """A declared target with its place in the document and its interface, where AWS knows it."""

    keys: tuple[str | int, ...]
    group: int
    appliance: Appliance
    allocation_id: str
    target: Target
    interface: NetworkInterface | None

    def path(self, *more: str) -> str:
        return path_of([*self.keys, *more])


def elastic_ips_exist(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    for where, allocation_id in _allocations(topology):
        address = inventory.elastic_ips.get(allocation_id)
        if allocation_id in inventory.unknown:
            yield inventory.unreadable(where, allocation_id)
        elif address is None:
            missing = f"{allocation_id} is not known in {inventory.place}"
            yield Problem(where, missing, "an Elastic IP of that account and Region")
        elif address.service_managed is not None:
            managed = f"{allocation_id} is managed by {address.service_managed}"
            yield Problem(where, managed, "an Elastic IP that no AWS service manages")


def owner_consents(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    """The owner's tag on each Elastic IP and each target interface, once a resource (design §6.1)."""
    tags = {address.allocation_id: address.tags for address in inventory.elastic_ips.values()}
    tags |= {i.network_interface_id: i.tags for i in inventory.interfaces.values()}
    claims = [(where, allocation_id) for where, allocation_id in _allocations(topology)]
    claims += [
        (p.path("network_interface"), p.target.network_interface_id)
        for p in targets(topology, inventory)
        if not _is_foreign(p, inventory)
    ]
    asked: set[str] = set()
    for where, resource_id in claims:
        if resource_id in tags and resource_id not in asked:
            asked.add(resource_id)
            found = dict(tags[resource_id]).get(OWNER_TAG)
            problem = consent_problem(where, resource_id, found, inventory.stack)
            yield from () if problem is None else (problem,)


def interfaces_are_the_appliances(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    for placed in targets(topology, inventory):
        where, interface_id = placed.path("network_interface"), placed.target.network_interface_id
        interface, instance_id = placed.interface, placed.appliance.instance_id
        lost = instance_id if inventory.has_lost(instance_id) else None
        if interface_id in inventory.unknown:
            yield inventory.unreadable(where, interface_id)
        elif interface is None:
            missing = f"{interface_id} is not known in {inventory.place}"
            gone = lost or interface_id
            yield Problem(where, missing, f"a network interface of {placed.appliance.name}", gone=gone)
        elif interface.instance_id is None:
            detached = f"{interface_id} is attached to no instance"
            yield Problem(where, detached, f"one of {placed.appliance.name}'s interfaces", gone=lost)
        elif instance_id is not None and interface.instance_id != instance_id:
            own = ", ".join(i.network_interface_id for i in inventory.interfaces_of(instance_id))
            whose = f"{placed.appliance.name}'s {instance_id}"
            elsewhere = f"{interface_id} is attached to {interface.instance_id}, not to {whose}"
            yield Problem(where, elsewhere, f"an interface of {instance_id}: {own or 'it has none'}")


def interfaces_are_of_this_account(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    """In a shared VPC (https://docs.aws.amazon.com/vpc/latest/userguide/vpc-sharing.html) an account may see
    interfaces of another one. Nobody can consent to their use here.
    """
    for placed in targets(topology, inventory):
        if placed.interface is not None and _is_foreign(placed, inventory):
            interface_id = placed.target.network_interface_id
            yield Problem(
                placed.path("network_interface"),
                f"{interface_id} belongs to account {placed.interface.owner}, and Tandem moves addresses of "
                f"account {inventory.place.account} to interfaces of the same account only",
                f"an interface of account {inventory.place.account}",
            )


def _is_foreign(placed: Placed, inventory: Inventory) -> bool:
    owner = placed.interface.owner if placed.interface else None
    return owner not in (None, inventory.place.account)


def interfaces_are_in_the_vpc(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    for placed in targets(topology, inventory):
        subnet = inventory.subnets.get(placed.interface.subnet_id) if placed.interface else None
        if subnet is not None and inventory.vpc_ids and subnet.vpc_id not in inventory.vpc_ids:
            yield Problem(
                placed.path("network_interface"),
                f"{placed.target.network_interface_id} is in {subnet.vpc_id}",
                f"an interface in {', '.join(inventory.vpc_ids)}, where the route server is",
            )


def border_groups_fit(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    """EC2 associates no Elastic IP with an interface in another network border group, such as a Local Zone's.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html
    """
    for placed in targets(topology, inventory):
        subnet = inventory.subnets.get(placed.interface.subnet_id) if placed.interface else None
        address = inventory.elastic_ips.get(placed.allocation_id)
        there, its = subnet and subnet.border_group, address and address.border_group
        if there and its and there != its:
            yield Problem(
                placed.path("network_interface"),
                f"{placed.target.network_interface_id} is in the network border group {there}, but "
                f"{placed.allocation_id} is of {its}, and EC2 never associates the two",
                "an interface and an Elastic IP of the same network border group",
            )


def private_ips_are_there(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    for placed in targets(topology, inventory):
        interface, address = placed.interface, placed.target.private_ip
        if interface is None or any(own.private_ip == address for own in interface.addresses):
            continue
        subnet = inventory.subnets.get(interface.subnet_id)
        own = ", ".join(own.private_ip for own in interface.addresses) or "it has none"
        if subnet is not None and not subnet.has(address):
            place = f"{subnet.subnet_id} ({subnet.prefix})"
            outside = f"{address} is outside {place}, the subnet of {interface.network_interface_id}"
            yield Problem(placed.path("private_ip"), outside, f"one of the interface's addresses: {own}")
        elif (holder := inventory.interface_with(address)) is not None:
            whose = f", of {holder.instance_id}" if holder.instance_id else ""
            there = f"{holder.network_interface_id}{whose}"
            elsewhere = f"{address} is on {there}, and not on {interface.network_interface_id}"
            right = f"one of: {own}; assigning {address} to another interface would take it from there"
            yield Problem(placed.path("private_ip"), elsewhere, right)
        else:
            absent = f"{interface.network_interface_id} does not have {address}"
            right = f"assign it there first (without --allow-reassignment), or one of: {own}"
            yield Problem(placed.path("private_ip"), absent, right)


def nobody_is_displaced(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    """AssociateAddress throws off what the private IP has already (facts §8.1)."""
    for placed in targets(topology, inventory):
        addresses = placed.interface.addresses if placed.interface else ()
        shown = next((a for a in addresses if a.private_ip == placed.target.private_ip), None)
        if shown is None or shown.public_ip is None or shown.allocation_id in topology.allocation_ids:
            continue
        what = f"another Elastic IP, {shown.allocation_id} ({shown.public_ip})" if shown.allocation_id else (
            f"the auto-assigned public IP {shown.public_ip}, which a move would release for good"
        )  # fmt: skip
        yield Problem(
            placed.path("private_ip"),
            f"{placed.target.private_ip} has {what}",
            "a private IP without a public one, such as a further secondary address of the interface",
        )


ELASTIC_IP_CHECKS: tuple[Check, ...] = (
    elastic_ips_exist,
    owner_consents,
    interfaces_are_the_appliances,
    interfaces_are_of_this_account,
    interfaces_are_in_the_vpc,
    border_groups_fit,
    private_ips_are_there,
    nobody_is_displaced,
)


def claimed_by_others(topology: Topology, stored: Iterable[Topology]) -> Iterator[Problem]:
    """An Elastic IP or a target belongs to one topology."""
    for other in stored:
        if other.name == topology.name:
            continue
        taken = {
            (t.network_interface_id, t.private_ip)
            for g in other.groups
            for e in g.elastic_ips
            for t in e.targets.values()
        }
        for where, allocation_id in _allocations(topology):
            if allocation_id in other.allocation_ids:
                yield _claimed(where, allocation_id, other.name)
        for placed in targets(topology, None):
            target = placed.target
            if (target.network_interface_id, target.private_ip) in taken:
                yield _claimed(
                    placed.path(), f"{target.private_ip} on {target.network_interface_id}", other.name
                )


def _claimed(where: str, what: str, other: str) -> Problem:
    return Problem(where, f"{what} is claimed by the stored topology {other}", "in one topology only")


def _allocations(topology: Topology) -> Iterator[tuple[str, str]]:
    for index, group in enumerate(topology.groups):
        for position, address in enumerate(group.elastic_ips):
            yield path_of(["groups", index, "elastic_ips", position, "allocation_id"]), address.allocation_id


def targets(topology: Topology, inventory: Inventory | None) -> Iterator[Placed]:
    """The targets of declared appliances, in the order of the document."""
    interfaces = inventory.interfaces if inventory is not None else {}
    for index, group in enumerate(topology.groups):
        for position, address in enumerate(group.elastic_ips):
            for name, target in address.targets.items():
                if name in topology.appliances:
                    keys = ("groups", index, "elastic_ips", position, "targets", name)
                    interface = interfaces.get(target.network_interface_id)
                    appliance = topology.appliances[name]
                    yield Placed(keys, index, appliance, address.allocation_id, target, interface)
