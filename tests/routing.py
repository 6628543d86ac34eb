"""A Route Server in values: what AWS shows after each call of a plan, minutes and appliances included."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import singledispatchmethod
from typing import Any

from tandem.model import Liveness, Peer, Route, RouteServer, RouteStatus, Status
from tandem.provisioning.managed import ROUTE_SERVER, Desired, Observed
from tandem.provisioning.manageplan import plan
from tandem.provisioning.managesteps import (
    Action,
    AssociateVpc,
    CreateEndpoint,
    CreatePeer,
    CreateRouteServer,
    DeleteEndpoint,
    DeletePeer,
    DeleteRouteServer,
    DisablePropagation,
    DisassociateVpc,
    EnablePropagation,
    ModifyRouteServer,
    SetTags,
    Step,
)
from tandem.tags import OWNER_TAG
from tandem.topology.document import Topology, parse_topology
from tandem.topology.inventory import Endpoint
from tandem.topology.shape import normalise
from tests.topologies import document

TOPIC = "arn:aws:sns:us-east-1:123456789012:route-server"
PREFIX = "0.0.0.0/0"


def wanted(**changes: Any) -> dict[str, Any]:
    """Returns the example, managed from nothing."""
    made = {**document(), "manage": True, **changes}
    made["route_server"].pop("id", None)
    return made


def keepalive(made: dict[str, Any]) -> dict[str, Any]:
    """Liveness is fixed at creation, so that every session has to be replaced."""
    for appliance in made["appliances"].values():
        appliance["liveness"] = "bgp-keepalive"
    return made


def topology(made: dict[str, Any]) -> Topology:
    return parse_topology(normalise(made))


class Aws:
    """One route server's AWS. What is created is pending until `settle`; appliances then dial in.

    `speaks` is each appliance's address and ASN as it is configured, `preference` who wins the prefix.
    """

    def __init__(self, of: Topology, preference: tuple[str, ...] = ("fw1", "fw2")) -> None:
        self.shown = Observed()
        self.preference = preference
        self.speaks = {
            (address, a.asn): name for name, a in of.appliances.items() for address in a.peer_addresses
        }
        self.calls: list[Action] = []
        self._number = 0
        self._tokens: dict[str, str] = {}

    def copy(self) -> Aws:
        return copy.deepcopy(self)

    def carry_out(self, action: Action) -> None:
        self.calls.append(action)
        self._do(action)

    @singledispatchmethod
    def _do(self, action: Action) -> None:
        raise AssertionError(f"no call: {action}")

    @_do.register
    def _(self, action: CreateRouteServer) -> None:
        if action.token not in self._tokens:
            made = RouteServer(
                self._id("rs"),
                "pending",
                action.asn,
                TOPIC if action.notifies else None,
                action.tags,
                action.notifies,
                "enabling" if action.persist_minutes else "disabled",
                action.persist_minutes,
            )
            self._tokens[action.token] = made.route_server_id
            self.shown = replace(self.shown, servers=(*self.shown.servers, made))

    @_do.register
    def _(self, action: ModifyRouteServer) -> None:
        (server,) = (s for s in self.shown.servers if s.route_server_id == action.about)
        assert server.state == "available"
        notifies = server.notifies if action.notifies is None else action.notifies
        changed = replace(
            server, state="modifying", notifies=notifies, sns_topic_arn=TOPIC if notifies else None
        )
        if action.persist is not None:
            enabled = action.persist == "enable"
            changed = replace(
                changed,
                persist_state="enabling" if enabled else "disabling",
                persist_minutes=action.persist_minutes,
            )
        self._server(changed)

    @_do.register
    def _(self, action: DeleteRouteServer) -> None:
        assert not self.shown.associations
        (server,) = (s for s in self.shown.servers if s.route_server_id == action.about)
        self._server(replace(server, state="deleting"))

    @_do.register
    def _(self, action: AssociateVpc) -> None:
        assert not self.shown.associations
        assert self._is_available()
        self.shown = replace(self.shown, associations=((action.about, "associating"),))

    @_do.register
    def _(self, action: DisassociateVpc) -> None:
        assert not [e for e in self.shown.endpoints if e.state != "deleted"]
        assert not self.shown.propagations
        self.shown = replace(self.shown, associations=((action.about, "disassociating"),))

    @_do.register
    def _(self, action: CreateEndpoint) -> None:
        assert self._is_available()
        assert all(state == "associated" for _, state in self.shown.associations)
        assert self.shown.associations
        if action.token in self._tokens:
            return
        there = [e for e in self.shown.endpoints if e.subnet_id == action.subnet_id and e.state != "deleted"]
        assert len(there) < 2, "quota"
        made = Endpoint(
            self._id("rse"), action.route_server_id, action.subnet_id, "pending", None, action.tags
        )
        self._tokens[action.token] = made.endpoint_id
        self.shown = replace(self.shown, endpoints=(*self.shown.endpoints, made))

    @_do.register
    def _(self, action: DeleteEndpoint) -> None:
        (endpoint,) = (e for e in self.shown.endpoints if e.endpoint_id == action.about)
        assert endpoint.state in ("available", "failed", "delete-failed")
        assert not [p for p in self.shown.peers if p.endpoint_id == action.about]
        self._endpoint(replace(endpoint, state="deleting"))

    @_do.register
    def _(self, action: EnablePropagation) -> None:
        assert action.about not in dict(self.shown.propagations)
        self.shown = replace(self.shown, propagations=(*self.shown.propagations, (action.about, "pending")))

    @_do.register
    def _(self, action: DisablePropagation) -> None:
        assert dict(self.shown.propagations)[action.about] == "available"
        kept = tuple(p for p in self.shown.propagations if p[0] != action.about)
        self.shown = replace(self.shown, propagations=(*kept, (action.about, "deleting")))

    @_do.register
    def _(self, action: CreatePeer) -> None:
        (endpoint,) = (e for e in self.shown.endpoints if e.endpoint_id == action.endpoint_id)
        assert endpoint.state == "available"
        taken = {(p.endpoint_id, p.peer_address) for p in self.shown.peers}
        assert (action.endpoint_id, action.address) not in taken, "a second peer of endpoint and address"
        made = Peer(
            self._id("rsp"),
            action.endpoint_id,
            endpoint.route_server_id,
            action.address,
            "pending",
            action.asn,
            action.liveness,
            Status.DOWN,
            Status.DOWN,
            action.tags,
        )
        self.shown = replace(self.shown, peers=(*self.shown.peers, made))

    @_do.register
    def _(self, action: DeletePeer) -> None:
        (peer,) = (p for p in self.shown.peers if p.peer_id == action.about)
        assert peer.state in ("available", "failed")
        self.peer(replace(peer, state="deleting", bgp=Status.DOWN, bfd=Status.DOWN))
        self.converge()

    @_do.register
    def _(self, action: SetTags) -> None:
        for kind, key in (("servers", "route_server_id"), ("endpoints", "endpoint_id"), ("peers", "peer_id")):
            rows: Any = tuple(
                replace(row, tags=tuple((dict(row.tags) | dict(action.tags)).items()))
                if getattr(row, key) == action.about
                else row
                for row in getattr(self.shown, kind)
            )
            changed: dict[str, Any] = {kind: rows}
            self.shown = replace(self.shown, **changed)

    def settle(self) -> None:
        """Minutes pass: everything arrives, appliances dial, routes converge."""
        arrived = {"pending": "available", "modifying": "available", "deleting": "deleted"}
        persist = {"enabling": "enabled", "disabling": "disabled"}
        servers = tuple(
            replace(
                s,
                state=arrived.get(s.state, s.state),
                persist_state=persist.get(str(s.persist_state), s.persist_state),
            )
            for s in self.shown.servers
        )
        endpoints = tuple(replace(e, state=arrived.get(e.state, e.state)) for e in self.shown.endpoints)
        peers = tuple(
            replace(p, state=arrived.get(p.state, p.state)) for p in self.shown.peers if p.state != "deleting"
        )
        there = {"pending": "available", "available": "available"}
        self.shown = replace(
            self.shown,
            servers=servers,
            endpoints=endpoints,
            peers=tuple(self._dialled(p) for p in peers),
            associations=tuple(
                (vpc, "associated") for vpc, state in self.shown.associations if state != "disassociating"
            ),
            propagations=tuple((t, there[s]) for t, s in self.shown.propagations if s in there),
        )
        self.converge()

    def _dialled(self, peer: Peer) -> Peer:
        up = (peer.peer_address, peer.asn) in self.speaks and peer.state == "available"
        status = Status.UP if up else Status.DOWN
        return replace(peer, bgp=status, bfd=status if peer.liveness is Liveness.BFD else None)

    def converge(self) -> None:
        """The first of the preferred appliances that has a session wins; one of its rows is in the FIB."""
        up = [p for p in self.shown.peers if p.bgp is Status.UP]
        names = {p.peer_id: self.speaks[p.peer_address, p.asn] for p in up}
        up.sort(key=lambda p: (self.preference.index(names[p.peer_id]), p.peer_id))
        self.shown = replace(
            self.shown,
            routes=tuple(
                Route(PREFIX, p.peer_address, RouteStatus.IN_RIB if n else RouteStatus.IN_FIB, p.peer_id)
                for n, p in enumerate(up)
            ),
        )

    @property
    def owner(self) -> str | None:
        for route in self.shown.routes or ():
            if route.status is RouteStatus.IN_FIB:
                (peer,) = (p for p in self.shown.peers if p.peer_id == route.peer_id)
                return self.speaks[peer.peer_address, peer.asn]
        return None

    def peer(self, changed: Peer) -> None:
        self.shown = replace(
            self.shown,
            peers=tuple(changed if p.peer_id == changed.peer_id else p for p in self.shown.peers),
        )

    def _server(self, changed: RouteServer) -> None:
        self.shown = replace(
            self.shown,
            servers=tuple(
                changed if s.route_server_id == changed.route_server_id else s for s in self.shown.servers
            ),
        )

    def _endpoint(self, changed: Endpoint) -> None:
        self.shown = replace(
            self.shown,
            endpoints=tuple(
                changed if e.endpoint_id == changed.endpoint_id else e for e in self.shown.endpoints
            ),
        )

    def endpoint(self, changed: Endpoint) -> None:
        self._endpoint(changed)

    def _is_available(self) -> bool:
        return [s.state for s in self.shown.servers if s.state != "deleted"] == ["available"]

    def _id(self, kind: str) -> str:
        self._number += 1
        return f"{kind}-{self._number:017x}"


class Run:
    """Runs over one document: plans, does what is ready, records what the loop would record."""

    def __init__(self, aws: Aws, desired: Desired) -> None:
        self.aws = aws
        self.desired = desired

    def towards(self, made: dict[str, Any], **more: Any) -> Run:
        """Returns a copy of its world on the way to another document."""
        return Run(self.aws.copy(), replace(self.desired, topology=topology(made), **more))

    def plan(self) -> tuple[Step, ...]:
        return plan(self.desired, self.aws.shown)

    def begin(self) -> list[Step]:
        """Returns what is ready, and records it first: a propagation carries no tag that says whose it is."""
        ready = [step for step in self.plan() if step.is_ready]
        tables = [step.do.about for step in ready if isinstance(step.do, EnablePropagation)]
        noted = tuple(dict.fromkeys((*self.desired.propagated, *tables)))
        self.desired = replace(self.desired, propagated=noted)
        return ready

    def converge(self, turns: int = 60) -> tuple[Step, ...]:
        """Turns until nothing changes any more; what is left then. No single call takes an owner's route."""
        for _ in range(turns):
            if not self.plan():
                return ()
            owner = self.aws.owner
            for step in self.begin():
                self.aws.carry_out(step.do)
                assert owner is None or self.aws.owner == owner, step.planned
            before = self.aws.shown
            self.aws.settle()
            if self.aws.shown == before and not any(step.is_ready for step in self.plan()):
                return self.plan()
        raise AssertionError([s.planned for s in self.plan()])

    def former(self) -> None:
        """Records the IDs, as the loop does after a turn."""
        named = {
            dict(e.tags)["tandem:endpoint"]: e.endpoint_id
            for e in self.aws.shown.endpoints
            if e.state != "deleted"
        }
        (server,) = (s for s in self.aws.shown.servers if s.state != "deleted")
        former = {**self.desired.former, **named, ROUTE_SERVER: server.route_server_id}
        self.desired = replace(self.desired, former=former)


def desired(made: dict[str, Any], **more: Any) -> Desired:
    return Desired(topology(made), "tandem", **more)


def built(made: dict[str, Any] | None = None) -> Run:
    """Returns a world in which the document is reached."""
    made = made or wanted()
    run = Run(Aws(topology(made)), desired(made))
    assert run.converge() == ()
    run.former()
    return run


def adopted(world: Run, *, consent: bool = True) -> Run:
    """Returns the same world, made by somebody else: adopted from then on."""
    owners = ((OWNER_TAG, "tandem"),) if consent else ()
    run = Run(world.aws.copy(), world.desired)
    shown = run.aws.shown
    names = {e.endpoint_id: dict(e.tags)["tandem:endpoint"] for e in shown.endpoints}
    run.aws.shown = replace(
        shown,
        servers=tuple(replace(s, tags=owners) for s in shown.servers),
        endpoints=tuple(replace(e, tags=(*owners, ("Name", names[e.endpoint_id]))) for e in shown.endpoints),
        peers=tuple(replace(p, tags=owners) for p in shown.peers),
    )
    run.desired = replace(run.desired, adopts=shown.servers[0].route_server_id, former={}, propagated=())
    return run
