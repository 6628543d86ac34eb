"""Says why a target cannot take an Elastic IP, by what EC2 shows of its interface and instance."""

from __future__ import annotations

from dataclasses import dataclass

from tandem.model import NetworkInterface, Observation, PrivateAddress
from tandem.reasons.failover import HoldCode
from tandem.reasons.reason import Reason, reason
from tandem.topology.document import Appliance, ElasticIpSpec, Target


def limitation(
    spec: ElasticIpSpec, appliance: Appliance, observation: Observation, *, dead: bool
) -> Reason | None:
    """Returns why the appliance's target cannot take the address now, or None
    (docs/how-it-works.md#what-it-does-when-something-happens).

    With a dead holder, a read that failed stops nothing: EC2 refuses a bad target itself, and which Elastic
    IP a move would throw off is known from the addresses (`occupant`). Where neither the interfaces nor the
    instances could be read, nobody knows whether it would release an auto-assigned address.
    """
    address, target = spec.allocation_id, spec.targets[appliance.name]
    if observation.interfaces is None:
        # what is unknown keeps nobody on a dead holder; a live one can wait until it is known
        return None if dead else reason(HoldCode.INTERFACES_UNREADABLE, address, errors=observation.failed)
    error = observation.unknown.interfaces.get(target.network_interface_id)
    if error is not None:
        return None if dead else reason(HoldCode.TARGET_INTERFACE_UNREADABLE, address, error=error)
    interface = observation.interfaces.get(target.network_interface_id)
    if interface is None:
        return reason(HoldCode.TARGET_MISSING, address, interface=target.network_interface_id)
    return (
        _unattached(address, interface, appliance)
        or _not_running(address, interface, appliance, observation, dead=dead)
        or _unfit(address, target, interface)
    )


@dataclass(frozen=True, slots=True)
class Occupant:
    """The Elastic IP that a private IP has."""

    allocation_id: str
    public_ip: str | None


def occupant(target: Target, observation: Observation) -> Occupant | None:
    """The Elastic IP that the target's private IP has now, as far as it could be read.

    DescribeAddresses decides for the declared Elastic IPs; what an interface says of them may lag behind it
    (docs/aws-facts.md#eventual-consistency), so it counts for strangers only.
    """
    for address in observation.elastic_ips.values():
        if target.has(address.holder):
            return Occupant(address.allocation_id, address.public_ip)
    shown = _find(target, observation)
    if shown is None or shown.allocation_id is None or shown.allocation_id in observation.elastic_ips:
        return None
    return Occupant(shown.allocation_id, shown.public_ip)


def _unattached(address: str, interface: NetworkInterface, appliance: Appliance) -> Reason | None:
    name = interface.network_interface_id
    if interface.instance_id is None or interface.attachment not in (None, "attached"):
        attachment = interface.attachment or "detached"
        return reason(HoldCode.TARGET_DETACHED, address, interface=name, attachment=attachment)
    if appliance.instance_id is not None and interface.instance_id != appliance.instance_id:
        return reason(
            HoldCode.TARGET_ON_ANOTHER_INSTANCE,
            address,
            interface=name,
            other=interface.instance_id,
            appliance=appliance.name,
            instance=appliance.instance_id,
        )
    return None


def _not_running(
    address: str, interface: NetworkInterface, appliance: Appliance, observation: Observation, *, dead: bool
) -> Reason | None:
    if appliance.instance_id is None:
        return None
    if observation.instance_states is None:
        return None if dead else reason(HoldCode.INSTANCES_UNREADABLE, address, errors=observation.failed)
    instance = interface.instance_id or ""
    error = observation.unknown.instances.get(instance)
    if error is not None:
        return None if dead else reason(HoldCode.TARGET_INSTANCE_UNREADABLE, address, error=error)
    state = observation.instance_states.get(instance) or "gone"
    if state == "running":
        return None
    return reason(
        HoldCode.TARGET_INSTANCE_NOT_RUNNING,
        address,
        interface=interface.network_interface_id,
        instance=instance,
        state=state,
    )


def _unfit(allocation_id: str, target: Target, interface: NetworkInterface) -> Reason | None:
    name, private_ip = interface.network_interface_id, target.private_ip
    address = next((a for a in interface.addresses if a.private_ip == private_ip), None)
    if address is None:
        return reason(HoldCode.TARGET_LACKS_PRIVATE_IP, allocation_id, interface=name, private_ip=private_ip)
    if address.public_ip is not None and address.allocation_id is None:
        # AssociateAddress would release it, and nobody can get it back (API_AssociateAddress)
        return reason(
            HoldCode.TARGET_HAS_AUTO_ASSIGNED_ADDRESS,
            allocation_id,
            interface=name,
            private_ip=private_ip,
            public_ip=address.public_ip,
        )
    return None


def _find(target: Target, observation: Observation) -> PrivateAddress | None:
    interface = (observation.interfaces or {}).get(target.network_interface_id)
    if interface is None:
        return None
    return next((a for a in interface.addresses if a.private_ip == target.private_ip), None)
