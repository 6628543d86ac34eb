"""What an onlooker sees happen in the lab: sessions, routes and Elastic IPs as they change."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lab.levers import Levers

GLANCE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something was different from the glance before."""

    at: datetime
    what: str
    before: str
    now: str


@dataclass
class Sightings:
    """Everything that changed while the `watching` block ran, in order; right to about 30 ms."""

    seen: list[Sighting] = field(default_factory=list)

    def of(self, what: str) -> list[Sighting]:
        """The changes of whatever begins with `what`: `session`, `route`, `Elastic IP`."""
        return [sighting for sighting in self.seen if sighting.what.startswith(what)]


@contextmanager
def watching(levers: Levers) -> Iterator[Sightings]:
    """Looks at the lab all the time until the block ends."""
    sightings, ended = Sightings(), threading.Event()

    def look() -> None:
        before = visible(levers.world())
        while not ended.wait(GLANCE_SECONDS):
            now, at = visible(levers.world()), datetime.now(UTC)
            sightings.seen += [
                Sighting(at, what, before.get(what, "unknown"), now[what])
                for what in now
                if before.get(what) != now[what]
            ]
            before = now

    onlooker = threading.Thread(target=look, name="onlooker", daemon=True)
    onlooker.start()
    try:
        yield sightings
    finally:
        ended.set()
        onlooker.join()


def visible(world: Mapping[str, Any]) -> dict[str, str]:
    """Who owns which route, who holds which address, which BGP session is up."""
    shown: dict[str, str] = {}
    for server in world["route_servers"]:
        endpoints = {endpoint["id"]: endpoint["name"] for endpoint in server["endpoints"]}
        for peer in server["peers"]:
            shown[f"session {peer['appliance']} {endpoints[peer['endpoint']]}"] = peer["bgp"]
        for prefix, owner in server["owners"].items():
            shown[f"route {prefix}"] = owner or "nobody"
    for address in world["elastic_ips"]:
        shown[f"Elastic IP {address['public_ip']}"] = address["appliance"] or "nobody"
    return shown
