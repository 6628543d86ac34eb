"""One run of the provisioner: makes a topology watched, records what it found, tells what changed.

Level-triggered: every run starts from what AWS shows, so an interrupted or a repeated one needs no care.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from tandem.errors import ConfigurationError
from tandem.events import iso
from tandem.inventory import Inventory, RouteServerReading
from tandem.place import Place
from tandem.provisioning.actors import actor
from tandem.provisioning.manageapply import Outcome
from tandem.provisioning.ports import World
from tandem.provisioning.suspicions import suspicion_of_problem
from tandem.provisioning.telling import completed, differs, failed, reason_of, topology_change
from tandem.provisioning.watchapply import Half, converge_logs, converge_topics
from tandem.provisioning.watchplan import delivered_elsewhere, delivery_of
from tandem.provisioning.watchsteps import Subscriber, Watch
from tandem.record import Provisioned, TopologyRecord
from tandem.topology import Topology
from tandem.validation.forwarding import forwarding_warnings
from tandem.validation.routeserver import route_server_warnings
from tandem.validation.worldchecks import worldcheck

LEAVING = "it is being deleted, so nobody moves its addresses; storing its document again ends that"


@dataclass(frozen=True, slots=True)
class Stack:
    """Who watches: this stack's functions and log group."""

    name: str
    place: Place
    subscribers: tuple[Subscriber, ...]
    log_group_arn: str
    role: str
    """The name of the provisioner's role: what it did is nobody's doing."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run did to a topology."""

    record: TopologyRecord
    steps: tuple[str, ...] = ()
    failure: str | None = None

    @property
    def pending(self) -> tuple[str, ...]:
        """What it waits for; a run that neither waits nor has failed is done."""
        return self.record.provisioned.pending if self.record.provisioned else ()


def provision(
    record: TopologyRecord,
    others: Iterable[TopologyRecord],
    stack: Stack,
    world: World,
    outcome: Outcome | None = None,
) -> Run:
    """Makes the topology watched and records it; tells the bus where anything is new, a failure included.

    `others` are the other stored topologies: what they use stays. `outcome` is how far a managed one came.
    Raises TemporaryError, and with it ChangedMeanwhileError where another run was quicker.
    """
    began = world.clock.now()
    managed = outcome or Outcome(record, record.provisioned or Provisioned(""))
    route_server_id = managed.provisioned.route_server_id if outcome else ""
    route_server_id = route_server_id or record.topology.route_server.route_server_id or ""
    if outcome is not None and not route_server_id:
        return _told(record, unmade(outcome), Half(None), Half(None), managed, world)
    try:
        reading = world.route_servers.route_server(route_server_id)
        rests = reading is not None and not (managed.pending or managed.failure or managed.reason)
        inventory = world.route_servers.read(record.topology, stack.name, stack.place) if rests else None
    except ConfigurationError as error:
        return unreadable(record, str(error), world)
    if reading is None and outcome is not None:
        return _told(record, unmade(outcome), Half(None), Half(None), managed, world)
    if reading is None:
        gone = f"{route_server_id} is not known in {stack.place}: correct route_server.id and apply again"
        return unreadable(record, gone, world)
    desired = _desired(record, tuple(others), reading, stack)
    topics, logs = converge_topics(desired, world), converge_logs(desired, world)
    provisioned = _provisioned(record, reading, desired, topics, logs, managed, inventory)
    if inventory is not None:
        drift = _drift(record, reading, inventory, stack, world)
        since = _as_declared_at(record, managed, drift, began)
        provisioned = replace(provisioned, drift=drift, as_declared_at=since)
    return _told(record, provisioned, topics, logs, managed, world)


def _drift(
    record: TopologyRecord, reading: RouteServerReading, inventory: Inventory, stack: Stack, world: World
) -> tuple[str, ...]:
    """Tells, once, what differs from the document and is not Tandem's to repair."""
    found = worldcheck(record.topology, inventory, ())
    before = record.provisioned or Provisioned("")
    for problem in found:
        if str(problem) not in before.drift:
            now, suspicion = world.clock.now(), suspicion_of_problem(problem, record, reading)
            who = actor(suspicion, before.as_declared_at, stack.role, world.history, now)
            world.bus.put(differs(record, problem, who, now))
    return tuple(str(problem) for problem in found)


def _as_declared_at(
    record: TopologyRecord, managed: Outcome, drift: tuple[str, ...], now: datetime
) -> str | None:
    """New with a version, after a repair, and when a told difference is gone, whatever else stands."""
    before = record.provisioned or Provisioned("")
    stays = before.as_declared_at is not None and before.version == record.version
    stays = stays and before.converged_version == managed.provisioned.converged_version
    return before.as_declared_at if stays and set(before.drift) <= set(drift) else iso(now)


def unmade(outcome: Outcome) -> Provisioned:
    """Before there is a route server to watch."""
    failure = None if outcome.failure is None else reason_of(outcome.failure)
    return replace(
        outcome.provisioned,
        version=outcome.record.version,
        pending=outcome.pending,
        failure=failure or outcome.reason,
    )


def take_back(outcome: Outcome, others: Iterable[TopologyRecord], stack: Stack, world: World) -> Run:
    """The end of a run over a topology that is leaving: it is forgotten once nothing of it is left.

    Raises TemporaryError.
    """
    steps: tuple[str, ...] = ()
    if not (outcome.pending or outcome.failure or outcome.reason):
        run = forget(outcome.record, others, stack, world)
        if run.failure is None:
            return replace(run, steps=(*outcome.steps, *run.steps))
        outcome, steps = replace(outcome, reason=run.failure), run.steps
    outcome = replace(outcome, steps=(*outcome.steps, *steps))
    found = unmade(outcome)
    if found.failure is not None:
        found = replace(found, failure=f"{found.failure}; {LEAVING}")
    return _told(outcome.record, found, Half(None), Half(None), outcome, world)


def forget(record: TopologyRecord, others: Iterable[TopologyRecord], stack: Stack, world: World) -> Run:
    """Takes back what watched the topology, then its record; nothing else is touched.

    A call that fails leaves the record for the next try. Tells first: a run that is cut in between tells
    again instead of never. Raises TemporaryError.
    """
    found, others = record.provisioned or Provisioned(""), tuple(others)
    desired = Watch(
        stack=stack.name,
        place=stack.place,
        subscribers=stack.subscribers,
        log_group_arn=stack.log_group_arn,
        left_topic_arns=_unused(_topics(found), _topics_of_all(others)),
        left_peer_ids=_unused(found.log_deliveries or {}, _peers_of_all(others)),
    )
    topics, logs = converge_topics(desired, world), converge_logs(desired, world)
    failure = topics.failure or logs.failure
    if failure is None:
        world.bus.put(topology_change(record, "deleted", world.clock.now()))
        world.store.delete(record)
        return Run(replace(record, provisioned=None), (*topics.steps, *logs.steps))
    return Run(record, (*topics.steps, *logs.steps), reason_of(failure))


def appliances_of(topology: Topology, reading: RouteServerReading) -> dict[str, str]:
    """Peer ID to the appliance that declares the peer's address; a peer of nobody is left out."""
    owners = {address: name for name, a in topology.appliances.items() for address in a.peer_addresses}
    return {p.peer_id: owners[p.peer_address] for p in reading.peers if p.peer_address in owners}


def sessions_of(topology: Topology, reading: RouteServerReading) -> tuple[str, ...]:
    """What each appliance has to be configured with, a session to a line."""
    owners, asn = appliances_of(topology, reading), reading.server.amazon_side_asn
    dialled = {e.endpoint_id: e.address or "an endpoint without an address" for e in reading.endpoints}
    ours = sorted(
        (owners[p.peer_id], dialled.get(p.endpoint_id, p.endpoint_id), p)
        for p in reading.peers
        if p.peer_id in owners
    )
    return tuple(
        f"{name}: {p.peer_address} (ASN {p.asn}) dials {to} (ASN {asn}), {p.liveness}" for name, to, p in ours
    )


def _desired(
    record: TopologyRecord, others: tuple[TopologyRecord, ...], reading: RouteServerReading, stack: Stack
) -> Watch:
    spec, before = record.topology.route_server, record.provisioned or Provisioned("")
    topic_arn = reading.server.sns_topic_arn if spec.sns_notifications else None
    declared = appliances_of(record.topology, reading) if spec.peer_logs else {}
    ready = [p.peer_id for p in reading.peers if p.peer_id in declared and p.state == "available"]
    return Watch(
        stack=stack.name,
        place=stack.place,
        subscribers=stack.subscribers,
        log_group_arn=stack.log_group_arn,
        topic_arn=topic_arn,
        logged_peer_ids=tuple(ready),
        left_topic_arns=_unused(_topics(before), {topic_arn, *_topics_of_all(others)}),
        left_peer_ids=_unused(before.log_deliveries or {}, {*declared, *_peers_of_all(others)}),
    )


def _provisioned(
    record: TopologyRecord,
    reading: RouteServerReading,
    desired: Watch,
    topics: Half,
    logs: Half,
    managed: Outcome,
    inventory: Inventory | None,
) -> Provisioned:
    """What there is now; where a half could not be read or brought to its end, what was known of it stays."""
    before = record.provisioned or Provisioned("")
    failure = managed.failure or topics.failure or logs.failure
    deliveries = before.log_deliveries or {}
    if logs.shown is not None:
        peer_ids = dict.fromkeys((*desired.logged_peer_ids, *deliveries))
        shown = {peer_id: delivery_of(peer_id, desired, logs.shown) for peer_id in peer_ids}
        deliveries = {peer_id: found.delivery_id for peer_id, found in shown.items() if found is not None}
    return replace(
        managed.provisioned,
        route_server_id=reading.server.route_server_id,
        sns_topic_arn=desired.topic_arn,
        endpoint_ids=tuple(endpoint.endpoint_id for endpoint in reading.endpoints),
        peers=appliances_of(record.topology, reading),
        sessions=sessions_of(record.topology, reading),
        log_deliveries=deliveries,
        left_topic_arns=desired.left_topic_arns if topics.failure else (),
        version=record.version,
        pending=managed.pending,
        failure=managed.reason if failure is None else reason_of(failure),
        warnings=tuple(_warnings(record.topology, reading, inventory, desired, logs)),
    )


def _warnings(
    topology: Topology,
    reading: RouteServerReading,
    inventory: Inventory | None,
    desired: Watch,
    logs: Half,
) -> Iterable[str]:
    yield from route_server_warnings(topology, Inventory(desired.place, desired.stack, reading))
    yield from () if inventory is None else forwarding_warnings(topology, inventory)
    found = set(appliances_of(topology, reading).values())
    for name in topology.appliances:
        if name not in found:
            yield f"{name} has no peer on {reading.server.route_server_id}: it can own no route"
    for peer_id in desired.logged_peer_ids if logs.shown else ():
        elsewhere = delivered_elsewhere(peer_id, desired, logs.shown) if logs.shown else None
        if elsewhere is not None:
            yield (
                f"the logs of {peer_id} go to {elsewhere} already, and a source delivers to one log group "
                "only: Tandem sees none of them"
            )


def _told(
    record: TopologyRecord, provisioned: Provisioned, topics: Half, logs: Half, managed: Outcome, world: World
) -> Run:
    """Tells first and records then: a run that is cut in between tells again instead of never."""
    steps = (*managed.steps, *topics.steps, *logs.steps)
    failure = managed.failure or topics.failure or logs.failure
    if not steps and provisioned == record.provisioned:
        return Run(record, steps, provisioned.failure)
    now = world.clock.now()
    if not provisioned.pending and provisioned.failure is None:
        is_reached = record.provisioned is None or record.provisioned.converged_version != record.version
        made = provisioned.done if is_reached else managed.steps
        world.bus.put(completed(record, provisioned, (*made, *topics.steps, *logs.steps), now))
    elif not provisioned.pending and (
        steps or record.provisioned is None or record.provisioned.failure != provisioned.failure
    ):
        world.bus.put(failed(record, provisioned, steps, failure, now))
    return Run(world.store.set_provisioned(record, provisioned), steps, provisioned.failure)


def unreadable(record: TopologyRecord, reason: str, world: World) -> Run:
    """The route server cannot be read: what was provisioned stays as it was, with the reason."""
    before = record.provisioned or Provisioned(record.topology.route_server.route_server_id or "")
    provisioned = replace(before, version=record.version, failure=reason, pending=())
    if provisioned == record.provisioned:
        return Run(record, (), reason)
    world.bus.put(failed(record, provisioned, (), None, world.clock.now()))
    return Run(world.store.set_provisioned(record, provisioned), (), reason)


def _topics(found: Provisioned) -> tuple[str, ...]:
    return tuple(arn for arn in (found.sns_topic_arn, *found.left_topic_arns) if arn)


def _topics_of_all(records: Iterable[TopologyRecord]) -> set[str]:
    return {r.provisioned.sns_topic_arn for r in records if r.provisioned and r.provisioned.sns_topic_arn}


def _peers_of_all(records: Iterable[TopologyRecord]) -> set[str]:
    return {peer for r in records if r.provisioned for peer in r.provisioned.log_deliveries or {}}


def _unused(before: Iterable[str], used: Iterable[str | None]) -> tuple[str, ...]:
    kept = set(used)
    return tuple(name for name in dict.fromkeys(before) if name not in kept)
