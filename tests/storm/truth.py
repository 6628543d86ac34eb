"""Whether what Tandem says of the world is so: each clause of a hold's reason against the lab's own state."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tandem.topology import Topology

Place = tuple[str, str]


@dataclass
class Facts:
    """The emulated world, and what the storm did to it that the world does not show."""

    world: Mapping[str, Any]
    topology: Topology
    override: Mapping[str, Any] | None
    meddled: Mapping[str, int]
    """Elastic IP to how often somebody else moved it."""
    places: dict[str, Place] = field(init=False)

    def __post_init__(self) -> None:
        addresses = self.world["elastic_ips"]
        self.places = {e["allocation_id"]: (e["interface"], e["private_ip"]) for e in addresses}

    def appliance(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = next(a for a in self.world["appliances"] if a["name"] == name)
        return found

    def is_up(self, name: str) -> bool:
        peers = self.world["route_servers"][0]["peers"]
        return any(p["bgp"] == "up" for p in peers if p["appliance"] == name)

    def rows(self, prefix: str) -> list[Mapping[str, Any]]:
        routes = self.world["route_servers"][0]["routes"]
        return [r for r in routes if (r["Prefix"], r["RouteStatus"]) == (prefix, "in-fib")]

    def owner(self, prefix: str) -> str | None:
        owner: str | None = self.world["route_servers"][0]["owners"].get(prefix)
        return owner

    def is_installed(self, prefix: str) -> bool:
        details = [d for row in self.rows(prefix) for d in row["RouteInstallationDetails"]]
        return any(d["RouteInstallationStatus"] == "installed" for d in details)

    def interfaces(self) -> dict[str, list[str]]:
        """The attached interfaces of the appliances, with their private IPs."""
        every = [i for a in self.world["appliances"] for i in a["interfaces"]]
        return {i["id"]: i["private_ips"] for i in every}

    def candidates(self) -> list[str]:
        """Who may own the group's route, the best first."""
        (group,) = self.topology.groups
        names = [name for name in map(self.owner, group.prefixes) if name is not None]
        best = sorted(set(names), key=lambda name: (-names.count(name), name))
        return [name for name in best if self.is_up(name)]


Check = Callable[..., bool]

_CLAUSES: dict[str, Check] = {
    r"paused by kim": lambda f: (f.override or {}).get("action") == "paused",
    r"pinned to (\w+) by kim.*; but \1 has no session with BGP up": lambda f, name: (
        (f.override or {}).get("appliance") == name and not f.is_up(name)
    ),
    r"(\S+) is not in the FIB": lambda f, prefix: not f.rows(prefix),
    r"more specific ones are: ([\d./]+(?:, [\d./]+)*)": lambda f, inside: all(
        map(f.rows, inside.split(", "))
    ),
    r"the FIB names (\w+), which has no session with BGP up": lambda f, name: (
        name in map(f.owner, f.topology.groups[0].prefixes) and not f.candidates()
    ),
    r"(\S+) goes to (\S+), which no declared appliance has": lambda f, prefix, hop: (
        [r["NextHopIp"] for r in f.rows(prefix)] == [hop] and f.owner(prefix) is None
    ),
    r"(\S+) is rejected by every route table": lambda f, prefix: (
        bool(f.rows(prefix)) and not f.is_installed(prefix)
    ),
    r"(eni-\w+), which no appliance declares, has it": lambda f, eni: (
        eni in {place[0] for place in f.places.values()} and eni not in f.interfaces()
    ),
    r"(eni-\w+) is not attached to an appliance's instance": lambda f, eni: eni not in f.interfaces(),
    r"(eni-\w+) is on (i-\w+), which is ([\w-]+)": lambda f, eni, instance, state: (
        eni in f.interfaces()
        and (instance, state) in {(a["instance_id"], a["instance_state"]) for a in f.world["appliances"]}
    ),
    r"(\S+) on (eni-\w+) has another Elastic IP, (eipalloc-\w+)": lambda f, ip, eni, other: (
        f.places[other] == (eni, ip)
    ),
    r"(eipalloc-\w+): something else moved it away from \w+ (\d+) times": lambda f, name, times: (
        f.meddled.get(name, 0) >= int(times)
    ),
    r"the tracked prefixes are split": lambda f: len(set(map(f.owner, f.topology.groups[0].prefixes))) > 1,
}
_MEANWHILE = ("damped until", "not clear after", "EC2 refused", "does not show it yet", "could not be read")
"""What is over two sweeps after the storm, or is not true any more."""


def untrue(reason: str, facts: Facts) -> list[str]:
    """The clauses of the reason that are not so; all of it where no clause is known."""
    found = [(m, check) for words, check in _CLAUSES.items() for m in re.finditer(words, reason)]
    false = [m.group() for m, check in found if not check(facts, *m.groups())]
    false += [words for words in _MEANWHILE if words in reason]
    return false if found else [reason]


def misplaced(facts: Facts) -> list[str]:
    """The declared Elastic IPs that are not with an owner of the route, or with whom they are pinned to."""
    override = facts.override or {}
    wanted = [override["appliance"]] if override.get("action") == "pinned" else facts.candidates()
    (group,) = facts.topology.groups
    return [
        spec.allocation_id
        for spec in group.elastic_ips
        if facts.places[spec.allocation_id]
        not in [(t.network_interface_id, t.private_ip) for name, t in spec.targets.items() if name in wanted]
    ]
