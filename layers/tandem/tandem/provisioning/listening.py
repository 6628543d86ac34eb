"""Describes what is to be watched of a topology, and what its record keeps of what its route server shows.
Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tandem.errors import PassingError
from tandem.place import Place
from tandem.provisioning.listenapply import Half
from tandem.provisioning.listenplan import delivered_elsewhere, delivery_of
from tandem.provisioning.listensteps import Listening, Subscriber
from tandem.provisioning.manageapply import ConvergenceResult, reason_of
from tandem.provisioning.recording import Why, with_failure, with_pending, with_sessions, with_warnings
from tandem.reasons.provisioning import ProvisioningCode as Code
from tandem.reasons.reason import Reason, reason
from tandem.state.record import Provisioned, TopologyRecord
from tandem.topology.document import Topology
from tandem.topology.forwarding import forwarding_warnings
from tandem.topology.inventory import Inventory, RouteServerReading
from tandem.topology.problems import Problem
from tandem.topology.propagation import static_route_warnings
from tandem.topology.routeserver import route_server_warnings


@dataclass(frozen=True, slots=True)
class Stack:
    """Names this stack's functions and log group, which listen."""

    name: str
    place: Place
    subscribers: tuple[Subscriber, ...]
    log_group_arn: str
    role: str
    """The name of the provisioner's role: what it did is nobody's doing."""


def watched(
    record: TopologyRecord, others: tuple[TopologyRecord, ...], reading: RouteServerReading, stack: Stack
) -> Listening:
    """Returns what to listen to for the topology, beside the topics and peers that it has left."""
    spec, before = record.topology.route_server, record.provisioned or Provisioned("")
    topic_arn = reading.server.sns_topic_arn if spec.sns_notifications else None
    declared = _appliances_of(record.topology, reading) if spec.peer_logs else {}
    ready = [p.peer_id for p in reading.peers if p.peer_id in declared and p.state == "available"]
    return Listening(
        stack=stack.name,
        place=stack.place,
        subscribers=stack.subscribers,
        log_group_arn=stack.log_group_arn,
        topic_arn=topic_arn,
        logged_peer_ids=tuple(ready),
        left_topic_arns=_unused(_topics(before), {topic_arn, *_topics_of_all(others)}),
        left_peer_ids=_unused(before.log_deliveries or {}, {*declared, *_peers_of_all(others)}),
    )


def unwatched(record: TopologyRecord, others: Iterable[TopologyRecord], stack: Stack) -> Listening:
    """Returns nothing of the topology, only what others use."""
    before, others = record.provisioned or Provisioned(""), tuple(others)
    return Listening(
        stack=stack.name,
        place=stack.place,
        subscribers=stack.subscribers,
        log_group_arn=stack.log_group_arn,
        left_topic_arns=_unused(_topics(before), _topics_of_all(others)),
        left_peer_ids=_unused(before.log_deliveries or {}, _peers_of_all(others)),
    )


def provisioned_of(
    record: TopologyRecord,
    reading: RouteServerReading,
    desired: Listening,
    topics: Half,
    logs: Half,
    managed: ConvergenceResult,
    inventory: Inventory | None,
) -> Provisioned:
    """Returns what there is now; where a half could not be read or brought to its end, what was known of it
    stays.
    """
    before = record.provisioned or Provisioned("")
    waits = tuple(
        reason(Code.UNTIL_ACCEPTED, f"{f.call}: {f.code}", call=f.call, aws_code=f.code)
        for f in (managed.failure, topics.failure, logs.failure)
        if isinstance(f, PassingError)
    )
    deliveries = before.log_deliveries or {}
    if logs.shown is not None:
        peer_ids = dict.fromkeys((*desired.logged_peer_ids, *deliveries))
        shown = {peer_id: delivery_of(peer_id, desired, logs.shown) for peer_id in peer_ids}
        deliveries = {peer_id: found.delivery_id for peer_id, found in shown.items() if found is not None}
    why = why_of(managed, topics, logs)
    found = replace(
        managed.provisioned,
        route_server_id=reading.server.route_server_id,
        sns_topic_arn=desired.topic_arn,
        endpoint_ids=tuple(endpoint.endpoint_id for endpoint in reading.endpoints),
        peers=_appliances_of(record.topology, reading),
        log_deliveries=deliveries,
        left_topic_arns=desired.left_topic_arns if topics.failure else (),
        version=record.version,
    )
    found = with_sessions(found, _sessions_to_dial(record.topology, reading))
    found = with_failure(with_pending(found, managed.pending or (() if why else waits)), why)
    return with_warnings(found, _warnings(record.topology, reading, inventory, desired, logs))


def why_of(managed: ConvergenceResult, topics: Half, logs: Half) -> Why:
    """Returns why a run failed: a refusal that stays, or what keeps the managed route server."""
    refusals = (managed.failure, topics.failure, logs.failure)
    refused = next((f for f in refusals if f is not None and not isinstance(f, PassingError)), None)
    return managed.reason if refused is None else (reason_of(refused),)


def _warnings(
    topology: Topology,
    reading: RouteServerReading,
    inventory: Inventory | None,
    desired: Listening,
    logs: Half,
) -> Iterable[Reason | Problem]:
    yield from route_server_warnings(topology, Inventory(desired.place, desired.stack, reading))
    if inventory is not None:
        yield from static_route_warnings(topology, inventory)
        yield from forwarding_warnings(topology, inventory)
    found = set(_appliances_of(topology, reading).values())
    for name in topology.appliances:
        if name not in found:
            server_id = reading.server.route_server_id
            yield reason(Code.APPLIANCE_WITHOUT_PEER, name, route_server_id=server_id)
    for peer_id in desired.logged_peer_ids if logs.shown else ():
        elsewhere = delivered_elsewhere(peer_id, desired, logs.shown) if logs.shown else None
        if elsewhere is not None:
            yield reason(Code.LOGS_ELSEWHERE, peer_id, destination=elsewhere)


def _appliances_of(topology: Topology, reading: RouteServerReading) -> dict[str, str]:
    """Maps a peer ID to the appliance that declares the peer's address; a peer of nobody is left out."""
    owners = {address: name for name, a in topology.appliances.items() for address in a.peer_addresses}
    return {p.peer_id: owners[p.peer_address] for p in reading.peers if p.peer_address in owners}


def _sessions_to_dial(topology: Topology, reading: RouteServerReading) -> tuple[Reason, ...]:
    """Returns what each appliance has to be configured with. The subject has all of it, in no sentence."""
    owners, asn = _appliances_of(topology, reading), reading.server.amazon_side_asn
    dialled = {e.endpoint_id: e.address or "an endpoint without an address" for e in reading.endpoints}
    ours = sorted(
        (owners[p.peer_id], dialled.get(p.endpoint_id, p.endpoint_id), p)
        for p in reading.peers
        if p.peer_id in owners
    )
    return tuple(
        reason(
            Code.SESSION_TO_DIAL,
            f"{name} {p.peer_address} {p.asn} {to} {asn} {p.liveness}",
            appliance=name,
            address=p.peer_address,
            asn=p.asn,
            endpoint_address=to,
            server_asn=asn,
            liveness=str(p.liveness),
        )
        for name, to, p in ours
    )


def _topics(found: Provisioned) -> tuple[str, ...]:
    return tuple(arn for arn in (found.sns_topic_arn, *found.left_topic_arns) if arn)


def _topics_of_all(records: Iterable[TopologyRecord]) -> set[str]:
    return {r.provisioned.sns_topic_arn for r in records if r.provisioned and r.provisioned.sns_topic_arn}


def _peers_of_all(records: Iterable[TopologyRecord]) -> set[str]:
    return {peer for r in records if r.provisioned for peer in r.provisioned.log_deliveries or {}}


def _unused(before: Iterable[str], used: Iterable[str | None]) -> tuple[str, ...]:
    kept = set(used)
    return tuple(name for name in dict.fromkeys(before) if name not in kept)
