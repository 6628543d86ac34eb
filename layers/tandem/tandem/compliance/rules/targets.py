"""Whether each Elastic IP could move to each of its targets."""

from __future__ import annotations

from collections.abc import Iterator

from tandem.compliance.checks import Part, checked, otherwise, unread_part_of
from tandem.compliance.rule import Result, Rule, RuleSeverity
from tandem.compliance.snapshot import Need, Snapshot, known
from tandem.failover.readiness import limitation
from tandem.reasons.compliance import CheckCode, RuleId
from tandem.reasons.documents import ProblemCode as Code
from tandem.reasons.failover import HoldCode
from tandem.topology import elasticips
from tandem.topology.document import Topology
from tandem.topology.elasticips import Placed, targets
from tandem.topology.inventory import ADVERTISED, Inventory, TableRoute
from tandem.topology.problems import path_of


def target_interface_parts(topology: Topology, inventory: Inventory) -> Iterator[Part]:
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
        subnet = placed.interface.subnet_id if placed.interface else ""
        ids = (placed.target.network_interface_id, placed.allocation_id, subnet)
        yield Part(_resource_of(placed), (placed.path(),), ids)


def elastic_ip_parts(topology: Topology, inventory: Inventory) -> Iterator[Part]:
    """Yields each declared Elastic IP."""
    for index, group in enumerate(topology.groups):
        for position, address in enumerate(group.elastic_ips):
            where = path_of(["groups", index, "elastic_ips", position, "allocation_id"])
            yield Part(address.allocation_id, (where,), (address.allocation_id,))


def _owned(topology: Topology, inventory: Inventory) -> Iterator[Part]:
    """Yields each Elastic IP and each target interface that AWS shows; both need their owner's tag."""
    for part in elastic_ip_parts(topology, inventory):
        if part.resource in inventory.elastic_ips or part.resource in inventory.unknown:
            yield part
    for part in target_interface_parts(topology, inventory):
        if part.resource in inventory.interfaces or part.resource in inventory.unknown:
            yield Part(part.resource, (), (part.resource,))


def _immovable(snapshot: Snapshot) -> dict[str, Result]:
    """Asks of each target as the failover function does whether its address may go there."""
    topology, inventory = snapshot.topology, known(snapshot.inventory)
    observation = known(snapshot.observation)
    specs = {e.allocation_id: e for group in topology.groups for e in group.elastic_ips}
    found: dict[str, Result] = {}
    for placed in targets(topology, inventory):
        resource, shown = placed.target.network_interface_id, placed.interface
        if resource in found:
            continue
        why = limitation(specs[placed.allocation_id], placed.appliance, observation, dead=False)
        if shown is not None and (shown.owner is None or shown.subnet_id not in inventory.subnets):
            found[resource] = Result.unknown(resource, "AWS does not show its account or its subnet")
        elif why is not None and why.code in UNREADABLE:
            errors = dict(why.facts).get("error") or "; ".join(observation.failed)
            found[resource] = Result.unknown(resource, str(errors), placed.path())
        elif why is not None and why.code in UNATTACHED:
            found[resource] = Result.failed_for(resource, why, placed.path())
    return found


def internet_routes(snapshot: Snapshot) -> Iterator[Result]:
    """Judges the subnet of each target: a route of its table leads to an internet gateway.

    AssociateAddress does not ask for one (docs/aws-facts.md#internet-routes).
    """
    topology, inventory = snapshot.topology, known(snapshot.inventory)
    for part in target_interface_parts(topology, inventory):
        interface, place = inventory.interfaces.get(part.resource), part.paths[0]
        doubt = unread_part_of(part.ids, inventory)
        if doubt is not None:
            yield Result.unknown(part.resource, doubt, place)
        elif interface is not None:
            yield _way_out(part.resource, interface.subnet_id, inventory, place)


def _way_out(resource: str, subnet_id: str, inventory: Inventory, place: str) -> Result:
    table = inventory.route_table_of(subnet_id)
    is_explicit = table is not None and subnet_id in table.subnet_ids
    doubt = unread_part_of((table.route_table_id,) if table else (), inventory)
    if not is_explicit:  # a table that nobody can read may be the subnet's own
        unread = inventory.incomplete | inventory.unknown
        doubt = doubt or next((why for id_, why in unread.items() if not id_ or id_.startswith("rtb-")), None)
    if table is None or not table.routes or doubt is not None:
        return Result.unknown(resource, doubt or f"AWS shows no route of {subnet_id}", place)
    routes = [route for route in table.routes if ":" not in route.destination]
    to_internet = [route for route in routes if route.target.startswith(INTERNET)]
    if any(route.state == ACTIVE for route in to_internet):
        return Result.passed(resource, place)
    strange = next((route for route in to_internet if route.state != "blackhole"), None)
    if strange is not None:
        why = f"the route of {table.route_table_id} to {strange.target} has the state {strange.state!r}"
        return Result.unknown(resource, why, place)
    through = next((route for route in routes if _is_through(route)), None)
    if through is not None:
        why = (
            f"the default route of {table.route_table_id} leads to {through.target}, and this rule does not"
            " follow it"
        )
        return Result.unknown(resource, why, place)
    return Result.failed(
        resource, CheckCode.NO_INTERNET_ROUTE, place, subnet=subnet_id, table=table.route_table_id
    )


def _is_through(route: TableRoute) -> bool:
    """Returns True for a default route through an inspection, as a Gateway Load Balancer endpoint."""
    is_made = route.destination == "0.0.0.0/0" and route.origin != ADVERTISED and route.state == ACTIVE
    return is_made and route.target.startswith(INSPECTION)


ACTIVE = "active"
INTERNET = ("igw-", "cagw-")
"""Internet gateways, and carrier gateways of Wavelength Zones."""
INSPECTION = ("vpce-", "eni-", "i-")

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


def _without_border_group(snapshot: Snapshot) -> dict[str, Result]:
    """EC2 shows the group of every address and zone; a rule that sees none has compared nothing."""
    inventory = known(snapshot.inventory)
    found: dict[str, Result] = {}
    for placed in targets(snapshot.topology, inventory):
        address, interface = inventory.elastic_ips.get(placed.allocation_id), placed.interface
        subnet = inventory.subnets.get(interface.subnet_id) if interface else None
        if address is None or interface is None:
            continue
        if address.border_group is None or subnet is None or subnet.border_group is None:
            resource = _resource_of(placed)
            found[resource] = Result.unknown(
                resource, "AWS shows no network border group of it", placed.path()
            )
    return found


def _resource_of(placed: Placed) -> str:
    return f"{placed.target.network_interface_id} {placed.target.private_ip}"


RULES = (
    otherwise(
        checked(
            RuleId.TARGET_ATTACHED,
            RuleSeverity.CRITICAL,
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
            target_interface_parts,
        ),
        _immovable,
    ),
    checked(
        RuleId.TARGET_HAS_PRIVATE_IP,
        RuleSeverity.CRITICAL,
        (elasticips.private_ips_are_there,),
        (Code.PRIVATE_IP_OUTSIDE_SUBNET, Code.PRIVATE_IP_ELSEWHERE, Code.PRIVATE_IP_MISSING),
        _targets,
    ),
    checked(
        RuleId.TARGET_FREE,
        RuleSeverity.CRITICAL,
        (elasticips.nobody_is_displaced,),
        (Code.PRIVATE_IP_HAS_ELASTIC_IP, Code.PRIVATE_IP_HAS_PUBLIC_IP),
        _targets,
    ),
    otherwise(
        checked(
            RuleId.TARGET_IN_BORDER_GROUP,
            RuleSeverity.CRITICAL,
            (elasticips.border_groups_fit,),
            (Code.BORDER_GROUPS_DIFFER,),
            _targets,
        ),
        _without_border_group,
    ),
    Rule(RuleId.TARGET_HAS_INTERNET_ROUTE, RuleSeverity.CRITICAL, internet_routes),
    checked(
        RuleId.ELASTIC_IP_EXISTS,
        RuleSeverity.CRITICAL,
        (elasticips.elastic_ips_exist,),
        (Code.ELASTIC_IP_UNKNOWN,),
        elastic_ip_parts,
    ),
    checked(
        RuleId.OWNER_TAG,
        RuleSeverity.CRITICAL,
        (elasticips.owner_consents,),
        (Code.OWNER_TAG_MISSING, Code.OWNER_TAG_OF_OTHER_STACK, Code.OWNER_TAG_MISSPELLED),
        _owned,
        needs=frozenset({Need.STACK}),
    ),
)
