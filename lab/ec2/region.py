"""The emulated state of one account and Region beyond what moto keeps, and how it is changed safely."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from lab.ec2.clock import Event
from lab.ec2.entities import Appliance, Deletable, Endpoint, Peer, RouteServer, State
from lab.ec2.errors import not_found
from lab.ec2.history import History

if TYPE_CHECKING:
    from lab.ec2.interfaces import LabInterface
    from lab.ec2.lab import Lab
    from lab.ec2.models import LabEC2Backend

Thing = TypeVar("Thing")


class Region:
    backend: LabEC2Backend

    def __init__(self, lab: Lab, backend: LabEC2Backend, name: str, account: str) -> None:
        self.lab = lab
        self.backend = backend
        self.name = name
        self.account = account
        self.route_servers: dict[str, RouteServer] = {}
        self.endpoints: dict[str, Endpoint] = {}
        self.peers: dict[str, Peer] = {}
        self.appliances: dict[str, Appliance] = {}
        self.client_tokens: dict[tuple[str, str], tuple[object, str]] = {}
        self.history = History()
        self._learned = 0
        self.ended_associations: set[str] = set()  # by DisassociateAddress
        self._depth = 0

    def next_learned(self) -> int:
        """Routes in the order in which they were learned; a plain number, since worlds are copied."""
        self._learned += 1
        return self._learned

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the lock for a change; the outermost one leaves a snapshot behind while reads lag."""
        with self.lab.lock:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0 and self.lab.faults.longest_lag_s() > 0:
                    self.snapshot()

    def snapshot(self) -> None:
        from lab.ec2 import views  # noqa: PLC0415 - views knows everything here

        self.history.kept_s = self.lab.faults.longest_lag_s()
        self.history.record(self.lab.clock.seconds(), views.all_views(self))

    def after(self, delay_s: float, change: Callable[[], None]) -> Event:
        """Schedule a change of this state; it is dropped when moto resets the state in between."""

        def run() -> None:
            with self.changing():
                if self.backend.lab_region is self:
                    change()

        return self.lab.clock.after(delay_s, run)

    def refresh(self) -> None:
        """Bring sessions and installed routes in line after a change of instances, interfaces or route
        tables."""
        from lab.ec2 import installation, sessions  # noqa: PLC0415 - they know everything here

        sessions.evaluate(self)
        installation.install_all(self)

    def tell(self, delay_s: float, message: Callable[[], None]) -> None:
        """Schedule something that leaves for the outside, without the lock."""
        clock = self.lab.clock
        clock.after(delay_s, lambda: clock.hand_over(message))

    def arn(self, kind: str, resource_id: str) -> str:
        partition = self.backend.partition
        return f"arn:{partition}:ec2:{self.name}:{self.account}:{kind}/{resource_id}"

    def tags(self, resource_id: str) -> dict[str, str]:
        return dict(self.backend.tags[resource_id]) if resource_id in self.backend.tags else {}

    def endpoint_name(self, endpoint_id: str) -> str | None:
        """As its owner tags it, or as Tandem does."""
        tags = self.tags(endpoint_id)
        return tags.get("Name") or tags.get("tandem:endpoint")

    def tag_set(self, resource_id: str) -> list[dict[str, str]]:
        return [{"Key": key, "Value": value} for key, value in self.tags(resource_id).items()]

    def route_server(self, route_server_id: str) -> RouteServer:
        return _get(self.route_servers, route_server_id, "RouteServer")

    def endpoint(self, endpoint_id: str) -> Endpoint:
        return _get(self.endpoints, endpoint_id, "RouteServerEndpoint")

    def peer(self, peer_id: str) -> Peer:
        return _get(self.peers, peer_id, "RouteServerPeer")

    def endpoints_of(self, route_server_id: str) -> list[Endpoint]:
        return [
            endpoint for endpoint in self.endpoints.values() if endpoint.route_server_id == route_server_id
        ]

    def peers_of(self, route_server_id: str) -> list[Peer]:
        return [peer for peer in self.peers.values() if peer.route_server_id == route_server_id]

    def peers_at(self, endpoint_id: str) -> list[Peer]:
        return [peer for peer in self.peers.values() if peer.endpoint_id == endpoint_id]

    def interfaces_by_address(self, vpc_id: str) -> dict[str, LabInterface]:
        """The interfaces of a VPC by each of their addresses, IPv4 and IPv6."""
        return {
            address: interface
            for interface in self.backend.interfaces()
            if interface.vpc_id == vpc_id
            for address in interface.all_addresses()
        }

    def finish_deletion(self, thing: Deletable, table: dict[str, Any]) -> None:
        """deleting -> deleted; the tombstone stays listed (docs/aws-facts.md#tombstones) and blocks its
        parent a little longer."""
        thing.state = State.DELETED
        timings = self.lab.timings

        def unblock() -> None:
            thing.blocks = False

        if timings.dependency_lag_s > 0:
            self.after(timings.dependency_lag_s, unblock)
        else:
            unblock()
        self.after(timings.tombstone_s, lambda: self._forget(thing, table))

    def _forget(self, thing: Deletable, table: dict[str, Any]) -> None:
        table.pop(thing.id, None)
        self.backend.tags.pop(thing.id, None)


def _get(table: dict[str, Thing], resource_id: str, kind: str) -> Thing:
    thing = table.get(resource_id)
    if thing is None:
        raise not_found(kind, resource_id)
    return thing
