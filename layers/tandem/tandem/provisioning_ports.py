"""What the provisioner needs of the world; `tandem.adapters` has it from AWS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tandem.events import Event
from tandem.inventory import RouteServerReading
from tandem.record import Provisioned, TopologyRecord
from tandem.watchsteps import Shown, Subscriber, Subscription


class RouteServers(Protocol):
    """Route Server, read."""

    def route_server(self, route_server_id: str) -> RouteServerReading | None: ...


class Topics(Protocol):
    """SNS. Raises CallFailedError."""

    def subscriptions(self, topic_arn: str) -> tuple[Subscription, ...]: ...

    def subscribe(self, topic_arn: str, subscriber: Subscriber) -> None: ...

    def unsubscribe(self, subscription_arn: str) -> None: ...


class LogDeliveries(Protocol):
    """Vended log deliveries. Raises CallFailedError."""

    def shown(self) -> Shown: ...

    def put_destination(self, name: str, resource_arn: str) -> None: ...

    def put_source(self, name: str, resource_arn: str) -> None: ...

    def create_delivery(self, source_name: str, destination_name: str) -> None: ...

    def delete_delivery(self, delivery_id: str) -> None: ...

    def delete_source(self, name: str) -> None: ...


class Store(Protocol):
    """The stored topologies."""

    def set_provisioned(self, record: TopologyRecord, provisioned: Provisioned) -> TopologyRecord: ...

    def delete(self, record: TopologyRecord) -> None: ...


class Bus(Protocol):
    """The stack's event bus."""

    def put(self, *events: Event) -> None: ...


class Clock(Protocol):
    """Time: real in Lambda, virtual in tests."""

    def now(self) -> datetime: ...

    def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class World:
    """Everything that a run reads and changes."""

    route_servers: RouteServers
    topics: Topics
    logs: LogDeliveries
    store: Store
    bus: Bus
    clock: Clock
