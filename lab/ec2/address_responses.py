"""Elastic IPs and interfaces over the wire, in place of moto's answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from moto.core.responses import ActionResult, EmptyResult

from lab.ec2 import views
from lab.ec2.dispatch import DispatchedResponse
from lab.ec2.errors import UnknownAwsBehaviour, fail, invalid_parameter
from lab.ec2.filters import filtered
from lab.ec2.paging import page


class AddressActions(DispatchedResponse):
    """Holds what moto gets wrong."""

    def allocate_address(self) -> ActionResult:
        """moto knows no network border group."""
        made: Any = super().allocate_address().result
        group = self._get_param("NetworkBorderGroup") or self.region_state.name
        self.region_state.backend.lab_address(made["AllocationId"]).border_group = group
        return ActionResult(made | {"NetworkBorderGroup": group})

    def describe_availability_zones(self) -> ActionResult:
        """moto has none but Availability Zones, which are in the Region's own network border group."""
        shown: Any = super().describe_availability_zones().result
        for zone in shown["AvailabilityZones"]:
            zone.network_border_group = self.region_state.name
        return ActionResult(shown)

    def associate_address(self) -> ActionResult:
        region, backend = self.region_state, self.region_state.backend
        instance_id, interface_id = self._get_param("InstanceId"), self._get_param("NetworkInterfaceId")
        if bool(instance_id) == bool(interface_id):
            raise fail(
                "InvalidParameterCombination" if instance_id else "MissingParameter",
                "Give either InstanceId or NetworkInterfaceId.",
            )
        if not self._get_param("AllocationId") and not self._get_param("PublicIp"):
            raise fail("MissingParameter", "The request must contain the parameter AllocationId")
        address = region.backend.associate_address(
            instance=backend.get_instance(instance_id) if instance_id else None,
            eni=backend.get_network_interface(interface_id) if interface_id else None,
            address=self._get_param("PublicIp"),
            allocation_id=self._get_param("AllocationId"),
            reassociate=self._get_param("AllowReassociation"),
            private_ip_address=self._get_param("PrivateIpAddress"),
        )
        return ActionResult({"AssociationId": address.association_id})

    def disassociate_address(self) -> ActionResult:
        public_ip, association_id = self._get_param("PublicIp"), self._get_param("AssociationId")
        if not public_ip and not association_id:
            raise fail("MissingParameter", "Either public IP or association id must be specified")
        self.region_state.backend.disassociate_address(public_ip, association_id)
        return EmptyResult()

    def describe_addresses(self) -> ActionResult:
        rows = views.view(self.region_state, "DescribeAddresses")
        for param, key, code in (
            ("AllocationIds", "AllocationId", "InvalidAllocationID.NotFound"),
            ("PublicIps", "PublicIp", "InvalidAddress.NotFound"),
        ):
            wanted: Sequence[str] = self._get_param(param, [])
            if wanted:
                missing = set(wanted) - {row[key] for row in rows}
                if missing:
                    raise fail(code, f"'{min(missing)}' not found.")
                rows = [row for row in rows if row[key] in wanted]
        return ActionResult({"Addresses": filtered("DescribeAddresses", rows, self.filters())})

    def describe_network_interfaces(self) -> ActionResult:
        rows = views.view(self.region_state, "DescribeNetworkInterfaces")
        wanted: Sequence[str] = self._get_param("NetworkInterfaceIds", [])
        missing = set(wanted) - {row["NetworkInterfaceId"] for row in rows}
        if missing:
            raise fail(
                "InvalidNetworkInterfaceID.NotFound",
                f"The networkInterface ID '{min(missing)}' does not exist",
            )
        chosen = [row for row in rows if not wanted or row["NetworkInterfaceId"] in wanted]
        shown, token = page(filtered("DescribeNetworkInterfaces", chosen, self.filters()), self.params)
        return ActionResult({"NetworkInterfaces": shown, "NextToken": token})

    def create_network_interface(self) -> ActionResult:
        backend = self.region_state.backend
        listed = self._get_param("PrivateIpAddresses", [])
        wanted = [self._get_param("PrivateIpAddress"), *(item.get("PrivateIpAddress") for item in listed)]
        backend.check_within(backend.get_subnet(self.required("SubnetId")), [ip for ip in wanted if ip])
        return super().create_network_interface()

    def delete_network_interface(self) -> ActionResult:
        interface_id = self.required("NetworkInterfaceId")
        interface = self.region_state.backend.get_network_interface(interface_id)
        if interface.requester_managed:
            raise fail("OperationNotPermitted", f"You are not allowed to manage '{interface_id}'.")
        if interface.attachment_id:
            raise invalid_parameter(f"Network interface '{interface_id}' is currently in use.")
        self.region_state.backend.delete_network_interface(interface_id)
        return EmptyResult()

    def modify_network_interface_attribute(self) -> ActionResult:
        """moto leaves the attachment out."""
        attachment = self._get_param("Attachment", {})
        if "DeleteOnTermination" in attachment:
            self.region_state.backend.set_delete_on_termination(
                self.required("NetworkInterfaceId"),
                str(attachment.get("AttachmentId")),
                bool(attachment["DeleteOnTermination"]),
            )
            return EmptyResult()
        return super().modify_network_interface_attribute()

    def assign_private_ip_addresses(self) -> ActionResult:
        backend, interface_id = self.region_state.backend, self.required("NetworkInterfaceId")
        if self._get_param("AllowReassignment"):
            raise UnknownAwsBehaviour(
                "AssignPrivateIpAddresses with AllowReassignment is asynchronous: not emulated"
            )
        before = backend.get_network_interface(interface_id).private_ip_addresses.copy()
        interface = backend.assign_private_ip_addresses(
            interface_id,
            self._get_param("PrivateIpAddresses", []),
            self._get_param("SecondaryPrivateIpAddressCount"),
        )
        assigned = [item for item in interface.private_ip_addresses if item not in before]
        return ActionResult({"NetworkInterfaceId": interface_id, "AssignedPrivateIpAddresses": assigned})
