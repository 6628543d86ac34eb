"""Describes what the provisioner needs of the world; `tandem.adapters` has it from AWS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tandem.place import Place
from tandem.ports import Bus, Clock
from tandem.provisioning.actors import History
from tandem.provisioning.listensteps import Shown, Subscriber, Subscription
from tandem.provisioning.managed import Desired, Observed
from tandem.provisioning.managesteps import Action
from tandem.state.lease import Lease
from tandem.state.record import Provisioned, TopologyRecord
from tandem.topology.document import Topology
from tandem.topology.inventory import Inventory, RouteServerReading


class RouteServers(Protocol):
    """Reads Route Server."""

    def route_server(self, route_server_id: str) -> RouteServerReading | None: ...

    def read(self, topology: Topology, stack: str, place: Place) -> Inventory: ...


class Managed(Protocol):
    """Reads and changes Route Server. Raises TemporaryError; `carry_out` raises CallFailedError."""

    def observe(self, desired: Desired) -> Observed: ...

    def carry_out(self, action: Action) -> None: ...


class Leases(Protocol):
    """Lets one run at a time work on a managed topology. Raises StateUnavailableError."""

    def acquire(self, topology: str, owner: str, now: datetime) -> tuple[Lease, str | None] | None: ...

    def fence(self, lease: Lease, now: datetime) -> Lease: ...

    def release(self, lease: Lease) -> bool: ...

    def let_go(self, lease: Lease) -> None: ...


class Topics(Protocol):
    """Reads and changes subscriptions in SNS. Raises CallFailedError."""

    def subscriptions(self, topic_arn: str) -> tuple[Subscription, ...]: ...

    def subscribe(self, topic_arn: str, subscriber: Subscriber) -> None: ...

    def unsubscribe(self, subscription_arn: str) -> None: ...


class LogDeliveries(Protocol):
    """Reads and changes vended log deliveries. Raises CallFailedError."""

    def shown(self) -> Shown: ...

    def put_destination(self, name: str, resource_arn: str) -> None: ...

    def put_source(self, name: str, resource_arn: str) -> None: ...

    def create_delivery(self, source_name: str, destination_name: str) -> None: ...

    def delete_delivery(self, delivery_id: str) -> None: ...

    def delete_source(self, name: str) -> None: ...


class ProvisionedStore(Protocol):
    """Reads and writes the stored topologies."""

    def get(self, name: str) -> TopologyRecord | None: ...

    def set_provisioned(self, record: TopologyRecord, provisioned: Provisioned) -> TopologyRecord: ...

    def delete(self, record: TopologyRecord) -> None: ...


@dataclass(frozen=True, slots=True)
class ProvisionerPorts:
    """Holds everything that a run reads and changes."""

    route_servers: RouteServers
    managed: Managed
    leases: Leases
    topics: Topics
    logs: LogDeliveries
    store: ProvisionedStore
    bus: Bus
    clock: Clock
    history: History
