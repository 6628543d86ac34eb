"""A topology document of any shape, read as far as it goes: what cross-checks work on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Keys = list[str | int]


@dataclass(frozen=True, slots=True)
class Claim:
    """Holds a value at a place in the document; `owner` is the appliance that it stands under, if any."""

    keys: Keys
    value: str
    owner: str | None = None


def mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def text_or_empty(value: object) -> str:
    """Returns the text, or an empty one for what is none: empty texts claim nothing."""
    return value if isinstance(value, str) else ""


def server(root: dict[str, Any]) -> dict[str, Any]:
    return mapping(root.get("route_server"))


def declared_endpoints(root: dict[str, Any]) -> dict[str, Any]:
    return mapping(server(root).get("endpoints"))


def appliances(root: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: mapping(spec) for name, spec in mapping(root.get("appliances")).items()}


def declared_peers(root: dict[str, Any]) -> Iterator[tuple[str, Claim]]:
    """Each session's endpoint name and the address that it claims for its appliance."""
    for name, appliance in appliances(root).items():
        for endpoint, address in mapping(appliance.get("peers")).items():
            yield endpoint, Claim(["appliances", name, "peers", endpoint], text_or_empty(address), name)


def declared_addresses(root: dict[str, Any]) -> Iterator[Claim]:
    """Yields every address that means an appliance: of its sessions and its declared next hops."""
    for _, claim in declared_peers(root):
        yield claim
    for name, appliance in appliances(root).items():
        for index, address in enumerate(sequence(appliance.get("next_hops"))):
            yield Claim(["appliances", name, "next_hops", index], text_or_empty(address), name)


def declared_groups(root: dict[str, Any]) -> Iterator[tuple[Keys, dict[str, Any]]]:
    for index, group in enumerate(sequence(root.get("groups"))):
        yield ["groups", index], mapping(group)


def prefixes(root: dict[str, Any]) -> Iterator[Claim]:
    """Yields every tracked prefix, once a group."""
    for keys, group in declared_groups(root):
        tracked: set[str] = set()
        for index, prefix in enumerate(map(text_or_empty, sequence(group.get("prefixes")))):
            if prefix and prefix not in tracked:
                yield Claim([*keys, "prefixes", index], prefix)
            tracked.add(prefix)


def declared_elastic_ips(root: dict[str, Any]) -> Iterator[tuple[Keys, dict[str, Any]]]:
    for keys, group in declared_groups(root):
        for index, address in enumerate(sequence(group.get("elastic_ips"))):
            yield [*keys, "elastic_ips", index], mapping(address)


def declared_targets(root: dict[str, Any]) -> Iterator[tuple[Keys, str, dict[str, Any]]]:
    """Yields every target with the name of its appliance."""
    for keys, address in declared_elastic_ips(root):
        for name, target in mapping(address.get("targets")).items():
            yield [*keys, "targets", name], name, mapping(target)
