"""Instances that take time to change state and tell EventBridge about it, on top of moto's."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from moto.ec2.models.instances import Instance as MotoInstance
from moto.ec2.models.instances import InstanceBackend, InstanceState, Reservation

from lab.ec2 import outbox
from lab.ec2.errors import LeverError, fail
from lab.ec2.interfaces import primary_alone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from moto.ec2.exceptions import EC2ClientError

    from lab.ec2.region import Region

# state asked for: (state on the way, its code, states from which AWS lets it)
_WAY = {
    "running": ("pending", 0, {"stopped"}),
    "stopped": ("stopping", 64, {"running", "pending"}),
    "terminated": ("shutting-down", 32, {"running", "pending", "stopped", "stopping"}),
}


_FLAGS = {"disable_api_stop", "disable_api_termination", "ebs_optimized", "source_dest_check"}


class Instance(MotoInstance):
    """A terminated instance: it has no interfaces, on which moto's cannot be described. moto resolves
    members like InstanceId by the name of this class."""

    @classmethod
    def terminated(cls, instance: MotoInstance) -> Instance:
        own: Instance = object.__new__(cls)
        own.__dict__.update(instance.__dict__)
        own.nics = {}
        return own

    @property
    def private_ip(self) -> None:
        return None

    private_ip_address = public_ip = public_ip_address = private_ip

    @property
    def private_dns_name(self) -> str:
        return ""


class LabInstances(InstanceBackend):
    lab_region: Region

    def run_instances(self, *args: Any, **kwargs: Any) -> Reservation:
        described: Sequence[Mapping[str, Any]] = kwargs.get("nics") or []
        for spec in described:
            if spec.get("NetworkInterfaceId") and spec.get("DeleteOnTermination"):
                # Refused as the documentation of the member says; it does not say with which code.
                # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceNetworkInterfaceSpecification.html
                raise fail(
                    "InvalidParameterCombination",
                    "DeleteOnTermination can be true only for a network interface that is created at launch.",
                )
        reservation = super().run_instances(*args, **kwargs)
        for instance in reservation.instances:
            _keep_what_was_said(instance, described)
            for state in ("pending", "running"):
                outbox.instance_state(self.lab_region, instance.id, state)
        return reservation

    def modify_instance_attribute(self, instance_id: str, key: str, value: Any) -> MotoInstance:
        """SourceDestCheck of an instance is that of its interface. With several interfaces EC2 asks for
        one of them, as Terraform's provider met it where it changes an instance's security groups (https:
        //github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ec2/ec2_instance.go).
        """
        if key in _FLAGS:
            value = str(value).lower() == "true"
        if key == "source_dest_check":
            primary_alone(self.get_instance(instance_id)).source_dest_check = value
        return super().modify_instance_attribute(instance_id, key, value)

    def modify_instance_security_groups(self, instance_id: str, new_group_id_list: list[str]) -> MotoInstance:
        """They are those of its interface."""
        instance = super().modify_instance_security_groups(instance_id, new_group_id_list)
        primary_alone(instance)._group_set = list(instance.security_groups)
        return instance

    def start_instances(self, instance_ids: list[str]) -> list[tuple[MotoInstance, InstanceState]]:
        return [(instance, self.move_to(instance, "running")) for instance in self._all(instance_ids)]

    def stop_instances(self, instance_ids: list[str]) -> list[tuple[MotoInstance, InstanceState]]:
        """None of them if one is protected; AWS documents zones for TerminateInstances only."""
        instances = self._all(instance_ids)
        for instance in instances:
            if instance.disable_api_stop:
                raise _protected(instance, "stopped", "disableApiStop")
        return [(instance, self.move_to(instance, "stopped")) for instance in instances]

    def terminate_instances(self, instance_ids: list[str]) -> list[tuple[MotoInstance, InstanceState]]:
        """A protected instance keeps those of its zone as well; others end, and the call fails all the same
        (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TerminateInstances.html)."""
        instances = self._all(instance_ids)
        kept = {instance.availability_zone: instance for instance in instances if _protection(instance)}
        ended = [
            (instance, self.move_to(instance, "terminated"))
            for instance in instances
            if instance.availability_zone not in kept
        ]
        for instance in kept.values():
            raise _protected(instance, "terminated", _protection(instance))
        return ended

    def _all(self, instance_ids: list[str]) -> list[MotoInstance]:
        return self.get_multi_instances_by_id(instance_ids)

    def move_to(self, instance: MotoInstance, state: str) -> InstanceState:
        """Set out for a state: the event of the way there at once, arrival after ``instance_s``. Returns the
        state before; asking for the present state changes nothing."""
        if state not in _WAY:
            raise LeverError(
                f"instance {instance.id}: no state {state!r}; give running, stopped or terminated"
            )
        before = copy.copy(instance._state)
        passing, code, origins = _WAY[state]
        if before.name in {state, passing}:
            return before
        if before.name not in origins:
            raise fail(
                "IncorrectInstanceState",
                f"The instance '{instance.id}' is not in a state from which it can be {state}.",
            )
        if state == "stopped":
            instance.stop()
        instance._state.name, instance._state.code = passing, code
        outbox.instance_state(self.lab_region, instance.id, passing)
        self.lab_region.after(
            self.lab_region.lab.timings.instance_s, lambda: self._arrive(instance, state, passing)
        )
        return before

    def _arrive(self, instance: MotoInstance, state: str, passing: str) -> None:
        if instance._state.name != passing:
            return
        if state == "running":
            instance.start()
        elif state == "stopped":
            instance._state.name, instance._state.code = "stopped", 80
        else:
            self._terminate(instance)
        outbox.instance_state(self.lab_region, instance.id, state)
        self.lab_region.refresh()

    def _terminate(self, instance: MotoInstance) -> None:
        """Interfaces whose attachment says so go, and with them their associations; others are detached and
        keep theirs."""
        for interface in list(instance.nics.values()):
            if not interface.delete_on_termination:
                instance.detach_eni(interface)
        instance.terminate()
        for interface in instance.nics.values():
            interface.instance = None
        for reservation in self.reservations.values():
            reservation.instances = [
                Instance.terminated(instance) if member is instance else member
                for member in reservation.instances
            ]


def _protection(instance: MotoInstance) -> str:
    """The attribute that forbids to terminate it; stop protection does so too
    (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-stop-protection.html)."""
    if instance.disable_api_termination:
        return "disableApiTermination"
    return "disableApiStop" if instance.disable_api_stop else ""


def _protected(instance: MotoInstance, ending: str, attribute: str) -> EC2ClientError:
    return fail(
        "OperationNotPermitted",
        f"The instance '{instance.id}' may not be {ending}. Modify its '{attribute}' instance attribute and "
        "try again.",
    )


def _keep_what_was_said(instance: MotoInstance, described: Sequence[Mapping[str, Any]]) -> None:
    """An interface made at launch goes with its instance unless the request says otherwise, one that was
    there before stays; moto cannot tell "false" from nothing said.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceNetworkInterfaceSpecification.html"""
    by_index = {int(spec.get("DeviceIndex") or 0): spec for spec in described}
    for index, interface in instance.nics.items():
        spec = by_index.get(index, {})
        given = bool(spec.get("NetworkInterfaceId"))
        interface.delete_on_termination = not given and spec.get("DeleteOnTermination") is not False
        if index == 0:
            instance.source_dest_check = interface.source_dest_check
