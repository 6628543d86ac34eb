"""Whether each Elastic IP could move to each of its targets."""

from __future__ import annotations

from collections.abc import Iterator

from tandem.compliance.checks import Part, checked, otherwise
from tandem.compliance.rule import Result, Severity, failed_for, unknown
from tandem.compliance.snapshot import Snapshot, known
from tandem.failover.readiness import limitation
from tandem.reasons.compliance import RuleId
from tandem.reasons.documents import ProblemCode as Code
from tandem.reasons.failover import HoldCode
from tandem.topology import elasticips
from tandem.topology.document import Topology
from tandem.topology.elasticips import Placed, targets
from tandem.topology.inventory import Inventory
from tandem.topology.problems import path_of


def target_interfaces(topology: Topology, inventory: Inventory) -> Iterator[Part]:
    """Yields each target interface once, with every place that names it."""
    placed: dict[str, list[Placed]] = {}
    for target in targets(topology, inventory):
        placed.setdefault(target.target.network_interface_id, []).append(target)
    for interface_id, each in placed.items():
        first = each[0]
        subnet = first.interface.subnet_id if first.interface else ""
        ids = (interface_id, first.appliance.instance_id or "", subnet)
        yield Part(interface_id, tuple(p.path() for p in each), ids)


def _targets(topology: Topology, inventory: Inventory) -> Iterator[Part]:
    for placed in targets(topology, inventory):
        interface_id = placed.target.network_interface_id
        resource = f"{interface_id} {placed.target.private_ip}"
        subnet = placed.interface.subnet_id if placed.interface else ""
        yield Part(resource, (placed.path(),), (interface_id, placed.allocation_id, subnet))


def declared_addresses(topology: Topology, inventory: Inventory) -> Iterator[Part]:
    """Yields each declared Elastic IP."""
    for index, group in enumerate(topology.groups):
        for position, address in enumerate(group.elastic_ips):
            where = path_of(["groups", index, "elastic_ips", position, "allocation_id"])
            yield Part(address.allocation_id, (where,), (address.allocation_id,))


def _owned(topology: Topology, inventory: Inventory) -> Iterator[Part]:
    """Yields each Elastic IP and each target interface that AWS shows; both need their owner's tag."""
    for part in declared_addresses(topology, inventory):
        if part.resource in inventory.elastic_ips or part.resource in inventory.unknown:
            yield part
    for part in target_interfaces(topology, inventory):
        if part.resource in inventory.interfaces or part.resource in inventory.unknown:
            yield Part(part.resource, (), (part.resource,))


def _movable(snapshot: Snapshot, result: Result) -> Result:
    """Asks as the failover function does whether an address may go to an interface that passed."""
    observation, inventory = known(snapshot.observation), known(snapshot.inventory)
    shown = inventory.interfaces.get(result.resource)
    if shown is None or shown.owner is None or shown.subnet_id not in inventory.subnets:
        return unknown(result.resource, "AWS does not show its account or its subnet", result.place)
    for placed in targets(snapshot.topology, None):
        if placed.target.network_interface_id != result.resource:
            continue
        spec = next(
            e
            for g in snapshot.topology.groups
            for e in g.elastic_ips
            if e.allocation_id == placed.allocation_id
        )
        # forced: its sessions are the business of other rules
        why = limitation(spec, placed.appliance, observation, forced=True, dead=False)
        if why is not None and why.code in UNREADABLE:
            errors = dict(why.facts).get("error") or "; ".join(observation.failed)
            return unknown(result.resource, str(errors), placed.path())
        if why is not None and why.code in UNATTACHED:
            return failed_for(result.resource, why, placed.path())
    return result


UNATTACHED = frozenset(
    {
        HoldCode.TARGET_MISSING,
        HoldCode.TARGET_DETACHED,
        HoldCode.TARGET_ON_ANOTHER_INSTANCE,
        HoldCode.TARGET_INSTANCE_NOT_RUNNING,
    }
)
UNREADABLE = frozenset(
    {
        HoldCode.INTERFACES_UNREADABLE,
        HoldCode.INSTANCES_UNREADABLE,
        HoldCode.TARGET_INTERFACE_UNREADABLE,
        HoldCode.TARGET_INSTANCE_UNREADABLE,
    }
)


def _shows_border_groups(snapshot: Snapshot, result: Result) -> Result:
    """EC2 shows the group of every address and zone; a rule that sees none has compared nothing."""
    inventory = known(snapshot.inventory)
    for placed in targets(snapshot.topology, inventory):
        address, interface = inventory.elastic_ips.get(placed.allocation_id), placed.interface
        subnet = inventory.subnets.get(interface.subnet_id) if interface else None
        if result.place != placed.path() or address is None or interface is None:
            continue
        if address.border_group is None or subnet is None or subnet.border_group is None:
            return unknown(result.resource, "AWS shows no network border group of it", result.place)
    return result


RULES = (
    otherwise(
        checked(
            RuleId.TARGET_ATTACHED,
            Severity.CRITICAL,
            (
                elasticips.interfaces_are_the_appliances,
                elasticips.interfaces_are_of_this_account,
                elasticips.interfaces_are_in_the_vpc,
            ),
            (
                Code.INTERFACE_UNKNOWN,
                Code.INTERFACE_GONE_WITH_INSTANCE,
                Code.INTERFACE_DETACHED,
                Code.INTERFACE_DETACHED_FROM_LOST,
                Code.INTERFACE_OF_OTHER_INSTANCE,
                Code.INTERFACE_OF_OTHER_ACCOUNT,
                Code.INTERFACE_OUTSIDE_VPC,
            ),
            target_interfaces,
        ),
        _movable,
    ),
    checked(
        RuleId.TARGET_HAS_PRIVATE_IP,
        Severity.CRITICAL,
        (elasticips.private_ips_are_there,),
        (Code.PRIVATE_IP_OUTSIDE_SUBNET, Code.PRIVATE_IP_ELSEWHERE, Code.PRIVATE_IP_MISSING),
        _targets,
    ),
    checked(
        RuleId.TARGET_FREE,
        Severity.CRITICAL,
        (elasticips.nobody_is_displaced,),
        (Code.PRIVATE_IP_HAS_ELASTIC_IP, Code.PRIVATE_IP_HAS_PUBLIC_IP),
        _targets,
    ),
    otherwise(
        checked(
            RuleId.TARGET_IN_BORDER_GROUP,
            Severity.CRITICAL,
            (elasticips.border_groups_fit,),
            (Code.BORDER_GROUPS_DIFFER,),
            _targets,
        ),
        _shows_border_groups,
    ),
    checked(
        RuleId.ELASTIC_IP_EXISTS,
        Severity.CRITICAL,
        (elasticips.elastic_ips_exist,),
        (Code.ELASTIC_IP_UNKNOWN,),
        declared_addresses,
    ),
    checked(
        RuleId.OWNER_TAG,
        Severity.CRITICAL,
        (elasticips.owner_consents,),
        (Code.OWNER_TAG_MISSING, Code.OWNER_TAG_OF_OTHER_STACK, Code.OWNER_TAG_MISSPELLED),
        _owned,
    ),
)
