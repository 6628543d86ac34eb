"""Judges if what Tandem says of the world is so: each clause of a hold's reason against the lab's own
state.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tandem.events import parse_iso
from tandem.topology.document import Group

Place = tuple[str, str]


@dataclass
class Facts:
    """The emulated world as one group's hold must tell it, and what the storm did that it does not show."""

    world: Mapping[str, Any]
    group: Group
    orders: Mapping[str | None, Mapping[str, Any]]
    """The override of the topology (None) and of groups."""
    meddled: Mapping[str, int]
    """Elastic IP to how often somebody else moved it."""
    persisted: bool
    now: datetime
    places: dict[str, Place] = field(init=False)

    def __post_init__(self) -> None:
        addresses = self.world["elastic_ips"]
        self.places = {e["allocation_id"]: (e["interface"], e["private_ip"]) for e in addresses}

    @property
    def override(self) -> Mapping[str, Any]:
        """A pause beats a pin, the group's own beats the topology's; what has ended is none."""
        standing = [
            (order["action"] != "paused", scope is None, order)
            for scope, order in self.orders.items()
            if scope in (None, self.group.name) and parse_iso(order["until"]) > self.now
        ]
        return min(standing, key=lambda found: found[:2])[2] if standing else {}

    def is_up(self, name: str) -> bool:
        peers = self.world["route_servers"][0]["peers"]
        return any(p["bgp"] == "up" for p in peers if p["appliance"] == name)

    def rows(self, prefix: str) -> list[Mapping[str, Any]]:
        routes = self.world["route_servers"][0]["routes"]
        return [r for r in routes if (r["Prefix"], r["RouteStatus"]) == (prefix, "in-fib")]

    def owner(self, prefix: str) -> str | None:
        owner: str | None = self.world["route_servers"][0]["owners"].get(prefix)
        return owner

    def owners(self) -> dict[str, str | None]:
        return {prefix: self.owner(prefix) for prefix in self.group.prefixes}

    def is_installed(self, prefix: str) -> bool:
        details = [d for row in self.rows(prefix) for d in row["RouteInstallationDetails"]]
        return any(d["RouteInstallationStatus"] == "installed" for d in details)

    def interfaces(self) -> dict[str, list[str]]:
        """The attached interfaces of the appliances, with their private IPs."""
        every = [i for a in self.world["appliances"] for i in a["interfaces"]]
        return {i["id"]: i["private_ips"] for i in every}

    def candidates(self) -> list[str]:
        """Returns who may own the group's route."""
        return sorted({name for name in self.owners().values() if name is not None and self.is_up(name)})


Check = Callable[..., bool]
_LET_BE = (
    ": Tandem does not move it until that ends; "
    "find what else moves it, such as the appliance's own HA script"
)

_CLAUSES: dict[str, Check] = {
    r"paused by kim \(as the override record says\) until [^;]+ UTC: a test": lambda f, _: (
        f.override.get("action") == "paused"
    ),
    r"pinned to (\w+) by kim \(as the override record says\) until [^;]+ UTC: a test; "
    r"but \1 has no session with BGP up": lambda f, _, name: (
        f.override.get("appliance") == name and not f.is_up(name)
    ),
    r"(\S+) is not in the FIB(?:; it has only ([\d./]+(?:, [\d./]+)*))?": (
        lambda f, _, prefix, inside: (
            not f.rows(prefix) and all(map(f.rows, inside.split(", ") if inside else ()))
        )
    ),
    r"the FIB names (\w+), which has no session with BGP up: "
    r"the route is out of date": lambda f, _, name: name in f.owners().values() and not f.candidates(),
    r"(\S+) goes to (\S+), which no declared appliance has": lambda f, _, prefix, hop: (
        [r["NextHopIp"] for r in f.rows(prefix)] == [hop] and f.owner(prefix) is None
    ),
    r"(\S+) is rejected by every route table \([^()]*\)": lambda f, _, prefix: (
        bool(f.rows(prefix)) and not f.is_installed(prefix)
    ),
    r"(eni-\w+), which no appliance declares, has the Elastic IP: "
    r"Tandem did not move it there": lambda f, ids, eni: (
        {f.places[name][0] for name in ids} == {eni} and eni not in f.interfaces()
    ),
    r"(eni-\w+) is not attached to an appliance's instance, or does not exist": lambda f, _, eni: (
        eni not in f.interfaces()
    ),
    r"(eni-\w+) is on (i-\w+), which is ([\w-]+)": lambda f, _, eni, instance, state: (
        eni in f.interfaces()
        and (instance, state) in {(a["instance_id"], a["instance_state"]) for a in f.world["appliances"]}
    ),
    r"(\S+) on (eni-\w+) has another Elastic IP, (eipalloc-\w+)(?: \([\d.]+\))?: "
    r"a move would take that one off": (lambda f, _, ip, eni, other: f.places[other] == (eni, ip)),
    r"something else moved it away from \w+ (\d+) times in the last 10 minutes" + _LET_BE: (
        lambda f, ids, times: all(f.meddled.get(name, 0) >= int(times) for name in ids)
    ),
    r"it is at (\S+) of (eni-\w+) again after (\d+) moves in the last 10 minutes" + _LET_BE: (
        lambda f, ids, ip, eni, times: all(
            f.places[name] == (eni, ip) and f.meddled.get(name, 0) >= int(times) for name in ids
        )
    ),
    r"the tracked prefixes are split: (\w+ owns [\d./]+(?:, \w+ owns [\d./]+)+)": lambda f, _, told: (
        told.split(", ") == [f"{name or 'nobody'} owns {prefix}" for prefix, name in f.owners().items()]
    ),
    r"[ ]\(AWS reports persisted routes\)": lambda f, _: f.persisted,
}
_IDS = re.compile(r"(eipalloc-\w+(?:, eipalloc-\w+)*): ")
_AHEAD = re.compile(rf"(?:^|; ){_IDS.pattern}")
_SEPARATOR = "; "


def untrue(reason: str, facts: Facts) -> list[str]:
    """The clauses of the reason that are not so; from the first that nobody knows on, all the rest."""
    false: list[str] = []
    ids: list[str] = []
    at = 0
    while at < len(reason):
        named = _IDS.match(reason, at)
        if named:
            ids, at = named[1].split(", "), named.end()
        known = ((re.compile(words).match(reason, at), check) for words, check in _CLAUSES.items())
        found, check = next(((m, c) for m, c in known if m), (None, None))
        if found is None or check is None:
            return [*false, reason[at:]]
        if not check(facts, ids, *found.groups()):
            false.append(found.group())
        at = found.end()
        at += len(_SEPARATOR) if reason.startswith(_SEPARATOR, at) else 0
    return false


def unnamed(reason: str, facts: Facts) -> set[str]:
    """The addresses that the reason names and that are where they belong, or the other way round.

    A reason that names none says why nobody knows where the addresses belong, or that all are there.
    """
    named = {name for ids in _AHEAD.findall(reason) for name in ids.split(", ")}
    nobody_knows = not facts.candidates() if facts.override.get("action") is None else True
    return named ^ set(misplaced(facts)) if named or not nobody_knows else set()


def misplaced(facts: Facts) -> list[str]:
    """The declared Elastic IPs that are not with an owner of the route, or with whom they are pinned to."""
    override = facts.override
    wanted = [override["appliance"]] if override.get("action") == "pinned" else facts.candidates()
    return [
        spec.allocation_id
        for spec in facts.group.elastic_ips
        if facts.places[spec.allocation_id]
        not in [(t.network_interface_id, t.private_ip) for name, t in spec.targets.items() if name in wanted]
    ]
