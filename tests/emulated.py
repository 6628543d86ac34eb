"""Reads a managed route server in the emulator itself, and checks the invariant of every change to one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lab.ec2.entities import PersistState, State
from tests.provisioning import LISTENERS, Provisioner, changing

Carried = frozenset[tuple[str, str, str]]
"""Route server, prefix in its FIB, and the instance that owns it and has a session that carries it."""

PERSISTENCE = "persistence"
"""In the place of that instance, where no session of anybody carries the prefix."""


@dataclass
class SessionGuard:
    """Notes every call of the function that left an owner without any session that carries its prefix, or
    put at risk what only persistence keeps in the FIB."""

    tandem: Provisioner
    stranded: list[str] = field(default_factory=list)
    lost: list[tuple[str, str]] = field(default_factory=list)
    """The same as prefix and who had it."""
    _before: Carried = frozenset()

    def __enter__(self) -> SessionGuard:
        LISTENERS.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        LISTENERS.remove(self)

    def before(self, call: str) -> None:
        if changing([call]):
            self._before = self.owners() | self.persisted()

    def after(self, call: str) -> None:
        if changing([call]):
            gone = self._before - self.carried() - self.persisted()
            self.stranded += [f"{call}: {who} no longer carries {prefix}" for _, prefix, who in gone]
            self.lost += [(prefix, who) for _, prefix, who in gone]

    def owners(self) -> Carried:
        """Returns every owner that has a live session."""
        region = self.tandem.lab.backend.lab_region
        alive = self.carried()
        found = set()
        for server in region.route_servers.values():
            interfaces = region.interfaces_by_address(server.vpc_id) if server.vpc_id else {}
            for prefix, path in server.fib.items():
                interface = interfaces.get(path.next_hop)
                if interface is not None and interface.instance is not None:
                    found.add((server.id, prefix, interface.instance.id))
        return frozenset(found & alive)

    def persisted(self) -> Carried:
        """Returns every prefix that is safe in a FIB though nobody has a session that carries it.

        AWS does not say what becomes of it when persistence changes, or its peers are deleted.
        """
        region, live = self.tandem.lab.backend.lab_region, {(s, p) for s, p, _ in self.carried()}
        return frozenset(
            (server.id, prefix, PERSISTENCE)
            for server in region.route_servers.values()
            for prefix in server.fib
            if server.persist is PersistState.ENABLED and (server.id, prefix) not in live
            if any(prefix in p.paths for p in region.peers_of(server.id) if p.state is State.AVAILABLE)
        )

    def carried(self) -> Carried:
        """Returns every prefix that an instance advertises over a session with BGP up and BFD not lost."""
        region = self.tandem.lab.backend.lab_region
        found = set()
        for peer in region.peers.values():
            if peer.bgp and peer.state is State.AVAILABLE:
                interface = region.interfaces_by_address(peer.vpc_id).get(peer.address)
                if interface is not None and interface.instance is not None:
                    found |= {(peer.route_server_id, prefix, interface.instance.id) for prefix in peer.paths}
        return frozenset(found)


def described(document: dict[str, Any]) -> dict[str, Any]:
    """Returns what a document says of its route server."""
    server = document["route_server"]
    persist = server.get("persist_routes", "disable")
    return {
        "asn": server.get("amazon_side_asn"),
        "persist": None if persist == "disable" else persist,
        "notifies": server.get("sns_notifications", True),
        "vpc": server["vpc_id"],
        "tables": set(server.get("propagate_to", ())),
        "endpoints": server["endpoints"],
        "sessions": {
            (endpoint, address): (name, appliance["asn"], appliance.get("liveness", "bgp-keepalive"))
            for name, appliance in document["appliances"].items()
            for endpoint, address in appliance["peers"].items()
        },
        "states": {State.AVAILABLE},
    }


def shown(tandem: Provisioner, server_id: str) -> dict[str, Any]:
    """Returns the same as the emulator has it."""
    region = tandem.lab.backend.lab_region
    server = region.route_servers[server_id]
    endpoints = [e for e in region.endpoints_of(server_id) if e.state is not State.DELETED]
    peers = [p for p in region.peers_of(server_id) if p.state is not State.DELETED]
    names = {e.id: region.tags(e.id)["tandem:endpoint"] for e in endpoints}
    return {
        "asn": server.asn,
        "persist": server.persist_minutes if server.persist == "enabled" else None,
        "notifies": server.sns,
        "vpc": server.vpc_id,
        "tables": set(server.propagations),
        "endpoints": {names[e.id]: e.subnet_id for e in endpoints},
        "sessions": {
            (names[p.endpoint_id], p.address): (region.tags(p.id)["tandem:appliance"], p.asn, p.liveness)
            for p in peers
        },
        "states": {t.state for t in (server, *endpoints, *peers)},
    }
