"""Whether everything still belongs to whom it should: tags, services, prefixes, and who changes things."""

from __future__ import annotations

from collections.abc import Iterator
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

MOVES = "AssociateAddress"


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
    calls = [c for c in _foreign(snapshot) if c.name == MOVES and c.tool is None]
    yield from _by_resource(snapshot, calls, {part.resource for part in _addresses(snapshot)})


def no_foreign_change(snapshot: Snapshot) -> Iterator[Result]:
    """Judges declared route tables, and the peers of a managed route server, in the same way."""
    calls = [c for c in _foreign(snapshot) if c.name != MOVES and c.tool is None]
    yield from _by_resource(snapshot, calls, _changeable(snapshot, calls))


def no_pipeline(snapshot: Snapshot) -> Iterator[Result]:
    """Judges the same resources by calls of tools that apply a template: the next run takes it back."""
    calls = [call for call in _foreign(snapshot) if call.tool is not None]
    resources = _changeable(snapshot, calls) | {part.resource for part in _addresses(snapshot)}
    yield from _by_resource(snapshot, calls, resources)


def _addresses(snapshot: Snapshot) -> Iterator[Part]:
    yield from elastic_ip_parts(snapshot.topology, known(snapshot.inventory))


def _changeable(snapshot: Snapshot, calls: list[Call]) -> set[str]:
    """Returns the declared tables; of a managed route server also what its peers' calls name.

    A deleted peer is of interest only to a call that names it.
    """
    topology, inventory = snapshot.topology, known(snapshot.inventory)
    tables = set(topology.route_server.propagate_to)
    reading = inventory.reading if topology.manage else None
    if reading is None:
        return tables
    gone = {peer_id for peer_id in reading.gone_peers if any(peer_id in c.resource_ids for c in calls)}
    there = {p.peer_id for p in reading.peers} | {e.endpoint_id for e in reading.endpoints}
    return tables | there | gone


def _foreign(snapshot: Snapshot) -> Iterator[Call]:
    """Yields the calls that no role of the stack made: CloudFormation begins their names with the stack's.

    Whoever moved an address before the topology was stored in its mode is no second mover.
    """
    stack, since = known(snapshot.inventory).stack, _stored_at(snapshot)
    for call in known(snapshot.changes):
        if since is not None and call.at < since:
            continue
        if call.role is None or not call.role.startswith(f"{stack}-"):
            yield call


def _stored_at(snapshot: Snapshot) -> datetime | None:
    """Returns since when the topology is in its mode; None if nobody knows."""
    stack = snapshot.stack
    since = None if isinstance(stack, NotRead) else stack.mode_since
    return None if isinstance(since, NotRead) else since


def _by_resource(snapshot: Snapshot, calls: list[Call], resources: set[str]) -> Iterator[Result]:
    instances = {a.instance_id: name for name, a in snapshot.topology.appliances.items() if a.instance_id}
    for resource in sorted(resources):
        call = next((call for call in calls if resource in call.resource_ids), None)
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
    Rule(RuleId.ONE_MOVER, RuleSeverity.HIGH, one_mover),
    Rule(RuleId.NO_PIPELINE, RuleSeverity.MEDIUM, no_pipeline),
    Rule(RuleId.NO_FOREIGN_CHANGE, RuleSeverity.LOW, no_foreign_change),
)
