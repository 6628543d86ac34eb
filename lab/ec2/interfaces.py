"""Network interfaces with one association per private address, on top of moto's."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from moto.ec2.models.elastic_network_interfaces import (
    Attachment,
    NetworkInterface,
    NetworkInterfaceBackend,
)
from moto.ec2.utils import generate_dns_from_ip

from lab.ec2.errors import fail, invalid_parameter

if TYPE_CHECKING:
    from moto.ec2.models.instances import Instance

    from lab.ec2.addresses import LabAddress
    from lab.ec2.models import LabEC2Backend
    from lab.ec2.region import Region


class LabInterface(NetworkInterface):
    """An interface whose public side is derived: an Elastic IP per private address, else the auto-assigned
    address."""

    ec2_backend: LabEC2Backend
    _auto_public_ip: str | None = None

    @property
    def network_interface_id(self) -> str:
        """moto finds ``id`` under this name by the class's name, which is another here."""
        return self.id

    @property
    def group_set(self) -> Any:
        """Its own: moto adds those with which its instance was launched, for good."""
        return self._group_set

    @property
    def public_ip(self) -> str | None:
        """The public address of the primary private address."""
        address = self.elastic_ip(self.private_ip_address)
        return address.public_ip if address else self._auto_public_ip

    @public_ip.setter
    def public_ip(self, value: str | None) -> None:
        self._auto_public_ip = value

    @property
    def auto_public_ip(self) -> str | None:
        return self._auto_public_ip

    def release_auto_public_ip(self) -> None:
        """Gone for good when an Elastic IP comes to the primary address
        (docs/aws-facts.md#auto-assigned-addresses)."""
        self._auto_public_ip = None

    def check_auto_public_ip(self) -> None:
        """At creation and start; not beside an Elastic IP."""
        if not any(True for _ in self.elastic_ips()):
            super().check_auto_public_ip()

    def renew_auto_public_ip(self) -> None:
        """A running instance gets a new auto-assigned address after an Elastic IP left, unless it has a
        secondary interface or an Elastic IP on another address (EC2 User Guide,
        using-instance-addressing)."""
        instance = self.instance
        if instance is None or not instance.is_running() or len(instance.nics) > 1:
            return
        if self._auto_public_ip is None:
            self.check_auto_public_ip()

    def private_ips(self) -> list[str]:
        return [str(item["PrivateIpAddress"]) for item in self.private_ip_addresses]

    def all_addresses(self) -> list[str]:
        """IPv4 and IPv6, in canonical text."""
        ipv6 = [str(ipaddress.ip_address(address)) for address in self.ipv6_addresses if address]
        return [*self.private_ips(), *ipv6]

    def elastic_ips(self) -> Iterator[LabAddress]:
        return (address for address in self.ec2_backend.lab_addresses() if address.eni is self)

    def elastic_ip(self, private_ip: str | None) -> LabAddress | None:
        return next((item for item in self.elastic_ips() if item.private_ip_address == private_ip), None)

    def association_of(self, private_ip: str | None) -> dict[str, Any] | None:
        """The Association member of one private address; None without a public address."""
        address = self.elastic_ip(private_ip)
        public_ip = address.public_ip if address else None
        if address is None and private_ip == self.private_ip_address:
            public_ip = self._auto_public_ip
        if public_ip is None:
            return None
        return {
            "AllocationId": address.allocation_id if address else None,
            "AssociationId": address.association_id if address else None,
            # AWS's own pool owns auto-assigned addresses.
            "IpOwnerId": self.owner_id if address else "amazon",
            "PublicDnsName": generate_dns_from_ip(public_ip, "external"),
            "PublicIp": public_ip,
        }

    @property
    def association(self) -> dict[str, Any] | None:  # type: ignore[override]
        """None, not moto's empty mapping: AWS leaves the member out."""
        return self.association_of(self.private_ip_address)

    @property
    def instance_private_ip_address_list(self) -> list[dict[str, Any]]:
        """For DescribeInstances; moto shows the association of the primary address only."""
        return [
            {
                "PrivateIpAddress": ip,
                "Primary": ip == self.private_ip_address,
                "PrivateDnsName": generate_dns_from_ip(ip),
                "Association": self.association_of(ip),
            }
            for ip in self.private_ips()
        ]


class LabInterfaces(NetworkInterfaceBackend):
    """Addresses are unique within a subnet, and Elastic IPs do not outlive their interface's address."""

    lab_region: Region

    def interfaces(self) -> list[LabInterface]:
        return [interface for interface in self.enis.values() if isinstance(interface, LabInterface)]

    def free_address(self, subnet: Any, taken: set[str] | None = None) -> str:
        """An unused address, from the top: people write addresses from the bottom into their topologies."""
        used = {ip for interface in self.interfaces() for ip in interface.private_ips()} | (taken or set())
        network = ipaddress.IPv4Network(subnet.cidr_block)
        for number in range(int(network.broadcast_address) - 1, int(network.network_address) + 3, -1):
            candidate = str(ipaddress.IPv4Address(number))
            if candidate not in used:
                return candidate
        raise fail(
            "InsufficientFreeAddressesInSubnet", f"There are no free addresses in subnet '{subnet.id}'."
        )

    def create_network_interface(
        self,
        subnet: Any,
        private_ip_address: str | list[str],
        private_ip_addresses: list[dict[str, Any]] | None = None,
        group_ids: list[str] | None = None,
        description: str | None = None,
        tags: dict[str, str] | None = None,
        delete_on_termination: bool | None = False,
        **kwargs: Any,
    ) -> NetworkInterface:
        if isinstance(subnet, str):
            subnet = self.get_subnet(subnet)  # type: ignore[attr-defined]
        wanted = self._wanted_addresses(subnet, private_ip_address, private_ip_addresses or [])
        for _ in range(int(kwargs.pop("secondary_ips_count", None) or 0)):
            wanted.append(self.free_address(subnet, set(wanted)))
        if len(set(wanted)) != len(wanted):
            raise invalid_parameter(f"The addresses {', '.join(wanted)} are not distinct.")
        self._check_free(subnet, wanted)
        interface = LabInterface(  # type: ignore[abstract]
            self,
            subnet,
            wanted[0],
            [{"Primary": index == 0, "PrivateIpAddress": ip} for index, ip in enumerate(wanted)],
            group_ids=group_ids,
            description=description,
            tags=tags,
            delete_on_termination=delete_on_termination,
            **kwargs,
        )
        self.enis[interface.id] = interface
        return interface

    def _wanted_addresses(
        self, subnet: Any, primary: str | list[str], listed: list[dict[str, Any]]
    ) -> list[str]:
        """moto itself asks for addresses outside the subnet (NAT gateways, launches without a subnet): a
        free one takes their place. What callers ask for is checked by the response."""
        if isinstance(primary, list):
            primary = primary[0] if primary else ""
        if primary and ipaddress.ip_address(primary) not in ipaddress.ip_network(subnet.cidr_block):
            primary = self.free_address(subnet)
        ordered = sorted(listed, key=lambda item: not item.get("Primary"))
        addresses = [str(item["PrivateIpAddress"]) for item in ordered]
        if primary:
            return [primary, *(ip for ip in addresses if ip != primary)]
        return addresses or [self.free_address(subnet)]

    def check_within(self, subnet: Any, addresses: list[str]) -> None:
        network = ipaddress.ip_network(subnet.cidr_block)
        for ip in addresses:
            if ipaddress.ip_address(ip) not in network:
                raise invalid_parameter(f"Address {ip} does not fall within the subnet's address range.")

    def _check_free(self, subnet: Any, addresses: list[str]) -> None:
        self.check_within(subnet, addresses)
        for ip in addresses:
            for other in self.interfaces():
                if other.vpc_id == subnet.vpc_id and ip in other.private_ips():
                    raise fail("InvalidIPAddress.InUse", f"Address {ip} is in use by {other.id}.")

    def assign_private_ip_addresses(
        self,
        eni_id: str,
        private_ip_addresses: list[str] | None = None,
        secondary_ips_count: int | None = None,
    ) -> NetworkInterface:
        """Refuses what another interface has. Moving an address (AllowReassignment) is refused by the
        response."""
        interface = self.get_network_interface(eni_id)
        wanted = [ip for ip in private_ip_addresses or [] if ip not in _ips(interface)]
        for ip in wanted:
            for other in self.interfaces():
                if other.vpc_id == interface.vpc_id and ip in other.private_ips():
                    raise fail("Resource.AlreadyAssigned", f"{ip} is already assigned to {other.id}.")
        self._check_free(interface.subnet, wanted)
        for _ in range(0 if private_ip_addresses else secondary_ips_count or 0):
            wanted.append(self.free_address(interface.subnet, set(wanted)))
        interface.private_ip_addresses.extend({"Primary": False, "PrivateIpAddress": ip} for ip in wanted)
        return interface

    def unassign_private_ip_addresses(
        self, eni_id: str, private_ip_address: list[str] | None = None
    ) -> NetworkInterface:
        interface = self.get_network_interface(eni_id)
        for ip in private_ip_address or []:
            if ip == interface.private_ip_address or ip not in _ips(interface):
                raise invalid_parameter(f"{ip} is not a secondary private address of {eni_id}.")
        super().unassign_private_ip_addresses(eni_id, private_ip_address)
        if isinstance(interface, LabInterface):
            for address in list(interface.elastic_ips()):
                if address.private_ip_address not in interface.private_ips():
                    address.detach()
        return interface

    def attach_network_interface(self, eni_id: str, instance_id: str, device_index: int) -> Attachment:
        """Not one that is attached (EC2 API Reference: errors-overview). What is attached later stays when
        the instance ends, wherever it was made."""
        interface = self.get_network_interface(eni_id)
        if interface.attachment_id:
            raise fail("InvalidNetworkInterface.InUse", f"Interface: [{eni_id}] in use.")
        interface.delete_on_termination = False
        return super().attach_network_interface(eni_id, instance_id, device_index)

    def modify_network_interface_attribute(
        self,
        eni_id: str,
        group_ids: list[str],
        source_dest_check: bool | None = None,
        description: str | None = None,
    ) -> None:
        """The check and the groups of a primary interface are those of its instance."""
        super().modify_network_interface_attribute(eni_id, group_ids, source_dest_check, description)
        interface = self.get_network_interface(eni_id)
        if group_ids and interface.instance is not None and interface.device_index == 0:
            interface.instance.security_groups = list(interface.group_set)
        if source_dest_check is not None and interface.instance is not None and interface.device_index == 0:
            interface.instance.source_dest_check = source_dest_check

    def set_delete_on_termination(self, eni_id: str, attachment_id: str, wanted: bool) -> None:
        interface = self.get_network_interface(eni_id)
        if interface.attachment_id != attachment_id:
            raise fail(
                "InvalidAttachmentID.NotFound",
                f"The attachment '{attachment_id}' of {eni_id} does not exist.",
            )
        interface.delete_on_termination = wanted

    def detach_network_interface(self, attachment_id: str) -> None:
        """Not the primary one (EC2 User Guide: using-eni). Elastic IPs stay with the
        interface."""
        for interface in self.interfaces():
            if interface.attachment_id == attachment_id and interface.device_index == 0:
                raise fail(
                    "OperationNotPermitted", "The network interface at device index 0 cannot be detached."
                )
        super().detach_network_interface(attachment_id)

    def delete_network_interface(self, eni_id: str) -> None:
        interface = self.enis.get(eni_id)
        if isinstance(interface, LabInterface):
            for address in list(interface.elastic_ips()):
                address.detach()
        super().delete_network_interface(eni_id)


def _ips(interface: NetworkInterface) -> list[str]:
    return [str(item["PrivateIpAddress"]) for item in interface.private_ip_addresses]


def primary_alone(instance: Instance) -> LabInterface:
    """The interface for which the instance stands in a request: it must be its only one. AssociateAddress and
    CreateRoute are seen to answer InvalidInstanceID otherwise."""
    if len(instance.nics) != 1:
        raise fail(
            "InvalidInstanceID",
            f"There are multiple interfaces attached to instance '{instance.id}'. "
            "Please specify an interface ID for the operation instead.",
        )
    (interface,) = instance.nics.values()
    if not isinstance(interface, LabInterface):
        raise TypeError(f"{interface!r} was not made by the lab's EC2")
    return interface
