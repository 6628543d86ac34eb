"""Describes what one can do to the emulated world, in process and over HTTP: ``POST /lab/<lever>`` with a
JSON object.

======================= ============================== ==================================================
Lever                   Arguments                      What happens
======================= ============================== ==================================================
register                name, instance_id, asn,        An appliance exists on an instance. A route is
                        routes, bfd=true               {prefix, as_path?, med?, next_hop?, toward?}. It
                                                       dials in wherever a peer has its address and its
                                                       ASN. toward: {route server ID: AS path} where that
                                                       differs.
kill                    name, stop_instance=false      It dies without goodbye: its sessions go down after
                                                       the detection time. Its instance may stop with it.
restore                 name                           Alive again, its instance started; it dials in.
shutdown                name                           It closes BGP gracefully and stays away.
session                 name, endpoint, state,         One session is held ``down`` or let ``up`` again;
                        protocol=both                  protocol is both, bgp or bfd. bfd down alone
                                                       withdraws its routes (`Behaviour.bfd_down`).
advertise               name, prefix, as_path=null,    A route is added or changed. Without as_path: its
                        med=0, next_hop=null           ASN alone; without next_hop: the peer's address.
withdraw                name, prefix                   A route is taken back.
maintenance             endpoint, seconds              AWS announces work on an endpoint; its sessions
                                                       drop, and come back after that time.
instance                name, state                    The instance of an appliance (or an instance ID)
                                                       goes to running, stopped or terminated, with events.
fault                   action, latency_s?, lag_s?,    Trouble for an EC2 action (``*``: all that have none
                        throttle={capacity, refill}?,  of their own): delay, reads of the past, throttling,
                        error?, break_s?, count?,      an error code, no answer (closed after break_s, at
                        rate?, lost_answer?            most 30). count and rate limit errors and breaks;
                                                       with lost_answer, the call is carried out before.
faults_clear                                           No more trouble.
resource                resource_id, state, reason     An endpoint or peer goes to failed (an endpoint also
                                                       to delete-failed) with this FailureReason.
associate_as_stranger   allocation_id, private_ip,     Somebody else moves an Elastic IP; permissions,
                        network_interface_id           faults and the request log do not see it.
======================= ============================== ==================================================

``endpoint`` is an ID, a Name tag or a tag ``tandem:endpoint``. A lever that cannot be pulled raises
LeverError (HTTP 400 ``{"error": …}``): what, where, and what would be right. Another Region than
us-east-1: ``/lab/<lever>?region=…``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends

from lab.ec2 import outbox, reserved, routing, sessions
from lab.ec2.appliances import checked_prefix, checked_route, checked_routes
from lab.ec2.entities import Appliance, Endpoint, Peer, State
from lab.ec2.errors import LeverError
from lab.ec2.fault_lever import checked_fault, number
from lab.ec2.history import History
from lab.ec2.lab import ACCOUNT, REGION, Lab
from lab.ec2.lookup import (
    find_appliance,
    find_endpoint,
    find_peers,
    instance_ids,
    instance_of,
    named,
    named_peer,
)

if TYPE_CHECKING:
    from lab.ec2.models import LabEC2Backend
    from lab.ec2.region import Region

_PROTOCOLS = {"both": (sessions.BFD, sessions.BGP), "bgp": (sessions.BGP,), "bfd": (sessions.BFD,)}
Outcome = dict[str, Any]


class Levers:
    """The levers of one Region. All are thread-safe and take and return plain JSON values."""

    def __init__(self, lab: Lab, region: str = REGION) -> None:
        self.lab = lab
        self.region_name = region

    @property
    def region(self) -> Region:
        backend = ec2_backends[ACCOUNT][self.region_name]
        return cast("LabEC2Backend", backend).lab_region

    @contextmanager
    def _pull(self) -> Iterator[Region]:
        region = self.region
        try:
            with region.changing():
                yield region
        except EC2ClientError as error:
            raise LeverError(f"{error.code}: {error.message}") from error
        finally:
            self.lab.clock.settle()

    def register(
        self, name: str, instance_id: str, asn: int, routes: Sequence[Mapping[str, Any]], bfd: bool = True
    ) -> Outcome:
        with self._pull() as region:
            if region.backend.get_instance_by_id(instance_id) is None:
                known = ", ".join(instance_ids(region)) or "none"
                raise LeverError(f"register {name}: no instance {instance_id!r}; there are: {known}")
            appliance = Appliance(name, instance_id, asn, checked_routes(region, name, asn, routes), bfd)
            before = region.appliances.get(name)
            region.appliances[name] = appliance
            if before is not None:
                self._replace(region, before)
            region.refresh()
            return {"name": name, "peers": [peer.id for peer in sessions.sessions_of(region, appliance)]}

    def _replace(self, region: Region, before: Appliance) -> None:
        """Registering a name again restarts that appliance: its old sessions end first."""
        for peer in region.peers.values():
            if peer.asn == before.asn and (peer.bgp or peer.bfd):
                interface = region.interfaces_by_address(peer.vpc_id).get(peer.address)
                if interface and interface.instance and interface.instance.id == before.instance_id:
                    sessions.close(region, peer, (sessions.BGP, sessions.BFD))

    def kill(self, name: str, stop_instance: bool = False) -> Outcome:
        with self._pull() as region:
            appliance = find_appliance(region, "kill", name)
            appliance.alive = False
            if stop_instance:
                region.backend.move_to(instance_of(region, appliance), "stopped")
            region.refresh()
            return {"name": name, "alive": False}

    def restore(self, name: str) -> Outcome:
        with self._pull() as region:
            appliance = find_appliance(region, "restore", name)
            instance = instance_of(region, appliance)
            region.backend.move_to(instance, "running")
            appliance.alive = True
            region.refresh()
            return {"name": name, "alive": True}

    def shutdown(self, name: str) -> Outcome:
        with self._pull() as region:
            appliance = find_appliance(region, "shutdown", name)
            closing = sessions.sessions_of(region, appliance)
            appliance.alive = False
            for peer in closing:
                sessions.close(region, peer, (sessions.BGP, sessions.BFD))
            region.refresh()
            return {"name": name, "alive": False}

    def session(self, name: str, endpoint: str, state: str, protocol: str = "both") -> Outcome:
        if protocol not in _PROTOCOLS:
            raise LeverError(f"session {name}: no protocol {protocol!r}; give both, bgp or bfd")
        if state not in {"up", "down"}:
            raise LeverError(f"session {name}: no state {state!r}; give up or down")
        with self._pull() as region:
            peers = find_peers(region, name, endpoint)
            for peer in peers:
                if state == "down":
                    peer.held_down.update(_PROTOCOLS[protocol])
                    sessions.close(region, peer, _PROTOCOLS[protocol])
                else:
                    peer.held_down.difference_update(_PROTOCOLS[protocol])
            region.refresh()
            return {"peers": {peer.id: sorted(peer.held_down) for peer in peers}}

    def advertise(
        self,
        name: str,
        prefix: str,
        as_path: Sequence[str | int] | None = None,
        med: int = 0,
        next_hop: str | None = None,
    ) -> Outcome:
        with self._pull() as region:
            appliance = find_appliance(region, "advertise", name)
            wanted = {"prefix": prefix, "as_path": as_path, "med": med, "next_hop": next_hop}
            route = checked_route(region, appliance, wanted)
            appliance.routes[route.prefix] = route
            return self._spread(region, appliance, lambda peer: routing.learn(region, peer, route))

    def withdraw(self, name: str, prefix: str) -> Outcome:
        with self._pull() as region:
            appliance = find_appliance(region, "withdraw", name)
            route = appliance.routes.pop(checked_prefix(f"withdraw {name}", prefix), None)
            if route is None:
                known = ", ".join(appliance.routes) or "none"
                raise LeverError(f"withdraw {name}: {prefix} is not advertised; advertised: {known}")
            return self._spread(region, appliance, lambda peer: routing.withdraw(region, peer, route.prefix))

    def _spread(self, region: Region, appliance: Appliance, tell: Callable[[Peer], None]) -> Outcome:
        told = [peer for peer in sessions.sessions_of(region, appliance) if peer.bgp]
        if not sessions.can_speak(region, appliance):
            told = []
        for peer in told:
            tell(peer)
        return {"name": appliance.name, "peers": [peer.id for peer in told]}

    def maintenance(self, endpoint: str, seconds: float) -> Outcome:
        lasting_s = number(f"maintenance {endpoint}", "seconds", seconds)
        with self._pull() as region:
            worked_on = find_endpoint(region, "maintenance", endpoint)
            peers = [peer for peer in region.peers_at(worked_on.id) if peer.state is State.AVAILABLE]
            outbox.maintenance(region, worked_on)
            worked_on.maintenances += 1
            for peer in peers:
                sessions.close(region, peer, (sessions.BFD, sessions.BGP))

            def over() -> None:
                worked_on.maintenances -= 1
                region.refresh()

            region.after(lasting_s, over)
            region.refresh()
            return {"endpoint": worked_on.id, "peers": [peer.id for peer in peers]}

    def instance(self, name: str, state: str) -> Outcome:
        with self._pull() as region:
            appliance = region.appliances.get(name)
            instance = region.backend.get_instance_by_id(appliance.instance_id if appliance else name)
            if instance is None:
                names = ", ".join([*region.appliances, *instance_ids(region)]) or "none"
                raise LeverError(f"instance {name!r}: no such appliance or instance; there are: {names}")
            region.backend.move_to(instance, state)
            region.refresh()
            return {"instance_id": instance.id, "state": instance.state}

    def fault(self, action: str, **trouble: Any) -> Outcome:
        """See the table; named troubles are added to what the action suffers already."""
        changes = checked_fault(self.lab.faults, action, trouble)
        with self._pull() as region:
            if self.lab.faults.longest_lag_s() == 0:
                region.history = History()  # what was recorded before the last lag is too old
            self.lab.faults.change(action, changes)
        return {"faults": self.lab.faults.describe()}

    def resource(self, resource_id: str, state: str, reason: str) -> Outcome:
        with self._pull() as region:
            thing = region.endpoints.get(resource_id) or region.peers.get(resource_id)
            if thing is None or thing.state is State.DELETED:
                endpoints = [named(region, endpoint) for endpoint in region.endpoints]
                known = (
                    ", ".join([*endpoints, *(named_peer(region, p) for p in region.peers.values())]) or "none"
                )
                raise LeverError(f"resource {resource_id!r}: no such endpoint or peer; there are: {known}")
            allowed = {"failed", "delete-failed"} if isinstance(thing, Endpoint) else {"failed"}
            if state not in allowed:
                raise LeverError(f"resource {resource_id}: no state {state!r}; give {sorted(allowed)}")
            thing.state, thing.failure_reason = State(state), reason
            if isinstance(thing, Peer):
                sessions.close(region, thing, (sessions.BFD, sessions.BGP))
            region.refresh()
            return {"resource_id": resource_id, "state": state}

    def faults_clear(self) -> Outcome:
        self.lab.faults.clear()
        return {"faults": {}}

    def associate_as_stranger(
        self, allocation_id: str, network_interface_id: str, private_ip: str
    ) -> Outcome:
        with self._pull() as region:
            reserved.refuse_interface(region, network_interface_id)
            backend = region.backend
            address = backend.associate_address(
                eni=backend.get_network_interface(network_interface_id),
                allocation_id=allocation_id,
                private_ip_address=private_ip,
            )
            return {"association_id": address.association_id}
