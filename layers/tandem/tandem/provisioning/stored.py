"""Between the state table and a plan: what a stored topology wants, and what is stored of what was found."""

from __future__ import annotations

from dataclasses import replace

from tandem.provisioning.dismantling import dismantling_plan
from tandem.provisioning.endpointplan import match
from tandem.provisioning.managed import ROUTE_SERVER, Desired, Observed, server_of
from tandem.provisioning.manageplan import plan
from tandem.provisioning.managesteps import Step
from tandem.provisioning.ports import ProvisionerPorts
from tandem.provisioning.recording import codes_of
from tandem.state.record import Provisioned, TopologyRecord


def desired_of(record: TopologyRecord, stack: str) -> Desired:
    """Returns what a stored topology wants, with what earlier runs recorded."""
    found = record.provisioned or Provisioned("")
    former = dict(found.endpoints or {})
    if found.route_server_id:
        former[ROUTE_SERVER] = found.route_server_id
    adopts = record.topology.document.get("route_server", {}).get("id")
    return Desired(
        topology=record.topology,
        stack=stack,
        adopts=adopts,
        may_interrupt=record.may_interrupt,
        former=former,
        failed=codes_of(found).failed if goes_on(record) else (),
        gone=found.gone,
        propagated=found.propagated_to if adopts in (None, found.route_server_id) else (),
    )


def goes_on(record: TopologyRecord) -> bool:
    """Returns True if a run has begun on this version and has not reached it yet."""
    found = record.provisioned
    return found is not None and found.version == record.version != found.converged_version


def steps_of(record: TopologyRecord, desired: Desired, observed: Observed) -> tuple[Step, ...]:
    """Returns the way to what the topology says, or, if it is leaving, back to where nothing is left of
    it.
    """
    there = replace(
        observed,
        associations=tuple(a for a in observed.associations if a[0] not in desired.gone),
        propagations=tuple(p for p in observed.propagations if p[0] not in desired.gone),
    )
    return (dismantling_plan if record.is_leaving else plan)(desired, there)


def plan_of(record: TopologyRecord, stack: str, world: ProvisionerPorts) -> tuple[Step, ...]:
    """Returns what a run over the topology would do now. Raises as `observe` does."""
    desired = desired_of(record, stack)
    return steps_of(record, desired, world.managed.observe(desired))


def found_of(record: TopologyRecord, desired: Desired, observed: Observed) -> Provisioned:
    """Returns what is there by now; what is gone keeps its last ID, for the client token of its successor."""
    before = record.provisioned or Provisioned("")
    server = server_of(desired, observed.servers)
    if server is None:
        return before
    matched = match(desired, observed).by_name
    named = {name: endpoint.endpoint_id for name, endpoint in matched.items()}
    kept = (before.endpoints or {}) | named
    names = [name for name, _ in record.topology.route_server.endpoints]
    propagated = {table for table, _ in observed.propagations}
    wanted = record.topology.route_server.propagate_to
    return replace(
        before,
        route_server_id=server.route_server_id,
        server_begun_at=None,
        endpoint_ids=tuple(named.values()),
        endpoints={name: kept[name] for name in names if name in kept},
        endpoint_addresses={name: e.address for name, e in matched.items() if e.address},
        gone=tuple(i for i in before.gone if i in propagated | dict(observed.associations).keys()),
        propagated_to=tuple(t for t in desired.propagated if t in propagated or t in wanted),
    )
