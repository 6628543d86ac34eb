"""Whether a target can take an Elastic IP; the reason why not, or None."""

from __future__ import annotations

from tandem.failover import ownership
from tandem.model import NetworkInterface, Observation, PrivateAddress
from tandem.topology import Appliance, ElasticIpSpec, Target


def limitation(
    spec: ElasticIpSpec, appliance: Appliance, observation: Observation, *, forced: bool, dead: bool
) -> str | None:
    """Why the appliance may not have the address now (design §5, step 6).

    With a dead holder, a read that failed stops nothing: EC2 refuses a bad target itself, and which Elastic
    IP a move would throw off is known from the addresses (`occupant`). Where neither the interfaces nor the
    instances could be read, nobody knows whether it would release an auto-assigned address. A forced pin
    skips the session test only.
    """
    silent = None if forced else ownership.no_session(appliance, observation)
    if silent is not None:
        return f"{appliance.name} has {silent}"
    target = spec.targets[appliance.name]
    if observation.interfaces is None:
        return None if dead else f"the interfaces could not be read: {'; '.join(observation.failed)}"
    unread = observation.unknown.interfaces.get(target.network_interface_id)
    if unread is not None:
        return None if dead else unread
    interface = observation.interfaces.get(target.network_interface_id)
    if interface is None:
        return f"{target.network_interface_id} is not attached to an appliance's instance, or does not exist"
    return (
        _attached(interface, appliance)
        or _running(interface, appliance, observation, dead=dead)
        or _address(target, interface)
    )


def occupant(target: Target, observation: Observation) -> str | None:
    """The allocation that the target's private IP has now, as far as it could be read.

    DescribeAddresses decides for the declared Elastic IPs; what an interface says of them may lag behind it
    (facts §8.3), so it counts for strangers only.
    """
    for address in observation.elastic_ips.values():
        holder = address.holder
        if holder and Target(holder.network_interface_id, holder.private_ip) == target:
            return address.allocation_id
    shown = _find(target, observation)
    stranger = shown.allocation_id if shown else None
    return None if stranger in observation.elastic_ips else stranger


def _attached(interface: NetworkInterface, appliance: Appliance) -> str | None:
    name = interface.network_interface_id
    if interface.instance_id is None or interface.attachment not in (None, "attached"):
        return f"{name} is not attached to an instance (it is {interface.attachment or 'detached'})"
    if appliance.instance_id is not None and interface.instance_id != appliance.instance_id:
        other = interface.instance_id
        return f"{name} is attached to {other}, not to {appliance.name}'s {appliance.instance_id}"
    return None


def _running(
    interface: NetworkInterface, appliance: Appliance, observation: Observation, *, dead: bool
) -> str | None:
    if appliance.instance_id is None:
        return None
    if observation.instance_states is None:
        return None if dead else f"the instances could not be read: {'; '.join(observation.failed)}"
    unread = observation.unknown.instances.get(interface.instance_id or "")
    if unread is not None:
        return None if dead else unread
    state = observation.instance_states.get(interface.instance_id or "")
    if state == "running":
        return None
    return f"{interface.network_interface_id} is on {interface.instance_id}, which is {state or 'gone'}"


def _address(target: Target, interface: NetworkInterface) -> str | None:
    address = next((a for a in interface.addresses if a.private_ip == target.private_ip), None)
    if address is None:
        return f"{interface.network_interface_id} does not have the private IP {target.private_ip}"
    if address.public_ip is not None and address.allocation_id is None:
        return (
            f"{target.private_ip} on {interface.network_interface_id} has the auto-assigned public address "
            f"{address.public_ip}, which a move would release for good (facts §8.1)"
        )
    return None


def _find(target: Target, observation: Observation) -> PrivateAddress | None:
    interface = (observation.interfaces or {}).get(target.network_interface_id)
    if interface is None:
        return None
    return next((a for a in interface.addresses if a.private_ip == target.private_ip), None)
