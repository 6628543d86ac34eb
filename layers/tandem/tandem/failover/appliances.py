"""Resolves interfaces to declared appliances, and says whose instance runs."""

from __future__ import annotations

from tandem.model import Observation
from tandem.topology.document import Appliance, Topology


def appliance_at(interface_id: str, topology: Topology, observation: Observation) -> str | None:
    """Returns the appliance behind an interface: by attachment, else by the targets that declare it."""
    interface = (observation.interfaces or {}).get(interface_id)
    for name, appliance in topology.appliances.items():
        if interface is not None and interface.instance_id and interface.instance_id == appliance.instance_id:
            return name
    declared = (
        name
        for group in topology.groups
        for address in group.elastic_ips
        for name, target in address.targets.items()
        if target.network_interface_id == interface_id
    )
    return next(declared, None)


def not_running(appliance: Appliance, observation: Observation) -> str | None:
    """Returns the state of an instance that does not run; None if it runs, or nobody knows."""
    state = instance_state(appliance, observation)
    return None if state == "running" else state


def instance_state(appliance: Appliance, observation: Observation) -> str | None:
    """Returns the state of the appliance's instance, `gone` if AWS does not know it; None if it has none, or
    its state cannot be read.
    """
    id_, states = appliance.instance_id, observation.instance_states
    if id_ is None or states is None or id_ in observation.unknown.instances:
        return None
    return states.get(id_, "gone")
