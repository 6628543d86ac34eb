"""Whether everything still belongs to whom it should: tags, services, prefixes, and who changes things."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from tandem.compliance.checks import Part, checked, otherwise
from tandem.compliance.rule import Result, Rule, RuleSeverity
from tandem.compliance.rules.targets import elastic_ip_parts, target_interface_parts
from tandem.compliance.snapshot import Need, NotRead, Snapshot, known
from tandem.reasons.compliance import CheckCode, RuleId
from tandem.reasons.documents import ProblemCode as Code
from tandem.signals.calls import Call
from tandem.topology.consent import network_warnings, networks
from tandem.topology.document import Topology
from tandem.topology.elasticips import elastic_ips_exist
from tandem.topology.forwarding import forwarding_warnings, forwards
from tandem.topology.inventory import Inventory
from tandem.topology.problems import path_of

MOVES = frozenset({"AssociateAddress", "DisassociateAddress", "ReleaseAddress"})
"""Calls that give an Elastic IP to somebody, or take it away."""


def _networks(topology: Topology, inventory: Inventory) -> Iterator[Part]:
    """Yields the VPC, subnets and tables that AWS shows and a managed route server enters, each once."""
    there = {*inventory.subnets, *inventory.route_tables, *inventory.vpc_ids}
    for resource_id, where in {id_: where for where, id_ in networks(topology)}.items():
        if resource_id in there:
            yield Part(resource_id, (where,), (resource_id,))


def _unread_tags(snapshot: Snapshot) -> dict[str, Result]:
    """A network whose tags nobody may read is left to IAM, and is not known to have its owner's tag."""
    consents = known(snapshot.inventory).consents
    return {
        id_: Result.unknown(id_, "its tags cannot be read (ec2:DescribeTags)", where)
        for where, id_ in networks(snapshot.topology)
        if id_ not in consents
    }


def _with_service(topology: Topology, inventory: Inventory) -> Iterator[Part]:
    yield from elastic_ip_parts(topology, inventory)
    for part in target_interface_parts(topology, inventory):
        if part.resource in {*inventory.interfaces, *inventory.unknown}:
            yield part


def _interfaces_of_services(snapshot: Snapshot) -> dict[str, Result]:
    return {
        id_: Result.failed(id_, CheckCode.INTERFACE_OF_SERVICE, None, service=interface.service)
        for id_, interface in known(snapshot.inventory).interfaces.items()
        if interface.service is not None
    }


def _forwarding(topology: Topology, inventory: Inventory) -> Iterator[Part]:
    """Yields each interface through which an appliance forwards."""
    declared = frozenset(topology.target_interface_ids)
    for interface in inventory.interfaces.values():
        if any(forwards(a, interface, declared) for a in topology.appliances.values()):
            yield Part(interface.network_interface_id, (), (interface.network_interface_id,))


def _unshown_checks(snapshot: Snapshot) -> dict[str, Result]:
    return {
        id_: Result.unknown(id_, "AWS shows no SourceDestCheck of it")
        for id_, interface in known(snapshot.inventory).interfaces.items()
        if interface.source_dest_check is None
    }


def allowed_only(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each appliance that declares allowed_prefixes by what its peers advertise."""
    observation = known(snapshot.observation)
    database = snapshot.database
    for name, appliance in snapshot.topology.appliances.items():
        if appliance.allowed_prefixes is None:
            continue
        place = path_of(["appliances", name, "allowed_prefixes"])
        peers = {p.peer_id for p in observation.peers if p.peer_address in appliance.peer_addresses}
        routes = [route for route in database.routes if route.peer_id in peers]
        strange = sorted({r.prefix for r in routes} - set(appliance.allowed_prefixes))
        doubt = next(iter((*database.unread, *observation.unknown.peers.values())), None)
        if doubt is None and any(not route.peer_id for route in database.routes):
            doubt = "a route does not show which peer advertises it"
        if strange:
            yield Result.failed(
                name, CheckCode.ADVERTISES_MORE, place, appliance=name, prefixes=tuple(strange[:NAMED])
            )
        elif doubt is not None:
            yield Result.unknown(name, doubt, place)
        else:
            yield Result.passed(name, place)


NAMED = 10
"""So many prefixes are named."""


def one_mover(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each Elastic IP by the newest call of another caller than the stack that moved it."""
    yield from _by_resource(snapshot, _addresses(snapshot), MOVES.__contains__)


def no_foreign_change(snapshot: Snapshot) -> Iterator[Result]:
    """Judges the route server, declared tables and target interfaces, and what Tandem manages, in the same
    way.
    """
    yield from _by_resource(snapshot, _changeable(snapshot), lambda name: name not in MOVES)


def no_pipeline(snapshot: Snapshot) -> Iterator[Result]:
    """Judges the same resources by calls of tools that apply a template: the next run takes it back."""
    yield from _by_resource(snapshot, _addresses(snapshot), MOVES.__contains__, by_tool=True)
    yield from _by_resource(snapshot, _changeable(snapshot), lambda name: name not in MOVES, by_tool=True)


def _addresses(snapshot: Snapshot) -> set[str]:
    return {part.resource for part in elastic_ip_parts(snapshot.topology, known(snapshot.inventory))}


def _changeable(snapshot: Snapshot) -> set[str]:
    """Returns the route server, the declared tables and target interfaces; of a managed route server also its
    endpoints and peers.

    A deleted peer is of interest only to a call that names it.
    """
    topology, inventory = snapshot.topology, known(snapshot.inventory)
    resources = {*topology.route_server.propagate_to, *topology.target_interface_ids}
    resources |= {topology.route_server.route_server_id or ""} - {""}
    reading = inventory.reading if topology.manage else None
    if reading is None:
        return resources
    named = {id_ for call in known(snapshot.changes).calls for id_ in call.resource_ids}
    there = {p.peer_id for p in reading.peers} | {e.endpoint_id for e in reading.endpoints}
    return resources | there | {peer_id for peer_id in reading.gone_peers if peer_id in named}


def _foreign(snapshot: Snapshot) -> Iterator[Call]:
    """Yields the calls that no role of the stack made: CloudFormation begins their names with the stack's.

    Whoever moved an address before the topology was stored in its mode is no second mover.
    """
    stack, since = known(snapshot.inventory).stack, _stored_at(snapshot)
    for call in known(snapshot.changes).calls:
        if since is not None and call.at < since:
            continue
        if call.role is None or not call.role.startswith(f"{stack}-"):
            yield call


def _stored_at(snapshot: Snapshot) -> datetime | None:
    """Returns since when the topology is in its mode; None if nobody knows."""
    stack = snapshot.stack
    since = None if isinstance(stack, NotRead) else stack.mode_since
    return None if isinstance(since, NotRead) else since


def _names(call: Call, resource: str, inventory: Inventory) -> bool:
    """Says if the call is about the resource. An Elastic IP is named by its allocation, by its public
    address, or, where it is taken away, by the association that it still has.
    """
    if resource in call.resource_ids:  # calls about a table or an endpoint name the route server beside it
        return not resource.startswith("rs-") or call.name == "ModifyRouteServer"
    address = inventory.elastic_ips.get(resource)
    if address is None:
        return False
    by_association = address.holder is not None and address.holder.association_id in call.resource_ids
    return by_association or f'"{address.public_ip}"' in call.request


def _by_resource(
    snapshot: Snapshot, resources: set[str], counts: Callable[[str], bool], *, by_tool: bool = False
) -> Iterator[Result]:
    """Judges each resource by the newest call whose name counts. Where CloudTrail has more of those than were
    read, and none of those read is about the resource, nobody knows.
    """
    inventory = known(snapshot.inventory)
    cut = sorted(name for name in known(snapshot.changes).cut if counts(name))
    calls = [c for c in _foreign(snapshot) if counts(c.name) and (c.tool is not None) is by_tool]
    calls.sort(key=lambda call: call.at, reverse=True)
    instances = {a.instance_id: name for name, a in snapshot.topology.appliances.items() if a.instance_id}
    for resource in sorted(resources):
        call = next((call for call in calls if _names(call, resource, inventory)), None)
        if call is None and cut:
            yield Result.unknown(resource, f"CloudTrail has more calls of {', '.join(cut)} than were read")
            continue
        if call is None:
            yield Result.passed(resource)
            continue
        # an instance's role has the instance's ID as session name (docs/aws-facts.md#cloudtrail-callers)
        appliance = instances.get(call.actor.rpartition("/")[2])
        name, actor, at = call.name, call.actor, call.at
        if call.tool is not None:
            tool = call.tool
            yield Result.failed(
                resource, CheckCode.CHANGED_BY_TOOL, None, tool=tool, call=name, actor=actor, at=at
            )
        elif appliance is not None:
            role = call.role
            yield Result.failed(
                resource,
                CheckCode.CHANGED_BY_APPLIANCE,
                None,
                appliance=appliance,
                role=role,
                call=name,
                at=at,
            )
        else:
            yield Result.failed(resource, CheckCode.CHANGED_BY_OTHER, None, call=name, actor=actor, at=at)


RULES = (
    otherwise(
        checked(
            RuleId.NETWORK_OWNER_TAG,
            RuleSeverity.MEDIUM,
            (network_warnings,),
            (Code.NETWORK_WITHOUT_CONSENT,),
            _networks,
            needs=frozenset({Need.STACK}),
        ),
        _unread_tags,
    ),
    otherwise(
        checked(
            RuleId.NO_SERVICE_MANAGES,
            RuleSeverity.CRITICAL,
            (elastic_ips_exist,),
            (Code.ELASTIC_IP_OF_SERVICE,),
            _with_service,
        ),
        _interfaces_of_services,
    ),
    otherwise(
        checked(
            RuleId.SOURCE_DEST_CHECK_OFF,
            RuleSeverity.CRITICAL,
            (forwarding_warnings,),
            (Code.SOURCE_DEST_CHECK_ON,),
            _forwarding,
        ),
        _unshown_checks,
    ),
    Rule(RuleId.ALLOWED_PREFIXES_ONLY, RuleSeverity.HIGH, allowed_only),
    Rule(RuleId.ONE_MOVER, RuleSeverity.HIGH, one_mover, at_once=True),
    Rule(RuleId.NO_PIPELINE, RuleSeverity.MEDIUM, no_pipeline, at_once=True),
    Rule(RuleId.NO_FOREIGN_CHANGE, RuleSeverity.LOW, no_foreign_change, at_once=True),
)
