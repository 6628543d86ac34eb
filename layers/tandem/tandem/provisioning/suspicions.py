"""Describes which calls can have caused a difference: of a step that repairs it, or of a problem that is
only reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tandem.provisioning.actors import TAGGING, Suspicion
from tandem.provisioning.managesteps import (
    AssociateVpc,
    CreateEndpoint,
    CreatePeer,
    CreateRouteServer,
    DisablePropagation,
    DisableSourceDestCheck,
    EnablePropagation,
    ModifyRouteServer,
    SetTags,
    Step,
)
from tandem.reasons.documents import ProblemCode as Code
from tandem.state.record import Provisioned, TopologyRecord
from tandem.topology.inventory import RouteServerReading
from tandem.topology.problems import CONSENT, Problem

_CHECKS_ON = ("ModifyNetworkInterfaceAttribute", "ResetNetworkInterfaceAttribute", "ModifyInstanceAttribute")

_OPPOSITE = {
    AssociateVpc: "DisassociateRouteServer",
    EnablePropagation: "DisableRouteServerPropagation",
    DisablePropagation: "EnableRouteServerPropagation",
}

_PEER_GONE = frozenset({Code.PEER_NOT_SHOWN, Code.PEER_ADDRESS_ELSEWHERE})
_ENDPOINT_GONE = frozenset({Code.ENDPOINT_NOT_SHOWN, Code.SUBNET_UNKNOWN, Code.SUBNET_OUTSIDE_VPC})

_SETTINGS: dict[str, str] = {
    Code.NOTIFICATIONS_OFF: "snsnotifications",
    Code.PERSISTENCE_DIFFERS: "persistroutes",
}
"""The member of ModifyRouteServer's request that brings a difference about."""

_DISASSOCIATED = ("DisassociateRouteServer",)
_PROPAGATION_OFF = ("DisableRouteServerPropagation", "DeleteRouteTable")
_INTERFACE_DELETED = ("DeleteNetworkInterface",)
_ADDRESS_TAKEN = ("UnassignPrivateIpAddresses", "AssociateAddress")

_CALLS: dict[str, tuple[str, ...]] = {
    Code.INSTANCE_UNKNOWN: ("TerminateInstances",),
    Code.INSTANCE_TERMINATED: ("TerminateInstances",),
    Code.ROUTE_SERVER_UNKNOWN: _DISASSOCIATED,
    Code.ROUTE_SERVER_WITHOUT_VPC: _DISASSOCIATED,
    Code.TABLE_UNKNOWN: _PROPAGATION_OFF,
    Code.TABLE_NOT_PROPAGATED: _PROPAGATION_OFF,
    Code.ELASTIC_IP_UNKNOWN: ("ReleaseAddress",),
    Code.ELASTIC_IP_OF_SERVICE: ("ReleaseAddress",),
    Code.INTERFACE_UNKNOWN: _INTERFACE_DELETED,
    Code.INTERFACE_GONE_WITH_INSTANCE: _INTERFACE_DELETED,
    Code.INTERFACE_DETACHED: _INTERFACE_DELETED,
    Code.INTERFACE_DETACHED_FROM_LOST: _INTERFACE_DELETED,
    Code.INTERFACE_OF_OTHER_INSTANCE: _INTERFACE_DELETED,
    Code.PRIVATE_IP_MISSING: _ADDRESS_TAKEN,
    Code.PRIVATE_IP_ELSEWHERE: _ADDRESS_TAKEN,
    Code.PRIVATE_IP_OUTSIDE_SUBNET: _ADDRESS_TAKEN,
    Code.PRIVATE_IP_HAS_ELASTIC_IP: _ADDRESS_TAKEN,
    Code.PRIVATE_IP_HAS_PUBLIC_IP: _ADDRESS_TAKEN,
}
"""What can have brought a difference about."""


def suspicion_of_step(step: Step, record: TopologyRecord) -> Suspicion:
    """Returns the suspicion of a repair; empty if only AWS can have done it, as with a failed endpoint."""
    found = record.provisioned or Provisioned("")
    match step.do:
        case CreateRouteServer() | CreateEndpoint() | CreatePeer():
            return _deletion(step.do, found)
        case AssociateVpc() | EnablePropagation() | DisablePropagation():
            both = frozenset({found.route_server_id, step.do.about})
            return Suspicion((_OPPOSITE[type(step.do)],), (both,))
        case ModifyRouteServer():
            persist = ("persistroutes",) if step.do.persist else ()
            notifies = () if step.do.notifies is None else ("snsnotificationsenabled",)
            return Suspicion(("ModifyRouteServer",), _each([step.do.about]), (*persist, *notifies))
        case DisableSourceDestCheck():
            instance_id = record.topology.appliances[step.do.appliance].instance_id or ""
            return Suspicion(_CHECKS_ON, _each([step.do.about, instance_id]), ("sourcedestcheck",))
        case SetTags():
            return Suspicion(TAGGING, _each([step.do.about]))
    untagged = step.refused.untagged if step.refused is not None else None
    return Suspicion(TAGGING, _each([untagged])) if untagged else Suspicion()


def _deletion(made: CreateRouteServer | CreateEndpoint | CreatePeer, found: Provisioned) -> Suspicion:
    """Returns the suspicion of a deletion: the record names what is gone; of an appliance's peers any may
    be.
    """
    match made:
        case CreateRouteServer():
            return Suspicion(("DeleteRouteServer", *TAGGING), _each([found.route_server_id]))
        case CreateEndpoint():
            lost = (found.endpoints or {}).get(made.about)
            return Suspicion(("DeleteRouteServerEndpoint",), _each([lost]))
        case CreatePeer():
            theirs = [i for i, appliance in (found.peers or {}).items() if appliance == made.appliance]
            return Suspicion(("DeleteRouteServerPeer",), _each(theirs))


def suspicion_of_problem(problem: Problem, record: TopologyRecord, reading: RouteServerReading) -> Suspicion:
    """Returns the suspicion of a difference that Tandem leaves alone. The record names what is gone."""
    if problem.code in CONSENT:
        return Suspicion(TAGGING, _each(problem.ids))
    if problem.code in _PEER_GONE:
        return Suspicion(("DeleteRouteServerPeer",), _each(_gone_peers(problem, record, reading)))
    if problem.code in _ENDPOINT_GONE:
        there = {endpoint.endpoint_id for endpoint in reading.endpoints}
        before = record.provisioned.endpoint_ids if record.provisioned else ()
        return Suspicion(("DeleteRouteServerEndpoint",), _each(e for e in before if e not in there))
    if problem.code in _SETTINGS:
        return Suspicion(("ModifyRouteServer",), _each(problem.ids), (_SETTINGS[problem.code],))
    return Suspicion(_CALLS.get(problem.code, ()), _each(problem.ids))


def _gone_peers(problem: Problem, record: TopologyRecord, reading: RouteServerReading) -> Iterator[str]:
    there = {peer.peer_id for peer in reading.peers}
    before = record.provisioned.peers if record.provisioned else None
    for peer_id, appliance in (before or {}).items():
        if peer_id not in there and appliance == dict(problem.reason.facts).get("appliance"):
            yield peer_id


def _each(ids: Iterable[str | None]) -> tuple[frozenset[str], ...]:
    return tuple(frozenset({i}) for i in ids if i)
