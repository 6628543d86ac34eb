"""The third pass, Elastic IPs' side: whether each could move to each of its targets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tandem.model import NetworkInterface
from tandem.reasons.documents import ProblemCode
from tandem.tags import OWNER_TAG
from tandem.topology.consent import consent_problem
from tandem.topology.document import Appliance, Target, Topology
from tandem.topology.inventory import Inventory
from tandem.topology.problems import Problem, path_of, problem_at

Check = Callable[[Topology, Inventory], Iterator[Problem]]


@dataclass(frozen=True, slots=True)
class Placed:
    """Holds a declared target with its place in the document and its interface, where AWS knows it."""

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
            place = str(inventory.place)
            yield problem_at(where, ProblemCode.ELASTIC_IP_UNKNOWN, allocation_id, place=place)
        elif address.service_managed is not None:
            code, service = ProblemCode.ELASTIC_IP_OF_SERVICE, address.service_managed
            yield problem_at(where, code, allocation_id, service=service)


def owner_consents(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    """Checks the owner's tag on each Elastic IP and each target interface, once a resource
    (docs/security.md#the-owners-tag-is-the-consent).
    """
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
        appliance, place = placed.appliance.name, str(inventory.place)
        # unread is not absent: nothing is said of what may be right
        if interface_id in inventory.unknown:
            yield inventory.unreadable(where, interface_id)
        elif interface is None and lost is None:
            facts = {"place": place, "appliance": appliance}
            yield problem_at(where, ProblemCode.INTERFACE_UNKNOWN, interface_id, **facts)
        # the instance is gone too, so the problem has one cause and is named once
        elif interface is None:
            facts = {"interface_id": interface_id, "place": place, "appliance": appliance}
            yield problem_at(where, ProblemCode.INTERFACE_GONE_WITH_INSTANCE, lost, **facts)
        elif interface.instance_id is None and lost is None:
            yield problem_at(where, ProblemCode.INTERFACE_DETACHED, interface_id, appliance=appliance)
        elif interface.instance_id is None:
            facts = {"interface_id": interface_id, "appliance": appliance}
            yield problem_at(where, ProblemCode.INTERFACE_DETACHED_FROM_LOST, lost, **facts)
        elif instance_id is not None and interface.instance_id != instance_id:
            yield problem_at(
                where,
                ProblemCode.INTERFACE_OF_OTHER_INSTANCE,
                interface_id,
                other_id=interface.instance_id,
                appliance=appliance,
                instance_id=instance_id,
                own=tuple(i.network_interface_id for i in inventory.interfaces_of(instance_id)),
            )


def interfaces_are_of_this_account(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    """Checks the account: in a shared VPC
    (https://docs.aws.amazon.com/vpc/latest/userguide/vpc-sharing.html) an account may see interfaces of
    another one. Nobody can consent to their use here.
    """
    for placed in targets(topology, inventory):
        if placed.interface is not None and _is_foreign(placed, inventory):
            yield problem_at(
                placed.path("network_interface"),
                ProblemCode.INTERFACE_OF_OTHER_ACCOUNT,
                placed.target.network_interface_id,
                owner=placed.interface.owner,
                account=inventory.place.account,
            )


def _is_foreign(placed: Placed, inventory: Inventory) -> bool:
    owner = placed.interface.owner if placed.interface else None
    return owner not in (None, inventory.place.account)


def interfaces_are_in_the_vpc(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    for placed in targets(topology, inventory):
        subnet = inventory.subnets.get(placed.interface.subnet_id) if placed.interface else None
        if subnet is not None and inventory.vpc_ids and subnet.vpc_id not in inventory.vpc_ids:
            yield problem_at(
                placed.path("network_interface"),
                ProblemCode.INTERFACE_OUTSIDE_VPC,
                placed.target.network_interface_id,
                vpc_id=subnet.vpc_id,
                wanted=inventory.vpc_ids,
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
            yield problem_at(
                placed.path("network_interface"),
                ProblemCode.BORDER_GROUPS_DIFFER,
                placed.target.network_interface_id,
                border_group=there,
                allocation_id=placed.allocation_id,
                other_group=its,
            )


def private_ips_are_there(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    for placed in targets(topology, inventory):
        interface, address = placed.interface, placed.target.private_ip
        if interface is None or any(own.private_ip == address for own in interface.addresses):
            continue
        subnet = inventory.subnets.get(interface.subnet_id)
        where, interface_id = placed.path("private_ip"), interface.network_interface_id
        own = tuple(own.private_ip for own in interface.addresses)
        if subnet is not None and not subnet.has(address):
            yield problem_at(
                where,
                ProblemCode.PRIVATE_IP_OUTSIDE_SUBNET,
                address=address,
                subnet_id=subnet.subnet_id,
                prefix=subnet.prefix,
                interface_id=interface_id,
                own=own,
            )
        elif (holder := inventory.interface_with(address)) is not None:
            yield problem_at(
                where,
                ProblemCode.PRIVATE_IP_ELSEWHERE,
                address=address,
                holder_id=holder.network_interface_id,
                instance_id=holder.instance_id,
                interface_id=interface_id,
                own=own,
            )
        else:
            facts = {"address": address, "interface_id": interface_id, "own": own}
            yield problem_at(where, ProblemCode.PRIVATE_IP_MISSING, **facts)


def nobody_is_displaced(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    """AssociateAddress throws off what the private IP has already (docs/aws-facts.md#displaced-addresses)."""
    for placed in targets(topology, inventory):
        addresses = placed.interface.addresses if placed.interface else ()
        shown = next((a for a in addresses if a.private_ip == placed.target.private_ip), None)
        if shown is None or shown.public_ip is None or shown.allocation_id in topology.allocation_ids:
            continue
        where = placed.path("private_ip")
        facts = {"address": placed.target.private_ip, "public_ip": shown.public_ip}
        if shown.allocation_id:
            code = ProblemCode.PRIVATE_IP_HAS_ELASTIC_IP
            yield problem_at(where, code, allocation_id=shown.allocation_id, **facts)
        else:
            # an auto-assigned address is released with the association: nobody gets it back
            yield problem_at(where, ProblemCode.PRIVATE_IP_HAS_PUBLIC_IP, **facts)


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
    """Refuses what another topology has: an Elastic IP or a target belongs to one topology."""
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
    return problem_at(where, ProblemCode.CLAIMED_BY_TOPOLOGY, what, other=other)


def _allocations(topology: Topology) -> Iterator[tuple[str, str]]:
    for index, group in enumerate(topology.groups):
        for position, address in enumerate(group.elastic_ips):
            yield path_of(["groups", index, "elastic_ips", position, "allocation_id"]), address.allocation_id


def targets(topology: Topology, inventory: Inventory | None) -> Iterator[Placed]:
    """Yields the targets of declared appliances, in the order of the document."""
    interfaces = inventory.interfaces if inventory is not None else {}
    for index, group in enumerate(topology.groups):
        for position, address in enumerate(group.elastic_ips):
            for name, target in address.targets.items():
                if name in topology.appliances:
                    keys = ("groups", index, "elastic_ips", position, "targets", name)
                    interface = interfaces.get(target.network_interface_id)
                    appliance = topology.appliances[name]
                    yield Placed(keys, index, appliance, address.allocation_id, target, interface)
