"""Describes what an onlooker sees happen in the lab: route servers, sessions, routes, Elastic IPs as they
change.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from lab.levers import Levers, NoLab

GLANCE_SECONDS = 0.02

World = Mapping[str, Any]
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something was different from the glance before."""

    at: datetime
    what: str
    before: str
    now: str


@dataclass
class Sightings:
    """Everything that changed while the `watching` block ran; moves exactly, else right to a glance."""

    seen: list[Sighting] = field(default_factory=list)
    until: datetime = NEVER
    """Nothing that is seen later gets a time before this: a glance takes long on a busy machine."""

    def of(self, what: str) -> list[Sighting]:
        """The changes of whatever begins with `what`: `session`, `route`, `Elastic IP`."""
        return [sighting for sighting in self.seen if sighting.what.startswith(what)]


def visible(world: World) -> dict[str, str]:
    """Returns who owns which route, who holds which address, which BGP session is up."""
    shown: dict[str, str] = {}
    for server in world["route_servers"]:
        for name, peer in _peers(world, server).items():
            shown[f"session {name}"] = peer["bgp"]
        for prefix, owner in server["owners"].items():
            shown[f"route {prefix}"] = owner or "undeclared"
    for address in world["elastic_ips"]:
        shown[f"Elastic IP {address['public_ip']}"] = address["appliance"] or "nobody"
    return shown


def places(world: World) -> dict[str, str]:
    """Returns what is `visible`, each address with the private IP that it is associated with."""
    return visible(world) | {
        f"Elastic IP {a['public_ip']}": f"{a['appliance'] or 'undeclared'} {a['private_ip']}"
        for a in world["elastic_ips"]
        if a["interface"]
    }


def parts(world: World) -> dict[str, str]:
    """Of what each route server is made, in which state, beside what is `visible`."""
    shown: dict[str, str] = {}
    for server in world["route_servers"]:
        shown[f"route server {server['id']}"] = server["state"]
        if server["association"]:
            shown[f"association {server['vpc_id']}"] = server["association"]
        shown |= {f"endpoint {e['name'] or e['id']}": e["state"] for e in server["endpoints"]}
        shown |= {f"propagation {table}": state for table, state in server["propagations"].items()}
        shown |= {f"peer {name}": peer["state"] for name, peer in _peers(world, server).items()}
    return shown | visible(world)


def moves(world: World) -> dict[str, datetime]:
    """Returns when each Elastic IP was moved last: a move stands before what verifies it."""
    return {
        f"Elastic IP {a['public_ip']}": datetime.fromisoformat(a["moved_at"])
        for a in world["elastic_ips"]
        if a["moved_at"]
    }


def changed(
    before: Mapping[str, str],
    now: Mapping[str, str],
    at: datetime,
    known: Mapping[str, datetime] = MappingProxyType({}),
) -> list[Sighting]:
    """Returns what differs between two glances. A route that nobody has is no part of the world."""
    return [
        Sighting(
            known.get(what, at),
            what,
            before.get(what) or _absent(what, "unknown"),
            now.get(what) or _absent(what, "gone"),
        )
        for what in {**now, **before}
        if before.get(what) != now.get(what)
    ]


def _absent(what: str, otherwise: str) -> str:
    return "nobody" if what.startswith("route ") else otherwise


def _peers(world: World, server: World) -> dict[str, World]:
    """Returns the peers by appliance and endpoint, `fw1 az1-a`; a deleted one is a tombstone."""
    endpoints = {endpoint["id"]: endpoint["name"] or endpoint["id"] for endpoint in server["endpoints"]}
    there = [peer for peer in server["peers"] if peer["state"] != "deleted"]
    return {f"{_appliance(world, peer)} {endpoints[peer['endpoint']]}": peer for peer in there}


def _appliance(world: World, peer: World) -> str:
    """Returns the appliance's name. That of a terminated instance is known by its ASN, which no interface
    shows any more; of a stranger only the address is known."""
    names = [appliance["name"] for appliance in world["appliances"] if appliance["asn"] == peer["asn"]]
    return str(peer["appliance"] or (names[0] if len(names) == 1 else peer["address"]))


@contextmanager
def watching(
    levers: Levers,
    shown: Callable[[World], dict[str, str]] = visible,
    *,
    glance_seconds: float = GLANCE_SECONDS,
) -> Iterator[Sightings]:
    """Looks at the lab all the time until the block ends."""
    sightings, ended = Sightings(), threading.Event()

    def look() -> None:
        before = shown(levers.world())
        while not ended.wait(glance_seconds):
            at, world = datetime.now(UTC), levers.world()
            now = shown(world)
            sightings.seen += changed(before, now, at, moves(world))
            sightings.until = at  # after what was seen: whoever reads it first misses nothing
            before = now

    def look_while_it_is_up() -> None:
        with suppress(NoLab):  # whoever waits for the lab says that it is gone
            look()
        sightings.until = datetime.max.replace(tzinfo=UTC)

    onlooker = threading.Thread(target=look_while_it_is_up, name="onlooker", daemon=True)
    onlooker.start()
    try:
        yield sightings
    finally:
        ended.set()
        onlooker.join()
