"""The generated parts of docs/topology.md: `python -m tests.topology_reference` writes them anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tandem.topology.document import parse_topology
from tandem.topology.inventory import Inventory
from tandem.topology.problems import Problem
from tandem.topology.shape import normalise, topology_schema, validate
from tandem.topology.worldchecks import worldcheck
from tandem.words.provisioning import said
from tests.topologies import document, inventory, set_at

PAGE = Path(__file__).parents[1] / "docs" / "topology.md"
ENI, EIP = "eni-0a1b2c3d4e5f60002", "eipalloc-0a1b2c3d4e5f60001"

MISTAKES: dict[str, tuple[str, object]] = {
    "A property is misspelled": ("moed", "enforce"),
    "A prefix has bits beyond its length": ("groups.0.prefixes.0", "10.0.0.1/8"),
    "An ARN stands where an ID belongs": (
        "route_server.id",
        "arn:aws:ec2:us-east-1:123456789012:route-server/rs-0a1b2c3d4e5f60001",
    ),
    "Nothing says which route server to watch": ("route_server.id", ...),
    "A peer names an endpoint that there is not": ("appliances.fw1.peers.az3-a", "10.0.1.10"),
    "An appliance has no target": ("groups.0.elastic_ips.0.targets.fw2", ...),
    "An appliance has the route server's ASN": ("appliances.fw2.asn", 65000),
    "A waiver names a rule that there is not": (
        "waivers",
        [{"rule": "failback-want", "resource": "0.0.0.0/0", "reason": "as meant", "until": "2027-06-30"}],
    ),
    "One Elastic IP stands there twice": ("groups.0.elastic_ips.1.allocation_id", EIP),
}


def worlds() -> dict[str, tuple[Inventory, dict[str, Any]]]:
    """Mistakes that only AWS shows."""
    world, root = inventory(), document()
    interface = world.interfaces[ENI]
    untagged = {**world.interfaces, ENI: replace(interface, tags=())}
    occupied = tuple(
        replace(own, public_ip="198.51.100.7", allocation_id="eipalloc-0fffffffffffffff1")
        if own.private_ip == "10.0.2.20"
        else own
        for own in interface.addresses
    )
    taken = {**world.interfaces, ENI: replace(interface, addresses=occupied)}
    return {
        "The route server is of another Region or account": (
            replace(world, reading=None, vpc_ids=(), propagated_to=(), route_server_ids=()),
            set_at(root, "route_server.propagate_to", []),
        ),
        "The owner's tag is missing": (replace(world, interfaces=untagged), root),
        "The private IP is not on the interface": (
            world,
            set_at(root, "groups.0.elastic_ips.0.targets.fw1.private_ip", "10.0.1.99"),
        ),
        "The target has another Elastic IP": (replace(world, interfaces=taken), root),
        "The default route is propagated into the firewalls' own subnet": (
            replace(world, propagated_to=(*world.propagated_to, "rtb-0a1b2c3d4e5f60009")),
            root,
        ),
    }


def page(text: str) -> str:
    """Returns the page with its generated parts made anew."""
    for name, lines in (("properties", properties()), ("mistakes", mistakes())):
        body = "\n".join(lines)
        text = re.sub(
            rf"(<!-- {name}: generated -->\n).*?(<!-- end -->)",
            lambda found, body=body: f"{found[1]}{body}\n{found[2]}",  # type: ignore[misc]
            text,
            flags=re.DOTALL,
        )
    return text


def properties() -> Iterator[str]:
    yield "| property | value | default | meaning |"
    yield "|---|---|---|---|"
    for path, node, is_required in _properties(topology_schema(), ""):
        default = "required" if is_required else _default(node)
        yield f"| `{path}` | {_resolved(node)['title']} | {default} | {node.get('description', '')} |"


def mistakes() -> Iterator[str]:
    yield "| mistake | where | what Tandem says | what would be right |"
    yield "|---|---|---|---|"
    for words, (where, value) in MISTAKES.items():
        yield _row(words, validate(set_at(document(), where, value)))
    for words, (world, root) in worlds().items():
        yield _row(words, worldcheck(parse_topology(normalise(root)), world, ()))


def _row(words: str, problems: list[Problem]) -> str:
    problem = said(problems[0])
    return f"| {words} | `{problem.path}` | {problem.what} | {problem.right} |"


def _properties(node: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Yields every property, depth first, with `<name>` for names of the user's choice."""
    resolved = _resolved(node)
    for key, inner in resolved.get("properties", {}).items():
        here = f"{path}.{key}" if path else key
        yield here, inner, key in resolved.get("required", ())
        yield from _properties(inner, here)
    other = resolved.get("additionalProperties")
    if isinstance(other, dict):
        yield from _properties(other, f"{path}.<name>")
    if "items" in resolved:
        yield from _properties(resolved["items"], f"{path}[]")


def _default(node: dict[str, Any]) -> str:
    match node.get("default"):
        case None:
            return "none"
        case bool() as value:
            return f"`{str(value).lower()}`"
        case []:
            return "empty"
        case value:
            return f"`{value}`"


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    name = node.get("$ref", "").removeprefix("#/$defs/")
    return {**topology_schema()["$defs"][name], **node} if name else node


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
