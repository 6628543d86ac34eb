"""Which calls can have caused a difference: of a step that repairs it, or of a problem that is only told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tandem.awsevents import identifiers
from tandem.inventory import RouteServerReading
from tandem.problems import Problem
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
from tandem.record import Provisioned, TopologyRecord
from tandem.tags import OWNER_TAG

CHECKS_ON = ("ModifyNetworkInterfaceAttribute", "ResetNetworkInterfaceAttribute", "ModifyInstanceAttribute")

OPPOSITE = {
    AssociateVpc: "DisassociateRouteServer",
    EnablePropagation: "DisableRouteServerPropagation",
    DisablePropagation: "EnableRouteServerPropagation",
}

WATCHED: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"appliances.*[.]peers[.]"), ("DeleteRouteServerPeer",)),
    (re.compile(r"appliances.*[.]instance_id$"), ("TerminateInstances",)),
    (re.compile(r"route_server[.]endpoints[.]"), ("DeleteRouteServerEndpoint",)),
    (re.compile(r"route_server[.]propagate_to"), ("DisableRouteServerPropagation", "DeleteRouteTable")),
    (re.compile(r"route_server[.](sns_notifications|persist_routes)$"), ("ModifyRouteServer",)),
    (re.compile(r"route_server[.]id$"), ("DisassociateRouteServer",)),
    (re.compile(r"groups.*[.]allocation_id$"), ("ReleaseAddress",)),
    (re.compile(r"groups.*[.]network_interface$"), ("DeleteNetworkInterface",)),
    (re.compile(r"groups.*[.]private_ip$"), ("UnassignPrivateIpAddresses", "AssociateAddress")),
)
"""Where a problem is, and what can have brought it about."""


def suspicion_of_step(step: Step, record: TopologyRecord) -> Suspicion:
    """What Tandem puts right now; empty where only AWS can have done it, as with a failed endpoint."""
    found = record.provisioned or Provisioned("")
    match step.do:
        case CreateRouteServer() | CreateEndpoint() | CreatePeer():
            return _deletion(step.do, found)
        case AssociateVpc() | EnablePropagation() | DisablePropagation():
            both = frozenset({found.route_server_id, step.do.about})
            return Suspicion((OPPOSITE[type(step.do)],), (both,))
        case ModifyRouteServer():
            persist = ("persistroutes",) if step.do.persist else ()
            notifies = () if step.do.notifies is None else ("snsnotificationsenabled",)
            return Suspicion(("ModifyRouteServer",), _each([step.do.about]), (*persist, *notifies))
        case DisableSourceDestCheck():
            instance_id = record.topology.appliances[step.do.appliance].instance_id or ""
            return Suspicion(CHECKS_ON, _each([step.do.about, instance_id]), ("sourcedestcheck",))
        case SetTags():
            return Suspicion(TAGGING, _each([step.do.about]))
    untagged = step.refused.untagged if step.refused is not None else None
    return Suspicion(TAGGING, _each([untagged])) if untagged else Suspicion()


def _deletion(made: CreateRouteServer | CreateEndpoint | CreatePeer, found: Provisioned) -> Suspicion:
    """What is gone is known from what was recorded; of an appliance's peers any may be."""
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
    """What Tandem only watches. What is gone is known from what was recorded."""
    named = identifiers(problem.what)
    if OWNER_TAG in problem.right:
        return Suspicion(TAGGING, _each(named))
    names = next((names for where, names in WATCHED if where.match(problem.path)), ())
    match names:
        case ("DeleteRouteServerPeer",):
            return Suspicion(names, _each(_gone_peers(problem, record, reading)))
        case ("DeleteRouteServerEndpoint",):
            there = {endpoint.endpoint_id for endpoint in reading.endpoints}
            before = record.provisioned.endpoint_ids if record.provisioned else ()
            return Suspicion(names, _each(e for e in before if e not in there))
        case ("ModifyRouteServer",):
            setting = problem.path.rpartition(".")[2].replace("_", "")
            return Suspicion(names, _each(named), (setting,))
        case _:
            return Suspicion(names, _each(named))


def _gone_peers(problem: Problem, record: TopologyRecord, reading: RouteServerReading) -> Iterator[str]:
    there = {peer.peer_id for peer in reading.peers}
    before = record.provisioned.peers if record.provisioned else None
    for peer_id, appliance in (before or {}).items():
        if peer_id not in there and problem.path.startswith(f"appliances.{appliance}."):
            yield peer_id


def _each(ids: Iterable[str | None]) -> tuple[frozenset[str], ...]:
    return tuple(frozenset({i}) for i in ids if i)
