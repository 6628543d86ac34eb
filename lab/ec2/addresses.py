"""Elastic IPs as AWS associates them today (docs/aws-facts.md#reassociation), on top of moto's."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import TYPE_CHECKING, Any

from moto.ec2.exceptions import (
    InvalidAddressError,
    InvalidAllocationIdError,
    InvalidAssociationIdError,
    ResourceAlreadyAssociatedError,
)
from moto.ec2.models.elastic_ip_addresses import ElasticAddress, ElasticAddressBackend
from moto.ec2.utils import random_eip_association_id

from lab.ec2.errors import UnknownAwsBehaviour, fail, invalid_parameter
from lab.ec2.interfaces import LabInterface, primary_alone

if TYPE_CHECKING:
    from lab.ec2.models import LabEC2Backend
    from lab.ec2.region import Region


class LabAddress(ElasticAddress):
    """An Elastic IP bound to one private address of one interface."""

    ec2_backend: LabEC2Backend
    eni: LabInterface | None  # type: ignore[assignment]
    target_ip: str | None = None
    border_group: str | None = None
    moved_at: datetime | None = None

    @property
    def private_ip_address(self) -> str | None:
        return self.target_ip if self.eni else None

    @property
    def instance_id(self) -> str:
        """Also of an address that was associated with an interface (moto: empty there)."""
        return self.eni.instance.id if self.eni and self.eni.instance else ""

    def attach(self, interface: LabInterface, private_ip: str) -> None:
        """A new association ID with each move (docs/aws-facts.md#association-id)."""
        self.eni, self.target_ip, self.moved_at = interface, private_ip, self._now()
        self.association_id = random_eip_association_id()
        if private_ip == interface.private_ip_address:
            interface.release_auto_public_ip()

    def detach(self) -> None:
        """Leave the interface; it may get a new auto-assigned public address."""
        interface, self.eni, self.target_ip, self.association_id = self.eni, None, None, None
        if interface is not None:
            self.moved_at = self._now()
            interface.renew_auto_public_ip()

    def _now(self) -> datetime:
        return self.ec2_backend.lab_region.lab.clock.now()


class LabAddresses(ElasticAddressBackend):
    lab_region: Region

    def lab_addresses(self) -> list[LabAddress]:
        return [address for address in self.addresses if isinstance(address, LabAddress)]

    def allocate_address(
        self, domain: str, address: str | None = None, tags: dict[str, str] | None = None
    ) -> ElasticAddress:
        """Every allocation is for VPCs. The addresses are of 198.51.100.0/24 and on: documentation only (RFC
        5737)."""
        del domain
        public_ip = address or self._free_public_ip()
        # moto's classes leave CloudFormation open
        elastic_ip = LabAddress(self, domain="vpc", address=public_ip, tags=tags)  # type: ignore[abstract]
        self.addresses.append(elastic_ip)
        return elastic_ip

    def _free_public_ip(self) -> str:
        used = {address.public_ip for address in self.addresses}
        documentation = (
            f"{net}.{host}"
            for net in ("198.51.100", "203.0.113", "192.0.2", "198.18.0", "198.18.1")
            for host in range(1, 255)
        )
        return next(ip for ip in itertools.chain(documentation, _benchmark_addresses()) if ip not in used)

    def lab_address(self, allocation_id: str | None, address: str | None = None) -> LabAddress:
        for elastic_ip in self.lab_addresses():
            if (allocation_id or address) in (elastic_ip.allocation_id, elastic_ip.public_ip):
                return elastic_ip
        raise InvalidAllocationIdError(allocation_id) if allocation_id else InvalidAddressError(address)

    def associate_address(
        self,
        instance: Any = None,
        eni: Any = None,
        address: str | None = None,
        allocation_id: str | None = None,
        reassociate: bool | None = None,
        private_ip_address: str | None = None,
    ) -> LabAddress:
        """One call moves an address; the one that was there before is displaced silently, an auto-assigned
        address of the primary is released for good. Repeating keeps the association: AWS calls it idempotent
        and does not say that the ID changes. ``reassociate`` False fails if the address is somewhere else
        (docs/aws-facts.md#reassociation)."""
        elastic_ip = self.lab_address(allocation_id, address)
        interface = _interface(instance, eni)
        private_ip = private_ip_address or interface.private_ip_address
        if private_ip is None or private_ip not in interface.private_ips():
            raise invalid_parameter(
                f"Private IP address {private_ip} is not assigned to network interface {interface.id}"
            )
        if elastic_ip.eni is interface and elastic_ip.target_ip == private_ip:
            return elastic_ip
        if reassociate is False and elastic_ip.eni is not None:
            raise ResourceAlreadyAssociatedError(elastic_ip.allocation_id or elastic_ip.public_ip)
        self._check_internet_gateway(interface)
        if elastic_ip.border_group not in (None, self.lab_region.name):
            raise self._other_border_group(elastic_ip)
        displaced = interface.elastic_ip(private_ip)
        before = elastic_ip.eni
        elastic_ip.attach(interface, private_ip)
        if displaced is not None:
            displaced.detach()
        if before is not None:
            before.renew_auto_public_ip()
        return elastic_ip

    def _other_border_group(self, elastic_ip: LabAddress) -> Exception:
        code = self.lab_region.lab.behaviour.border_group_code
        if code is None:
            return UnknownAwsBehaviour(
                "AssociateAddress in another network border group: AWS refuses it, its code is not documented"
            )
        return fail(code, f"{elastic_ip.allocation_id} is of another network border group.")

    def _check_internet_gateway(self, interface: LabInterface) -> None:
        if not self.lab_region.lab.behaviour.require_internet_gateway:
            return
        gateways: list[Any] = list(self.lab_region.backend.internet_gateways.values())
        if not any(gateway.vpc and gateway.vpc.id == interface.vpc_id for gateway in gateways):
            raise fail(
                "Gateway.NotAttached", f"Network {interface.vpc_id} is not attached to any internet gateway"
            )

    def disassociate_address(self, address: str | None = None, association_id: str | None = None) -> None:
        """Idempotent (docs/aws-facts.md#idempotent-association): ending an association that
        DisassociateAddress ended already is no error; one that a move replaced, or that never was, is not
        found."""
        if address and not association_id:
            self.lab_address(None, address).detach()
            return
        for elastic_ip in self.lab_addresses():
            if elastic_ip.association_id == association_id:
                self.lab_region.ended_associations.add(str(association_id))
                elastic_ip.detach()
                return
        if association_id not in self.lab_region.ended_associations:
            raise InvalidAssociationIdError(association_id)

    def release_address(self, address: str | None = None, allocation_id: str | None = None) -> None:
        elastic_ip = self.lab_address(allocation_id, address)
        if elastic_ip.eni is not None:
            raise fail("InvalidIPAddress.InUse", f"Address {elastic_ip.public_ip} is in use.")
        self.addresses.remove(elastic_ip)
        elastic_ip.allocation_id = None


def _interface(instance: Any, eni: Any) -> LabInterface:
    """An instance stands for its interface if it has exactly one (docs/aws-facts.md#instance-or-interface:
    InvalidInstanceID)."""
    if instance is not None:
        return primary_alone(instance)
    if not isinstance(eni, LabInterface):
        raise TypeError(f"{eni!r} was not made by the lab's EC2")
    return eni


def _benchmark_addresses() -> itertools.chain[str]:
    """198.19.0.0/16 (RFC 2544), for more than a thousand addresses."""
    return itertools.chain.from_iterable(
        (f"198.19.{net}.{host}" for host in range(1, 255)) for net in range(256)
    )
