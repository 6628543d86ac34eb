"""Finds every change of a single field of a topology document: it walks the document beside its schema."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tandem.topology.shape import _resolved as resolved
from tandem.topology.shape import topology_schema

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Change:
    """A document that differs in one field, and the words that tell which."""

    what: str
    document: dict[str, Any]


@dataclass(frozen=True)
class Others:
    """Other valid values that the world has for a field."""

    subnets: tuple[str, ...]
    tables: tuple[str, ...]
    vpcs: tuple[str, ...]
    instances: tuple[str, ...]
    interfaces: tuple[str, ...]
    addresses: Mapping[str, tuple[str, ...]]
    """Appliance to further addresses of its interface."""
    allocations: tuple[str, ...] = ()
    route_servers: tuple[str, ...] = ()

    def of(self, path: Path, value: object) -> Iterator[object]:
        """Other values for the field: what is there, then what is nowhere."""
        node = node_at(path)
        kind = str(node.get("pattern", "")).lstrip("^").partition("-")[0]
        known = {
            "subnet": self.subnets,
            "rtb": self.tables,
            "vpc": self.vpcs,
            "i": self.instances,
            "eni": self.interfaces,
            "eipalloc": self.allocations,
            "rs": self.route_servers,
        }
        if kind in known and "[0-9a-f]" in node["pattern"]:
            yield from [other for other in known[kind] if other != value][:2]
            yield f"{kind}-00000000"
        elif node.get("format") in ("ipv4", "address"):
            mine = self.addresses.get(owner_of(path), ())
            theirs = [a for name, found in self.addresses.items() if name != owner_of(path) for a in found]
            yield from [a for a in (*mine, *theirs[:1], "192.0.2.1") if a != value]
        elif node.get("format") == "prefix":
            yield from (p for p in ("10.20.0.0/16", "2001:db8::/32") if p != value)
        elif "enum" in node:
            yield from (other for other in node["enum"] if other != value)
        elif node.get("type") == "boolean":
            yield not value
        elif "anyOf" in node:
            yield from (other for other in ("disable", 1, 5) if other != value)
        elif node.get("type") == "integer":
            yield (value + 1 if isinstance(value, int) else 65000) if path != ("tandem",) else 2
        elif node.get("type") == "string":
            yield "another"


def owner_of(path: Path) -> str:
    """Returns the appliance that a field speaks of."""
    if path[0] == "appliances":
        return str(path[1])
    return str(path[path.index("targets") + 1]) if "targets" in path else ""


def node_at(path: Path) -> dict[str, Any]:
    """Returns the schema of the field at a path."""
    node: dict[str, Any] = topology_schema()
    for key in path:
        if isinstance(key, int):
            node = node["items"]
        else:
            node = node.get("properties", {}).get(key) or node["additionalProperties"]
        node = resolved(node)
    return node


def changes(document: dict[str, Any], others: Others) -> Iterator[Change]:
    """Yields scalars with other values; optional fields and entries removed or added; entries renamed."""
    found = {change.what: change for change in _changes(document, others)}
    yield from (change for change in found.values() if change.document != document)


def _changes(document: dict[str, Any], others: Others) -> Iterator[Change]:
    """One after the other, some of them twice."""
    for path, value in walk(document):
        named = ".".join(map(str, path))
        match value:
            case dict():
                yield from of_mapping(document, path, value, others)
            case list():
                yield from of_list(document, path, value, others)
            case _:
                for other in others.of(path, value):
                    yield Change(f"{named} = {other}", at(document, path, other))


def walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yields every field, the document itself first."""
    yield path, value
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from walk(inner, (*path, key))


def of_mapping(
    document: dict[str, Any], path: Path, value: dict[str, Any], others: Others
) -> Iterator[Change]:
    node, named = node_at(path) if path else topology_schema(), ".".join(map(str, path))
    for key in value:
        yield Change(f"- {named}.{key}", at(document, (*path, key), ...))
    for key in node.get("properties", {}).keys() - value.keys():
        for other in others_for(document, (*path, key), others):
            yield Change(f"+ {named}.{key} = {other}", at(document, (*path, key), other))
    if "propertyNames" in node:
        yield from of_entries(document, path, value, others)


def of_entries(
    document: dict[str, Any], path: Path, value: dict[str, Any], others: Others
) -> Iterator[Change]:
    """Of a mapping whose names are the user's."""
    named = ".".join(map(str, path))
    for key, inner in value.items():
        renamed = {("another" if k == key else k): v for k, v in value.items()}
        yield Change(f"{named}.{key} renamed", at(document, path, renamed))
        if path in NAMED_BY:
            yield Change(f"- {named}.{key} and where it is named", follow(document, path, key, None))
            yield Change(f"{named}.{key} renamed throughout", follow(document, path, key, "another"))
        for other in others_for(document, (*path, key), others, inner):
            yield Change(f"+ {named}.another = {other}", at(document, (*path, "another"), other))
    if path[-1:] == ("peers",):
        for endpoint in document["route_server"]["endpoints"].keys() - value.keys():
            address = next(iter(value.values()))
            yield Change(f"+ {named}.{endpoint}", at(document, (*path, endpoint), address))
    if len(value) > 1:
        yield Change(f"{named} in another order", at(document, path, dict(reversed(value.items()))))


def of_list(document: dict[str, Any], path: Path, value: list[Any], others: Others) -> Iterator[Change]:
    named = ".".join(map(str, path))
    for index in range(len(value)):
        yield Change(f"- {named}.{index}", at(document, path, value[:index] + value[index + 1 :]))
    if len(value) > 1:
        yield Change(f"{named} in another order", at(document, path, value[::-1]))
    for other in others_for(document, (*path, 0), others, value[0] if value else None):
        yield Change(f"+ {named} = {other}", at(document, path, [*value, other]))


def others_for(document: dict[str, Any], path: Path, others: Others, like: Any = None) -> Iterator[Any]:
    """Values for a field that is not there yet; an entry is made like one that is."""
    node = node_at(path)
    match node.get("type"):
        case "object" if path[0] == "appliances":
            yield {**like, "instance_id": "i-00000000"}
            yield {"asn": 64999, "peers": dict(like["peers"])}
        case "object" if path[0] == "groups" and "elastic_ips" in path:
            yield {**like, "allocation_id": "eipalloc-00000000"} if "allocation_id" in like else dict(like)
        case "object":
            yield {"name": "another", "prefixes": ["10.20.0.0/16"]}
        case "array" if path[-1] == "allowed_prefixes":
            yield [p for group in document["groups"] for p in group["prefixes"]]
            yield ["10.20.0.0/16"]
        case "array" if path[-1] == "elastic_ips":
            yield []
        case "array" if path[-1] == "waivers":
            yield [{"rule": "one-mover", "resource": "another", "reason": "a drill", "until": "2027-06-30"}]
        case "array":
            yield [next(iter(others.of((*path, 0), None)))]
        case _:
            yield from others.of(path, like)


def follow(document: dict[str, Any], path: Path, old: str, new: str | None) -> dict[str, Any]:
    """With an entry renamed, or removed, wherever it is named."""
    made = copy.deepcopy(document)
    for mapping in NAMED_BY[path](made):
        if old in mapping:
            entries = [(new if key == old else key, value) for key, value in mapping.items()]
            mapping.clear()
            mapping.update((key, value) for key, value in entries if key is not None)
    return made


NAMED_BY: dict[Path, Callable[[dict[str, Any]], list[dict[str, Any]]]] = {
    ("route_server", "endpoints"): lambda d: [
        d["route_server"]["endpoints"],
        *(appliance["peers"] for appliance in d["appliances"].values()),
    ],
    ("appliances",): lambda d: [
        d["appliances"],
        *(e["targets"] for group in d["groups"] for e in group.get("elastic_ips", ())),
    ],
}


def at(document: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """Returns a copy with another value at a path; `...` removes it."""
    made = copy.deepcopy(document)
    *way, last = path
    parent: Any = made
    for key in way:
        parent = parent[key]
    if value is ...:
        del parent[last]
    else:
        parent[last] = copy.deepcopy(value)
    return made
